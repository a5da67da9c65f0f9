package desk

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// Answer is what an act led to. It is kept with the act's receipt, so that a
// repeated post shows it again and calls nothing.
type Answer struct {
	Act     string
	What    string
	CUID    string    // of the customer acted on, or made
	Email   string    // that a passcode was sent to
	Message Text      // the service's own, if it gave one
	CodeID  int64     // of the SMS code
	Valid   bool      // whether the SMS code was right
	Rotated *Rotation // of issued credentials
	Session string    // that may see Secret
	Problem *Problem  // why it was not done; nil when it was

	// Secret is kept apart, for minutes only. It is empty for other sessions
	// and later.
	Secret Secret `json:"-"`
	// At is when the act was begun.
	At time.Time `json:"-"`
}

// Secret is the part of an answer that must not leak.
type Secret struct {
	Key, Token, Link string
}

func (s Secret) empty() bool { return s == Secret{} }

// intent is what is about to be done.
type intent struct {
	By      Actor
	What    string
	On      audit.Subject
	Reason  string
	Note    string // what the entries say beside the service's words
	Service string
	// Evidence is the entry that proves who the caller was; 0 when none does.
	Evidence int64

	Receipt string        // the form's one-time receipt
	Form    []string      // what was typed: an edited form is another act
	Repeats time.Duration // how long a repeat shows the answer
}

// act is one between its intent and its outcome.
type act struct {
	intent
	ID    string
	Began time.Time
	// Ctx outlives the browser's request: once the intent is recorded, closing
	// the tab does not stop the call half-way. The clients' limits bound it.
	// It notes what the service answers, for the log.
	Ctx   context.Context
	trace call.Trace
	span  trace.Span // from before the intent until after the outcome; nil: none is collected
}

// intentLimit is how long an act waits for the log before it is refused.
const intentLimit = 10 * time.Second

// begin claims the receipt and records the intent, in one transaction. When
// the receipt was used before, it returns that act's answer and no act; when
// the log cannot be written, an error, and the act must not be done. guard, if
// not nil, may refuse within the same transaction.
func (d *Desk) begin(ctx context.Context, in intent, guard func(tx *store.Tx, a *act) error) (*act, *Answer, error) {
	if in.Repeats == 0 {
		in.Repeats = receiptHolds
	}
	parts := append([]string{in.By.Staff.Portal, in.By.Staff.Username, in.What, in.On.ID, in.Receipt}, in.Form...)
	if in.Receipt == "" {
		in.Repeats = bareRepeats
		parts = append(parts, in.By.Session, in.Reason)
	}
	key := d.Store.ReceiptKey(parts...)

	if err := d.cite(ctx, &in); err != nil {
		return nil, nil, err
	}
	var cuids []string // whose like acts this one would collide with
	if _, ok := shielded[in.What]; ok {
		var err error
		if cuids, err = d.sharing(ctx, in.On); err != nil {
			return nil, nil, err
		}
	}
	a := &act{intent: in, Began: d.Now()}
	a.ID = store.NewActID(a.Began)
	var taken *store.Receipt
	d.under.Add(1) // before the intent is durable, so that a stop waits for it
	lasting, span := d.traced(context.WithoutCancel(ctx), "act", a.What)
	a.span = span
	writing, cancel := context.WithTimeout(lasting, intentLimit)
	defer cancel()
	err := d.Store.Write(writing, func(tx *store.Tx) error {
		var err error
		if taken, err = tx.ClaimReceipt(lasting, key, a.ID, a.Began.Add(in.Repeats)); err != nil || taken != nil {
			return err
		}
		if guard != nil {
			if err := guard(tx, a); err != nil {
				return err
			}
		}
		if err := d.shield(lasting, tx, a, cuids); err != nil {
			return err
		}
		return tx.Append(lasting, &audit.Entry{
			Act: a.ID, Phase: audit.Intent, Who: in.By.Who(), What: in.What, On: in.On, Reason: in.Reason, Service: in.Service, Detail: a.Note, Evidence: a.Evidence,
		})
	})
	if err != nil || taken != nil {
		d.under.Done()
	}
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		over(a.span, "", tracedNotBegun)
		return nil, nil, problem
	case err != nil:
		over(a.span, "", tracedNotBegun)
		return nil, nil, unrecorded(err)
	case taken != nil:
		over(a.span, "", tracedRepeated)
		prior, err := d.await(ctx, in.By, key)
		return nil, &prior, err
	}
	a.Ctx = call.WithTrace(lasting, &a.trace)
	return a, nil, nil
}

// finish records the outcome, the rows that it changes and the answer, in one
// transaction. callErr is how the call failed, nil when it is done; rows may be
// nil. It returns the answer to show, which carries the problem if there is
// one. after are for rows that name the outcome's entry, by its ID.
func (d *Desk) finish(a *act, answer Answer, callErr error, rows func(tx *store.Tx, answer *Answer) error, after ...func(tx *store.Tx, entry int64) error) (Answer, error) {
	answer.Act, answer.What, answer.Session, answer.At = a.ID, a.What, a.By.Session, a.Began
	if answer.Problem != nil && answer.Problem.Kind == Unknown {
		answer.Problem.Act = a.ID
	}
	entry := audit.Entry{
		Act: a.ID, Phase: audit.Outcome, Who: a.By.Who(), What: a.What, On: a.On, Reason: a.Reason, Service: a.Service,
		Status: a.trace.Status, Duration: d.Now().Sub(a.Began), Result: audit.Done, Detail: answer.Message.String(), Evidence: a.Evidence,
	}
	if callErr != nil {
		entry.Result, entry.Detail = resultOf(callErr)
	}
	err := d.Store.WriteOutcome(a.Ctx, func(tx *store.Tx) error {
		// The rows first: what they find out (a new code's ID) belongs to the answer.
		if rows != nil {
			if err := rows(tx, &answer); err != nil {
				return err
			}
		}
		outcome := entry
		outcome.Detail = joined(entry.Detail, a.Note)
		if err := tx.Append(a.Ctx, &outcome); err != nil {
			return err
		}
		for _, f := range after {
			if err := f(tx, outcome.ID); err != nil {
				return err
			}
		}
		return putAnswer(a.Ctx, tx, answer)
	})
	d.under.Done()
	if err != nil {
		over(a.span, a.ID, tracedUnrecorded)
		d.Log.Error("record an outcome", "error", err, "act", a.ID, "what", a.What, "outcome", entry.Result, "request", a.By.Request)
		return answer, &Problem{
			Kind: Unrecorded, Title: "The outcome could not be recorded",
			Text: withCause(Say("It ended as \"%s\", but frontdesk could not write that to its log, which shows the act as still under way.",
				resultWords[entry.Result]), err),
			Advice: "Do not repeat it before somebody has looked: tell your operator that the database cannot be written.",
			Err:    err,
		}
	}
	over(a.span, a.ID, string(entry.Result))
	if answer.Problem != nil {
		return answer, answer.Problem
	}
	return answer, nil
}

// resultWords are how an act ended.
var resultWords = map[audit.Result]Text{
	audit.Done: Text(audit.Done), audit.Refused: Text(audit.Refused), audit.Denied: Text(audit.Denied),
	audit.Unreachable: Text(audit.Unreachable), audit.Unknown: Text(audit.Unknown),
}

// joined is two sentences of detail as one; either may be "".
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

func putAnswer(ctx context.Context, tx *store.Tx, answer Answer) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	var secret []byte
	if !answer.Secret.empty() {
		if secret, err = json.Marshal(answer.Secret); err != nil {
			return err
		}
	}
	return tx.AnswerReceipt(ctx, answer.Act, text, secret)
}

// await returns the answer of an act that was posted before. While that act is
// still under way, it waits for it.
func (d *Desk) await(ctx context.Context, by Actor, key string) (Answer, error) {
	deadline := time.Now().Add(d.Act + 5*time.Second)
	for {
		r, err := d.Store.Receipt(ctx, key)
		if err != nil {
			return Answer{}, err
		}
		if r.Answer != nil {
			answer, err := d.readAnswer(r, by)
			if err == nil && answer.Problem != nil {
				return answer, answer.Problem
			}
			return answer, err
		}
		if time.Now().After(deadline) {
			return Answer{}, &Problem{Kind: Unknown, Title: "Still waiting for the first answer",
				Text:   "This was sent once already and its answer has not arrived. It was not sent again.",
				Advice: "Look at the audit log in a moment: it will show the outcome."}
		}
		select {
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// readAnswer reads an answer as by may see it: its secret only in the session
// that acted, for SecretsShown.
func (d *Desk) readAnswer(r store.Receipt, by Actor) (Answer, error) {
	var a Answer
	if err := json.Unmarshal(r.Answer, &a); err != nil {
		return a, err
	}
	a.At = r.At
	if r.Secret != nil && a.Session == by.Session && d.Now().Sub(r.At) < SecretsShown {
		if err := json.Unmarshal(r.Secret, &a.Secret); err != nil {
			return a, err
		}
	}
	return a, nil
}

// Answer returns what an act led to. Its secret is there for the session that
// acted, for SecretsShown; store.ErrNotFound for an act that has no answer.
func (d *Desk) Answer(ctx context.Context, by Actor, act string) (Answer, error) {
	r, err := d.Store.ReceiptOfAct(ctx, act)
	if err != nil {
		return Answer{}, err
	}
	if r.Answer == nil {
		return Answer{}, store.ErrNotFound
	}
	return d.readAnswer(r, by)
}

// The acts' names, as the log and its filter show them.
const (
	WhatSignIn       = "sign in"
	WhatSignOut      = "sign out"
	WhatRenew        = "renew session"
	WhatConfirm      = "confirm password"
	WhatCreate       = "create customer"
	WhatSSO          = "open as customer"
	WhatSendPasscode = "e-mail passcode"
	WhatRedeem       = "redeem passcode"
	WhatByCUID       = "issue credentials by cuid"
	WhatNoPasscode   = "issue credentials without passcode" // #nosec G101 -- an act's name
	WhatReveal       = "reveal credentials"
	WhatLive         = "read live record"
	WhatSendSMS      = "send SMS code"
	WhatVerifySMS    = "verify SMS code"
	WhatAskCaller    = "send code to caller"
	WhatCaller       = "verify caller"
	WhatSMSSettings  = "change SMS defaults"
	WhatSync         = "sync customers"
	WhatSettle       = "settle create"
	WhatSettleSMS    = "settle SMS code"
	WhatOutside      = "customer from outside"
	WhatOutsideSMS   = "SMS code from outside"
	WhatKnowOutside  = "know what is from outside"
	WhatSeeNovelty   = "see what is new in answers"
	WhatRevealToken  = "reveal token"
	WhatCPaaSToken   = "store CPaaS token" // #nosec G101 -- an act's name
	WhatAddStaff     = "add staff"
	WhatChangeStaff  = "change staff"
	WhatRevoke       = "revoke session"
	WhatLift         = "lift sign-in wait"
	WhatStart        = "start"
	WhatSecret       = "change secret"
	WhatRestore      = audit.WhatRestore
	WhatWitness      = "check witness"
	WhatReadLog      = "read audit log"
)
