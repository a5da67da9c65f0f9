package handlers

import (
	"net/http"
	"net/url"
	"testing"
)

// TestRefusalsAreInTheReadersLanguage: also those before it is known who reads.
func TestRefusalsAreInTheReadersLanguage(t *testing.T) {
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	for _, chosen := range []struct{ code, want string }{{"", "sv"}, {"fr", "fr"}} {
		if chosen.code != "" {
			b.post("/language", url.Values{"language": {chosen.code}}).wantStatus(http.StatusSeeOther)
		}
		for path, headers := range map[string][]string{
			"/none": nil, "/customers": {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"},
			"/staff": nil,
		} {
			p := b.get(path, append([]string{"Accept-Language", "sv-SE,sv;q=0.9"}, headers...)...)
			if p.status < 400 {
				t.Errorf("%s: status %d", path, p.status)
			}
			for n := range p.all("html") {
				if got := attr(n, "lang"); got != chosen.want {
					t.Errorf("%s is in %q, want %q", path, got, chosen.want)
				}
			}
		}
	}
}
