package desk

import (
	"context"
	"time"

	"frontdesk/store"
)

// importsWait is why running imports wait after a start.
const importsWait Text = "Waiting for ATOM's list"

// listLooked is how often the jobs look whether ATOM's list has arrived.
const listLooked = 250 * time.Millisecond

// awaitList waits until this process has believed a list of ATOM's. The database
// may be a restored one, in which rows are ready that were created since its
// backup: only the list tells, and what it has is not sent again.
func (d *Desk) awaitList(ctx context.Context) {
	if d.Mirror.believed.Load() {
		return
	}
	tick := time.NewTicker(listLooked)
	defer tick.Stop()
	for !d.Mirror.believed.Load() {
		d.noteWaiting(ctx, true)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	d.noteWaiting(ctx, false)
}

// noteWaiting says at the running imports that they wait for the list, or no longer.
func (d *Desk) noteWaiting(ctx context.Context, waits bool) {
	if d.Store.Trouble() != nil {
		return
	}
	note := ""
	if waits {
		note = string(importsWait)
	}
	running, err := d.Store.ImportsIn(ctx, store.ImportRunning)
	for _, i := range running {
		if err == nil && waits != (Text(i.Note) == importsWait) {
			err = d.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetImportNote(ctx, i.ID, note) })
		}
	}
	if err != nil && ctx.Err() == nil {
		d.Log.Warn("note why imports wait", "error", err)
	}
}
