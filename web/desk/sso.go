package desk

import (
	"context"
	"strings"
	"unicode/utf8"

	"frontdesk/store"
)

// OpenSSO asks ATOM for a link that signs the reader in as a customer. The
// link is the answer's secret; the log keeps its host only.
func (d *Desk) OpenSSO(ctx context.Context, by Actor, receipt, cuid, reason string) (Answer, error) {
	customer, err := d.customerFor(ctx, by, cuid, reason)
	if err != nil {
		return Answer{}, err
	}
	if err := noEmail(customer); err != nil {
		return Answer{}, err
	}
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatSSO, On: subject(customer), Reason: strings.TrimSpace(reason), Service: "atom", Receipt: receipt, Repeats: ssoRepeats,
		Form: []string{by.Session}, // another session cannot see the link, so it asks for its own
	}, nil)
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	link, callErr := d.Atom.SSO(a.Ctx, customer.Email)

	answer := Answer{CUID: cuid}
	switch {
	case callErr != nil:
		answer.Problem = explain(callErr, wording{
			Try: Say("open the platform as %s", customer.Email), On: AsSaid(customer.Email), Setup: setupAtom,
			Unknown: "A sign-in link may have been made, but nobody has received it.",
			Then:    "It is safe to try again.",
		})
	default:
		if err := d.Hosts.Allows(link); err != nil {
			answer.Problem = &Problem{Kind: Trouble, Service: serviceNames["atom"], Title: "ATOM sent a link to no host, which is not allowed", Text: whyOf(err),
				Advice: "If that is your platform, ask your operator to add it to FRONTDESK_SSO_HOSTS.", Err: err}
			if link.Host != "" {
				answer.Problem.Title = Say("ATOM sent a link to %s, which is not allowed", link.Host)
			}
			callErr = answer.Problem
			break
		}
		answer.Message = AsSaid("to " + link.Host)
		answer.Secret.Link = link.String()
	}
	return d.finish(a, answer, callErr, nil)
}

// maxReason bounds a written reason, in characters.
const maxReason = 2000

// customerFor does what every act on a customer begins with: the role, the
// customer, an e-mail to name them to ATOM by, and the reason if one is wanted.
func (d *Desk) customerFor(ctx context.Context, by Actor, cuid, reason string) (store.Customer, error) {
	if err := by.may(store.Manager); err != nil {
		return store.Customer{}, err
	}
	customer, err := d.Store.Customer(ctx, cuid)
	if err != nil {
		return customer, err
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return customer, invalid(map[string]Text{"reason": "At most 2,000 characters."})
	}
	if d.Reason && strings.TrimSpace(reason) == "" {
		return customer, invalid(map[string]Text{"reason": "Say why, for the record: a ticket number or a few words."})
	}
	return customer, nil
}

// noEmail refuses an act that names the customer to ATOM by e-mail.
func noEmail(c store.Customer) error {
	if c.Email != "" {
		return nil
	}
	return &Problem{Kind: Invalid, Title: "This customer has no e-mail address", Text: "ATOM finds customers by their e-mail. Nothing was sent.",
		Advice: "Add one in ATOM, then refresh the customer list."}
}
