package handlers

import (
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
				if err := out.Write(resultCells(i, row)); err != nil {
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
// what came of the row.
func resultCells(i store.Import, row store.ImportRow) []string {
	cells := make([]string, len(i.Header), len(i.Header)+4)
	copy(cells, row.Cells)
	for field, value := range row.Mended {
		if n, ok := i.Columns[field]; ok && n < len(cells) {
			cells[n] = value
		}
	}
	return append(cells, desk.RowOutcome(row.State), desk.RowMessage(row), row.CUID, strconv.Itoa(row.N))
}
