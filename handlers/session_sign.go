package handlers

import (
	"context"
	"net/http"

	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

var portalNames = map[string]string{
	"customer":   lang.Mark("Customer portal"),
	"atmosphere": lang.Mark("Atmosphere portal"),
	"messaging":  lang.Mark("Messaging portal"),
}

func (h *Handlers) portalOptions(ctx context.Context) []views.Option {
	var options []views.Option
	for _, name := range h.Portals {
		options = append(options, views.Option{Value: name, Label: lang.T(ctx, portalNames[name])})
	}
	return options
}

func (h *Handlers) loginForm(w http.ResponseWriter, r *http.Request) error {
	if visitOf(r).signedIn() {
		h.redirect(w, r, "/")
		return nil
	}
	return h.showLogin(w, r, http.StatusOK, desk.SignIn{Portal: visitOf(r).Prefs.Portal}, nil)
}

func (h *Handlers) showLogin(w http.ResponseWriter, r *http.Request, status int, in desk.SignIn, p *desk.Problem) error {
	ctx := r.Context()
	page := views.LoginPage{
		Page: h.page(r, lang.T(ctx, "Sign in")), Portals: h.portalOptions(ctx), Portal: in.Portal, Problem: h.problem(r, p),
		Username: views.Input{Name: "username", Label: lang.T(ctx, "Username"), Value: in.Username, Autocomplete: "username", Required: true,
			Autofocus: in.Username == "", MaxLength: 200},
		Password: views.Input{Name: "password", Label: lang.T(ctx, "Password"), Type: "password", Autocomplete: "current-password", Required: true,
			Autofocus: in.Username != ""},
	}
	if p != nil {
		page.PortalError, page.Username.Error, page.Password.Error = fieldError(ctx, p, "portal"), fieldError(ctx, p, "username"), fieldError(ctx, p, "password")
	}
	if h.Demo != nil {
		page.People, page.DemoWord = h.Demo.People, h.Demo.Password
	}
	return h.render(w, r, status, views.Login(page))
}

// login signs somebody in and leads them back to where they were going.
func (h *Handlers) login(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	in := desk.SignIn{Portal: r.PostForm.Get("portal"), Username: r.PostForm.Get("username"), Password: r.PostForm.Get("password")}
	who, err := h.Desk.SignIn(r.Context(), desk.Actor{Address: v.Actor.Address, Agent: v.Actor.Agent, Request: v.Actor.Request}, in)
	if err != nil {
		p := problemOf(err)
		v.failed = err
		h.retryAfter(w, p)
		return h.showLogin(w, r, p.Status(), in, p)
	}
	if v.signedIn() { // this browser's former session ends with it
		if err := h.endSession(r, v); err != nil {
			return err
		}
	}
	if err := h.begin(r, v, who); err != nil {
		return err
	}
	back := localPath(v.Prefs.Back)
	v.Prefs.Back, v.Prefs.Portal, v.Prefs.Person, v.Prefs.changed = "", in.Portal, person(who.Staff), true
	v.Prefs.Flashes = nil
	h.redirect(w, r, back)
	return nil
}

func (h *Handlers) logout(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if v.signedIn() {
		if err := h.endSession(r, v); err != nil {
			return err
		}
	}
	v.Prefs.Back = ""
	v.Prefs.flash("success", lang.T(r.Context(), "You are signed out."))
	h.redirect(w, r, "/login")
	return nil
}

// endSession records the sign-out and ends the session, in that order.
func (h *Handlers) endSession(r *http.Request, v *visit) error {
	if err := h.Desk.SignOut(r.Context(), v.Actor); err != nil {
		return err
	}
	v.Meta.StaffID, v.Actor.Session = 0, ""
	v.Actor.Staff.ID = 0
	return h.sessions.Destroy(r.Context())
}

// sessionRenew gets a new 24-hour token for the reader's password, without
// losing the page: htmx puts the answer in the box's place.
func (h *Handlers) sessionRenew(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	got, err := h.Desk.Confirm(r.Context(), v.Actor, desk.WhatRenew, r.PostForm.Get("password"))
	if p, ok := h.formFailed(w, r, err); ok {
		message := fieldError(r.Context(), p, "password")
		if isFragment(r) { // it has no other place for what is no fault of the password
			if message == "" {
				message = lang.T(r.Context(), "%s. %s", p.Title, p.Advice)
			}
			return h.render(w, r, p.Status(), views.RenewBox(h.page(r, lang.T(r.Context(), "Renew")), message))
		}
		return h.showTokens(w, r, p.Status(), tokensState{renewError: message, problem: p})
	}
	if err != nil {
		return err
	}
	if err := h.begin(r, v, got); err != nil {
		return err
	}
	if isFragment(r) {
		return h.render(w, r, http.StatusOK, views.Renewed(h.page(r, lang.T(r.Context(), "Renewed"))))
	}
	v.Prefs.flash("success", lang.T(r.Context(), "Renewed for 24 hours."))
	h.redirect(w, r, localPath(r.PostForm.Get("back")))
	return nil
}
