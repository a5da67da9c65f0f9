package desk

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/ip1"
)

func TestParsePhone(t *testing.T) {
	for _, tt := range []struct{ text, e164, country string }{ // "" is refused
		{"+46701234567", "+46701234567", "SE"},
		{" +46 70-123 45 67\n", "+46701234567", "SE"},
		{"+46 (0)70 123 45 67", "+46701234567", "SE"},
		{"0046 70 123 45 67", "+46701234567", "SE"},
		{"46701234567", "+46701234567", "SE"},
		{"+1 (415) 555-2671", "+14155552671", "US"},
		{"+1 604 555 0100", "+16045550100", "CA"},
		{"+44 20 7946 0958", "+442079460958", "GB"},
		{"", "", ""},
		{"   ", "", ""},
		{"070-123 45 67", "", ""}, // whose country?
		{"+", "", ""},
		{"00", "", ""},
		{"+46", "", ""},
		{"+46 70", "", ""},
		{"+999 123 456 789", "", ""},
		{"+4670123456789012345", "", ""},
		{"ana@example.com", "", ""},
		{strings.Repeat("+46701234567 ", 4), "", ""},
	} {
		got, err := ParsePhone(tt.text)
		if got.E164 != tt.e164 || got.Country != tt.country || (err == nil) != (tt.e164 != "") {
			t.Errorf("%q: %+v, %v; want %s %s", tt.text, got, err, tt.e164, tt.country)
		}
		if err == nil && (!strings.HasPrefix(got.Pretty, "+") || !strings.Contains(got.Pretty, " ")) {
			t.Errorf("%q is written %q", tt.text, got.Pretty)
		}
	}
}

func TestWhatAnSMSFormMaySay(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name  string
		in    SMSForm
		field string // "" passes
	}{
		{"nothing but a phone", SMSForm{}, ""},
		{"a number that is none", SMSForm{Phone: "12"}, "phone"},
		{"a name of 11", SMSForm{From: "ÅngströmABC"}, ""},
		{"a name of 12", SMSForm{From: "ÅngströmABCD"}, "from"},
		{"a sender of 15 digits", SMSForm{From: "+123456789012345"}, ""},
		{"a sender of 16 digits", SMSForm{From: "1234567890123456"}, "from"},
		{"a format without {0}", SMSForm{MessageFormat: "Your code"}, "message_format"},
		{"a format of 1,000", SMSForm{MessageFormat: "{0}" + strings.Repeat("å", 997)}, ""},
		{"a format of 1,001", SMSForm{MessageFormat: "{0}" + strings.Repeat("å", 998)}, "message_format"},
		{"length 2", SMSForm{Length: "2"}, "length"},
		{"length 3", SMSForm{Length: " 3 "}, ""},
		{"length 25", SMSForm{Length: "25"}, ""},
		{"length 26", SMSForm{Length: "26"}, "length"},
		{"length five", SMSForm{Length: "five"}, "length"},
		{"length 5.0", SMSForm{Length: "5.0"}, "length"},
		{"length beyond an int", SMSForm{Length: "99999999999999999999"}, "length"},
		{"expires in 0", SMSForm{ExpirationTime: "0"}, "expiration_time"},
		{"expires in 1", SMSForm{ExpirationTime: "1"}, ""},
		{"expires in 86400", SMSForm{ExpirationTime: "86400"}, ""},
		{"expires in 86401", SMSForm{ExpirationTime: "86401"}, "expiration_time"},
		{"numeric: true", SMSForm{NumericOnly: "true"}, ""},
		{"numeric: off", SMSForm{NumericOnly: "off"}, ""},
		{"numeric: perhaps", SMSForm{NumericOnly: "perhaps"}, "numeric_only"},
		{"limit 0", SMSForm{ConcurrentLimit: "0"}, "concurrent_limit"},
		{"limit 1", SMSForm{ConcurrentLimit: "1"}, ""},
		{"limit 1001", SMSForm{ConcurrentLimit: "1001"}, "concurrent_limit"},
		{"limit many", SMSForm{ConcurrentLimit: "many"}, "concurrent_limit"},
	} {
		sendOnly, settingsOnly := tt.in.Phone != "", tt.in.ConcurrentLimit != ""
		in := tt.in
		if in.Phone == "" {
			in.Phone = r.phone()
		}
		forms := map[string]func() error{}
		if !settingsOnly {
			forms["send"] = func() error { _, err := r.SendSMS(ctx, r.mia, tt.name, in); return err }
		}
		if !sendOnly {
			forms["settings"] = func() error { _, err := r.PutSMSSettings(ctx, r.alice, tt.name, in); return err }
		}
		for name, send := range forms {
			calls := len(r.calls())
			err := send()
			if tt.field == "" {
				if err != nil || len(r.calls()) != calls+1 {
					t.Errorf("%s, %s: %v, %v", name, tt.name, err, r.calls()[calls:])
				}
				continue
			}
			if p := r.problem(err); p.Kind != Invalid || len(p.Fields) != 1 || p.Fields[tt.field] == "" || len(r.calls()) != calls {
				t.Errorf("%s, %s: %+v, %v; want a message at %s", name, tt.name, p, r.calls()[calls:], tt.field)
			}
		}
	}
}

// Only what the person set is sent: the rest falls back to the account's
// settings at iP1, which blank does not override.
func TestOnlyWhatWasSetIsSent(t *testing.T) {
	r := newRig(t)
	var body map[string]any
	d := r.desk(r.Store, r.server.URL, call.Limits{})
	server := r.fake(func(w http.ResponseWriter, req *http.Request) {
		body = nil
		b, _ := io.ReadAll(req.Body)
		_ = json.Unmarshal(b, &body)
		w.Write([]byte(`{"ID": 7, "Phone": "+46701234567", "Created": "2026-11-01T09:00:00", "Expires": "2026-11-01T09:20:00.1234567", "HasExpired": false, "IsUsed": false}`))
	})
	d.IP1 = ip1.New(server, ip1.Credentials{Account: "a", Key: "k"}, call.New("ip1", call.Limits{}, d.Stats))
	a := r.must(d.SendSMS(ctx, r.mia, "1", SMSForm{Phone: "+46701234567", From: " ", Length: " "}))
	if len(body) != 1 || body["Phone"] != "+46701234567" {
		t.Errorf("sent %v", body)
	}
	if c, err := r.Store.Code(ctx, a.CodeID); err != nil || c.IP1ID != 7 || !c.ExpiresAt.Equal(time.Date(2026, 11, 1, 9, 20, 0, 123e6, time.UTC)) || c.StaffName != r.mia.Staff.Name {
		t.Errorf("stored %+v, %v", c, err)
	}
	r.must(d.SendSMS(ctx, r.mia, "2", SMSForm{Phone: "+46701234567", From: "Us", MessageFormat: " Code {0} ", Length: "6", ExpirationTime: "60", NumericOnly: "false"}))
	if len(body) != 6 || body["From"] != "Us" || body["MessageFormat"] != " Code {0} " || body["Length"] != 6.0 || body["ExpirationTime"] != 60.0 || body["NumericOnly"] != false {
		t.Errorf("sent %v", body)
	}
}

func TestVerifyAndRefreshSMS(t *testing.T) {
	r := newRig(t)
	phone := r.phone()
	sent := r.must(r.SendSMS(ctx, r.mia, "send", SMSForm{Phone: phone, ExpirationTime: "60"}))
	right := r.delivered()
	for i, typed := range []string{"", strings.Repeat("x", 101)} {
		calls := len(r.calls())
		_, err := r.VerifySMS(ctx, r.mia, "v", sent.CodeID, typed)
		if p := r.problem(err); p.Fields["code"] == "" || len(r.calls()) != calls {
			t.Errorf("typed %d: %+v", i, p)
		}
	}
	wrong, err := r.VerifySMS(ctx, r.mia, "v", sent.CodeID, "WRONG-CODE")
	if p := r.problem(err); p.Status() != 422 || p.Fields["code"] == "" || wrong.Valid {
		t.Errorf("wrong: %+v", p)
	}
	if e := r.entries(wrong.Act); len(e) != 2 || e[1].Result != audit.Refused || e[1].Status != 200 || e[1].On.Name != phone {
		t.Errorf("wrong: recorded %+v", e)
	}
	if c, _ := r.Store.Code(ctx, sent.CodeID); !c.UsedAt.IsZero() {
		t.Error("a wrong code used it up")
	}
	r.clock.Add(time.Second)
	ok := r.must(r.VerifySMS(ctx, r.mia, "v", sent.CodeID, " "+right)) // the same receipt: another code typed is another act
	if c, _ := r.Store.Code(ctx, sent.CodeID); !ok.Valid || !c.UsedAt.Equal(r.Now()) {
		t.Errorf("right: %+v, used at %v", ok, c.UsedAt)
	}
	if _, err := r.VerifySMS(ctx, r.mia, "w", sent.CodeID, right); r.problem(err).Kind != Invalid {
		t.Errorf("twice: %v", err)
	}
	if _, err := r.VerifySMS(ctx, r.mia, "w", 999, right); err != store.ErrNotFound {
		t.Errorf("no such code: %v", err)
	}

	other := r.must(r.SendSMS(ctx, r.mia, "send 2", SMSForm{Phone: phone, ExpirationTime: "60"}))
	r.clock.Add(time.Minute)
	for _, id := range []int64{sent.CodeID, other.CodeID} {
		c, err := r.RefreshSMS(ctx, id)
		stored, _ := r.Store.Code(ctx, id)
		if err != nil || c != stored || !c.CheckedAt.Equal(r.Now()) || !c.Expired || c.UsedAt.IsZero() == (id == sent.CodeID) {
			t.Errorf("refreshed %+v, %v; stored %+v", c, err, stored)
		}
	}
	r.clock.Add(time.Minute)
	before, _ := r.Store.RecentCodes(ctx, 10)
	after, err := r.RefreshAllSMS(ctx, before)
	if err != nil || len(after) != 2 || !after[0].CheckedAt.Equal(r.Now()) || after[0].ID != before[0].ID {
		t.Errorf("all: %+v, %v", after, err)
	}
	lists := func() (n int) {
		for _, c := range r.calls() {
			if c == "GET /ip1/api/authentications" {
				n++
			}
		}
		return n
	}
	read := lists()
	r.clock.Add(smsListGood - time.Millisecond)
	if again, err := r.RefreshAllSMS(ctx, after); err != nil || !slices.Equal(again, after) || lists() != read {
		t.Errorf("again within %s: %+v, %v; the list was read %d times more", smsListGood, again, err, lists()-read)
	}
	var readers sync.WaitGroup
	r.clock.Add(time.Millisecond)
	for range 8 {
		readers.Go(func() {
			if all, err := r.RefreshAllSMS(ctx, after); err != nil || len(all) != 2 || !all[0].CheckedAt.Equal(r.Now()) {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
	readers.Wait()
	if n := lists() - read; n != 1 {
		t.Errorf("the list was read %d times more for all together", n)
	}
	r.clock.Add(smsListGood)
	r.control(`{"service": "ip1", "status": 503, "body": "html"}`)
	c, err := r.RefreshSMS(ctx, sent.CodeID)
	if p := r.problem(err); p.Kind != Trouble || p.Service.String() != "iP1" || c.ID != sent.CodeID {
		t.Errorf("iP1 down: %+v, %+v", c, p)
	}
	if all, err := r.RefreshAllSMS(ctx, before); r.problem(err).Kind != Trouble || len(all) != 2 {
		t.Errorf("iP1 down: %+v, %v", all, err)
	}
}

// A code whose sending got no answer is there to be verified, as unknown.
func TestALostSMSIsKeptAsUnknown(t *testing.T) {
	r := newRig(t)
	phone := r.phone()
	r.control(`{"service": "ip1", "lose_answer": true}`)
	answer, err := r.SendSMS(ctx, r.mia, "x", SMSForm{Phone: phone})
	r.control(`{"service": "ip1", "reset_faults": true}`)
	if p := r.problem(err); p.Kind != Unknown || answer.CodeID == 0 {
		t.Fatalf("%+v, %+v", answer, p)
	}
	if c, err := r.Store.Code(ctx, answer.CodeID); err != nil || c.IP1ID != 0 || c.Phone != phone {
		t.Errorf("stored %+v, %v", c, err)
	}
	if c, err := r.RefreshSMS(ctx, answer.CodeID); err != nil || c.IP1ID != 0 {
		t.Errorf("refreshed %+v, %v", c, err)
	}
	if ok := r.must(r.VerifySMS(ctx, r.mia, "y", answer.CodeID, r.delivered())); !ok.Valid {
		t.Error("it was delivered, but does not verify")
	}
	if c, _ := r.Store.Code(ctx, answer.CodeID); c.UsedAt.IsZero() {
		t.Error("verified, but not used")
	}
	// What certainly was not sent leaves no code.
	r.control(`{"service": "ip1", "status": 400}`)
	if answer, err := r.SendSMS(ctx, r.mia, "z", SMSForm{Phone: phone}); err == nil || answer.CodeID != 0 {
		t.Errorf("refused: %+v, %v", answer, err)
	}
}

func TestTooManyActiveCodesIsAboutThePhone(t *testing.T) {
	r := newRig(t)
	phone := r.phone()
	for range 5 {
		r.must(r.SendSMS(ctx, r.mia, store.NewID(), SMSForm{Phone: phone}))
	}
	_, err := r.SendSMS(ctx, r.mia, store.NewID(), SMSForm{Phone: phone})
	if p := r.problem(err); p.Status() != 422 || p.Fields["phone"] == "" || p.Message == "" {
		t.Errorf("the sixth: %+v", p)
	}
	// iP1's own complaints come at the form's fields.
	_, err = r.SendSMS(ctx, r.mia, store.NewID(), SMSForm{Phone: r.phone(), From: "<odd>"})
	if p := r.problem(err); p.Status() != 422 || p.Fields["from"] == "" {
		t.Errorf("an odd sender: %+v", p)
	}
}

func TestSMSSettings(t *testing.T) {
	r := newRig(t)
	if d := r.SMSDefaults(ctx); !d.Account || d.From != SMSDefaultFrom || d.Length != SMSDefaultLength || d.Expiration != SMSDefaultExpiration || d.Limit != SMSDefaultLimit || d.NumericOnly {
		t.Errorf("unset: %+v", d)
	}
	in := SMSForm{From: "Desk", MessageFormat: "Code {0}", Length: "8", ExpirationTime: "300", NumericOnly: "true", ConcurrentLimit: "2"}
	a := r.must(r.PutSMSSettings(ctx, r.alice, "x", in))
	if e := r.entries(a.Act); len(e) != 2 || !strings.Contains(e[1].Detail, "length 8") || !strings.Contains(e[1].Detail, "Code {0}") {
		t.Errorf("recorded %+v", e)
	}
	if got, err := r.SMSSettings(ctx); err != nil || got != in {
		t.Errorf("%+v, %v\nwant %+v", got, err, in)
	}
	want := SMSDefaults{"Desk", "Code {0}", 8, 300, 2, true, true}
	calls := len(r.calls())
	for range 3 { // asked for anew after the change, then remembered
		if got := r.SMSDefaults(ctx); got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	if n := len(r.calls()) - calls; n != 1 {
		t.Errorf("%d calls", n)
	}
	r.control(`{"service": "ip1", "status": 503}`)
	r.clock.Add(6 * time.Minute)
	if got := r.SMSDefaults(ctx); got != want {
		t.Errorf("iP1 down: %+v, want what was known", got)
	}
	r.control(`{"service": "ip1", "reset_faults": true}`)
	r.must(r.PutSMSSettings(ctx, r.alice, "y", SMSForm{Length: "4"})) // blank unsets
	if got, err := r.SMSSettings(ctx); err != nil || got != (SMSForm{Length: "4"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSMSThatIsNotSetUp(t *testing.T) {
	r := newRig(t)
	d := r.desk(r.Store, r.server.URL, call.Limits{})
	d.IP1 = nil
	for name, run := range map[string]func() error{
		"send":     func() error { _, err := d.SendSMS(ctx, r.mia, "", SMSForm{Phone: r.phone()}); return err },
		"verify":   func() error { _, err := d.VerifySMS(ctx, r.mia, "", 1, "1"); return err },
		"settings": func() error { _, err := d.PutSMSSettings(ctx, r.alice, "", SMSForm{}); return err },
		"read":     func() error { _, err := d.SMSSettings(ctx); return err },
	} {
		if p := r.problem(run()); p.Kind != Invalid || !strings.Contains(p.Advice.String(), "FRONTDESK_IP1") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if d.SMS() || d.SMSDefaults(ctx).Account {
		t.Error("it says that it is set up")
	}
}

// iP1's IDs are small numbers: another account's, or those of a sandbox that
// began anew, say nothing of a code that was sent before.
func TestMergeIsForTheSameNumberOnly(t *testing.T) {
	for written, want := range map[string]bool{
		"+46701234567": true, "46701234567": true, "0046701234567": true, "+46 70-123 45 67": true, "070-123 45 67": true, "": true,
		"+46701234568": false, "+14155552671": false, "46701234567000": false,
	} {
		c := merge(store.Code{Phone: "+46701234567"}, ip1.Authentication{ID: 1, Phone: written, HasExpired: true}, start)
		if c.Expired != want || c.CheckedAt.IsZero() == want {
			t.Errorf("written %q: %+v, want merged %v", written, c, want)
		}
	}
}
