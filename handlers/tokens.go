package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// tokensState is what the tokens page shows beside the tokens.
type tokensState struct {
	answer     string // the act that revealed one
	which      string // the token whose reveal was refused
	renewError string
	problem    *desk.Problem
}

func (h *Handlers) tokensShow(w http.ResponseWriter, r *http.Request) error {
	return h.showTokens(w, r, http.StatusOK, tokensState{answer: r.URL.Query().Get("answer")})
}

func (h *Handlers) showTokens(w http.ResponseWriter, r *http.Request, status int, s tokensState) error {
	ctx, v := r.Context(), visitOf(r)
	page := views.TokensPage{
		Page: h.page(r, lang.T(ctx, "Tokens")), Portal: v.Actor.Staff.Portal, Masked: mask(v.Token), ReceiptA: receipt(), ReceiptB: receipt(),
		RenewError: s.renewError, Problem: h.problem(r, s.problem), Confirmed: h.Desk.Confirmed(v.Actor),
		CPaaSInput: views.Input{Name: "token", Label: lang.T(ctx, "CPaaS token"), Secret: true, Type: "password", Autocomplete: "off",
			Hint: lang.T(ctx, "Paste it here. Saving a blank field removes the stored one.")},
	}
	page.EndsSoon = false // the page renews by itself
	if s.problem != nil {
		page.CPaaSInput.Error = fieldError(ctx, s.problem, "token")
		page.Asked, page.PasswordError = s.which, fieldError(ctx, s.problem, "password")
	}
	_, at, err := h.Store.CPaaSToken(ctx, v.Actor.Staff.ID)
	switch {
	case err == nil:
		page.CPaaS, page.CPaaSAt = true, at
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if s.answer != "" {
		answer, err := found(h.Desk.Answer(ctx, v.Actor, s.answer))
		if err != nil {
			return err
		}
		if answer.What == desk.WhatRevealToken && answer.Secret.Token != "" {
			page.Revealed, page.Token = answer.Message.String(), answer.Secret.Token
			page.Curl = h.curl(answer.Message.String(), v.Actor.Staff.Portal, answer.Secret.Token)
			page.Until = answer.At.Add(desk.SecretsShown)
		} else {
			page.Gone = true
		}
	}
	return h.render(w, r, status, views.Tokens(page))
}

func (h *Handlers) tokensReveal(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	which := r.PostForm.Get("which")
	err := h.stepUp(r, v)
	var answer desk.Answer
	if err == nil {
		answer, err = h.Desk.RevealToken(r.Context(), v.Actor, r.PostForm.Get("receipt"), which, v.Token)
	}
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showTokens(w, r, p.Status(), tokensState{which: which, problem: p})
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, "/tokens?answer="+url.QueryEscape(answer.Act))
	return nil
}

func (h *Handlers) tokensSave(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	token := strings.TrimSpace(r.PostForm.Get("token"))
	err := h.Desk.PutCPaaSToken(r.Context(), v.Actor, token)
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showTokens(w, r, p.Status(), tokensState{problem: p})
	}
	if err != nil {
		return err
	}
	if token == "" {
		v.Prefs.flash("success", lang.T(r.Context(), "The CPaaS token is removed."))
	} else {
		v.Prefs.flash("success", lang.T(r.Context(), "The CPaaS token is stored, encrypted."))
	}
	h.redirect(w, r, "/tokens")
	return nil
}

// mask shows enough of a token to tell it from another.
func mask(token string) string {
	if len(token) < 12 {
		return "••••••••"
	}
	return token[:4] + "••••••••"
}

// cpaasURL is where a CPaaS token is used; the vendor has one address for it.
const cpaasURL = "https://api.intelepeer.com"

// curl is a command line with the token as the API takes it, quoted for a
// POSIX shell; the path is the caller's to fill in.
func (h *Handlers) curl(which, portal, token string) string {
	base := h.PortalURL[portal]
	if which == "cpaas" {
		base = cpaasURL
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return "curl -H " + quote("Authorization: Bearer "+token) + " -H 'Accept: application/json' " + quote(strings.TrimRight(base, "/")+"/")
}
