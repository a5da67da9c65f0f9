package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// TestOtherPeoplesThings: what belongs to one person is opened, changed or
// ended by nobody else, though they know its address from the owner's pages.
// The others are a colleague with the same rights (and the same username, at
// another portal), a viewer, and somebody signed out. Admins see sessions and
// the log, and no secret.
func TestOtherPeoplesThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	owner := w.signedIn("mia")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)

	// What she has, and where.
	made := owner.submit(owner.get("/customers/new"), "/customers", url.Values{"company": {"Own AB"}, "email": {"own@own.example"}})
	answer := owner.follow(made)
	key, token := answer.byID("key"), answer.byID("token")
	owner.post("/tokens/cpaas", url.Values{"token": {"mias-cpaas-token"}}).wantStatus(http.StatusSeeOther)
	revealed := owner.submit(owner.get("/tokens"), "/tokens/reveal", url.Values{"which": {"cpaas"}})
	owner.follow(revealed).want("mias-cpaas-token")
	owner.post("/audit/views", url.Values{"name": {"Mia's view"}, "query": {"service=atom"}}).wantStatus(http.StatusSeeOther)
	viewRemove := ""
	for _, f := range owner.get("/audit?service=atom").forms() {
		if strings.HasPrefix(f.action, "/audit/views/") {
			viewRemove = f.action
		}
	}
	sms := owner.post("/sms", url.Values{"phone": {"+46701740605"}}).location()
	code := w.lastCode("+46701740605")
	revoke := "/sessions/" + w.sessionOf("mia").ID + "/revoke"
	entry := ""
	for _, href := range owner.get("/audit?what=sign+in").links() {
		if strings.HasPrefix(href, "/audit/") && !strings.Contains(href, "proof") && strings.Trim(href[len("/audit/"):], "0123456789") == "" {
			entry = href
		}
	}
	if key == "" || viewRemove == "" || sms == "" || entry == "" || !owner.get("/sessions").hasForm(revoke) {
		t.Fatalf("the owner's pages name too little: key %q, view %q, SMS %q, entry %q", key, viewRemove, sms, entry)
	}
	// A form of hers, sent again with her receipt by others.
	create := owner.get("/customers/new").form("/customers").filled(url.Values{"company": {"Twice AB"}, "email": {"twice@own.example"}})
	twice := owner.post("/customers", create)
	secondKey := owner.follow(twice).byID("key")
	// And what she was typing when a session of hers ended.
	away := w.signedIn("mia")
	away.post("/logout", nil)
	away.post("/sms", url.Values{"phone": {"+46701740699"}}).wantStatus(http.StatusSeeOther)

	secrets := []string{key, token, secondKey, "mias-cpaas-token", code, "+46701740699", owner.jarCookie("session").Value}
	const out = http.StatusSeeOther
	rows := []struct {
		name, method, path                 string
		form                               url.Values
		colleague, viewer, signedOut, boss int
	}{
		{"the answer with key and token", "GET", made.location(), nil, 200, 403, out, 200}, // that it was done, without them
		{"the same as another customer's", "GET", customer + made.location()[strings.Index(made.location(), "/answers/"):], nil, 404, 403, out, 404},
		{"the answer with a token", "GET", revealed.location(), nil, 200, 200, out, 200}, // the reader's own tokens page
		{"the session", "POST", revoke, nil, 403, 403, out, 0},
		{"the view", "POST", viewRemove, nil, 404, 404, out, 404},
		{"an entry of the log", "GET", entry, nil, 403, 403, out, 200},
		{"its proof", "GET", entry + "/proof", nil, 403, 403, out, 200},
		{"the log by name", "GET", "/audit?who=customer:mia", nil, 200, 200, out, 200},
		{"the code", "GET", sms, nil, 200, 403, out, 200}, // colleagues see that one was sent
		{"the code's check", "POST", sms + "/verify", url.Values{"code": {"000000"}}, 422, 403, out, 0},
		{"the draft", "GET", "/sms", nil, 200, 403, out, 200},
		{"the stored key", "GET", customer, nil, 200, 200, out, 200},
		{"the sessions", "GET", "/sessions", nil, 200, 200, out, 200},
	}
	others := []struct {
		name string
		b    *browser
		want func(i int) int
	}{
		{"a colleague", w.signedIn("atmosphere:mia"), func(i int) int { return rows[i].colleague }},
		{"a viewer", w.signedIn("victor"), func(i int) int { return rows[i].viewer }},
		{"somebody signed out", w.browser(), func(i int) int { return rows[i].signedOut }},
		{"an admin", w.signedIn("alice"), func(i int) int { return rows[i].boss }},
	}
	for _, other := range others {
		for i, row := range rows {
			t.Run(other.name+": "+row.name, func(t *testing.T) {
				want, b := other.want(i), other.b.in(t)
				if want == 0 { // an admin may
					return
				}
				denied := w.entries(audit.Filter{Result: audit.Denied})
				p := b.do(row.method, row.path, row.form)
				p.wantStatus(want)
				p.wantNo(secrets...)
				now := w.entries(audit.Filter{Result: audit.Denied})
				switch {
				case row.method == "POST" && want == http.StatusForbidden:
					if len(now) != len(denied)+1 || !strings.HasPrefix(row.path, strings.Split(strings.TrimPrefix(now[0].What, "POST "), "{")[0]) {
						t.Errorf("no entry says that it was denied: %d, were %d", len(now), len(denied))
					}
				case len(now) != len(denied):
					t.Errorf("an entry says denied: %+v", now[0])
				}
				if row.name == "the log by name" && want == 200 && other.name != "an admin" {
					if strings.Contains(p.body, entry+`"`) {
						t.Error("the list has her entries")
					}
				}
				if row.name == "the sessions" && want == 200 && other.name != "an admin" && p.hasForm(revoke) {
					t.Error("the list has her session")
				}
			})
		}
		// Her form, with her receipt: it is another's act, or none, and never her answer.
		if other.name == "a viewer" || other.name == "somebody signed out" {
			continue
		}
		p := other.b.post("/customers", create)
		if p.location() == twice.location() {
			t.Errorf("%s got her answer for her receipt", other.name)
		}
		p.wantNo(secrets...)
	}

	// All is as it was.
	owner.get(made.location()).want(key, token)
	owner.get(revealed.location()).want("mias-cpaas-token")
	if !owner.get("/audit?service=atom").hasForm(viewRemove) {
		t.Error("the view is gone")
	}
	away.follow(away.signIn("mia", sandbox.Password)).want("What you typed is still here")
	owner.post(sms+"/verify", url.Values{"code": {code}}).wantStatus(http.StatusSeeOther)

	// Another session of her own does not get the key either, nor after a change of role.
	w.signedIn("mia").get(made.location()).wantNo(key, token)
	admin := w.signedIn("alice")
	admin.post("/staff/"+w.staffID("mia"), url.Values{"role": {string(store.Viewer)}}).wantStatus(http.StatusSeeOther)
	owner.get(made.location()).wantStatus(http.StatusForbidden)
	w.clock.advance(20 * time.Minute)
	owner.get("/tokens").wantNo("mias-cpaas-token")
}
