package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// rowChoices are the rows that an import's page can be asked for by name.
var rowChoices = map[string][]store.RowState{
	"all": nil, "wrong": {store.RowWrong}, "left": {store.RowLeft}, "ready": {store.RowReady, store.RowSending}, "created": {store.RowCreated},
	"failed": {store.RowFailed}, "unknown": {store.RowUnknown},
}

func (h *Handlers) importShow(w http.ResponseWriter, r *http.Request) error {
	return h.showImport(w, r, http.StatusOK, r.URL.Query(), nil)
}

// showImport shows an import; typed are the rows that are wanted, and after a
// form that failed with p, what was in that.
func (h *Handlers) showImport(w http.ResponseWriter, r *http.Request, status int, typed url.Values, p *desk.Problem) error {
	ctx := r.Context()
	i, err := h.Desk.OpenImport(ctx, visitOf(r).Actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	base, err := h.mirrorPage(r, i.FileName)
	if err != nil {
		return err
	}
	page := views.ImportPage{Page: base, Format: formatWords(ctx, i.Format), Problem: h.problem(r, p)}
	if page.Live, err = h.importLive(ctx, i.ID); err != nil {
		return err
	}
	sample, err := h.Store.ImportRows(ctx, i.ID, 0, 1)
	if err != nil {
		return err
	}
	page.Mapping, page.Unmapped = mapping(ctx, i, sample, typed, p)
	page.Pace = pace(ctx, i, typed, p)
	fields := shownFields(i)
	for _, field := range fields {
		page.Heads = append(page.Heads, lang.Text(ctx, desk.FieldNames[field]))
	}
	page.Tabs, page.Show = importTabs(ctx, page.Live, typed.Get("show"))
	after, _ := strconv.Atoi(typed.Get("after")) // from the first when it is no number
	rows, err := h.Store.ImportRows(ctx, i.ID, after, pageSize+1, rowChoices[page.Show]...)
	if err != nil {
		return err
	}
	if after > 0 {
		page.First = rowsPath(i.ID, page.Show, 0)
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		page.Next = rowsPath(i.ID, page.Show, rows[pageSize-1].N)
	}
	if page.Rows, err = h.importRows(ctx, i, fields, page.Show, rows); err != nil {
		return err
	}
	return h.render(w, r, status, views.Import(page))
}

// importLive is how far an import has come.
func (h *Handlers) importLive(ctx context.Context, id string) (views.ImportLive, error) {
	p, err := h.Desk.ImportProgress(ctx, id)
	live := views.ImportLive{Base: views.Page{Assets: h.Assets, Now: h.Now()}, ImportItem: importItem(p.Import, p.Counts),
		Note: lang.Text(ctx, desk.Text(p.Import.Note)), PerMinute: p.PerMinute, Again: p.Again, Left: p.Left}
	return live, err
}

// importEvents keeps that up to date on the pages of all who watch it.
func (h *Handlers) importEvents(w http.ResponseWriter, r *http.Request) error {
	i, err := h.Desk.OpenImport(r.Context(), visitOf(r).Actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	return h.events(w, r, func(ctx context.Context) (templ.Component, bool, error) {
		live, err := h.importLive(ctx, i.ID)
		return views.ImportState(live), live.Over(), err
	})
}

// delimiters are the words that a file's format ends with.
var _ = []string{lang.Mark("comma"), lang.Mark("semicolon"), lang.Mark("tab")}

// formatWords says what a file was read as: its encoding and its delimiter.
func formatWords(ctx context.Context, format string) string {
	encoding, delimiter, _ := strings.Cut(format, ", ")
	return encoding + ", " + lang.T(ctx, delimiter)
}

// mapping are the choices of a column for each field, as they are or as typed.
// What is in the first row tells columns apart that have no name.
func mapping(ctx context.Context, i store.Import, sample []store.ImportRow, typed url.Values, p *desk.Problem) (fields []views.Input, unmapped bool) {
	choices := []views.Option{{Value: "", Label: lang.T(ctx, "in no column")}}
	for n, name := range i.Header {
		if name == "Column "+strconv.Itoa(n+1) {
			name = lang.T(ctx, "Column %s", strconv.Itoa(n+1))
			if len(sample) > 0 && n < len(sample[0].Cells) {
				name += ": " + sample[0].Cells[n]
			}
		}
		choices = append(choices, views.Option{Value: strconv.Itoa(n), Label: views.Clipped(name, 60)})
	}
	for _, name := range desk.CustomerFields {
		f := views.Input{ID: "column-" + name, Name: name, Label: lang.Text(ctx, desk.FieldNames[name]), Options: choices, Required: name == "company" || name == "email"}
		if n, ok := i.Columns[name]; ok {
			f.Value = strconv.Itoa(n)
		}
		unmapped = unmapped || (f.Required && f.Value == "")
		if p != nil && typed.Has(name) {
			f.Value, f.Error = typed.Get(name), fieldError(ctx, p, name)
		}
		fields = append(fields, f)
	}
	return fields, unmapped
}

// pace are the fields for how fast an import runs.
func pace(ctx context.Context, i store.Import, typed url.Values, p *desk.Problem) []views.Input {
	fields := []views.Input{
		{Name: "concurrency", Label: lang.T(ctx, "Rows at once"), Value: strconv.Itoa(i.Concurrency), Type: "number", InputMode: "numeric",
			Min: 1, Max: 16, Required: true, Hint: lang.T(ctx, "1 to 16")},
		{Name: "rate", Label: lang.T(ctx, "Rows a second"), Value: strconv.Itoa(i.Rate), Type: "number", InputMode: "numeric",
			Min: 1, Max: 100, Required: true, Hint: lang.T(ctx, "1 to 100, at most")},
	}
	for n := range fields {
		if p != nil && typed.Has(fields[n].Name) {
			fields[n].Value, fields[n].Error = typed.Get(fields[n].Name), fieldError(ctx, p, fields[n].Name)
		}
	}
	return fields
}

// shownFields are the fields that the table has: those that some column fills.
func shownFields(i store.Import) (fields []string) {
	for _, name := range desk.CustomerFields {
		if _, ok := i.Columns[name]; ok || name == "company" || name == "email" {
			fields = append(fields, name)
		}
	}
	return fields
}

// importTabs are the choices of rows that there are, and the one that is shown:
// as asked for, or else those that want a look.
func importTabs(ctx context.Context, live views.ImportLive, asked string) (tabs []views.ImportTab, show string) {
	c := live.Counts
	ready := lang.T(ctx, "Ready")
	if live.Started {
		ready = lang.T(ctx, "Not sent")
	}
	show = "all"
	switch _, known := rowChoices[asked]; {
	case known:
		show = asked
	case !live.Started && c.Wrong > 0:
		show = "wrong"
	case live.Started && c.Failed > 0:
		show = "failed"
	}
	for _, t := range []struct {
		name, label string
		n           int
	}{
		{"all", lang.T(ctx, "All"), c.Total()}, {"created", lang.T(ctx, "Created"), c.Created}, {"failed", lang.T(ctx, "Failed"), c.Failed},
		{"unknown", lang.T(ctx, "Unknown"), c.Unknown}, {"wrong", lang.T(ctx, "To be mended"), c.Wrong}, {"left", lang.T(ctx, "Left out"), c.Left},
		{"ready", ready, c.Ready + c.Sending},
	} {
		if t.n > 0 || t.name == show {
			tabs = append(tabs, views.ImportTab{Label: t.label, Path: rowsPath(live.ID, t.name, 0), Count: t.n, Current: t.name == show})
		}
	}
	return tabs, show
}

// rowsPath is an import's page with the rows behind a number.
func rowsPath(id, show string, after int) string {
	q := url.Values{"show": {show}}
	if after > 0 {
		q.Set("after", strconv.Itoa(after))
	}
	return "/imports/" + url.PathEscape(id) + "?" + q.Encode()
}

// importRows are rows as the table shows them.
func (h *Handlers) importRows(ctx context.Context, i store.Import, fields []string, show string, rows []store.ImportRow) ([]views.ImportRowItem, error) {
	var keys []string
	for _, row := range rows {
		if desk.IsCustomer(row.Errors["email"]) {
			keys = append(keys, row.EmailKey)
		}
	}
	customers := map[string]store.Customer{}
	if err := h.Store.CustomersOfEmails(ctx, keys, customers); err != nil {
		return nil, err
	}
	var items []views.ImportRowItem
	for _, row := range rows {
		item := views.ImportRowItem{N: row.N, State: string(row.State), Outcome: lang.Text(ctx, desk.RowOutcome(row.State)),
			Message: lang.Text(ctx, desk.Text(row.Message))}
		if desk.NotReady(row.State) {
			item.Message = elsewhere(ctx, row, fields)
		}
		var wrong []string
		for _, field := range fields {
			cell := views.ImportCell{Value: row.Value(field, i.Columns)}
			if desk.NotReady(row.State) {
				cell.Error, cell.Calm = lang.Text(ctx, desk.Text(row.Errors[field])), row.State == store.RowLeft
			}
			if field == "country" && cell.Value != "" && cell.Error == "" {
				sent, _, err := h.Desk.SentCountry(ctx, cell.Value)
				if err != nil {
					return nil, err
				}
				if sent != cell.Value && row.State != store.RowCreated {
					cell.Value, cell.Note = sent, lang.T(ctx, "for %s", cell.Value)
				}
			}
			if cell.Error != "" && !cell.Calm {
				wrong = append(wrong, lang.Text(ctx, desk.FieldNames[field]))
			}
			if c, ok := customers[row.EmailKey]; ok && field == "email" && cell.Error != "" && desk.IsCustomer(row.Errors[field]) {
				cell.Link = views.CustomerPath(c.CUID)
			}
			item.Cells = append(item.Cells, cell)
		}
		item.Wrong = strings.Join(wrong, ", ")
		if row.CUID != "" {
			item.Customer = views.CustomerPath(row.CUID)
		}
		if desk.Mendable(i, row.State) {
			item.Mend = rowPath(i.ID, row.N) + "?show=" + show
		}
		items = append(items, item)
	}
	return items, nil
}

// elsewhere is what is wrong with a row and with none of the fields that are shown.
func elsewhere(ctx context.Context, row store.ImportRow, shown []string) string {
	rest := store.ImportRow{State: row.State, Errors: map[string]string{}}
	for field, message := range row.Errors {
		rest.Errors[field] = message
	}
	for _, field := range shown {
		delete(rest.Errors, field)
	}
	var said []string
	for _, one := range desk.RowMessages(rest) {
		said = append(said, lang.Text(ctx, one))
	}
	return strings.Join(said, " ")
}

// rowPath is the form that mends a row.
func rowPath(id string, n int) string {
	return "/imports/" + url.PathEscape(id) + "/rows/" + strconv.Itoa(n)
}
