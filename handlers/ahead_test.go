package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
)

// fetchAhead asks for a page as a browser does when the pointer rests on its link.
func (b *browser) fetchAhead(path string) *page {
	b.t.Helper()
	return b.get(path, "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
}

// wantLater holds that a page was not given ahead, and nothing was kept of it.
func (p *page) wantLater() {
	p.t.Helper()
	p.wantStatus(http.StatusServiceUnavailable)
	if len(p.res.Cookies()) > 0 || p.res.Header.Get("Cache-Control") != "no-store" || p.res.Header.Get("Retry-After") != "" {
		p.t.Errorf("%s: %v", p.what, p.res.Header)
	}
}

// seenAt is when the only session that there is was last used.
func (w *world) seenAt() time.Time {
	w.t.Helper()
	all, err := w.db.LiveSessions(context.Background(), 0, time.Time{})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d sessions, %v", len(all), err)
	}
	return all[0].SeenAt
}

// TestPagesAreFetchedAheadByRole: a page names those that its reader may have fetched
// ahead; every one of them is a route that reads, and acts, files and streams are none.
func TestPagesAreFetchedAheadByRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	for _, pattern := range ahead {
		if !slices.ContainsFunc(w.h.routes, func(rt route) bool { return rt.Pattern == pattern }) || !strings.HasPrefix(pattern, "GET /") {
			t.Errorf("%s is no route that reads", pattern)
		}
	}
	viewer := []string{"/", "/customers", "/customers/:cuid", "/audit"}
	manager := append(viewer, "/imports", "/sms")
	for who, want := range map[string][]string{"victor": viewer, "mia": manager, "alice": append(manager, "/staff")} {
		p := w.signedIn(who).get("/")
		var rules struct {
			Prefetch []struct {
				Source, Eagerness string
				Where             struct {
					And []struct {
						Or []struct {
							Href struct{ Pathname string } `json:"href_matches"`
						}
						Not struct {
							Or []struct {
								Href struct{ Pathname string } `json:"href_matches"`
							}
						}
					}
				}
			}
			Prerender any
		}
		scripts := 0
		for n := range p.all("script") {
			if attr(n, "type") == "speculationrules" {
				scripts++
				if err := json.Unmarshal([]byte(text(n)), &rules); err != nil {
					t.Fatal(err)
				}
			}
		}
		if scripts != 1 || len(rules.Prefetch) != 1 || rules.Prerender != nil || rules.Prefetch[0].Eagerness != "moderate" || len(rules.Prefetch[0].Where.And) != 2 {
			t.Fatalf("%s: %d sets of rules: %+v", who, scripts, rules)
		}
		var pages, others []string
		for _, l := range rules.Prefetch[0].Where.And[0].Or {
			pages = append(pages, l.Href.Pathname)
		}
		for _, l := range rules.Prefetch[0].Where.And[1].Not.Or {
			others = append(others, l.Href.Pathname)
		}
		slices.Sort(pages)
		slices.Sort(want)
		if !slices.Equal(pages, want) {
			t.Errorf("%s may fetch %v ahead, want %v", who, pages, want)
		}
		likeCustomers := []string{"/customers/export.csv", "/customers/export.jsonl", "/customers/import", "/customers/new", ""} // the last is a selector
		if who == "victor" {                                                                                                     // to whom none of them is offered
			likeCustomers = []string{""}
		}
		slices.Sort(others)
		slices.Sort(likeCustomers)
		if !slices.Equal(others, likeCustomers) {
			t.Errorf("%s: not to be taken for a customer's page are %q, want %q", who, others, likeCustomers)
		}
	}
	for n := range w.browser().get("/login").all("script") {
		if attr(n, "type") != "" {
			t.Errorf("signed out: %v", n.Attr)
		}
	}
}

// TestFetchingAheadChangesNothing: the page is whole, and neither a cookie nor the
// session, the log or the idle clock is any other for it.
func TestFetchingAheadChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	w.clock.advance(10 * time.Minute)
	before, entries := w.seenAt(), len(w.entries(audit.Filter{}))
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, path := range []string{"/", "/customers", "/customers?q=harbor", customer, "/imports", "/sms", "/staff"} {
		p := b.fetchAhead(path)
		p.wantStatus(http.StatusOK)
		if len(p.res.Cookies()) > 0 || p.res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, p.res.Header)
		}
		if p.byID("main") == "" {
			t.Errorf("%s: no page", path)
		}
	}
	b.fetchAhead("/audit").wantLater() // reading what others did goes on record
	if now := w.seenAt(); !now.Equal(before) {
		t.Errorf("the session counts as used at %s, not %s", now, before)
	}
	if now := w.entries(audit.Filter{}); len(now) != entries {
		t.Errorf("%d entries, before it %d, the last %+v", len(now), entries, now[0])
	}
	if idle, _ := b.sessionLeft(); idle > int((20 * time.Minute).Seconds()) {
		t.Errorf("the session has %d s", idle)
	}
	mia := w.signedIn("mia")
	entries++
	mia.fetchAhead("/audit").wantStatus(http.StatusOK)
	if now := len(w.entries(audit.Filter{})); now != entries {
		t.Errorf("%d entries, before mia read her own %d", now, entries)
	}
	mia.post("/logout", nil)
	// Shown, the page tells that somebody is here.
	b.post("/session/active", nil).wantStatus(http.StatusNoContent)
	if !w.seenAt().After(before) {
		t.Error("the page was shown, and the session does not count as used")
	}
}

// TestNothingElseIsFetchedAhead goes through every route that is not marked.
func TestNothingElseIsFetchedAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := w.customer(emailFirst)
	entries, mark := len(w.entries(audit.Filter{})), w.mark()
	tried := 0
	for _, rt := range w.h.routes {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		if rt.isAhead() || isBare(path) {
			continue
		}
		path = strings.NewReplacer("{cuid}", customer.CUID, "{act}", "a", "{id}", "1", "{n}", "1", "{$}", "").Replace(path)
		var form url.Values
		if method == http.MethodPost {
			form = url.Values{"reason": {"r"}}
		}
		tried++
		p := b.do(method, path, form, "Sec-Purpose", "prefetch;prerender")
		if rt.Pattern == upload { // a form is no file
			p.wantStatus(http.StatusServiceUnavailable)
			continue
		}
		p.wantLater()
	}
	if now := len(w.entries(audit.Filter{})); now != entries || tried < 60 {
		t.Errorf("%d routes: %d entries, before it %d", tried, now, entries)
	}
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
	b.get("/").wantStatus(http.StatusOK) // still signed in
}

// TestWhatIsGivenOnceIsNotGivenAhead: a message, what was typed, the end of a session
// and the way back wait for the page that is asked for.
func TestWhatIsGivenOnceIsNotGivenAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)

	// A message.
	b.post("/staff", url.Values{"portal": {"customer"}, "username": {"nils"}, "name": {"Nils"}, "role": {"viewer"}}).wantStatus(http.StatusSeeOther)
	b.fetchAhead("/staff").wantLater()
	b.fetchAhead("/customers").wantLater()
	b.get("/staff").want("nils is on the staff list")
	p := b.fetchAhead("/staff")
	p.wantStatus(http.StatusOK)
	p.wantNo("nils is on the staff list")

	// The session's end, and what was typed after it.
	w.clock.advance(31 * time.Minute)
	b.fetchAhead(customer).wantLater()
	b.post(customer+"/sso", url.Values{"reason": {"a long story"}, "receipt": {receipt()}}).wantStatus(http.StatusSeeOther)
	b.fetchAhead("/").wantLater()
	p = b.get("/login")
	p.want("Your session had ended, so nothing was sent.")
	b.fetchAhead("/").wantLater() // signed out: the way back stays what it was
	back := b.signIn("alice", "demo")
	if back.location() != customer {
		t.Errorf("back to %s", back.location())
	}
	b.fetchAhead(customer).wantLater()
	b.fetchAhead(customer).wantLater()
	if p := b.get(customer); !strings.Contains(p.body, `value="a long story"`) {
		t.Error("what was typed is gone")
	}
	b.fetchAhead(customer).wantStatus(http.StatusOK)

	// An alarm, which goes on record when somebody sees it.
	b.get("/").wantStatus(http.StatusOK)
	v := &visit{Ahead: true, Prefs: &prefs{}}
	v.Actor.Staff = store.Staff{ID: 1, Active: true}
	v.Prefs.Seen.Size, v.Prefs.Seen.Root[0] = 1, 1
	entries := len(w.entries(audit.Filter{}))
	r, err := http.NewRequestWithContext(context.WithValue(context.Background(), visitKey{}, v), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.h.hear(r)
	if now := len(w.entries(audit.Filter{})); v.settled() || v.Alarm != nil || now != entries {
		t.Errorf("settled %v, alarm %v, %d entries more", v.settled(), v.Alarm, now-entries)
	}
}

// TestWhatIsPostedEndsWhatWasFetchedAhead: a page that was fetched before an act is
// not shown after it.
func TestWhatIsPostedEndsWhatWasFetchedAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	b := w.signedIn("mia")
	for path, want := range map[string]string{"/theme": `"prefetchCache"`, "/session/active": ""} {
		p := b.post(path, url.Values{"theme": {"dark"}})
		if got := p.res.Header.Get("Clear-Site-Data"); got != want {
			t.Errorf("%s: Clear-Site-Data is %q, want %q", path, got, want)
		}
	}
}
