package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
)

const pageSize = 50

func (h *Handlers) customersList(w http.ResponseWriter, r *http.Request) error {
	return h.showCustomers(w, r, http.StatusOK, nil)
}

func (h *Handlers) showCustomers(w http.ResponseWriter, r *http.Request, status int, p *desk.Problem) error {
	q := r.URL.Query()
	query := store.CustomerQuery{
		Text: clip(q.Get("q"), 200), Country: clip(q.Get("country"), 200), State: clip(q.Get("state"), 200),
		Sort: store.CustomerSort(q.Get("sort")), Cursor: q.Get("cursor"), Limit: pageSize,
	}
	if query.Sort != "" && !query.Sort.Valid() {
		query.Sort, query.Cursor = "", ""
	}
	found, err := h.Store.FindCustomers(r.Context(), query)
	if errors.Is(err, store.ErrBadCursor) || (err == nil && query.Cursor != "" && len(found.Customers) == 0) { // an old link: from the first page
		query.Cursor = ""
		found, err = h.Store.FindCustomers(r.Context(), query)
	}
	if err != nil {
		return err
	}
	base, err := h.mirrorPage(r, "Customers")
	if err != nil {
		return err
	}
	page := views.CustomersPage{
		Page: base, Query: query.Text, Country: query.Country, State: query.State, Sort: string(query.Sort),
		Rows: customerRows(found.Customers), Total: found.Total,
		Next: pageLink(r.URL, found.Next), Previous: pageLink(r.URL, found.Previous),
		CanCreate: visitOf(r).Actor.Staff.Role.Includes(store.Manager), Problem: h.problem(r, p),
	}
	if p != nil {
		page.MirrorAge.Failing = "" // the problem says it already
	}
	if isFragment(r) {
		return h.render(w, r, status, views.CustomerResults(page))
	}
	if page.Countries, page.States, err = h.Store.Places(r.Context()); err != nil {
		return err
	}
	return h.render(w, r, status, views.Customers(page))
}

// pageLink is the present address with another cursor; "" without one.
func pageLink(u *url.URL, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := u.Query()
	q.Set("cursor", cursor)
	return u.Path + "?" + q.Encode()
}

func clip(s string, runes int) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	if r := []rune(s); len(r) > runes {
		return string(r[:runes])
	}
	return s
}

func replaceSpaces(email string) string { return strings.ReplaceAll(email, " ", "+") }
