package desk

import (
	"context"
	"fmt"
	"math"
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
	WhatSSO: {
		"open", "%s opened ATOM as this customer %s", "%s is opening ATOM as this customer right now",
		"%s opened ATOM as %s, who has the same e-mail, %s", "%s is opening ATOM as %s, who has the same e-mail, right now",
		"You would both be at work in the same account.",
	},
	WhatSendPasscode: {
		"passcode", "%s e-mailed a passcode to this customer %s", "%s is e-mailing a passcode to this customer right now",
		"%s e-mailed a passcode to %s, who has the same e-mail, %s", "%s is e-mailing a passcode to %s, who has the same e-mail, right now",
		"Another passcode would replace the one that the customer is waiting for.",
	},
	WhatRedeem: {
		"issue", "%s got this customer's key and token by passcode %s", "%s is getting this customer's key and token by passcode right now",
		"%s got %s's key and token by passcode, who has the same e-mail, %s", "%s is getting %s's key and token by passcode, who has the same e-mail, right now",
		replaces,
	},
	WhatByCUID:     issuing,
	WhatNoPasscode: issuing,
	WhatSendSMS: { // the subject is the number, and nobody shares that
		kind: "sms", done: "%s sent a code to this number %s", doing: "%s is sending a code to this number right now",
		means: "The customer would get two codes.",
	},
}

var issuing = shield{
	"issue", "%s issued this customer's key and token %s", "%s is issuing this customer's key and token right now",
	"%s issued %s's key and token, who has the same e-mail, %s", "%s is issuing %s's key and token, who has the same e-mail, right now", replaces,
}

const replaces = "Doing it again may replace the key and token that were handed over just now."

// shield is a kind of acts, and what is said of a colleague's: who did it and when,
// or does it now. Those of another customer with the same e-mail name that one
// between the two.
type shield struct {
	kind                               string
	done, doing, otherDone, otherDoing Text
	means                              Text
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

// What says what the colleague did or does, as a form and the names in it: "Mia
// e-mailed a passcode …". Of what is over, when that was comes after the names.
func (c *Collision) What() (form string, names []any) {
	text, names := c.done, []any{c.Who}
	if c.Open {
		text = c.doing
	}
	if c.other != "" { // ATOM finds customers by e-mail
		text, names = c.otherDone, append(names, c.other)
		if c.Open {
			text = c.otherDoing
		}
	}
	return string(text), names
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
	what, names := c.What()
	if !c.Open {
		names = append(names, agoWords(d.Now().Sub(c.At)))
	}
	return &Problem{Kind: Invalid, Title: Say(what, names...), Despite: c.Act,
		Text: Say("Nothing was sent. %s", c.means), Advice: Say("Ask %s first. If you mean it, press the button once more.", c.Who)}
}

func agoWords(d time.Duration) Text {
	d = d.Truncate(time.Second)
	switch {
	case d < 2*time.Second:
		return "just now"
	case d <= time.Minute:
		return SayN(int(d.Seconds()), "%s second ago", "%s seconds ago")
	}
	return SayN(int(math.Ceil(d.Minutes())), "%s minute ago", "%s minutes ago")
}
