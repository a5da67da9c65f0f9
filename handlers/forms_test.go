package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestFormsRefuse: each form that is refused before anything is sent says so
// at the fields, keeps what was typed, and calls nothing.
func TestFormsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{reason: true})
	b := w.signedIn("alice")
	sms := b.submit(b.get("/sms"), "/sms", url.Values{"phone": {"+46701740605"}}).location()
	w.clock.advance(16 * time.Minute) // so that acts that want the password ask for it
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b.get(customer)
	pass := b.post(customer+"/passcode", nil)
	pass.wantStatus(http.StatusSeeOther)
	b.post(customer+"/passcode/redeem", url.Values{"passcode": {w.lastCode(emailFirst)}}).wantStatus(http.StatusSeeOther)

	long := strings.Repeat("x", 301)
	for _, c := range []struct {
		name, page, action string
		typed              url.Values
		errors             []string
		kept               []string // fields that come back as typed
	}{
		{"create: nothing", "/customers/new", "/customers", url.Values{"city": {"Umeå"}}, []string{"company", "email"}, []string{"city"}},
		{"create: odd e-mail", "/customers/new", "/customers", url.Values{"company": {"A & \"B\" <C>"}, "email": {"not an e-mail"}}, []string{"email"}, []string{"company", "email"}},
		{"create: too long", "/customers/new", "/customers", url.Values{"company": {long}, "email": {"a@b.example"}, "zip": {long}}, []string{"company", "zip"}, []string{"company", "email", "zip"}},
		{"create: two lines", "/customers/new", "/customers", url.Values{"company": {"A"}, "email": {"a@b.example"}, "name": {"a\nb"}}, []string{"name"}, []string{"email"}},
		{"SSO: no reason", customer, customer + "/sso", nil, []string{"reason"}, nil},
		{"reveal: no password", customer, customer + "/credentials/reveal", url.Values{"reason": {"ticket 7"}}, []string{"password"}, []string{"reason"}},
		{"reveal: wrong password", customer, customer + "/credentials/reveal", url.Values{"reason": {"ticket 7"}, "password": {"wrong"}}, []string{"password"}, []string{"reason"}},
		{"issue: no password", customer, customer + "/credentials", url.Values{"reason": {"ticket 7"}, "method": {"nopasscode"}}, []string{"password"}, []string{"reason", "method"}},
		{"issue: wrong password", customer, customer + "/credentials", url.Values{"reason": {"ticket 7"}, "method": {"nopasscode"}, "password": {"wrong"}}, []string{"password"}, []string{"reason", "method"}},
		{"redeem: nothing", customer + "/passcode", customer + "/passcode/redeem", nil, []string{"passcode"}, nil},
		{"redeem: too long", customer + "/passcode", customer + "/passcode/redeem", url.Values{"passcode": {long}}, []string{"passcode"}, nil},
		{"SMS: nothing", "/sms", "/sms", url.Values{"from": {"Desk"}}, []string{"phone"}, []string{"from"}},
		{"SMS: all wrong", "/sms", "/sms", url.Values{"phone": {"070 1"}, "from": {"A name too long"}, "message_format": {"no place"}, "length": {"2"}, "expiration_time": {"86401"}, "numeric_only": {"false"}},
			[]string{"phone", "from", "message_format", "length", "expiration_time"}, []string{"phone", "from", "message_format", "length", "expiration_time", "numeric_only"}},
		{"verify: nothing", sms, sms + "/verify", nil, []string{"code"}, nil},
		{"settings: all wrong", "/sms/settings", "/sms/settings", url.Values{"from": {"A name too long"}, "message_format": {"x"}, "length": {"a"}, "expiration_time": {"0"}, "concurrent_limit": {"0"}},
			[]string{"from", "message_format", "length", "expiration_time", "concurrent_limit"}, []string{"from", "message_format", "length", "expiration_time", "concurrent_limit"}},
		{"CPaaS token: spaces", "/tokens", "/tokens/cpaas", url.Values{"token": {"two words"}}, []string{"token"}, nil},
		{"CPaaS token: too long", "/tokens", "/tokens/cpaas", url.Values{"token": {strings.Repeat("x", 5000)}}, []string{"token"}, nil},
		{"renew: nothing", "/tokens", "/session/renew", nil, []string{"password"}, nil},
		{"staff: nothing", "/staff", "/staff", url.Values{"username": {" "}, "name": {"New"}, "role": {""}}, []string{"username", "role"}, []string{"name"}},
		{"staff: there already", "/staff", "/staff", url.Values{"username": {"MIA"}, "name": {"New"}, "role": {"admin"}, "portal": {"customer"}}, []string{"username"}, []string{"username", "name", "role", "portal"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.in(t)
			page := b.get(c.page)
			mark := w.mark()
			p := b.submit(page, c.action, c.typed)
			p.wantStatus(http.StatusUnprocessableEntity)
			p.wantErrors(c.errors...)
			if p.problem() == "" {
				t.Error("nothing says what went wrong")
			}
			for _, call := range w.calls(mark) {
				if !strings.Contains(call, "/portal/") && !strings.HasPrefix(call, "GET /ip1/") { // asking for the password, or for a page's own list, is no act
					t.Errorf("called %s", call)
				}
			}
			form := p.form(c.action)
			for _, name := range c.kept {
				if got := form.values.Get(name); got != c.typed.Get(name) {
					t.Errorf("%s comes back as %q, want %q", name, got, c.typed.Get(name))
				}
			}
			for _, name := range []string{"password", "passcode", "code", "token"} {
				if form.values.Get(name) != "" {
					t.Errorf("the %s comes back", name)
				}
			}
		})
	}
}

// TestServiceTrouble: every act under every kind of trouble: the status, the
// service's name, what was typed.
func TestServiceTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{act: time.Second})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b.post(customer+"/passcode", nil).wantStatus(http.StatusSeeOther)
	sms := b.post("/sms", url.Values{"phone": {"+46701740605"}}).location()
	n := 0
	for _, c := range []struct {
		name, service, page, action string
		typed                       url.Values
		unknown                     bool // a lost answer may mean that it happened
	}{
		{"create", "atom", "/customers/new", "/customers", url.Values{"company": {"Kept AB"}}, true},
		{"SSO", "atom", customer, customer + "/sso", url.Values{"reason": {"ticket 7"}}, true},
		{"passcode", "atom", customer + "/passcode", customer + "/passcode", nil, true},
		{"redeem", "atom", customer + "/passcode", customer + "/passcode/redeem", url.Values{"passcode": {"123456"}}, true},
		{"issue", "atom", customer, customer + "/credentials", url.Values{"reason": {"ticket 9"}, "method": {"nopasscode"}}, true},
		{"SMS", "ip1", "/sms", "/sms", url.Values{"phone": {"+46701740606"}, "message_format": {"Hej {0}"}}, true},
		{"verify", "ip1", sms, sms + "/verify", url.Values{"code": {"12345"}}, true},
		{"settings", "ip1", "/sms/settings", "/sms/settings", url.Values{"length": {"9"}}, true},
		{"refresh", "atom", "/customers", "/customers/refresh", nil, false},
	} {
		for _, f := range []struct {
			fault  string
			status int
			result audit.Result
		}{
			{`"status": 500`, 502, audit.Refused},
			{`"status": 500, "body": "html"`, 502, audit.Unknown},
			{`"refuse_credentials": true`, 502, audit.Refused},
			{`"lose_answer": true`, 502, audit.Unknown},
			{`"hang": true`, 504, audit.Unknown},
		} {
			if strings.Contains(f.fault, "hang") && !slices.Contains([]string{"create", "redeem", "SMS"}, c.name) {
				continue // each waits for the limit of a call
			}
			t.Run(c.name+" "+f.fault, func(t *testing.T) {
				b := b.in(t)
				page := b.get(c.page)
				typed := url.Values{}
				for name, v := range c.typed {
					typed[name] = v
				}
				if c.name == "create" { // each its own: a lost one holds its e-mail back
					n++
					typed.Set("email", fmt.Sprintf("kept%d@kept.example", n))
				}
				mark := w.mark()
				w.fault(`{"service": "` + c.service + `", ` + f.fault + `}`)
				p := b.submit(page, c.action, typed)
				w.calm()
				p.wantStatus(f.status)
				p.want(map[string]string{"atom": "ATOM", "ip1": "iP1"}[c.service], "Request")
				p.wantNo("goroutine", "dial tcp", "127.0.0.1:")
				acts := 0
				for _, call := range w.calls(mark) {
					if strings.HasPrefix(call, "GET /ip1/") {
						continue // the page that is shown again
					}
					acts++
				}
				if c.name != "refresh" && acts != 1 {
					t.Errorf("%d calls, want one: %v", acts, w.calls(mark))
				}
				form := p.form(c.action)
				for name, v := range typed {
					if name != "code" && name != "passcode" && form.values.Get(name) != v[0] {
						t.Errorf("%s comes back as %q, want %q", name, form.values.Get(name), v[0])
					}
				}
				if c.unknown {
					e := w.entries(audit.Filter{StaffID: w.who("alice").StaffID})[0] // frontdesk's own events come in between
					// An error of ATOM's own without a message may have come after the work.
					if e.Result != f.result {
						t.Errorf("the log says %s, want %s", e.Result, f.result)
					}
					if f.result == audit.Unknown {
						p.want("outcome is unknown")
					}
				}
				w.clock.advance(10 * time.Second)
			})
		}
	}
}

// TestReceipts: the same form posted again, by double click or later, has the
// same answer and one call.
func TestReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	sms := b.post("/sms", url.Values{"phone": {"+46701740605"}, "length": {"8"}}).location()
	b.post(customer+"/passcode", nil)
	for _, c := range []struct {
		name, page, action string
		typed              func() url.Values
		call               string
	}{
		{"create", "/customers/new", "/customers", func() url.Values {
			return url.Values{"company": {"Twice AB"}, "email": {"twice@twice.example"}}
		}, "POST /atom/customer"},
		{"passcode", customer + "/passcode", customer + "/passcode", nil, "/passcode"},
		{"redeem", customer + "/passcode", customer + "/passcode/redeem", func() url.Values { return url.Values{"passcode": {w.lastCode(emailFirst)}} }, "/auth?passcode="},
		{"SSO", customer, customer + "/sso", nil, "/sso"},
		{"issue", customer, customer + "/credentials", func() url.Values { return url.Values{"reason": {"ticket"}, "method": {"cuid"}} }, "/auth"},
		{"reveal", customer, customer + "/credentials/reveal", nil, ""},
		{"SMS", "/sms", "/sms", func() url.Values { return url.Values{"phone": {"+46701740607"}} }, "POST /ip1/api/authentications"},
		{"verify", sms, sms + "/verify", func() url.Values { return url.Values{"code": {w.lastCode("+46701740605")}} }, "/validate"},
		{"settings", "/sms/settings", "/sms/settings", func() url.Values { return url.Values{"length": {"6"}} }, "PUT "},
		{"token", "/tokens", "/tokens/reveal", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var typed url.Values
			if c.typed != nil {
				typed = c.typed()
			}
			b := b.in(t)
			form := b.get(c.page).form(c.action).filled(typed)
			if form.Get("receipt") == "" {
				t.Fatal("the form has no receipt")
			}
			mark, log := w.mark(), len(w.entries(audit.Filter{Who: "alice"}))
			var clicks sync.WaitGroup
			answers := make([]*page, 4)
			for i := range answers {
				clicks.Go(func() { answers[i] = b.post(c.action, form) })
			}
			clicks.Wait()
			w.clock.advance(5 * time.Second)
			answers = append(answers, b.post(c.action, form))
			for _, p := range answers {
				if p.status != http.StatusSeeOther || p.location() != answers[0].location() {
					t.Errorf("status %d to %q, the first was %d to %q: %s", p.status, p.location(), answers[0].status, answers[0].location(), p.problem())
				}
			}
			calls := slices.DeleteFunc(w.calls(mark), func(call string) bool { return strings.HasPrefix(call, "GET /ip1/") })
			switch {
			case c.call == "" && len(calls) > 0, c.call != "" && (len(calls) != 1 || !strings.Contains(calls[0], c.call)):
				t.Errorf("called %v, want %q once", calls, c.call)
			}
			if got := len(w.entries(audit.Filter{Who: "alice"})) - log; got != 1 {
				t.Errorf("%d acts in the log, want one", got)
			}
			w.clock.advance(time.Minute)
		})
	}
	// For SSO that holds for ten seconds; a later click is a new act.
	form := b.get(customer).form(customer + "/sso").filled(nil)
	first := b.post(customer+"/sso", form)
	w.clock.advance(11 * time.Second)
	if again := b.post(customer+"/sso", form); again.status != http.StatusSeeOther || again.location() == first.location() {
		t.Errorf("a later click: %d, to the same link: %v", again.status, again.location() == first.location())
	}
	// An edited form is another act, though its receipt is the same.
	form = b.get("/customers/new").form("/customers").filled(url.Values{"company": {"Edited"}, "email": {"edited1@edited.example"}})
	one := b.post("/customers", form)
	form.Set("email", "edited2@edited.example")
	if two := b.post("/customers", form); two.status != http.StatusSeeOther || two.location() == one.location() {
		t.Errorf("the edited form: %d to %q", two.status, two.location())
	}
}

// TestAnswerPage: key and token, to the session that acted, for ten minutes.
func TestAnswerPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	made := b.submit(b.get("/customers/new"), "/customers", url.Values{"company": {"Once AB"}, "email": {"once@once.example"}})
	made.wantStatus(http.StatusSeeOther)
	p := b.follow(made)
	p.wantStatus(http.StatusOK)
	p.want("Customer created", "Once AB", "Shown only here")
	key, token := p.byID("key"), p.byID("token")
	if key == "" || token == "" {
		t.Fatal("no key and token")
	}
	customer := views.CustomerPath(w.customer("once@once.example").CUID)
	b.get(customer).want("Last issued", "when the customer was created", "Show the stored key and token")
	b.get(customer).wantNo(key, token)
	b.get("/").wantNo(key, token)
	b.get("/audit").wantNo(key, token)
	// Reloading the page shows them again; another session sees none.
	b.get(made.location()).want(key, token)
	for _, who := range []string{"mia", "atmosphere:mia", "alice"} {
		q := w.signedIn(who).get(made.location())
		q.wantStatus(http.StatusOK)
		q.wantNo(key, token)
		q.want("no longer shown here")
	}
	w.signedIn("victor").get(made.location()).wantStatus(http.StatusForbidden)
	// It is this customer's answer, no other's, and no other act's.
	_, act, _ := strings.Cut(made.location(), "/answers/")
	b.get(views.CustomerPath(w.customer(emailFirst).CUID) + "/answers/" + act).wantStatus(http.StatusNotFound)
	b.get("/tokens?answer="+act).wantNo(key, token)
	w.clock.advance(9 * time.Minute)
	b.get(made.location()).want(key)
	w.clock.advance(time.Minute)
	p = b.get(made.location())
	p.wantNo(key, token)
	p.want("no longer shown here")

	// Revealed again, with the password, as it was given more than 15 minutes ago.
	w.clock.advance(6 * time.Minute)
	reveal := b.submit(b.get(customer), customer+"/credentials/reveal", url.Values{"password": {sandbox.Password}})
	shown := b.follow(reveal)
	shown.want(key, token, "Stored key and token")
	w.signedIn("alice").get(reveal.location()).wantNo(key, token)
	// The customer's own record opens with them.
	b.get(customer+"/live").want("Once AB", "starter")
}

// TestStepUp: the password is asked for at the field, and holds for 15 minutes.
func TestStepUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	issue := url.Values{"reason": {"ticket 1"}, "method": {"cuid"}}
	action := customer + "/credentials"
	// Signed in just now: it was given.
	p := b.get(customer)
	if _, asks := p.form(action).values["password"]; asks {
		t.Error("the password is asked for right after signing in")
	}
	b.follow(b.submit(p, action, issue)).wantStatus(http.StatusOK)
	b.submit(b.get(customer), action, url.Values{"method": {"cuid"}}).wantErrors("reason")

	w.clock.advance(15 * time.Minute)
	p = b.get(customer)
	if _, asks := p.form(action).values["password"]; !asks {
		t.Fatal("the password is not asked for after 15 minutes")
	}
	mark := w.mark()
	for _, password := range []string{"", "wrong"} {
		q := b.submit(p, action, url.Values{"reason": {"ticket 2"}, "method": {"cuid"}, "password": {password}})
		q.wantStatus(http.StatusUnprocessableEntity)
		q.wantErrors("password")
	}
	for _, call := range w.calls(mark) {
		if strings.Contains(call, "/atom/") {
			t.Errorf("called %s without the password", call)
		}
	}
	w.fault(`{"service": "portal", "status": 500}`)
	q := b.submit(p, action, url.Values{"reason": {"ticket 2"}, "method": {"cuid"}, "password": {sandbox.Password}})
	q.wantStatus(http.StatusBadGateway)
	q.want("portal")
	q.wantErrors()
	w.calm()
	q = b.submit(p, action, url.Values{"reason": {"ticket 2"}, "method": {"cuid"}, "password": {sandbox.Password}})
	q.wantStatus(http.StatusSeeOther)
	w.clock.advance(14 * time.Minute)
	b.submit(b.get(customer), action, url.Values{"reason": {"ticket 3"}, "method": {"nopasscode"}}).wantStatus(http.StatusSeeOther)
	if e := w.entries(audit.Filter{What: desk.WhatNoPasscode}); len(e) != 1 || e[0].Reason != "ticket 3" || e[0].Result != audit.Done {
		t.Errorf("the log has %+v", e)
	}
}

// TestSSO: where it leads, and what it carries on the way.
func TestSSO(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	p := b.submit(b.get(path), path+"/sso", url.Values{"reason": {"ticket 7"}})
	p.wantStatus(http.StatusSeeOther) // its headers are checked with every answer's
	if !strings.HasPrefix(p.location(), w.boxURL+"/platform?token=") {
		t.Fatalf("leads to %q", p.location())
	}
	if p.res.Header.Get("Referrer-Policy") != "no-referrer" || p.res.Header.Get("Cache-Control") != "no-store" || p.body != "" {
		t.Errorf("headers %v, body %q", p.res.Header, p.body)
	}
	if e := w.entries(audit.Filter{What: desk.WhatSSO}); len(e) != 1 || e[0].Reason != "ticket 7" || e[0].Result != audit.Done || strings.Contains(e[0].Detail, "token") {
		t.Errorf("the log has %+v", e)
	}
	// A relative Location is resolved against ATOM's URL.
	w.fault(`{"service": "atom", "relative_location": true}`)
	w.clock.advance(time.Minute)
	if p := b.submit(b.get(path), path+"/sso", nil); !strings.HasPrefix(p.location(), w.boxURL+"/platform?token=") {
		t.Errorf("a relative link leads to %q", p.location())
	}
	// Refused by ATOM: said on the same page.
	w.fault(`{"service": "atom", "status": 404}`)
	w.clock.advance(time.Minute)
	p = b.submit(b.get(path), path+"/sso", url.Values{"reason": {"ticket 8"}})
	if p.status < 400 || p.location() != "" || p.form(path+"/sso").values.Get("reason") != "ticket 8" {
		t.Errorf("refused: %d to %q", p.status, p.location())
	}
}

// TestSSOHosts: a link to anywhere else is not followed, and the CSP admits
// the allowed hosts on pages with an SSO form only.
func TestSSOHosts(t *testing.T) {
	t.Parallel()
	const evil = "https://evil.example/platform?token=link-that-must-not-show"
	w := newWorld(t, setup{hosts: "*.atom.works,ads.example.com:8443", wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/sso") {
				rw.Header().Set("Location", evil)
				rw.WriteHeader(http.StatusFound)
				return
			}
			next.ServeHTTP(rw, r)
		})
	}})
	for _, object := range []string{`{"cuid": "no-email", "company": "No e-mail"}`} {
		if err := w.box.AddCustomer(object); err != nil {
			t.Fatal(err)
		}
	}
	w.refresh()
	b := w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	p := b.submit(b.get(path), path+"/sso", url.Values{"reason": {"ticket 7"}})
	p.wantStatus(http.StatusBadGateway)
	p.want("not allowed", "evil.example", "FRONTDESK_SSO_HOSTS")
	p.wantNo("link-that-must-not-show")
	if p.location() != "" {
		t.Errorf("leads to %q", p.location())
	}
	for _, e := range w.entries(audit.Filter{}) {
		if strings.Contains(fmt.Sprint(e), "link-that-must-not-show") {
			t.Errorf("the link is in the log: %+v", e)
		}
	}
	const admitted = "form-action 'self' https://*.atom.works https://ads.example.com:8443 http://localhost:* http://127.0.0.1:*;"
	for _, c := range []struct {
		who, path string
		admits    bool
	}{
		{"mia", path, true}, {"mia", "/sso?email=" + emailFirst, true},
		{"mia", "/sso", false}, {"mia", "/sso?email=nobody@nowhere.example", false}, {"mia", "/customers/no-email", false},
		{"victor", path, false}, {"mia", "/", false}, {"mia", "/customers", false}, {"mia", path + "/passcode", true}, {"alice", "/staff", false},
	} {
		got := w.signedIn(c.who).get(c.path).res.Header.Get("Content-Security-Policy")
		if c.admits != strings.Contains(got, admitted) || (!c.admits && !strings.Contains(got, "form-action 'self';")) {
			t.Errorf("%s as %s: %s", c.path, c.who, got)
		}
	}
}

// TestSSOLink: a CRM's link shows and never acts.
func TestSSOLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	mark, log := w.mark(), len(w.entries(audit.Filter{}))
	for _, c := range []struct {
		name, query string
		choices     int
		says        string
	}{
		{"one", "email=" + emailFirst, 1, "Nordlicht Logistik"},
		{"any case", "email=JONAS.Brandt%40nordlicht-logistik.EXAMPLE", 1, "Nordlicht Logistik"},
		{"shared", "email=" + emailShared, 2, "2 customers share this e-mail"},
		{"plus escaped", "email=" + url.QueryEscape(emailPlus), 1, "Catering"},
		{"plus as it is", "email=o'neill+events@oneill-catering.example", 1, "Catering"},
		{"plus as a space", "email=o%27neill%20events@oneill-catering.example", 1, "Catering"},
		{"nobody", "email=nobody@nowhere.example", 0, "Nobody has this e-mail"},
		{"nothing", "", 0, "Look up"},
		{"odd", "email=%zz", 0, "Look up"},
		{"markup", "email=%3Cscript%3Ealert(1)%3C/script%3E", 0, "Nobody has this e-mail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.in(t).get("/sso?" + c.query)
			p.wantStatus(http.StatusOK)
			p.want(c.says)
			forms := 0
			for _, f := range p.forms() {
				if strings.HasSuffix(f.action, "/sso") && f.method == "post" {
					forms++
				}
			}
			if forms != c.choices {
				t.Errorf("%d to choose from, want %d", forms, c.choices)
			}
		})
	}
	if calls := w.calls(mark); len(calls) > 0 || len(w.entries(audit.Filter{})) != log {
		t.Errorf("a GET acted: %v", calls)
	}
	// The button is the act.
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	b.submit(b.get("/sso?email="+emailFirst), path+"/sso", url.Values{"reason": {"from the CRM"}}).wantStatus(http.StatusSeeOther)
	if calls := w.calls(mark); len(calls) != 1 {
		t.Errorf("called %v, want one", calls)
	}
}

// TestPasscodeFlow: send, a wrong one, the right one, once.
func TestPasscodeFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	page := b.get(path + "/passcode")
	page.want("This e-mails a passcode to "+emailFirst, "E-mail passcode")
	sent := b.follow(b.submit(page, path+"/passcode", nil))
	sent.want("A passcode is on its way to "+emailFirst, "E-mail another passcode", "by Mia Moreau")
	code := w.lastCode(emailFirst)
	wrong := b.submit(sent, path+"/passcode/redeem", url.Values{"passcode": {"x" + code}})
	wrong.wantStatus(http.StatusUnprocessableEntity)
	wrong.wantErrors("passcode")
	right := b.follow(b.submit(wrong, path+"/passcode/redeem", url.Values{"passcode": {" " + code + " "}}))
	right.want("Passcode redeemed")
	key := right.byID("key")
	again := b.submit(b.get(path+"/passcode"), path+"/passcode/redeem", url.Values{"passcode": {code}})
	again.wantStatus(http.StatusUnprocessableEntity)
	again.wantErrors("passcode")
	b.get(path).want("by passcode")
	b.get(path).wantNo(key)
	// Provisioning that is off is told apart from a wrong passcode.
	w.fault(`{"service": "atom", "passcode_provisioning": false}`)
	off := b.submit(b.get(path+"/passcode"), path+"/passcode", nil)
	off.wantStatus(http.StatusUnprocessableEntity)
	off.want("special provisioning")
}

// TestCreateIsRefused by ATOM, whose message stands at the field.
func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	p := b.submit(b.get("/customers/new"), "/customers", url.Values{"company": {"Again AB"}, "email": {emailFirst}, "name": {"Å"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("email")
	p.want("User with this email already exists")
	if got := p.form("/customers").values.Get("name"); got != "Å" {
		t.Errorf("the name comes back as %q", got)
	}
	// Mended and sent with the new form, it is done.
	b.submit(p, "/customers", url.Values{"email": {"again@again.example"}}).wantStatus(http.StatusSeeOther)
}

// TestLostCreate: unknown is said, not failed; nobody sends it again before it
// is settled; then the page, home and the log say how it ended.
func TestLostCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	for _, c := range []struct{ name, email, fault, settled string }{
		{"done", "lost1@lost.example", `"lose_answer": true`, "created"},
		{"not done", "lost2@lost.example", `"reset": true`, "not created"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.in(t)
			typed := url.Values{"company": {"Lost AB"}, "email": {c.email}}
			w.fault(`{"service": "atom", ` + c.fault + `}`)
			p := b.submit(b.get("/customers/new"), "/customers", typed)
			p.wantStatus(http.StatusBadGateway)
			p.want("outcome is unknown", "may or may not have been created")
			mark := w.mark()
			again := b.submit(b.get("/customers/new"), "/customers", typed)
			again.wantStatus(http.StatusUnprocessableEntity)
			again.wantErrors("email")
			if len(w.calls(mark)) > 0 {
				t.Errorf("sent again: %v", w.calls(mark))
			}
			w.calm()
			w.refresh()
			w.refresh()
			e := w.entries(audit.Filter{What: desk.WhatCreate, Result: audit.Unknown})[0]
			if c.settled == "not created" { // two quick syncs are not enough: ATOM may still be at it
				if e.Settled != "open" {
					t.Errorf("settled as %q by two quick syncs", e.Settled)
				}
				w.clock.advance(31 * time.Second)
				w.refresh()
				e = w.entries(audit.Filter{What: desk.WhatCreate, Result: audit.Unknown})[0]
			}
			if e.Settled != c.settled {
				t.Fatalf("settled as %q, want %q", e.Settled, c.settled)
			}
			b.get(fmt.Sprintf("/audit/%d", e.ID)).want(map[string]string{"created": "the customer was created", "not created": "the customer was not created"}[c.settled])
			state := b.get("/creates/" + e.Act)
			state.wantStatus(http.StatusOK)
			state.want("Lost AB")
			b.get("/creates/"+e.Act, "HX-Request", "true").wantStatus(http.StatusOK)
			b.get("/").want("answer was lost")
			if c.settled == "not created" {
				b.submit(b.get("/customers/new"), "/customers", typed).wantStatus(http.StatusSeeOther)
			}
		})
	}
}

// TestSMSFlow: send, unknown, verify wrong and right, too many.
func TestSMSFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	const phone = "+46701740605"
	sent := b.submit(b.get("/sms?phone=0046+70+174+06+05"), "/sms", url.Values{"message_format": {"Din kod är {0}"}, "numeric_only": {"true"}, "length": {"8"}})
	page := b.follow(sent)
	page.want("The code was sent.", "+46 70 174 06 05", "Sweden", "active")
	code := w.lastCode(phone)
	wrong := b.submit(page, sent.location()+"/verify", url.Values{"code": {"x" + code}})
	wrong.wantStatus(http.StatusUnprocessableEntity)
	wrong.wantErrors("code")
	wrong.wantNo("x" + code)
	right := b.submit(wrong, sent.location()+"/verify", url.Values{"code": {code}})
	done := b.follow(right)
	done.want("The code is right", "verified")
	if done.hasForm(sent.location() + "/verify") {
		t.Error("a used code can be verified again")
	}
	b.get("/sms").want("verified")

	w.fault(`{"service": "ip1", "lose_answer": true}`)
	lost := b.submit(b.get("/sms"), "/sms", url.Values{"phone": {phone}})
	lost.wantStatus(http.StatusBadGateway)
	lost.want("outcome is unknown", "may have been sent")
	w.calm()
	b.get("/sms").want("unknown")
	var unknown string
	for _, href := range b.get("/sms").links() {
		if strings.HasPrefix(href, "/sms/") && href != sent.location() && href != "/sms/settings" {
			unknown = href
		}
	}
	p := b.get(unknown)
	p.want("unknown", "Ask whether the SMS arrived")

	// Out of time.
	short := b.submit(b.get("/sms"), "/sms", url.Values{"phone": {"+46701740606"}, "expiration_time": {"60"}})
	b.follow(short).want("active")
	w.clock.advance(61 * time.Second)
	b.get(short.location()).want("expired")
	b.get(short.location() + "?refresh=1").want("expired")

	// Five active codes are the account's limit.
	for range 5 {
		b.submit(b.get("/sms"), "/sms", url.Values{"phone": {"+46701740607"}}).wantStatus(http.StatusSeeOther)
	}
	many := b.submit(b.get("/sms"), "/sms", url.Values{"phone": {"+46701740607"}})
	many.wantStatus(http.StatusUnprocessableEntity)
	many.want("Too many active codes")
	b.get("/sms/country?phone=%2B819012345678", "HX-Request", "true").want("Japan")
}

// TestSMSSettings: blank is unset, and the form shows what iP1 has.
func TestSMSSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	typed := url.Values{"from": {"Desk"}, "message_format": {"Kod: {0}"}, "length": {"7"}, "expiration_time": {"600"}, "numeric_only": {"true"}, "concurrent_limit": {"9"}}
	saved := b.follow(b.submit(b.get("/sms/settings"), "/sms/settings", typed))
	saved.want("The defaults are saved.")
	for name, v := range typed {
		if got := saved.form("/sms/settings").values.Get(name); got != v[0] {
			t.Errorf("%s is %q, want %q", name, got, v[0])
		}
	}
	b.get("/sms").want("Kod: 4719382", "your iP1 account's default")
	cleared := b.follow(b.submit(saved, "/sms/settings", url.Values{"from": {""}, "length": {""}, "numeric_only": {""}}))
	for name, want := range map[string]string{"from": "", "length": "", "numeric_only": "", "concurrent_limit": "9"} {
		if got := cleared.form("/sms/settings").values.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestSMSNotSetUp: without credentials the pages say so.
func TestSMSNotSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{noSMS: true})
	b := w.signedIn("alice")
	for _, path := range []string{"/sms", "/sms/settings"} {
		p := b.get(path)
		p.wantStatus(http.StatusOK)
		p.want("SMS is not set up", "FRONTDESK_IP1_ACCOUNT")
		if p.hasForm(path) {
			t.Errorf("%s has a form", path)
		}
	}
	b.post("/sms", url.Values{"phone": {"+46701740605"}}).wantStatus(http.StatusUnprocessableEntity)
}

// TestTokens: masked, revealed to oneself, in this session, for ten minutes.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("victor")
	shown := b.follow(b.submit(b.get("/tokens"), "/tokens/reveal", nil))
	token := shown.byID("shown-token")
	if who, ok := w.box.TokenOwner(token); !ok || who != "victor" {
		t.Fatalf("the token shown is %q's", who)
	}
	shown.want("curl -H 'Authorization: Bearer " + token + "'")
	b.get("/tokens").wantNo(token)
	at := shown.res.Request.URL.RequestURI()
	w.signedIn("victor").get(at).wantNo(token)
	w.signedIn("mia").get(at).wantNo(token)
	w.clock.advance(10 * time.Minute)
	gone := b.get(at)
	gone.wantNo(token)
	gone.want("no longer shown")

	stored := b.follow(b.submit(b.get("/tokens"), "/tokens/cpaas", url.Values{"token": {" cpaas-'quoted'-token "}}))
	stored.want("The CPaaS token is stored, encrypted.")
	stored.wantNo("quoted")
	var reveal url.Values
	for _, f := range stored.forms() {
		if f.values.Get("which") == "cpaas" {
			reveal = f.values
		}
	}
	q := b.follow(b.post("/tokens/reveal", reveal))
	q.want("cpaas-'quoted'-token", `Bearer cpaas-'\''quoted'\''-token'`)
	w.signedIn("mia").get("/tokens").wantNo("Stored")
	b.follow(b.submit(b.get("/tokens"), "/tokens/cpaas", url.Values{"token": {""}})).want("The CPaaS token is removed.")
	b.post("/tokens/reveal", url.Values{"which": {"cpaas"}}).wantStatus(http.StatusUnprocessableEntity)
}

// TestStaff: added, changed, and the last admin.
func TestStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	w.browser().signIn("mallory", sandbox.Password).wantStatus(http.StatusForbidden)
	added := b.follow(b.submit(b.get("/staff"), "/staff", url.Values{"username": {" Mallory "}, "name": {"Mallory Marsh"}, "role": {"viewer"}, "portal": {"customer"}}))
	added.want("mallory is on the staff list", "Mallory Marsh")
	w.signedIn("mallory").get("/").wantStatus(http.StatusOK)
	for _, change := range []url.Values{{"role": {"manager"}}, {"role": {"viewer"}}, {"state": {"disabled"}}} {
		p := b.submit(b.get("/staff"), "/staff/"+w.staffID("alice"), change)
		p.wantStatus(http.StatusUnprocessableEntity)
		p.want("This is the last active admin", "The last active admin stays one.")
	}
	b.post("/staff/"+w.staffID("mia"), url.Values{"role": {"king"}}).wantStatus(http.StatusUnprocessableEntity)
	b.post("/staff/"+w.staffID("mia"), url.Values{"state": {"gone"}}).wantStatus(http.StatusUnprocessableEntity)
	b.submit(b.get("/staff"), "/staff/"+w.staffID("mallory"), url.Values{"role": {"admin"}}).wantStatus(http.StatusSeeOther)
	b.submit(b.get("/staff"), "/staff/"+w.staffID("alice"), url.Values{"role": {"viewer"}}).wantStatus(http.StatusSeeOther)
	b.get("/staff").wantStatus(http.StatusForbidden)
	if e := w.entries(audit.Filter{What: desk.WhatAddStaff, Who: "alice"}); len(e) != 1 {
		t.Errorf("%d entries say who added somebody, want one", len(e))
	}
}

// TestRefresh: the list anew, and one that is not believed.
func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	manager, admin := w.signedIn("mia"), w.signedIn("alice")
	if err := w.box.AddCustomer(`{"cuid": "fresh", "company": "Fresh AB", "email": "f@fresh.example"}`); err != nil {
		t.Fatal(err)
	}
	manager.follow(manager.submit(manager.get("/customers"), "/customers/refresh", nil)).want("21 customers, 1 new")
	manager.get("/customers?q=fresh").want("Fresh AB")
	w.fault(`{"customers": 3}`)
	p := manager.follow(manager.submit(manager.get("/customers"), "/customers/refresh", nil))
	p.want("not believed yet", "Nordlicht Logistik")
	p.wantNo("believe it") // that is an admin's to say
	manager.post("/customers/refresh", url.Values{"believe": {"1"}}).wantStatus(http.StatusForbidden)
	if e := w.entries(audit.Filter{Result: audit.Denied}); len(e) != 1 || e[0].Who.Username != "mia" {
		t.Errorf("the refused post is on record as %v", e)
	}
	var believe url.Values
	for _, f := range admin.get("/customers").forms() {
		if f.values.Get("believe") != "" {
			believe = f.values
		}
	}
	q := admin.follow(admin.post("/customers/refresh", believe))
	q.want("3 customers")
	// Who vanished is marked gone, and their page still opens.
	admin.get("/customers/fresh").want("has not listed this customer since")
}

// TestAuditPage: its filter, and who may see what.
func TestAuditPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	victor, mia, alice := w.signedIn("victor"), w.signedIn("mia"), w.signedIn("alice")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	alice.submit(alice.get(path), path+"/sso", url.Values{"reason": {"ticket of Alice's"}}).wantStatus(http.StatusSeeOther)
	sso := w.entries(audit.Filter{What: desk.WhatSSO})[0]
	added := w.entries(audit.Filter{What: desk.WhatAddStaff})[0]

	for query, field := range map[string]string{
		"outcome=good": "outcome", "service=mail": "service", "from=yesterday": "from", "to=2026-13-01": "to",
		"from=2026-11-02&to=2026-11-01": "to",
	} {
		p := alice.get("/audit?" + query)
		p.wantStatus(http.StatusUnprocessableEntity)
		p.wantErrors(field)
	}
	for _, query := range []string{"from=2026-01-01&to=2099-01-01", "cursor=x", "cursor=-1", "q=%25", "q='%22%3Cb%3E", "what=nothing", "from=2026-01-01T00:00", "on=" + emailFirst} {
		alice.get("/audit?" + query).wantStatus(http.StatusOK)
	}
	today := w.clock.Now().UTC().Format(time.DateOnly)
	alice.get("/audit?from="+today+"&to="+today+"&q=ticket+of").want("open as customer", "done")
	alice.get("/audit?who=alice&what=open+as+customer&service=atom&outcome=done").want("open as customer")
	alice.get("/audit?q=nothing-that-is-there").want("No entry matches")

	for _, c := range []struct {
		name   string
		b      *browser
		path   string
		status int
		sees   bool
	}{
		{"admin, all", alice, "/audit", 200, true},
		{"manager, own", mia, "/audit", 200, false},
		{"manager, a customer's timeline", mia, "/audit?on=" + customer.CUID, 200, true},
		{"manager, the customer's page", mia, path, 200, true},
		{"manager, by name is own", mia, "/audit?on=Nordlicht", 200, false},
		{"manager, who is own", mia, "/audit?who=alice", 200, false},
		{"manager, an act on a customer", mia, fmt.Sprintf("/audit/%d", sso.ID), 200, true},
		{"viewer, own", victor, "/audit", 200, false},
		{"viewer, a customer's timeline is own", victor, "/audit?on=" + customer.CUID, 200, false},
		{"viewer, the customer's page", victor, path, 200, false},
		{"viewer, somebody else's", victor, fmt.Sprintf("/audit/%d", sso.ID), 403, false},
		{"manager, somebody else's", mia, fmt.Sprintf("/audit/%d", added.ID), 403, false},
		{"admin, anybody's", alice, fmt.Sprintf("/audit/%d", added.ID), 200, false},
	} {
		p := c.b.get(c.path)
		p.wantStatus(c.status)
		if sees := strings.Contains(p.text(), "Alice Andersson") && strings.Contains(p.body, fmt.Sprintf("/audit/%d", sso.ID)); sees != c.sees && c.b != alice {
			t.Errorf("%s: sees Alice's act: %v", c.name, sees)
		}
	}
	// Page by page.
	for range 60 {
		w.clock.advance(time.Second)
		w.desk.Deny(t.Context(), sso.Who, "filler", audit.Subject{}, "x")
	}
	first := alice.get("/audit?what=filler")
	var next string
	for n := range first.all("a") {
		if attr(n, "rel") == "next" {
			next = attr(n, "href")
		}
	}
	if next == "" {
		t.Fatal("60 entries, and no next page")
	}
	alice.get(next).want("filler", "Newest")
}
