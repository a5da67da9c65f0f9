package desk

import (
	"context"
	"slices"
	"time"

	"frontdesk/web/ip1"
)

// mostSlots bounds what is counted of a number; iP1's limit is at most 1,000.
const mostSlots = 1000

// SMSSlots are a number's: iP1 lets so many of its codes be active at once.
type SMSSlots struct {
	Active  int       // codes that are neither used nor expired
	Perhaps int       // codes whose sending got no answer: they may take a slot too
	Limit   int       // the account's ConcurrentLimit, or iP1's own
	Sure    bool      // the limit is the account's, as iP1 said
	Next    time.Time // when a slot frees by itself; zero when none is taken, or that is not known
}

// Full tells whether another code would be refused, as far as is known.
func (s SMSSlots) Full() bool { return s.Active >= s.Limit }

// SMSSlots tells a number's slots from what frontdesk knows, without asking iP1:
// that would be a call for every digit that is typed.
func (d *Desk) SMSSlots(ctx context.Context, phone Phone) (SMSSlots, error) {
	now := d.Now()
	codes, err := d.Store.CodesTo(ctx, phone.E164, now.Add(-smsWindow), mostSlots)
	if err != nil {
		return SMSSlots{}, err
	}
	slots, good := d.noSlotTaken()
	var ends []time.Time
	for _, c := range codes {
		switch {
		case c.IP1ID == 0:
			if now.Before(c.SentAt.Add(good)) {
				slots.Perhaps++
			}
		case c.ExpiresAt.IsZero(): // iP1 did not say
			if end := c.SentAt.Add(good); now.Before(end) {
				ends = append(ends, end)
			}
		case now.Before(c.ExpiresAt):
			ends = append(ends, c.ExpiresAt)
		}
	}
	return slots.taken(ends), nil
}

// AskSMSSlots is SMSSlots as iP1's own list has them, with the codes that others
// sent; for after a refusal. When iP1 does not say, it is what was known.
func (d *Desk) AskSMSSlots(ctx context.Context, phone Phone) (SMSSlots, error) {
	if !d.SMS() {
		return d.SMSSlots(ctx, phone)
	}
	asking, cancel := context.WithTimeout(ctx, pageWaits)
	defer cancel()
	now := d.Now()
	var ends []time.Time
	err := d.IP1.Each(asking, func(a ip1.Authentication) error {
		if a.Phone != "" && samePhone(phone.E164, a.Phone) && !a.IsUsed && !a.HasExpired && now.Before(a.Expires) {
			ends = append(ends, a.Expires)
		}
		return nil
	})
	if err != nil {
		return d.SMSSlots(ctx, phone)
	}
	slots, _ := d.noSlotTaken()
	return slots.taken(ends), nil
}

// noSlotTaken is what holds for every number, and how long a code is good when
// nothing else was said.
func (d *Desk) noSlotTaken() (SMSSlots, time.Duration) {
	slots, good := SMSSlots{Limit: SMSDefaultLimit}, SMSDefaultExpiration
	if known, ok := d.knownSMSDefaults(); ok {
		slots.Limit, slots.Sure, good = known.Limit, known.Account, known.Expiration
	}
	return slots, time.Duration(good) * time.Second
}

// taken counts codes by when they expire; zero is not known.
func (s SMSSlots) taken(ends []time.Time) SMSSlots {
	s.Active = len(ends)
	slices.SortFunc(ends, time.Time.Compare)
	// When more are active than the limit is now, so many more have to end first.
	if first := max(0, s.Active-s.Limit); first < s.Active {
		s.Next = ends[first]
	}
	return s
}

// ClockAhead is how far a service's clock ("portal", "atom", "ip1") is ahead of
// frontdesk's, by its answers.
func (d *Desk) ClockAhead(service string) time.Duration { return d.Stats.Ahead(service) }
