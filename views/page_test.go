package views

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A cuid is anything; its page must be reachable and must not be another page.
func TestCustomerPathCarriesAnyCUID(t *testing.T) {
	mux := http.NewServeMux()
	var got string
	mux.HandleFunc("GET /customers/{cuid}", func(_ http.ResponseWriter, r *http.Request) { got = CUID(r.PathValue("cuid")) })
	mux.HandleFunc("GET /customers/new", func(http.ResponseWriter, *http.Request) { got = "the form for a new customer" })
	for _, cuid := range []string{
		"ch7hy3p4k5", "a/b", "a//b", "?q=1", "#top", "100%", "%2F", "..", ".", "...", "new", "import", "refresh", "export.csv", "export.jsonl",
		"~", "~61", "日本", "a b", "a+b", `"<>'`, strings.Repeat("x", 128), "12345678901234567890", "new/live", "\x01",
	} {
		path := CustomerPath(cuid)
		got = ""
		u, err := url.Parse(path)
		if err != nil {
			t.Errorf("%q: the path %q does not parse: %v", cuid, path, err)
			continue
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, &http.Request{Method: "GET", URL: u, Host: "localhost"})
		if got != cuid || w.Code != http.StatusOK {
			t.Errorf("%q: the path %q leads to %q, status %d", cuid, path, got, w.Code)
		}
	}
}

func TestSpan(t *testing.T) {
	for span, want := range map[time.Duration]string{
		-time.Second: "0 seconds", time.Second: "1 second", 1500 * time.Millisecond: "2 seconds", 20 * time.Minute: "20 minutes", 24 * time.Hour: "24 hours",
	} {
		if got := Span(t.Context(), span); got != want {
			t.Errorf("Span(%s) = %q, want %q", span, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Alice Andersson": "AA", "bob": "B", "Ana María de la Cruz": "AC", "": "", "öst": "Ö"} {
		if got := (User{Name: name}).Initials(); got != want {
			t.Errorf("Initials of %q = %q, want %q", name, got, want)
		}
	}
}
