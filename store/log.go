package store

import (
	"context"

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

// LatestOn returns the last entries about a subject, newest first.
func (db *DB) LatestOn(ctx context.Context, on string, limit int) ([]audit.Entry, error) {
	return audit.LatestOn(ctx, db.reader, on, limit)
}

// LatestOn is LatestOn with what this transaction and those before it in the
// same commit have written.
func (tx *Tx) LatestOn(ctx context.Context, on string, limit int) ([]audit.Entry, error) {
	return audit.LatestOn(ctx, tx, on, limit)
}

// OpenActs returns the intents without an outcome.
func (db *DB) OpenActs(ctx context.Context) ([]audit.Entry, error) {
	return audit.Open(ctx, db.reader)
}
