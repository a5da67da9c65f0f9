package handlers

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// chunkLimit is how long a reader may take over one page of an export: a slow
// line is given time, a dead one is not.
const chunkLimit = time.Minute

// entryWriter is a format of an export.
type entryWriter interface {
	Write(e *audit.Entry) error
	Flush() error
}

func (h *Handlers) auditExportCSV(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("delimiter")
	delimiter, err := audit.Delimiter(name)
	if err != nil {
		return &desk.Problem{Kind: desk.Invalid, Title: "No such delimiter", Text: "Columns can be parted by comma, semicolon or tab. Nothing was exported.",
			Advice: "Choose one of these on the audit log's page.", Err: err}
	}
	if name == "" {
		name = "comma"
	}
	return h.auditExport(w, r, "csv", "text/csv; charset=utf-8; header=present", "CSV ("+name+")",
		func(w io.Writer) (entryWriter, error) { return audit.NewCSV(w, delimiter) })
}

func (h *Handlers) auditExportJSONL(w http.ResponseWriter, r *http.Request) error {
	return h.auditExport(w, r, "jsonl", "application/x-ndjson", "JSONL", func(w io.Writer) (entryWriter, error) { return audit.NewJSONL(w), nil })
}

// auditExport streams what the filter in the address lets through. Once bytes
// have gone out, a failure drops the connection: a file that ends early must
// not look whole.
func (h *Handlers) auditExport(w http.ResponseWriter, r *http.Request, ending, contentType, format string, open func(io.Writer) (entryWriter, error)) error {
	v, q := visitOf(r), r.URL.Query()
	q.Del("cursor") // from the newest, whatever page the link was on
	filter, wrong := audit.ParseFilter(q)
	if len(wrong) > 0 {
		return h.auditList(w, r) // which shows what is wrong, at the fields
	}
	out, err := open(w)
	if err != nil {
		return err
	}
	control, begun := http.NewResponseController(w), false
	page := func(entries []audit.Entry) error {
		if !begun {
			begun = true
			head := w.Header()
			head.Set("Content-Type", contentType)
			head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="frontdesk-audit-%s.%s"`, h.Now().UTC().Format(time.DateOnly), ending))
			w.WriteHeader(http.StatusOK)
		}
		// The limit that other answers have is for the whole of them; this one begins anew with each page.
		if err := control.SetWriteDeadline(time.Now().Add(chunkLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for i := range entries {
			if err := out.Write(&entries[i]); err != nil {
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
	sent, err := h.Desk.ExportAudit(r.Context(), v.Actor, desk.AuditExport{Filter: filter, Format: format, Query: desk.FilterQuery(q), Page: page})
	if err == nil || !begun {
		return err
	}
	v.failed = err
	if r.Context().Err() != nil { // the reader has left
		return nil
	}
	h.Log.Error("an export broke off", "request", v.ID, "sent", sent, "error", err)
	panic(http.ErrAbortHandler)
}
