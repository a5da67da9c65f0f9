package handlers

import (
	"net/http"
	"net/url"
	"strconv"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

func (h *Handlers) importRow(w http.ResponseWriter, r *http.Request) error {
	kept, _ := h.takeDraft(r, visitOf(r))
	return h.showImportRow(w, r, http.StatusOK, r.URL.Query().Get("show"), kept, nil, kept != nil)
}

func (h *Handlers) showImportRow(w http.ResponseWriter, r *http.Request, status int, show string, typed url.Values, p *desk.Problem, kept bool) error {
	ctx := r.Context()
	i, err := h.Desk.OpenImport(ctx, visitOf(r).Actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	row, err := h.Store.ImportRow(ctx, i.ID, rowNumber(r))
	if err != nil {
		return err
	}
	if _, known := rowChoices[show]; !known {
		show = "all"
	}
	page := views.ImportRowPage{Page: h.page(r, lang.T(ctx, "Row %s", strconv.Itoa(row.N))), Import: importItem(i, nil), N: row.N, Show: show,
		Sent: !desk.Mendable(i, row.State), Back: rowBack(i.ID, show, row.N), Problem: h.problem(r, p), Kept: kept}
	page.Message = lang.Text(ctx, desk.Text(row.Message))
	if desk.NotReady(row.State) {
		page.Message = elsewhere(r.Context(), row, desk.CustomerFields)
	}
	for _, name := range desk.CustomerFields {
		f := views.Input{Name: name, Label: lang.Text(ctx, desk.FieldNames[name]), Value: row.Value(name, i.Columns), Required: name == "company" || name == "email",
			Autocomplete: "off", MaxLength: 300}
		if desk.NotReady(row.State) {
			f.Error = lang.Text(r.Context(), desk.Text(row.Errors[name]))
		}
		if typed.Has(name) {
			f.Value = typed.Get(name)
		}
		if name == "country" && f.Value != "" && !page.Sent {
			sent, _, err := h.Desk.SentCountry(ctx, f.Value)
			if err != nil {
				return err
			}
			if sent != f.Value {
				f.Hint = lang.T(ctx, "Sent as %s.", sent)
			}
		}
		if p != nil {
			f.Error = fieldError(r.Context(), p, name)
		}
		page.Fields = append(page.Fields, f)
	}
	for n, cell := range row.Cells {
		name := lang.T(ctx, "beyond the last column")
		if n < len(i.Header) {
			name = i.Header[n]
		}
		if cell != "" {
			page.File = append(page.File, views.NamedValue{Name: name, Value: cell})
		}
	}
	return h.render(w, r, status, views.ImportRow(page))
}

func (h *Handlers) importRowMend(w http.ResponseWriter, r *http.Request) error {
	f, n, id := r.PostForm, rowNumber(r), r.PathValue("id")
	fields := map[string]string{}
	for _, name := range desk.CustomerFields {
		if f.Has(name) {
			fields[name] = f.Get(name)
		}
	}
	err := h.Desk.MendImportRow(r.Context(), visitOf(r).Actor, id, n, fields)
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showImportRow(w, r, p.Status(), f.Get("show"), f, p, false)
	}
	if err != nil {
		return err
	}
	visitOf(r).Prefs.flash("success", lang.T(r.Context(), "Row %s is ready.", strconv.Itoa(n)))
	if f.Get("next") != "" {
		next, err := h.Store.ImportRows(r.Context(), id, n, 1, store.RowWrong, store.RowFailed)
		if err != nil {
			return err
		}
		if len(next) > 0 {
			h.redirect(w, r, rowPath(id, next[0].N)+"?show="+url.QueryEscape(f.Get("show")))
			return nil
		}
	}
	h.redirect(w, r, rowBack(id, f.Get("show"), n))
	return nil
}

// rowBack is the list of rows, at one of them; those before it on the same page
// are there too.
func rowBack(id, show string, n int) string {
	if _, known := rowChoices[show]; !known {
		show = "all"
	}
	return rowsPath(id, show, max(0, n-pageSize/2)) + "#row-" + strconv.Itoa(n)
}

// rowNumber is the row's number in the address; 0, which no row has, when that is
// no number.
func rowNumber(r *http.Request) int {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return 0
	}
	return n
}
