package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// chunkLimit is how long a reader may take over one part of an export: a slow
// line is given time, a dead one is not.
const chunkLimit = time.Minute

// download is a file on its way to a reader, part by part.
type download struct {
	h     *Handlers
	w     http.ResponseWriter
	r     *http.Request
	name  string // "audit", for the file's
	kind  string // "csv"
	begun bool
}

var downloadTypes = map[string]string{"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/x-ndjson"}

// part sends what write writes. The first one sends the headers before it, so
// that a refusal can still be a page.
func (d *download) part(write func() error, flush func() error) error {
	control := http.NewResponseController(d.w)
	if !d.begun {
		d.begun = true
		head := d.w.Header()
		head.Set("Content-Type", downloadTypes[d.kind])
		head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="frontdesk-%s-%s.%s"`, d.name, d.h.Now().UTC().Format(time.DateOnly), d.kind))
		d.w.WriteHeader(http.StatusOK)
	}
	// The limit that other answers have is for the whole of them; this one begins anew with each part.
	if err := control.SetWriteDeadline(time.Now().Add(chunkLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	return control.Flush()
}

// end ends a download that failed with err, or nil. Once bytes have gone out, a
// failure drops the connection: a file that ends early must not look whole.
func (d *download) end(sent int, err error) error {
	if err == nil || !d.begun {
		return err
	}
	v := visitOf(d.r)
	v.failed = err
	if d.r.Context().Err() != nil { // the reader has left
		return nil
	}
	d.h.Log.Error("an export broke off", "request", v.ID, "sent", sent, "error", err)
	panic(http.ErrAbortHandler)
}
