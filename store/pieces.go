package store

import (
	"context"
	"sync/atomic"
	"time"

	"frontdesk/store/audit"
)

const (
	// mergeAfter is how many transactions leave a piece in a text index before these are
	// merged.
	mergeAfter = 8
	// mergeLate is how many there are before that no longer waits for a pause: the more
	// there are, the longer a search takes, and a step of merging.
	mergeLate = 200
	// mergePause is for how long the writer is left to acts between two steps.
	mergePause = 5 * time.Millisecond
)

// pieces count the transactions that have left one in a text index since these were
// merged.
type pieces struct {
	log, customers atomic.Int64
	due            chan struct{} // IndexCustomers has something to do
}

// left counts a transaction that has left a piece in the customers' text index.
func (p *pieces) left() {
	if p.customers.Add(1) >= mergeAfter {
		p.say()
	}
}

// say says that there is something to do.
func (p *pieces) say() {
	select {
	case p.due <- struct{}{}:
	default: // it is known already
	}
}

// TextDue tells that customers wait to be brought into their text index, or that there
// are pieces in it, for IndexCustomers to merge.
func (db *DB) TextDue() <-chan struct{} { return db.pieces.due }

// mergePieces does one step of merging what transactions have left in a text index, if
// they are many; more tells that it may not be the last.
func (db *DB) mergePieces(ctx context.Context, table string, left *atomic.Int64) (more bool, err error) {
	if left.Load() < mergeAfter {
		return false, nil
	}
	err = db.writeBehind(ctx, left.Load() >= mergeLate, func(tx *Tx) (err error) {
		more, err = audit.MergePieces(ctx, tx, table)
		return err
	})
	if err == nil && !more {
		left.Store(0)
	}
	return more, err
}
