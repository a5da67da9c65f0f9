package desk

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/sync/singleflight"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/ip1"
)

// iP1's rules and system defaults (services.md §3).
const (
	SMSLengthMin, SMSLengthMax         = 3, 25
	SMSExpirationMin, SMSExpirationMax = 1, 86400 // seconds
	SMSDefaultLength                   = 5
	SMSDefaultExpiration               = 1200
	SMSDefaultFrom                     = "iP1"
	SMSDefaultLimit                    = 5
	SMSDefaultFormat                   = "{0}"
	smsFromMax                         = 11 // letters and digits (GSM)
	smsFromDigitsMax                   = 15
)

// pageWaits is how long a page that only reads waits for iP1 before it shows
// what was known last.
const pageWaits = 3 * time.Second

// SMSForm is the SMS form and the settings form as typed; blank is unset.
type SMSForm struct {
	Phone, From, MessageFormat, Length, ExpirationTime, NumericOnly string
	ConcurrentLimit                                                 string
	Customer                                                        string // the cuid of whom the code is for; "" is whose number it is
}

// SMSDefaults are what iP1 uses for what is left blank.
type SMSDefaults struct {
	From, MessageFormat       string
	Length, Expiration, Limit int
	NumericOnly               bool
	Account                   bool // they are the account's, as iP1 said; otherwise the system's
}

type smsDefaults struct {
	mu    sync.Mutex
	at    time.Time
	value SMSDefaults
}

// Phone is a number as people and iP1 write it.
type Phone struct {
	E164    string // "+46701234567"
	Pretty  string // "+46 70 123 45 67"
	Country string // region code, "SE"; "" when the number belongs to none
}

// ParsePhone reads a number in any writing, with its country code: "+46 70…",
// "0046…", or digits that start with the country code.
func ParsePhone(text string) (Phone, error) {
	n, err := parsePhone(text)
	if err != nil {
		return Phone{}, err
	}
	return phoneOf(n), nil
}

func parsePhone(text string) (*phonenumbers.PhoneNumber, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, told{"Enter a phone number."}
	case len(text) > 40:
		return nil, told{"That is too long to be a phone number."}
	case strings.HasPrefix(text, "00"):
		text = "+" + text[2:]
	case strings.HasPrefix(text, "0"):
		return nil, told{"Start with + and the country code, such as +46 70 123 45 67."}
	case !strings.HasPrefix(text, "+"):
		text = "+" + text
	}
	n, err := phonenumbers.Parse(text, "")
	// Zeros that are not dialled from abroad go one at a time: without the last of them it has the one E.164 that is counted by.
	for err == nil {
		var bare *phonenumbers.PhoneNumber
		written := phonenumbers.Format(n, phonenumbers.E164)
		if bare, err = phonenumbers.Parse(written, ""); err != nil || phonenumbers.Format(bare, phonenumbers.E164) == written {
			break
		}
		if n = bare; len(phonenumbers.Format(n, phonenumbers.E164)) >= len(written) {
			err = phonenumbers.ErrNotANumber
		}
	}
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return nil, told{"That is not a whole phone number with its country code, such as +46 70 123 45 67."}
	}
	return n, nil
}

func phoneOf(n *phonenumbers.PhoneNumber) Phone {
	// Some countries have a word of their own for an extension, by which nobody else knows one.
	pretty, extension := "", n.GetExtension()
	n.Extension = nil
	if pretty = phonenumbers.Format(n, phonenumbers.INTERNATIONAL); extension != "" {
		pretty += " ext. " + extension
	}
	return Phone{
		E164:    phonenumbers.Format(n, phonenumbers.E164),
		Pretty:  pretty,
		Country: phonenumbers.GetRegionCodeForNumber(n),
	}
}

// errNoSMS is every SMS act's answer when no credentials are configured.
var errNoSMS = &Problem{Kind: Invalid, Title: "SMS is not set up",
	Text: "frontdesk has no credentials for iP1.", Advice: "Ask your operator to set FRONTDESK_IP1_ACCOUNT and FRONTDESK_IP1_KEY, or FRONTDESK_IP1_TOKEN."}

const setupIP1 = "FRONTDESK_IP1_ACCOUNT and FRONTDESK_IP1_KEY, or FRONTDESK_IP1_TOKEN"

// SMS tells whether SMS is set up.
func (d *Desk) SMS() bool { return d.IP1 != nil }

// SendSMS has iP1 make a code and send it. It is sent once and never again on
// its own: it costs money.
func (d *Desk) SendSMS(ctx context.Context, by Actor, receipt string, in SMSForm) (Answer, error) {
	if err := by.may(store.Manager); err != nil {
		return Answer{}, err
	}
	if !d.SMS() {
		return Answer{}, errNoSMS
	}
	settings, fields := checkSMS(in)
	phone, err := ParsePhone(in.Phone)
	on := audit.Subject{ID: "phone:" + phone.E164, Name: phone.E164}
	if err != nil {
		fields["phone"] = whyOf(err)
	} else if why := d.CountryRefused(phone); why != "" {
		fields["phone"] = why
		d.Deny(ctx, by.Who(), WhatSendSMS, on, why.String())
	}
	if len(fields) > 0 {
		return Answer{}, invalid(fields)
	}
	file, err := d.OnFile(ctx, phone, in.Customer)
	if errors.Is(err, store.ErrNotFound) {
		return Answer{}, &Problem{Kind: Invalid, Title: "There is no such customer", Text: "Nothing was sent.", Advice: "Find the customer, and send the code from their page."}
	}
	if err != nil {
		return Answer{}, err
	}
	known, _ := d.knownSMSDefaults()
	length := known.Length
	set(&length, settings.Length)
	var spent string
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatSendSMS, On: on, Service: "ip1", Receipt: receipt, Note: file.words(),
		Form: []string{in.From, in.MessageFormat, in.Length, in.ExpirationTime, in.NumericOnly, in.Customer},
	}, func(tx *store.Tx, a *act) error {
		// Counted together with the intent, so that two at once do not slip past.
		sends, err := tx.SMSSends(ctx, phone.E164, by.Staff.ID, a.Began.Add(-smsWindow), d.smsMost())
		if err != nil {
			return err
		}
		var over *Problem
		if over, spent = d.overLimit(sends, phone); over != nil {
			return over
		}
		return tx.AddSMSSend(ctx, store.SMSSend{Act: a.ID, Phone: phone.E164, StaffID: by.Staff.ID, CUID: file.For.CUID, At: a.Began})
	})
	if spent != "" {
		d.Deny(ctx, by.Who(), WhatSendSMS, on, spent)
	}
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	sent, callErr := d.IP1.Send(a.Ctx, ip1.Send{
		Phone: phone.E164, From: settings.From, MessageFormat: settings.MessageFormat,
		Length: settings.Length, ExpirationTime: settings.ExpirationTime, NumericOnly: settings.NumericOnly,
	})

	code := store.Code{
		Act: a.ID, IP1ID: sent.ID, Phone: phone.E164, Sender: strings.TrimSpace(in.From), StaffID: by.Staff.ID, StaffName: by.Staff.Name,
		CUID: file.For.CUID, SentAt: a.Began, ExpiresAt: sent.Expires, Expired: sent.HasExpired, Length: length,
	}
	answer := Answer{}
	if callErr != nil {
		answer.Problem = explain(callErr, wording{
			Try: "send the code", On: AsSaid(phone.Pretty), Setup: setupIP1,
			Unknown: "The SMS may have been sent.",
			Then:    "Ask whether it arrived before you send another: each one costs money and takes one of the number's slots.",
		})
	}
	return d.finish(a, answer, callErr, func(tx *store.Tx, answer *Answer) (err error) {
		if callErr == nil || answer.Problem.Kind == Unknown { // sent, or perhaps
			answer.CodeID, err = tx.AddCode(a.Ctx, code)
			return err
		}
		return tx.RemoveSMSSend(a.Ctx, a.ID)
	}, func(tx *store.Tx, _ int64) error {
		result := audit.Done
		switch {
		case file.For.CUID == "", callErr != nil && answer.Problem.Kind != Unknown:
			return nil
		case callErr != nil:
			result = audit.Unknown
		}
		// On the customer's timeline too: the code's own entries are on the number.
		return tx.Append(a.Ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatAskCaller, On: subject(file.For), Result: result, Detail: file.words(),
		})
	})
}

// VerifySMS asks iP1 whether a code is the one that was sent. A right code is
// used up, and when it is for a customer, proves their caller for ProofHolds;
// one that is short enough to be guessed proves nothing.
func (d *Desk) VerifySMS(ctx context.Context, by Actor, receipt string, id int64, typed string) (Answer, error) {
	if err := by.may(store.Manager); err != nil {
		return Answer{}, err
	}
	if !d.SMS() {
		return Answer{}, errNoSMS
	}
	code, err := d.Store.Code(ctx, id)
	if err != nil {
		return Answer{}, err
	}
	typed = unspaced(typed)
	switch {
	case typed == "":
		return Answer{}, invalid(map[string]Text{"code": "Enter the code that the customer reads out."})
	case len(typed) > 100:
		return Answer{}, invalid(map[string]Text{"code": "That is too long to be a code."})
	}
	file, err := d.OnFileOfCode(ctx, code)
	if err != nil {
		return Answer{}, err
	}
	on := audit.Subject{ID: "phone:" + code.Phone, Name: code.Phone}
	var spent string
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatVerifySMS, On: on, Service: "ip1", Receipt: receipt, Note: file.words(),
		Form: []string{strconv.FormatInt(id, 10), typed},
	}, func(tx *store.Tx, a *act) error {
		// Counted as wrong together with the intent, so that many at once do not slip past.
		tries, err := tx.CodeTries(ctx, code, a.Began.Add(-smsWindow), triesPerNumber)
		if err != nil {
			return err
		}
		var over *Problem
		if over, spent = overTries(tries, a.Began); over != nil {
			return over
		}
		return tx.AddCodeTry(ctx, a.ID, code, a.Began)
	})
	if spent != "" {
		d.Deny(ctx, by.Who(), WhatVerifySMS, on, spent)
	}
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	result, callErr := d.IP1.Validate(a.Ctx, code.Phone, typed)

	answer := Answer{CodeID: id, Valid: result.Valid, CUID: file.For.CUID}
	switch {
	case callErr != nil:
		answer.Problem = explain(callErr, wording{
			Try: "verify the code", On: AsSaid(code.Phone), Setup: setupIP1,
			Unknown: "If the code was right, it may be used up now.",
			Then:    "Look at its status on the code's own page: \"verified\" means that it was right. To mark the caller as verified, send a new one.",
		})
	case !result.Valid:
		answer.Problem = &Problem{Kind: Invalid, Service: serviceNames["ip1"], Title: "That is not the code",
			Text: "iP1 says that it is wrong, used already, or expired.", Advice: "Ask the customer to read it out again, or send a new one.",
			Fields: map[string]Text{"code": "Wrong, used or expired."}}
		callErr = answer.Problem
	}
	short := utf8.RuneCountInString(typed) < SMSProves
	return d.finish(a, answer, callErr, func(tx *store.Tx, answer *Answer) error {
		if callErr == nil || answer.Problem.Kind == Trouble { // right, or not looked at
			if err := tx.RemoveCodeTry(a.Ctx, a.ID); err != nil {
				return err
			}
		}
		if callErr != nil {
			return nil
		}
		now := ip1.Authentication{ID: code.IP1ID, Expires: code.ExpiresAt, IsUsed: true} // iP1 may say no more than "valid"
		if result.Authentication != nil {
			now = *result.Authentication
		}
		if now.ID != code.IP1ID { // what was read out is another code to the same number
			other, err := tx.CodeOfIP1(a.Ctx, now.ID, code.Phone)
			switch {
			case err == nil:
				code, answer.CodeID = other, other.ID
				// It verifies the caller of whom it was sent for, on whosever page it was typed.
				if file, err = d.OnFileOfCode(a.Ctx, other); err != nil {
					return err
				}
				answer.CUID, a.Note = file.For.CUID, file.words()
			case !errors.Is(err, store.ErrNotFound):
				return err
			case code.IP1ID == 0:
				code.IP1ID = now.ID // so this is the one whose sending got no answer
			default:
				// Sent elsewhere: it proves the number, but no row and no customer of ours.
				file, answer.CUID, a.Note = OnFile{}, "", "the code is none that frontdesk sent"
				return nil
			}
		}
		if short = short || TooShort(code.Length) != ""; short {
			a.Note = file.words() + "; the code is too short to verify a caller"
		}
		if code.CUID == "" { // whose number it was not plain when it was sent
			code.CUID = file.For.CUID
		}
		return tx.UpdateCode(a.Ctx, merge(code, now, d.Now()))
	}, func(tx *store.Tx, entry int64) error {
		if callErr != nil || file.For.CUID == "" || short {
			return nil
		}
		if err := tx.Append(a.Ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatCaller, On: subject(file.For), Result: audit.Done, Detail: file.words(), Evidence: entry,
		}); err != nil {
			return err
		}
		return tx.AddProof(a.Ctx, store.Proof{
			CUID: file.For.CUID, Phone: code.Phone, StaffID: by.Staff.ID, StaffName: by.Staff.Name, EntryID: entry, OnFile: file.State(), At: d.Now(),
		})
	})
}

// RefreshSMS asks iP1 how a code stands, and returns the row as it is then.
// When iP1 cannot say, the row comes back as it was, with the problem.
func (d *Desk) RefreshSMS(ctx context.Context, id int64) (store.Code, error) {
	code, err := d.Store.Code(ctx, id)
	if err != nil || !d.SMS() || code.IP1ID == 0 {
		return code, err
	}
	now, err := d.IP1.Get(ctx, code.IP1ID)
	if err != nil {
		return code, explain(err, wording{Try: "look the code up", On: "this code", Setup: setupIP1})
	}
	code = merge(code, now, d.Now())
	return code, d.Store.Write(ctx, func(tx *store.Tx) error { return tx.UpdateCode(ctx, code) })
}

// smsListGood is for how long iP1's list does for everybody who looks: it has each code
// that was ever sent, and is the longer to read.
const smsListGood = 10 * time.Second

// smsLists are iP1's list as it was last read, and who waits for it now.
type smsLists struct {
	asked singleflight.Group
	last  atomic.Pointer[smsList]
}

// smsList is what iP1's list said of the codes that it was read for.
type smsList struct {
	at   time.Time // before it was asked for
	said map[int64]ip1.Authentication
}

// RefreshAllSMS brings the codes sent lately in line with iP1's list, which is asked for
// when the last one is older than smsListGood.
func (d *Desk) RefreshAllSMS(ctx context.Context, codes []store.Code) ([]store.Code, error) {
	if !d.SMS() {
		return codes, nil
	}
	list := d.goodSMSList()
	if list == nil {
		read, err, _ := d.lists.asked.Do("", func() (any, error) { return d.readSMSList(context.WithoutCancel(ctx), codes) })
		if err != nil {
			return codes, explain(err, wording{Try: "list the codes", On: "the list", Setup: setupIP1})
		}
		list = read.(*smsList)
	}
	out := slices.Clone(codes)
	var told []store.Code
	for i, c := range codes {
		a, ok := list.said[c.IP1ID]
		if !ok || c.IP1ID == 0 || list.at.Before(c.CheckedAt) {
			continue
		}
		if out[i] = merge(c, a, list.at); out[i] != c {
			told = append(told, out[i])
		}
	}
	if len(told) == 0 {
		return out, nil
	}
	return out, d.Store.Write(ctx, func(tx *store.Tx) error {
		for _, c := range told {
			if err := tx.UpdateCode(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// goodSMSList is the list that was read last; nil when that was too long ago.
func (d *Desk) goodSMSList() *smsList {
	list := d.lists.last.Load()
	if list == nil || d.Now().Sub(list.at) >= smsListGood {
		return nil
	}
	return list
}

// readSMSList asks iP1 for its list, and keeps what it says of codes.
func (d *Desk) readSMSList(ctx context.Context, codes []store.Code) (*smsList, error) {
	if list := d.goodSMSList(); list != nil { // somebody else has just read it
		return list, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pageWaits)
	defer cancel()
	list := &smsList{at: d.Now().Truncate(time.Millisecond).UTC(), said: make(map[int64]ip1.Authentication, len(codes))} // as the database has times
	all, err := d.IP1.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if slices.ContainsFunc(codes, func(c store.Code) bool { return c.IP1ID == a.ID }) {
			list.said[a.ID] = a
		}
	}
	d.lists.last.Store(list)
	return list, nil
}

// merge brings a row in line with what iP1 says of it. An ID that now belongs to
// another number (another account was configured) says nothing of this row.
func merge(c store.Code, a ip1.Authentication, now time.Time) store.Code {
	if !samePhone(c.Phone, a.Phone) {
		return c
	}
	if !a.Expires.IsZero() {
		c.ExpiresAt = a.Expires
	}
	c.Expired, c.CheckedAt = a.HasExpired, now
	if a.Used != nil {
		c.UsedAt = *a.Used
	} else if a.IsUsed && c.UsedAt.IsZero() {
		c.UsedAt = now
	}
	return c
}

// samePhone tells whether a number in E.164 is the one that iP1 wrote, with or
// without its country code and however spaced; "" is no other number.
func samePhone(e164, written string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, written)
	return strings.HasSuffix(e164, strings.TrimLeft(digits, "0"))
}

// SMSDefaults returns what iP1 uses for what is left blank: the account's
// settings, asked for at most every five minutes, or else the system's.
func (d *Desk) SMSDefaults(ctx context.Context) SMSDefaults {
	system := SMSDefaults{From: SMSDefaultFrom, MessageFormat: SMSDefaultFormat, Length: SMSDefaultLength, Expiration: SMSDefaultExpiration, Limit: SMSDefaultLimit}
	if !d.SMS() {
		return system
	}
	d.defaults.mu.Lock()
	defer d.defaults.mu.Unlock()
	if d.Now().Sub(d.defaults.at) < 5*time.Minute {
		return d.defaults.value
	}
	// Whoever asks first asks for everybody, also when they leave meanwhile.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageWaits)
	defer cancel()
	s, err := d.IP1.Settings(asking)
	d.defaults.at = d.Now()
	if err != nil {
		if !d.defaults.value.Account {
			d.defaults.value = system
		}
		return d.defaults.value
	}
	d.defaults.value = effective(system, s)
	return d.defaults.value
}

// knownSMSDefaults is SMSDefaults without asking iP1, since an act makes one call
// and typing none; false, and nothing, when they are not known.
func (d *Desk) knownSMSDefaults() (SMSDefaults, bool) {
	if !d.defaults.mu.TryLock() { // a page is asking, which nobody waits for here
		return SMSDefaults{}, false
	}
	defer d.defaults.mu.Unlock()
	if d.defaults.at.IsZero() {
		return SMSDefaults{}, false
	}
	return d.defaults.value, true
}

func effective(v SMSDefaults, s ip1.Settings) SMSDefaults {
	v.Account = true
	set(&v.From, s.From)
	set(&v.MessageFormat, s.MessageFormat)
	set(&v.Length, s.Length)
	set(&v.Expiration, s.ExpirationTime)
	set(&v.Limit, s.ConcurrentLimit)
	set(&v.NumericOnly, s.NumericOnly)
	return v
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// SMSSettings asks iP1 for the account's defaults, as a form.
func (d *Desk) SMSSettings(ctx context.Context) (SMSForm, error) {
	if !d.SMS() {
		return SMSForm{}, errNoSMS
	}
	s, err := d.IP1.Settings(ctx)
	if err != nil {
		return SMSForm{}, explain(err, wording{Try: "read the account's defaults", On: "this account", Setup: setupIP1})
	}
	return settingsForm(s), nil
}

func settingsForm(s ip1.Settings) SMSForm {
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	f := SMSForm{Length: number(s.Length), ExpirationTime: number(s.ExpirationTime), ConcurrentLimit: number(s.ConcurrentLimit)}
	set(&f.From, s.From)
	set(&f.MessageFormat, s.MessageFormat)
	if s.NumericOnly != nil {
		f.NumericOnly = strconv.FormatBool(*s.NumericOnly)
	}
	return f
}

// PutSMSSettings changes the account's defaults; blank unsets.
func (d *Desk) PutSMSSettings(ctx context.Context, by Actor, receipt string, in SMSForm) (Answer, error) {
	if err := by.may(store.Admin); err != nil {
		return Answer{}, err
	}
	if !d.SMS() {
		return Answer{}, errNoSMS
	}
	settings, fields := checkSMS(in)
	if limit := strings.TrimSpace(in.ConcurrentLimit); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > 1000 {
			fields["concurrent_limit"] = "A whole number from 1 to 1000, or blank."
		}
		settings.ConcurrentLimit = &n
	}
	if len(fields) > 0 {
		return Answer{}, invalid(fields)
	}
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatSMSSettings, On: audit.Subject{ID: "ip1:settings", Name: "SMS defaults"}, Service: "ip1", Receipt: receipt,
		Form: []string{in.From, in.MessageFormat, in.Length, in.ExpirationTime, in.NumericOnly, in.ConcurrentLimit},
	}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	now, callErr := d.IP1.PutSettings(a.Ctx, settings)

	answer := Answer{Message: AsSaid(describeSettings(settingsForm(now)))}
	if callErr != nil {
		answer = Answer{Problem: explain(callErr, wording{
			Try: "change the defaults", On: "this account", Setup: setupIP1,
			Unknown: "The defaults may have been changed.", Then: "Open this page again: it shows what iP1 has now.",
		})}
	}
	d.defaults.mu.Lock()
	d.defaults.at = time.Time{} // asked for anew
	d.defaults.mu.Unlock()
	return d.finish(a, answer, callErr, nil)
}

func describeSettings(f SMSForm) string {
	var parts []string
	for _, p := range [][2]string{{"from", f.From}, {"format", f.MessageFormat}, {"length", f.Length}, {"expiration", f.ExpirationTime},
		{"numeric only", f.NumericOnly}, {"concurrent limit", f.ConcurrentLimit}} {
		if p[1] == "" {
			p[1] = "unset"
		}
		parts = append(parts, p[0]+" "+p[1])
	}
	return strings.Join(parts, ", ")
}

// checkSMS reads what both forms share; only what was filled in is set.
func checkSMS(in SMSForm) (ip1.Settings, map[string]Text) {
	fields := map[string]Text{}
	var s ip1.Settings
	if from := strings.TrimSpace(in.From); from != "" {
		s.From = &from
		switch {
		case digitsOnly(strings.TrimPrefix(from, "+")):
			if len(strings.TrimPrefix(from, "+")) > smsFromDigitsMax {
				fields["from"] = "A sender number has at most 15 digits."
			}
		case utf8.RuneCountInString(from) > smsFromMax:
			fields["from"] = "A sender name has at most 11 characters."
		}
	}
	if format := in.MessageFormat; strings.TrimSpace(format) != "" {
		s.MessageFormat = &format
		switch {
		case !strings.Contains(format, "{0}"):
			fields["message_format"] = "The message must contain {0}, which becomes the code."
		case utf8.RuneCountInString(format) > 1000:
			fields["message_format"] = "At most 1,000 characters."
		}
	}
	number := func(name, text string, least, most int) *int {
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			fields[name] = Say("A whole number from %s to %s, or blank.", least, most)
			return nil
		}
		return &n
	}
	s.Length = number("length", in.Length, SMSLengthMin, SMSLengthMax)
	s.ExpirationTime = number("expiration_time", in.ExpirationTime, SMSExpirationMin, SMSExpirationMax)
	switch in.NumericOnly {
	case "":
	case "true", "on", "1", "yes":
		yes := true
		s.NumericOnly = &yes
	case "false", "off", "0", "no":
		no := false
		s.NumericOnly = &no
	default:
		fields["numeric_only"] = "Yes, no, or the account's default."
	}
	return s, fields
}
