package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// failedView is the form that saves a view as it was just refused.
type failedView struct {
	typed   url.Values
	problem *desk.Problem
	kept    bool // not refused: the session had ended
}

// addViews puts the named views on the page, and the form that saves what is
// filtered now as one.
func (h *Handlers) addViews(ctx context.Context, page *views.AuditPage, staff store.Staff, query url.Values, failed failedView) error {
	all, err := h.Store.Views(ctx, staff.ID)
	if err != nil {
		return err
	}
	present, mine := query.Encode(), false
	for _, saved := range all {
		view := views.AuditView{ID: saved.ID, Name: saved.Name, Shared: saved.Shared, Mine: saved.StaffID == staff.ID}
		if !view.Mine {
			view.By = saved.StaffName
		}
		of, _ := url.ParseQuery(saved.Query)
		view.Path, view.Current = auditPath(filterQuery(of)), filterQuery(of).Encode() == present
		view.CanRemove = view.Current && (view.Mine || staff.Role == store.Admin)
		mine = mine || (view.Current && view.Mine)
		page.Views = append(page.Views, view)
	}
	if present == "" || (mine && failed.typed == nil) {
		return nil
	}
	page.Save = &views.SaveView{
		Query: present, Shared: failed.typed.Get("shared") != "", Open: failed.typed != nil, Dated: query.Has("from") || query.Has("to"),
		Name: views.Input{ID: "view-name", Name: "name", Label: "Name", Autocomplete: "off", Required: true, MaxLength: 80, Value: clip(failed.typed.Get("name"), 200)},
	}
	if failed.problem != nil {
		page.Save.Name.Error = failed.problem.Fields["name"]
	}
	return nil
}

func (h *Handlers) auditViewSave(w http.ResponseWriter, r *http.Request) error {
	v, f := visitOf(r), r.PostForm
	posted, _ := url.ParseQuery(f.Get("query"))
	query := filterQuery(posted)
	_, err := h.Desk.SaveView(r.Context(), v.Actor, desk.NewView{Name: f.Get("name"), Query: query.Encode(), Shared: f.Get("shared") != ""})
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showAudit(w, r, p.Status(), query, failedView{typed: f, problem: p})
	}
	if err != nil {
		return err
	}
	v.Prefs.flash("success", "The view "+strings.Join(strings.Fields(f.Get("name")), " ")+" is saved.")
	h.redirect(w, r, auditPath(query))
	return nil
}

func (h *Handlers) auditViewRemove(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := h.Desk.RemoveView(r.Context(), v.Actor, id); err != nil {
		return err
	}
	v.Prefs.flash("success", "The view is removed.")
	h.redirect(w, r, "/audit")
	return nil
}
