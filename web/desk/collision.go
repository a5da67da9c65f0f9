package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// shieldHolds is how long a colleague's act on a customer stands in the way of
// the same one by somebody else, until they say that they mean it.
const shieldHolds = 2 * time.Minute

// shielded are the acts that collide, by what they do to the customer: those
// of one kind undo or repeat each other.
var shielded = map[string]shield{
	WhatSSO:          {"open", "opened ATOM as this customer", "is opening ATOM as this customer", "You would both be at work in the same account."},
	WhatSendPasscode: {"passcode", "e-mailed a passcode to this customer", "is e-mailing a passcode to this customer", "Another passcode would replace the one that the customer is waiting for."},
	WhatRedeem:       {"issue", "got this customer's key and token by passcode", "is getting this customer's key and token by passcode", replaces},
	WhatByCUID:       {"issue", "issued this customer's key and token", "is issuing this customer's key and token", replaces},
	WhatNoPasscode:   {"issue", "issued this customer's key and token", "is issuing this customer's key and token", replaces},
	WhatSendSMS:      {"sms", "sent a code to this number", "is sending a code to this number", "The customer would get two codes."},
}

const replaces = "Doing it again may replace the key and token that were handed over just now."

type shield struct {
	kind, done, doing, means string
}

// Collision is the same act on the same customer by a colleague, just now.
type Collision struct {
	Act   string
	ID    int64 // of its last entry
	Who   string
	At    time.Time // when it began
	Open  bool      // it is still under way
	other string    // the customer, when it is another one with the same e-mail
	shield
}

// What says what the colleague did or does: "Mia e-mailed a passcode …".
func (c *Collision) What() string {
	text := c.done
	if c.Open {
		text = c.doing
	}
	if c.other != "" { // ATOM finds customers by e-mail
		text = strings.Replace(text, "this customer", c.other, 1) + ", who has the same e-mail,"
	}
	return c.Who + " " + text
}

// Colleagues are the colleagues' acts on a customer that an act of by's would
// collide with, by the kind of act: "open", "passcode" or "issue"; same are the
// customers who share its e-mail.
func (d *Desk) Colleagues(ctx context.Context, by Actor, cuid string, same []string) (map[string]*Collision, error) {
	recent, err := d.recent(ctx, d.Store, by, withOthers(cuid, same))
	if err != nil {
		return nil, err
	}
	found := map[string]*Collision{}
	for _, kind := range []string{"open", "passcode", "issue"} {
		if c := recent.last(kind, cuid); c != nil {
			found[kind] = c
		}
	}
	return found, nil
}

// sharing are the subject itself and the customers with its e-mail.
func (d *Desk) sharing(ctx context.Context, on audit.Subject) ([]string, error) {
	if on.Email == "" {
		return []string{on.ID}, nil
	}
	same, err := d.Store.SharingEmail(ctx, on.Email)
	return withOthers(on.ID, same), err
}

// withOthers is one first, and then the others of same.
func withOthers(one string, same []string) []string {
	all := []string{one}
	for _, cuid := range same {
		if cuid != one {
			all = append(all, cuid)
		}
	}
	return all
}

// acts reads the log, as it is or as a transaction sees it.
type acts interface {
	ActsOn(ctx context.Context, on string, but int64, since time.Time) ([]audit.Entry, error)
}

// recent are the acts of colleagues that began a short while ago.
type recent struct {
	since time.Time
	acts  []audit.Entry // their intents and outcomes: subject by subject, newest first
}

// recent reads what colleagues have just begun on any of these subjects.
func (d *Desk) recent(ctx context.Context, log acts, by Actor, subjects []string) (recent, error) {
	r := recent{since: d.Now().Add(-shieldHolds)}
	for _, on := range subjects {
		entries, err := log.ActsOn(ctx, on, by.Staff.ID, r.since)
		if err != nil {
			return r, err
		}
		r.acts = append(r.acts, entries...)
	}
	return r, nil
}

// last is the last act of one kind, on own or another subject, that may have had an
// effect; nil when there is none.
func (r recent) last(kind, own string) *Collision {
	var latest *Collision
	ended := map[string]audit.Entry{}
	for _, e := range r.acts {
		s, ok := shielded[e.What]
		if !ok || s.kind != kind {
			continue
		}
		if e.Phase == audit.Outcome {
			ended[e.Act] = e
			continue
		}
		end, over := ended[e.Act]
		nothing := over && end.Result != audit.Done && end.Result != audit.Unknown
		if nothing || !e.At.After(r.since) || latest != nil && !e.At.After(latest.At) {
			continue
		}
		latest = &Collision{Act: e.Act, ID: e.ID, Who: firstOf(e.Who.Name, e.Who.Username), At: e.At, Open: !over, shield: s}
		if over {
			latest.ID = end.ID
		}
		if e.On.ID != own {
			latest.other = firstOf(e.On.Name, e.On.ID)
		}
	}
	return latest
}

// shield refuses an act that a colleague has just done, or is doing, on the
// same subject, unless the person has been told of it and goes on in spite of
// it. It is part of the transaction that records the intent: of two at once,
// the second is told. cuids are whom the act is on, see sharing.
func (d *Desk) shield(ctx context.Context, tx *store.Tx, a *act, cuids []string) error {
	s, ok := shielded[a.What]
	if !ok {
		return nil
	}
	recent, err := d.recent(ctx, tx, a.By, cuids)
	if err != nil {
		return err
	}
	c := recent.last(s.kind, a.On.ID)
	if c == nil {
		return nil
	}
	if a.By.Despite == c.Act {
		a.Note = joined(fmt.Sprintf("in spite of %s's, entry %d", c.Who, c.ID), a.Note)
		return nil
	}
	when := " " + agoWords(d.Now().Sub(c.At))
	if c.Open {
		when = " right now"
	}
	return &Problem{Kind: Invalid, Title: c.What() + when, Despite: c.Act,
		Text: "Nothing was sent. " + c.means, Advice: "Ask " + c.Who + " first. If you mean it, press the button once more."}
}

func agoWords(d time.Duration) string {
	if d < 2*time.Second {
		return "just now"
	}
	return waitWords(d.Truncate(time.Second)) + " ago"
}
