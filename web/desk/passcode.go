package desk

import (
	"context"
	"strings"
	"unicode"

	"frontdesk/store"
)

// SendPasscode has ATOM e-mail a passcode to a customer.
func (d *Desk) SendPasscode(ctx context.Context, by Actor, receipt, cuid string) (Answer, error) {
	if err := by.may(store.Manager); err != nil {
		return Answer{}, err
	}
	customer, err := d.Store.Customer(ctx, cuid)
	if err != nil {
		return Answer{}, err
	}
	if err := noEmail(customer); err != nil {
		return Answer{}, err
	}
	a, prior, err := d.begin(ctx, intent{By: by, What: WhatSendPasscode, On: subject(customer), Service: "atom", Receipt: receipt}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	message, callErr := d.Atom.SendPasscode(a.Ctx, customer.Email)

	answer := Answer{CUID: cuid, Email: customer.Email, Message: AsSaid(message)}
	if callErr != nil {
		answer.Problem = explain(callErr, wording{
			Try: Say("e-mail a passcode to %s", customer.Email), On: AsSaid(customer.Email), Setup: setupAtom,
			Unknown: "The e-mail may have been sent.",
			Then:    "Ask the customer to look for it before you send another: a new passcode replaces the old one.",
		})
	}
	answer, err = d.finish(a, answer, callErr, nil)
	d.passcodeDone()
	return answer, err
}

// RedeemPasscode exchanges the passcode that the customer reads out for their
// key and token, which are the answer's secret and stay sealed in the vault.
func (d *Desk) RedeemPasscode(ctx context.Context, by Actor, receipt, cuid, passcode string) (Answer, error) {
	if err := by.may(store.Manager); err != nil {
		return Answer{}, err
	}
	customer, err := d.Store.Customer(ctx, cuid)
	if err != nil {
		return Answer{}, err
	}
	if err := noEmail(customer); err != nil {
		return Answer{}, err
	}
	passcode = unspaced(passcode)
	switch {
	case passcode == "":
		return Answer{}, invalid(map[string]Text{"passcode": "Enter the passcode from the e-mail."})
	case len(passcode) > 100:
		return Answer{}, invalid(map[string]Text{"passcode": "That is too long to be a passcode."})
	}
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatRedeem, On: subject(customer), Service: "atom", Receipt: receipt, Form: []string{passcode},
	}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	got, callErr := d.Atom.RedeemPasscode(a.Ctx, customer.Email, passcode)

	answer, err := d.issued(a, customer, "passcode", got, callErr)
	d.passcodeDone()
	return answer, err
}

// unspaced is a code without the spaces that people read and type it with.
func unspaced(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, code)
}
