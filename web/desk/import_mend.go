package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// alike is how many rows with the same e-mail are looked at when one is mended.
const alike = 500

// MendImportRow takes what a person says that a row's fields should be, and
// checks the row anew. What was typed is kept also when it is still wrong: then
// the error is a Problem with a message for each field. Rows that were sent, or
// are being sent, stay as they are.
func (d *Desk) MendImportRow(ctx context.Context, by Actor, id string, n int, fields map[string]string) error {
	i, err := d.OpenImport(ctx, by, id)
	if err != nil {
		return err
	}
	before, err := d.Store.ImportRow(ctx, id, n)
	if err != nil {
		return err
	}
	check, err := d.newRowCheck(ctx, i.Columns, len(i.Header))
	if err != nil {
		return err
	}
	customers := map[string]store.Customer{}
	if err := d.Store.CustomersOfEmails(ctx, []string{before.EmailKey, store.Fold(fields["email"])}, customers); err != nil {
		return err
	}
	var row store.ImportRow
	lasting := context.WithoutCancel(ctx)
	err = d.Store.Write(lasting, func(tx *store.Tx) error {
		if row, err = tx.ImportRow(lasting, id, n); err != nil {
			return err
		}
		now, err := tx.Import(lasting, id)
		if err != nil {
			return err
		}
		if now.State == store.ImportCancelled {
			return cancelled("Its rows are not sent any more, so nothing was changed.")
		}
		if now.Busy != "" || isSent(row.State) {
			return notMended(row.State)
		}
		changed := mend(&row, i, fields)
		check.check(&row)
		if err := d.compare(lasting, tx, id, &row, customers); err != nil {
			return err
		}
		if err := tx.PutImportRow(lasting, id, row); err != nil {
			return err
		}
		if row.EmailKey != before.EmailKey {
			if err := d.free(lasting, tx, id, before.EmailKey, check, customers); err != nil {
				return err
			}
		}
		if len(changed) == 0 {
			return nil
		}
		return tx.Append(lasting, &audit.Entry{Phase: audit.Event, Who: by.Who(), What: WhatMendRow, On: importSubject(i), Result: audit.Done,
			Detail: fmt.Sprintf("row %d: %s", n, strings.Join(changed, ", "))})
	})
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.Is(err, store.ErrNotFound):
		return err
	case err != nil:
		return unrecorded(err)
	case len(row.Errors) > 0:
		p := invalid(said(row.Errors))
		p.Text = "What you typed is kept. The row is not sent before it is right."
		return p
	}
	return nil
}

// isSent tells whether a row has gone to ATOM, or is on its way.
func isSent(s store.RowState) bool {
	return s == store.RowSending || s == store.RowCreated || s == store.RowUnknown
}

// notMended says why a row, or an import, stays as it is for now.
func notMended(s store.RowState) *Problem {
	p := &Problem{Kind: Invalid, Title: "This cannot be changed now", Text: "The import is being checked at this moment. Nothing was changed.", Advice: "Try again in a moment."}
	if isSent(s) {
		p.Text, p.Advice = "It was sent to ATOM already, or is on its way. Nothing was changed.", "Look at the import to see how it ended."
	}
	return p
}

// mend notes the fields that differ from the file, and returns the names of those
// that were changed now.
func mend(row *store.ImportRow, i store.Import, fields map[string]string) (changed []string) {
	was := *row
	row.Mended = map[string]string{}
	for _, name := range CustomerFields {
		before := was.Value(name, i.Columns)
		value, given := fields[name]
		if value = strings.TrimSpace(value); !given {
			value = before
		}
		if value != before {
			changed = append(changed, name)
		}
		// Of a row with too many cells nobody knows which is which: it holds as it was looked through.
		if file := (store.ImportRow{Cells: row.Cells}).Value(name, i.Columns); value != file || len(row.Cells) > len(i.Header) {
			row.Mended[name] = value
		}
	}
	if len(changed) == 0 && len(row.Mended) > len(was.Mended) {
		changed = append(changed, "as it is")
	}
	return changed
}

// compare marks a row whose e-mail another one of its import has, or a customer.
func (d *Desk) compare(ctx context.Context, tx *store.Tx, id string, row *store.ImportRow, customers map[string]store.Customer) error {
	others, err := tx.ImportRowsOfEmail(ctx, id, row.EmailKey, alike)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.N != row.N && other.Errors["email"] == "" { // it comes first, or was sent
			mark(row, Say("Same e-mail as row %s", other.N))
			return nil
		}
	}
	if c, ok := customers[row.EmailKey]; ok {
		mark(row, Say("Already a customer: %s", firstOf(c.Company, c.Name, c.Email)))
	}
	return nil
}

// free checks the rows anew that were wrong only because of an e-mail that
// another row had: the first of them has it to itself now.
func (d *Desk) free(ctx context.Context, tx *store.Tx, id, key string, check *rowCheck, customers map[string]store.Customer) error {
	rows, err := tx.ImportRowsOfEmail(ctx, id, key, alike)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !NotReady(r.State) || !strings.HasPrefix(Text(r.Errors["email"]).String(), sameAsRow) {
			continue
		}
		check.check(&r)
		if err := d.compare(ctx, tx, id, &r, customers); err != nil {
			return err
		}
		if err := tx.PutImportRow(ctx, id, r); err != nil {
			return err
		}
	}
	return nil
}

// Mendable tells whether rows of an import can be corrected that are in a state.
func Mendable(i store.Import, s store.RowState) bool {
	return i.State != store.ImportCancelled && !isSent(s)
}
