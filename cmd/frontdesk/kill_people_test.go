package main

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// crew are the people at work while the dashboard is killed, and all that they have
// sent.
type crew struct {
	t         *testing.T
	services  services
	base      string
	customers []atomCustomer // there from the beginning
	stopping  <-chan struct{}
	pace      time.Duration                          // at most between two things; 0: a tenth of a second
	took      func(began time.Time, d time.Duration) // is told of each page that was read, unless nil

	next  atomic.Int64 // the number of the last deed
	reads atomic.Int64 // pages that were read
	cuts  atomic.Int64 // answers that never came

	mu    sync.Mutex
	deeds map[string]*deed // by their mark
}

// deed is one form that somebody means to send once, however often it is posted.
type deed struct {
	mark    string // the User-Agent it is sent with, which the log has with the act
	who     *colleague
	what    string // as the log names it
	on      string // e-mail, cuid or number that it is about
	typed   string // the code that was typed, of a verification
	posts   int
	status  int // of the answer in the end; 0: none came
	to      string
	problem string // what the page said in its place
	anew    bool   // an SSO that was repeated so late, or in another session, that it may be a new act
}

// done tells whether the person was told that it is done.
func (d *deed) done() bool { return d.status == http.StatusSeeOther }

func (d *deed) String() string {
	return fmt.Sprintf("%s: %s by %s:%s on %q, posted %d times, answered %d %s%s", d.mark, d.what, d.who.portal, d.who.username, d.on, d.posts, d.status, d.to, d.problem)
}

// colleague is a member of staff in one browser, who goes on in spite of everything.
type colleague struct {
	*crew
	n                int
	portal, username string
	role             store.Role
	dice             *rand.Rand
	http             http.Client
}

// logins are the sandbox's people at its portals.
var logins = []colleague{
	{portal: "customer", username: "alice", role: store.Admin},
	{portal: "customer", username: "mia", role: store.Manager},
	{portal: "customer", username: "victor", role: store.Viewer},
	{portal: "customer", username: "mallory", role: store.Manager},
	{portal: "atmosphere", username: "alice", role: store.Manager},
	{portal: "atmosphere", username: "mia", role: store.Manager},
	{portal: "atmosphere", username: "victor", role: store.Manager},
	{portal: "atmosphere", username: "mallory", role: store.Manager},
	{portal: "messaging", username: "alice", role: store.Admin},
	{portal: "messaging", username: "mia", role: store.Manager},
	{portal: "messaging", username: "victor", role: store.Viewer},
	{portal: "messaging", username: "mallory", role: store.Manager},
}

// addLogins puts them on the staff list.
func addLogins(t *testing.T, tx *store.Tx) error {
	for _, l := range logins {
		if l.portal == "customer" && l.username == "mia" {
			continue // whose import it is
		}
		if _, err := tx.AddStaff(t.Context(), store.Staff{Portal: l.portal, Username: l.username, Name: personName(l.username), Role: l.role, Active: true}); err != nil {
			return err
		}
	}
	return nil
}

// work lets n people work until stop, each with dice of their own.
func (c *crew) work(n int, seed uint64) *sync.WaitGroup {
	var people sync.WaitGroup
	for i := range n {
		one := logins[i%len(logins)]
		jar, err := cookiejar.New(nil)
		if err != nil {
			c.t.Fatal(err)
		}
		one.crew, one.n, one.dice = c, i, rand.New(rand.NewPCG(seed, uint64(i+1)))
		one.http = http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		people.Go(one.day)
	}
	return &people
}

// over tells whether nothing more is to be begun.
func (c *crew) over() bool {
	select {
	case <-c.stopping:
		return true
	default:
		return c.t.Context().Err() != nil
	}
}

// day is one thing after the other, with a moment between.
func (c *colleague) day() {
	defer c.http.CloseIdleConnections()
	c.signIn()
	for !c.over() {
		customer := c.customers[c.dice.IntN(len(c.customers))]
		switch n := c.dice.IntN(100); {
		case n < 30:
			c.look(customer)
		case c.role == store.Viewer:
			c.submit(c.deed(desk.WhatSSO, customer.Email), customer.path(), customer.path()+"/sso", url.Values{"reason": {"not theirs to do"}})
		case n < 50:
			c.open(customer)
		case n < 65:
			c.create()
		case n < 77:
			c.passcode(customer)
		case n < 93:
			c.sms()
		case n < 96 && c.role == store.Admin:
			c.issue(customer)
		default:
			c.renew()
		}
		c.rest(time.Duration(c.dice.Int64N(int64(cmp.Or(c.pace, 100*time.Millisecond)))))
	}
}

// rest is false when the test is over before.
func (c *colleague) rest(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-c.t.Context().Done():
		return false
	}
}

// look reads some page.
func (c *colleague) look(customer atomCustomer) {
	pages := []string{"/", "/customers", "/customers?q=" + url.QueryEscape(customer.Company[:min(4, len(customer.Company))]), customer.path(), "/audit", "/sms", "/imports", "/imports/" + bigImportID, "/sessions"}
	c.page(pages[c.dice.IntN(len(pages))])
}

func (c *colleague) open(customer atomCustomer) {
	d := c.deed(desk.WhatSSO, customer.Email)
	c.submit(d, customer.path(), customer.path()+"/sso", url.Values{"reason": {"for " + d.mark}})
	if d.done() && !d.anew && !strings.HasPrefix(d.to, c.services.URL+"/platform?") {
		c.t.Errorf("%v: it leads elsewhere", d)
	}
}

func (c *colleague) create() {
	d := c.deed(desk.WhatCreate, "")
	d.on = d.mark + "@example.com"
	c.submit(d, "/customers/new", "/customers", url.Values{"company": {"Company of " + d.mark}, "email": {d.on}})
	if d.done() && c.page(d.to).status != http.StatusOK {
		c.t.Errorf("%v: there is no answer", d)
	}
}

// passcode has one sent, reads it, and redeems it, now and then a wrong one.
func (c *colleague) passcode(customer atomCustomer) {
	sent := c.deed(desk.WhatSendPasscode, customer.Email)
	c.submit(sent, customer.path(), customer.path()+"/passcode", nil)
	if !sent.done() {
		return
	}
	code := c.code("email", customer.Email)
	if c.dice.IntN(5) == 0 {
		code = "000000"
	}
	d := c.deed(desk.WhatRedeem, customer.Email)
	c.submit(d, customer.path(), customer.path()+"/passcode/redeem", url.Values{"passcode": {code}})
	if d.done() && c.page(d.to).status != http.StatusOK {
		c.t.Errorf("%v: there is no answer", d)
	}
}

// sms has a code sent to a number of its own and verifies it, now and then a wrong one.
func (c *colleague) sms() {
	d := c.deed(desk.WhatSendSMS, "")
	d.on = fmt.Sprintf("+4670%07d", c.next.Add(1))
	c.submit(d, "/sms", "/sms", url.Values{"phone": {d.on}})
	if !d.done() {
		return
	}
	for range 1 + c.dice.IntN(2) {
		v := c.deed(desk.WhatVerifySMS, d.on)
		if v.typed = c.code("sms", d.on); c.dice.IntN(3) == 0 {
			v.typed = "wrong"
		}
		c.submit(v, d.to, d.to+"/verify", url.Values{"code": {v.typed}})
	}
}

func (c *colleague) issue(customer atomCustomer) {
	what, method, on := desk.WhatNoPasscode, "nopasscode", customer.Email
	if c.dice.IntN(2) == 0 {
		what, method, on = desk.WhatByCUID, "cuid", customer.CUID
	}
	d := c.deed(what, on)
	c.submit(d, customer.path(), customer.path()+"/credentials", url.Values{"method": {method}, "reason": {"for " + d.mark}, "password": {sandbox.Password}})
}

// signIn tries once. Sign-ins that a kill cut off count as refused, so that there can be
// a wait.
func (c *colleague) signIn() {
	d := c.deed(desk.WhatSignIn, c.portal)
	c.send(d, "/login", url.Values{"portal": {c.portal}, "username": {c.username}, "password": {sandbox.Password}})
	if !d.done() {
		c.rest(500 * time.Millisecond)
	}
}

func (c *colleague) renew() {
	c.send(c.deed(desk.WhatRenew, c.portal), "/session/renew", url.Values{"password": {sandbox.Password}, "back": {"/tokens"}})
}

func (c *crew) deed(what, on string) *deed {
	return &deed{mark: fmt.Sprintf("form-%d", c.next.Add(1)), what: what, on: on}
}

// code is the one in the newest message to somebody; "none" when the outbox has
// forgotten it.
func (c *colleague) code(kind, to string) string {
	var all []sandbox.Message
	getJSON(c.t, c.services.URL+"/outbox.json", &all)
	code := "none"
	for _, m := range all {
		if m.Kind == kind && strings.EqualFold(m.To, to) {
			code = m.Code
		}
	}
	return code
}

// page reads a page, for as long as it takes, and signs in where it must.
func (c *colleague) page(path string) answer {
	for {
		began := time.Now()
		got := c.do(http.MethodGet, path, nil, "reader")
		switch {
		case got.err != nil:
			c.cuts.Add(1)
		case got.status == http.StatusSeeOther && got.location == "/login":
			c.signIn()
		default:
			c.reads.Add(1)
			if c.took != nil {
				c.took(began, time.Since(began))
			}
			return got
		}
		if !c.rest(10 * time.Millisecond) {
			return got
		}
	}
}

// submit fills in the form to action on a page and sends it, as a person would.
func (c *colleague) submit(d *deed, page, action string, fill url.Values) {
	fields := formTo(c.page(page).body, action)
	switch {
	case fields.Has("receipt") || c.role == store.Viewer:
	case c.t.Context().Err() != nil, d.what == desk.WhatVerifySMS: // it is verified already
		return
	default:
		c.t.Errorf("%s has no form with a receipt to %s", page, action)
	}
	for name, values := range fill {
		fields[name] = values
	}
	c.send(d, action, fields)
}

// formTo is what a page's form that posts to action has in it that nobody types.
func formTo(page, action string) url.Values {
	fields := url.Values{}
	for _, form := range strings.Split(page, "<form ")[1:] {
		form, _, _ = strings.Cut(form, "</form>")
		tag, _, _ := strings.Cut(form, ">")
		if !strings.Contains(tag, `method="post"`) || !strings.Contains(tag, `action="`+html.EscapeString(action)+`"`) {
			continue
		}
		for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
			fields.Set(field[1], html.UnescapeString(field[2]))
		}
		break
	}
	return fields
}

// repeatHolds is how long a repeat of an SSO form repeats its answer; a little less,
// since the browser's clock began before.
const repeatHolds = 9 * time.Second

// send posts a form until there is an answer, each time the same: after a broken
// connection as a reload does, after a new sign-in, and when a colleague's act stands
// in the way half of the time once more. Now and then it is a double click.
func (c *colleague) send(d *deed, action string, form url.Values) {
	d.who = c
	c.mu.Lock()
	c.deeds[d.mark] = d
	c.mu.Unlock()
	began := time.Now()
	double := c.dice.IntN(8) == 0 && form.Has("receipt")
	for {
		got := c.post(d, action, form, double)
		double = false
		d.anew = d.anew || d.what == desk.WhatSSO && time.Since(began) > repeatHolds
		switch {
		case got.err != nil:
			c.cuts.Add(1)
		case got.status == http.StatusSeeOther && got.location == "/login" && d.what != desk.WhatSignIn:
			c.signIn()
			d.anew = d.anew || d.what == desk.WhatSSO // the link is the former session's
			if d.what == desk.WhatRenew {
				return // there is nothing left to renew
			}
		case got.status == http.StatusUnprocessableEntity && !form.Has("again") && formTo(got.body, action).Get("despite") != "" && c.dice.IntN(2) == 0:
			form.Set("despite", formTo(got.body, action).Get("despite"))
			form.Set("again", "yes")
		default:
			d.status, d.to, d.problem = got.status, got.location, problemOn(got.body)
			return
		}
		if !c.rest(10 * time.Millisecond) {
			return
		}
	}
}

// problemOn is the title of what a page says went wrong.
func problemOn(page string) string {
	_, after, ok := strings.Cut(page, "data-problem")
	if !ok {
		return ""
	}
	_, after, _ = strings.Cut(after, ">")
	text := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(after[:min(2000, len(after))], " ")), " ")
	return html.UnescapeString(text[:min(160, len(text))])
}

// post posts once, or twice at once. Then both answers must be the same, unless a
// colleague's act has stood in the first one's way and its two minutes were over for the
// second.
func (c *colleague) post(d *deed, action string, form url.Values, double bool) answer {
	d.posts++
	if !double {
		return c.do(http.MethodPost, action, form, d.mark)
	}
	d.posts++
	var other answer
	var second sync.WaitGroup
	second.Go(func() { other = c.do(http.MethodPost, action, form, d.mark) })
	got := c.do(http.MethodPost, action, form, d.mark)
	second.Wait()
	if inTheWay(got) && other.err == nil && !inTheWay(other) {
		return other
	}
	if inTheWay(other) && got.err == nil && !inTheWay(got) {
		return got
	}
	if got.err == nil && other.err == nil && (got.status != other.status || got.location != other.location) {
		c.t.Errorf("%v: a double click was answered %d %s%s and %d %s%s", d, got.status, got.location, problemOn(got.body), other.status, other.location, problemOn(other.body))
	}
	if other.err != nil {
		return other
	}
	return got
}

// inTheWay tells whether an act was refused for a colleague's that is about to be two
// minutes old.
func inTheWay(got answer) bool {
	return got.err == nil && got.status == http.StatusUnprocessableEntity && strings.Contains(problemOn(got.body), " 2 minutes ago")
}

func (c *colleague) do(method, path string, form url.Values, agent string) answer {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", c.n+1)) // each at a desk of their own, for the sign-in throttle
	res, err := c.http.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Location"), string(body), err}
}
