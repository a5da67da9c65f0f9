package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frontdesk/store/audit"
)

// Search returns one page of the audit log as f lets it through, newest first:
// an act that is over shows once, as its outcome; one that is under way as its
// intent.
func (db *DB) Search(ctx context.Context, f audit.Filter, p audit.Page) (audit.Found, error) {
	return db.index.Search(ctx, db.reader, f, p)
}

// Summarize counts what f lets through, over time in at most n buckets.
func (db *DB) Summarize(ctx context.Context, f audit.Filter, n int) (audit.Summary, error) {
	return db.index.Summarize(ctx, db.reader, f, n)
}

// Whats returns the kinds of act that the log holds.
func (db *DB) Whats(ctx context.Context) ([]string, error) { return db.index.Whats(ctx, db.reader) }

// EntriesSince counts the entries, intents too, since a moment.
func (db *DB) EntriesSince(ctx context.Context, since time.Time) (int, error) {
	return db.index.Since(ctx, db.reader, since)
}

// Activity counts what staff did on each day since from; staffID 0 counts
// everybody's. Of each kind, a set of whats, it also counts those that belong to it.
func (db *DB) Activity(ctx context.Context, from time.Time, staffID int64, kinds ...[]string) ([]audit.Day, error) {
	return db.index.Days(ctx, db.reader, from, staffID, kinds...)
}

// How many entries enter the text index in one transaction: the writer must not be
// kept from acts for long. When textLate and more wait, for nobody pauses, they no longer
// wait for a pause; when textBehind do, after a restore say, they come faster.
const (
	textBatch  = 32
	textLate   = 2000
	textBehind = 5000
	textHurry  = 200
)

// IndexText brings the next entries into the text index, or keeps it quick to
// search when it has them all; more tells that something is left to do. Until
// an entry is indexed, a search reads it.
func (db *DB) IndexText(ctx context.Context) (more bool, err error) {
	if more, err := db.mergePieces(ctx, "audit_text", &db.pieces.log); more || err != nil {
		return more, err
	}
	waiting, err := audit.Unindexed(ctx, db.reader)
	if err != nil {
		return false, err
	}
	n := textBatch
	if waiting >= textBehind {
		n = textHurry
	}
	batch, err := audit.ReadText(ctx, db.reader, Fold, n, db.pg == nil)
	if err != nil {
		return false, err
	}
	if !batch.Empty() {
		err := db.writeBehind(ctx, waiting >= textLate, func(tx *Tx) error { return batch.Write(ctx, tx, db.now()) })
		if err != nil || db.pg != nil {
			return batch.More, err
		}
		if db.pieces.log.Add(1) >= mergeAfter || batch.More {
			return true, nil
		}
		return audit.MergeDue(ctx, db.reader)
	}
	if db.pg != nil { // it merges by itself
		return false, nil
	}
	if due, err := audit.MergeDue(ctx, db.reader); err != nil || !due {
		return false, err
	}
	return true, db.writeBehind(ctx, false, func(tx *Tx) error { return audit.MergeText(ctx, tx, db.now()) })
}

// SaveFacets keeps the log's index for the next start. Sealed, it cannot be
// made to hide entries.
func (db *DB) SaveFacets(ctx context.Context) error {
	data, upto, err := db.index.Snapshot(ctx, db.reader)
	if err != nil || data == nil {
		return err
	}
	sealed := db.seal.seal("audit_marks", "facets", "data", data)
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO audit_marks (name, upto, at, data) VALUES ('facets', $1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at = excluded.at, data = excluded.data`,
			upto, millis(db.now()), sealed)
		return err
	})
}

// LoadFacets takes the index that SaveFacets kept, if there is one. After an
// error the index is as it was: it reads the log when it is first asked.
func (db *DB) LoadFacets(ctx context.Context) error {
	var sealed []byte
	err := db.reader.QueryRowContext(ctx, `SELECT data FROM audit_marks WHERE name = 'facets'`).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load the log's index: %w", err)
	}
	data, err := db.seal.open("audit_marks", "facets", "data", sealed)
	if err != nil {
		return err
	}
	return db.index.Restore(ctx, db.reader, data)
}

// DoneActs is audit.Index.Done of this log.
func (db *DB) DoneActs(ctx context.Context, whats []string, after int64, most int, yield func(audit.Entry)) (last int64, err error) {
	return db.index.Done(ctx, db.reader, whats, after, most, yield)
}
