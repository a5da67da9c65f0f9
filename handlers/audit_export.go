package handlers

import (
	"io"
	"net/http"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

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
	return h.auditExport(w, r, "csv", "CSV ("+name+")",
		func(w io.Writer) (entryWriter, error) { return audit.NewCSV(w, delimiter) })
}

func (h *Handlers) auditExportJSONL(w http.ResponseWriter, r *http.Request) error {
	return h.auditExport(w, r, "jsonl", "JSONL", func(w io.Writer) (entryWriter, error) { return audit.NewJSONL(w), nil })
}

// auditExport streams what the filter in the address lets through.
func (h *Handlers) auditExport(w http.ResponseWriter, r *http.Request, ending, format string, open func(io.Writer) (entryWriter, error)) error {
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
	file := &download{h: h, w: w, r: r, name: "audit", kind: ending}
	page := func(entries []audit.Entry) error {
		return file.part(func() error {
			for i := range entries {
				if err := out.Write(&entries[i]); err != nil {
					return err
				}
			}
			return nil
		}, out.Flush)
	}
	if r.Method == http.MethodHead { // asks what it would be; nothing is taken away
		return page(nil)
	}
	return file.end(h.Desk.ExportAudit(r.Context(), v.Actor, desk.AuditExport{Filter: filter, Format: format, Query: desk.FilterQuery(store.PageAudit, q), Page: page}))
}
