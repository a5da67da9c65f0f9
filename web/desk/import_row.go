package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"frontdesk/store"
	"frontdesk/web/call"
)

// importRow is a row of an import that is being sent.
type importRow struct {
	of    store.Import
	row   store.ImportRow
	there bool   // the mirror has a customer with its e-mail
	end   rowEnd // set with the outcome
}

// rowEnd is what the end of a row means for its import.
type rowEnd struct {
	n     int
	began time.Time

	state store.RowState // that the row went into; "" when nothing was sent and nothing is to be said
	alike Text           // what rows in a row have in common when the trouble is not theirs
	waits Text           // why the import waits before it goes on
	wait  time.Duration  // for that long at least; 0 when nobody asked for it
	held  bool           // it was held back with all calls to ATOM, until that has been tried again
	pause Text           // why the import cannot go on
}

// errNotTaken means that a row is no longer as it was read: sent by somebody else,
// mended, or its import no longer runs.
var errNotTaken = errors.New("the row is not to be sent now")

// take claims the row within the transaction of its intent. What is there already,
// by the mirror, is not sent.
func (r *importRow) take(ctx context.Context, tx *store.Tx, a *act) error {
	if r == nil {
		return nil
	}
	now, err := tx.ImportRow(ctx, r.of.ID, r.row.N)
	if err != nil {
		return err
	}
	if now.Tries != r.row.Tries || !maps.Equal(now.Mended, r.row.Mended) {
		return errNotTaken
	}
	there, err := tx.PresentCustomer(ctx, a.On.Email)
	if err == nil {
		r.there = true
		return &Problem{Kind: Invalid, Title: "There is a customer with this e-mail already",
			Text:   Say("%s has it. Nothing was sent.", firstOf(there.Company, there.Name, there.Email)),
			Fields: map[string]Text{"email": "A customer with this e-mail exists already."}}
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	taken, err := tx.TakeImportRow(ctx, r.of.ID, r.row.N, a.ID)
	if err == nil && !taken {
		err = errNotTaken
	}
	return err
}

// ended notes how the row has ended within the transaction of its outcome.
func (r *importRow) ended(tx *store.Tx, a *act, cuid string, callErr error) error {
	if r == nil {
		return nil
	}
	end, message := endOf(callErr)
	r.end = end
	switch end.state {
	case store.RowReady:
		return tx.ReturnImportRow(a.Ctx, a.ID)
	case store.RowFailed:
		return tx.FailImportRow(a.Ctx, r.of.ID, r.row.N, string(message), end.alike != "")
	}
	return tx.EndImportRow(a.Ctx, a.ID, end.state, cuid, string(message))
}

// endOf is what a call's end means for a row and its import, and what the row says
// about it. A row comes back when it was certainly not done, and another time or
// other credentials will do.
func endOf(callErr error) (end rowEnd, message Text) {
	if callErr == nil {
		return rowEnd{state: store.RowCreated}, ""
	}
	var e *call.Error
	if !errors.As(callErr, &e) {
		return rowEnd{state: store.RowFailed, alike: "frontdesk could not send them"}, "frontdesk could not send it."
	}
	var answer any = e.Message
	if e.Message == "" {
		answer = Say("status %s", e.Status)
	}
	switch {
	case e.Kind == call.Unanswered:
		return rowEnd{state: store.RowUnknown, alike: "the answers were lost"}, "No usable answer arrived. ATOM's list will tell whether it was created."
	case errors.Is(e.Err, call.ErrHeld): // the wait is known: it need not double
		return rowEnd{state: store.RowReady, waits: "ATOM cannot be reached", wait: e.RetryAfter, held: true}, ""
	case errors.Is(e.Err, call.ErrFull):
		return rowEnd{state: store.RowReady, waits: "ATOM is slow, and too much is waiting for it"}, ""
	case e.Kind == call.Unreachable:
		return rowEnd{state: store.RowReady, waits: "ATOM cannot be reached"}, ""
	case e.Status == http.StatusTooManyRequests:
		return rowEnd{state: store.RowReady, waits: "ATOM is being asked too often", wait: e.RetryAfter}, ""
	case e.Reason == call.ReasonCredentials, e.Reason == call.ReasonAmbiguous:
		return rowEnd{state: store.RowReady,
			pause: Say("ATOM refused frontdesk's own credentials. Tell your operator to check %s, then start it again.", Text(setupAtom))}, ""
	case e.Reason == call.ReasonNotAllowed:
		return rowEnd{state: store.RowReady,
			pause: Say("ATOM does not let customers be created: %s. Your ATOM contact can allow it; then start it again.", answer)}, ""
	case e.Status >= http.StatusInternalServerError:
		return rowEnd{state: store.RowFailed, alike: Say("ATOM answered: %s", answer)}, Say("ATOM could not do it: %s", answer)
	}
	return rowEnd{state: store.RowFailed}, Say("ATOM refused: %s", answer)
}

// customer is what a row says.
func (r *importRow) customer() NewCustomer {
	v := func(field string) string { return r.row.Value(field, r.of.Columns) }
	return NewCustomer{
		Company: v("company"), Email: v("email"), Name: v("name"), Address: v("address"), Country: v("country"),
		City: v("city"), Zip: v("zip"), State: v("state"), Phone: v("phone"), Website: v("website"),
	}
}

// sendRow sends one row: an act like that of the form for a new customer.
func (d *Desk) sendRow(ctx context.Context, by Actor, i store.Import, row store.ImportRow) (rowEnd, error) {
	r := &importRow{of: i, row: row}
	in := r.customer()
	if fields := checkCustomer(&in); len(fields) > 0 {
		names := slices.Sorted(maps.Keys(fields))
		return d.failRow(ctx, r, Say("%s: %s", names[0], fields[names[0]]), false)
	}
	sent := in
	var err error
	if sent.Country, _, err = d.SentCountry(ctx, in.Country); err != nil {
		return rowEnd{}, err
	}
	_, err = d.create(ctx, creating{
		By: by, Typed: in, Customer: sent, Row: r, Note: fmt.Sprintf("import %s, row %d", i.FileName, row.N),
		Receipt: fmt.Sprintf("import %s, row %d, try %d", i.ID, row.N, row.Tries+1),
	})
	var problem *Problem
	switch {
	case errors.Is(err, errNotTaken):
		return rowEnd{}, nil
	case errors.As(err, &problem) && problem.Kind == Unrecorded:
		// Either nothing was sent, or how it ended is not on record: then the row stays
		// as it is until the next start closes its act.
		return rowEnd{waits: "The audit log cannot be written"}, nil
	case r.end.state != "":
		return r.end, nil
	case problem != nil: // refused before it was sent
		return d.failRow(ctx, r, Say("%s. %s", problem.Title, problem.Text), !r.there)
	}
	return rowEnd{}, err
}

// failRow notes that a row was not sent, and why.
func (d *Desk) failRow(ctx context.Context, r *importRow, message Text, again bool) (rowEnd, error) {
	err := d.Store.Write(ctx, func(tx *store.Tx) error { return tx.FailImportRow(ctx, r.of.ID, r.row.N, string(message), again) })
	if err != nil {
		return rowEnd{waits: "The database cannot be written"}, nil //nolint:nilerr // it is tried again
	}
	return rowEnd{state: store.RowFailed}, nil
}
