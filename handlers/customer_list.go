package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

const pageSize = 50

// handyCustomers is how many customers are offered before anybody searches.
const handyCustomers = 6

func (h *Handlers) customersList(w http.ResponseWriter, r *http.Request) error {
	kept, _ := h.takeDraft(r, visitOf(r))
	if kept.Get("name") != "" { // a view that the session's end kept from being saved
		query, _ := url.ParseQuery(kept.Get("query"))
		return h.showListing(w, r, http.StatusOK, query, failedView{typed: kept, kept: true})
	}
	q := r.URL.Query()
	if q.Get("cursor") == "" && !isFragment(r) && (len(q["cols"]) > 1 || blanks(q, desk.FilterParams[store.PageCustomers])) { // as the form sends it; an address is for sharing
		h.redirect(w, r, viewedCustomers.path(listingQuery(q)))
		return nil
	}
	return h.showListing(w, r, http.StatusOK, q, failedView{})
}

// showListing shows the customers as q filters them, with the form that saves it
// as a view as it failed.
func (h *Handlers) showListing(w http.ResponseWriter, r *http.Request, status int, q url.Values, failed failedView) error {
	ctx, staff := r.Context(), visitOf(r).Actor.Staff
	cursor := q.Get("cursor")
	q = listingQuery(q)
	query, wrong := listing(q)
	query.Cursor = cursor
	var countries, states []string
	if !isFragment(r) || query.Country != "" {
		var err error
		if countries, states, err = h.Store.Places(ctx); err != nil {
			return err
		}
		query.Countries = desk.SpellingsOf(query.Country, countries)
	}
	base, err := h.mirrorPage(r, lang.T(ctx, "Customers"))
	if err != nil {
		return err
	}
	follow(&base)
	base.Finder = true
	page := views.CustomersPage{
		Page: base, Query: query.Text, Sort: q.Get("sort"), Density: q.Get("density"), Size: query.Limit, Gone: query.Gone, Filtered: query.Text != "",
		CanCreate: staff.Role.Includes(store.Manager), Problem: h.problem(r, failed.problem), Kept: failed.kept, Chips: listingChips(ctx, q),
	}
	page.Columns, page.Choices = columnsOf(ctx, q)
	page.Usual = !q.Has("cols")
	page.Filtered = page.Filtered || len(page.Chips) > 0
	if failed.problem != nil && failed.typed == nil {
		page.MirrorAge.Failing = "" // the problem says it already
	}
	if page.Views, page.Save, err = h.savedViews(ctx, viewedCustomers, staff, q, failed); err != nil {
		return err
	}
	if len(wrong) > 0 {
		status, page.Unread = http.StatusUnprocessableEntity, true
	} else if err := h.list(r, &page, query, q); err != nil {
		return err
	}
	if isFragment(r) && page.Unread { // the message stands at a field, which is not in the fragment
		w.Header().Set("HX-Redirect", viewedCustomers.path(q))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if isFragment(r) {
		w.Header().Set("HX-Push-Url", viewedCustomers.path(q)) // an address for sharing, without blanks
		return h.render(w, r, status, views.CustomerResults(page))
	}
	page.Filter = listingInputs(ctx, q, wrong, countries, states)
	for _, name := range []string{"state", "from", "to", "stored", "gone"} {
		page.Open = page.Open || q.Get(name) != ""
	}
	if !page.Filtered && query.Cursor == "" {
		if err := h.handy(r, &page); err != nil {
			return err
		}
	}
	return h.render(w, r, status, views.Customers(page))
}

// list fills in the customers of a page.
func (h *Handlers) list(r *http.Request, page *views.CustomersPage, query store.CustomerQuery, q url.Values) error {
	found, err := h.Store.FindCustomers(r.Context(), query)
	if errors.Is(err, store.ErrBadCursor) || (err == nil && query.Cursor != "" && len(found.Customers) == 0) { // an old link: from the first page
		query.Cursor = ""
		found, err = h.Store.FindCustomers(r.Context(), query)
	}
	if err != nil {
		return err
	}
	page.Rows, page.Total = listedRows(r.Context(), found.Customers, page.Columns, query.Text), found.Total
	turn := func(cursor string) string {
		if cursor == "" {
			return ""
		}
		return changed(q, "cursor", cursor)
	}
	page.Next, page.Previous = turn(found.Next), turn(found.Previous)
	if page.CanCreate {
		page.Exports = customerExports(r.Context(), q)
	}
	return nil
}

// handy fills in the customers whom the reader is likely to look for: those who
// are pinned, and those acted on last.
func (h *Handlers) handy(r *http.Request, page *views.CustomersPage) error {
	staff := visitOf(r).Actor.Staff.ID
	pinned, err := h.Store.Pinned(r.Context(), staff)
	if err != nil {
		return err
	}
	recent, err := h.Store.RecentCustomers(r.Context(), staff, handyCustomers)
	if err != nil {
		return err
	}
	page.Pinned = customerRows(pinned)
	for _, row := range customerRows(recent) {
		if !hasCustomer(page.Pinned, row.CUID) {
			page.Recent = append(page.Recent, row)
		}
	}
	return nil
}

func hasCustomer(rows []views.CustomerRow, cuid string) bool {
	for _, row := range rows {
		if row.CUID == cuid {
			return true
		}
	}
	return false
}

// listingInputs are the filter's fields as typed, with what is wrong with them.
func listingInputs(ctx context.Context, q url.Values, wrong map[string]string, countries, states []string) views.CustomerFilter {
	input := func(name, label, kind string, options []views.Option) views.Input {
		in := views.Input{ID: "filter-" + name, Name: name, Label: label, Type: kind, Value: q.Get(name), Options: options}
		if wrong[name] != "" {
			in.Error = lang.T(ctx, wrong[name])
		}
		return in
	}
	places := func(name, all string, values []string) []views.Option {
		options, offered := []views.Option{{Value: "", Label: all}}, map[string]bool{}
		chosen := q.Get(name)
		for _, place := range values {
			label := place
			if name == "country" { // each once, however many spellings it has
				if label = desk.CountryOnce(place); offered[label] {
					continue
				}
				if place, offered[label] = label, true; label == desk.CountryOnce(chosen) {
					place = chosen
				}
			}
			if chosen != "" && store.Fold(place) == store.Fold(chosen) {
				place = chosen
			}
			options = append(options, views.Option{Value: place, Label: label})
		}
		slices.SortStableFunc(options[1:], func(a, b views.Option) int { return cmp.Compare(store.Fold(a.Label), store.Fold(b.Label)) })
		return known(options, chosen, chosen)
	}
	day := func(name string) string {
		if wrong[name] != "" {
			return "text" // which shows what was typed
		}
		return "date"
	}
	sizes := []views.Option{}
	for _, n := range pageSizes {
		value := strconv.Itoa(n)
		if n == pageSize {
			value = ""
		}
		sizes = append(sizes, views.Option{Value: value, Label: strconv.Itoa(n)})
	}
	return views.CustomerFilter{
		Country: input("country", lang.T(ctx, "Country"), "", places("country", lang.T(ctx, "Any country"), countries)),
		State:   input("state", lang.T(ctx, "State"), "", places("state", lang.T(ctx, "Any state"), states)),
		From:    input("from", lang.T(ctx, "Created since"), day("from"), nil),
		To:      input("to", lang.T(ctx, "Created until"), day("to"), nil),
		Stored: input("stored", lang.T(ctx, "Credentials"), "", []views.Option{
			{Value: "", Label: lang.T(ctx, "Any")}, {Value: "yes", Label: lang.T(ctx, "Stored")}, {Value: "no", Label: lang.T(ctx, "Not stored")},
		}),
		Gone: input("gone", lang.T(ctx, "Listed by ATOM"), "", []views.Option{{Value: "", Label: lang.T(ctx, "Listed")}, {Value: "1", Label: lang.T(ctx, "Gone")}}),
		Density: input("density", lang.T(ctx, "Rows"), "", []views.Option{
			{Value: "", Label: lang.T(ctx, "Comfortable")}, {Value: "compact", Label: lang.T(ctx, "Compact")},
		}),
		Size: input("size", lang.T(ctx, "On a page"), "", sizes),
	}
}

func clip(s string, runes int) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	if r := []rune(s); len(r) > runes {
		return string(r[:runes])
	}
	return s
}

func replaceSpaces(email string) string { return strings.ReplaceAll(email, " ", "+") }
