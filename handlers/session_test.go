package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestSignIn: each way that a sign-in can end.
func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{act: time.Second})
	for _, c := range []struct {
		name, fault                string
		portal, username, password string
		status                     int
		title                      string
		fields                     []string
		result                     audit.Result // "": no entry
	}{
		{"right", "", "customer", "mia", "demo", 303, "", nil, audit.Done},
		{"spaces and case", "", "customer", "  MIA ", "demo", 303, "", nil, audit.Done},
		{"another portal", "", "atmosphere", "Mia", "demo", 303, "", nil, audit.Done},
		{"wrong password", "", "customer", "mia", "wrong-word", 401, "did not accept", nil, audit.Refused},
		{"no API access", "", "customer", "noapi", "demo", 401, "API access", nil, audit.Refused},
		{"unknown", "", "customer", "nobody", "demo", 401, "did not accept", nil, audit.Refused},
		{"not staff", "", "customer", "mallory", "demo", 403, "not on the staff list", nil, audit.Denied},
		{"not staff at this portal", "", "atmosphere", "victor", "demo", 403, "not on the staff list", nil, audit.Denied},
		{"nothing typed", "", "customer", " ", "", 422, "check the form", []string{"username", "password"}, ""},
		{"no such portal", "", "elsewhere", "mia", "demo", 422, "check the form", []string{"portal"}, ""},
		{"down", `"status": 503`, "customer", "mia", "demo", 502, "portal", nil, ""},
		{"html", `"status": 500, "body": "html"`, "customer", "mia", "demo", 502, "portal", nil, ""},
		{"html with 200", `"body": "html"`, "customer", "mia", "demo", 502, "portal", nil, ""},
		{"reset", `"reset": true`, "customer", "mia", "demo", 502, "portal", nil, ""},
		{"answer lost", `"lose_answer": true`, "customer", "mia", "demo", 502, "portal", nil, ""},
		{"hangs", `"hang": true`, "customer", "mia", "demo", 504, "portal", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fault != "" {
				w.fault(`{"service": "portal", ` + c.fault + `}`)
				defer w.calm()
			}
			b := w.browser().in(t)
			before := len(w.entries(audit.Filter{What: desk.WhatSignIn}))
			p := b.post("/login", url.Values{"portal": {c.portal}, "username": {c.username}, "password": {c.password}})
			p.wantStatus(c.status)
			log := w.entries(audit.Filter{What: desk.WhatSignIn})
			if c.status != http.StatusUnprocessableEntity {
				if len(log) != before+1 {
					t.Fatalf("%d entries, want one more than %d", len(log), before)
				}
				if e := log[0]; c.result != "" && e.Result != c.result {
					t.Errorf("the log says %s, want %s", e.Result, c.result)
				} else if e.Who.Username != strings.ToLower(strings.TrimSpace(c.username)) || e.Who.Portal != c.portal || e.Who.Address != "127.0.0.1" {
					t.Errorf("the log says it was %+v", e.Who)
				}
			}
			if c.status == http.StatusSeeOther {
				b.get("/").wantStatus(http.StatusOK)
				return
			}
			p.want(c.title)
			p.wantErrors(c.fields...)
			p.wantNo("wrong-word", `value="demo"`)
			// What was typed is kept, but for the password.
			if got := p.form("/login").values; got.Get("username") != c.username || got.Get("password") != "" {
				t.Errorf("the form comes back with %v", got)
			}
			if p.form("/login").values.Get("portal") != c.portal && c.portal != "elsewhere" {
				t.Error("the portal that was chosen is lost")
			}
			if c.status/100 == 5 && (strings.Contains(p.text(), "password is wrong, or") || !strings.Contains(p.text(), "Request")) {
				t.Errorf("a service being down reads as: %s", p.problem())
			}
			if ck := p.cookie("session"); ck != nil && ck.MaxAge >= 0 {
				t.Error("a session cookie was set")
			}
			if q := b.get("/"); q.location() != "/login" {
				t.Errorf("after that / answers %d to %q", q.status, q.location())
			}
		})
	}
}

// TestThrottle: five refusals, then a wait, which is shown.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	for range 5 {
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	}
	mark := w.mark()
	p := b.signIn("MIA ", sandbox.Password)
	p.wantStatus(http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(p.res.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 900 {
		t.Errorf("Retry-After: %q", p.res.Header.Get("Retry-After"))
	}
	p.want("Too many tries", "Wait 1 second", "try again in")
	if calls := w.calls(mark); len(calls) != 0 {
		t.Errorf("throttled, and called %v", calls)
	}
	if e := w.entries(audit.Filter{Result: audit.Denied}); len(e) != 1 || e[0].What != desk.WhatSignIn {
		t.Errorf("the log has %v", e)
	}
	// Somebody else from the same address may.
	w.signedIn("alice")
	// The waits double: the next refusal costs two seconds.
	w.clock.advance(1100 * time.Millisecond)
	b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	w.clock.advance(1100 * time.Millisecond)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusTooManyRequests)
	w.clock.advance(time.Second)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
	// A success clears the count.
	b.post("/logout", nil)
	b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
}

// TestThrottleCountsNoTrouble: a portal that is down counts for nothing.
func TestThrottleCountsNoTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{never: true})
	b := w.browser()
	w.fault(`{"service": "portal", "status": 500}`)
	for range 7 {
		b.signIn("mia", "whatever").wantStatus(http.StatusBadGateway)
	}
	w.calm()
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
}

// TestStepUpIsThrottled: the password box of an act is no way around.
func TestStepUpIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	for range 5 {
		b.post("/session/renew", url.Values{"password": {"wrong"}}).wantStatus(http.StatusUnprocessableEntity)
	}
	p := b.post("/session/renew", url.Values{"password": {sandbox.Password}})
	p.wantStatus(http.StatusTooManyRequests)
	if p.res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	p.want("Wait 1 second")
}

// TestCookies: what the browser is told of the session's cookie.
func TestCookies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		https          bool
		session, prefs string
	}{{false, "session", "frontdesk"}, {true, "__Host-session", "__Host-frontdesk"}} {
		t.Run(c.session, func(t *testing.T) {
			w := newWorld(t, setup{https: c.https, customers: 3})
			b := w.browser()
			out := b.get("/customers")
			p := b.signIn("mia", sandbox.Password)
			for name, ck := range map[string]*http.Cookie{c.session: p.cookie(c.session), c.prefs: out.cookie(c.prefs)} {
				switch {
				case ck == nil:
					t.Errorf("no cookie %s", name)
				case !ck.HttpOnly || ck.SameSite != http.SameSiteLaxMode || ck.Path != "/" || ck.Domain != "" || ck.Secure != c.https:
					t.Errorf("cookie %s: %s", name, ck.Raw)
				}
			}
			// It signs in, and the page works under this base URL.
			if p.location() != "/customers" {
				t.Errorf("leads to %q", p.location())
			}
			list := b.follow(p)
			list.wantStatus(http.StatusOK)
			b.submit(list, "/logout", nil).wantStatus(http.StatusSeeOther)
		})
	}
}

// jarCookie is a cookie as the browser holds it.
func (b *browser) jarCookie(name string) *http.Cookie {
	b.t.Helper()
	u, err := url.Parse(b.w.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.c.Jar.Cookies(u) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// with is a browser that holds somebody's session cookie.
func (w *world) with(session string) *browser {
	b := w.browser()
	u, err := url.Parse(w.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	b.c.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: session, Path: "/"}})
	return b
}

// TestSessionFixation: a cookie from before the sign-in is never the one after.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	const planted = "planted-by-somebody-else"
	b := w.with(planted)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
	first := b.jarCookie("session").Value
	if first == planted || first == "" {
		t.Fatalf("the session cookie is %q", first)
	}
	if w.with(planted).get("/").location() != "/login" {
		t.Error("the planted cookie is signed in")
	}
	// Signing in once more, as somebody else, is a new session and ends the old one.
	b.signIn("victor", sandbox.Password).wantStatus(http.StatusSeeOther)
	if b.jarCookie("session").Value == first {
		t.Error("the session ID is the same after another sign-in")
	}
	if w.with(first).get("/").location() != "/login" {
		t.Error("the former person's session goes on")
	}
	// A renewal changes it too.
	second := b.jarCookie("session").Value
	b.post("/session/renew", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
	if b.jarCookie("session").Value == second || w.with(second).get("/").location() != "/login" {
		t.Error("the session ID is the same after the renewal")
	}
	if n := len(b.get("/sessions").forms()); n == 0 {
		t.Error("the sessions page shows nothing")
	}
}

// TestSessionEnds: each way that a session is over. ends does it, with the
// session's own browser and an admin's.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ends func(w *world, own, admin *browser)
		says string // on the sign-in page
	}{
		{"sign-out", func(_ *world, own, _ *browser) {
			p := own.submit(own.get("/"), "/logout", nil)
			own.follow(p).want("You are signed out.")
		}, ""},
		{"idle", func(w *world, _, _ *browser) { w.clock.advance(31 * time.Minute) }, "nothing happened for a while"},
		{"the portal token's end", func(w *world, own, _ *browser) {
			for range 24 * 60 / 29 { // in use all day
				w.clock.advance(29 * time.Minute)
				own.post("/theme", nil)
			}
			w.clock.advance(time.Hour)
		}, ""},
		{"revoked by oneself", func(w *world, own, _ *browser) {
			p := own.post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil)
			own.follow(p).want("You ended this session.")
		}, ""},
		{"revoked by an admin", func(w *world, _, admin *browser) {
			p := admin.submit(admin.get("/sessions"), "/sessions/"+w.sessionOf("mia").ID+"/revoke", nil)
			admin.follow(p).want("The session is ended.")
		}, ""},
		{"disabled by an admin", func(w *world, _, admin *browser) {
			action := "/staff/" + w.staffID("mia")
			p := admin.submit(admin.get("/staff"), action, url.Values{"state": {"disabled"}})
			admin.follow(p).want("Saved.")
		}, ""},
		{"disabled behind frontdesk's back", func(w *world, _, _ *browser) {
			err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
				_, err := tx.ExecContext(w.t.Context(), `UPDATE staff SET state = 'disabled' WHERE username = 'mia'`)
				return err
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, setup{customers: 3})
			own, admin := w.signedIn("mia"), w.signedIn("alice")
			own.get("/").wantStatus(http.StatusOK)
			old := own.jarCookie("session").Value
			c.ends(w, own, admin)
			p := own.get("/customers")
			if p.location() != "/login" {
				t.Fatalf("/customers answers %d, to %q", p.status, p.location())
			}
			own.get("/login").want("Sign in to frontdesk", c.says)
			if q := w.with(old).get("/"); q.location() != "/login" {
				t.Errorf("the cookie played back is signed in: %d", q.status)
			}
			mark := w.mark()
			w.with(old).post("/customers", url.Values{"company": {"X"}, "email": {"x@x.example"}}).wantStatus(http.StatusSeeOther)
			if len(w.calls(mark)) > 0 {
				t.Error("the cookie played back acts")
			}
		})
	}
}

func (w *world) sessionOf(username string) store.Session {
	w.t.Helper()
	all, err := w.db.LiveSessions(w.t.Context(), 0, w.clock.Now().Add(-time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	staff, err := w.db.StaffByLogin(w.t.Context(), "customer", username)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range all {
		if s.StaffID == staff.ID {
			return s
		}
	}
	w.t.Fatalf("%s has no session among %v", username, all)
	return store.Session{}
}

func (w *world) staffID(username string) string {
	w.t.Helper()
	s, err := w.db.StaffByLogin(w.t.Context(), "customer", username)
	if err != nil {
		w.t.Fatal(err)
	}
	return strconv.FormatInt(s.ID, 10)
}

// TestRestart: sessions, and what a form's receipt holds, outlive the program.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	form := b.get("/customers/new").form("/customers").filled(url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	first := b.post("/customers", form)
	first.wantStatus(http.StatusSeeOther)
	key := b.follow(first).byID("key")
	w.restart()
	b.get("/customers?q=kept").want("Kept AB")
	mark := w.mark()
	again := b.post("/customers", form)
	if again.location() != first.location() || len(w.calls(mark)) != 0 {
		t.Errorf("posted again after a restart: to %q, want %q; called %v", again.location(), first.location(), w.calls(mark))
	}
	if got := b.follow(again).byID("key"); got != key || key == "" {
		t.Errorf("key %q, want %q", got, key)
	}
}

// TestSecretChange: with the secret changed, and then without the old one,
// people stay signed in, a post that is repeated repeats its answer, and what is
// stored opens.
func TestSecretChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	const first, second = "a secret of at least 32 bytes, for tests only", "another secret of at least 32 bytes, for tests"
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b := w.signedIn("alice")
	b.post("/tokens/cpaas", url.Values{"token": {"my-cpaas-token"}}).wantStatus(http.StatusSeeOther)
	b.post(customer+"/credentials", url.Values{"reason": {"ticket"}, "method": {"cuid"}}).wantStatus(http.StatusSeeOther)
	create := b.get("/customers/new").form("/customers").filled(url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	made := b.post("/customers", create)
	key := b.follow(made).byID("key")
	open := b.get("/customers/new").form("/customers").filled(url.Values{"company": {"Later AB"}, "email": {"later@later.example"}})
	away := w.signedIn("mia")
	kept := away.jarCookie("frontdesk").Value
	atEnd := w.signedIn("victor")
	atEnd.post("/logout", nil)
	atEnd.get("/customers?q=back").wantStatus(http.StatusSeeOther) // the way back is in the cookie alone

	mark := w.mark()
	for _, now := range []struct{ name, secret, old string }{{"with the old secret", second, first}, {"without the old secret", second, ""}} {
		w.restartWith(now.secret, now.old)
		b := b.in(t)
		again := b.post("/customers", create)
		if again.location() != made.location() {
			t.Errorf("%s: posted again: %d to %q, want %q", now.name, again.status, again.location(), made.location())
		}
		if got := b.follow(again).byID("key"); got != key || key == "" {
			t.Errorf("%s: key %q, want %q", now.name, got, key)
		}
		p := b.follow(b.post(customer+"/credentials/reveal", nil))
		p.wantStatus(http.StatusOK)
		if p.byID("key") == "" {
			t.Errorf("%s: no stored key is revealed", now.name)
		}
		b.get("/tokens").want("CPaaS")
		away.get("/customers").wantStatus(http.StatusOK)
		atEnd.get("/login").wantStatus(http.StatusOK)
	}
	if calls := w.calls(mark); len(calls) != 0 {
		t.Errorf("it called %v", calls)
	}
	if now := away.jarCookie("frontdesk").Value; now == kept {
		t.Error("the cookie is still the one that the old secret has signed")
	}
	if p := atEnd.signIn("victor", sandbox.Password); p.location() != "/customers?q=back" {
		t.Errorf("the way back is lost: %q", p.location())
	}
	// The form that was open all the time is sent once.
	if one, two := b.post("/customers", open), b.post("/customers", open); one.status != http.StatusSeeOther || one.location() != two.location() {
		t.Errorf("%d to %q, then %d to %q", one.status, one.location(), two.status, two.location())
	}
	if n := len(w.entries(audit.Filter{What: desk.WhatSecret})); n != 1 {
		t.Errorf("the change is on record %d times", n)
	}
}

// TestRenew: another 24 hours, with the page kept.
func TestRenew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.get("/customers?q=harbor").wantNo(`id="renew"`)
	for range 49 { // in use until twenty minutes before the end
		w.clock.advance(29 * time.Minute)
		b.post("/theme", nil)
	}
	p := b.get("/customers?q=harbor")
	p.want("Your portal token ends in")
	token := w.sessionOf("mia").ExpiresAt

	for _, c := range []struct{ password, says string }{{"", "Enter your portal password."}, {"wrong", "not the password of mia"}} {
		q := b.submit(p, "/session/renew", url.Values{"password": {c.password}})
		q.wantStatus(http.StatusUnprocessableEntity)
		q.want(c.says)
		q.wantErrors("password")
		// A fragment in the box's place, with JavaScript.
		f := b.post("/session/renew", url.Values{"password": {c.password}, "back": {"/"}}, "HX-Request", "true")
		f.wantStatus(http.StatusUnprocessableEntity)
		f.want(c.says)
		if strings.Contains(f.body, "<html") {
			t.Error("the fragment is a whole page")
		}
	}
	w.fault(`{"service": "portal", "status": 500}`)
	down := b.submit(p, "/session/renew", url.Values{"password": {sandbox.Password}})
	down.wantStatus(http.StatusBadGateway)
	down.want("portal")
	w.calm()

	ok := b.submit(p, "/session/renew", url.Values{"password": {sandbox.Password}})
	ok.wantStatus(http.StatusSeeOther)
	if ok.location() != "/customers?q=harbor" {
		t.Errorf("leads to %q, want the same page", ok.location())
	}
	b.follow(ok).want("Renewed for 24 hours.")
	if got := w.sessionOf("mia").ExpiresAt; !got.After(token.Add(20 * time.Hour)) {
		t.Errorf("the session ends at %v, was %v", got, token)
	}
	w.clock.advance(29 * time.Minute)
	b.get("/").wantStatus(http.StatusOK)
	w.clock.advance(2 * time.Minute) // past the old token's end
	b.get("/").wantStatus(http.StatusOK)
	f := b.post("/session/renew", url.Values{"password": {sandbox.Password}, "back": {"/"}}, "HX-Request", "true")
	f.wantStatus(http.StatusOK)
	f.want("Renewed.")
}

// TestNothingTypedIsLost: a form that was posted after the session had ended
// comes back, to the same person only, and without its secrets.
func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, c := range []struct {
		name, who, post, page string
		typed                 url.Values
		kept                  url.Values
	}{
		{"create", "mia", "/customers", "/customers/new",
			url.Values{"company": {"Åkessons & Co"}, "email": {"å@x.example"}, "city": {"Umeå"}, "receipt": {"r"}},
			url.Values{"company": {"Åkessons & Co"}, "email": {"å@x.example"}, "city": {"Umeå"}}},
		{"SMS", "mia", "/sms", "/sms", url.Values{"phone": {"+46701740605"}, "message_format": {"Hej {0}"}, "numeric_only": {"true"}},
			url.Values{"phone": {"+46701740605"}, "message_format": {"Hej {0}"}, "numeric_only": {"true"}}},
		{"SMS for a customer", "mia", "/sms", "/sms", url.Values{"phone": {"+46701740606"}, "customer": {w.customer(emailFirst).CUID}},
			url.Values{"phone": {"+46701740606"}, "customer": {w.customer(emailFirst).CUID}}},
		{"SSO", "mia", customer + "/sso", customer, url.Values{"reason": {"ticket 7"}}, url.Values{"reason": {"ticket 7"}}},
		{"reveal", "mia", customer + "/credentials/reveal", customer, url.Values{"reason": {"ticket 8"}, "password": {"typed-word"}}, nil},
		{"issue", "alice", customer + "/credentials", customer,
			url.Values{"reason": {"ticket 9"}, "method": {"nopasscode"}, "password": {"typed-word"}}, url.Values{"reason": {"ticket 9"}, "method": {"nopasscode"}}},
		{"redeem", "mia", customer + "/passcode/redeem", customer + "/passcode", url.Values{"passcode": {"typed-word"}}, nil},
		{"CPaaS token", "mia", "/tokens/cpaas", "/tokens", url.Values{"token": {"typed-word"}}, nil},
		{"SMS defaults", "alice", "/sms/settings", "/sms/settings", url.Values{"from": {"Desk"}, "length": {"7"}}, url.Values{"from": {"Desk"}, "length": {"7"}}},
		{"staff", "alice", "/staff", "/staff", url.Values{"username": {"newbie"}, "name": {"New Bie"}, "role": {"manager"}, "portal": {"atmosphere"}},
			url.Values{"username": {"newbie"}, "name": {"New Bie"}, "role": {"manager"}, "portal": {"atmosphere"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.signedIn(c.who).in(t)
			w.clock.advance(31 * time.Minute)
			mark := w.mark()
			p := b.post(c.post, c.typed)
			p.wantStatus(http.StatusSeeOther)
			if p.location() != "/login" || len(w.calls(mark)) > 0 {
				t.Fatalf("to %q, called %v", p.location(), w.calls(mark))
			}
			// What waits has no secret in it, sealed or not.
			kept, err := w.db.Draft(context.Background(), "customer:"+c.who, c.page, w.clock.Now().Add(-30*time.Minute))
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			if strings.Contains(kept.Form, "typed-word") || (kept.Form == "") != (c.kept == nil && c.typed.Get("reason") == "") {
				t.Errorf("the draft keeps %q", kept.Form)
			}
			b.follow(p).want("nothing was sent")
			in := b.signIn(c.who, sandbox.Password)
			if in.location() != c.page {
				t.Fatalf("after signing in to %q, want %q", in.location(), c.page)
			}
			q := b.follow(in)
			q.wantNo("typed-word")
			if c.kept != nil {
				form := q.form(c.post)
				for name, values := range c.kept {
					if form.values.Get(name) != values[0] {
						t.Errorf("%s comes back as %q, want %q", name, form.values.Get(name), values[0])
					}
				}
				q.want("What you typed is still here")
				if form.values.Get("receipt") == "r" {
					t.Error("the receipt is the old one")
				}
				// Once: the next visit has an empty form.
				for name, values := range c.kept {
					if typedText(name) && strings.Contains(b.get(c.page).body, `value="`+values[0]+`"`) {
						t.Errorf("%s is still there on the second visit", name)
					}
				}
			}
			// Another person in the same browser does not get it.
			w.clock.advance(31 * time.Minute)
			b.post(c.post, c.typed).wantStatus(http.StatusSeeOther)
			other := b.signIn(map[string]string{"mia": "atmosphere:mia", "alice": "mia"}[c.who], sandbox.Password)
			for _, q := range []*page{b.follow(other), b.get(c.page)} {
				for name, values := range c.kept {
					if typedText(name) && q.status == http.StatusOK {
						q.wantNo(`value="` + values[0] + `"`)
					}
				}
			}
			// It waits for the first one, whoever was here meanwhile, and in any browser.
			elsewhere := w.browser().in(t)
			elsewhere.signIn(c.who, sandbox.Password)
			if c.kept != nil {
				form := elsewhere.get(c.page).form(c.post)
				for name, values := range c.kept {
					if form.values.Get(name) != values[0] {
						t.Errorf("for its owner %s comes back as %q, want %q", name, form.values.Get(name), values[0])
					}
				}
			}
		})
	}
}

// typedText tells fields that hold words from choices, whose values every page has.
func typedText(field string) bool {
	return field != "method" && field != "role" && field != "portal" && field != "numeric_only" && field != "length"
}

// TestRevokeOthers: managers end their own sessions only.
func TestRevokeOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia := w.signedIn("alice"), w.signedIn("mia")
	id := w.sessionOf("alice").ID
	p := mia.get("/sessions")
	p.wantNo("/sessions/"+id+"/revoke", "Alice")
	mia.post("/sessions/"+id+"/revoke", nil).wantStatus(http.StatusForbidden)
	if e := w.entries(audit.Filter{Result: audit.Denied}); len(e) != 1 || e[0].Who.Username != "mia" {
		t.Errorf("the refused post is on record as %v", e)
	}
	alice.get("/").wantStatus(http.StatusOK)
	alice.get("/sessions").want("Mia Moreau", "Chrome on Linux", "127.0.0.1", "this one")
}

// TestRoleChange is in force at the next request, in sessions that are open.
func TestRoleChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia := w.signedIn("alice"), w.signedIn("mia")
	mia.get("/sms").wantStatus(http.StatusOK)
	alice.submit(alice.get("/staff"), "/staff/"+w.staffID("mia"), url.Values{"role": {"viewer"}}).wantStatus(http.StatusSeeOther)
	mia.get("/sms").wantStatus(http.StatusForbidden)
	if e := w.entries(audit.Filter{What: desk.WhatChangeStaff}); len(e) != 1 || !strings.Contains(e[0].Changes, "manager") || !strings.Contains(e[0].Changes, "viewer") {
		t.Errorf("the log has %+v", e)
	}
}

// TestForwardedFor: X-Forwarded-For is believed from trusted proxies only.
func TestForwardedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	b.post("/login", url.Values{"portal": {"customer"}, "username": {"mia"}, "password": {"x"}}, "X-Forwarded-For", "203.0.113.9")
	if got := w.entries(audit.Filter{What: desk.WhatSignIn})[0].Who.Address; got != "127.0.0.1" {
		t.Errorf("a stranger's header is believed: %s", got)
	}
}

// TestStepUpPutsNoEndOff: a session whose password is given again ends with its portal
// token all the same.
func TestStepUpPutsNoEndOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.clock.advance(-time.Hour) // scs has a clock of its own
	b := w.signedIn("mia")
	ends := func() time.Time {
		t.Helper()
		live, err := w.db.LiveSessions(t.Context(), 0, time.Time{})
		if err != nil || len(live) != 1 {
			t.Fatalf("%d sessions, %v", len(live), err)
		}
		return live[0].ExpiresAt
	}
	before := ends()
	w.clock.advance(16 * time.Minute)
	b.submit(b.get("/tokens"), "/tokens/reveal", url.Values{"which": {"portal"}, "password": {sandbox.Password}})
	if e := w.entries(audit.Filter{What: desk.WhatConfirm, Result: audit.Done}); len(e) != 1 {
		t.Fatalf("the password was confirmed %d times", len(e))
	}
	if after := ends(); !after.Equal(before) {
		t.Errorf("the session ends at %s, and before at %s", after, before)
	}
}
