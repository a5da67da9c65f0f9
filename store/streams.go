package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frontdesk/store/audit"
)

// StreamMark is how far something that follows the log has come.
type StreamMark struct {
	Upto int64     // ID of the last entry that was taken; 0 before the first
	At   time.Time // when it was
}

// StreamMark returns a stream's mark; the zero mark when it has none yet.
func (db *DB) StreamMark(ctx context.Context, name string) (StreamMark, error) {
	var m StreamMark
	var at sql.NullInt64
	err := db.reader.QueryRowContext(ctx, `SELECT upto, at FROM audit_marks WHERE name = $1`, name).Scan(&m.Upto, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.At = fromMillis(at)
	return m, err
}

// SetStreamMark notes that a stream has taken the entries up to an ID. A mark
// never moves back.
func (tx *Tx) SetStreamMark(ctx context.Context, name string, upto int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO audit_marks (name, upto, at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at = excluded.at WHERE excluded.upto > audit_marks.upto`,
		name, upto, millis(tx.db.now()))
	if err != nil {
		return fmt.Errorf("move the mark of %s: %w", name, err)
	}
	return nil
}

// EntriesAfter returns the first n entries that follow an ID, oldest first,
// intents too.
func (db *DB) EntriesAfter(ctx context.Context, id int64, n int) ([]audit.Entry, error) {
	return audit.After(ctx, db.reader, id, n)
}

// StreamLag tells how many entries follow an ID, and when the first of them was
// written; the zero time when there is none. IDs have no gaps, so nothing is
// counted.
func (db *DB) StreamLag(ctx context.Context, id int64) (behind int, oldest time.Time, err error) {
	var last int64
	var at sql.NullInt64
	err = db.reader.QueryRowContext(ctx, `
		SELECT coalesce((SELECT max(id) FROM audit_entries), 0), (SELECT at FROM audit_entries WHERE id > $1 ORDER BY id LIMIT 1)`,
		id).Scan(&last, &at)
	return int(max(last-id, 0)), fromMillis(at), err
}

// onePage is how many entries Pages holds in memory at a time.
const onePage = 500

// Pages hands what a filter lets through to page, newest first, beginning
// before an ID (0: with the newest), and returns how many entries were taken.
// page is called once or more; its error ends it. No transaction is held between
// two pages, so that a slow reader keeps the database from nothing.
func (db *DB) Pages(ctx context.Context, f audit.Filter, before int64, page func(entries []audit.Entry) error) (sent int, err error) {
	for {
		found, err := db.Search(ctx, f, audit.Page{Before: before, Limit: onePage})
		if err != nil {
			return sent, err
		}
		if err := page(found.Entries); err != nil {
			return sent, err
		}
		sent += len(found.Entries)
		if !found.Older {
			return sent, nil
		}
		next := found.Reached // the search gave up there; what it found lies above
		if n := len(found.Entries); next == 0 && n > 0 {
			next = found.Entries[n-1].ID
		}
		if next < 1 || (before != 0 && next >= before) {
			return sent, fmt.Errorf("read the audit log: the search does not get past entry %d", before)
		}
		before = next
	}
}
