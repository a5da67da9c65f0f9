package desk

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
)

// IssueCredentials makes or renews a customer's key and token without a
// passcode: method "cuid" or "nopasscode". Admins only, with a reason; the
// step-up is the handler's to check (Confirmed), since it belongs to the
// session.
func (d *Desk) IssueCredentials(ctx context.Context, by Actor, receipt, cuid, method, reason string) (Answer, error) {
	if err := by.may(store.Admin); err != nil {
		return Answer{}, err
	}
	customer, err := d.Store.Customer(ctx, cuid)
	if err != nil {
		return Answer{}, err
	}
	fields := map[string]Text{}
	if utf8.RuneCountInString(reason) > maxReason {
		fields["reason"] = "At most 2,000 characters."
	}
	if strings.TrimSpace(reason) == "" {
		fields["reason"] = "Say why, for the record: a ticket number or a few words."
	}
	what := map[string]string{"cuid": WhatByCUID, "nopasscode": WhatNoPasscode}[method]
	if what == "" {
		fields["method"] = "Choose how to issue them."
	}
	if !d.Confirmed(by) {
		fields["password"] = passwordAgain
	}
	if len(fields) > 0 {
		return Answer{}, invalid(fields)
	}
	if method == "nopasscode" {
		if err := noEmail(customer); err != nil {
			return Answer{}, err
		}
	}
	a, prior, err := d.begin(ctx, intent{
		By: by, What: what, On: subject(customer), Reason: strings.TrimSpace(reason), Service: "atom", Receipt: receipt,
	}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	var got atom.Credentials
	var callErr error
	switch method {
	case "cuid":
		got, callErr = d.Atom.CredentialsByCUID(a.Ctx, cuid)
	case "nopasscode":
		got, callErr = d.Atom.CredentialsNoPasscode(a.Ctx, customer.Email)
	}

	return d.issued(a, customer, method, got, callErr)
}

const passwordAgain = "Enter your portal password again to do this."

// issued records the outcome of a call that gave out a customer's key and
// token.
func (d *Desk) issued(a *act, customer store.Customer, method string, got atom.Credentials, callErr error) (Answer, error) {
	answer, noted := Answer{CUID: customer.CUID, Email: customer.Email, Secret: Secret{Key: got.Key, Token: got.Token}}, a.Note
	if callErr != nil {
		answer.Secret = Secret{}
		w := wording{
			Try: "issue the key and token", On: AsSaid(firstOf(customer.Email, customer.CUID)), Setup: setupAtom,
			Unknown: "The customer's key and token may have been replaced; then the old ones no longer work.",
			Then:    "Look at the customer's systems before you do it again: every time may replace them once more.",
		}
		if method == "passcode" {
			w.Try = "redeem the passcode"
			w.Unknown = "It may be used up, and the customer's key and token replaced; then the old ones no longer work."
			w.Then = "Look at the customer's systems before you do it again with a new passcode: every time may replace them once more."
		}
		answer.Problem = explain(callErr, w)
		return d.finish(a, answer, callErr, nil)
	}
	// ATOM finds customers by e-mail, and two can share one: the credentials
	// belong to whom the answer names.
	owner := firstOf(got.CUID, customer.CUID)
	if owner != customer.CUID {
		answer.CUID = owner
		answer.Message = Say("ATOM answered for another customer with the same e-mail: %s", owner)
	}
	given := store.Credentials{Key: got.Key, Token: got.Token}
	return d.finish(a, answer, nil, func(tx *store.Tx, answer *Answer) error {
		rotated, err := rotation(a.Ctx, tx, owner, given)
		if err != nil {
			return err
		}
		answer.Rotated, a.Note = &rotated, joined(noted, d.note(rotated, owner, given))
		if owner != customer.CUID { // on their timeline too
			if err := tx.Append(a.Ctx, &audit.Entry{
				Act: a.ID, Phase: audit.Event, Who: a.By.Who(), What: a.What, On: audit.Subject{ID: owner, Email: customer.Email},
				Service: "atom", Result: audit.Done, Detail: "asked for " + customer.CUID,
			}); err != nil {
				return err
			}
		}
		return tx.PutCredentials(a.Ctx, owner, given, method, a.By.Staff.Name)
	})
}

// Reveal shows the stored credentials of a customer as an answer's secret.
func (d *Desk) Reveal(ctx context.Context, by Actor, receipt, cuid, reason string) (Answer, error) {
	customer, err := d.customerFor(ctx, by, cuid, reason)
	if err != nil {
		return Answer{}, err
	}
	if !d.Confirmed(by) {
		return Answer{}, invalid(map[string]Text{"password": passwordAgain})
	}
	stored, err := d.Store.Credentials(ctx, cuid)
	if errors.Is(err, store.ErrNotFound) {
		return Answer{}, noCredentials(customer)
	}
	if err != nil {
		return Answer{}, err
	}
	a, prior, err := d.begin(ctx, intent{By: by, What: WhatReveal, On: subject(customer), Reason: strings.TrimSpace(reason), Receipt: receipt}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}
	return d.finish(a, Answer{CUID: cuid, Email: customer.Email, Secret: Secret{Key: stored.Key, Token: stored.Token}}, nil, nil)
}

func noCredentials(c store.Customer) *Problem {
	return &Problem{Kind: Invalid, Title: Say("No key and token are stored for %s", firstOf(c.Company, c.Email, c.CUID)),
		Text:   "frontdesk keeps them from the moment it creates a customer or redeems a passcode; for this customer it has done neither.",
		Advice: "Walk the customer through an e-mailed passcode to get them."}
}

// Live asks ATOM for a customer's own record, with their stored credentials.
func (d *Desk) Live(ctx context.Context, by Actor, cuid string) (atom.Customer, error) {
	customer, err := d.Store.Customer(ctx, cuid)
	if err != nil {
		return atom.Customer{}, err
	}
	stored, err := d.Store.Credentials(ctx, cuid)
	if errors.Is(err, store.ErrNotFound) {
		return atom.Customer{}, noCredentials(customer)
	}
	if err != nil {
		return atom.Customer{}, err
	}
	// It only reads, but with the customer's own credentials: on record like an act.
	a, _, err := d.begin(ctx, intent{By: by, What: WhatLive, On: subject(customer), Service: "atom", Receipt: store.NewID()}, nil)
	if err != nil {
		return atom.Customer{}, err
	}

	live, callErr := d.Atom.Customer(a.Ctx, cuid, stored.Key, stored.Token)

	answer := Answer{CUID: cuid}
	if callErr != nil {
		answer.Problem = explain(callErr, wording{Try: "read the record", On: AsSaid(firstOf(customer.Email, cuid))})
	}
	if _, err := d.finish(a, answer, callErr, nil); err != nil {
		return atom.Customer{}, err
	}
	return live, nil
}
