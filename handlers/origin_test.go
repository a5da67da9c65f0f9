//go:build !race

package handlers

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// site is where a request comes from, as a browser tells it.
type site struct {
	name                      string
	origin, fetch, mode, dest string
	mayPost                   bool
}

// mayRead: what another site asks for without a person going there (in an image,
// a frame, a script) is refused, but for what is nobody's.
func (s site) mayRead(path string) bool {
	elsewhere := s.fetch == "cross-site" || s.fetch == "same-site"
	return isBare(path) || !elsewhere || (s.mode == "navigate" && s.dest == "document")
}

// visitor is somebody with a role and a session cookie.
type visitor struct {
	name, who string
	role      store.Role // "": nobody is signed in
	cookie    string
}

// TestEveryMethodFromEverySite sends every method to every route's path, as
// everybody, from everywhere. The rules come from the pattern alone, so that
// a new route is held to them: GET and HEAD read, POST acts and wants our own
// page (or a program, which tells no origin and has no cookies that it was not
// given), nothing else gets anywhere.
func TestEveryMethodFromEverySite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	reached := map[string]*atomic.Int64{}
	for i, rt := range w.h.routes {
		n := &atomic.Int64{}
		reached[rt.Pattern] = n
		w.h.routes[i].Handle = func(w http.ResponseWriter, r *http.Request) error {
			n.Add(1)
			return rt.Handle(w, r)
		}
	}
	w.h.handler = w.h.wrap(w.h.mux())
	count := func() (total int64) {
		for _, n := range reached {
			total += n.Load()
		}
		return total
	}

	admin := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	// With key and token stored, also the live record has something to ask with.
	admin.post(customer+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}}).wantStatus(http.StatusSeeOther)
	visitors := []*visitor{{"signed out", "", "", ""}, {"viewer", "victor", store.Viewer, ""}, {"manager", "mia", store.Manager, ""}, {"admin", "alice", store.Admin, ""},
		{"disabled", "atmosphere:mia", "", ""}}
	for _, v := range visitors[1:] {
		v.cookie = w.signedIn(v.who).jarCookie("session").Value
	}
	other, err := w.db.StaffByLogin(t.Context(), "atmosphere", "mia")
	if err != nil {
		t.Fatal(err)
	}
	err = w.db.Write(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.ChangeStaff(t.Context(), other.ID, other.Role, false, w.h.Portals)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	sites := []site{
		{"our own page", w.server.URL, "same-origin", "navigate", "document", true},
		{"another site", "https://evil.example", "cross-site", "navigate", "document", false},
		{"another site's image", "https://evil.example", "cross-site", "no-cors", "image", false},
		{"a sibling", "http://other." + strings.TrimPrefix(w.server.URL, "http://"), "same-site", "navigate", "document", false},
		{"a sandboxed frame", "null", "cross-site", "navigate", "iframe", false},
		{"another site in an old browser", "https://evil.example", "", "", "", false},
		{"no origin at all", "", "", "", "", true},
	}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace}
	reads := []string{desk.WhatLive, desk.WhatReadLog, desk.WhatExport, desk.WhatExportCustomers}
	asks := "GET /ip1/api/authentications/settings" // what the defaults are: reading without an entry, for HEAD too
	needs, paths := map[string]store.Role{}, []string{}
	for _, rt := range w.h.routes {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		if method != http.MethodGet && method != http.MethodPost {
			t.Errorf("%s: no rule says what %s may do", rt.Pattern, method)
		}
		path = strings.NewReplacer("/customers/{cuid}/events", "/customers/none/events", "/customers/{cuid}", customer, "{id}", "999", "{act}", "none", "{n}", "1", "{$}", "").Replace(path)
		if strings.Contains(path, "{") {
			t.Errorf("%s: no rule says what to put into %s", rt.Pattern, path)
		}
		needs[rt.Pattern] = rt.Needs
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}

	// since are the entries after the newest one that was looked at.
	seen := w.entries(audit.Filter{Whole: true})[0].ID
	since := func() []audit.Entry {
		found, err := w.db.Search(t.Context(), audit.Filter{Whole: true}, audit.Page{After: seen, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Entries) > 0 {
			seen = found.Entries[0].ID
		}
		return found.Entries
	}
	sent := 0
	for _, path := range paths {
		for _, method := range methods {
			pattern := w.patternOf(method, path)
			for _, v := range visitors {
				for _, from := range sites {
					sent++
					what := method + " " + path + " by the " + v.name + " from " + from.name
					mark, before := w.mark(), count()
					res := w.raw(method, path, v.cookie, from)

					role, known := needs[pattern]
					may := known && (role == public || (v.role != "" && v.role.Includes(role)))
					if method == http.MethodPost {
						may = may && from.mayPost
					} else {
						may = may && from.mayRead(path)
					}
					none := http.StatusNotFound // for what is no route
					if method != http.MethodPost && !from.mayRead(path) {
						none = http.StatusForbidden
					}
					calls := w.calls(mark)
					entries, got := since(), count()-before
					switch {
					case may && (got != 1 || reached[pattern].Load() == 0):
						t.Errorf("%s did not reach %s: %d", what, pattern, res.StatusCode)
					case !may && got != 0:
						t.Errorf("%s reached a handler", what)
					case !may && res.StatusCode < 300, !may && res.StatusCode >= 500:
						t.Errorf("%s answers %d", what, res.StatusCode)
					case !may && known && v.role == "" && res.StatusCode != http.StatusForbidden && res.Header.Get("Location") != "/login":
						t.Errorf("%s answers %d, to %q", what, res.StatusCode, res.Header.Get("Location"))
					case !may && known && v.role != "" && res.StatusCode != http.StatusForbidden:
						t.Errorf("%s answers %d, want 403", what, res.StatusCode)
					case !known && res.StatusCode != none:
						t.Errorf("%s is no route, and answers %d", what, res.StatusCode)
					}
					if res.Header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s may be read by another site", what)
					}
					if kind := res.Header.Get("Content-Type"); res.ContentLength > 0 && (kind == "" || (strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "charset=utf-8"))) {
						t.Errorf("%s is of the kind %q", what, kind)
					}
					for _, e := range entries {
						switch {
						case may && method == http.MethodPost:
						case may && method == http.MethodGet && slices.Contains(reads, e.What):
						case !may && known && method == http.MethodPost && v.role != "" && e.Result == audit.Denied && len(entries) == 1:
						default:
							t.Errorf("%s put on record: %s, %s %s", what, e.What, e.Phase, e.Result)
						}
					}
					if !may && known && method == http.MethodPost && v.role != "" && len(entries) != 1 {
						t.Errorf("%s is not on record as denied", what)
					}
					if slices.ContainsFunc(calls, func(c string) bool { return !may || (method == http.MethodHead && c != asks) }) {
						t.Errorf("%s called %v", what, calls)
					}
					if v.role != "" && may && method == http.MethodPost { // it may have ended the session
						for _, c := range res.Cookies() {
							if c.Name == "session" {
								v.cookie = w.signedIn(v.who).jarCookie("session").Value
								since()
							}
						}
					}
				}
			}
		}
	}
	if want := len(paths) * len(methods) * len(visitors) * len(sites); sent != want {
		t.Errorf("%d requests, want %d", sent, want)
	}
	for pattern, n := range reached {
		if n.Load() == 0 {
			t.Errorf("%s was never reached: the test asks for something else", pattern)
		}
	}
}

// raw sends a request with nothing in it but what is said here.
func (w *world) raw(method, path, session string, from site) *http.Response {
	w.t.Helper()
	r, err := http.NewRequest(method, w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: session})
	}
	for name, value := range map[string]string{"Origin": from.origin, "Sec-Fetch-Site": from.fetch, "Sec-Fetch-Mode": from.mode, "Sec-Fetch-Dest": from.dest} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	res, err := w.server.Client().Transport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		w.t.Fatal(err)
	}
	return res
}
