package store

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// calmFor is for how long nobody must have written before what can wait is written:
	// an act that comes meanwhile waits for it. Eight people who act all the time leave
	// pauses of a quarter of it between their writes.
	calmFor = 100 * time.Millisecond
	// calmWithin is how long such a moment is waited for.
	calmWithin = time.Second
)

// calm knows when somebody has written last.
type calm struct {
	last atomic.Int64 // in nanoseconds since 1970
}

func (c *calm) written() { c.last.Store(time.Now().UnixNano()) }

// Calm waits until nobody has written for a moment, as is good for what slows others down
// and can wait. It returns ctx's error.
func (db *DB) Calm(ctx context.Context) error {
	return db.calm.wait(ctx, func() bool { return false })
}

// wait waits until nobody has written for calmFor, or until it is late.
func (c *calm) wait(ctx context.Context, late func() bool) error {
	for {
		left := min(calmFor, calmFor-time.Since(time.Unix(0, c.last.Load()))) // the clock may have been put back
		if left <= 0 || late() {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}
