package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"frontdesk/web/desk"
)

func (h *Handlers) importStart(w http.ResponseWriter, r *http.Request) error {
	return h.importAct(w, r, h.Desk.StartImport)
}

func (h *Handlers) importPause(w http.ResponseWriter, r *http.Request) error {
	return h.importAct(w, r, h.Desk.PauseImport)
}

func (h *Handlers) importCancel(w http.ResponseWriter, r *http.Request) error {
	return h.importAct(w, r, h.Desk.CancelImport)
}

func (h *Handlers) importRetry(w http.ResponseWriter, r *http.Request) error {
	return h.importAct(w, r, h.Desk.RetryImport)
}

func (h *Handlers) importAct(w http.ResponseWriter, r *http.Request, act func(ctx context.Context, by desk.Actor, id string) error) error {
	return h.importDone(w, r, act(r.Context(), visitOf(r).Actor, r.PathValue("id")))
}

// importPace takes blanks and other texts that are no numbers for 0, which is too
// few.
func (h *Handlers) importPace(w http.ResponseWriter, r *http.Request) error {
	number := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(r.PostForm.Get(name)))
		if err != nil {
			return 0
		}
		return n
	}
	return h.importDone(w, r, h.Desk.PaceImport(r.Context(), visitOf(r).Actor, r.PathValue("id"), number("concurrency"), number("rate")))
}

// importColumns takes a blank choice for a field that no column fills.
func (h *Handlers) importColumns(w http.ResponseWriter, r *http.Request) error {
	columns := map[string]int{}
	for _, name := range desk.CustomerFields {
		chosen := r.PostForm.Get(name)
		if chosen == "" {
			continue
		}
		n, err := strconv.Atoi(chosen)
		if err != nil {
			n = -1 // the file has no such column
		}
		columns[name] = n
	}
	return h.importDone(w, r, h.Desk.MapImport(r.Context(), visitOf(r).Actor, r.PathValue("id"), columns))
}

// importDone leads back to the import, or shows it with what is wrong.
func (h *Handlers) importDone(w http.ResponseWriter, r *http.Request, err error) error {
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showImport(w, r, p.Status(), r.PostForm, p)
	}
	if err != nil {
		return err
	}
	h.redirect(w, r, "/imports/"+url.PathEscape(r.PathValue("id")))
	return nil
}
