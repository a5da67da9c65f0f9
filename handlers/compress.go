package handlers

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// worthCompressing is the size, in bytes, of the smallest page that is compressed:
// a smaller one fits into a packet as it is.
const worthCompressing = 1024

// newCompression returns what sends pages with gzip to those who take it, at the
// level that costs a page least of its time. Assets are compressed when they are
// built, streams of events and exports go out part by part as they are, and a page
// that shows a secret is never compressed: its length would tell of it (BREACH).
func newCompression() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(gzhttp.MinSize(worthCompressing), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false),
		gzhttp.ContentTypeFilter(func(kind string) bool { return strings.HasPrefix(kind, "text/html") }))
}

// compressed puts the compression around all that has pages.
func (h *Handlers) compressed(next http.Handler) http.Handler {
	pages := h.compression(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isBare(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}
