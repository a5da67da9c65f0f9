package handlers

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestCollisionShield: the page says what a colleague has just done, and a
// deliberate second click does it all the same; without JavaScript too.
func TestCollisionShield(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	send := func(b *browser, p *page) *page { return b.submit(p, path+"/passcode", nil) }

	early := alice.get(path + "/passcode") // open since before Mia acts
	early.wantNo("all the same", "data-near")
	send(mia, mia.get(path+"/passcode")).wantStatus(http.StatusSeeOther)
	w.clock.advance(40 * time.Second)

	mark := w.mark()
	told := send(alice, early)
	told.wantStatus(http.StatusUnprocessableEntity)
	told.want("Mia Moreau e-mailed a passcode to this customer 40 seconds ago", "Nothing was sent.", "would replace the one", "Ask Mia Moreau first", "another passcode all the same")
	if calls := w.calls(mark); len(calls) != 0 {
		t.Errorf("told, and called %v", calls)
	}
	now := alice.get(path + "/passcode") // opened since: says so before the click, which is no leave yet
	now.want("Mia Moreau e-mailed a passcode to this customer")
	now.wantNo("all the same")
	send(alice, now).wantStatus(http.StatusUnprocessableEntity)
	done := send(alice, told)
	done.wantStatus(http.StatusSeeOther)
	if calls := w.calls(mark); len(calls) != 1 {
		t.Errorf("the second click called %v", calls)
	}
	if e := w.entries(audit.Filter{What: desk.WhatSendPasscode}); len(e) != 2 || e[0].Who.Username != "alice" {
		t.Errorf("recorded as %+v", e)
	}

	// Alice's is in Mia's way now, and a wrong passcode keeps the leave.
	typed := url.Values{"passcode": {w.lastCode(emailFirst)}}
	alice.submit(alice.get(path+"/passcode"), path+"/passcode/redeem", typed).wantStatus(http.StatusSeeOther)
	p := mia.submit(mia.get(path+"/passcode"), path+"/passcode/redeem", url.Values{"passcode": {"000000x"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("Alice Andersson got this customer", "Get key and token all the same")
	p = mia.submit(p, path+"/passcode/redeem", url.Values{"passcode": {"000000x"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("passcode")
	p.want("Get key and token all the same")

	// SSO and issuing, on the customer's page.
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	p = alice.submit(alice.get(path), path+"/sso", url.Values{"reason": {"ticket 7"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("Mia Moreau opened ATOM as this customer", "at work in the same account", "Open as customer all the same")
	if got := p.form(path + "/sso").filled(nil).Get("reason"); got != "ticket 7" {
		t.Errorf("the reason is %q now", got)
	}
	alice.submit(p, path+"/sso", nil).wantStatus(http.StatusSeeOther)

	w.clock.advance(3 * time.Minute)
	mia.get(path).wantNo("data-near")
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
}

// TestRotationTruth: what would be replaced, before; whether it was, after.
func TestRotationTruth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia := w.signedIn("alice"), w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	issue := func() *page {
		p := alice.submit(alice.get(path), path+"/credentials", url.Values{"method": {"cuid"}, "reason": {"ticket"}, "password": {sandbox.Password}})
		p.wantStatus(http.StatusSeeOther)
		return alice.follow(p)
	}
	alice.get(path).want("frontdesk has issued none yet")
	mia.get(path + "/passcode").want("frontdesk has issued none yet")
	issue().want("held no earlier key and token")

	w.clock.advance(16 * time.Minute)
	alice.get(path).want("Last issued", "by Alice Andersson, issued by cuid", "never shown again since")
	mia.submit(mia.get(path), path+"/credentials/reveal", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
	alice.get(path).want("last shown", "by Mia Moreau")
	mia.get(path+"/passcode").want("Last issued", "last shown")

	p := issue()
	p.want("ATOM gave a new key and a new token", "stops working", "The earlier ones came in", "by Alice Andersson")
	alice.get(path).want("never shown again since") // these were not
}

// TestTheShieldSeesOtherCustomersOfTheEmail: ATOM finds customers by e-mail, so
// a colleague's act on another one with the same address is in the way too.
func TestTheShieldSeesOtherCustomersOfTheEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	same, err := w.db.CustomersByEmail(t.Context(), emailShared)
	if err != nil || len(same) < 2 {
		t.Fatalf("%d customers share an e-mail, %v", len(same), err)
	}
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	one, two := views.CustomerPath(same[0].CUID)+"/passcode", views.CustomerPath(same[1].CUID)+"/passcode"
	mia.submit(mia.get(one), one, nil).wantStatus(http.StatusSeeOther)
	told := alice.submit(alice.get(two), two, nil)
	told.wantStatus(http.StatusUnprocessableEntity)
	told.want("Mia Moreau e-mailed a passcode to " + same[0].Company + ", who has the same e-mail, just now")
	alice.submit(told, two, nil).wantStatus(http.StatusSeeOther)
}

// TestRefusalsDoNotBlindTheShield: however many posts of others were refused on
// the customer since, a colleague's act is seen.
func TestRefusalsDoNotBlindTheShield(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice, victor := w.signedIn("mia"), w.signedIn("alice"), w.signedIn("victor")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mia.submit(mia.get(path+"/passcode"), path+"/passcode", nil).wantStatus(http.StatusSeeOther)
	for range 80 {
		victor.post(path+"/sso", nil).wantStatus(http.StatusForbidden)
	}
	alice.submit(alice.get(path+"/passcode"), path+"/passcode", nil).want("Mia Moreau e-mailed a passcode to this customer")
}

// TestALostIssueIsPointedOut: it may have replaced what is said to be the last.
func TestALostIssueIsPointedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice := w.signedIn("alice")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	issue := func(status int) {
		t.Helper()
		alice.submit(alice.get(path), path+"/credentials", url.Values{"method": {"cuid"}, "reason": {"why"}}).wantStatus(status)
	}
	w.fault(`{"service": "atom", "lose_answer": true}`)
	issue(http.StatusBadGateway)
	w.calm()
	for _, at := range []string{path, path + "/passcode"} {
		p := alice.get(at)
		p.want("An attempt", "by Alice Andersson got no answer from ATOM: it may have replaced them", "frontdesk has issued none yet")
	}
	w.clock.advance(time.Second)
	issue(http.StatusSeeOther) // since then it is known
	p := alice.get(path)
	p.want("Last issued")
	p.wantNo("got no answer")
}
