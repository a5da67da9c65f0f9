package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// TestInjectedText: what is typed into a search or an address is text, never a
// part of a statement, a header or a page.
func TestInjectedText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	rows := func(p *page) (n int) {
		for range p.all("tr") {
			n++
		}
		return n
	}
	all := rows(b.get("/customers"))
	for _, text := range []string{
		"' OR '1'='1", `" OR ""="`, "x'; DROP TABLE customers; --", "x') UNION SELECT token_hash FROM sessions --", "%", "_", `\`, "*", "NEAR(", `"`, "^a OR b*", "{company}: x",
		"\r\nSet-Cookie: session=planted", "<script>alert(1)</script>", "\x00", "\xff\xfe", strings.Repeat("(", 600), "${7*7}{{7*7}}<%= 7*7 %>",
	} {
		for _, path := range []string{"/customers?q=", "/customers?state=", "/customers?country=", "/customers?sort=", "/customers?cursor=", "/audit?who=", "/audit?what=", "/audit?q=",
			"/audit?on=", "/audit?cursor=", "/audit?from=", "/sso?email=", "/sms/country?phone=", "/customers/", "/audit/", "/tokens?answer=", "/audit/export.csv?delimiter="} {
			p := b.get(path + url.QueryEscape(text))
			if p.status >= 500 || p.cookie("session") != nil {
				t.Errorf("%s%q: %d", path, text, p.status)
			}
			p.wantNo("<script>alert(1)", "49{{")
			if path == "/customers?q=" && strings.ContainsFunc(text, unicode.IsPunct) && rows(p) >= all {
				t.Errorf("%s%q finds everybody", path, text)
			}
		}
	}
	if got := rows(b.get("/customers")); got != all {
		t.Errorf("%d customers, were %d", got, all)
	}
}

// TestOnlyTheFormCounts: fields in the address, and fields that a form does not
// have, change nothing.
func TestOnlyTheFormCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	p := b.post("/login?portal=customer&username=mia&password="+sandbox.Password, nil)
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("portal", "username", "password")
	b.post("/login?username=alice", url.Values{"portal": {"customer"}, "username": {"mia", "alice"}, "password": {sandbox.Password}, "role": {"admin"}, "staff": {"1"}}).
		wantStatus(http.StatusSeeOther)
	b.get("/").want("Mia Moreau", "manager")
	b.get("/staff").wantStatus(http.StatusForbidden)
	made := b.post("/customers?email=query@x.example", url.Values{"company": {"Form AB"}, "email": {"form@x.example"}, "cuid": {"chosen"}, "key": {"chosen-key"}, "token": {"chosen-token"}})
	shown := b.follow(made)
	shown.want("form@x.example")
	shown.wantNo("query@x.example", "chosen-key", "chosen-token")
	if cuid := w.customer("form@x.example").CUID; cuid == "chosen" {
		t.Error("the form chose the cuid")
	}
}

// TestPasswordFields: masked, left to the browser's password manager, and
// without a rule of ours about what a password is.
func TestPasswordFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b.post(customer+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}}).wantStatus(http.StatusSeeOther)
	w.clock.advance(16 * time.Minute) // the step-up asks
	for path, b := range map[string]*browser{"/login": w.browser(), "/tokens": b, customer: b} {
		n := 0
		for field := range b.get(path).all("input") {
			if attr(field, "name") != "password" {
				continue
			}
			n++
			if attr(field, "type") != "password" || attr(field, "autocomplete") != "current-password" || has(field, "maxlength") || has(field, "minlength") || has(field, "pattern") {
				t.Errorf("%s: %v", path, field.Attr)
			}
		}
		if n == 0 {
			t.Errorf("%s asks for no password", path)
		}
	}
	// A long one, with every kind of character, arrives as it was typed.
	for _, password := range []string{strings.Repeat("x", 200), " Åä 客户 💼\t\"'<>& ", "PASSWORD"} {
		w.browser().signIn("nobody", password).wantStatus(http.StatusUnauthorized)
	}
	w.browser().signIn("mia", " "+sandbox.Password).wantStatus(http.StatusUnauthorized)
	w.browser().signIn("mia", strings.ToUpper(sandbox.Password)).wantStatus(http.StatusUnauthorized)
	if n := len(w.entries(audit.Filter{Result: audit.Refused, Service: "portal"})); n != 5 {
		t.Errorf("the portal refused %d, want 5: all of them were sent to it", n)
	}
}

// TestEveryPageOffersSignOut, and over https asks the browser for no less.
func TestEveryPageOffersSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{https: true})
	b := w.signedIn("alice")
	pages := 0
	for _, rt := range w.paths(http.MethodGet, views.CustomerPath(w.customer(emailFirst).CUID)) {
		p := b.get(rt.Pattern)
		if got := p.res.Header.Get("Strict-Transport-Security"); got != "max-age=31536000; includeSubDomains" {
			t.Errorf("%s: HSTS is %q", rt.Pattern, got)
		}
		if p.status != http.StatusOK || !strings.Contains(p.body, "<html") {
			continue
		}
		if pages++; !p.hasForm("/logout") {
			t.Errorf("%s has no way to sign out", rt.Pattern)
		}
	}
	if pages < 12 {
		t.Errorf("only %d pages were looked at", pages)
	}
}
