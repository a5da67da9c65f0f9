package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// walk is an attacker's: each step is told with what it got.
type walk struct {
	*testing.T
	n int
}

func (k *walk) step(what, got string, nothing bool) {
	k.Helper()
	k.n++
	k.Logf("%2d. %s: %s", k.n, what, got)
	if !nothing {
		k.Errorf("step %d got something: %s: %s", k.n, what, got)
	}
}

// refused is a step whose answer must be this status, without secrets.
func (k *walk) refused(what string, p *page, status int, secrets ...string) {
	k.Helper()
	got := fmt.Sprint(p.status)
	if p.location() != "" {
		got += " to " + p.location()
	}
	if said := p.problemTitle(); said != "" {
		got += ", " + said
	}
	leaks := slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(p.body+fmt.Sprint(p.res.Header), s) })
	k.step(what, got, p.status == status && !leaks)
}

// problemTitle is the first words of what the page says went wrong.
func (p *page) problemTitle() string {
	for n := range nodes(p.doc) {
		if !has(n, "data-problem") {
			continue
		}
		for inside := range n.Descendants() {
			if said := strings.TrimSpace(inside.Data); inside.Type == html.TextNode && said != "" {
				return said
			}
		}
	}
	return ""
}

// TestAttackersWalk goes where somebody would who wants in: run it with -v to
// read the steps.
func TestAttackersWalk(t *testing.T) {
	t.Parallel()
	t.Run("a portal user who is not staff", walkAsStranger)
	t.Run("a viewer", walkAsViewer)
	t.Run("a manager who was disabled", walkAsFormerManager)
}

// paths are the route list's, by method, for a customer.
func (w *world) paths(method, customer string) (all []route) {
	for _, rt := range w.h.routes {
		if m, path, _ := strings.Cut(rt.Pattern, " "); m == method {
			rt.Pattern = strings.NewReplacer("/customers/{cuid}/events", "/customers/none/events", "/customers/{cuid}", customer, "{id}", "1", "{act}", "none", "{n}", "1", "{$}", "").Replace(path)
			all = append(all, rt)
		}
	}
	return all
}

func walkAsStranger(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	mark, b := w.mark(), w.browser()
	p := b.signIn("mallory", sandbox.Password)
	k.refused("sign in, with the right password of the portal", p, http.StatusForbidden)
	k.step("look for a session cookie", fmt.Sprint(b.jarCookie("session")), b.jarCookie("session") == nil)
	opened, n := []string{}, 0
	for _, rt := range w.paths(http.MethodGet, customer) {
		if p := b.get(rt.Pattern); rt.Needs != public {
			if n++; p.location() != "/login" {
				opened = append(opened, rt.Pattern)
			}
		}
	}
	k.step(fmt.Sprintf("open each of the %d pages", n), fmt.Sprintf("%d opened %v, all others ask to sign in", len(opened), opened), len(opened) == 0 && n > 20)
	n = 0
	for _, rt := range w.paths(http.MethodPost, customer) {
		if rt.Needs == public {
			continue
		}
		n++
		if p := b.post(rt.Pattern, url.Values{"reason": {"r"}, "method": {"cuid"}, "role": {"admin"}, "username": {"mallory"}, "portal": {"customer"}}); p.location() != "/login" {
			opened = append(opened, rt.Pattern)
		}
	}
	k.step(fmt.Sprintf("post each of the %d forms", n), fmt.Sprintf("%d did something, all others ask to sign in", len(opened)), len(opened) == 0 && n > 15)
	for _, spelling := range []string{"ALICE", " alice", "alice\x00", "alice@customer", "alıce", "customer:alice"} {
		p := b.signIn(spelling, sandbox.Password+"x")
		k.step(fmt.Sprintf("sign in as %q with a wrong password", spelling), fmt.Sprint(p.status), p.status >= 400 && p.status < 500)
	}
	head, body := asIfSame(b.signIn("victor", "guess"), "victor")
	otherHead, otherBody := asIfSame(b.signIn("nobody", "guess"), "nobody")
	k.step("compare the answers for a name on the staff list and one that is not", "the same bytes", head == otherHead && body == otherBody)
	for _, wait := range []time.Duration{0, 0, 0, 1, 2, 4, 8} {
		p = b.signIn("victor", "guess")
		w.clock.advance(wait * time.Second)
	}
	k.refused("guess a colleague's password, waiting as one is told to", p, http.StatusUnauthorized)
	b.signIn("victor", "guess")
	k.refused("guess once more without waiting", b.signIn("victor", "guess"), http.StatusTooManyRequests)
	p = b.post("/login", url.Values{"portal": {"customer"}, "username": {"victor"}, "password": {"guess"}}, "X-Forwarded-For", "198.51.100.9")
	k.refused("guess on, from an address made up in X-Forwarded-For", p, http.StatusTooManyRequests)
	p = b.get("/", "Cookie", "session="+guessedPrefs(t, w, "customer:alice"))
	k.refused("make up a session cookie", p, http.StatusSeeOther)
	p = b.post("/login", url.Values{"portal": {"customer"}, "username": {"mallory"}, "password": {sandbox.Password}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	k.refused("sign a victim's browser in as mallory, from another site", p, http.StatusForbidden)
	calls := slices.DeleteFunc(w.calls(mark), func(c string) bool { return strings.HasPrefix(c, "POST /portal/") })
	k.step("count what reached ATOM and iP1 meanwhile", fmt.Sprint(len(calls)), len(calls) == 0)
	told := w.entries(audit.Filter{Who: "mallory", Result: audit.Denied})
	k.step("look whether the log knows", fmt.Sprintf("%d denied, by %s from %s", len(told), told[0].Who.Username, told[0].Who.Address), len(told) >= 1)
}

func walkAsViewer(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	mia := w.signedIn("mia")
	made := mia.submit(mia.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	answer := mia.follow(made)
	secrets := []string{answer.byID("key"), answer.byID("token"), mia.jarCookie("session").Value}
	mark, b := w.mark(), w.signedIn("victor")
	signIns := len(w.calls(mark))
	k.step("read the customers, as a viewer may", "200", b.get(customer).status == http.StatusOK)
	for _, rt := range w.paths(http.MethodGet, customer) {
		if !store.Viewer.Includes(rt.Needs) {
			k.refused("open "+rt.Pattern, b.get(rt.Pattern), http.StatusForbidden, secrets...)
		}
	}
	for _, rt := range w.paths(http.MethodPost, customer) {
		if !store.Viewer.Includes(rt.Needs) {
			before := len(w.entries(audit.Filter{Result: audit.Denied}))
			p := b.post(rt.Pattern, url.Values{"reason": {"r"}, "method": {"cuid"}, "password": {sandbox.Password}, "role": {"admin"}, "state": {"active"}})
			k.refused("post to "+rt.Pattern, p, http.StatusForbidden, secrets...)
			if len(w.entries(audit.Filter{Result: audit.Denied})) != before+1 {
				t.Errorf("the post to %s is not on record as denied", rt.Pattern)
			}
		}
	}
	p := b.post("/staff/"+w.staffID("victor"), url.Values{"role": {"admin"}})
	k.refused("make oneself an admin", p, http.StatusForbidden)
	staff, err := w.db.StaffByLogin(t.Context(), "customer", "victor")
	if err != nil {
		t.Fatal(err)
	}
	k.step("look at one's role", string(staff.Role), staff.Role == store.Viewer)
	k.refused("open a manager's answer with key and token", b.get(made.location()), http.StatusForbidden, secrets...)
	k.refused("end a manager's session", b.post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil), http.StatusForbidden)
	k.refused("use the name of a manager's session as a cookie", w.with(w.sessionOf("mia").ID).get("/"), http.StatusSeeOther)
	k.refused("read somebody else's entry in the log", b.get("/audit/1"), http.StatusForbidden)
	k.step("read the log", "one's own entries only", !strings.Contains(b.get("/audit?who=mia").body, "Kept AB"))
	k.step("read one's tokens", "one's own", !slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(b.get("/tokens").body, s) }))
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		k.refused(method+" "+customer, b.do(method, customer, nil), http.StatusNotFound)
	}
	p = b.post("/logout", url.Values{"_method": {"DELETE"}}, "X-HTTP-Method-Override", "DELETE", "Origin", "null", "Sec-Fetch-Site", "cross-site")
	k.refused("post from a sandboxed frame, with another method in a header", p, http.StatusForbidden)
	k.step("count the calls to services", fmt.Sprint(len(w.calls(mark))-signIns), len(w.calls(mark)) == signIns)
	k.step("look whether the manager works on", "200", mia.get(customer).status == http.StatusOK)
}

func walkAsFormerManager(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b, admin := w.signedIn("mia"), w.signedIn("alice")
	b.post("/tokens/cpaas", url.Values{"token": {"a-cpaas-token"}}).wantStatus(http.StatusSeeOther)
	made := b.submit(b.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	answer := b.follow(made)
	key, token := answer.byID("key"), answer.byID("token")
	if key == "" || token == "" {
		t.Fatal("there is nothing to get")
	}
	old := b.jarCookie("session").Value
	form := b.get(customer).form(customer + "/sso").filled(url.Values{"reason": {"ticket"}})
	phone := w.signedIn("mia") // a second device, where something was being typed when its session ended
	phone.post("/logout", nil)
	phone.post("/customers", url.Values{"company": {"Half-typed AB"}}).wantStatus(http.StatusSeeOther)

	p := admin.submit(admin.get("/staff"), "/staff/"+w.staffID("mia"), url.Values{"state": {"disabled"}})
	p.wantStatus(http.StatusSeeOther)
	mark := w.mark()
	k.refused("go on in the session that is open", b.get("/"), http.StatusSeeOther, key, token)
	k.refused("reload the page with key and token", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	k.refused("go back to it in the same tab", b.get(made.location()), http.StatusSeeOther, key, token)
	k.refused("send the form that is open", w.with(old).post(customer+"/sso", form), http.StatusSeeOther)
	k.refused("reveal the stored key", w.with(old).post(customer+"/credentials/reveal", url.Values{"password": {sandbox.Password}}), http.StatusSeeOther, key, token)
	k.refused("reveal the portal token", w.with(old).post("/tokens/reveal", url.Values{"which": {"portal"}}), http.StatusSeeOther)
	k.refused("reveal the CPaaS token", w.with(old).post("/tokens/reveal", url.Values{"which": {"cpaas"}}), http.StatusSeeOther, "a-cpaas-token")
	k.refused("renew the session with the right password", w.with(old).post("/session/renew", url.Values{"password": {sandbox.Password}}), http.StatusSeeOther)
	k.refused("open the form with what was half typed", phone.get("/customers/new"), http.StatusSeeOther, "Half-typed")
	k.step("count the calls to services", fmt.Sprint(len(w.calls(mark))), len(w.calls(mark)) == 0)
	k.refused("sign in with the right password of the portal", phone.signIn("mia", sandbox.Password), http.StatusForbidden, "Half-typed")
	k.refused("sign in with the name in another spelling", phone.signIn("MIA ", sandbox.Password), http.StatusForbidden, "Half-typed")
	w.restart()
	k.refused("play the old cookie back after a restart", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	p = admin.submit(admin.get("/staff"), "/staff/"+w.staffID("mia"), url.Values{"state": {"active"}})
	p.wantStatus(http.StatusSeeOther)
	k.refused("play it back once she is let in again", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	again := w.signedIn("mia")
	k.step("sign in once let in again, and open the answer", "no key, no token", !strings.Contains(again.get(made.location()).body, key))
	k.step("look for what was half typed", "it has waited for her", strings.Contains(again.get("/customers/new").body, "Half-typed AB"))
}
