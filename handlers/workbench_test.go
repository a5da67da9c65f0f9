package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// begins are the IDs of what has the focus when a page is opened.
func (p *page) begins() (ids []string) {
	for n := range p.all("input", "button", "a", "summary") {
		if has(n, "autofocus") {
			ids = append(ids, attr(n, "id"))
		}
	}
	return ids
}

// shortcuts are the IDs that keys lead to.
func (p *page) shortcuts() map[string]string {
	ids := map[string]string{}
	for n := range p.all("input", "button", "summary") {
		if key := attr(n, "data-shortcut"); key != "" {
			ids[key] += attr(n, "id")
		}
	}
	return ids
}

// codeForm is where the code is posted that a customer's page has a field for.
func (p *page) codeForm() string {
	p.t.Helper()
	for _, f := range p.forms() {
		if strings.HasPrefix(f.action, "/sms/") && strings.HasSuffix(f.action, "/verify") {
			return f.action
		}
	}
	p.t.Fatalf("%s: no field for a code", p.what)
	return ""
}

// TestTheCallerIsVerifiedOnTheCustomersPage: the code is sent, refused and verified
// without leaving it.
func TestTheCallerIsVerifiedOnTheCustomersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{sms: smsLimits{cooldown: 30 * time.Second}})
	b := w.signedIn("mia")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	page := b.get(path)
	page.want("Verify the caller by SMS", "The number on file.")
	if got := page.shortcuts()["v"]; got != "act-verify" {
		t.Errorf("v leads to %q", got)
	}
	if href := "/sms?customer=" + url.QueryEscape(customer.CUID); !slices.Contains(page.links(), href) {
		t.Errorf("no link to %s among %v", href, page.links())
	}

	sent := b.submit(page, "/sms", nil)
	if sent.status != http.StatusSeeOther || sent.location() != path+"#code" {
		t.Fatalf("sending answers %d to %q: %s", sent.status, sent.location(), sent.problem())
	}
	page = b.follow(sent)
	page.want("A code is on its way to the caller", "by Mia Moreau to +49", "The next one can go in")
	if got := page.shortcuts()["v"]; got != "code" {
		t.Errorf("with a code on its way v leads to %q", got)
	}
	code, action := w.lastCode(w.entries(audit.Filter{What: desk.WhatSendSMS})[0].On.Name), page.codeForm()
	wrong := b.submit(page, action, url.Values{"code": {"x" + code}, "reason": {"ticket 7"}})
	wrong.wantStatus(http.StatusUnprocessableEntity)
	wrong.wantErrors("code")
	wrong.want("That is not the code", "Open ATOM as this customer")
	wrong.wantNo(code)
	if got := wrong.begins(); !slices.Equal(got, []string{"code"}) {
		t.Errorf("a wrong code leaves the focus at %q", got)
	}
	if got := wrong.form(path + "/sso").values.Get("reason"); got != "ticket 7" {
		t.Errorf("what was typed beside the code is %q now", got)
	}
	done := b.submit(wrong, action, url.Values{"code": {code}})
	if done.status != http.StatusSeeOther || done.location() != path {
		t.Fatalf("verifying answers %d to %q: %s", done.status, done.location(), done.problem())
	}
	page = b.follow(done)
	page.want("The caller is verified", "Caller verified by +49", "Verify by another code")
	if page.hasForm(action) || w.proof(customer.CUID) == nil {
		t.Errorf("the field for the code is there: %v; proof %v", page.hasForm(action), w.proof(customer.CUID))
	}
}

// TestACodeThatIsNotSentStaysOnTheCustomersPage, with the number and the message.
func TestACodeThatIsNotSentStaysOnTheCustomersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b, alice := w.signedIn("mia"), w.signedIn("alice")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	kept := func(p *page, status int, phone string) *page {
		t.Helper()
		p.wantStatus(status)
		p.want("Open ATOM as this customer", customer.Email)
		f := p.form("/sms").values
		if f.Get("phone") != phone || f.Get("customer") != customer.CUID || f.Get("back") != "customer" {
			t.Errorf("the form comes back as %v", f)
		}
		if csp := p.res.Header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action 'self';") {
			t.Error("the page cannot send its SSO form on to the platform")
		}
		if got := p.form("/theme").values.Get("back"); got != path {
			t.Errorf("the way back is %q", got)
		}
		return p
	}
	wrong := kept(b.submit(b.get(path), "/sms", url.Values{"phone": {"12"}}), http.StatusUnprocessableEntity, "12")
	wrong.wantErrors("phone")
	if got := wrong.begins(); !slices.Equal(got, []string{"phone"}) {
		t.Errorf("the focus is at %q", got)
	}
	w.fault(`{"service": "ip1", "status": 500}`)
	kept(b.submit(wrong, "/sms", url.Values{"phone": {phoneA}}), http.StatusBadGateway, phoneA).want("iP1")
	w.calm()
	w.fault(`{"service": "ip1", "lose_answer": true}`)
	lost := kept(b.submit(b.get(path), "/sms", url.Values{"phone": {phoneA}}), http.StatusBadGateway, phoneA)
	w.calm()
	lost.want("outcome is unknown", "iP1 gave no answer, so ask whether the SMS arrived.") // and the code can be entered if it did
	b.submit(lost, lost.codeForm(), url.Values{"code": {w.lastCode(phoneA)}}).wantStatus(http.StatusSeeOther)
	b.get(path).want("Caller verified")

	// A colleague's code to the same number is in the way, and can be gone past.
	w.clock.advance(time.Hour)
	b.signIn("mia", sandbox.Password)
	alice.signIn("alice", sandbox.Password)
	alice.submit(alice.get(path), "/sms", nil).wantStatus(http.StatusSeeOther)
	number := b.get(path).form("/sms").values.Get("phone")
	told := kept(b.submit(b.get(path), "/sms", nil), http.StatusUnprocessableEntity, number)
	told.want("Alice Andersson sent a code to this number", "Send SMS code all the same")
	if got := told.begins(); len(got) > 0 {
		t.Errorf("one more press at %q would send it", got)
	}
	b.submit(told, "/sms", nil).wantStatus(http.StatusSeeOther)

	// When the session has ended, one comes back to the same page and number.
	w.clock.advance(31 * time.Minute)
	b.post("/sms", url.Values{"phone": {phoneA}, "customer": {customer.CUID}, "back": {"customer"}})
	again := b.signIn("mia", sandbox.Password)
	if again.location() != path {
		t.Errorf("signing in leads to %q", again.location())
	}
	back := b.follow(again)
	back.want("What you typed is still here; nothing was sent.")
	if got := back.form("/sms").values.Get("phone"); got != phoneA {
		t.Errorf("the number is %q", got)
	}
}

// TestBackLeadsToACustomerOnly: nowhere else, and not to one whom the code proved
// nothing for.
func TestBackLeadsToACustomerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme, beta := w.file("acme", "Acme AB", "070-174 06 91"), w.file("beta", "Beta Ltd", "070-174 06 92")
	b := w.signedIn("mia")
	for _, back := range []string{"", "https://evil.example", "/audit", "customers"} {
		p := b.post("/sms", url.Values{"phone": {phoneA}, "customer": {acme}, "back": {back}})
		if p.status != http.StatusSeeOther || !strings.HasPrefix(p.location(), "/sms/") {
			t.Errorf("back=%q leads to %d %q", back, p.status, p.location())
		}
	}
	if p := b.post("/sms", url.Values{"phone": {phoneA}, "back": {"customer"}}); !strings.HasPrefix(p.location(), "/sms/") {
		t.Errorf("back to no customer leads to %q", p.location())
	}
	nobody := b.post("/sms", url.Values{"phone": {phoneA}, "customer": {"../nobody"}, "back": {"customer"}})
	nobody.wantStatus(http.StatusUnprocessableEntity)
	nobody.want("There is no such customer", "Preview")

	// The code that is read out is one that was sent for another customer meanwhile.
	page := b.follow(b.submit(b.get(views.CustomerPath(acme)), "/sms", url.Values{"phone": {phoneA}}))
	other := b.sentTo(phoneA, beta)
	done := b.submit(page, page.codeForm(), url.Values{"code": {w.lastCode(phoneA)}})
	if done.location() != other || w.proof(acme) != nil || w.proof(beta) == nil {
		t.Errorf("leads to %q, want %s; Acme %v, Beta %v", done.location(), other, w.proof(acme), w.proof(beta))
	}
}

// TestAPasscodeThatMayBeOnItsWay: after a lost answer, one more Enter sends nothing.
func TestAPasscodeThatMayBeOnItsWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia := w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID) + "/passcode"
	form := mia.get(path)
	w.fault(`{"service": "atom", "lose_answer": true}`)
	lost := mia.submit(form, path, nil)
	lost.wantStatus(http.StatusBadGateway)
	lost.want("The outcome is unknown")
	lost.wantNo("I am e-mailing you a passcode now")
	if begins := lost.begins(); len(begins) != 0 {
		t.Errorf("the page begins at %q", begins)
	}
}

// TestPasscodeStepsAreOnTheCustomersPage: the same forms at both addresses; the one
// of the passcode begins at what comes next.
func TestPasscodeStepsAreOnTheCustomersPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b, alice := w.signedIn("mia"), w.signedIn("alice")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	begins := func(p *page, want ...string) {
		t.Helper()
		if got := p.begins(); !slices.Equal(got, want) {
			t.Errorf("%s begins at %q, want %q", p.what, got, want)
		}
	}
	begins(b.get(path))
	page := b.get(path + "/passcode")
	begins(page, "act-passcode")
	for _, action := range []string{path + "/sso", path + "/passcode", path + "/passcode/redeem", "/sms", path + "/pin"} {
		if !page.hasForm(action) || !b.get(path).hasForm(action) {
			t.Errorf("no form to %s", action)
		}
	}
	if got, want := page.shortcuts(), (map[string]string{"v": "act-verify", "o": "act-open", "p": "act-passcode"}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys lead to %v, want %v", got, want)
	}
	sent := b.submit(page, path+"/passcode", nil)
	if sent.location() != path+"/passcode" {
		t.Errorf("sending leads to %q", sent.location())
	}
	page = b.follow(sent)
	begins(page, "passcode")
	begins(b.get(path))
	if got := b.get(path).shortcuts()["p"]; got != "passcode" {
		t.Errorf("with a passcode on its way p leads to %q", got)
	}
	wrong := b.submit(page, path+"/passcode/redeem", url.Values{"passcode": {"wrong"}, "reason": {"ticket 7"}})
	wrong.wantStatus(http.StatusUnprocessableEntity)
	wrong.wantErrors("passcode")
	begins(wrong, "passcode")
	if got := wrong.form(path + "/sso").values.Get("reason"); got != "ticket 7" {
		t.Errorf("what was typed beside the passcode is %q now", got)
	}
	told := alice.submit(alice.get(path), path+"/passcode", url.Values{"reason": {"ticket 8"}})
	told.wantStatus(http.StatusUnprocessableEntity)
	told.want("E-mail another passcode all the same")
	begins(told)
	if got := told.form(path + "/sso").values.Get("reason"); got != "ticket 8" {
		t.Errorf("what was typed beside the button is %q now", got)
	}
	answer := b.follow(b.submit(wrong, path+"/passcode/redeem", url.Values{"passcode": {w.lastCode(emailFirst)}}))
	answer.want("Passcode redeemed")
	if n := len(answer.begins()); n != 1 {
		t.Errorf("%d things begin the page with key and token, want the way back", n)
	}
	if got, want := alice.get(path).shortcuts(), (map[string]string{"v": "act-verify", "o": "act-open", "p": "passcode", "r": "act-reveal", "i": "act-issue"}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys lead an admin to %v, want %v", got, want)
	}
	w.clock.advance(lately + time.Minute)
	b.signIn("mia", sandbox.Password)
	begins(b.get(path+"/passcode"), "act-passcode")
	b.get(path).wantNo("E-mail another passcode")
}

// TestAWorkbenchWithLittle: customers without e-mail or phone, frontdesk without
// SMS, readers who may not act.
func TestAWorkbenchWithLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	bare := views.CustomerPath(w.file("bare", "Bare AB", ""))
	for _, at := range []string{bare, bare + "/passcode"} {
		p := w.signedIn("mia").get(at)
		p.want("No number is on file.", "no e-mail address, and ATOM opens customers by e-mail", "no e-mail address to send a passcode to")
		if got := p.shortcuts(); len(got) != 1 || got["v"] != "act-verify" || len(p.begins()) > 0 {
			t.Errorf("%s: keys lead to %v, it begins at %v", at, got, p.begins())
		}
	}
	victor := w.signedIn("victor").get(bare)
	victor.want("Details", "Timeline")
	victor.wantNo("Verify the caller", "Open ATOM", "Key and token", "E-mail passcode")
	if len(victor.shortcuts()) > 0 {
		t.Errorf("keys lead a viewer to %v", victor.shortcuts())
	}

	silent := newWorld(t, setup{noSMS: true})
	p := silent.signedIn("mia").get(views.CustomerPath(silent.customer(emailFirst).CUID))
	p.want("Open ATOM as this customer")
	p.wantNo("Verify the caller", "Phone number")
}

// TestTheCustomersPageUpdatesByItself: a colleague's acts and where the proof of the
// caller stands come without a reload, to each as far as they may see it, and never
// a form.
func TestTheCustomersPageUpdatesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice, victor := w.signedIn("mia"), w.signedIn("alice"), w.signedIn("victor")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	alice.get(path).wantInBody(`data-live="` + path + `/events"`)
	colleague, viewer := w.listen(alice, path+"/events"), w.listen(victor, path+"/events")
	seen := func(events <-chan string, texts ...string) string {
		t.Helper()
		for e := range events {
			if strings.Contains(e, "<form") || strings.Contains(e, "<input") || strings.Contains(e, "<button") {
				t.Errorf("a form comes by itself:\n%s", e)
			}
			if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(e, text) }) {
				return e
			}
		}
		t.Fatalf("%q did not come", texts)
		return ""
	}
	seen(colleague, "Nothing yet.", `hx-swap-oob="true"`, "Verify the caller by SMS")
	if first := seen(viewer, "Nothing yet."); strings.Contains(first, "caller-state") {
		t.Errorf("a viewer is told of callers:\n%s", first)
	}

	mia.submit(mia.get(path), path+"/passcode", nil).wantStatus(http.StatusSeeOther)
	seen(colleague, "e-mail passcode", "Mia Moreau", "done")
	page := mia.follow(mia.submit(mia.get(path), "/sms", nil))
	seen(colleague, "A code is on its way to the caller", "Mia Moreau", ">Enter it</a>")
	action := page.codeForm()
	id := strings.Split(action, "/")[2]
	page.wantInBody(`data-live="` + path + `/events?code=` + id + `"`)
	own := w.listen(mia, path+"/events?code="+id)
	if first := seen(own, "A code is on its way to the caller"); strings.Contains(first, "Enter it") || strings.Contains(first, "data-over") {
		t.Errorf("the page with the field is told:\n%s", first)
	}
	code := w.lastCode(w.entries(audit.Filter{What: desk.WhatSendSMS})[0].On.Name)
	mia.submit(page, action, url.Values{"code": {code}}).wantStatus(http.StatusSeeOther)
	seen(colleague, "Caller verified", "The caller is verified")
	if last := seen(own, "data-over", "Caller verified"); strings.Contains(last, code) {
		t.Error("the code is in it")
	}
	w.clock.advance(desk.ProofHolds)
	seen(colleague, "Verify the caller by SMS")
	for {
		select {
		case e := <-viewer:
			if strings.Contains(e, "Mia") {
				t.Errorf("a viewer is told of others' acts:\n%s", e)
			}
			continue
		default:
		}
		break
	}
	victor.do(http.MethodHead, path+"/events", nil).wantStatus(http.StatusOK) // and does not stay
	victor.get("/customers/nobody/events").wantStatus(http.StatusNotFound)
}

// TestNothingIsSentBecauseTimePassed: only what happened is.
func TestNothingIsSentBecauseTimePassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	b.submit(b.get(path), "/sms", nil).wantStatus(http.StatusSeeOther)
	events := w.listen(b, path+"/events")
	<-events
	for range 3 {
		w.clock.advance(10 * time.Second)
		time.Sleep(eventsEvery)
	}
	select {
	case e := <-events:
		if e != "beat: " {
			t.Errorf("sent again:\n%s", e)
		}
	default:
	}
}
