package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

func (h *Handlers) smsForm(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kept := h.takeSMSDraft(r, q.Get("customer"))
	typed := kept
	if kept == nil {
		typed = url.Values{"phone": {clip(q.Get("phone"), 40)}, "customer": {clip(q.Get("customer"), 1000)}}
	}
	if typed.Get("phone") == "" && typed.Get("customer") != "" {
		customer, err := h.Store.Customer(r.Context(), typed.Get("customer"))
		if err != nil {
			return err
		}
		typed.Set("phone", desk.PhoneShown(customer))
	}
	return h.showSMS(w, r, http.StatusOK, typed, nil, kept != nil)
}

// takeSMSDraft returns what had been typed here. When a code for a customer is
// asked for, what was typed for another, or for nobody, stays for later.
func (h *Handlers) takeSMSDraft(r *http.Request, cuid string) url.Values {
	v := visitOf(r)
	if cuid != "" {
		d, err := h.Store.Draft(r.Context(), person(v.Actor.Staff), r.URL.EscapedPath(), h.Now().Add(-h.Desk.Idle))
		typed, _ := url.ParseQuery(d.Form)
		if err != nil || typed.Get("customer") != cuid {
			return nil
		}
	}
	kept, _ := h.takeDraft(r, v)
	return kept
}

func (h *Handlers) showSMS(w http.ResponseWriter, r *http.Request, status int, typed url.Values, p *desk.Problem, kept bool) error {
	ctx, v := r.Context(), visitOf(r)
	base, err := h.mirrorPage(r, lang.T(ctx, "SMS codes"))
	if err != nil {
		return err
	}
	page := views.SMSPage{
		Page: base, Enabled: h.Desk.SMS(), CanAdmin: v.Actor.Staff.Role.Includes(store.Admin),
		Receipt: receipt(), Despite: despite(typed, p), Problem: h.problem(r, p), Kept: kept,
	}
	if !page.Enabled {
		return h.render(w, r, status, views.SMS(page))
	}
	d := h.Desk.SMSDefaults(ctx)
	page.Defaults = views.SMSDefaults{From: d.From, Format: d.MessageFormat, Length: d.Length, Expiration: d.Expiration, Numeric: d.NumericOnly, Account: d.Account}
	page.Form = smsFields(ctx, typed, p, d)
	page.Preview = smsPreview(ctx, desk.PreviewSMS(smsTyped(typed), d))
	page.Clock = views.ClockWords(ctx, "iP1", h.Desk.ClockAhead("ip1"))
	length := d.Length
	if n, err := strconv.Atoi(typed.Get("length")); err == nil {
		length = n
	}
	if page.Form.Length.Error == "" {
		page.Short = lang.Text(ctx, desk.TooShort(length))
	}
	if page.Note, err = h.phoneNote(r, typed.Get("phone"), typed.Get("customer")); err != nil {
		return err
	}
	if page.Problem != nil && !page.Problem.Wait.IsZero() {
		page.Note.Next = time.Time{} // it is said above already
	}
	if p != nil && p.Full {
		if err := h.sayWhenFree(r, &page, typed.Get("phone")); err != nil {
			return err
		}
	}
	if page.Form.Phone.Error != "" {
		page.Note.Refused = "" // and this at the field
	}
	codes, err := h.Store.RecentCodes(ctx, 20)
	if err != nil {
		return err
	}
	if active(r.Context(), codes, h) && r.Method == http.MethodGet {
		fresh, err := h.Desk.RefreshAllSMS(ctx, codes)
		if err != nil {
			page.Stale = lang.T(ctx, "The status below is the last that is known: %s.", problemOf(err).Title)
			v.failed = err
		} else {
			codes = fresh
		}
	}
	for _, c := range codes {
		row := codeRow(ctx, c, h.Now())
		row.Next = h.ahead(c.SentAt.Add(h.Desk.SMSCooldown))
		page.Codes = append(page.Codes, row)
	}
	return h.render(w, r, status, views.SMS(page))
}

// sayWhenFree adds to iP1's refusal for too many active codes when a slot frees;
// it is asked anew, since codes that others sent count too.
func (h *Handlers) sayWhenFree(r *http.Request, page *views.SMSPage, typed string) error {
	phone, err := desk.ParsePhone(typed)
	if err != nil {
		return nil // it was another number that was refused
	}
	slots, err := h.Desk.AskSMSSlots(r.Context(), phone)
	if err != nil {
		return err
	}
	page.Note.Slots = h.slots(slots)
	page.Problem.Wait = page.Note.Slots.Next
	return nil
}

// smsPreview is the message as it would be sent, for pages without JavaScript too.
func smsPreview(ctx context.Context, p desk.SMSPreview) views.SMSPreview {
	shown := views.SMSPreview{Text: p.Text, Parts: fmt.Sprintf("%d SMS", p.Size.Parts), Alphabet: lang.Text(ctx, p.Size.Words()), Good: time.Duration(p.Expiration) * time.Second}
	if p.NoPlace {
		shown.Warning = lang.T(ctx, "The message needs {0}, where the code goes.")
	}
	return shown
}

// active tells whether any code may have changed since iP1 was last asked.
func active(ctx context.Context, codes []store.Code, h *Handlers) bool {
	for _, c := range codes {
		if codeRow(ctx, c, h.Now()).Status == "active" {
			return true
		}
	}
	return false
}

// smsFields are the fields of both SMS forms as typed.
func smsFields(ctx context.Context, typed url.Values, p *desk.Problem, d desk.SMSDefaults) views.SMSFields {
	numeric := lang.T(ctx, "Default: letters and digits")
	if d.NumericOnly {
		numeric = lang.T(ctx, "Default: digits only")
	}
	f := views.SMSFields{
		Phone: views.Input{Name: "phone", Label: lang.T(ctx, "Phone number"), Type: "tel", Autocomplete: "off", InputMode: "tel", Required: true,
			Autofocus: true, MaxLength: 40, Placeholder: "+46 70 123 45 67", Hint: lang.T(ctx, "With + and the country code.")},
		Format: views.Input{Name: "message_format", Label: lang.T(ctx, "Message"), Autocomplete: "off", MaxLength: 1000, Placeholder: d.MessageFormat,
			Hint: lang.T(ctx, "Must contain {0}, which becomes the code.")},
		From: views.Input{Name: "from", Label: lang.T(ctx, "Sender"), Autocomplete: "off", MaxLength: 16, Placeholder: d.From,
			Hint: lang.T(ctx, "A name of up to 11 characters, or a number.")},
		Length: views.Input{Name: "length", Label: lang.T(ctx, "Length of the code"), Type: "number", InputMode: "numeric",
			Min: desk.SMSLengthMin, Max: desk.SMSLengthMax, Placeholder: strconv.Itoa(d.Length),
			Hint: lang.T(ctx, "%s to %s characters; fewer than %s do not verify a caller.", desk.SMSLengthMin, desk.SMSLengthMax, desk.SMSProves)},
		Expiration: views.Input{Name: "expiration_time", Label: lang.T(ctx, "Good for, in seconds"), Type: "number", InputMode: "numeric",
			Min: desk.SMSExpirationMin, Max: desk.SMSExpirationMax, Placeholder: strconv.Itoa(d.Expiration),
			Hint: lang.T(ctx, "Default %s, which is %s.", strconv.Itoa(d.Expiration), views.Span(ctx, time.Duration(d.Expiration)*time.Second))},
		Numeric: views.Input{Name: "numeric_only", Label: lang.T(ctx, "Kind of code"), Options: []views.Option{
			{Value: "", Label: numeric}, {Value: "true", Label: lang.T(ctx, "Digits only")}, {Value: "false", Label: lang.T(ctx, "Letters and digits")},
		}},
		Limit: views.Input{Name: "concurrent_limit", Label: lang.T(ctx, "Active codes per number"), Type: "number", InputMode: "numeric",
			Min: 1, Max: 1000, Placeholder: strconv.Itoa(d.Limit)},
	}
	for _, i := range []*views.Input{&f.Phone, &f.Format, &f.From, &f.Length, &f.Expiration, &f.Numeric, &f.Limit} {
		i.Value = typed.Get(i.Name)
		if p != nil {
			i.Error = fieldError(ctx, p, i.Name)
		}
	}
	if v := f.Numeric.Value; v == "on" || v == "1" || v == "yes" {
		f.Numeric.Value = "true"
	}
	return f
}

func smsTyped(f url.Values) desk.SMSForm {
	return desk.SMSForm{
		Phone: f.Get("phone"), From: f.Get("from"), MessageFormat: f.Get("message_format"), Length: f.Get("length"),
		ExpirationTime: f.Get("expiration_time"), NumericOnly: f.Get("numeric_only"), ConcurrentLimit: f.Get("concurrent_limit"), Customer: f.Get("customer"),
	}
}

func (h *Handlers) smsSend(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	answer, err := h.Desk.SendSMS(r.Context(), v.Actor, r.PostForm.Get("receipt"), smsTyped(r.PostForm))
	if p, ok := h.formFailed(w, r, err); ok {
		if err := h.showBeside(w, r, "sms", p); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return h.showSMS(w, r, p.Status(), r.PostForm, p, false)
	}
	if err != nil {
		return err
	}
	v.Prefs.flash("success", lang.T(r.Context(), "The code was sent."))
	if cuid := customerBeside(r); cuid != "" {
		h.redirect(w, r, views.CustomerPath(cuid)+"#code") // where the caller's answer goes
		return nil
	}
	h.redirect(w, r, fmt.Sprintf("/sms/%d", answer.CodeID))
	return nil
}

// showBeside shows the customer on whose page a form about codes failed; ErrNotFound
// when it was on none.
func (h *Handlers) showBeside(w http.ResponseWriter, r *http.Request, act string, p *desk.Problem) error {
	cuid := customerBeside(r)
	if cuid == "" {
		return store.ErrNotFound
	}
	return h.showCustomer(w, r, p.Status(), cuid, failedAct{act, r.PostForm, p})
}

func (h *Handlers) smsShow(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("refresh") == "" {
		return h.showCode(w, r, http.StatusOK, id, "", "", nil)
	}
	_, err = h.Desk.RefreshSMS(r.Context(), id)
	var p *desk.Problem
	stale := ""
	switch {
	case errors.As(err, &p):
		stale = lang.T(r.Context(), "This is the last that is known: %s.", p.Title)
		visitOf(r).failed = err
	case err != nil:
		return err
	}
	return h.showCode(w, r, http.StatusOK, id, "", stale, nil)
}

func (h *Handlers) showCode(w http.ResponseWriter, r *http.Request, status int, id int64, typed, stale string, p *desk.Problem) error {
	code, err := h.Store.Code(r.Context(), id)
	if err != nil {
		return err
	}
	row := codeRow(r.Context(), code, h.Now())
	base, err := h.mirrorPage(r, lang.T(r.Context(), "Code to %s", row.Phone))
	if err != nil {
		return err
	}
	page := views.SMSCodePage{
		Page: base, Code: row, Receipt: receipt(), Stale: stale, Problem: h.problem(r, p), Again: receipt(), Sender: code.Sender, Short: lang.Text(r.Context(), desk.TooShort(code.Length)),
		Input: views.Input{Name: "code", Label: lang.T(r.Context(), "The code that the caller reads out"), Secret: true, Value: typed, Autocomplete: "off",
			Required: true, Autofocus: true, Mono: true, MaxLength: 100},
	}
	if p != nil {
		page.Input.Error = fieldError(r.Context(), p, "code")
	}
	if isFragment(r) {
		if row.Status != "active" {
			w.Header().Set("HX-Refresh", "true") // the verify box goes with it
		}
		return h.render(w, r, status, views.CodeState(page))
	}
	if page.Note, err = h.codeNote(r, code); err != nil {
		return err
	}
	if page.Caller, err = h.callerOf(r, code, page.Note); err != nil {
		return err
	}
	return h.render(w, r, status, views.SMSCode(page))
}

func (h *Handlers) smsVerify(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	id, err := idOf(r)
	if err != nil {
		return err
	}
	answer, err := h.Desk.VerifySMS(r.Context(), v.Actor, r.PostForm.Get("receipt"), id, r.PostForm.Get("code"))
	if p, ok := h.formFailed(w, r, err); ok {
		if err := h.showBeside(w, r, "verify", p); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return h.showCode(w, r, p.Status(), id, "", "", p)
	}
	if err != nil {
		return err
	}
	v.Prefs.flash("success", lang.T(r.Context(), "The code is right: the caller holds this number."))
	if cuid := customerBeside(r); cuid != "" {
		proof, err := h.Desk.CallerVerified(r.Context(), cuid)
		if err != nil {
			return err
		}
		if proof != nil && answer.CUID == cuid { // their page says so; otherwise the code's page says why it is none
			h.redirect(w, r, views.CustomerPath(cuid))
			return nil
		}
	}
	h.redirect(w, r, fmt.Sprintf("/sms/%d", answer.CodeID)) // it can be another code to the same number
	return nil
}

// smsCountry names the country of a phone number while it is typed, and says
// whose it is.
func (h *Handlers) smsCountry(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	note, err := h.phoneNote(r, q.Get("phone"), clip(q.Get("customer"), 1000))
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, views.PhoneHint(views.Page{Assets: h.Assets, Now: h.Now()}, note))
}

func (h *Handlers) smsSettingsForm(w http.ResponseWriter, r *http.Request) error {
	kept, _ := h.takeDraft(r, visitOf(r))
	form, err := h.Desk.SMSSettings(r.Context())
	var p *desk.Problem
	switch {
	case errors.As(err, &p):
		visitOf(r).failed = err
		status := p.Status()
		if !h.Desk.SMS() {
			status = http.StatusOK // the page says that SMS is not set up
		}
		return h.showSMSSettings(w, r, status, kept, p)
	case err != nil:
		return err
	case kept != nil:
		visitOf(r).Prefs.flash("info", views.KeptText(r.Context(), visitOf(r).Typed))
		return h.showSMSSettings(w, r, http.StatusOK, kept, nil)
	}
	return h.showSMSSettings(w, r, http.StatusOK, url.Values{
		"from": {form.From}, "message_format": {form.MessageFormat}, "length": {form.Length}, "expiration_time": {form.ExpirationTime},
		"numeric_only": {form.NumericOnly}, "concurrent_limit": {form.ConcurrentLimit},
	}, nil)
}

// showSMSSettings shows the form with typed in it; nil when there is nothing to
// show, since iP1 did not say what it has.
func (h *Handlers) showSMSSettings(w http.ResponseWriter, r *http.Request, status int, typed url.Values, p *desk.Problem) error {
	system := desk.SMSDefaults{From: desk.SMSDefaultFrom, MessageFormat: desk.SMSDefaultFormat, Length: desk.SMSDefaultLength, Expiration: desk.SMSDefaultExpiration, Limit: desk.SMSDefaultLimit}
	return h.render(w, r, status, views.SMSSettings(views.SMSSettingsPage{
		Page: h.page(r, lang.T(r.Context(), "SMS defaults")), Receipt: receipt(), Form: smsFields(r.Context(), typed, p, system),
		Loaded: typed != nil, Problem: h.problem(r, p),
	}))
}

func (h *Handlers) smsSettingsSave(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	_, err := h.Desk.PutSMSSettings(r.Context(), v.Actor, r.PostForm.Get("receipt"), smsTyped(r.PostForm))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showSMSSettings(w, r, p.Status(), r.PostForm, p)
	}
	if err != nil {
		return err
	}
	v.Prefs.flash("success", lang.T(r.Context(), "The defaults are saved."))
	h.redirect(w, r, "/sms/settings")
	return nil
}

// idOf reads the number in the path; what is no number is not found.
func idOf(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, errNothingHere
	}
	return id, nil
}
