package handlers

import (
	"errors"
	"net/http"
	"net/url"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// failedStaff is the staff form that was just refused.
type failedStaff struct {
	id      int64 // the row that was changed; 0: the form that adds
	typed   url.Values
	problem *desk.Problem
	kept    bool
}

func (h *Handlers) staffList(w http.ResponseWriter, r *http.Request) error {
	kept, post := h.takeDraft(r, visitOf(r))
	if post != "/staff" { // the change of a row, which shows what is
		kept = nil
	}
	return h.showStaff(w, r, http.StatusOK, failedStaff{typed: kept, kept: kept.Get("username") != ""})
}

func (h *Handlers) showStaff(w http.ResponseWriter, r *http.Request, status int, failed failedStaff) error {
	ctx := r.Context()
	people, err := h.Store.AllStaff(ctx)
	if err != nil {
		return err
	}
	page := views.StaffPage{Page: h.page(r, lang.T(ctx, "Staff")), Problem: h.problem(r, failed.problem), Kept: failed.kept}
	if page.HeldUp, err = h.heldUp(r, people); err != nil {
		return err
	}
	for _, s := range people {
		row := views.StaffRow{
			ID: s.ID, Portal: s.Portal, Username: s.Username, Name: s.Name, Role: string(s.Role), AddedBy: s.AddedBy, Active: s.Active,
			Self: s.ID == visitOf(r).Actor.Staff.ID, SeenAt: s.SeenAt, AddedAt: s.AddedAt, WasRole: string(s.Role), WasActive: s.Active,
		}
		if failed.id == s.ID && failed.problem != nil {
			row.Error = fieldError(r.Context(), failed.problem, "role") + fieldError(r.Context(), failed.problem, "state") + fieldError(r.Context(), failed.problem, "was")
			if failed.problem.Fields["was"] != "" { // the page was old: the row shows what is
				failed.typed = nil
			}
			if role := failed.typed.Get("role"); role != "" {
				row.Role = role
			}
			if state := failed.typed.Get("state"); state != "" {
				row.Active = state == "active"
			}
		}
		page.People = append(page.People, row)
	}
	page.Form = views.StaffFields{
		Portal:   views.Input{Name: "portal", Label: lang.T(ctx, "Portal"), Required: true, Options: h.portalOptions(ctx)},
		Username: views.Input{Name: "username", Label: lang.T(ctx, "Portal username"), Autocomplete: "off", Required: true, MaxLength: 200},
		Name:     views.Input{Name: "name", Label: lang.T(ctx, "Name"), Autocomplete: "off", MaxLength: 200},
		Role: views.Input{Name: "role", Label: lang.T(ctx, "Role"), Required: true, Options: []views.Option{
			{Value: "viewer", Label: lang.T(ctx, "Viewer: reads")}, {Value: "manager", Label: lang.T(ctx, "Manager: acts")},
			{Value: "admin", Label: lang.T(ctx, "Admin: everything")},
		}},
	}
	if failed.id == 0 {
		for _, i := range []*views.Input{&page.Form.Portal, &page.Form.Username, &page.Form.Name, &page.Form.Role} {
			i.Value = failed.typed.Get(i.Name)
			if failed.problem != nil {
				i.Error = fieldError(r.Context(), failed.problem, i.Name)
			}
		}
	}
	return h.render(w, r, status, views.Staff(page))
}

// heldUp are those whom the sign-in throttle makes wait.
func (h *Handlers) heldUp(r *http.Request, people []store.Staff) ([]views.HeldUpRow, error) {
	all, err := h.Desk.HeldUp(r.Context())
	if err != nil {
		return nil, err
	}
	var rows []views.HeldUpRow
	for _, s := range all {
		row := views.HeldUpRow{Subject: s.Subject, Portal: s.Portal, Username: s.Username, Address: s.Address, Refusals: s.Refusals, Last: s.Last}
		if row.Until = s.Until; !s.Until.After(h.Now()) {
			continue // the next try is let through
		}
		for _, p := range people {
			if p.Portal == s.Portal && p.Username == s.Username {
				row.Name = p.Name
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// throttleLift lets somebody, or an address, try to sign in at once.
func (h *Handlers) throttleLift(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	switch err := h.Desk.LiftThrottle(r.Context(), v.Actor, r.PostForm.Get("subject")); {
	case errors.Is(err, store.ErrNotFound):
		v.Prefs.flash("info", lang.T(r.Context(), "There is no wait to lift any more."))
	case err != nil:
		return err
	default:
		v.Prefs.flash("success", lang.T(r.Context(), "The wait is lifted: the next try is let through."))
	}
	h.redirect(w, r, "/staff")
	return nil
}

func (h *Handlers) staffAdd(w http.ResponseWriter, r *http.Request) error {
	v, f := visitOf(r), r.PostForm
	_, err := h.Desk.AddStaff(r.Context(), v.Actor, store.Staff{Portal: f.Get("portal"), Username: f.Get("username"), Name: f.Get("name"), Role: store.Role(f.Get("role"))})
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showStaff(w, r, p.Status(), failedStaff{typed: f, problem: p})
	}
	if err != nil {
		return err
	}
	v.Prefs.flash("success", lang.T(r.Context(), "%s is on the staff list and can sign in.", store.FoldUsername(f.Get("username"))))
	h.redirect(w, r, "/staff")
	return nil
}

func (h *Handlers) staffChange(w http.ResponseWriter, r *http.Request) error {
	v, f := visitOf(r), r.PostForm
	id, err := idOf(r)
	if err != nil {
		return err
	}
	was := desk.Standing{Role: store.Role(f.Get("was_role")), State: f.Get("was_state")}
	err = h.Desk.ChangeStaff(r.Context(), v.Actor, id, was, store.Role(f.Get("role")), f.Get("state"))
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showStaff(w, r, p.Status(), failedStaff{id: id, typed: f, problem: p})
	}
	if err != nil {
		return err
	}
	now, err := h.Store.Staff(r.Context(), id)
	if err != nil {
		return err
	}
	saved, role := "", lang.T(r.Context(), string(now.Role))
	if now.Active {
		saved = lang.T(r.Context(), "Saved. %s: %s, active.", now.Name, role)
	} else {
		saved = lang.T(r.Context(), "Saved. %s: %s, disabled, and signed out everywhere.", now.Name, role)
	}
	v.Prefs.flash("success", saved)
	h.redirect(w, r, "/staff")
	return nil
}

func (h *Handlers) sessionsList(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	mine := v.Actor.Staff.ID
	all := v.Actor.Staff.Role == store.Admin
	if all {
		mine = 0
	}
	sessions, err := h.Store.LiveSessions(r.Context(), mine, h.Now().Add(-h.Desk.Idle))
	if err != nil {
		return err
	}
	page := views.SessionsPage{Page: h.page(r, lang.T(r.Context(), "Sessions")), All: all}
	for _, s := range sessions {
		if s.StaffID == v.Actor.Staff.ID && s.ID != v.Actor.Session {
			page.Others++
		}
		page.Rows = append(page.Rows, views.SessionRow{
			ID: s.ID, Who: s.StaffName, Address: s.Address, Device: device(r.Context(), s.Agent), Since: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt,
			Current: s.ID == v.Actor.Session,
		})
	}
	return h.render(w, r, http.StatusOK, views.Sessions(page))
}

// sessionsRevokeOthers ends one's own sessions, but for the one at hand.
func (h *Handlers) sessionsRevokeOthers(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	n, err := h.Desk.RevokeOthers(r.Context(), v.Actor)
	if err != nil {
		return err
	}
	if n == 0 {
		v.Prefs.flash("info", lang.T(r.Context(), "You have no other sessions."))
	} else {
		v.Prefs.flash("success", lang.N(r.Context(), n, "Your other session is ended.", "Your %s other sessions are ended."))
	}
	h.redirect(w, r, "/sessions")
	return nil
}

func (h *Handlers) sessionRevoke(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	id := r.PathValue("id")
	if err := h.Desk.RevokeSession(r.Context(), v.Actor, id); err != nil {
		return err
	}
	if id == v.Actor.Session {
		if err := h.sessions.Destroy(r.Context()); err != nil {
			return err
		}
		v.Prefs.flash("success", lang.T(r.Context(), "You ended this session."))
		h.redirect(w, r, "/login")
		return nil
	}
	v.Prefs.flash("success", lang.T(r.Context(), "The session is ended."))
	h.redirect(w, r, "/sessions")
	return nil
}
