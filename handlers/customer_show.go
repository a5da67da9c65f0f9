package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

var errNothingHere = store.ErrNotFound

// failedAct is the act on a customer's page that was just refused, or that the
// session's end kept from being sent, and what was typed.
type failedAct struct {
	act     string // "sso", "reveal" or "issue"
	typed   url.Values
	problem *desk.Problem // nil: it was not sent
}

func (h *Handlers) customerShow(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	typed, post := h.takeDraft(r, v)
	kept := failedAct{typed: typed}
	if kept.typed.Get("reason") != "" { // the session had ended before this was sent
		kept.act = actOfPost(post)
		v.Prefs.flash("info", "Your session had ended before this was sent. What you typed is still here; nothing was sent.")
	}
	return h.showCustomer(w, r, http.StatusOK, kept)
}

// actOfPost names the form of a customer's page that posts to path.
func actOfPost(path string) string {
	switch {
	case strings.HasSuffix(path, "/credentials/reveal"):
		return "reveal"
	case strings.HasSuffix(path, "/credentials"):
		return "issue"
	}
	return "sso"
}

func (h *Handlers) showCustomer(w http.ResponseWriter, r *http.Request, status int, failed failedAct) error {
	ctx, v := r.Context(), visitOf(r)
	customer, err := h.Store.Customer(ctx, cuidOf(r))
	if err != nil {
		return err
	}
	base, err := h.mirrorPage(r, customerRow(customer).Label())
	if err != nil {
		return err
	}
	role := v.Actor.Staff.Role
	page := views.CustomerPageView{
		Page: base, Row: customerRow(customer), Details: details(customer), Gone: customer.GoneAt,
		CanAct: role.Includes(store.Manager), CanIssue: role.Includes(store.Admin),
		Password: h.Desk.Confirmed(v.Actor), Reason: h.Desk.Reason, Problem: h.problem(r, failed.problem),
		Method: failed.typed.Get("method"),
	}
	for _, f := range customer.Fields {
		page.Fields = append(page.Fields, views.NamedValue{Name: f.Name, Value: f.Value})
	}
	timeline := audit.Filter{OnID: customer.CUID}
	if role == store.Viewer {
		timeline.StaffID = v.Actor.Staff.ID
	}
	acts, err := h.Store.Search(ctx, timeline, audit.Page{Limit: 20})
	if err != nil {
		return err
	}
	for _, row := range auditRows(acts.Entries) {
		row.OnName = "" // it is this customer
		page.Timeline = append(page.Timeline, row)
	}
	stored, err := h.Store.StoredCredentials(ctx, customer.CUID)
	switch {
	case err == nil:
		page.Stored = &views.StoredCredentials{At: stored.StoredAt, By: stored.StoredBy, Method: methodWords[stored.Method]}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	same, err := h.Store.CustomersByEmail(ctx, customer.Email)
	if err != nil {
		return err
	}
	if customer.Email != "" {
		page.Shared = len(same)
	}
	page.SSO = h.actForm("sso", h.Desk.Reason, failed)
	page.Reveal = h.actForm("reveal", h.Desk.Reason, failed)
	page.Issue = h.actForm("issue", true, failed)
	if page.CanAct && customer.Email != "" { // only then can the SSO form be sent
		v.Form = h.Desk.Hosts.FormAction()
	}
	return h.render(w, r, status, views.Customer(page))
}

var methodWords = map[string]string{
	"create": "when the customer was created", "passcode": "by passcode", "cuid": "issued by cuid", "nopasscode": "issued without passcode",
}

// actForm is one of the small forms on a customer's page, with what was typed
// if it is the one that failed.
func (h *Handlers) actForm(act string, wantsReason bool, failed failedAct) views.ActForm {
	f := views.ActForm{Receipt: receipt(), Reason: views.Input{
		ID: act + "-reason", Name: "reason", Label: "Reason", Required: wantsReason, Autocomplete: "off", MaxLength: 2000,
		Hint: "For the record: a ticket number or a few words.",
	}}
	if failed.act == act {
		f.Open, f.Reason.Value = true, failed.typed.Get("reason")
		if failed.problem != nil {
			f.Reason.Error, f.Error = failed.problem.Fields["reason"], failed.problem.Fields["password"]
		}
	}
	return f
}

// ssoOpen sends the reader to the platform, signed in as the customer.
func (h *Handlers) ssoOpen(w http.ResponseWriter, r *http.Request) error {
	answer, err := h.Desk.OpenSSO(r.Context(), visitOf(r).Actor, r.PostForm.Get("receipt"), cuidOf(r), r.PostForm.Get("reason"))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomer(w, r, p.Status(), failedAct{"sso", r.PostForm, p})
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
	page := views.SSOPage{Page: h.page(r, "Open as customer"), Email: email, Asked: email != ""}
	if email != "" {
		customers, err := h.Store.CustomersByEmail(r.Context(), email)
		if err != nil {
			return err
		}
		for i, c := range customers {
			form := h.actForm("sso", h.Desk.Reason, failedAct{})
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
