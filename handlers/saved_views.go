package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// viewed is a page of which people keep filters as named views.
type viewed struct {
	page string                      // as the store names it
	base string                      // its path
	only func(url.Values) url.Values // a filter in one spelling
}

var (
	viewedAudit     = viewed{store.PageAudit, "/audit", filterQuery}
	viewedCustomers = viewed{store.PageCustomers, "/customers", listingQuery}
)

// path is the page with a filter.
func (p viewed) path(query url.Values) string {
	if len(query) == 0 {
		return p.base
	}
	return p.base + "?" + query.Encode()
}

// failedView is the form that saves a view as it was just refused.
type failedView struct {
	typed   url.Values
	problem *desk.Problem
	kept    bool // not refused: the session had ended
}

// savedViews are the named views of a page, and the form that saves what is
// filtered now as one; nil when there is nothing to save.
func (h *Handlers) savedViews(ctx context.Context, of viewed, staff store.Staff, query url.Values, failed failedView) ([]views.SavedView, *views.SaveView, error) {
	all, err := h.Store.Views(ctx, of.page, staff.ID)
	if err != nil {
		return nil, nil, err
	}
	present, mine := query.Encode(), false
	var saved []views.SavedView
	for _, s := range all {
		view := views.SavedView{ID: s.ID, Name: s.Name, Shared: s.Shared, Mine: s.StaffID == staff.ID, RemovePath: fmt.Sprintf("%s/views/%d/remove", of.base, s.ID)}
		if !view.Mine {
			view.By = s.StaffName
		}
		kept, _ := url.ParseQuery(s.Query)
		view.Path, view.Current = of.path(of.only(kept)), of.only(kept).Encode() == present
		view.CanRemove = view.Current && (view.Mine || staff.Role == store.Admin)
		mine = mine || (view.Current && view.Mine)
		saved = append(saved, view)
	}
	if present == "" || (mine && failed.typed == nil) {
		return saved, nil, nil
	}
	save := &views.SaveView{
		Action: of.base + "/views", Query: present, Shared: failed.typed.Get("shared") != "", Open: failed.typed != nil, Dated: query.Has("from") || query.Has("to"),
		Name: views.Input{ID: "view-name", Name: "name", Label: lang.T(ctx, "Name"), Autocomplete: "off", Required: true, MaxLength: 80,
			Value: clip(failed.typed.Get("name"), 200)},
	}
	if failed.problem != nil {
		save.Name.Error = fieldError(ctx, failed.problem, "name")
	}
	return saved, save, nil
}

// viewSave saves a view of a page; show shows the page with the form as it was
// refused.
func (h *Handlers) viewSave(of viewed, show func(http.ResponseWriter, *http.Request, int, url.Values, failedView) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, f := visitOf(r), r.PostForm
		posted, _ := url.ParseQuery(f.Get("query"))
		query := of.only(posted)
		_, err := h.Desk.SaveView(r.Context(), v.Actor, desk.NewView{Page: of.page, Name: f.Get("name"), Query: query.Encode(), Shared: f.Get("shared") != ""})
		if p, ok := h.formFailed(w, r, err); ok {
			return show(w, r, p.Status(), query, failedView{typed: f, problem: p})
		}
		if err != nil {
			return err
		}
		v.Prefs.flash("success", lang.T(r.Context(), "The view %s is saved.", strings.Join(strings.Fields(f.Get("name")), " ")))
		h.redirect(w, r, of.path(query))
		return nil
	}
}

// viewRemove removes a view of a page.
func (h *Handlers) viewRemove(of viewed) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := visitOf(r)
		id, err := idOf(r)
		if err != nil {
			return err
		}
		if err := h.Desk.RemoveView(r.Context(), v.Actor, of.page, id); err != nil {
			return err
		}
		v.Prefs.flash("success", lang.T(r.Context(), "The view is removed."))
		h.redirect(w, r, of.base)
		return nil
	}
}
