package desk

import (
	"context"
	"errors"
	"slices"
	"time"

	"frontdesk/store"
)

const (
	replicasLook = time.Second // how often a replica looks after its place and after the others
	// goneAfter is how long a replica must have been away before it counts as gone. When
	// the database was started again, all of them come back, one after the other.
	goneAfter = 5 * time.Second
)

// followReplicas keeps this replica's place among others, and clears away what those
// have left that are gone, until ctx is done.
func (d *Desk) followReplicas(ctx context.Context) {
	if !d.Store.Shared() {
		return
	}
	tick := time.NewTicker(replicasLook)
	defer tick.Stop()
	away := map[int64]time.Time{} // since when
	for {
		err := d.Store.KeepPlace(ctx)
		var unwritable *store.Unwritable
		if err == nil {
			err = d.buryThose(ctx, away)
		}
		if err != nil && ctx.Err() == nil && !errors.As(err, &unwritable) {
			d.Log.Error("look after the other replicas", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// buryThose clears away what those have left that have been away for long enough.
func (d *Desk) buryThose(ctx context.Context, away map[int64]time.Time) error {
	gone, err := d.Store.Gone(ctx)
	if err != nil {
		return err
	}
	for id := range away {
		if !slices.Contains(gone, id) {
			delete(away, id) // it is back
		}
	}
	for _, id := range gone {
		since, known := away[id]
		if !known {
			away[id] = time.Now()
			continue
		}
		if time.Since(since) >= goneAfter {
			err = errors.Join(err, d.bury(ctx, id))
		}
	}
	return err
}

// bury clears away what a replica has left: its acts are closed as unknown, and its
// jobs can be taken up.
func (d *Desk) bury(ctx context.Context, id int64) error {
	var buried bool
	err := d.Store.Write(ctx, func(tx *store.Tx) (err error) { buried, err = tx.Bury(ctx, id); return err })
	if err != nil || !buried {
		return err
	}
	open, err := d.Store.OpenActsOf(ctx, id)
	if err != nil {
		return err
	}
	d.Log.Info("clearing away after a frontdesk that is gone", "replica", id, "acts", len(open))
	return d.closeActs(ctx, open)
}

// buryAll clears away what was left before this start, where no other replica can be.
func (d *Desk) buryAll(ctx context.Context) error {
	if d.Store.Shared() {
		return nil
	}
	gone, err := d.Store.Gone(ctx)
	for _, id := range gone {
		if err == nil {
			err = d.bury(ctx, id)
		}
	}
	return err
}
