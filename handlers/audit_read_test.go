package handlers

import (
	"context"
	"net/http"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// Reading other people's entries is on record, once for what is read again and
// for each page of it; one's own are one's own.
func TestReadingTheLogIsOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 5})
	alice, victor, mia := w.signedIn("alice"), w.signedIn("victor"), w.signedIn("mia")
	readings := func(who string) []audit.Entry { return w.entries(audit.Filter{What: desk.WhatReadLog, Who: who}) }

	victor.get("/audit").wantStatus(http.StatusOK)
	victor.get("/audit?outcome=done").wantStatus(http.StatusOK)
	own := w.entries(audit.Filter{What: desk.WhatSignIn, Who: "victor"})[0]
	victor.get(auditRow(t.Context(), own).Path()).wantStatus(http.StatusOK)
	if got := readings("victor"); len(got) != 0 {
		t.Errorf("own entries: %+v", got)
	}

	for range 2 {
		alice.get("/audit").wantStatus(http.StatusOK)
		alice.get("/audit?outcome=done&cursor=5").wantStatus(http.StatusOK)
		alice.get("/audit?outcome=done").wantStatus(http.StatusOK)
		alice.get(auditRow(t.Context(), own).Path()).wantStatus(http.StatusOK)
	}
	var details []string
	for _, e := range readings("alice") {
		details = append(details, e.Detail)
	}
	want := []string{"entry " + itoa(own.ID), "entries filtered by outcome=done", "everybody's entries"}
	if len(details) != len(want) || details[0] != want[0] || details[1] != want[1] || details[2] != want[2] {
		t.Errorf("on record: %q, want %q", details, want)
	}
	w.clock.advance(11 * time.Minute)
	alice.get("/audit").wantStatus(http.StatusOK)
	if got := len(readings("alice")); got != len(want)+1 {
		t.Errorf("%d readings, want one more for a later look", got)
	}

	// A manager reads what others did on a customer.
	cuid := w.customer(emailFirst).CUID
	mia.get("/audit?on=" + cuid).wantStatus(http.StatusOK)
	if got := readings("mia"); len(got) != 1 || got[0].On.ID != cuid {
		t.Errorf("a customer's timeline: %+v", got)
	}
}

func itoa(n int64) string {
	return auditRow(context.Background(), audit.Entry{ID: n}).Path()[len("/audit/"):]
}

// An admin has the whole log verified and sees what was found, on the proof's
// page and on home.
func TestVerifyNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 5})
	alice := w.signedIn("alice")
	alice.get("/audit/proof").want("Not yet since frontdesk was started")
	alice.get("/").want("not verified yet", roomLeft)
	p := alice.submit(alice.get("/audit/proof"), "/audit/verify", nil)
	alice.follow(p).want("are as they were written")
	alice.get("/").want("holds")

	if _, err := w.desk.VerifyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sql(dropTrigger("audit_no_update"), `UPDATE audit_entries SET detail = 'nothing happened' WHERE id = 3`)
	p = alice.submit(alice.get("/audit/proof"), "/audit/verify", nil)
	alice.follow(p).want("The log does not hold", "entry 3")
	alice.get("/").want("The audit log does not hold", "entry 3", "does not hold")
}

func TestRunway(t *testing.T) {
	for _, c := range []struct {
		free    int64
		entries int
		want    int
	}{{800_000, 10, 100}, {800_000, 0, 1000}, {0, 10, 0}, {1 << 40, 1_000_000, 1374}} {
		if got := runway(c.free, c.entries); got != c.want {
			t.Errorf("%d bytes at %d entries a day last %d days, want %d", c.free, c.entries, got, c.want)
		}
	}
}
