package desk

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// longest is how much text a field of a customer may hold. ATOM documents no
// bound; this one keeps a pasted document out.
const longest = 300

// NewCustomer is what the form for a new customer says: ATOM's ten fields.
type NewCustomer = atom.NewCustomer

// CreateCustomer makes a customer in ATOM, whose key and token are the
// answer's secret and stay sealed in the vault.
func (d *Desk) CreateCustomer(ctx context.Context, by Actor, receipt string, in NewCustomer) (Answer, error) {
	if err := by.may(store.Manager); err != nil {
		return Answer{}, err
	}
	fields := checkCustomer(&in)
	if message, none := phoneTrouble(in.Phone, countryRegion(in.Country)); none && fields["phone"] == "" {
		fields["phone"] = message
	}
	if len(fields) > 0 {
		return Answer{}, invalid(fields)
	}
	sent, err := d.asSent(ctx, in)
	if err != nil {
		return Answer{}, err
	}
	return d.create(ctx, creating{By: by, Typed: in, Customer: sent, Receipt: receipt})
}

// creating is a customer about to be made, whose fields are checked: by a form,
// or by a row of an import.
type creating struct {
	By       Actor
	Typed    NewCustomer // as the form or the row has it: a repeat of it is the same act, however it is sent
	Customer NewCustomer // as it is sent
	Receipt  string
	Note     string
	Row      *importRow // nil for a form
}

// create makes a customer in ATOM. One of many, as rows are, gets no answer with
// key and token, and no sync of its own.
func (d *Desk) create(ctx context.Context, c creating) (Answer, error) {
	in, by, typed := c.Customer, c.By, c.Typed
	on := audit.Subject{Name: in.Company, Email: in.Email}
	var repeats time.Duration // as long as any receipt
	if c.Row != nil {
		repeats = rowRepeats
	}
	a, prior, err := d.begin(ctx, intent{
		By: by, What: WhatCreate, On: on, Service: "atom", Receipt: c.Receipt, Note: c.Note, Repeats: repeats,
		Form: []string{typed.Company, typed.Email, typed.Name, typed.Address, typed.Country, typed.City, typed.Zip, typed.State, typed.Phone, typed.Website},
	}, func(tx *store.Tx, a *act) error {
		if err := refuseOpenCreate(ctx, tx, in.Email); err != nil {
			return err
		}
		return c.Row.take(ctx, tx, a)
	})
	if prior != nil || err != nil {
		return answered(prior, err)
	}

	made, callErr := d.Atom.CreateCustomer(a.Ctx, in)
	callErr = doubted(callErr)

	answer := Answer{CUID: made.CUID}
	if c.Row == nil {
		answer.Secret = Secret{Key: made.Key, Token: made.Token}
	}
	if callErr == nil && made.CUID == "" {
		answer.Secret = Secret{}
		callErr = &call.Error{Service: "atom", Op: "create customer", Kind: call.Unanswered, Err: errors.New("the answer names no cuid")}
	}
	if callErr != nil {
		answer.Problem = explain(callErr, wording{
			Try: "create the customer", On: AsSaid(in.Email), Setup: setupAtom,
			Unknown: "The customer may or may not have been created.",
			Then:    "Do not send it again: frontdesk is looking in ATOM's list, and says below, on home and in the audit log which it was.",
		})
		lost := answer.Problem.Kind == Unknown
		answer, err = d.finish(a, answer, callErr, func(tx *store.Tx, _ *Answer) error {
			if err := c.Row.ended(tx, a, "", callErr); err != nil || !lost {
				return err
			}
			return tx.AddOpenCreate(a.Ctx, store.OpenCreate{Act: a.ID, Company: in.Company, Email: in.Email, StartedAt: a.Began})
		})
		if lost && c.Row == nil {
			d.Mirror.Request() // the first of the syncs that settle it
		}
		return answer, err
	}
	a.On.ID = made.CUID
	row := store.NewCustomerRow(newRow(made.CUID, in)) // while nobody waits for the writer
	answer, err = d.finish(a, answer, nil, func(tx *store.Tx, _ *Answer) error {
		if err := c.Row.ended(tx, a, made.CUID, nil); err != nil {
			return err
		}
		if _, _, err := tx.UpsertRow(a.Ctx, row); err != nil {
			return err
		}
		return tx.PutCredentials(a.Ctx, made.CUID, store.Credentials{Key: made.Key, Token: made.Token}, "create", by.Staff.Name)
	})
	if c.Row == nil {
		d.Mirror.Request() // ATOM may have added fields of its own
	}
	return answer, err
}

// rowRepeats is how long the receipt of a row holds: how often the row was tried
// protects it for good.
const rowRepeats = time.Hour

// doubted makes an answer that a gateway may have given one that got lost. With
// these statuses gateways speak for a service that may go on behind them, whatever
// words come along.
func doubted(err error) error {
	var e *call.Error
	if !errors.As(err, &e) || e.Kind != call.Refused {
		return err
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		lost := *e
		lost.Kind, lost.Reason = call.Unanswered, call.ReasonNone
		return &lost
	}
	return err
}

const setupAtom = "FRONTDESK_ATOM_SUPERKEY and FRONTDESK_ATOM_SUPERTOKEN"

// answered returns the answer of an act that was posted before, or why the act
// could not begin.
func answered(prior *Answer, err error) (Answer, error) {
	if prior == nil {
		return Answer{}, err
	}
	return *prior, err
}

// refuseOpenCreate refuses a create while an earlier one with the same e-mail is
// under way, or while it is unknown whether that was done.
func refuseOpenCreate(ctx context.Context, tx *store.Tx, email string) error {
	under, err := tx.ActUnderWay(ctx, WhatCreate, email)
	if err != nil {
		return err
	}
	if under {
		return &Problem{Kind: Invalid, Title: "A create with this e-mail is under way",
			Text:   "An earlier request has gone out and its outcome is not on record yet. Nothing was sent now.",
			Advice: "Wait a moment and look in the audit log how it ended.",
			Fields: map[string]Text{"email": "A create with this e-mail is under way."}}
	}
	c, err := tx.OpenCreateOfEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return &Problem{Kind: Invalid, Title: "It is not known yet whether this customer exists",
		Text:   Say("An earlier request to create %s with this e-mail got no answer. Nothing was sent now.", c.Company),
		Advice: "frontdesk is looking in ATOM's list. If the customer does not turn up within ten minutes, you can send it again.",
		Fields: map[string]Text{"email": "A create with this e-mail is still waiting to be settled."}}
}

// newRow is the mirror's row of a customer just made, until a sync brings
// ATOM's own.
func newRow(cuid string, in NewCustomer) store.Customer {
	c := store.Customer{
		CUID: cuid, Company: in.Company, Email: in.Email, Name: in.Name, Address: in.Address, Country: in.Country,
		City: in.City, Zip: in.Zip, State: in.State, Phone: in.Phone, Website: in.Website,
		Fields: []store.Field{{Name: "cuid", Value: cuid}},
	}
	for _, f := range []store.Field{
		{Name: "company", Value: in.Company}, {Name: "email", Value: in.Email}, {Name: "name", Value: in.Name},
		{Name: "address", Value: in.Address}, {Name: "country", Value: in.Country}, {Name: "city", Value: in.City},
		{Name: "zip", Value: in.Zip}, {Name: "state", Value: in.State}, {Name: "phone", Value: in.Phone}, {Name: "website", Value: in.Website},
	} {
		if f.Value != "" {
			c.Fields = append(c.Fields, f)
		}
	}
	return c
}

// checkCustomer trims the fields and returns a message for each that is wrong.
func checkCustomer(in *NewCustomer) map[string]Text {
	fields := map[string]Text{}
	for name, value := range map[string]*string{
		"company": &in.Company, "email": &in.Email, "name": &in.Name, "address": &in.Address, "country": &in.Country,
		"city": &in.City, "zip": &in.Zip, "state": &in.State, "phone": &in.Phone, "website": &in.Website,
	} {
		*value = strings.TrimSpace(*value)
		switch {
		case utf8.RuneCountInString(*value) > longest:
			fields[name] = "At most 300 characters."
		case !utf8.ValidString(*value) || strings.ContainsFunc(*value, unicode.IsControl):
			fields[name] = "Only text on one line, please."
		}
	}
	if in.Company == "" {
		fields["company"] = "Enter the company's name."
	}
	if fields["email"] == "" {
		if message := checkEmail(in.Email); message != "" {
			fields["email"] = message
		}
	}
	return fields
}

func checkEmail(email string) Text {
	if email == "" {
		return "Enter an e-mail address."
	}
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || !strings.Contains(email[strings.LastIndex(email, "@"):], ".") {
		return "Enter a whole e-mail address, such as ana@example.com."
	}
	return ""
}
