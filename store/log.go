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

// OpenActs returns the intents without an outcome.
func (db *DB) OpenActs(ctx context.Context) ([]audit.Entry, error) {
	return audit.Open(ctx, db.reader)
}
