package desk

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"frontdesk/store/audit"
)

// What is learnt from the passcodes of before, and how much of it is kept: some
// megabytes at most, of the latest.
const (
	passcodeFlow  = time.Hour        // a passcode that was not redeemed by then was not used
	resendHelps   = 10 * time.Minute // a redeem so soon after another e-mail is taken as its doing
	habitLeast    = 3                // flows before anything is said of a domain
	habitKept     = 100              // flows of one domain
	habitKeptAll  = 1000             // flows of all domains together
	habitDomains  = 20_000           // domains on their own; further ones count among all
	habitEntries  = 50_000           // of the log, at a start
	habitCatchUps = time.Minute      // between tries when the log cannot be read, and looks for what other replicas did
)

// Concierge is what is known before a customer reads out their passcode.
type Concierge struct {
	Domain   string        // of their e-mail, when it has a history of its own; "" for everybody's
	Flows    int           // that were redeemed; 0: nothing is known, and the rest is zero
	Usual    time.Duration // from the first e-mail to the redeem, in whole minutes: the median
	Longest  time.Duration // the same of nine in ten
	Resent   int           // flows with another e-mail before the redeem, or before nothing came of it
	Helped   int           // of these, redeemed within 10 minutes of it
	Measured bool          // there are enough of Resent to speak of
}

// Concierge tells how long customers on an e-mail's domain usually need to read
// out a passcode: from its own history, or from everybody's when that is short.
// It asks nobody and reads no database.
func (d *Desk) Concierge(email string) Concierge {
	return d.habits.of(DomainOf(email))
}

// habit is how it went on one domain.
type habit struct {
	minutes        []uint8 // from the first e-mail to the redeem, rounded up; the latest last
	resent, helped int
}

// flow is a passcode that was e-mailed and not redeemed yet.
type flow struct {
	domain      string
	first, last time.Time // e-mails; the same while it was not sent again
}

// habits is what the log says of passcodes, kept in step with it by one job. Its
// zero value is ready, and knows nothing.
type habits struct {
	mu      sync.RWMutex
	domains map[string]*habit
	all     habit

	// The rest is the job's alone.
	read int64 // the log's entries up to this ID are in
	open map[string]flow
}

// of returns what is known of a domain.
func (h *habits) of(domain string) Concierge {
	h.mu.RLock()
	defer h.mu.RUnlock()
	of, named := &h.all, ""
	if own := h.domains[domain]; domain != "" && own != nil && len(own.minutes) >= habitLeast {
		of, named = own, domain
	}
	if len(of.minutes) < habitLeast {
		return Concierge{}
	}
	sorted := slices.Sorted(slices.Values(of.minutes))
	rank := func(percent int) time.Duration { // the nearest rank
		return time.Duration(sorted[(len(sorted)*percent+99)/100-1]) * time.Minute
	}
	return Concierge{
		Domain: named, Flows: len(sorted), Usual: rank(50), Longest: rank(90),
		Resent: of.resent, Helped: of.helped, Measured: of.resent >= habitLeast,
	}
}

// take takes in one act of the log: a passcode that was e-mailed or redeemed.
func (h *habits) take(e audit.Entry) {
	f, under := h.open[e.On.ID]
	if under && e.At.Sub(f.first) > passcodeFlow {
		h.ended(f, time.Time{})
		under = false
	}
	switch {
	case e.What == WhatSendPasscode && under:
		f.last = e.At
	case e.What == WhatSendPasscode:
		f = flow{domain: DomainOf(e.On.Email), first: e.At, last: e.At}
	default:
		if under {
			h.ended(f, e.At)
		}
		delete(h.open, e.On.ID)
		return
	}
	if h.open == nil {
		h.open = map[string]flow{}
	}
	h.open[e.On.ID] = f
}

// expire ends the flows that nothing came of. The others move to another map: the
// reading of a whole log leaves room for thousands in the one.
func (h *habits) expire(now time.Time) {
	open := map[string]flow{}
	for id, f := range h.open {
		if now.Sub(f.first) > passcodeFlow {
			h.ended(f, time.Time{})
		} else {
			open[id] = f
		}
	}
	h.open = open
}

// ended counts a flow; redeemed is zero when it was not.
func (h *habits) ended(f flow, redeemed time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all.add(f, redeemed, habitKeptAll)
	own := h.domains[f.domain]
	if own == nil {
		if f.domain == "" || len(h.domains) >= habitDomains {
			return
		}
		if h.domains == nil {
			h.domains = map[string]*habit{}
		}
		own = &habit{}
		h.domains[f.domain] = own
	}
	own.add(f, redeemed, habitKept)
}

func (h *habit) add(f flow, redeemed time.Time, most int) {
	if f.last.After(f.first) {
		if h.resent >= most { // what is latest counts: the older half is forgotten
			h.resent, h.helped = h.resent/2, h.helped/2
		}
		h.resent++
		if !redeemed.IsZero() && redeemed.Sub(f.last) <= resendHelps {
			h.helped++
		}
	}
	if redeemed.IsZero() {
		return
	}
	if len(h.minutes) >= most {
		h.minutes = slices.Delete(h.minutes, 0, 1)
	}
	took := redeemed.Sub(f.first)
	h.minutes = append(h.minutes, uint8(max(1, (took+time.Minute-1)/time.Minute))) // #nosec G115 -- 60 at most
}

// learnPasscodes reads what the log has of passcodes since the last time. It is
// called by one job only.
func (d *Desk) learnPasscodes(ctx context.Context) error {
	last, err := d.Store.DoneActs(ctx, []string{WhatSendPasscode, WhatRedeem}, d.habits.read, habitEntries, func(e audit.Entry) {
		if e.Phase == audit.Outcome { // not the note on another customer's timeline
			d.habits.take(e)
		}
		d.habits.read = e.ID // so that nothing counts twice when the reading breaks off
	})
	if err != nil {
		return err
	}
	d.habits.read = last
	d.habits.expire(d.Now())
	return nil
}

// followPasscodes reads the log's passcodes at the start, and goes on with it
// after each that was e-mailed or redeemed here; what other replicas did it reads
// later.
func (d *Desk) followPasscodes(ctx context.Context) {
	for {
		var later <-chan time.Time
		err := d.learnPasscodes(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("learn how long passcodes take", "error", err)
		}
		if err != nil || d.Store.Shared() {
			later = time.After(habitCatchUps)
		}
		select {
		case <-ctx.Done():
			return
		case <-d.learnt:
		case <-later:
		}
	}
}

// passcodeDone has followPasscodes go on.
func (d *Desk) passcodeDone() {
	select {
	case d.learnt <- struct{}{}:
	default: // it is about to
	}
}

// DomainOf is the part of an e-mail address behind the @, in small letters; ""
// when it has none.
func DomainOf(email string) string {
	email = strings.TrimSpace(email)
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(email[at+1:])
}
