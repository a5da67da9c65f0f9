package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The names of what is done with an import, as the log and its filter show them.
const (
	WhatStartImport  = "start import"
	WhatPauseImport  = "pause import"
	WhatCancelImport = "cancel import"
	WhatPaceImport   = "change import pace"
	WhatImportDone   = "import done"
)

// The bounds of an import's pace.
const (
	MostAtOnce    = 16
	MostPerSecond = 100
)

// StartImport makes an import run, or run again: after a pause, or after it was
// done, when there is something to send. Starting one that runs changes nothing.
// Somebody else's import is store.ErrNotFound, but for admins.
func (d *Desk) StartImport(ctx context.Context, by Actor, id string) error {
	return d.startImport(ctx, by, id, false)
}

// RetryImport sends the failed rows again that need no mending, because ATOM was
// the trouble and not what they say.
func (d *Desk) RetryImport(ctx context.Context, by Actor, id string) error {
	return d.startImport(ctx, by, id, true)
}

func (d *Desk) startImport(ctx context.Context, by Actor, id string, failed bool) error {
	err := d.changeImport(ctx, by, id, func(tx *store.Tx, i store.Import) error {
		again := 0
		if failed && i.State != store.ImportCancelled {
			var err error
			if again, err = tx.RetryImportRows(ctx, id); err != nil {
				return err
			}
		}
		if i.State == store.ImportRunning && again == 0 {
			return nil
		}
		if i.Busy != "" {
			return notMended(store.RowReady)
		}
		counts, err := tx.ImportCounts(ctx, id)
		if err != nil {
			return err
		}
		if i.State == store.ImportCancelled {
			return cancelled("It cannot be started any more.")
		}
		if counts[store.RowReady]+counts[store.RowSending]+counts[store.RowUnknown] == 0 {
			return &Problem{Kind: Invalid, Title: "There is nothing to send", Text: "No row of this import is ready.",
				Advice: "Mend the rows that are marked, then start it."}
		}
		if i.State != store.ImportRunning {
			if _, err := tx.MoveImport(ctx, id, i.State, store.ImportRunning, ""); err != nil {
				return err
			}
		}
		detail := fmt.Sprintf("%d rows ready, %d at once, %d a second at most", counts[store.RowReady], i.Concurrency, i.Rate)
		if again > 0 {
			detail += fmt.Sprintf("; %d of them had failed", again)
		}
		return tx.Append(ctx, importEvent(by.Who(), WhatStartImport, i, detail))
	})
	if err == nil {
		d.imports.look()
	}
	return err
}

// PauseImport lets an import rest: the rows under way end as they end, no other is
// begun.
func (d *Desk) PauseImport(ctx context.Context, by Actor, id string) error {
	return d.changeImport(ctx, by, id, func(tx *store.Tx, i store.Import) error {
		moved, err := tx.MoveImport(ctx, id, store.ImportRunning, store.ImportPaused, "")
		if err != nil || !moved {
			return err
		}
		return tx.Append(ctx, importEvent(by.Who(), WhatPauseImport, i, ""))
	})
}

// CancelImport ends an import: the rows that were not sent stay unsent. One that was
// never started is discarded: its rows are removed.
func (d *Desk) CancelImport(ctx context.Context, by Actor, id string) error {
	discarded := false
	err := d.changeImport(ctx, by, id, func(tx *store.Tx, i store.Import) error {
		discarded = false
		if i.State == store.ImportDone || i.State == store.ImportCancelled {
			return nil
		}
		if i.Busy != "" {
			return notMended(store.RowReady)
		}
		if _, err := tx.MoveImport(ctx, id, i.State, store.ImportCancelled, ""); err != nil {
			return err
		}
		counts, err := tx.ImportCounts(ctx, id)
		if err != nil {
			return err
		}
		if i.StartedAt.IsZero() {
			if discarded, err = tx.MarkImportRemoved(ctx, id); err != nil {
				return err
			}
		}
		return tx.Append(ctx, importEvent(by.Who(), WhatCancelImport, i, counted(counts)))
	})
	if err != nil || !discarded {
		return err
	}
	if err := d.dropDiscarded(context.WithoutCancel(ctx), id); err != nil { // the sweep does it later
		d.Log.Error("remove the rows of a discarded import", "error", err, "request", by.Request)
	}
	return nil
}

// cancelled is why nothing can be done with an import that was cancelled.
func cancelled(text Text) *Problem {
	return &Problem{Kind: Invalid, Title: "This import was cancelled", Text: text,
		Advice: "Bring the file in again: the check tells which of its customers exist already."}
}

// PaceImport sets how many rows may be under way at once and how many may be begun
// in a second, also while the import runs.
func (d *Desk) PaceImport(ctx context.Context, by Actor, id string, concurrency, rate int) error {
	fields := map[string]Text{}
	if concurrency < 1 || concurrency > MostAtOnce {
		fields["concurrency"] = Say("From 1 to %s.", MostAtOnce)
	}
	if rate < 1 || rate > MostPerSecond {
		fields["rate"] = Say("From 1 to %s.", MostPerSecond)
	}
	return d.changeImport(ctx, by, id, func(tx *store.Tx, i store.Import) error {
		if len(fields) > 0 {
			return &Problem{Kind: Invalid, Title: "Please check the form", Text: "Nothing was changed.", Fields: fields}
		}
		diff := map[string][2]string{}
		if i.Concurrency != concurrency {
			diff["concurrency"] = [2]string{fmt.Sprint(i.Concurrency), fmt.Sprint(concurrency)}
		}
		if i.Rate != rate {
			diff["rate"] = [2]string{fmt.Sprint(i.Rate), fmt.Sprint(rate)}
		}
		if len(diff) == 0 {
			return nil
		}
		if err := tx.SetImportPace(ctx, id, concurrency, rate); err != nil {
			return err
		}
		e := importEvent(by.Who(), WhatPaceImport, i, "")
		e.Changes = changes(diff)
		return tx.Append(ctx, e)
	})
}

// changeImport runs f on an import of by's, or for an admin on anybody's, within
// one transaction.
func (d *Desk) changeImport(ctx context.Context, by Actor, id string, f func(tx *store.Tx, i store.Import) error) error {
	if err := by.may(store.Manager); err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx)
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		i, err := tx.Import(lasting, id)
		if err != nil {
			return err
		}
		if i.StaffID != by.Staff.ID && !by.Staff.Role.Includes(store.Admin) {
			return store.ErrNotFound
		}
		return f(tx, i)
	})
	var problem *Problem
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.As(err, &problem) {
		return err
	}
	return unrecorded(err)
}

func importEvent(who audit.Who, what string, i store.Import, detail string) *audit.Entry {
	return &audit.Entry{
		Phase: audit.Event, Who: who, What: what, On: audit.Subject{ID: "import:" + i.ID, Name: i.FileName}, Result: audit.Done, Detail: detail,
	}
}

// counted is how an import's rows have ended, as a sentence for the log.
func counted(counts map[store.RowState]int) string {
	text := fmt.Sprintf("%d created, %d failed", counts[store.RowCreated], counts[store.RowFailed])
	for _, s := range []struct {
		state store.RowState
		words string
	}{{store.RowUnknown, "unknown"}, {store.RowReady, "not sent"}, {store.RowSending, "under way"}, {store.RowWrong, "to be mended"}, {store.RowLeft, "left out"}} {
		if n := counts[s.state]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, s.words)
		}
	}
	return text
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Import    store.Import
	Counts    map[store.RowState]int
	Total     int
	Again     int           // failed rows that need no mending: RetryImport sends them
	PerMinute float64       // rows ended, over the last half minute
	Left      time.Duration // until the last row, as it goes now; 0 when that cannot be told
}

// ImportProgress tells how far an import has come. Who may see it is the caller's
// to know.
func (d *Desk) ImportProgress(ctx context.Context, id string) (ImportProgress, error) {
	i, err := d.Store.Import(ctx, id)
	if err != nil {
		return ImportProgress{}, err
	}
	p := ImportProgress{Import: i}
	if p.Counts, err = d.Store.ImportCounts(ctx, id); err != nil {
		return p, err
	}
	for _, n := range p.Counts {
		p.Total += n
	}
	if p.Counts[store.RowFailed] > 0 {
		if p.Again, err = d.Store.ImportsAgain(ctx, id); err != nil {
			return p, err
		}
	}
	if m := d.imports.meter(id); m != nil && i.State == store.ImportRunning {
		p.goes(m.rate(time.Now()))
	} else if i.State == store.ImportRunning && d.Now().Sub(i.SpeedAt) < speedHolds {
		p.goes(i.Speed) // another replica sends them
	}
	return p, nil
}

func (p *ImportProgress) goes(perSecond float64) {
	p.PerMinute = perSecond * 60
	if left := p.Counts[store.RowReady] + p.Counts[store.RowSending]; perSecond > 0 {
		p.Left = time.Duration(float64(left) / perSecond * float64(time.Second)).Round(time.Second)
	}
}
