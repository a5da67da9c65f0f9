package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestAdminsSeeAndLiftWaits: waits are kept in the database, and an admin
// sees and lifts them.
func TestAdminsSeeAndLiftWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	admin, b := w.signedIn("alice"), w.browser()
	admin.get("/staff").wantNo("Waiting at sign-in")
	for range 4 {
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
	}
	w.restart()
	for range 3 {
		b.signIn("mia", "wrong").wantStatus(http.StatusUnauthorized)
		w.clock.advance(2100 * time.Millisecond)
	}
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusTooManyRequests)
	w.restart()
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusTooManyRequests)

	// Who waits, for admins only.
	page := admin.get("/staff")
	page.want("Waiting at sign-in", "Mia Moreau", "7 refusals", "may try again in")
	lift := page.form("/staff/throttle/lift").filled(nil)
	w.signedIn("victor").post("/staff/throttle/lift", lift).wantStatus(http.StatusForbidden)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusTooManyRequests)
	done := admin.post("/staff/throttle/lift", lift)
	done.wantStatus(http.StatusSeeOther)
	after := admin.follow(done)
	after.want("The wait is lifted")
	after.wantNo("Waiting at sign-in")
	if e := w.entries(audit.Filter{What: desk.WhatLift}); len(e) != 1 || e[0].Who.Username != "alice" || e[0].On.Name != "customer:mia" {
		t.Errorf("recorded as %+v", e)
	}
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
	again := admin.post("/staff/throttle/lift", lift)
	admin.follow(again).want("There is no wait to lift any more.")

	// Strangers' names stand there as what they are.
	for range 5 {
		b.signIn("stranger", "wrong")
	}
	admin.get("/staff").want("stranger", "not staff")
}

// TestAllOtherSessions: one's own, and nobody else's.
func TestAllOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	here, there, elsewhere, victor := w.signedIn("mia"), w.signedIn("mia"), w.signedIn("mia"), w.signedIn("victor")
	if w.signedIn("alice").get("/sessions").hasForm("/sessions/others/revoke") {
		t.Error("offered to end others where there are none")
	}
	p := here.get("/sessions")
	p.want("End my 2 other sessions")
	done := here.submit(p, "/sessions/others/revoke", nil)
	here.follow(done).want("Your 2 other sessions are ended.")
	for name, b := range map[string]*browser{"there": there, "elsewhere": elsewhere} {
		if at := b.get("/customers").location(); at != "/login" {
			t.Errorf("%s goes on: led to %q", name, at)
		}
		b.get("/login").want("Your session has ended. Sign in to go on.")
	}
	here.get("/").wantStatus(http.StatusOK)
	victor.get("/").wantStatus(http.StatusOK)
	if e := w.entries(audit.Filter{What: desk.WhatRevoke}); len(e) != 1 || !strings.Contains(e[0].Detail, "2 sessions") {
		t.Errorf("recorded as %+v", e)
	}
	here.follow(here.post("/sessions/others/revoke", nil)).want("You have no other sessions.")
}

// TestRevealingATokenWantsThePassword: like every reveal, once the password
// was given too long ago; and the session has a new token then.
func TestRevealingATokenWantsThePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("victor")
	began := w.sessionOf("victor").CreatedAt
	b.post("/tokens/cpaas", url.Values{"token": {"cpaas-0123456789"}}).wantStatus(http.StatusSeeOther)
	w.clock.advance(16 * time.Minute)
	for which, shows := range map[string]string{"portal": "", "cpaas": "cpaas-0123456789"} {
		for password, says := range map[string]string{"": "Enter your portal password again", "wrong": "not the password of victor"} {
			p := b.post("/tokens/reveal", url.Values{"which": {which}, "password": {password}})
			p.wantStatus(http.StatusUnprocessableEntity)
			p.want(says)
			p.wantErrors("password")
			p.wantNo("cpaas-0123456789")
		}
		before := b.jarCookie("session").Value
		p := b.follow(b.submit(b.get("/tokens"), "/tokens/reveal", url.Values{"which": {which}, "password": {sandbox.Password}}))
		p.wantStatus(http.StatusOK)
		if got := p.byID("shown-token"); got == "" || shows != "" && got != shows {
			t.Errorf("%s: shown %q", which, got)
		}
		if b.jarCookie("session").Value == before || w.with(before).get("/").location() != "/login" {
			t.Errorf("%s: the session's token is the former one", which)
		}
		w.clock.advance(16 * time.Minute)
	}
	if s := w.sessionOf("victor"); !s.CreatedAt.Equal(began) {
		t.Errorf("the session began at %v, and says %v", began, s.CreatedAt)
	}
}

// TestDisabledPeopleAreToldSo, once the portal has said who they are, and not
// before.
func TestDisabledPeopleAreToldSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice := w.signedIn("alice")
	mia, err := w.db.StaffByLogin(t.Context(), "customer", "mia")
	if err != nil {
		t.Fatal(err)
	}
	alice.post(fmt.Sprintf("/staff/%d", mia.ID), url.Values{"state": {"disabled"}}).wantStatus(http.StatusSeeOther)
	told := w.browser().signIn("mia", sandbox.Password)
	told.wantStatus(http.StatusForbidden)
	told.want("Your access to frontdesk is switched off", "an admin of frontdesk has disabled you")
	again := alice.post("/staff", url.Values{"portal": {"customer"}, "username": {"mia"}, "role": {"viewer"}})
	again.wantStatus(http.StatusUnprocessableEntity)
	again.want("on the staff list already, disabled: make Mia Moreau active below")
	stranger := w.browser().signIn("mia", "wrong")
	stranger.wantStatus(http.StatusUnauthorized)
	stranger.wantNo("switched off", "disabled")
}

// TestAnOldStaffPageTakesNothingBack: each row posts role and state together, so
// a page from before a change would undo it.
func TestAnOldStaffPageTakesNothingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	one, other := w.signedIn("alice"), w.signedIn("alice")
	row := "/staff/" + w.staffID("mia")
	old := one.get("/staff")
	other.submit(other.get("/staff"), row, url.Values{"state": {"disabled"}}).wantStatus(http.StatusSeeOther)
	p := one.submit(old, row, url.Values{"role": {"viewer"}}) // which says that she is active, too
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("Mia Moreau was changed meanwhile: look again")
	if s, err := w.db.StaffByLogin(t.Context(), "customer", "mia"); err != nil || s.Active || s.Role != store.Manager {
		t.Errorf("changed all the same: %+v, %v", s, err)
	}
	// The row shows what is, and can be sent as it is now.
	if now := p.form(row).values; now.Get("role") != "manager" || now.Get("state") != "disabled" {
		t.Errorf("the row shows %v", now)
	}
	one.submit(p, row, url.Values{"role": {"viewer"}}).wantStatus(http.StatusSeeOther)
	// A row that is refused for another reason shows what was chosen, and still knows what is.
	self := "/staff/" + w.staffID("alice")
	p = one.submit(one.get("/staff"), self, url.Values{"role": {"viewer"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	if now := p.form(self).values; now.Get("role") != "viewer" || now.Get("was_role") != "admin" || now.Get("was_state") != "active" {
		t.Errorf("the row shows %v", now)
	}
	// A script that says nothing of what was is taken at its word.
	one.post(row, url.Values{"role": {"manager"}, "state": {"active"}}).wantStatus(http.StatusSeeOther)
}
