package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// importResults streams every row with what came of it, for spreadsheets: parted
// as the file was. Once bytes have gone out, a failure drops the connection: a
// file that ends early must not look whole.
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
	var out *audit.Table
	control := http.NewResponseController(w)
	page := func(rows []store.ImportRow) (err error) {
		if out == nil {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
			w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="frontdesk-import-%s.csv"`, i.MadeAt.UTC().Format(time.DateOnly)))
			w.WriteHeader(http.StatusOK)
			if out, err = audit.NewTable(w, delimiter, true, append(slices.Clone(i.Header), "outcome", "message", "cuid", "row")); err != nil {
				return err
			}
		}
		if err := control.SetWriteDeadline(time.Now().Add(chunkLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, row := range rows {
			if err := out.Write(resultCells(i, row)); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return control.Flush()
	}
	if r.Method == http.MethodHead { // asks what it would be; nothing is taken away
		return page(nil)
	}
	sent, err := h.Desk.ExportImport(r.Context(), v.Actor, i, page)
	if err == nil || out == nil {
		return err
	}
	v.failed = err
	if r.Context().Err() != nil { // the reader has left
		return nil
	}
	h.Log.Error("an export broke off", "request", v.ID, "sent", sent, "error", err)
	panic(http.ErrAbortHandler)
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
