package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frontdesk/store/audit"
	"frontdesk/views"
)

// The headers and the HTML of every page are held by browser.do, for every
// answer that any test here gets; this file has what a browser does not do.

// TestOtherOrigins: a post from another site is refused, and nothing is called.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	in, out := w.signedIn("mia"), w.browser()
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, c := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"another site", []string{"Origin", "https://evil", "Sec-Fetch-Site", "cross-site"}, true},
		{"another site, an old browser", []string{"Origin", "https://evil", "Sec-Fetch-Site", ""}, true},
		{"a sibling", []string{"Origin", "http://other.127.0.0.1", "Sec-Fetch-Site", "same-site"}, true},
		{"another port, an old browser", []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", ""}, true},
		{"no origin told", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, true},
		{"our own", nil, false},
		{"our own, an old browser", []string{"Sec-Fetch-Site", ""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, post := range []string{path + "/sso", "/sms", "/logout", "/theme", "/login"} {
				if !c.refused && post != "/theme" {
					continue
				}
				for who, b := range map[string]*browser{"mia": in.in(t), "": out.in(t)} {
					mark, log := w.mark(), len(w.entries(audit.Filter{Result: audit.Denied}))
					p := b.post(post, url.Values{"phone": {"+46701740605"}, "portal": {"customer"}, "username": {"mia"}, "password": {"demo"}, "company": {"X"}, "email": {"x@x.example"}}, c.headers...)
					if !c.refused {
						p.wantStatus(http.StatusSeeOther)
						continue
					}
					p.wantStatus(http.StatusForbidden)
					p.want("This came from another site", "Nothing was done.")
					if calls := w.calls(mark); len(calls) > 0 {
						t.Errorf("%s called %v", post, calls)
					}
					// On record for staff; a stranger's posts must not fill the log.
					all := w.entries(audit.Filter{Result: audit.Denied})
					if want := map[string]int{"mia": 1, "": 0}[who]; len(all)-log != want || len(w.calls(mark)) > 0 {
						t.Errorf("%s by %q: %d entries more", post, who, len(all)-log)
					}
				}
			}
		})
	}
	in.get("/").wantStatus(http.StatusOK) // nobody was signed out
}

// TestBodies: only forms as our pages send them are taken, and they have a size.
func TestBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	mark := w.mark()
	fields := func(n int) url.Values {
		f := url.Values{}
		for i := range n {
			f.Set(fmt.Sprint("f", i), "x")
		}
		return f
	}
	const kind = "Content-Type"
	small := url.Values{"company": {"x"}}
	for _, c := range []struct {
		name, target string
		form         url.Values
		header       []string
		status       int
		says         string
	}{
		{"too large", "/customers", url.Values{"company": {strings.Repeat("x", 70<<10)}}, nil, 413, "at most 64 KiB"},
		{"just not too large", "/customers", url.Values{"company": {strings.Repeat("x", 63<<10)}}, nil, 422, "check the form"},
		{"too large, signed in or not", "/login", url.Values{"username": {strings.Repeat("x", 70<<10)}}, nil, 413, "at most 64 KiB"},
		{"too many fields", "/customers", fields(101), nil, 413, "100 fields"},
		{"one field too often", "/customers", url.Values{"company": strings.Split(strings.Repeat("x", 101), "")}, nil, 413, "100 fields"},
		{"just not too many fields", "/customers", fields(100), nil, 422, "check the form"},
		{"bad escapes", "/customers?a=%zz", small, nil, 422, "could not be read"},
		{"bytes that are no text", "/customers", url.Values{"company": {"x"}, "email": {"a\xff@b.example"}}, nil, 422, "could not be read"},
		{"a field whose name is none", "/customers", url.Values{"company\xff": {"x"}}, nil, 422, "could not be read"},
		{"JSON", "/customers", small, []string{kind, "application/json"}, 415, "not a form"},
		{"plain text, as a form elsewhere can send it", "/customers", small, []string{kind, "text/plain"}, 415, "not a form"},
		{"multipart, likewise", "/customers", small, []string{kind, "multipart/form-data; boundary=x"}, 415, "not a form"},
		{"no kind", "/customers", small, []string{kind, ""}, 415, "not a form"},
		{"a garbled kind", "/customers", small, []string{kind, "application/x-www-form-urlencoded; ="}, 415, "not a form"},
		{"with a charset", "/customers", small, []string{kind, "application/x-www-form-urlencoded; charset=UTF-8"}, 422, "check the form"},
		{"no kind and no body", "/customers", nil, []string{kind, ""}, 422, "check the form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.in(t).post(c.target, c.form, c.header...)
			p.wantStatus(c.status)
			p.want(c.says, "Nothing was")
		})
	}
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

// TestFragments: htmx gets parts of the page's own component.
func TestFragments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	sent := b.post("/sms", url.Values{"phone": {"+46701740605"}}).location()
	for _, c := range []struct {
		path, id string
		status   int
	}{
		{"/customers?q=harbor", "results", 200}, {sent + "?refresh=1", "poll-code", 200}, {"/customers/none", "", 404}, {"/staff", "", 403},
	} {
		whole, part := b.get(c.path), b.get(c.path, "HX-Request", "true")
		whole.wantStatus(c.status)
		part.wantStatus(c.status)
		if !strings.Contains(whole.body, "<html") || strings.Contains(part.body, "<html") {
			t.Errorf("%s: whole page %v, fragment a page %v", c.path, strings.Contains(whole.body, "<html"), strings.Contains(part.body, "<html"))
		}
		if c.id != "" && (part.byID(c.id) == "" || part.byID(c.id) != whole.byID(c.id)) {
			t.Errorf("%s: the fragment's #%s is %q, the page's %q", c.path, c.id, part.byID(c.id), whole.byID(c.id))
		}
		if whole.res.Header.Get("Vary") != "Accept-Encoding, Accept-Language, HX-Request" {
			t.Errorf("%s: Vary is %q", c.path, whole.res.Header.Get("Vary"))
		}
	}
}

// TestTheme is kept, by cookie, through the sign-in.
func TestTheme(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	for _, c := range []struct{ theme, want string }{{"dark", `data-theme="frontdesk-dark"`}, {"light", `data-theme="frontdesk-light"`}, {"pink", `data-theme="frontdesk-light"`}, {"system", "<html"}} {
		b.post("/theme", url.Values{"theme": {c.theme}}).wantStatus(http.StatusSeeOther)
		p := b.get("/login")
		if !strings.Contains(p.body, c.want) || (c.theme == "system" && strings.Contains(p.body, "data-theme=")) {
			t.Errorf("after %s: no %s", c.theme, c.want)
		}
	}
	b.post("/theme", url.Values{"theme": {"dark"}})
	b.signIn("mia", "demo")
	if !strings.Contains(b.get("/").body, `data-theme="frontdesk-dark"`) {
		t.Error("the theme is lost at the sign-in")
	}
	// A forged cookie counts as none.
	u, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	b.c.Jar.SetCookies(u, []*http.Cookie{{Name: "frontdesk", Value: "forged", Path: "/"}})
	b.get("/").wantStatus(http.StatusOK)
}
