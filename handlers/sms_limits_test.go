package handlers

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store/audit"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// Numbers that the sandbox sends to, of nobody.
const (
	phoneA = "+46701740695"
	phoneB = "+46701740696"
)

func (w *world) denied() []audit.Entry {
	w.t.Helper()
	return w.entries(audit.Filter{What: desk.WhatSendSMS, Result: audit.Denied})
}

// wantWait holds that an answer is throttled for about this long.
func (p *page) wantWait(wait time.Duration) {
	p.t.Helper()
	p.wantStatus(http.StatusTooManyRequests)
	seconds, err := strconv.Atoi(p.res.Header.Get("Retry-After"))
	if err != nil || math.Abs(float64(seconds)-wait.Seconds()) > 5 {
		p.t.Errorf("%s: Retry-After is %q, want about %.0f", p.what, p.res.Header.Get("Retry-After"), wait.Seconds())
	}
	if !strings.Contains(p.problem(), "You can try again in") {
		p.t.Errorf("%s: the wait is not shown: %s", p.what, p.problem())
	}
}

// countdowns are the times that a page counts down to, inside an element with
// this attribute, or anywhere.
func (p *page) countdowns(inside string) (all []time.Time) {
	p.t.Helper()
	for n := range p.all("time") {
		if !has(n, "data-countdown") {
			continue
		}
		for a := range n.Ancestors() {
			if a.Type == html.ElementNode && (has(a, inside) || inside == "") {
				at, err := time.Parse(time.RFC3339, attr(n, "data-countdown"))
				if err != nil {
					p.t.Errorf("%s: %v", p.what, err)
				}
				all = append(all, at)
				break
			}
		}
	}
	return all
}

// TestCodesGoToAllowedCountriesOnly: what is not allowed is said while typing,
// refused at the field, sent nowhere, and on record.
func TestCodesGoToAllowedCountriesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{sms: smsLimits{countries: []string{"SE", "GB"}}})
	b := w.signedIn("mia")
	for _, c := range []struct{ phone, why string }{ // "" is sent
		{"+46 70 174 06 95", ""},
		{"0044 20 7946 0958", ""},
		{"+1 415 555 2671", "Codes are not sent to United States. The operator allows only Sweden and United Kingdom."},
		{"+1 604 555 0100", "Codes are not sent to Canada."},
		{"+44 7624 000000", "Codes are not sent to Isle of Man."}, // which has Britain's country code
		{"+1 555 555 0100", "It cannot be told which country this number belongs to."},
		{"+870 773 111 632", "It cannot be told which country this number belongs to."},
	} {
		t.Run(c.phone, func(t *testing.T) {
			b := b.in(t)
			mark, denied := w.mark(), len(w.denied())
			hint := b.get("/sms/country?phone="+url.QueryEscape(c.phone), "HX-Request", "true")
			p := b.submit(b.get("/sms"), "/sms", url.Values{"phone": {c.phone}, "message_format": {"Hej {0}"}})
			sent := slices.Contains(w.calls(mark), "POST /ip1/api/authentications")
			if c.why == "" {
				p.wantStatus(http.StatusSeeOther)
				if !sent || len(w.denied()) != denied {
					t.Errorf("called %v, %d denied", w.calls(mark), len(w.denied())-denied)
				}
				return
			}
			hint.want(c.why)
			p.wantStatus(http.StatusUnprocessableEntity)
			p.wantErrors("phone")
			p.want(c.why)
			if f := p.form("/sms"); f.values.Get("phone") != c.phone || f.values.Get("message_format") != "Hej {0}" {
				t.Errorf("typed comes back as %v", f.values)
			}
			if all := w.denied(); sent || len(all) != denied+1 || !strings.Contains(all[0].Detail, c.why) || all[0].Who.Username != "mia" {
				t.Errorf("called %v, denied %+v", w.calls(mark), all)
			}
		})
	}
}

// TestBudgetsOfCodes: one person's and one number's, held across a restart, and
// given back a day later.
func TestBudgetsOfCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		limits        smsLimits
		phones        [3]string // that are sent to, the last in vain
		message, left string
		field         string
		passes        [2]string // who may send to which number all the same
	}{
		{"per number", smsLimits{perNumber: 2}, [3]string{phoneA, phoneA, phoneA}, "2 codes went to +46 70 174 06 95", "left today for this number", "phone", [2]string{"mia", phoneB}},
		{"per person", smsLimits{perStaff: 2}, [3]string{phoneA, phoneB, "+46701740697"}, "You have sent 2 codes", "left today for you to send", "", [2]string{"alice", phoneA}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{sms: c.limits})
			send := func(who, phone string) *page {
				t.Helper()
				b := w.signedIn(who) // hours pass: the session before is over
				return b.submit(b.get("/sms"), "/sms", url.Values{"phone": {phone}, "from": {"Desk"}})
			}
			first := w.signedIn("mia")
			first.get("/sms?phone=" + url.QueryEscape(c.phones[0])).want("2 codes are " + c.left)
			sent := send("mia", c.phones[0])
			first.follow(sent).want("1 code is " + c.left)
			w.clock.advance(6 * time.Hour)
			send("mia", c.phones[1]).wantStatus(http.StatusSeeOther)
			for _, restarted := range []bool{false, true} {
				if restarted {
					w.restart()
				}
				mark, denied := w.mark(), len(w.denied())
				p := send("mia", c.phones[2])
				p.wantWait(18 * time.Hour)
				p.want(c.message, "No codes are "+c.left)
				if c.field != "" {
					p.wantErrors(c.field)
				} else {
					p.wantErrors()
				}
				if f := p.form("/sms"); f.values.Get("phone") != c.phones[2] || f.values.Get("from") != "Desk" {
					t.Errorf("typed comes back as %v", f.values)
				}
				if slices.Contains(w.calls(mark), "POST /ip1/api/authentications") || len(w.denied()) != denied+1 {
					t.Errorf("called %v, %d denied", w.calls(mark), len(w.denied())-denied)
				}
			}
			send(c.passes[0], c.passes[1]).wantStatus(http.StatusSeeOther)
			w.clock.advance(18*time.Hour + time.Second)
			send("mia", c.phones[2]).wantStatus(http.StatusSeeOther)
			send("mia", c.phones[2]).wantWait(6 * time.Hour)
		})
	}
}

// TestManyAtOnceAtTheEdgeOfABudget: one code is left, and one goes out.
func TestManyAtOnceAtTheEdgeOfABudget(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]smsLimits{"per number": {perNumber: 1}, "per person": {perStaff: 1}, "pause": {cooldown: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{sms: limits})
			b := w.signedIn("mia")
			mark := w.mark()
			var clicks sync.WaitGroup
			answers := make([]*page, 8)
			for i := range answers {
				clicks.Go(func() {
					answers[i] = b.post("/sms", url.Values{"phone": {phoneA}, "receipt": {strconv.Itoa(i)}})
				})
			}
			clicks.Wait()
			sent := 0
			for _, p := range answers {
				if p.status == http.StatusSeeOther {
					sent++
					continue
				}
				p.wantStatus(http.StatusTooManyRequests)
			}
			calls := 0
			for _, call := range w.calls(mark) {
				if call == "POST /ip1/api/authentications" {
					calls++
				}
			}
			if sent != 1 || calls != 1 {
				t.Errorf("%d answers say that it was sent, %d calls", sent, calls)
			}
		})
	}
}

// TestThePauseBetweenCodesIsShown on every page that the number is on, to
// everybody, as a time of the server's: going back, a reload and another tab
// show the same.
func TestThePauseBetweenCodesIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{sms: smsLimits{cooldown: 2 * time.Minute}})
	b, colleague := w.signedIn("mia"), w.signedIn("alice")
	form := "/sms?phone=" + url.QueryEscape(phoneA)
	if p := b.get(form); len(p.countdowns("")) != 0 {
		t.Errorf("before the first code, the form counts down to %v", p.countdowns(""))
	}
	sent := b.submit(b.get(form), "/sms", url.Values{"from": {"Desk"}})
	code := b.follow(sent)
	left := code.countdowns("data-cooldown")
	if len(left) != 1 || left[0].Sub(w.clock.Now()) < 110*time.Second || left[0].Sub(w.clock.Now()) > 121*time.Second {
		t.Fatalf("the code's page counts down to %v, now %v", left, w.clock.Now())
	}
	for n := range code.all("button") {
		if strings.Contains(text(n), "Send another code") && has(n, "disabled") {
			t.Error("without JavaScript the button could never be pressed")
		}
	}
	w.clock.advance(30 * time.Second)
	w.restart()
	for name, p := range map[string]*page{
		"the code's page again": b.get(sent.location()), "going back": b.get(form), "a colleague's tab": colleague.get(sent.location()), "the list": colleague.get("/sms"),
		"while typing": colleague.get("/sms/country?phone="+url.QueryEscape(phoneA), "HX-Request", "true"),
	} {
		if !slices.ContainsFunc(p.countdowns(""), left[0].Equal) {
			t.Errorf("%s: counts down to %v, want %v among them", name, p.countdowns(""), left[0])
		}
	}
	b.get(form).want("Wait before the next code:")
	b.get("/sms/country?phone="+url.QueryEscape(phoneB), "HX-Request", "true").wantNo("Wait before")

	// The button sends the same once more: not yet, and then.
	mark, denied := w.mark(), len(w.denied())
	again := colleague.get(sent.location())
	early := colleague.submit(again, "/sms", nil)
	early.wantWait(90 * time.Second)
	early.wantErrors("phone")
	early.want("A code was just sent to this number")
	if f := early.form("/sms"); f.values.Get("phone") != phoneA || f.values.Get("from") != "Desk" {
		t.Errorf("typed comes back as %v", f.values)
	}
	if slices.Contains(w.calls(mark), "POST /ip1/api/authentications") || len(w.denied()) != denied {
		t.Errorf("called %v; a pause is no denial: %d", w.calls(mark), len(w.denied())-denied)
	}
	w.clock.advance(91 * time.Second)
	over := colleague.get(sent.location())
	if len(over.countdowns("data-cooldown")) != 0 {
		t.Errorf("it still counts down to %v", over.countdowns("data-cooldown"))
	}
	next := colleague.submit(over, "/sms", nil)
	next.wantStatus(http.StatusSeeOther)
	if next.location() == sent.location() {
		t.Error("the answer of the first sending was repeated")
	}
	if out := w.box.Outbox(); out[len(out)-1].From != "Desk" {
		t.Errorf("sent as %q", out[len(out)-1].From)
	}
	// Pressed on the page of before, it is still one code.
	if p := colleague.submit(over, "/sms", nil); p.location() != next.location() {
		t.Errorf("a second press: %d, to %q", p.status, p.location())
	}
}

// TestCodesCannotBeGuessed: five wrong ones per code, ten per number within a
// day; then nothing is asked of iP1, also of many posts at once.
func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme := w.file("acme", "Acme AB", "070-174 06 91")
	const phone = "+46701740691"
	b := w.signedIn("mia")
	denied := func() []audit.Entry {
		return w.entries(audit.Filter{What: desk.WhatVerifySMS, Result: audit.Denied})
	}
	asked := func(mark int) (n int) {
		for _, call := range w.calls(mark) {
			if call == "POST /ip1/api/authentications/validate" {
				n++
			}
		}
		return n
	}
	try := func(at, code string) *page {
		t.Helper()
		return b.submit(b.get(at), at+"/verify", url.Values{"code": {code}})
	}

	// The first code: many at once. No more than five come through.
	at := b.sentTo(phone, acme)
	right := w.lastCode(phone)
	form := b.get(at)
	mark := w.mark()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { b.submit(form, at+"/verify", url.Values{"code": {"WRONG" + strconv.Itoa(i)}}) })
	}
	all.Wait()
	if n := asked(mark); n != 5 || len(denied()) != 15 {
		t.Errorf("%d were tried, %d denied", n, len(denied()))
	}
	mark = w.mark()
	p := try(at, right)
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("Too many wrong codes: send a new one", "Send another code")
	if n := asked(mark); n != 0 || w.proof(acme) != nil || len(denied()) != 16 {
		t.Errorf("then the right one: %d calls, proof %+v, %d denied", n, w.proof(acme), len(denied()))
	}
	if e := denied()[0]; e.On.ID != "phone:"+phone || e.Detail != "no tries left: 5 wrong codes for this code" || e.Phase != audit.Event {
		t.Errorf("on record is %+v", e)
	}

	// A new one: four wrong, the right one, which takes nothing back for the number.
	w.clock.advance(time.Hour)
	b.signIn("mia", sandbox.Password)
	at = b.sentTo(phone, acme)
	for range 4 {
		try(at, "WRONG").want("That is not the code")
	}
	w.restart()
	try(at, w.lastCode(phone)).wantStatus(http.StatusSeeOther)
	if w.proof(acme) == nil {
		t.Error("the right one proves nothing")
	}

	// The tenth for the number is the last, whoever tries; another number is free.
	at = b.sentTo(phone, acme)
	try(at, "WRONG").want("That is not the code")
	mark = w.mark()
	b = w.signedIn("alice").in(t)
	p = try(at, w.lastCode(phone))
	p.wantWait(23 * time.Hour)
	p.want("Too many wrong codes for this number")
	if e := denied()[0]; asked(mark) != 0 || e.Detail != "no tries left: 10 wrong codes for this number within 24 hours" {
		t.Errorf("%d calls; on record is %+v", asked(mark), e)
	}
	other := b.sentTo(phoneA, acme)
	try(other, w.lastCode(phoneA)).wantStatus(http.StatusSeeOther)

	// A day after the first ones, there are tries again.
	w.clock.advance(23*time.Hour + time.Minute)
	b.signIn("alice", sandbox.Password)
	at = b.sentTo(phone, acme)
	try(at, w.lastCode(phone)).wantStatus(http.StatusSeeOther)
}
