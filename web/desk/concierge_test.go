package desk

import (
	"fmt"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// passcodes records acts on a customer, each some minutes after the first: "e" is
// an e-mail, "r" a redeem, "f" a redeem that was refused.
func (r *rig) passcodes(cuid, email, acts string, minutes ...float64) {
	r.Helper()
	begun := r.Now()
	for i, act := range acts {
		r.Add(begun.Add(time.Duration(minutes[i] * float64(time.Minute))).Sub(r.Now()))
		e := audit.Entry{Act: fmt.Sprint(cuid, begun.Unix(), i), Phase: audit.Outcome, What: WhatRedeem, On: audit.Subject{ID: cuid, Email: email}, Service: "atom", Result: audit.Done}
		switch act {
		case 'e':
			e.What = WhatSendPasscode
		case 'f':
			e.Result = audit.Refused
		}
		if err := r.Store.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &e) }); err != nil {
			r.Fatal(err)
		}
	}
	r.Add(2 * time.Hour) // nothing is open when the next begins
}

func (r *rig) wantConcierge(email string, want Concierge) {
	r.Helper()
	if err := r.learnPasscodes(ctx); err != nil {
		r.Fatal(err)
	}
	if got := r.Concierge(email); got != want {
		r.Errorf("%s: %+v, want %+v", email, got, want)
	}
	// Another desk, which reads it all at its start, knows the same.
	other := New(Config{Store: r.Store, Now: r.Now})
	if err := other.learnPasscodes(ctx); err != nil {
		r.Fatal(err)
	}
	if got := other.Concierge(email); got != want {
		r.Errorf("%s after a restart: %+v, want %+v", email, got, want)
	}
}

// A domain speaks for itself from three flows on; before, all do together, and
// before that nobody.
func TestHowLongPasscodesTakeByDomain(t *testing.T) {
	r := newRig(t)
	r.wantConcierge("a@acme.example", Concierge{})
	r.passcodes("1", "a@acme.example", "er", 0, 1.5)
	r.passcodes("2", "b@ACME.example", "efr", 0, 1, 2.1) // a wrong one in between is no matter
	r.wantConcierge("a@acme.example", Concierge{})
	r.passcodes("9", "x@other.example", "er", 0, 30)
	all := Concierge{Flows: 3, Usual: 3 * time.Minute, Longest: 30 * time.Minute}
	r.wantConcierge("a@acme.example", all)
	r.wantConcierge("nobody@new.example", all)
	r.wantConcierge("", all)
	r.passcodes("1", "c@acme.example", "er", 0, 6)
	r.wantConcierge(" A@Acme.Example ", Concierge{Domain: "acme.example", Flows: 3, Usual: 3 * time.Minute, Longest: 6 * time.Minute})
	r.passcodes("1", "c@acme.example", "er", 0, 61)    // too late to be of that e-mail
	r.passcodes("1", "c@acme.example", "r", 0)         // of none
	r.passcodes("1", "c@acme.example", "err", 0, 1, 2) // the second of none
	r.wantConcierge("a@acme.example", Concierge{Domain: "acme.example", Flows: 4, Usual: 2 * time.Minute, Longest: 6 * time.Minute})
}

// Another e-mail helped when the passcode was redeemed soon after it.
func TestWhetherAnotherPasscodeHelped(t *testing.T) {
	r := newRig(t)
	const email = "a@acme.example"
	r.passcodes("1", email, "eer", 0, 8, 10) // it did
	r.passcodes("1", email, "eer", 0, 5, 20) // it took too long
	want := Concierge{}
	r.wantConcierge(email, want)
	r.passcodes("1", email, "ee", 0, 5)           // nothing came of it
	r.passcodes("1", email, "eeer", 0, 5, 30, 39) // by the latest
	want = Concierge{Domain: "acme.example", Flows: 3, Usual: 20 * time.Minute, Longest: 39 * time.Minute, Resent: 4, Helped: 2, Measured: true}
	r.wantConcierge(email, want)
	r.passcodes("1", email, "e", 0) // not sent again: says nothing
	r.wantConcierge(email, want)
	r.passcodes("1", email, "ee", 0, 61) // a new one
	r.wantConcierge(email, want)
}

// A flow that the reading came upon half-way goes on with the next reading.
func TestAFlowIsLearntAcrossReadings(t *testing.T) {
	r := newRig(t)
	by, cuid := r.mia, r.customers[0].CUID
	for range 3 {
		if _, err := r.SendPasscode(ctx, by, "", cuid); err != nil {
			t.Fatal(err)
		}
		if err := r.learnPasscodes(ctx); err != nil {
			t.Fatal(err)
		}
		r.Add(90 * time.Second)
		if _, err := r.RedeemPasscode(ctx, by, "", cuid, r.delivered()); err != nil {
			t.Fatal(err)
		}
		if err := r.learnPasscodes(ctx); err != nil {
			t.Fatal(err)
		}
		r.Add(time.Hour)
	}
	email := r.customers[0].Email
	r.wantConcierge(email, Concierge{Domain: DomainOf(email), Flows: 3, Usual: 2 * time.Minute, Longest: 2 * time.Minute})
}

// Of a long log the newest are read, and behind an ID only what came after it.
func TestTheNewestPasscodesAreRead(t *testing.T) {
	r := newRig(t)
	r.passcodes("1", "a@acme.example", "eferer", 0, 1, 2, 3, 4, 5)
	read := func(after int64, most int) (whats string, ids []int64) {
		t.Helper()
		last, err := r.Store.DoneActs(ctx, []string{WhatSendPasscode, WhatRedeem}, after, most, func(e audit.Entry) {
			whats += map[string]string{WhatSendPasscode: "e", WhatRedeem: "r"}[e.What]
			ids = append(ids, e.ID)
		})
		if newest := r.newest(1)[0].ID; err != nil || last != newest {
			t.Errorf("read up to %d of %d, %v", last, newest, err)
		}
		return whats, ids
	}
	all, ids := read(0, 100)
	newest, _ := read(0, 2)
	after, _ := read(ids[1], 100)
	none, _ := read(r.newest(1)[0].ID, 100)
	if all != "eerer" || newest != "er" || after != "rer" || none != "" {
		t.Errorf("all %q, the newest %q, after the second %q, after the last %q", all, newest, after, none)
	}
}

// What is kept is bounded, and the latest of it.
func TestHabitsAreBounded(t *testing.T) {
	var h habits
	at := start
	act := func(id, what, email string) {
		h.take(audit.Entry{At: at, What: what, On: audit.Subject{ID: id, Email: email}})
	}
	for i := range habitDomains + 10 {
		domain := fmt.Sprintf("a@%d.example", i)
		act(domain, WhatSendPasscode, domain)
		act(domain, WhatRedeem, domain)
	}
	if len(h.domains) != habitDomains || len(h.all.minutes) != habitKeptAll || len(h.open) != 0 {
		t.Errorf("%d domains, %d flows, %d open", len(h.domains), len(h.all.minutes), len(h.open))
	}
	for range habitKept {
		act("1", WhatSendPasscode, "a@1.example")
		at = at.Add(7 * time.Minute)
		act("1", WhatRedeem, "a@1.example")
	}
	if got := h.of("1.example"); got.Flows != habitKept || got.Usual != 7*time.Minute || h.domains["1.example"].minutes[0] != 7 {
		t.Errorf("the latest are %+v", got)
	}
	at = at.Add(2 * time.Hour)
	for i := range 5 {
		act(fmt.Sprint(i), WhatSendPasscode, "b@2.example")
	}
	if h.expire(at.Add(61 * time.Minute)); len(h.open) != 0 {
		t.Errorf("%d open", len(h.open))
	}
}

// BenchmarkConcierge is what the customer's page would pay.
func BenchmarkConcierge(b *testing.B) {
	var h habits
	for i := range 3 * habitKeptAll {
		e := audit.Entry{At: start, What: WhatSendPasscode, On: audit.Subject{ID: "1", Email: "a@acme.example"}}
		h.take(e)
		e.What, e.At = WhatRedeem, start.Add(time.Duration(i%50)*time.Minute)
		h.take(e)
	}
	for b.Loop() {
		h.of("other.example")
	}
}
