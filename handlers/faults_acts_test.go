package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// faultyAct is something that people do which calls a service.
type faultyAct struct {
	name, about string
	service     string
	what        []string // the log's names of it
	calls       []string // the clients' methods that it calls
	posts       []string // the routes by which it is done
	effect      bool     // it changes something at the service
	unlogged    bool     // it only reads, and is no act
	// inBackground is for what goes on after the answer has been given.
	inBackground bool
	reading      string // the call that it is about, which pages and jobs make by themselves too

	before func(c *cell)                 // what leads up to it, while all is well
	ready  func(w *world)                // once all cells have come so far
	does   func(c *cell) *page           // the act, under the fault
	reads  func(c *cell, p *page) string // what the person reads, where that is not usual
	after  func(c *cell, p *page)        // what is to be undone before all is well again
	done   func(c *cell, p *page) string // what has happened, once all is well again
}

var faultyActs = []faultyAct{
	{
		name: "sign in", about: "`POST /login`, asks the portal", service: "portal",
		what: []string{desk.WhatSignIn}, calls: []string{"portal.Authenticate"}, posts: []string{"POST /login"},
		before: func(c *cell) {
			c.b = c.browser()
			c.form = c.b.get("/login")
		},
		does: func(c *cell) *page {
			return c.b.submit(c.form, "/login", url.Values{"portal": {"customer"}, "username": {"mia"}, "password": {sandbox.Password}})
		},
		done: func(c *cell, _ *page) string {
			return oneOf(c.b.get("/").status == http.StatusOK, "signed in", "not signed in")
		},
	},
	{
		name: "renew session", about: "`POST /session/renew` on `/tokens`, asks the portal", service: "portal",
		what: []string{desk.WhatRenew}, calls: []string{"portal.Authenticate"}, posts: []string{"POST /session/renew"},
		before: func(c *cell) {
			c.form = c.b.get("/tokens")
			c.extra["TOKEN"] = tokenShown(c.form)
		},
		does: func(c *cell) *page {
			return c.b.submit(c.form, "/session/renew", url.Values{"password": {sandbox.Password}})
		},
		done: func(c *cell, _ *page) string {
			return oneOf(tokenShown(c.b.get("/tokens")) == c.extra["TOKEN"], "the same token", "a new token")
		},
	},
	{
		name: "confirm password", about: "`POST /customers/{cuid}/credentials/reveal` 16 minutes after signing in, asks the portal; `POST /tokens/reveal` likewise", service: "portal",
		what: []string{desk.WhatConfirm}, calls: []string{"portal.Authenticate"}, posts: []string{"POST /customers/{cuid}/credentials/reveal", "POST /tokens/reveal"},
		before: func(c *cell) {
			c.issue()
			c.form = c.b.get(c.path())
		},
		ready: func(w *world) { w.clock.advance(16 * time.Minute) },
		does: func(c *cell) *page {
			return c.b.submit(c.form, c.path()+"/credentials/reveal", url.Values{"password": {sandbox.Password}})
		},
		done: func(c *cell, p *page) string {
			return oneOf(p.status == http.StatusSeeOther && strings.Contains(p.location(), "/answers/"), "revealed", "not revealed")
		},
	},
	{
		name: "create customer", about: "`POST /customers`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatCreate}, calls: []string{"atom.CreateCustomer"}, posts: []string{"POST /customers"},
		before: func(c *cell) { c.form = c.b.get("/customers/new") },
		does: func(c *cell) *page {
			return c.b.submit(c.form, "/customers", url.Values{"company": {"New " + c.company}, "email": {"new-" + c.email}})
		},
		reads: func(c *cell, p *page) string {
			if p.status == http.StatusSeeOther {
				cuid, _, _ := strings.Cut(strings.TrimPrefix(p.location(), "/customers/"), "/")
				c.extra["CUID"] = cuid
			}
			return c.usual(p)
		},
		done: func(c *cell, _ *page) string { return oneOf(c.listed("new-"+c.email), "exists in ATOM", "not in ATOM") },
	},
	{
		name: "import row", about: "a row of a spreadsheet that was started with `POST /imports/{id}/start`, asks ATOM; read on the import's page", service: "atom", effect: true, inBackground: true,
		what: []string{desk.WhatCreate}, calls: []string{"atom.CreateCustomer"}, posts: []string{"POST /imports/{id}/start", "POST /imports/{id}/retry"},
		does:  startsImport,
		reads: readsRow,
		after: cancelsImport,
		done:  func(c *cell, _ *page) string { return oneOf(c.listed("new-"+c.email), "exists in ATOM", "not in ATOM") },
	},
	{
		name: "open as customer", about: "`POST /customers/{cuid}/sso` on the customer's page, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatSSO}, calls: []string{"atom.SSO"}, posts: []string{"POST /customers/{cuid}/sso"},
		before: func(c *cell) { c.form = c.b.get(c.path()) },
		does:   func(c *cell) *page { return c.b.submit(c.form, c.path()+"/sso", nil) },
		done:   opened,
	},
	{
		name: "open by link", about: "`POST /customers/{cuid}/sso` on `/sso?email=`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatSSO}, calls: []string{"atom.SSO"},
		before: func(c *cell) { c.form = c.b.get("/sso?" + url.Values{"email": {c.email}}.Encode()) },
		does:   func(c *cell) *page { return c.b.submit(c.form, c.path()+"/sso", nil) },
		done:   opened,
	},
	{
		name: "e-mail passcode", about: "`POST /customers/{cuid}/passcode`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatSendPasscode}, calls: []string{"atom.SendPasscode"}, posts: []string{"POST /customers/{cuid}/passcode"},
		before: func(c *cell) { c.form = c.b.get(c.path() + "/passcode") },
		does:   func(c *cell) *page { return c.b.submit(c.form, c.path()+"/passcode", nil) },
		done:   func(c *cell, _ *page) string { return oneOf(c.sent(c.email), "e-mailed", "no e-mail") },
	},
	{
		name: "redeem passcode", about: "`POST /customers/{cuid}/passcode/redeem`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatRedeem}, calls: []string{"atom.RedeemPasscode"}, posts: []string{"POST /customers/{cuid}/passcode/redeem"},
		before: func(c *cell) {
			c.holdKey()
			c.b.submit(c.b.get(c.path()), c.path()+"/passcode", nil).wantStatus(http.StatusSeeOther)
			c.code = c.lastCode(c.email)
			c.secrets.plant("passcode", c.code)
			c.form = c.b.get(c.path() + "/passcode")
		},
		does: func(c *cell) *page {
			return c.b.submit(c.form, c.path()+"/passcode/redeem", url.Values{"passcode": {c.code}})
		},
		done: keyReplaced,
	},
	{
		name: "issue by cuid", about: "`POST /customers/{cuid}/credentials` with `method=cuid`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatByCUID}, calls: []string{"atom.CredentialsByCUID"}, posts: []string{"POST /customers/{cuid}/credentials"},
		before: issues,
		does: func(c *cell) *page {
			return c.b.submit(c.form, c.path()+"/credentials", url.Values{"method": {"cuid"}, "reason": {"ticket 1"}})
		},
		done: keyReplaced,
	},
	{
		name: "issue without passcode", about: "`POST /customers/{cuid}/credentials` with `method=nopasscode`, asks ATOM", service: "atom", effect: true,
		what: []string{desk.WhatNoPasscode}, calls: []string{"atom.CredentialsNoPasscode"},
		before: issues,
		does: func(c *cell) *page {
			return c.b.submit(c.form, c.path()+"/credentials", url.Values{"method": {"nopasscode"}, "reason": {"ticket 1"}})
		},
		done: keyReplaced,
	},
	{
		name: "read live record", about: "`GET /customers/{cuid}/live`, asks ATOM with the customer's own key and token", service: "atom",
		what: []string{desk.WhatLive}, calls: []string{"atom.Customer"},
		before: func(c *cell) { c.issue() },
		does:   func(c *cell) *page { return c.b.get(c.path() + "/live") },
		done: func(_ *cell, p *page) string {
			return oneOf(p.status == http.StatusOK && strings.Contains(p.text(), "Asked from ATOM just now"), "shown", "not shown")
		},
	},
	{
		name: "refresh the list", about: "`POST /customers/refresh`, reads ATOM's list; a list that changes nothing is not on record", service: "atom", unlogged: true, reading: listsCustomers,
		what: []string{desk.WhatSync}, calls: []string{"atom.Customers"}, posts: []string{"POST /customers/refresh"},
		before: func(c *cell) { c.form = c.b.get("/customers") },
		does: func(c *cell) *page {
			c.file("later"+c.cuid, "Later AB", "") // ATOM does not have it: it is marked gone
			time.Sleep(5 * time.Millisecond)       // unless it came in after the reading began, in the same millisecond even
			return c.b.submit(c.form, "/customers/refresh", nil)
		},
		done: func(c *cell, _ *page) string {
			// As it was when this was tried: nothing has asked for another since.
			last, err := c.db.LastSync(c.t.Context())
			if err != nil {
				c.t.Fatal(err)
			}
			c.read()
			return "this reading is " + last.Outcome
		},
	},
	{
		name: "send SMS code", about: "`POST /sms`, asks iP1", service: "ip1", effect: true,
		what: []string{desk.WhatSendSMS}, calls: []string{"ip1.Send"}, posts: []string{"POST /sms"},
		before: func(c *cell) {
			c.noOnesPhone()
			c.form = c.b.get("/sms")
		},
		does: func(c *cell) *page { return c.b.submit(c.form, "/sms", url.Values{"phone": {c.phone}}) },
		done: func(c *cell, _ *page) string { return oneOf(c.sent(c.phone), "sent", "no SMS") },
	},
	{
		name: "send code to caller", about: "`POST /sms` on the customer's page, asks iP1", service: "ip1", effect: true,
		what: []string{desk.WhatSendSMS, desk.WhatAskCaller}, calls: []string{"ip1.Send"},
		before: func(c *cell) { c.form = c.b.get(c.path()) },
		does:   func(c *cell) *page { return c.b.submit(c.form, "/sms", url.Values{"phone": {c.phone}}) },
		done:   func(c *cell, _ *page) string { return oneOf(c.sent(c.phone), "sent", "no SMS") },
	},
	{
		name: "verify SMS code", about: "`POST /sms/{id}/verify` on the code's page, asks iP1", service: "ip1", effect: true,
		what: []string{desk.WhatVerifySMS}, calls: []string{"ip1.Validate"}, posts: []string{"POST /sms/{id}/verify"},
		before: func(c *cell) {
			c.noOnesPhone()
			c.form = c.b.get(c.sendCode())
		},
		does: enters,
		done: codeUsed,
	},
	{
		name: "verify caller", about: "`POST /sms/{id}/verify` on the customer's page, asks iP1", service: "ip1", effect: true,
		what: []string{desk.WhatVerifySMS, desk.WhatCaller}, calls: []string{"ip1.Validate"},
		before: func(c *cell) {
			c.sendCode()
			c.form = c.b.get(c.path())
		},
		does: enters,
		done: func(c *cell, p *page) string {
			proven, err := c.desk.CallerVerified(c.t.Context(), c.cuid)
			if err != nil {
				c.t.Fatal(err)
			}
			return codeUsed(c, p) + ", caller " + oneOf(proven != nil, "verified", "not verified")
		},
	},
	{
		name: "change SMS defaults", about: "`POST /sms/settings`, asks iP1", service: "ip1", effect: true,
		what: []string{desk.WhatSMSSettings}, calls: []string{"ip1.PutSettings"}, posts: []string{"POST /sms/settings"},
		before: func(c *cell) { c.form = c.b.get("/sms/settings") },
		does: func(c *cell) *page {
			return c.b.submit(c.form, "/sms/settings", url.Values{"from": {"Cell " + strconv.Itoa(c.n)}})
		},
		done: func(c *cell, _ *page) string {
			var now struct{ From string }
			c.ask("/ip1/api/authentications/settings", &now)
			return oneOf(now.From == "Cell "+strconv.Itoa(c.n), "changed", "as before")
		},
	},
	{
		name: "read SMS defaults", about: "`GET /sms/settings`, asks iP1", service: "ip1", unlogged: true, reading: readsSettings,
		calls: []string{"ip1.Settings"},
		does:  func(c *cell) *page { return c.b.get("/sms/settings") },
		done: func(_ *cell, p *page) string {
			return oneOf(p.hasForm("/sms/settings"), "can be changed", "no form")
		},
	},
	{
		name: "list SMS codes", about: "`GET /sms` while a code is active, asks iP1", service: "ip1", unlogged: true, reading: listsCodes,
		calls:  []string{"ip1.List", "ip1.Each"},
		before: func(c *cell) { c.sendCode() },
		does: func(c *cell) *page {
			c.clock.advance(10 * time.Second) // the list of the cell before would do
			return c.b.get("/sms")
		},
		reads: readsStale,
		done: func(c *cell, p *page) string {
			return oneOf(strings.Contains(p.text(), "active"), "listed", "not listed")
		},
	},
	{
		name: "look up SMS code", about: "`GET /sms/{id}?refresh=1`, asks iP1", service: "ip1", unlogged: true,
		calls: []string{"ip1.Get"},
		before: func(c *cell) {
			c.form = c.b.get(c.sendCode())
		},
		does:  func(c *cell) *page { return c.b.get(strings.Fields(c.form.what)[1] + "?refresh=1") },
		reads: readsStale,
		done: func(c *cell, p *page) string {
			return oneOf(strings.Contains(p.text(), "active"), "shown", "not shown")
		},
	},
}

func oneOf(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func (c *cell) path() string { return views.CustomerPath(c.cuid) }

// noOnesPhone is a number that is on no customer's file.
func (c *cell) noOnesPhone() { c.phone = "+467017406" + strconv.Itoa(60+c.n) }

// tokenShown is as much of the portal's token as /tokens shows.
func tokenShown(p *page) string {
	for n := range p.all("code", "span", "p") {
		if said := text(n); strings.HasSuffix(said, "••••••••") {
			return said
		}
	}
	p.t.Fatal("no token is shown")
	return ""
}

// ask reads from a service directly, past the network.
func (c *cell) ask(path string, v any, headers ...string) int {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+c.net.service+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth("ip1-00000", c.setup.box.IP1Key)
	r.Header.Set("X-Access-Superkey", c.setup.super[0])
	r.Header.Set("X-Access-Supertoken", c.setup.super[1])
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	return res.StatusCode
}

// listed tells whether ATOM has a customer with this e-mail.
func (c *cell) listed(email string) bool {
	var all []struct{ Email string }
	c.ask("/atom/customer/", &all)
	return slices.ContainsFunc(all, func(one struct{ Email string }) bool { return one.Email == email })
}

// sent tells whether anything went out to somebody.
func (c *cell) sent(to string) bool {
	return slices.ContainsFunc(c.box.Outbox(), func(m sandbox.Message) bool { return m.To == to })
}

func opened(_ *cell, p *page) string {
	return oneOf(p.status == http.StatusSeeOther && strings.Contains(p.location(), "/platform?token="), "led to the platform", "led nowhere")
}

// issue gives the customer a key and token that frontdesk has.
func (c *cell) issue() {
	c.b.submit(c.b.get(c.path()), c.path()+"/credentials", url.Values{"method": {"cuid"}, "reason": {"so that there are some"}}).wantStatus(http.StatusSeeOther)
	stored, err := c.db.Credentials(c.t.Context(), c.cuid)
	if err != nil {
		c.t.Fatal(err)
	}
	c.secrets.plant("key", stored.Key)
	c.secrets.plant("token", stored.Token)
}

// holdKey gives the customer a key and token that frontdesk has not.
func (c *cell) holdKey() {
	var got struct{ Key, Token string }
	c.ask("/atom/customer/"+c.cuid+"/auth", &got)
	c.extra["KEY"], c.extra["TOKEN"] = got.Key, got.Token
	c.secrets.plant("key", got.Key)
	c.secrets.plant("token", got.Token)
}

func issues(c *cell) {
	c.holdKey()
	c.form = c.b.get(c.path())
}

// keyReplaced tells whether the key and token of holdKey open nothing any more, and
// whether frontdesk has the new ones.
func keyReplaced(c *cell, _ *page) string {
	var record any
	status := c.ask("/atom/customer/"+c.cuid, &record, "X-Access-Key", c.extra["KEY"], "X-Access-Token", c.extra["TOKEN"])
	_, err := c.db.Credentials(c.t.Context(), c.cuid)
	return oneOf(status == http.StatusOK, "not replaced", "replaced") + ", " + oneOf(err == nil, "kept sealed", "none kept")
}

// sendCode sends an SMS code, and returns its page's path.
func (c *cell) sendCode() string {
	at := c.b.sentTo(c.phone, "")
	c.code = c.lastCode(c.phone)
	c.secrets.plant("code", c.code)
	return at
}

// enters types the code into the form for it.
func enters(c *cell) *page {
	for _, f := range c.form.forms() {
		if strings.HasSuffix(f.action, "/verify") {
			return c.b.submit(c.form, f.action, url.Values{"code": {c.code}})
		}
	}
	c.t.Fatalf("%s has no field for the code", c.form.what)
	return nil
}

// codeUsed tells what iP1 says of the code to the number.
func codeUsed(c *cell, _ *page) string {
	var all []struct {
		Phone  string
		IsUsed bool
	}
	c.ask("/ip1/api/authentications", &all)
	for _, one := range all {
		if one.Phone == c.phone && one.IsUsed {
			return "used up"
		}
	}
	return "not used"
}

// readsStale is what a page says about what it could not ask.
func readsStale(_ *cell, p *page) string {
	for n := range p.all("p") {
		if slices.Contains(strings.Fields(attr(n, "class")), "text-warning") && strings.Contains(text(n), "last that is known") {
			return text(n)
		}
	}
	return strings.Join(p.tells(), " ")
}

// startsImport starts an import of one row, and waits until that has ended and the
// import has drawn its conclusion.
func startsImport(c *cell) *page {
	at := c.b.imported("Company,E-mail\nNew " + c.company + ",new-" + c.email + "\n")
	c.b.submit(c.b.get(at), at+"/start", nil).wantStatus(http.StatusSeeOther)
	id := at[strings.LastIndex(at, "/")+1:]
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		i, err := c.db.Import(c.t.Context(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		if i.State != store.ImportRunning || i.Note != "" {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the import is %s still", i.State)
		}
	}
	return c.b.get(at + "?show=all")
}

// cancelsImport sees to it that what is left of the import is not sent once all is
// well, nor in the next cell.
func cancelsImport(c *cell, p *page) {
	at, _, _ := strings.Cut(strings.Fields(p.what)[1], "?")
	if !p.hasForm(at + "/cancel") {
		return
	}
	c.b.submit(p, at+"/cancel", nil).wantStatus(http.StatusSeeOther)
	id := at[strings.LastIndex(at, "/")+1:]
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		counts, err := c.db.ImportCounts(c.t.Context(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		if counts[store.RowSending] == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal("a row is under way still")
		}
	}
}

// readsRow is what the import's page says about its row and about itself.
func readsRow(_ *cell, p *page) string {
	var said []string
	for n := range nodes(p.doc) {
		if attr(n, "id") == "row-1" {
			for part := range nodes(n) {
				if part.Data == "th" {
					said = append(said, sentence("row "+text(part)))
				}
			}
		}
		if isLive(n) {
			for part := range nodes(n) {
				if part.Data == "p" {
					said = append(said, sentence(text(part)))
				}
			}
		}
	}
	return strings.Join(said, " ")
}

// isLive tells the part of the import's page that says how far it has come.
func isLive(n *html.Node) bool { return has(n, "data-state") }
