package handlers

import (
	"net/http"
	"strings"
	"testing"
)

// TestStyleGuide: it is there in the demo, for everybody who is signed in, and nowhere else.
func TestStyleGuide(t *testing.T) {
	t.Parallel()
	demo, serious := newWorld(t, setup{demo: true}), newWorld(t, setup{})
	for _, who := range []string{"victor", "mia", "alice"} {
		p := demo.signedIn(who).get("/styleguide")
		p.wantStatus(http.StatusOK)
		p.want("Light", "Dark", "Buttons", "Caller verified", "As a table")
		serious.signedIn(who).get("/styleguide").wantStatus(http.StatusNotFound)
	}
	if p := demo.browser().get("/styleguide"); p.location() != "/login" {
		t.Errorf("signed out it leads to %q", p.location())
	}
	serious.browser().get("/styleguide").wantStatus(http.StatusNotFound)
	for w, offered := range map[*world]bool{demo: true, serious: false} {
		if got := strings.Contains(w.signedIn("victor").get("/palette?q=style").text(), "Style guide"); got != offered {
			t.Errorf("the palette offers it: %v, want %v", got, offered)
		}
	}
}
