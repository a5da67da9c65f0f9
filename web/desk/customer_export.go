package desk

import (
	"context"
	"errors"
	"fmt"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// WhatExportCustomers is the act of taking customers away.
const WhatExportCustomers = "export customers"

// exportBatch is how many customers are read and handed on at once.
const exportBatch = 500

// CustomerExport is what to take away, and how.
type CustomerExport struct {
	Query  store.CustomerQuery
	Format string // "CSV (comma)", for the record
	Filter string // as FilterQuery has it, for the record
	// Page takes the next customers, in the listing's order. It is called once or
	// more, not before the intent is recorded; its error ends the export.
	Page func(customers []store.ListedCustomer) error
}

// ExportCustomers hands the customers that a filter lets through to x.Page and
// returns how many were taken. Those who come or go meanwhile are in it or not;
// none is in it twice.
func (d *Desk) ExportCustomers(ctx context.Context, by Actor, x CustomerExport) (sent int, err error) {
	if err := by.may(store.Manager); err != nil {
		return 0, err
	}
	about := x.Format + ", all customers"
	if x.Filter != "" {
		about = x.Format + ", filter " + x.Filter
	}
	return d.export(ctx, by.Who(), WhatExportCustomers, about, func(n int) string {
		if n == 1 {
			return "1 customer"
		}
		return fmt.Sprintf("%d customers", n)
	}, func(int64) (sent int, err error) {
		q := x.Query
		q.Whole, q.Limit, q.Cursor = true, exportBatch, ""
		for first := true; first || q.Cursor != ""; first = false {
			select {
			case <-d.stopping:
				return sent, errStopping
			default:
			}
			page, err := d.Store.FindCustomers(ctx, q)
			if err != nil {
				return sent, err
			}
			if err := x.Page(page.Customers); err != nil {
				return sent, err
			}
			sent, q.Cursor = sent+len(page.Customers), page.Next
		}
		return sent, nil
	})
}

// export records that something is taken away, does it, and records how much it
// was. hand gets the intent's ID.
func (d *Desk) export(ctx context.Context, who audit.Who, what, about string, count func(int) string, hand func(intent int64) (int, error)) (sent int, err error) {
	began, lasting := d.Now(), context.WithoutCancel(ctx)
	intent := audit.Entry{Act: store.NewActID(began), Phase: audit.Intent, Who: who, What: what, Detail: about}
	d.under.Add(1) // before the intent is durable, so that a stop waits for it
	writing, cancel := context.WithTimeout(lasting, intentLimit)
	defer cancel()
	if err := d.Store.Write(writing, func(tx *store.Tx) error { return tx.Append(writing, &intent) }); err != nil {
		d.under.Done()
		return 0, unrecorded(err)
	}

	sent, failed := hand(intent.ID)

	outcome := audit.Entry{
		Act: intent.Act, Phase: audit.Outcome, Who: who, What: what, Duration: d.Now().Sub(began),
		Result: audit.Done, Detail: fmt.Sprintf("%s as %s", count(sent), about),
	}
	switch {
	case failed != nil && ctx.Err() != nil: // some of it has arrived, and nobody says how much
		outcome.Result, outcome.Detail = audit.Unknown, fmt.Sprintf("the reader left after %s as %s", count(sent), about)
	case failed != nil:
		why := "it could not be read or sent on"
		if errors.Is(failed, errStopping) {
			why = failed.Error()
		}
		outcome.Result, outcome.Detail = audit.Refused, fmt.Sprintf("broke off after %s as %s: %s", count(sent), about, why)
	}
	err = d.Store.WriteOutcome(lasting, func(tx *store.Tx) error { return tx.Append(lasting, &outcome) })
	d.under.Done()
	if err != nil {
		d.Log.Error("record an outcome", "error", err, "act", intent.Act, "what", what, "outcome", outcome.Result, "request", who.Request)
	}
	return sent, errors.Join(failed, err)
}
