package desk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// SignIn is what the sign-in form says.
type SignIn struct {
	Portal, Username, Password string
}

// SignedIn is somebody whom the portal and the staff directory both know.
type SignedIn struct {
	Staff        store.Staff
	Token        string // the portal's
	TokenExpires time.Time
}

// SignIn asks the portal whether the password is right and the staff directory
// whether the person is ours; both must say yes.
func (d *Desk) SignIn(ctx context.Context, by Actor, in SignIn) (SignedIn, error) {
	fields := map[string]Text{}
	if _, ok := d.Portals[in.Portal]; !ok {
		fields["portal"] = "Choose one of the portals."
	}
	if store.FoldUsername(in.Username) == "" {
		fields["username"] = "Enter your portal username."
	}
	if utf8.RuneCountInString(in.Username) > 200 { // it goes into the log and the throttle
		fields["username"] = "At most 200 characters."
	}
	if in.Password == "" {
		fields["password"] = "Enter your portal password."
	}
	if len(fields) > 0 {
		return SignedIn{}, invalid(fields)
	}
	by.Staff = store.Staff{Portal: in.Portal, Username: store.FoldUsername(in.Username)}

	return d.authenticate(ctx, by, WhatSignIn, in, func(tx *store.Tx, s store.Staff) error { return tx.SeenStaff(ctx, s.ID) })
}

// Confirm asks the portal for the password of somebody who is signed in, and
// gets a new token: it renews a session (WhatRenew) and answers the step-up of
// a sensitive act (WhatConfirm).
func (d *Desk) Confirm(ctx context.Context, by Actor, what, password string) (SignedIn, error) {
	if password == "" {
		return SignedIn{}, invalid(map[string]Text{"password": "Enter your portal password."})
	}
	in := SignIn{Portal: by.Staff.Portal, Username: by.Staff.Username, Password: password}
	got, err := d.authenticate(ctx, by, what, in, nil)
	var p *Problem
	switch {
	case !errors.As(err, &p):
	case p.Kind == Unauthorized: // the person is signed in; it is the field that is wrong
		p.Kind, p.Fields = Invalid, map[string]Text{"password": noAccess + "."}
		if p.Title != noAccess {
			p.Title, p.Text, p.Advice = "That is not your portal password", stillIn, ""
			p.Fields["password"] = Say("That is not the password of %s.", by.Staff.Username)
		}
	}
	return got, err
}

// Confirmed tells whether the step-up of a sensitive act still holds.
func (d *Desk) Confirmed(by Actor) bool {
	return !by.PasswordAt.IsZero() && d.Now().Sub(by.PasswordAt) < StepUpHolds
}

// authenticate: throttle and intent, the portal once, then outcome. A refusal
// is counted before the call, so that many tries at once do not slip past the
// throttle, and taken back when it was none.
func (d *Desk) authenticate(ctx context.Context, by Actor, what string, in SignIn, welcome func(*store.Tx, store.Staff) error) (SignedIn, error) {
	client, ok := d.Portals[in.Portal]
	if !ok {
		return SignedIn{}, &Problem{Kind: Trouble, Title: "This portal is switched off", Text: "frontdesk no longer offers the portal that you signed in with.", Advice: "Sign in with another one, or ask your operator."}
	}
	user := userSubject(in.Portal, in.Username)
	address := addressSubject(by.Address)

	var held hold
	counted := map[string]refusal{}
	a := &act{intent: intent{By: by, What: what, Service: "portal"}, Began: d.Now()}
	a.ID = store.NewActID(a.Began)
	lasting, span := d.traced(context.WithoutCancel(ctx), "act", what)
	a.Ctx, a.span = call.WithTrace(lasting, &a.trace), span
	d.under.Add(1)
	err := d.Store.Write(a.Ctx, func(tx *store.Tx) error {
		var err error
		if held, err = d.throttle(a.Ctx, tx, user, address, counted); err != nil {
			return err
		}
		entry := audit.Entry{Act: a.ID, Phase: audit.Intent, Who: by.Who(), What: what, Service: "portal"}
		if held.wait > 0 {
			if !d.holds.first(held) {
				return nil
			}
			entry.Phase, entry.Result = audit.Event, audit.Denied
			entry.Detail = fmt.Sprintf("throttled for %s", held.wait.Round(time.Second))
		}
		return tx.Append(a.Ctx, &entry)
	})
	if err != nil || held.wait > 0 {
		d.under.Done()
		if err != nil {
			over(a.span, "", tracedNotBegun)
			return SignedIn{}, unrecorded(err)
		}
		over(a.span, "", string(audit.Denied))
		return SignedIn{}, &Problem{Kind: Throttled, Title: "Too many tries", Wait: held.wait,
			Text:   "There were too many refused sign-ins with this username or from this address.",
			Advice: waitAdvice(held.wait)}
	}

	// In the spelling that the staff directory compares: were a portal to tell
	// upper from lower case, a stranger's "ALICE" must not come in as our alice.
	token, callErr := client.Authenticate(a.Ctx, store.FoldUsername(in.Username), in.Password)

	var p *Problem
	var staff store.Staff
	nothing := notIn
	if what != WhatSignIn {
		nothing = stillIn
	}
	if callErr == nil {
		staff, err = d.Store.StaffByLogin(a.Ctx, in.Portal, in.Username)
		switch {
		case errors.Is(err, store.ErrNotFound) || (err == nil && !staff.Active):
			p = &Problem{Kind: Forbidden, Title: "You are not on the staff list",
				Text:   "The portal knows you, but frontdesk is only for the staff that its admins have added.",
				Advice: Say("Ask an admin of frontdesk to add %s.", in.Portal+":"+store.FoldUsername(in.Username))}
			if err == nil {
				p.Title, p.Text = "Your access to frontdesk is switched off", "The portal knows you, but an admin of frontdesk has disabled you on its staff list."
				p.Advice = "Ask an admin of frontdesk if you need it again."
			}
			callErr = p
		case err != nil:
			callErr = err
			p = &Problem{Kind: Unrecorded, Title: "The staff directory cannot be read", Text: nothing, Advice: "Tell your operator.", Err: err}
		default:
			a.By.Staff = staff
		}
	} else {
		p = explainSignIn(callErr, nothing)
	}
	_, err = d.finish(a, Answer{Problem: p}, callErr, func(tx *store.Tx, _ *Answer) error {
		switch {
		case p == nil:
			if err := tx.ClearRefusals(a.Ctx, user); err != nil {
				return err
			}
			if err := tx.UndoRefusal(a.Ctx, address, counted[address].at, counted[address].before); err != nil {
				return err
			}
			if welcome != nil {
				return welcome(tx, staff)
			}
			return nil
		case p.Kind == Unauthorized || p.Kind == Forbidden:
			return nil // it stays counted
		}
		for subject, c := range counted { // a portal that is down counts for nothing
			if err := tx.UndoRefusal(a.Ctx, subject, c.at, c.before); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Staff: staff, Token: token, TokenExpires: a.Began.Add(tokenHolds)}, nil
}

const noAccess = "Your portal user has no API access"

// What has not happened when somebody signs in, and when they give their password
// again.
const (
	notIn   Text = "You were not signed in."
	stillIn Text = "Nothing was done, and you are still signed in."
)

func explainSignIn(err error, nothing Text) *Problem {
	var e *call.Error
	if errors.As(err, &e) && e.Kind == call.Refused && e.Reason == call.ReasonSignIn {
		return &Problem{Kind: Unauthorized, Service: serviceNames["portal"], Title: "The portal did not accept this sign-in", Code: e.Status, Message: e.Message, Err: err,
			Text:   "The username or password is wrong, or this portal user has no API access: the portal gives the same answer to both.",
			Advice: "Check the spelling and the portal. If you can sign in to the portal itself with them, ask its administrator for API access."}
	}
	if errors.As(err, &e) && e.Kind == call.Refused && e.Reason == call.ReasonNotAllowed {
		return &Problem{Kind: Unauthorized, Service: serviceNames["portal"], Title: noAccess, Code: e.Status, Message: e.Message, Err: err,
			Text:   "The portal knows this user, and does not let it use the portal's API, which frontdesk signs you in through.",
			Advice: "Ask the administrator of your portal account to turn on API access for this user."}
	}
	p := explain(err, wording{Try: "check your password", Unknown: nothing, Then: "Try again in a moment. This does not mean that your password is wrong."})
	if p.Kind == Invalid {
		p.Kind = Trouble // whatever else the portal says, it is not about what was typed
	}
	if p.Kind == Unknown { // signing in changes nothing at the portal
		p.Kind, p.Title = Trouble, "The IntelePeer portal gave no usable answer"
	}
	return p
}

// SignOut records a sign-out.
func (d *Desk) SignOut(ctx context.Context, by Actor) error {
	return d.event(ctx, audit.Entry{Who: by.Who(), What: WhatSignOut, Result: audit.Done})
}

func waitAdvice(d time.Duration) Text {
	if d <= time.Minute {
		return SayN(int(math.Ceil(d.Seconds())), "Wait %s second, then try again. Forgotten passwords are reset in the IntelePeer portal.",
			"Wait %s seconds, then try again. Forgotten passwords are reset in the IntelePeer portal.")
	}
	return SayN(int(math.Ceil(d.Minutes())), "Wait %s minute, then try again. Forgotten passwords are reset in the IntelePeer portal.",
		"Wait %s minutes, then try again. Forgotten passwords are reset in the IntelePeer portal.")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
