package desk

import (
	"context"
	"fmt"
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
	Act  string
	ID   int64 // of its last entry
	Who  string
	At   time.Time // when it began
	Open bool      // it is still under way
	shield
}

// What says what the colleague did or does: "Mia e-mailed a passcode …".
func (c *Collision) What() string {
	if c.Open {
		return c.Who + " " + c.doing
	}
	return c.Who + " " + c.done
}

// Colleagues are the colleagues' acts on a subject that an act of by's would
// collide with, by the kind of act: "open", "passcode", "issue" or "sms".
func (d *Desk) Colleagues(ctx context.Context, by Actor, on string) (map[string]*Collision, error) {
	latest, err := d.Store.LatestOn(ctx, on, shieldLooks)
	if err != nil {
		return nil, err
	}
	return d.collisions(by, latest), nil
}

// shieldLooks bounds how far the shield looks back, in entries.
const shieldLooks = 60

// collisions picks out of a subject's latest entries, newest first, the last
// act of each kind that a colleague began a short while ago, and that may have
// had an effect.
func (d *Desk) collisions(by Actor, latest []audit.Entry) map[string]*Collision {
	found := map[string]*Collision{}
	ended := map[string]audit.Entry{}
	for _, e := range latest {
		s, ok := shielded[e.What]
		if !ok || e.Who.StaffID == by.Staff.ID || e.Who.StaffID == 0 {
			continue
		}
		switch e.Phase {
		case audit.Outcome:
			ended[e.Act] = e
		case audit.Intent:
			end, over := ended[e.Act]
			if over && end.Result != audit.Done && end.Result != audit.Unknown { // it did nothing
				continue
			}
			if d.Now().Sub(e.At) >= shieldHolds || found[s.kind] != nil {
				continue
			}
			c := &Collision{Act: e.Act, ID: e.ID, Who: firstOf(e.Who.Name, e.Who.Username), At: e.At, Open: !over, shield: s}
			if over {
				c.ID = end.ID
			}
			found[s.kind] = c
		}
	}
	return found
}

// shield refuses an act that a colleague has just done, or is doing, on the
// same subject, unless the person has been told of it and goes on in spite of
// it. It is part of the transaction that records the intent: of two at once,
// the second is told.
func (d *Desk) shield(ctx context.Context, tx *store.Tx, a *act) error {
	s, ok := shielded[a.What]
	if !ok {
		return nil
	}
	latest, err := tx.LatestOn(ctx, a.On.ID, shieldLooks)
	if err != nil {
		return err
	}
	c := d.collisions(a.By, latest)[s.kind]
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
		Text: "Nothing was sent. " + s.means, Advice: "Ask " + c.Who + " first. If you mean it, press the button once more."}
}

func agoWords(d time.Duration) string {
	if d < 2*time.Second {
		return "just now"
	}
	return waitWords(d.Truncate(time.Second)) + " ago"
}
