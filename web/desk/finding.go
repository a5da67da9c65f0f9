package desk

import (
	"context"
	"time"
)

const (
	// unindexedEvery is how often it is looked whether the customers' text index is
	// whole, if nobody says so before.
	unindexedEvery = time.Minute
	// gatherWait is for how long those who are new, and the pieces that changes leave,
	// come together before they are brought in, and merged: of many at once, as an
	// import brings them, each is merged fewer times.
	gatherWait = 250 * time.Millisecond
)

// indexSoon says that the customers' text index may have to be built.
func (d *Desk) indexSoon() {
	select {
	case d.unindexed <- struct{}{}:
	default: // it is known already
	}
}

// indexCustomers builds the customers' text index whenever it is not whole: at
// the first start of a version that searches otherwise, and after a sync that
// brought very many. It brings those in who are new, and merges the pieces that changes
// leave in it.
func (d *Desk) indexCustomers(ctx context.Context) {
	tick := time.NewTicker(unindexedEvery)
	defer tick.Stop()
	for {
		if err := d.Store.IndexCustomers(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("the customers' text index is not whole yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.unindexed:
		case <-d.Store.TextDue():
			select {
			case <-ctx.Done():
				return
			case <-time.After(gatherWait):
			}
		}
	}
}
