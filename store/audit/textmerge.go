package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// FTS5 writes each transaction's text as a segment of its own. It is told to merge none
// by itself: it would do so within somebody's write, and megabytes at once. MergePieces
// does it instead, in small steps, for segments of a like size. A search opens every
// segment for every trigram: with a dozen of them it takes five times as long as with
// one. So now and then all are merged.

const (
	// mergeAfter entries, or as many as mergeShare of the log when that is more,
	// there is a merge: its cost, spread over the entries, stays the same however
	// long the log is.
	mergeAfter = 1 << 14
	mergeShare = 16
	mergePages = 16 // written in one step, which keeps the writer for a millisecond or two
)

// MergePieces does one step of merging some segments of a text index, if enough of a
// like size have come together; more tells that it may not be the last.
func MergePieces(ctx context.Context, tx Writer, table string) (more bool, err error) {
	return mergeStep(ctx, tx, table, mergePages)
}

// MergeAll does one step of merging all segments of a text index. The first takes in
// those that are there; more tells that it may not be the last.
func MergeAll(ctx context.Context, tx Writer, table string, first bool) (more bool, err error) {
	if first { // told so by a negative number
		return mergeStep(ctx, tx, table, -mergePages)
	}
	return mergeStep(ctx, tx, table, mergePages)
}

func mergeStep(ctx context.Context, tx Writer, table string, pages int) (more bool, err error) {
	var before, after int64
	if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&before); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO `+table+` (`+table+`, rank) VALUES ('merge', $1)`, pages); err != nil {
		return false, fmt.Errorf("merge %s: %w", table, err)
	}
	if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&after); err != nil {
		return false, err
	}
	return after-before >= 2, nil // fewer are FTS5's way to say that it is done
}

// mergeState is how far text is merged, and whether a merge is under way.
func mergeState(ctx context.Context, q Querier) (upto int64, underway bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT upto, data IS NOT NULL FROM audit_marks WHERE name = 'merge'`).Scan(&upto, &underway)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return upto, underway, err
}

// MergeDue tells whether MergeText has something to do.
func MergeDue(ctx context.Context, q Querier) (bool, error) {
	merged, underway, err := mergeState(ctx, q)
	if err != nil || underway {
		return underway, err
	}
	indexed, err := textMark(ctx, q)
	return indexed-merged >= max(mergeAfter, indexed/mergeShare), err
}

// MergeText does one step of merging the text index's segments.
func MergeText(ctx context.Context, tx Writer, now time.Time) error {
	upto, underway, err := mergeState(ctx, tx)
	if err != nil {
		return err
	}
	if !underway {
		if upto, err = textMark(ctx, tx); err != nil {
			return err
		}
	}
	more, err := MergeAll(ctx, tx, "audit_text", !underway)
	if err != nil {
		return err
	}
	var data []byte
	if more {
		data = []byte{1}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO audit_marks (name, upto, at, data) VALUES ('merge', $1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at = excluded.at, data = excluded.data`, upto, now.UnixMilli(), data)
	return err
}
