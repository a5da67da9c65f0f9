package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// novelties waits until so many are told of: they are stored behind the calls' backs.
func (w *world) novelties(n int) (all []store.Learned) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all, err := w.db.Novelties(w.t.Context(), 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(all) == n {
			return all
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d novelties, want %d: %+v", len(all), n, all)
		}
	}
}

// learned waits until the first list of customers is.
func (w *world) learned() {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all, err := w.db.AllLearned(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if slices.ContainsFunc(all, func(l store.Learned) bool { return l.What == "answer[].company: string" }) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("the list was not learned: %+v", all)
		}
	}
}

// TestWhatIsNewInAnswersIsShownToAdmins: home points it out to admins until one of
// them says to have seen it, and never again.
func TestWhatIsNewInAnswersIsShownToAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	w.learned()
	w.clock.advance(25 * time.Hour)
	alice, mia, victor := w.signedIn("alice"), w.signedIn("mia"), w.signedIn("victor")
	alice.get("/").wantNo("answers in a new way")

	w.fault(`{"service": "atom", "extra_field": "loyaltyTier"}`)
	w.refresh()
	w.novelties(1)
	home := alice.get("/")
	home.want("ATOM answers in a new way: list customers", "new field answer[].loyaltyTier: string", "First seen")
	for _, b := range []*browser{mia, victor} {
		p := b.get("/")
		p.wantNo("answers in a new way", "loyaltyTier")
		if p.hasForm("/novelties/seen") {
			t.Error("the button is offered to others than admins")
		}
	}
	alice.get("/", "Accept-Language", "sv").want("ATOM svarar på ett nytt sätt: lista kunder", "nytt fält answer[].loyaltyTier: string", "Först sett")
	// Another page of the same, loaded earlier, takes nothing twice.
	after := alice.follow(alice.submit(home, "/novelties/seen", nil))
	after.want("On record as seen. It is not pointed out any more.")
	after.wantNo("answers in a new way")
	alice.submit(home, "/novelties/seen", nil).wantStatus(http.StatusSeeOther)
	if e := w.entries(audit.Filter{What: desk.WhatSeeNovelty}); len(e) != 1 || e[0].Who.Username != "alice" || !strings.Contains(e[0].Detail, "loyaltyTier") {
		t.Errorf("recorded %+v", e)
	}

	w.restart()
	w.refresh()
	alice.get("/").wantNo("answers in a new way")
	// The same field is met by the list after the restart, and only another one is new.
	w.fault(`{"service": "atom", "extra_field": "anotherField"}`)
	w.refresh()
	if all := w.novelties(1); all[0].What != "answer[].anotherField: string" {
		t.Errorf("%+v", all)
	}
	p := alice.get("/")
	p.want("new field answer[].anotherField: string")
	p.wantNo("loyaltyTier")
}

// TestManyNoveltiesOfACall: one item names some of them and takes all as seen; each
// kind is said in the reader's language.
func TestManyNoveltiesOfACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	alice := w.signedIn("alice")
	calls := []string{"list customers", "read customer", "open SSO", "send passcode", "send code", "read code", "list codes", "verify code", "read SMS settings", "change SMS settings"}
	kinds := []string{"field", "type", "message", "status", "host", "many"}
	n := 0
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		for _, name := range calls {
			for _, kind := range kinds {
				n++
				if _, err := tx.Learn(t.Context(), store.Learned{Service: "atom", Endpoint: name, Kind: kind, What: "<b>" + kind + "</b>", FirstSeen: w.clock.Now()}, true); err != nil {
					return err
				}
			}
		}
		for i := range noveltiesShown {
			n++
			if _, err := tx.Learn(t.Context(), store.Learned{Service: "ip1", Endpoint: "send code", Kind: "field", What: strings.Repeat("a", i+1), FirstSeen: w.clock.Now()}, true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sv := alice.get("/", "Accept-Language", "sv")
	for _, name := range calls {
		sv.wantNo(": "+name, ": "+string(desk.CallName(name)))
	}
	sv.want("nytt fält <b>field</b>", "ett fält av ny typ <b>type</b>", "nytt meddelande ”<b>message</b>”", "ny status <b>status</b>", "SSO leder till en ny värd, <b>host</b>")
	for n > 0 {
		p := alice.get("/")
		if !p.hasForm("/novelties/seen") {
			t.Fatalf("%d are left and not shown", n)
		}
		if n == noveltiesShown {
			p.want("iP1 answers in a new way: send SMS code", "and 84 more")
		}
		alice.submit(p, "/novelties/seen", nil).wantStatus(http.StatusSeeOther)
		left := len(w.novelties(n - seenWith(p)))
		n = left
	}
	alice.get("/").wantNo("answers in a new way")
}

// seenWith is how many the page's first button takes as seen.
func seenWith(p *page) int { return len(p.form("/novelties/seen").filled(nil)["id"]) }
