package handlers

import (
	"database/sql"
	"net/http"
	"net/url"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// opensNothing holds that a session cookie is nobody's: pages ask to sign in,
// and what is posted with it is neither done nor told who it was by.
func (w *world) opensNothing(t *testing.T, what, session string) {
	t.Helper()
	b := w.with(session).in(t)
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	mark, log := w.mark(), w.entries(audit.Filter{Whole: true})
	for _, path := range []string{"/", customer, "/tokens", "/sessions", "/audit"} {
		if p := b.get(path); p.status != http.StatusSeeOther || p.location() != "/login" {
			t.Errorf("%s opens %s: %d to %q", what, path, p.status, p.location())
		}
		b = w.with(session).in(t) // the answer may have taken the cookie away
	}
	for _, path := range []string{customer + "/sso", customer + "/credentials/reveal", "/tokens/reveal", "/session/renew"} {
		form := url.Values{"which": {"portal"}, "password": {sandbox.Password}, "reason": {"r"}}
		if p := w.with(session).in(t).post(path, form); p.status != http.StatusSeeOther || p.location() != "/login" {
			t.Errorf("%s posts to %s: %d to %q", what, path, p.status, p.location())
		}
	}
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("%s called %v", what, calls)
	}
	if now := w.entries(audit.Filter{Whole: true}); len(now) != len(log) {
		t.Errorf("%s put %q on record", what, now[0].What)
	}
}

// TestPlantedSessionCookies: whatever cookie somebody planted before the
// sign-in, it is another one afterwards, and the planted one opens nothing.
func TestPlantedSessionCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	ended := w.signedIn("mia")
	over := ended.jarCookie("session").Value
	ended.post("/logout", nil).wantStatus(http.StatusSeeOther)
	plants := []struct {
		name   string
		cookie func() string
	}{
		{"made up", func() string { return "planted-by-somebody-else" }},
		{"of the form of a real one", func() string { return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }},
		{"of a session that is over", func() string { return over }},
		{"of the attacker's own session", func() string { return w.signedIn("victor").jarCookie("session").Value }},
		{"of another session of the same person", func() string { return w.signedIn("mia").jarCookie("session").Value }},
	}
	for _, c := range plants {
		t.Run(c.name, func(t *testing.T) {
			planted := c.cookie()
			b := w.with(planted).in(t)
			b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
			first := b.jarCookie("session").Value
			if first == planted || len(first) < 40 {
				t.Fatalf("after the sign-in the cookie is %q, planted was %q", first, planted)
			}
			b.get("/").want("Mia Moreau")
			w.opensNothing(t, "the planted cookie", planted)

			// Another cookie again once the password is given to renew.
			b.post("/session/renew", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
			if second := b.jarCookie("session").Value; second == first || second == planted {
				t.Error("the renewal keeps the cookie")
			}
			w.opensNothing(t, "the cookie from before the renewal", first)
			b.get("/").want("Mia Moreau")
		})
	}
}

// TestSessionsNameNoSecret: what the sessions page, the log and the database
// call a session does not open it.
func TestSessionsNameNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, admin := w.signedIn("mia"), w.signedIn("alice")
	cookie, id := mia.jarCookie("session").Value, w.sessionOf("mia").ID
	if !admin.get("/sessions").hasForm("/sessions/" + id + "/revoke") {
		t.Fatal("the sessions page does not name the session")
	}
	var hash string
	if err := w.query(t, `SELECT token_hash FROM sessions WHERE id = $1`, id).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	w.opensNothing(t, "the public ID", id)
	w.opensNothing(t, "the hash in the database", hash)
	for _, b := range []*browser{admin, mia} {
		for _, path := range []string{"/sessions", "/audit", "/", "/tokens"} {
			b.get(path).wantNo(cookie, hash)
		}
	}
	mia.get("/").wantStatus(http.StatusOK)
}

// TestReplayedSessionCookies: a cookie that somebody kept opens nothing once
// its session is over, whatever ended it, after a restart too, and neither when
// the person is let in again.
func TestReplayedSessionCookies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ends func(w *world, own, admin *browser)
	}{
		{"sign-out", func(_ *world, own, _ *browser) { own.post("/logout", nil).wantStatus(http.StatusSeeOther) }},
		{"revoked by oneself", func(w *world, own, _ *browser) {
			own.post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil).wantStatus(http.StatusSeeOther)
		}},
		{"revoked by an admin", func(w *world, _, admin *browser) {
			admin.post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil).wantStatus(http.StatusSeeOther)
		}},
		{"disabled, and active again", func(w *world, _, admin *browser) {
			for _, state := range []string{"disabled", "active"} {
				admin.post("/staff/"+w.staffID("mia"), url.Values{"role": {"manager"}, "state": {state}}).wantStatus(http.StatusSeeOther)
			}
		}},
		{"the idle limit", func(w *world, _, _ *browser) { w.clock.advance(31 * time.Minute) }},
		{"the absolute limit", func(w *world, own, _ *browser) {
			for range 24 * 60 / 29 { // in use all day
				w.clock.advance(29 * time.Minute)
				own.get("/").wantStatus(http.StatusOK)
			}
			w.clock.advance(29 * time.Minute)
		}},
		{"the password given to renew", func(_ *world, own, _ *browser) {
			own.post("/session/renew", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
		}},
		{"another sign-in in the same browser", func(_ *world, own, _ *browser) {
			own.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{customers: 3})
			own, admin := w.signedIn("mia").in(t), w.signedIn("alice").in(t)
			kept := own.jarCookie("session").Value
			w.with(kept).in(t).get("/").want("Mia Moreau") // so that the test can fail
			c.ends(w, own, admin)
			w.opensNothing(t, "the kept cookie", kept)
			w.restart()
			w.opensNothing(t, "the kept cookie after a restart", kept)
		})
	}
}

// TestStepUpIsForOneSession: the password given in one session counts in no
// other of the same person.
func TestStepUpIsForOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	stolen := w.signedIn("alice")
	w.clock.advance(16 * time.Minute)
	w.signedIn("alice").post(customer+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}}).wantStatus(http.StatusSeeOther)
	mark := w.mark()
	p := stolen.post(customer+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("password")
	stolen.post(customer+"/credentials/reveal", url.Values{"reason": {"r"}}).wantErrors("password")
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

// query reads one row of the database past frontdesk.
func (w *world) query(t *testing.T, query string, args ...any) *sql.Row {
	t.Helper()
	db, err := openRaw(w.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db.QueryRowContext(t.Context(), query, args...)
}
