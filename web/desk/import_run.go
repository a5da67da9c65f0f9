package desk

import (
	"context"
	"time"

	"frontdesk/store"
)

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Import store.Import
	Counts map[store.RowState]int
	Total  int
	Rate   float64       // rows ended per second lately
	Left   time.Duration // until all are sent, at that rate
}

// StartImport lets an import run that is a draft or paused.
func (d *Desk) StartImport(ctx context.Context, by Actor, id string) error {
	return d.moveImport(ctx, by, id, store.ImportRunning, store.ImportDraft, store.ImportPaused)
}

// PauseImport stops a running import from sending more.
func (d *Desk) PauseImport(ctx context.Context, by Actor, id string) error {
	return d.moveImport(ctx, by, id, store.ImportPaused, store.ImportRunning)
}

// CancelImport ends an import: what is not sent will not be.
func (d *Desk) CancelImport(ctx context.Context, by Actor, id string) error {
	return d.moveImport(ctx, by, id, store.ImportCancelled, store.ImportDraft, store.ImportRunning, store.ImportPaused)
}

// RetryImport lets an import that is over run again.
func (d *Desk) RetryImport(ctx context.Context, by Actor, id string) error {
	return d.moveImport(ctx, by, id, store.ImportRunning, store.ImportDone)
}

func (d *Desk) moveImport(ctx context.Context, by Actor, id string, to store.ImportState, from ...store.ImportState) error {
	if _, err := d.OpenImport(ctx, by, id); err != nil {
		return err
	}
	moved := false
	err := d.Store.Write(ctx, func(tx *store.Tx) (err error) {
		for _, state := range from {
			if !moved && err == nil {
				moved, err = tx.MoveImport(ctx, id, state, to, "")
			}
		}
		return err
	})
	if err == nil && !moved {
		err = &Problem{Kind: Invalid, Title: "Not possible now", Text: "The import has moved on meanwhile. Nothing was changed.", Advice: "Open it again to see how far it is."}
	}
	return err
}

// PaceImport says how many rows may be under way at once, and begun in a second.
func (d *Desk) PaceImport(ctx context.Context, by Actor, id string, concurrency, rate int) error {
	if _, err := d.OpenImport(ctx, by, id); err != nil {
		return err
	}
	fields := map[string]string{}
	if concurrency < 1 || concurrency > 16 {
		fields["concurrency"] = "From 1 to 16."
	}
	if rate < 1 || rate > 100 {
		fields["rate"] = "From 1 to 100."
	}
	if len(fields) > 0 {
		return invalid(fields)
	}
	return d.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetImportPace(ctx, id, concurrency, rate) })
}

// ImportProgress tells how far an import has come.
func (d *Desk) ImportProgress(ctx context.Context, id string) (ImportProgress, error) {
	i, err := d.Store.Import(ctx, id)
	if err != nil {
		return ImportProgress{}, err
	}
	p := ImportProgress{Import: i}
	p.Counts, err = d.Store.ImportCounts(ctx, id)
	for _, n := range p.Counts {
		p.Total += n
	}
	return p, err
}
