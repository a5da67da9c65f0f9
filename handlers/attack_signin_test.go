package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestThrottleOutlivesARestart: neither the count nor the wait is forgotten.
func TestThrottleOutlivesARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	for range 3 {
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	}
	w.restart()
	for range 2 {
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	}
	for wait := time.Second; wait <= 16*time.Second; wait *= 2 {
		w.clock.advance(wait)
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	}
	w.restart()
	p := b.signIn("mia", sandbox.Password)
	p.wantStatus(http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(p.res.Header.Get("Retry-After")); err != nil || wait <= 16 || wait > 32 {
		t.Errorf("Retry-After is %q, want up to 32", p.res.Header.Get("Retry-After"))
	}
	w.clock.advance(32 * time.Second)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
}

// TestWhoseForwardedForIsBelieved: the address that counts is the last one that
// no trusted proxy of ours has.
func TestWhoseForwardedForIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8:ff::/48")}
	n := 0
	seen := func(remote string, header http.Header) string {
		n++
		form := url.Values{"portal": {"customer"}, "username": {fmt.Sprintf("nobody%d", n)}, "password": {"wrong"}}
		r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form.Encode()))
		r.Host, r.RemoteAddr = w.h.BaseURL.Host, remote
		r.Header = header.Clone()
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", w.server.URL)
		w.h.ServeHTTP(httptest.NewRecorder(), r)
		return w.entries(audit.Filter{What: desk.WhatSignIn})[0].Who.Address
	}
	for _, c := range []struct {
		name      string
		proxies   []netip.Prefix
		remote    string
		forwarded []string // one a header line
		want      string
	}{
		{"no proxies", nil, "203.0.113.5:4000", []string{"198.51.100.7"}, "203.0.113.5"},
		{"no proxies, from a private network", nil, "10.0.0.1:4000", []string{"198.51.100.7"}, "10.0.0.1"},
		{"a stranger", ours, "203.0.113.5:4000", []string{"198.51.100.7"}, "203.0.113.5"},
		{"a stranger who claims to be a proxy", ours, "203.0.113.5:4000", []string{"198.51.100.7, 10.0.0.1"}, "203.0.113.5"},
		{"one proxy", ours, "10.0.0.1:4000", []string{"198.51.100.7"}, "198.51.100.7"},
		{"one proxy, spoofed", ours, "10.0.0.1:4000", []string{"6.6.6.6, 198.51.100.7"}, "198.51.100.7"},
		{"one proxy, spoofed on a line of its own", ours, "10.0.0.1:4000", []string{"6.6.6.6", "198.51.100.7"}, "198.51.100.7"},
		{"two proxies", ours, "10.0.0.1:4000", []string{"198.51.100.7, 192.0.2.1"}, "198.51.100.7"},
		{"two proxies, spoofed", ours, "10.0.0.1:4000", []string{"6.6.6.6,198.51.100.7 ,192.0.2.1"}, "198.51.100.7"},
		{"a neighbour of a proxy", ours, "192.0.2.2:4000", []string{"198.51.100.7"}, "192.0.2.2"},
		{"somebody inside", ours, "10.0.0.1:4000", []string{"10.7.7.7"}, "10.7.7.7"},
		{"nothing forwarded", ours, "10.0.0.1:4000", nil, "10.0.0.1"},
		{"no address", ours, "10.0.0.1:4000", []string{"unknown"}, "10.0.0.1"},
		{"no address before one", ours, "10.0.0.1:4000", []string{"<script>, 198.51.100.7"}, "198.51.100.7"},
		{"no address after one", ours, "10.0.0.1:4000", []string{"198.51.100.7, <script>"}, "10.0.0.1"},
		{"IPv6", ours, "10.0.0.1:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		{"an IPv6 proxy", ours, "[2001:db8:ff::1]:4000", []string{"6.6.6.6, 2001:db8::7"}, "2001:db8::7"},
		{"an IPv6 stranger", ours, "[2001:db8:fe::1]:4000", []string{"198.51.100.7"}, "2001:db8:fe::1"},
		{"with a port", ours, "10.0.0.1:4000", []string{"198.51.100.7:51234"}, "198.51.100.7"},
		{"with a port, spoofed", ours, "10.0.0.1:4000", []string{"6.6.6.6:80, 198.51.100.7:51234, 192.0.2.1:443"}, "198.51.100.7"},
		{"IPv6 with a port", ours, "10.0.0.1:4000", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"IPv6 in brackets", ours, "10.0.0.1:4000", []string{"6.6.6.6, [2001:db8::7], [2001:db8:ff::1]"}, "2001:db8::7"},
		{"IPv4 in IPv6 with a port", ours, "10.0.0.1:4000", []string{"[::ffff:198.51.100.7]:443"}, "198.51.100.7"},
		{"no port after a colon", ours, "10.0.0.1:4000", []string{"198.51.100.7:"}, "10.0.0.1"},
		{"no address before a port", ours, "10.0.0.1:4000", []string{"unknown:443"}, "10.0.0.1"},
		{"IPv4 in IPv6", ours, "[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"an IPv4 stranger in IPv6", ours, "[::ffff:203.0.113.5]:4000", []string{"198.51.100.7"}, "203.0.113.5"},
		{"a zone", ours, "[fe80::1%eth0]:4000", []string{"198.51.100.7"}, "fe80::1"},
	} {
		w.h.Proxies = c.proxies
		if got := seen(c.remote, http.Header{"X-Forwarded-For": c.forwarded}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	w.h.Proxies = ours
	for _, name := range []string{"X-Real-Ip", "Forwarded", "Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"} {
		if got := seen("10.0.0.1:4000", http.Header{name: {"198.51.100.7"}}); got != "10.0.0.1" {
			t.Errorf("%s is believed: %s", name, got)
		}
	}
	// Another address in every header is no way around the throttle.
	b := newWorld(t, setup{customers: 3}).browser()
	var last *page
	for i := range 31 {
		last = b.post("/login", url.Values{"portal": {"customer"}, "username": {fmt.Sprintf("guess%d", i)}, "password": {"wrong"}}, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
	}
	last.wantStatus(http.StatusTooManyRequests)
}

// asIfSame takes out of an answer what differs from one request to the next,
// and who was asked for.
func asIfSame(p *page, username string) (header, body string) {
	changing := regexp.MustCompile(`nonce-[\w+/=-]+|nonce="[^"]*"|<time.*?</time>|\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d(:\d\d)?( UTC)?`)
	same := func(s string) string {
		s = strings.ReplaceAll(s, p.res.Header.Get("X-Request-Id"), "REQUEST")
		return strings.ReplaceAll(changing.ReplaceAllString(s, ""), username, "USERNAME")
	}
	var head []string
	for _, name := range slices.Sorted(maps.Keys(p.res.Header)) {
		for _, value := range p.res.Header[name] {
			switch name {
			case "Set-Cookie":
				value, _, _ = strings.Cut(value, "=")
			case "Retry-After": // the same, less what has passed
				value = ""
			}
			if name != "Date" && name != "X-Request-Id" && name != "Content-Length" {
				head = append(head, name+": "+same(value))
			}
		}
	}
	return strings.Join(head, "\n"), same(p.body)
}

// TestSignInTellsStrangersNothing: without a password that the portal accepts,
// answers are the same, byte for byte, for those on the staff list and others.
func TestSignInTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	admin := w.signedIn("alice")
	admin.post("/staff", url.Values{"portal": {"customer"}, "username": {"gone"}, "role": {"manager"}}).wantStatus(http.StatusSeeOther)
	gone, err := w.db.StaffByLogin(t.Context(), "customer", "gone")
	if err != nil {
		t.Fatal(err)
	}
	admin.post(fmt.Sprintf("/staff/%d", gone.ID), url.Values{"state": {"disabled"}}).wantStatus(http.StatusSeeOther)
	people := map[string]string{"victor": "staff", "gone": "disabled", "mallory": "a portal user who is not staff", "whoever": "nobody", "noapi": "without API access"}
	try := func(step, fault, password string, want int) {
		t.Helper()
		if fault != "" {
			w.fault(`{"service": "portal", ` + fault + `}`)
			defer w.calm()
		}
		var first *page
		var header, body string
		for i, username := range slices.Sorted(maps.Keys(people)) { // each from an address of their own, whose tries count too
			form := url.Values{"portal": {"customer"}, "username": {username}, "password": {password}}
			p := w.browser().post("/login", form, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i+1))
			p.wantStatus(want)
			h, b := asIfSame(p, username)
			switch {
			case first == nil:
				first, header, body = p, h, b
			case h != header:
				t.Errorf("%s: the headers for %s (%s) differ:\n%s\n\n%s", step, username, people[username], h, header)
			case b != body:
				t.Errorf("%s: the page for %s (%s) differs:\n%s\n\n%s", step, username, people[username], p.text(), first.text())
			}
		}
	}
	try("nothing typed", "", "", http.StatusUnprocessableEntity)
	for i := range 12 { // until the wait is so long that it is told in minutes
		try(fmt.Sprintf("wrong password %d", i+1), "", "wrong", http.StatusUnauthorized)
		w.clock.advance(time.Duration(1<<max(0, i-4)) * time.Second)
	}
	try("wrong password 13", "", "wrong", http.StatusUnauthorized)
	try("throttled", "", "wrong", http.StatusTooManyRequests)
	try("throttled, with the right password", "", sandbox.Password, http.StatusTooManyRequests)
	w.clock.advance(31 * time.Minute)
	try("the portal is down", `"status": 503`, "wrong", http.StatusBadGateway)
	// The log knows them apart; that is for admins.
	if e := w.entries(audit.Filter{What: desk.WhatSignIn, Result: audit.Refused}); len(e) < 5*len(people) {
		t.Errorf("%d refusals are on record", len(e))
	}
}
