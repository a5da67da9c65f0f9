package handlers

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// What an address of the list says, and what a page shows of it.

// pageSizes are the customers on a page that can be chosen; the first is the
// usual one.
var pageSizes = []int{pageSize, 25, 100, 200}

// listingColumns are the columns that can be shown beside the company.
var listingColumns = []struct {
	key, label string
	usual      bool
}{
	{"email", lang.Mark("E-mail"), true}, {"name", lang.Mark("Name"), true}, {"phone", lang.Mark("Phone"), true}, {"city", lang.Mark("City"), true},
	{"state", lang.Mark("State"), false}, {"country", lang.Mark("Country"), true}, {"created", lang.Mark("Created"), true}, {"cuid", lang.Mark("cuid"), false},
}

// usualColumns are those that are shown when nobody chose any.
const usualColumns = "email,name,phone,city,country,created"

// listingQuery is the list's filter in one spelling.
func listingQuery(q url.Values) url.Values {
	kept, _ := url.ParseQuery(desk.FilterQuery(store.PageCustomers, q))
	for name, values := range kept {
		kept.Set(name, clip(values[0], 200))
	}
	if cols := q["cols"]; len(cols) > 1 { // as the form sends them, the company first
		kept.Set("cols", strings.Join(slices.DeleteFunc(slices.Clone(cols), func(c string) bool { return c == "company" }), ","))
	}
	if kept.Get("cols") == usualColumns {
		kept.Del("cols")
	}
	return kept
}

// listing reads what to list from an address, and what is wrong with it.
func listing(q url.Values) (query store.CustomerQuery, wrong map[string]string) {
	wrong = map[string]string{}
	query = store.CustomerQuery{
		Text: q.Get("q"), Country: q.Get("country"), State: q.Get("state"), Stored: q.Get("stored"), Gone: q.Get("gone") != "", Outside: q.Get("outside") != "",
		Sort: store.CustomerSort(q.Get("sort")), Limit: pageSize,
	}
	if !query.Sort.Valid() {
		query.Sort = ""
	}
	if size, err := strconv.Atoi(q.Get("size")); err == nil && slices.Contains(pageSizes, size) {
		query.Limit = size
	}
	day := func(name string) (at time.Time) {
		if q.Get(name) == "" {
			return at
		}
		at, err := time.Parse(time.DateOnly, q.Get(name))
		if err != nil {
			wrong[name] = lang.Mark("A day such as 2026-03-31.")
		}
		return at
	}
	query.From, query.To = day("from"), day("to")
	if !query.To.IsZero() {
		query.To = query.To.AddDate(0, 0, 1) // that day too
	}
	if !query.From.IsZero() && !query.To.IsZero() && query.To.Before(query.From) {
		wrong["to"] = lang.Mark("This is before the first day.")
	}
	return query, wrong
}

// changed is a filter in its one spelling with other parameters, by name and
// value; a blank value takes one out.
func changed(q url.Values, pairs ...string) string {
	next := maps.Clone(q)
	for i := 0; i+1 < len(pairs); i += 2 {
		if next.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			next.Del(pairs[i])
		}
	}
	return viewedCustomers.path(next)
}

// columnsOf are the list's columns as chosen, with the way to sort by each.
func columnsOf(ctx context.Context, q url.Values) (shown []views.CustomerColumn, choices []views.Choice) {
	chosen := strings.Split(q.Get("cols"), ",")
	column := func(key, label string, always bool) views.CustomerColumn {
		c := views.CustomerColumn{Key: key, Label: label, Always: always, Sorted: "none"}
		next := key
		switch sort := q.Get("sort"); {
		case sort == key, sort == "" && key == "company" && q.Get("q") == "":
			c.Sorted, next = "ascending", "-"+key
		case sort == "-"+key:
			c.Sorted = "descending"
		}
		c.SortPath = changed(q, "sort", next)
		return c
	}
	shown = append(shown, column("company", lang.T(ctx, "Company"), true))
	for _, c := range listingColumns {
		on, always := c.usual, c.key == "email"
		if q.Get("cols") != "" {
			on, always = slices.Contains(chosen, c.key), true // whoever chose it wants to see it
		}
		label := lang.T(ctx, c.label)
		choices = append(choices, views.Choice{Value: c.key, Label: label, Chosen: on})
		if on {
			shown = append(shown, column(c.key, label, always))
		}
	}
	return shown, choices
}

// listedRows are the rows of the list's columns, with what was looked for marked.
func listedRows(ctx context.Context, found []store.ListedCustomer, columns []views.CustomerColumn, text string) []views.ListedRow {
	rows, m := make([]views.ListedRow, len(found)), newMarks(text)
	cells, fields := make([]views.Cell, len(found)*len(columns)), fieldNamesOf(ctx)
	for i, c := range found {
		hit := false
		var roomy []string // columns with it that not every screen shows
		row := views.ListedRow{CustomerRow: customerRow(c.Customer), Stored: c.Stored, Gone: c.GoneAt}
		row.Cells, cells = cells[:len(columns):len(columns)], cells[len(columns):]
		for j, column := range columns {
			cell := views.Cell{Text: row.Cell(column.Key)}
			switch {
			case text == "", column.Key == "created": // nothing to mark
			case column.Key == "phone":
				cell.Pieces = m.phone(cell.Text)
			default:
				cell.Pieces = m.pieces(cell.Text)
			}
			row.Cells[j] = cell
			if isHit(cell.Pieces) {
				hit = hit || column.Always
				roomy = append(roomy, column.Key)
			}
		}
		if text != "" && !hit {
			row.Elsewhere, row.Where = m.elsewhere(c.Customer, fields)
			row.Roomy = strings.Join(roomy, " ")
		}
		rows[i] = row
	}
	return rows
}

// listingChips are the filters that are set, each with the way to take it out.
func listingChips(ctx context.Context, q url.Values) []views.Chip {
	var all []views.Chip
	for _, c := range []struct{ name, label, value string }{
		{"country", lang.Mark("Country"), ""}, {"state", lang.Mark("State"), ""}, {"from", lang.Mark("Created since"), ""}, {"to", lang.Mark("Created until"), ""},
		{"stored", lang.Mark("Credentials"), map[string]string{"yes": lang.Mark("stored"), "no": lang.Mark("not stored")}[q.Get("stored")]},
		{"gone", lang.Mark("Shown"), lang.Mark("gone from ATOM")}, {"outside", lang.Mark("Shown"), lang.Mark("created outside frontdesk")},
	} {
		value := q.Get(c.name)
		if value == "" {
			continue
		}
		if c.value != "" {
			value = lang.T(ctx, c.value)
		} else if c.name == "from" || c.name == "to" {
			value = readableTime(ctx, value)
		}
		all = append(all, views.Chip{Label: lang.T(ctx, c.label), Value: value, Path: changed(q, c.name, "")})
	}
	return all
}
