package desk

import (
	"context"
	"time"

	"frontdesk/store"
)

// Codes cost money, and fraud has them sent to numbers that earn it. The
// budgets count in smsWindow; rows are kept for longer, to be looked into.
const (
	smsWindow = 24 * time.Hour
	smsKept   = 48 * time.Hour
)

// A code is not to be guessed: so many wrong ones may be tried on a code's page,
// and within smsWindow on all those of a number.
const (
	triesPerCode   = 5
	triesPerNumber = 10
)

// SMSProves is how long a code must be to verify a caller, in characters.
const SMSProves = 5

// TooShort is why a code of this length verifies no caller; "" when it does, or
// when its length is not known.
func TooShort(length int) Text {
	if length == 0 || length >= SMSProves {
		return ""
	}
	return Say("A code of %s characters can be guessed: it does not verify a caller. Send one of at least %s.", length, SMSProves)
}

// SMSLeft is what the limits leave: to a number, and to a member of staff.
type SMSLeft struct {
	Next          time.Time // when the next code may go to the number; in the past: now
	Number, Staff int       // codes left within 24 hours; -1 without a limit
}

// SMSLeft tells what is left of the limits before somebody sends a code.
func (d *Desk) SMSLeft(ctx context.Context, phone Phone, staffID int64) (SMSLeft, error) {
	sends, err := d.Store.SMSSends(ctx, phone.E164, staffID, d.Now().Add(-smsWindow), d.smsMost())
	if err != nil {
		return SMSLeft{}, err
	}
	left := SMSLeft{Number: -1, Staff: -1, Next: spentUntil(sends.ToNumber, d.SMSPerNumber)}
	if d.SMSPerNumber > 0 {
		left.Number = max(0, d.SMSPerNumber-len(sends.ToNumber))
	}
	if d.SMSPerStaff > 0 {
		left.Staff = max(0, d.SMSPerStaff-len(sends.ByStaff))
	}
	for _, until := range []time.Time{d.cooldown(sends), spentUntil(sends.ByStaff, d.SMSPerStaff)} {
		if until.After(left.Next) {
			left.Next = until
		}
	}
	return left, nil
}

// overLimit is why no code may be sent now, after those that were; nil when one
// may. spent says it for the log when it is a budget.
func (d *Desk) overLimit(sends store.SMSSends, phone Phone) (p *Problem, spent string) {
	now := d.Now()
	number, staff, pause := spentUntil(sends.ToNumber, d.SMSPerNumber), spentUntil(sends.ByStaff, d.SMSPerStaff), d.cooldown(sends)
	switch {
	case number.After(now) && !number.Before(staff):
		return &Problem{Kind: Throttled, Title: "This number has had its codes for now", Wait: number.Sub(now),
			Text: SayN(d.SMSPerNumber, "%s code went to %s within 24 hours, which is all that one number may get. Nothing was sent.",
				"%s codes went to %s within 24 hours, which is all that one number may get. Nothing was sent.", phone.Pretty),
			Advice: "Verify the caller in another way, or by another number of theirs.",
			Fields: map[string]Text{"phone": "No codes are left for this number."},
		}, "budget spent: " + plural(d.SMSPerNumber, "code") + " to this number within 24 hours"
	case staff.After(now):
		return &Problem{Kind: Throttled, Title: "You have no codes left for now", Wait: staff.Sub(now),
			Text: SayN(d.SMSPerStaff, "You have sent %s code within 24 hours, which is all that one person may. Nothing was sent.",
				"You have sent %s codes within 24 hours, which is all that one person may. Nothing was sent."),
			Advice: "Ask a colleague to send it, or your operator to look at FRONTDESK_SMS_PER_STAFF.",
		}, "budget spent: " + plural(d.SMSPerStaff, "code") + " by this person within 24 hours"
	case pause.After(now):
		return &Problem{Kind: Throttled, Title: "A code was just sent to this number", Wait: pause.Sub(now),
			Text:   "It may still be on its way. Nothing was sent again.",
			Advice: "Ask whether it has arrived before you send another.",
			Fields: map[string]Text{"phone": "A code was just sent to this number."},
		}, ""
	}
	return nil, ""
}

// overTries is why no more codes may be tried, after those that were wrong; nil
// when one may. spent says it for the log.
func overTries(tries store.CodeTries, now time.Time) (p *Problem, spent string) {
	switch {
	case len(tries.OfNumber) >= triesPerNumber:
		return &Problem{Kind: Throttled, Title: "Too many wrong codes for this number", Wait: tries.OfNumber[triesPerNumber-1].Add(smsWindow).Sub(now),
			Text:   Say("%s wrong codes were tried for it within 24 hours. This one was not tried.", triesPerNumber),
			Advice: "Verify the caller in another way, or by another number of theirs.",
			Fields: map[string]Text{"code": "Too many wrong codes were tried for this number."},
		}, "no tries left: " + plural(triesPerNumber, "wrong code") + " for this number within 24 hours"
	case tries.OfCode >= triesPerCode:
		return &Problem{Kind: Invalid, Title: "Too many wrong codes: send a new one",
			Text:   Say("%s wrong codes were tried here. This one was not tried.", triesPerCode),
			Advice: "Send another code, and ask the customer to read it out from the newest SMS.",
			Fields: map[string]Text{"code": "Too many wrong codes: send a new one."},
		}, "no tries left: " + plural(triesPerCode, "wrong code") + " for this code"
	}
	return nil, ""
}

// cooldown is when the pause after a number's last code is over.
func (d *Desk) cooldown(sends store.SMSSends) time.Time {
	if len(sends.ToNumber) == 0 || d.SMSCooldown == 0 {
		return time.Time{}
	}
	return sends.ToNumber[0].Add(d.SMSCooldown)
}

// spentUntil is when a budget that is spent has a code to spare again; zero
// when it has one now.
func spentUntil(sent []time.Time, budget int) time.Time {
	if budget == 0 || len(sent) < budget {
		return time.Time{}
	}
	return sent[budget-1].Add(smsWindow)
}

// smsMost is how many sends are enough to tell what the limits say.
func (d *Desk) smsMost() int { return max(1, d.SMSPerNumber, d.SMSPerStaff) }
