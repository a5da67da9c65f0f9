package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// watched are the fields of a new customer that are looked at while they are
// typed, with what asks for it. A country tells how a number is to be read.
var watched = map[string]string{
	"company": "input delay:500ms from:#company", "email": "input delay:500ms from:#email", "country": "input delay:500ms from:#country",
	"phone": "input delay:500ms from:#phone, input delay:500ms from:#country",
}

// knownShown is how many customers are named who have the same already.
const knownShown = 3

// customerOf is the customer that a form speaks of.
func customerOf(f url.Values) desk.NewCustomer {
	return desk.NewCustomer{
		Company: f.Get("company"), Email: f.Get("email"), Name: f.Get("name"), Address: f.Get("address"), Country: f.Get("country"),
		City: f.Get("city"), Zip: f.Get("zip"), State: f.Get("state"), Phone: f.Get("phone"), Website: f.Get("website"),
	}
}

// customerFill fills the blank fields of the form for a new customer from what was
// pasted. It is no act: the form comes back, and nothing is recorded or sent.
func (h *Handlers) customerFill(w http.ResponseWriter, r *http.Request) error {
	ctx, typed, text := r.Context(), r.PostForm, r.PostForm.Get("paste")
	paste := views.CustomerPaste{Text: text, Most: desk.MaxPaste}
	status := http.StatusOK
	given := url.Values{}
	var pasted desk.Pasted
	switch length := utf8.RuneCountInString(strings.ReplaceAll(text, "\r\n", "\n")); { // as browsers count
	case strings.TrimSpace(text) == "":
		status, paste.Error = http.StatusUnprocessableEntity, lang.T(ctx, "Paste the text here first.")
	case length > desk.MaxPaste:
		status, paste.Error = http.StatusUnprocessableEntity, lang.T(ctx,
			"This has %s characters; at most %s are read. Paste the signature or the row alone.", strconv.Itoa(length), strconv.Itoa(desk.MaxPaste))
	default:
		pasted = desk.ParsePaste(text)
		given = customerValues(pasted.Customer)
	}
	var filled, left []string
	marks := map[string]string{}
	for _, name := range desk.CustomerFields {
		switch value := given.Get(name); {
		case value == "":
		case strings.TrimSpace(typed.Get(name)) == "":
			typed.Set(name, value)
			filled, marks[name] = append(filled, lang.Text(ctx, desk.FieldNames[name])), lang.T(ctx, "From what you pasted.")
		case store.Fold(typed.Get(name)) != store.Fold(value):
			left = append(left, lang.Text(ctx, desk.FieldNames[name]))
		}
	}
	if pasted.Guessed && marks["company"] != "" {
		marks["company"] = lang.T(ctx, "Guessed from the domain. Check it.")
	}
	if paste.Error == "" {
		paste.Said, paste.Rest, paste.Rows = pasteSaid(ctx, filled, left), pasted.Rest, pasted.Rows
	}
	page := views.CustomerNewPage{Page: h.page(r, lang.T(ctx, "New customer")), Receipt: receipt(), Fields: newCustomerFields(ctx, typed, nil),
		Countries: desk.CountryNames(), Paste: paste, Typed: true}
	if err := h.noteCustomer(r, page.Fields, typed); err != nil {
		return err
	}
	for i := range page.Fields {
		f := &page.Fields[i]
		f.Hint, f.Autofocus = strings.TrimSpace(f.Hint+" "+marks[f.Name]), false
	}
	if paste.Error == "" {
		page.Paste.Autofocus = !wants(page.Fields, pasted.Guessed && marks["company"] != "")
	}
	if isFragment(r) {
		return h.render(w, r, status, views.CustomerForm(page))
	}
	return h.render(w, r, status, views.CustomerNew(page))
}

// wants puts the focus on the first field that still needs something, and tells
// whether there is one.
func wants(fields []views.CustomerField, guessed bool) bool {
	for _, needs := range []func(f views.CustomerField) bool{
		func(f views.CustomerField) bool { return f.Required && f.Value == "" },
		func(f views.CustomerField) bool {
			return f.Note.Warn || len(f.Note.Known) > 0 || (guessed && f.Name == "company")
		},
	} {
		for i := range fields {
			if needs(fields[i]) {
				fields[i].Autofocus = true
				return true
			}
		}
	}
	return false
}

// pasteSaid is what came of a paste, in a sentence or two.
func pasteSaid(ctx context.Context, filled, left []string) string {
	text := lang.T(ctx, "Nothing in it fills a blank field.")
	if len(filled) > 0 {
		text = lang.T(ctx, "Filled in: %s.", strings.Join(filled, ", "))
	}
	if len(left) > 0 {
		text += " " + lang.T(ctx, "Left as you typed it: %s.", strings.Join(left, ", "))
	}
	return text
}

func customerValues(c desk.NewCustomer) url.Values {
	return url.Values{"company": {c.Company}, "email": {c.Email}, "name": {c.Name}, "phone": {c.Phone}, "address": {c.Address}, "zip": {c.Zip}, "city": {c.City},
		"state": {c.State}, "country": {c.Country}, "website": {c.Website}}
}

// noteCustomer notes at the fields how they are understood and who has the same.
func (h *Handlers) noteCustomer(r *http.Request, fields []views.CustomerField, typed url.Values) error {
	if typed == nil {
		return nil
	}
	looks, err := h.Desk.LookAt(r.Context(), customerOf(typed))
	for i := range fields {
		note := fieldNote(r.Context(), looks[fields[i].Name])
		if fields[i].Error != "" { // which says it already
			note.Text, note.Warn = "", false
		}
		fields[i].Note = note
	}
	return err
}

// customerCheck is what is to be said of one field while it is typed. It is posted,
// so that nothing of it stands in an address.
func (h *Handlers) customerCheck(w http.ResponseWriter, r *http.Request) error {
	if !isFragment(r) { // no page of ours posts it so
		return h.showCustomerNew(w, r, http.StatusOK, r.PostForm, nil, false)
	}
	f := r.PostForm
	field := f.Get("field")
	looks, err := h.Desk.LookAt(r.Context(), customerOf(url.Values{field: {f.Get(field)}, "country": {f.Get("country")}})) // of the others nobody asks
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, views.FieldNoted(h.page(r, lang.T(r.Context(), "New customer")), fieldNote(r.Context(), looks[field])))
}

func fieldNote(ctx context.Context, look desk.Look) views.FieldNote {
	note := views.FieldNote{Text: lang.Text(ctx, look.Text), Warn: look.Warn}
	for i, c := range look.Known {
		if i == knownShown {
			note.More = len(look.Known) - knownShown
			break
		}
		name := customerRow(c).Label()
		if c.City != "" {
			name += ", " + c.City
		}
		note.Known = append(note.Known, views.KnownCustomer{Name: name, Path: views.CustomerPath(c.CUID)})
	}
	return note
}
