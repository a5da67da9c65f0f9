package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// passcodeForm is the customer's page, begun at the passcode.
func (h *Handlers) passcodeForm(w http.ResponseWriter, r *http.Request) error {
	return h.showKept(w, r, "send")
}

// lately is how long the page points to the last passcode that was sent.
const lately = time.Hour

// passcodePanel are the two steps from a passcode to key and token. When the page
// is about them it begins at the one that comes next, unless a colleague's act is
// in the way: going on in spite of it is never one press of a key.
func (h *Handlers) passcodePanel(ctx context.Context, past past, failed failedAct) (views.PasscodePanel, error) {
	panel := views.PasscodePanel{Send: bareForm("send", failed), Redeem: bareForm("redeem", failed), Passcode: views.Input{
		Name: "passcode", Label: lang.T(ctx, "Passcode from the e-mail"), Secret: true, Autocomplete: "off", InputMode: "numeric", Required: true,
		Mono: true, MaxLength: 100,
	}}
	sent, err := h.among(ctx, past, audit.Filter{What: desk.WhatSendPasscode, Result: audit.Done, From: h.Now().Add(-lately)})
	if err != nil {
		return panel, err
	}
	if len(sent) > 0 {
		panel.SentAt, panel.SentBy, panel.Passcode.Shortcut = sent[0].At, whoName(ctx, sent[0].Who), "p"
	}
	if failed.act == "redeem" && failed.problem != nil {
		panel.Passcode.Error = fieldError(ctx, failed.problem, "passcode")
	}
	about := failed.act == "send" || failed.act == "redeem"
	if about && panel.Send.Despite == "" {
		panel.Passcode.Autofocus = failed.act == "redeem" || !panel.SentAt.IsZero()
		panel.Send.Focus = !panel.Passcode.Autofocus && failed.problem == nil // one more Enter must not send what may be on its way
	}
	return panel, nil
}

func (h *Handlers) passcodeSend(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	answer, err := h.Desk.SendPasscode(r.Context(), v.Actor, r.PostForm.Get("receipt"), cuidOf(r))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomer(w, r, p.Status(), cuidOf(r), failedAct{"send", r.PostForm, p})
	}
	if err != nil {
		return err
	}
	text := lang.T(r.Context(), "A passcode is on its way to %s.", answer.Email)
	if answer.Message != "" {
		text += " " + lang.T(r.Context(), "ATOM said: %s", answer.Message)
	}
	v.Prefs.flash("success", text)
	h.redirect(w, r, views.CustomerPath(answer.CUID)+"/passcode")
	return nil
}

func (h *Handlers) passcodeRedeem(w http.ResponseWriter, r *http.Request) error {
	answer, err := h.Desk.RedeemPasscode(r.Context(), visitOf(r).Actor, r.PostForm.Get("receipt"), cuidOf(r), r.PostForm.Get("passcode"))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomer(w, r, p.Status(), cuidOf(r), failedAct{"redeem", r.PostForm, p})
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, answerPath(answer))
	return nil
}

// credentialsIssue issues key and token without a passcode: admins, with the
// password and a reason.
func (h *Handlers) credentialsIssue(w http.ResponseWriter, r *http.Request) error {
	return h.credentialsAct(w, r, "issue", func(by desk.Actor) (desk.Answer, error) {
		return h.Desk.IssueCredentials(r.Context(), by, r.PostForm.Get("receipt"), cuidOf(r), r.PostForm.Get("method"), r.PostForm.Get("reason"))
	})
}

func (h *Handlers) credentialsReveal(w http.ResponseWriter, r *http.Request) error {
	return h.credentialsAct(w, r, "reveal", func(by desk.Actor) (desk.Answer, error) {
		return h.Desk.Reveal(r.Context(), by, r.PostForm.Get("receipt"), cuidOf(r), r.PostForm.Get("reason"))
	})
}

func (h *Handlers) credentialsAct(w http.ResponseWriter, r *http.Request, name string, do func(desk.Actor) (desk.Answer, error)) error {
	v := visitOf(r)
	if _, err := h.Store.Customer(r.Context(), cuidOf(r)); err != nil {
		return err
	}
	err := h.stepUp(r, v)
	var answer desk.Answer
	if err == nil {
		answer, err = do(v.Actor)
	}
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomer(w, r, p.Status(), cuidOf(r), failedAct{name, r.PostForm, p})
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, answerPath(answer))
	return nil
}

// customerLive shows the customer's own record, asked from ATOM now.
func (h *Handlers) customerLive(w http.ResponseWriter, r *http.Request) error {
	customer, err := h.Store.Customer(r.Context(), cuidOf(r))
	if err != nil {
		return err
	}
	page := views.LivePage{Page: h.page(r, lang.T(r.Context(), "Live record")), Row: customerRow(customer)}
	if r.Method == http.MethodHead { // asks what it would be; ATOM is not asked
		return h.render(w, r, http.StatusOK, views.Live(page))
	}
	live, err := h.Desk.Live(r.Context(), visitOf(r).Actor, customer.CUID)
	var p *desk.Problem
	switch {
	case errors.As(err, &p):
		page.Problem = h.problem(r, p)
		if p.Kind == desk.Invalid && p.Service == "" { // nothing is stored to ask with, which is nobody's fault
			page.Problem.Tone, page.Problem.Link, page.Problem.LinkText = "info", views.CustomerPath(customer.CUID)+"/passcode", lang.T(r.Context(), "E-mail passcode")
			return h.render(w, r, http.StatusOK, views.Live(page))
		}
		visitOf(r).failed = err
		return h.render(w, r, p.Status(), views.Live(page))
	case err != nil:
		return err
	}
	for _, f := range live.Fields {
		page.Fields = append(page.Fields, views.NamedValue{Name: f.Name, Value: f.Value})
	}
	return h.render(w, r, http.StatusOK, views.Live(page))
}
