package handlers

import (
	"context"
	"net/http"
	"net/url"

	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

func (h *Handlers) customerNew(w http.ResponseWriter, r *http.Request) error {
	kept, _ := h.takeDraft(r, visitOf(r))
	return h.showCustomerNew(w, r, http.StatusOK, kept, nil, kept != nil)
}

func (h *Handlers) showCustomerNew(w http.ResponseWriter, r *http.Request, status int, typed url.Values, p *desk.Problem, kept bool) error {
	fields := newCustomerFields(r.Context(), typed, p)
	page := views.CustomerNewPage{Page: h.page(r, lang.T(r.Context(), "New customer")), Receipt: receipt(), Fields: fields, Problem: h.problem(r, p), Kept: kept,
		Countries: desk.CountryNames(), Paste: views.CustomerPaste{Text: typed.Get("paste"), Most: desk.MaxPaste}, Typed: typed != nil}
	if err := h.noteCustomer(r, page.Fields, typed); err != nil {
		return err
	}
	if p != nil && p.Act != "" {
		lost, err := h.lostCreate(r, p.Act)
		if err != nil {
			return err
		}
		page.Lost = &lost
	}
	return h.render(w, r, status, views.CustomerNew(page))
}

// newCustomerFields are the ten fields as typed, with what p says is wrong.
func newCustomerFields(ctx context.Context, typed url.Values, p *desk.Problem) []views.CustomerField {
	inputs := []views.Input{
		{Name: "company", Label: lang.T(ctx, "Company"), Autocomplete: "organization", Required: true, Autofocus: true},
		{Name: "email", Label: lang.T(ctx, "E-mail"), Type: "email", Autocomplete: "off", Required: true, Hint: lang.T(ctx, "ATOM sends passcodes here.")},
		{Name: "name", Label: lang.T(ctx, "Name"), Autocomplete: "off", Hint: lang.T(ctx, "Of the contact person.")},
		{Name: "phone", Label: lang.T(ctx, "Phone"), Type: "tel", Autocomplete: "off"},
		{Name: "address", Label: lang.T(ctx, "Address"), Autocomplete: "off"},
		{Name: "city", Label: lang.T(ctx, "City"), Autocomplete: "off"},
		{Name: "zip", Label: lang.T(ctx, "ZIP or postcode"), Autocomplete: "off"},
		{Name: "state", Label: lang.T(ctx, "State"), Autocomplete: "off"},
		{Name: "country", Label: lang.T(ctx, "Country"), Autocomplete: "off", List: "countries"},
		{Name: "website", Label: lang.T(ctx, "Website"), Type: "url", Autocomplete: "off", InputMode: "url"},
	}
	fields := make([]views.CustomerField, len(inputs))
	for i, in := range inputs {
		in.Value, in.MaxLength, in.Noted = typed.Get(in.Name), 300, true
		if p != nil {
			in.Error = fieldError(ctx, p, in.Name)
		}
		fields[i] = views.CustomerField{Input: in, Watched: watched[in.Name]}
	}
	return fields
}

// createState tells how a create whose answer was lost ended.
func (h *Handlers) createState(w http.ResponseWriter, r *http.Request) error {
	lost, err := h.lostCreate(r, r.PathValue("act"))
	if err != nil {
		return err
	}
	page := views.CreateStatePage{Page: h.page(r, lang.T(r.Context(), "Was it created?")), Lost: lost}
	if isFragment(r) {
		return h.render(w, r, http.StatusOK, views.LostCreateState(page.Page, lost))
	}
	return h.render(w, r, http.StatusOK, views.CreateState(page))
}

func (h *Handlers) lostCreate(r *http.Request, act string) (views.LostCreate, error) {
	c, err := h.Store.OpenCreateOfAct(r.Context(), act)
	if err != nil {
		return views.LostCreate{}, err
	}
	lost := views.LostCreate{Act: c.Act, Company: c.Company, Email: c.Email, State: c.State}
	if c.CUID != "" {
		lost.Customer = views.CustomerPath(c.CUID)
	}
	return lost, nil
}

func (h *Handlers) customerCreate(w http.ResponseWriter, r *http.Request) error {
	f := r.PostForm
	answer, err := h.Desk.CreateCustomer(r.Context(), visitOf(r).Actor, f.Get("receipt"), customerOf(f))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomerNew(w, r, p.Status(), f, p, false)
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, answerPath(answer))
	return nil
}

// answerPath is the page that shows an act's key and token.
func answerPath(a desk.Answer) string {
	return views.CustomerPath(a.CUID) + "/answers/" + url.PathEscape(a.Act)
}

// answerTitles name the acts that give a key and token.
var answerTitles = map[string]string{
	desk.WhatCreate: lang.Mark("Customer created"), desk.WhatRedeem: lang.Mark("Passcode redeemed"), desk.WhatByCUID: lang.Mark("Key and token issued"),
	desk.WhatNoPasscode: lang.Mark("Key and token issued"), desk.WhatReveal: lang.Mark("Stored key and token"),
}

// customerAnswer shows the key and token that an act gave, to the session that
// acted, for ten minutes.
func (h *Handlers) customerAnswer(w http.ResponseWriter, r *http.Request) error {
	answer, err := h.Desk.Answer(r.Context(), visitOf(r).Actor, r.PathValue("act"))
	if err != nil {
		return err
	}
	form, ok := answerTitles[answer.What]
	title := lang.T(r.Context(), form)
	if !ok || answer.CUID != cuidOf(r) || answer.Problem != nil {
		return errNothingHere
	}
	page := views.AnswerPage{Page: h.page(r, title), What: title, Note: lang.Text(r.Context(), answer.Message), Row: views.CustomerRow{CUID: answer.CUID, Email: answer.Email}}
	customer, err := found(h.Store.Customer(r.Context(), answer.CUID))
	if err != nil {
		return err
	}
	if customer.CUID != "" {
		page.Row = customerRow(customer)
	}
	if answer.Rotated != nil {
		page.Rotation = rotationRow(r.Context(), *answer.Rotated)
	}
	if answer.Secret.Key != "" {
		page.Key, page.Token, page.Until = answer.Secret.Key, answer.Secret.Token, answer.At.Add(desk.SecretsShown)
	}
	return h.render(w, r, http.StatusOK, views.Answer(page))
}

// rotationRow says whether what ATOM gave replaced anything.
func rotationRow(ctx context.Context, r desk.Rotation) *views.Rotation {
	row := &views.Rotation{At: r.StoredAt, By: r.StoredBy, Tone: "warning"}
	switch {
	case !r.Known:
		row.Tone, row.Text = "info", lang.T(ctx, "frontdesk held no earlier key and token of this customer, so it cannot tell whether these replaced any.")
	case r.NewKey && r.NewToken:
		row.Text = lang.T(ctx, "ATOM gave a new key and a new token: whatever uses the earlier ones stops working.")
	case r.NewKey:
		row.Text = lang.T(ctx, "ATOM gave a new key and the same token as before: whatever uses the earlier key stops working.")
	case r.NewToken:
		row.Text = lang.T(ctx, "ATOM gave the same key as before and a new token: whatever uses the earlier token stops working.")
	default:
		row.Tone, row.Text = "success", lang.T(ctx, "ATOM gave the same key and token as before: nothing was replaced.")
	}
	return row
}
