package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// importResults streams every row with what came of it, for spreadsheets: parted
// as the file was.
func (h *Handlers) importResults(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	i, err := h.Desk.OpenImport(r.Context(), v.Actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	delimiter, err := audit.Delimiter(i.Format[strings.LastIndex(i.Format, " ")+1:])
	if err != nil {
		delimiter = ','
	}
	file := &download{h: h, w: w, r: r, name: "import", kind: "csv"}
	out, err := audit.NewTable(w, delimiter, true, append(slices.Clone(i.Header), "outcome", "message", "cuid", "row"))
	if err != nil {
		return err
	}
	page := func(rows []store.ImportRow) error {
		return file.part(func() error {
			for _, row := range rows {
				cells, err := h.resultCells(r.Context(), i, row)
				if err != nil {
					return err
				}
				if err := out.Write(cells); err != nil {
					return err
				}
			}
			return nil
		}, out.Flush)
	}
	if r.Method == http.MethodHead { // asks what it would be; nothing is taken away
		return page(nil)
	}
	return file.end(h.Desk.ExportImport(r.Context(), v.Actor, i, page))
}

// resultCells are the file's own columns, with what was mended in its place, and
// what came of the row. A country is written as it is sent, and the message says so.
func (h *Handlers) resultCells(ctx context.Context, i store.Import, row store.ImportRow) ([]string, error) {
	cells := make([]string, len(i.Header), len(i.Header)+4)
	copy(cells, row.Cells)
	for field, value := range row.Mended {
		if n, ok := i.Columns[field]; ok && n < len(cells) {
			cells[n] = value
		}
	}
	var said []string
	for _, one := range desk.RowMessages(row) {
		said = append(said, one.String())
	}
	message := strings.Join(said, " ")
	if n, ok := i.Columns["country"]; ok && n < len(cells) && row.Errors["country"] == "" {
		country := row.Value("country", i.Columns)
		sent, _, err := h.Desk.SentCountry(ctx, country)
		if err != nil {
			return nil, err
		}
		if sent != country {
			cells[n] = sent
			message = strings.TrimSpace(message + " country: " + country + " is sent as " + sent + ".")
		}
	}
	return append(cells, desk.RowOutcome(row.State).String(), message, row.CUID, strconv.Itoa(row.N)), nil
}
