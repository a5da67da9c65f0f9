package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// paletteCustomers is how many customers the palette finds: more is what the list
// is for.
const paletteCustomers = 7

// palette offers what was typed may mean, the likeliest first: customers, acts on
// the customer whose page it was opened on, and pages. It offers nothing that the
// role may not do, and does nothing itself: a customer and an act lead to the
// customer's page.
func (h *Handlers) palette(w http.ResponseWriter, r *http.Request) error {
	q, role := r.URL.Query(), visitOf(r).Actor.Staff.Role
	typed := clip(q.Get("q"), 200)
	p := views.PaletteView{Page: views.Page{Assets: h.Assets}, Query: typed}
	on, err := found(h.Store.Customer(r.Context(), q.Get("on")))
	if err != nil {
		return err
	}
	acts, pages := h.commands(r.Context(), role, on.CUID, typed)
	customers, more, err := h.paletteCustomers(r, typed, on.CUID)
	if err != nil {
		return err
	}
	if more || typed != "" && len(customers)+len(acts)+len(pages) == 0 {
		p.More = "/customers?q=" + url.QueryEscape(typed)
	}
	here := views.PaletteGroup{Label: lang.T(r.Context(), "On %s", customerRow(on).Label()), Choices: acts}
	there := views.PaletteGroup{Label: lang.T(r.Context(), "Customers"), Choices: customers}
	if typed == "" {
		there.Label = lang.T(r.Context(), "Recent and pinned customers")
	}
	p.Groups = inOrder(typed, here, there, views.PaletteGroup{Label: lang.T(r.Context(), "Pages"), Choices: pages})
	p.Groups = slices.DeleteFunc(p.Groups, func(g views.PaletteGroup) bool { return len(g.Choices) == 0 })
	return h.render(w, r, http.StatusOK, views.Palette(p))
}

// inOrder puts what begins as it was typed before what only has it somewhere, and
// what is nearer at hand first: an act on the customer whose page is open, a
// customer, a page. A page by its name comes before a customer who merely has it.
func inOrder(typed string, acts, customers, pages views.PaletteGroup) []views.PaletteGroup {
	switch {
	case typed == "" || begins(acts, typed):
		return []views.PaletteGroup{acts, customers, pages}
	case begins(customers, typed):
		return []views.PaletteGroup{customers, acts, pages}
	case begins(pages, typed):
		return []views.PaletteGroup{acts, pages, customers}
	}
	return []views.PaletteGroup{acts, customers, pages}
}

// begins tells whether one of a group is called as was typed, or its name goes on
// from there.
func begins(g views.PaletteGroup, typed string) bool {
	return slices.ContainsFunc(g.Choices, func(c views.PaletteChoice) bool { return strings.HasPrefix(store.Fold(c.Label), store.Fold(typed)) })
}

// commands are the acts on a customer, none when cuid is "", and the pages that a
// role may use and that fit what was typed.
func (h *Handlers) commands(ctx context.Context, role store.Role, cuid, typed string) (acts, pages []views.PaletteChoice) {
	words, m := paletteWords(typed), newMarks(typed)
	add := func(all *[]views.PaletteChoice, rt route, path string) {
		label := lang.T(ctx, rt.Find.Label)
		if fits(words, paletteWords(label), paletteWords(rt.Find.Label+" "+rt.Find.Words)) { // by its English name too
			*all = append(*all, views.PaletteChoice{Path: path, Icon: rt.Find.Icon, Label: label, Text: m.pieces(label), Key: rt.Find.Key})
		}
	}
	for _, rt := range h.routes {
		switch {
		case rt.Find.Label == "" || !role.Includes(rt.Needs):
		case rt.Find.Anchor == "act-verify" && !h.Desk.SMS(): // customers' pages have no place for it
		case rt.Find.Anchor == "":
			add(&pages, rt, rt.address())
		case cuid != "":
			add(&acts, rt, views.CustomerPath(cuid)+"#"+rt.Find.Anchor)
		}
	}
	// What begins as it was typed stands before what is only about it.
	rank := func(c views.PaletteChoice) int {
		if strings.HasPrefix(store.Fold(c.Label), store.Fold(typed)) {
			return 0
		}
		return 1
	}
	for _, all := range [][]views.PaletteChoice{acts, pages} {
		slices.SortStableFunc(all, func(a, b views.PaletteChoice) int { return rank(a) - rank(b) })
	}
	return acts, pages
}

// shortcuts are what the sheet of shortcuts shows.
func (h *Handlers) shortcuts(w http.ResponseWriter, r *http.Request) error {
	return h.render(w, r, http.StatusOK, views.Shortcuts(h.page(r, lang.T(r.Context(), "Keyboard shortcuts"))))
}

// paletteWords are a text's words, folded, without what stands between them: an
// e-mail is both "e-mail" and "mail".
func paletteWords(text string) []string {
	words := strings.Fields(store.Fold(text))
	for _, word := range words {
		if parts := strings.FieldsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }); len(parts) > 1 {
			words = append(words, parts...)
		}
	}
	return words
}

// fits tells whether each word that was typed begins one of those of a command.
func fits(typed []string, label, words []string) bool {
	begins := func(word string) func(string) bool {
		return func(of string) bool { return strings.HasPrefix(of, word) }
	}
	return !slices.ContainsFunc(typed, func(word string) bool {
		return !slices.ContainsFunc(label, begins(word)) && !slices.ContainsFunc(words, begins(word))
	})
}

// paletteCustomers are the customers who fit what was typed, best first, and
// whether there are more; before anything is typed, those acted on last and those
// who are pinned, without the one whose page is open.
func (h *Handlers) paletteCustomers(r *http.Request, typed, on string) (all []views.PaletteChoice, more bool, err error) {
	if typed != "" {
		page, err := h.Store.FindCustomers(r.Context(), paletteQuery(typed))
		if err != nil {
			return nil, false, err
		}
		m, fields := newMarks(typed), fieldNamesOf(r.Context())
		for _, c := range page.Customers {
			all = append(all, customerChoice(c.Customer, m, fields))
		}
		return all, page.Next != "", nil
	}
	staff := visitOf(r).Actor.Staff.ID
	recent, recently := h.Store.RecentCustomers(r.Context(), staff, handyCustomers)
	pinned, kept := h.Store.Pinned(r.Context(), staff)
	if err := errors.Join(recently, kept); err != nil {
		return nil, false, err
	}
	seen := map[string]bool{on: true}
	for _, c := range append(recent, pinned[:min(len(pinned), handyCustomers)]...) {
		if !seen[c.CUID] {
			seen[c.CUID] = true
			all = append(all, customerChoice(c, marks{}, fieldNames{}))
		}
	}
	return all, false, nil
}

func paletteQuery(typed string) store.CustomerQuery {
	return store.CustomerQuery{Text: typed, Limit: paletteCustomers, Uncounted: true}
}

// customerChoice leads to a customer's page, where the button that opens ATOM has
// the focus.
func customerChoice(c store.Customer, m marks, fields fieldNames) views.PaletteChoice {
	row := customerRow(c)
	choice := views.PaletteChoice{Path: row.Path() + "#act-open", Icon: "building-2", Label: row.Label(), Text: m.pieces(row.Label())}
	if row.Email != row.Label() {
		choice.Note = m.pieces(row.Email)
	}
	if len(m.words) > 0 && !isHit(choice.Text) && !isHit(choice.Note) {
		choice.Elsewhere, choice.Where = m.elsewhere(c, fields)
	}
	return choice
}
