package handlers

import (
	"net/http"
	"testing"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// TestWhatIsFromOutside: home points it out to those who can look into it; an
// admin takes what was shown as known, and the log keeps it.
func TestWhatIsFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia, victor := w.signedIn("alice"), w.signedIn("mia"), w.signedIn("victor")
	alice.get("/").wantNo("outside frontdesk")
	alice.get("/outside").want("Nothing from outside")
	add := func(object string) {
		if err := w.box.AddCustomer(object); err != nil {
			t.Fatal(err)
		}
		w.refresh()
	}
	add(`{"cuid": "a/stranger", "company": "<b>Stranger</b> AB", "email": "s@stranger.example"}`)
	alice.get("/").want("A customer was created outside frontdesk", "Somebody else uses the super key")
	add(`{"cuid": "other", "company": "Other AB"}`)
	for _, b := range []*browser{alice, mia} {
		p := b.get("/")
		p.want("2 customers were created outside frontdesk")
		p = b.get("/outside")
		p.want("<b>Stranger</b> AB", "s@stranger.example", "Other AB", "a/stranger")
		if offered := p.hasForm("/outside/known"); offered != (b == alice) {
			t.Errorf("the button is offered: %v", offered)
		}
		b.get(views.CustomerPath("a/stranger")).want("customer from outside") // on its timeline
	}
	victor.get("/").wantNo("outside frontdesk")

	shown := alice.get("/outside")
	add(`{"cuid": "later", "company": "Later AB"}`)
	known := alice.submit(shown, "/outside/known", nil)
	known.wantStatus(http.StatusSeeOther)
	after := alice.follow(known)
	after.want("On record as known: 2", "Later AB") // only what was shown
	after.wantNo("Other AB")
	alice.get("/").want("A customer was created outside frontdesk")
	if e := w.entries(audit.Filter{What: desk.WhatKnowOutside}); len(e) != 1 || e[0].Who.Username != "alice" || e[0].Detail != "2: customer other, customer a/stranger" {
		t.Errorf("recorded %+v", e)
	}
	if e := w.entries(audit.Filter{What: desk.WhatOutside}); len(e) != 3 {
		t.Errorf("the log keeps %d, want 3", len(e))
	}
	// Again: nothing is left of these, and nothing more is recorded.
	alice.submit(shown, "/outside/known", nil).wantStatus(http.StatusSeeOther)
	alice.submit(alice.get("/outside"), "/outside/known", nil).wantStatus(http.StatusSeeOther)
	alice.get("/").wantNo("outside frontdesk")
	if e := w.entries(audit.Filter{What: desk.WhatKnowOutside}); len(e) != 2 {
		t.Errorf("%d entries, want 2", len(e))
	}
}
