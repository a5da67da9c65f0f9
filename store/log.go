package store

import (
	"context"
	"time"

	"frontdesk/store/audit"
)

// Entries lists the audit log.
func (db *DB) Entries(ctx context.Context, f audit.Filter) ([]audit.Entry, error) {
	return audit.List(ctx, db.reader, f)
}

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

// Whats returns the kinds of act that the log holds.
func (db *DB) Whats(ctx context.Context) ([]string, error) { return audit.Whats(ctx, db.reader) }

// Activity counts what happened on each day since from.
func (db *DB) Activity(ctx context.Context, from time.Time, staffID int64) ([]audit.Day, error) {
	return audit.Activity(ctx, db.reader, from, staffID)
}
