package desk

import (
	"context"
	"errors"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// errStopping ends exports when frontdesk is stopped: they can be begun anew.
var errStopping = errors.New("frontdesk was stopped")

// exporting is what is taken away, for the record.
type exporting struct {
	Who   audit.Who
	What  string
	On    audit.Subject
	About string             // "CSV (comma), the whole log"; may be ""
	Count func(n int) string // "12 entries"
}

// as is a count with the form that it was taken away in.
func (x exporting) as(sent int) string {
	if x.About == "" {
		return x.Count(sent)
	}
	return x.Count(sent) + " as " + x.About
}

// export records that something is taken away, does it, and records how much it
// was. hand gets the intent's ID. It has no receipt: nothing is done that a
// second click would do twice.
func (d *Desk) export(ctx context.Context, x exporting, hand func(intent int64) (int, error)) (sent int, err error) {
	began, lasting := d.Now(), context.WithoutCancel(ctx)
	intent := audit.Entry{Act: store.NewActID(began), Phase: audit.Intent, Who: x.Who, What: x.What, On: x.On, Detail: x.About}
	d.under.Add(1) // before the intent is durable, so that a stop waits for it
	writing, cancel := context.WithTimeout(lasting, intentLimit)
	defer cancel()
	if err := d.Store.Write(writing, func(tx *store.Tx) error { return tx.Append(writing, &intent) }); err != nil {
		d.under.Done()
		return 0, unrecorded(err)
	}

	sent, failed := hand(intent.ID)

	outcome := audit.Entry{
		Act: intent.Act, Phase: audit.Outcome, Who: x.Who, What: x.What, On: x.On, Duration: d.Now().Sub(began),
		Result: audit.Done, Detail: x.as(sent),
	}
	switch {
	case failed != nil && ctx.Err() != nil: // some of it has arrived, and nobody says how much
		outcome.Result, outcome.Detail = audit.Unknown, "the reader left after "+x.as(sent)
	case failed != nil:
		why := "it could not be read or sent on"
		if errors.Is(failed, errStopping) {
			why = failed.Error()
		}
		outcome.Result, outcome.Detail = audit.Refused, "broke off after "+x.as(sent)+": "+why
	}
	err = d.Store.WriteOutcome(lasting, func(tx *store.Tx) error { return tx.Append(lasting, &outcome) })
	d.under.Done()
	if err != nil {
		d.Log.Error("record an outcome", "error", err, "act", intent.Act, "what", x.What, "outcome", outcome.Result, "request", x.Who.Request)
	}
	return sent, errors.Join(failed, err)
}
