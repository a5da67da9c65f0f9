package handlers

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestAssetsOnTheirOwnWay: an asset comes without what is done for a page, but with
// every answer's headers and a place in the metrics. What does not simply ask for one is
// answered as everything else is.
func TestAssetsOnTheirOwnWay(t *testing.T) {
	w := newWorld(t, setup{https: true})
	path := w.h.Assets.Path("app.css")
	ask := func(method, path, host string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, w.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		res, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	counted := func(status string) (n float64) { // once the answer has gone out
		for deadline := time.Now().Add(10 * time.Second); n == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			n = testutil.ToFloat64(w.h.metrics.requests.WithLabelValues(assetRoute, status))
		}
		return n
	}
	page, _ := ask("GET", "/login", "")
	asset, body := ask("GET", path, "")
	if n := counted("200"); asset.StatusCode != http.StatusOK || !strings.Contains(body, "{") || n != 1 {
		t.Errorf("status %d, %d bytes, counted %v", asset.StatusCode, len(body), n)
	}
	for name, values := range page.Header {
		switch name {
		case "Cache-Control", "Content-Length", "Content-Type", "Content-Security-Policy", "Date", "Set-Cookie", "X-Request-Id", "Vary", "Link", "Permissions-Policy":
			continue // a page's own
		}
		if got := asset.Header.Values(name); strings.Join(got, ";") != strings.Join(values, ";") {
			t.Errorf("%s of an asset is %q, of a page %q", name, got, values)
		}
	}
	if csp, id := asset.Header.Get("Content-Security-Policy"), asset.Header.Get("X-Request-Id"); !strings.HasPrefix(csp, "default-src 'none'") || len(id) != 12 {
		t.Errorf("the asset's policy is %q, its request %q", csp, id)
	}
	if len(asset.Cookies()) > 0 {
		t.Errorf("an asset sets %v", asset.Cookies())
	}
	for _, tt := range []struct {
		method, path, host string
		want               int
	}{
		{"HEAD", path, "", http.StatusOK},
		{"POST", path, "", http.StatusMethodNotAllowed},
		{"GET", path + "x", "", http.StatusNotFound},
		{"GET", path, "another.example", http.StatusMisdirectedRequest},
		{"GET", path + "?" + strings.Repeat("x", maxQuery+1), "", http.StatusRequestURITooLong},
	} {
		if res, body := ask(tt.method, tt.path, tt.host); res.StatusCode != tt.want || tt.method == "HEAD" && body != "" {
			t.Errorf("%s %.60s at %q: status %d, want %d", tt.method, tt.path, tt.host, res.StatusCode, tt.want)
		}
	}
}
