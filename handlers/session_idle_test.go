package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"frontdesk/store"
)

// sessionLeft is what GET /session says, in seconds.
func (b *browser) sessionLeft() (idle, ends int) {
	b.t.Helper()
	p := b.get("/session")
	p.wantStatus(http.StatusOK)
	var left map[string]int
	if err := json.Unmarshal([]byte(p.body), &left); err != nil || len(left) != 2 || p.res.Header.Get("Content-Type") != "application/json" {
		b.t.Fatalf("%v: %s", err, p.body)
	}
	return left["idle"], left["ends"]
}

func (b *browser) wantLeft(what string, idle, ends time.Duration) {
	b.t.Helper()
	gotIdle, gotEnds := b.sessionLeft()
	for name, pair := range map[string][2]int{"idle": {gotIdle, int(idle.Seconds())}, "ends": {gotEnds, int(ends.Seconds())}} {
		if pair[0] > pair[1]+1 || pair[0] < pair[1]-5 { // the test's own time
			b.t.Errorf("%s: %s is %d s, want %d s", what, name, pair[0], pair[1])
		}
	}
}

// TestIdleLimit: asking is no activity, telling is, and what has ended stays so.
func TestIdleLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	b, other := w.signedIn("victor"), w.signedIn("alice")
	const idle, whole = 30 * time.Minute, 24 * time.Hour
	b.wantLeft("at first", idle, whole)

	// Asking for 20 minutes, as a page does that nobody looks at.
	for range 10 {
		w.clock.advance(2 * time.Minute)
		b.get("/session")
		b.do(http.MethodHead, "/session", nil)
		b.get("/audit", "HX-Request", "true", "HX-Trigger", "poll-log")
	}
	b.wantLeft("after 20 idle minutes", idle-20*time.Minute, whole-20*time.Minute)
	// Somebody types.
	p := b.post("/session/active", nil)
	p.wantStatus(http.StatusNoContent)
	if p.body != "" || len(p.res.Cookies()) > 0 {
		t.Errorf("it says %q and sets %v", p.body, p.res.Cookies())
	}
	b.wantLeft("after a key", idle, whole-20*time.Minute)
	// Noted once a minute, as all use is.
	w.clock.advance(30 * time.Second)
	b.post("/session/active", nil).wantStatus(http.StatusNoContent)
	b.wantLeft("after a key soon after", idle-30*time.Second, whole-20*time.Minute-30*time.Second)
	// All day, until the portal token ends.
	for range 46 {
		w.clock.advance(29 * time.Minute)
		b.post("/session/active", nil).wantStatus(http.StatusNoContent)
		other.get("/")
	}
	if _, ends := b.sessionLeft(); ends > int((90 * time.Minute).Seconds()) {
		t.Errorf("the session ends in %d s", ends)
	}

	// The page of a session: how long it has, and the notice, which waits.
	open := b.get("/customers")
	for n := range open.all("body") {
		if attr(n, "data-idle") != "1800" || has(n, "data-path") {
			t.Errorf("the body says %v", n.Attr)
		}
	}
	for n := range nodes(open.doc) {
		if attr(n, "id") == "idle-notice" && !has(n, "hidden") {
			t.Error("the notice is shown without JavaScript")
		}
	}
	for n := range w.browser().get("/login").all("body") {
		if has(n, "data-idle") {
			t.Error("the sign-in page counts an idle time")
		}
	}
	for n := range w.signedIn("mia").post("/customers", nil).all("body") {
		if attr(n, "data-path") != "/customers/new" {
			t.Errorf("the answer to a post says %v", n.Attr)
		}
	}

	// Idle at last. Asking ends it, says why on the sign-in page, and is nowhere to come back to.
	b.get("/customers?q=x")
	w.clock.advance(31 * time.Minute)
	for _, p := range []*page{b.get("/session"), b.post("/session/active", nil), b.get("/session")} {
		if p.wantStatus(http.StatusSeeOther); p.location() != "/login" {
			t.Errorf("leads to %q", p.location())
		}
	}
	if p := b.get("/customers?q=x"); p.location() != "/login" { // as the page then opens itself
		t.Errorf("leads to %q", p.location())
	}
	b.get("/login").want("nothing happened for a while")
	b.post("/session/active", nil) // of another tab, which comes late
	b.get("/session")
	if got := b.signIn("victor", "demo").location(); got != "/customers?q=x" {
		t.Errorf("after signing in to %q", got)
	}

	// An admin ends it: the next check shows it.
	b.wantLeft("signed in again", idle, whole)
	admin := w.signedIn("alice")
	admin.post("/sessions/"+w.sessionOf("victor").ID+"/revoke", nil).wantStatus(http.StatusSeeOther)
	if p := b.get("/session"); p.location() != "/login" {
		t.Errorf("a session that was ended says %d %s", p.status, p.body)
	}
	// Likewise who was disabled.
	b.signIn("victor", "demo")
	admin.post("/staff/"+w.staffID("victor"), url.Values{"state": {"disabled"}, "role": {string(store.Viewer)}}).wantStatus(http.StatusSeeOther)
	if p := b.post("/session/active", nil); p.location() != "/login" {
		t.Errorf("somebody disabled is told %d", p.status)
	}
}
