package store

import (
	"context"
	"time"

	"frontdesk/store/audit"
)

// Entry returns one audit entry.
func (db *DB) Entry(ctx context.Context, id int64) (audit.Entry, error) {
	return one(audit.Get(ctx, db.reader, id))
}

// EntriesOfAct returns an act's entries, oldest first.
func (db *DB) EntriesOfAct(ctx context.Context, act string) ([]audit.Entry, error) {
	return audit.Act(ctx, db.reader, act)
}

// ActsOn returns the intents and outcomes since a moment of acts on one subject by
// anybody but one member of staff, newest first.
func (db *DB) ActsOn(ctx context.Context, on string, but int64, since time.Time) ([]audit.Entry, error) {
	return audit.ActsOn(ctx, db.reader, on, but, since)
}

// ActsOn is the same with what this transaction, and those before it in the same
// commit, have written.
func (tx *Tx) ActsOn(ctx context.Context, on string, but int64, since time.Time) ([]audit.Entry, error) {
	return audit.ActsOn(ctx, tx, on, but, since)
}

// OpenActs returns the intents without an outcome.
func (db *DB) OpenActs(ctx context.Context) ([]audit.Entry, error) {
	return audit.Open(ctx, db.reader)
}
