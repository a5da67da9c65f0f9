package handlers

import (
	"net/http"
	"strconv"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// outsideRows is how many the page shows at once, so that what is taken as known
// was seen. Each is a field of the form, which may have only so many.
const outsideRows = maxFields - 10

// outsideList shows what somebody else made with frontdesk's credentials.
func (h *Handlers) outsideList(w http.ResponseWriter, r *http.Request) error {
	all, err := h.Store.Outsiders(r.Context(), outsideRows)
	if err != nil {
		return err
	}
	customers, codes, err := h.Store.CountOutsiders(r.Context())
	if err != nil {
		return err
	}
	base, err := h.mirrorPage(r, lang.T(r.Context(), "From outside"))
	if err != nil {
		return err
	}
	page := views.OutsidePage{Page: base, More: customers + codes - len(all), CanKnow: visitOf(r).Actor.Staff.Role.Includes(store.Admin)}
	for _, o := range all {
		row := views.OutsideRow{ID: o.ID, SMS: o.Kind == store.OutsideSMS, Name: o.Name, Email: o.Email, Subject: o.Subject, MadeAt: o.MadeAt, FoundAt: o.FoundAt}
		if !row.SMS {
			row.Path = views.CustomerPath(o.Subject)
		}
		if row.Name == "" {
			row.Name = o.Subject
		}
		page.Rows = append(page.Rows, row)
	}
	return h.render(w, r, http.StatusOK, views.Outside(page))
}

// outsideKnown takes what the page showed as known.
func (h *Handlers) outsideKnown(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	var ids []int64
	for _, text := range r.PostForm["id"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && len(ids) < outsideRows {
			ids = append(ids, id)
		}
	}
	known, err := h.Desk.KnowOutside(r.Context(), v.Actor, ids)
	if err != nil {
		return err
	}
	if known > 0 {
		v.Prefs.flash("success", lang.T(r.Context(), "On record as known: %s. They are not pointed out any more.", known))
	}
	h.redirect(w, r, "/outside")
	return nil
}

// outsideAttention points out on home what somebody else made.
func (h *Handlers) outsideAttention(r *http.Request) ([]views.AttentionItem, error) {
	ctx := r.Context()
	customers, codes, err := h.Store.CountOutsiders(ctx)
	if err != nil {
		return nil, err
	}
	var items []views.AttentionItem
	add := func(n int, title, text string) {
		if n > 0 {
			items = append(items, views.AttentionItem{Icon: "user-plus", Title: title, Text: text, Path: "/outside", Link: lang.T(ctx, "Look")})
		}
	}
	add(customers, lang.N(ctx, customers, "A customer was created outside frontdesk", "%s customers were created outside frontdesk"),
		lang.T(ctx, "Somebody else uses the super key, or ATOM's own people did it."))
	add(codes, lang.N(ctx, codes, "An SMS code was sent outside frontdesk", "%s SMS codes were sent outside frontdesk"),
		lang.T(ctx, "Somebody else uses the iP1 account. Each code costs money."))
	return items, nil
}
