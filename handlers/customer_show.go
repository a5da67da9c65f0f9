package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

var errNothingHere = store.ErrNotFound

// failedAct is the act on a customer's page that was just refused, or that the
// session's end kept from being sent, and what was typed.
type failedAct struct {
	act     string // "sso", "reveal", "issue", "send" or "redeem" (a passcode), "sms" or "verify" (a code)
	typed   url.Values
	problem *desk.Problem // nil: it was not sent
}

func (h *Handlers) customerShow(w http.ResponseWriter, r *http.Request) error {
	return h.showKept(w, r, "")
}

// showKept shows a customer's page with what was typed on it when the session
// ended; without that, it begins at an act, if one is named.
func (h *Handlers) showKept(w http.ResponseWriter, r *http.Request, act string) error {
	v := visitOf(r)
	typed, post := h.takeDraft(r, v)
	kept := failedAct{act: act, typed: typed}
	if typed.Get("reason") != "" || typed.Get("phone") != "" { // the session had ended
		kept.act = actOfPost(post)
		v.Prefs.flash("info", views.KeptText(r.Context(), v.Typed))
	}
	return h.showCustomer(w, r, http.StatusOK, cuidOf(r), kept)
}

// actOfPost names the form of a customer's page that posts to path.
func actOfPost(path string) string {
	switch {
	case strings.HasSuffix(path, "/credentials/reveal"):
		return "reveal"
	case strings.HasSuffix(path, "/credentials"):
		return "issue"
	case strings.HasSuffix(path, "/passcode"):
		return "send"
	case strings.HasSuffix(path, "/passcode/redeem"):
		return "redeem"
	case path == "/sms":
		return "sms"
	}
	return "sso"
}

func (h *Handlers) showCustomer(w http.ResponseWriter, r *http.Request, status int, cuid string, failed failedAct) error {
	ctx, v := r.Context(), visitOf(r)
	customer, err := h.Store.Customer(ctx, cuid)
	if err != nil {
		return err
	}
	base, err := h.mirrorPage(r, customerRow(customer).Label())
	if err != nil {
		return err
	}
	role := v.Actor.Staff.Role
	base.On = customer.CUID
	if r.Method == http.MethodPost { // a code that was refused is posted elsewhere
		base.Menu = h.menuFor(role, views.CustomerPath(customer.CUID))
	}
	page := views.CustomerPageView{
		Page: base, Row: customerRow(customer), Details: details(ctx, customer), Gone: customer.GoneAt,
		CanAct: role.Includes(store.Manager), CanIssue: role.Includes(store.Admin),
		Password: h.Desk.Confirmed(v.Actor), Problem: h.problem(r, failed.problem), Failed: failed.act,
		Method: failed.typed.Get("method"),
	}
	for _, f := range customer.Fields {
		page.Fields = append(page.Fields, views.NamedValue{Name: f.Name, Value: f.Value})
	}
	if page.Pinned, err = h.Store.IsPinned(ctx, v.Actor.Staff.ID, customer.CUID); err != nil {
		return err
	}
	past, err := h.pastOf(ctx, v.Actor.Staff, customer.CUID)
	if err != nil {
		return err
	}
	page.Timeline = past.timeline(ctx)
	if page.Stored, page.Unsure, err = h.storedCredentials(ctx, past); err != nil {
		return err
	}
	page.Trouble = h.atomTrouble(base.MirrorAge)
	if page.CanAct {
		if err := h.acts(ctx, v, customer, past, &page, failed); err != nil {
			return err
		}
		if customer.Email != "" { // only then can the SSO form be sent
			v.Form = h.Desk.Hosts.FormAction()
		}
	}
	return h.render(w, r, status, views.Customer(page))
}

// acts puts the forms of all acts on a customer on their page.
func (h *Handlers) acts(ctx context.Context, v *visit, customer store.Customer, past past, page *views.CustomerPageView, failed failedAct) error {
	var same []string
	var err error
	if customer.Email != "" {
		if same, err = h.Store.SharingEmail(ctx, customer.Email); err != nil {
			return err
		}
	}
	page.Shared = len(same)
	near, err := h.Desk.Colleagues(ctx, v.Actor, customer.CUID, same)
	if err != nil {
		return err
	}
	page.SSO = h.actForm(ctx, "sso", h.Desk.Reason, failed)
	page.Reveal = h.actForm(ctx, "reveal", h.Desk.Reason, failed)
	page.Issue = h.actForm(ctx, "issue", true, failed)
	page.SSO.Near, page.Issue.Near = nearRow(near["open"]), nearRow(near["issue"])
	switch failed.act {
	case "send", "redeem", "sms", "verify": // their forms ask for no reason, and take along what was typed beside them
		page.SSO.Reason.Value = failed.typed.Get("reason")
	}
	if page.Passcode, err = h.passcodePanel(ctx, past, failed); err != nil {
		return err
	}
	page.Passcode.Concierge = h.concierge(customer, page.Passcode.SentAt)
	page.Passcode.Send.Near, page.Passcode.Redeem.Near = nearRow(near["passcode"]), page.Issue.Near
	page.Caller, err = h.callerPanel(ctx, customer, failed)
	return err
}

// atomTrouble tells whether what needs ATOM may fail now; nil when it answers.
func (h *Handlers) atomTrouble(age *views.MirrorAge) *views.AtomTrouble {
	health := h.Desk.Health("atom")
	if serviceState(health, false) != "trouble" && age.Failing == "" {
		return nil
	}
	answered := age.SyncedAt
	if health.LastOK.After(answered) {
		answered = health.LastOK
	}
	return &views.AtomTrouble{Answered: answered}
}

// storedCredentials tells when and by whom a customer's key and token were last
// issued and shown, nil when none are stored; and the last issue since then whose
// outcome is unknown, nil when there is none.
func (h *Handlers) storedCredentials(ctx context.Context, past past) (*views.StoredCredentials, *views.Unsure, error) {
	stored, err := found(h.Store.StoredCredentials(ctx, past.cuid))
	if err != nil {
		return nil, nil, err
	}
	lost, err := h.among(ctx, past, audit.Filter{Result: audit.Unknown, From: stored.StoredAt})
	if err != nil {
		return nil, nil, err
	}
	var unsure *views.Unsure
	for _, e := range lost {
		if e.What == desk.WhatRedeem || e.What == desk.WhatByCUID || e.What == desk.WhatNoPasscode {
			unsure = &views.Unsure{At: e.At, By: whoName(ctx, e.Who), Path: auditRow(ctx, e).Path()}
			break
		}
	}
	if stored.StoredAt.IsZero() {
		return nil, unsure, nil
	}
	row := &views.StoredCredentials{At: stored.StoredAt, By: stored.StoredBy, Method: lang.T(ctx, methodWords[stored.Method])}
	shown, err := h.among(ctx, past, audit.Filter{What: desk.WhatReveal, Result: audit.Done, From: stored.StoredAt})
	if len(shown) > 0 {
		row.RevealedAt, row.RevealedBy = shown[0].At, whoName(ctx, shown[0].Who)
	}
	return row, unsure, err
}

// nearRow is a colleague's act as the page shows it.
func nearRow(c *desk.Collision) *views.Near {
	if c == nil {
		return nil
	}
	near := &views.Near{At: c.At, Open: c.Open}
	near.What, near.Names = c.What()
	return near
}

var methodWords = map[string]string{
	"create": lang.Mark("when the customer was created"), "passcode": lang.Mark("by passcode"), "cuid": lang.Mark("issued by cuid"),
	"nopasscode": lang.Mark("issued without passcode"),
}

// actForm is one of the small forms on a customer's page, with what was typed
// if it is the one that failed.
func (h *Handlers) actForm(ctx context.Context, act string, wantsReason bool, failed failedAct) views.ActForm {
	f := views.ActForm{Receipt: receipt(), Reason: views.Input{
		ID: act + "-reason", Name: "reason", Label: lang.T(ctx, "Reason"), Required: wantsReason, Autocomplete: "off", MaxLength: 2000,
		Placeholder: lang.T(ctx, "A ticket number or a few words"),
	}}
	if failed.act == act {
		f.Open, f.Reason.Value = true, failed.typed.Get("reason")
		if failed.problem != nil {
			f.Reason.Error, f.Error = fieldError(ctx, failed.problem, "reason"), fieldError(ctx, failed.problem, "password")
			f.Reason.Autofocus = f.Reason.Error != ""
			f.Despite = despite(failed.typed, failed.problem)
		}
	}
	return f
}

// bareForm is actForm for a form that asks for no reason.
func bareForm(act string, failed failedAct) views.ActForm {
	f := views.ActForm{Receipt: receipt()}
	if failed.act == act && failed.problem != nil {
		f.Open, f.Despite = true, despite(failed.typed, failed.problem)
	}
	return f
}

// despite is the colleague's act that the form, posted again, goes on in spite
// of: the one that it was just refused for, or was posted with already.
func despite(typed url.Values, p *desk.Problem) string {
	if p != nil && p.Despite != "" {
		return p.Despite
	}
	return typed.Get("despite")
}

// ssoOpen sends the reader to the platform, signed in as the customer.
func (h *Handlers) ssoOpen(w http.ResponseWriter, r *http.Request) error {
	answer, err := h.Desk.OpenSSO(r.Context(), visitOf(r).Actor, r.PostForm.Get("receipt"), cuidOf(r), r.PostForm.Get("reason"))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomer(w, r, p.Status(), cuidOf(r), failedAct{"sso", r.PostForm, p})
	}
	if err != nil {
		return err
	}
	if answer.Secret.Link == "" { // swept since; never a redirect to nowhere
		return &desk.Problem{Kind: desk.Invalid, Title: "This link was used already", Text: "Nothing was sent again.", Advice: "Go back and open the customer again."}
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	h.redirect(w, r, answer.Secret.Link)
	return nil
}

// ssoLink is what a CRM's link opens: who and where, and one button. It never
// acts.
func (h *Handlers) ssoLink(w http.ResponseWriter, r *http.Request) error {
	email := emailParam(r.URL.RawQuery)
	base, err := h.mirrorPage(r, lang.T(r.Context(), "Open as customer"))
	if err != nil {
		return err
	}
	page := views.SSOPage{Page: base, Email: email, Asked: email != ""}
	if email != "" {
		customers, err := h.Store.CustomersByEmail(r.Context(), email)
		if err != nil {
			return err
		}
		for i, c := range customers {
			form := h.actForm(r.Context(), "sso", h.Desk.Reason, failedAct{})
			form.Reason.ID = "reason-" + string(rune('a'+i%26)) + form.Receipt[:6]
			page.Choices = append(page.Choices, views.SSOChoice{Row: customerRow(c), Form: form})
		}
	}
	if len(page.Choices) > 0 {
		visitOf(r).Form = h.Desk.Hosts.FormAction()
	}
	return h.render(w, r, http.StatusOK, views.SSO(page))
}

// emailParam reads the e-mail of a link. CRMs often leave its plus unescaped,
// which a query string takes for a space: no e-mail has one, so it goes back
// to a plus.
func emailParam(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return replaceSpaces(clip(values.Get("email"), 320))
}
