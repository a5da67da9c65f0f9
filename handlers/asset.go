package handlers

import (
	"net/http"

	"frontdesk/store"
)

// asset serves the built assets on a way of their own: each page has several, they are
// the same for everybody, and what is done for a page would take longer than they do.
// They have every answer's headers and time limit, and their place in the metrics. What
// does not simply ask for one goes on like all else.
func (h *Handlers) asset(next http.Handler) http.Handler {
	assets := h.Assets.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Assets.Has(r.URL.Path) || r.Method != http.MethodGet && r.Method != http.MethodHead || len(r.URL.RawQuery) > maxQuery || !h.isOwnHost(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		began := h.Now()
		head := w.Header()
		head["X-Request-Id"] = []string{store.NewID()[:12]}
		h.setHeaders(head)
		sw := &statusWriter{ResponseWriter: w, limit: h.answerLimit}
		assets.ServeHTTP(sw, r)
		h.metrics.asset(sw.status, h.Now().Sub(began))
	})
}
