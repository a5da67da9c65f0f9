package desk

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The sign-in throttle (product.md §2): after this many refusals within the
// window, a wait that doubles from a second up to the window.
const (
	throttleWindow  = 15 * time.Minute
	throttleUser    = 5
	throttleAddress = 30
)

// userSubject and addressSubject are who is counted.
func userSubject(portal, username string) string {
	return userPrefix + portal + ":" + store.FoldUsername(username)
}

// addressSubject is an IPv4 address, or the /64 of an IPv6 one: whoever has one
// address of those has them all.
func addressSubject(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		address = netip.PrefixFrom(ip, 64).Masked().String()
	}
	return addressPrefix + address
}

const userPrefix, addressPrefix = "user:", "address:"

func limitOf(subject string) int {
	if strings.HasPrefix(subject, userPrefix) {
		return throttleUser
	}
	return throttleAddress
}

// refusal is one that was counted before the call, and the record without it.
type refusal struct {
	at     time.Time
	before store.Throttle
}

// hold is a wait that the throttle imposes.
type hold struct {
	wait    time.Duration // from now; 0: none
	subject string        // who or what waits
	since   time.Time     // the refusal that it follows
}

// throttle returns how long user or address must wait; when neither must, it
// counts a refusal for both and notes them in counted.
func (d *Desk) throttle(ctx context.Context, tx *store.Tx, user, address string, counted map[string]refusal) (hold, error) {
	var held hold
	limits := map[string]int{user: throttleUser, address: throttleAddress}
	for subject, limit := range limits {
		t, err := tx.Throttle(ctx, subject, limit, throttleWindow)
		if err != nil {
			return hold{}, err
		}
		counted[subject] = refusal{before: t}
		if t.Refusals < limit {
			continue
		}
		if wait := t.Last.Add(pause(t.Refusals, limit)).Sub(d.Now()); wait > held.wait {
			held = hold{wait, subject, t.Last}
		}
	}
	if held.wait > 0 {
		return held, nil
	}
	for subject, limit := range limits {
		at, err := tx.AddRefusal(ctx, subject, limit, throttleWindow)
		if err != nil {
			return hold{}, err
		}
		counted[subject] = refusal{at: at, before: counted[subject].before}
	}
	return hold{}, nil
}

// holds remembers which waits are on record: the first try during each is, and
// those who go on trying must not fill the log.
type holds struct {
	mu   sync.Mutex
	told map[string]time.Time // by subject: the refusal that the wait follows
}

// first tells whether this is the first try during h.
func (m *holds) first(h hold) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told[h.subject].Equal(h.since) {
		return false
	}
	if m.told == nil || len(m.told) > 10_000 { // some waits may be recorded twice then
		m.told = map[string]time.Time{}
	}
	m.told[h.subject] = h.since
	return true
}

// pause is how long the next try waits after so many refusals.
func pause(refusals, limit int) time.Duration {
	return time.Duration(math.Min(float64(throttleWindow), float64(time.Second)*math.Pow(2, float64(refusals-limit))))
}

// HeldUp is somebody, or an address, that the throttle makes wait.
type HeldUp struct {
	Subject  string
	Portal   string // of a username
	Username string // "" for an address
	Address  string // or the network, for IPv6
	Refusals int
	Last     time.Time // the latest refusal
	Until    time.Time // when the next try is let through; past when it is already
}

// HeldUp lists whom the throttle makes wait, the latest first.
func (d *Desk) HeldUp(ctx context.Context) ([]HeldUp, error) {
	records, err := d.Store.Throttles(ctx, throttleUser, throttleAddress, throttleWindow)
	if err != nil {
		return nil, err
	}
	var all []HeldUp
	for _, t := range records {
		h := HeldUp{Subject: t.Subject, Refusals: t.Refusals, Last: t.Last, Until: t.Last.Add(pause(t.Refusals, limitOf(t.Subject)))}
		if rest, ok := strings.CutPrefix(t.Subject, userPrefix); ok {
			h.Portal, h.Username, _ = strings.Cut(rest, ":")
		} else {
			h.Address = strings.TrimPrefix(t.Subject, addressPrefix)
		}
		all = append(all, h)
	}
	return all, nil
}

// LiftThrottle forgets the refused sign-ins of a subject, so that the next try
// is let through at once. ErrNotFound when it has none.
func (d *Desk) LiftThrottle(ctx context.Context, by Actor, subject string) error {
	if err := by.may(store.Admin); err != nil {
		return err
	}
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		t, err := tx.Throttle(ctx, subject, limitOf(subject), throttleWindow)
		if err != nil {
			return err
		}
		if t.Refusals == 0 { // it has run out meanwhile, or a colleague was quicker
			return store.ErrNotFound
		}
		if err := tx.ClearRefusals(ctx, subject); err != nil {
			return err
		}
		_, name, _ := strings.Cut(subject, ":")
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatLift, On: audit.Subject{ID: "sign-in:" + subject, Name: name}, Result: audit.Done,
			Detail: plural(t.Refusals, "refused sign-in") + " forgotten",
		})
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unrecorded(err)
	}
	return err
}
