package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// FTS5 writes each transaction's text as a segment of its own and merges few of
// them by itself. A search opens every segment for every trigram: with a dozen
// of them it takes five times as long as with one. Now and then all are merged,
// in steps that keep the writer for some milliseconds each.

const (
	// mergeAfter entries, or as many as mergeShare of the log when that is more,
	// there is a merge: its cost, spread over the entries, stays the same however
	// long the log is.
	mergeAfter = 1 << 14
	mergeShare = 16
	mergePages = 64 // written in one step
)

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
	pages, data := mergePages, []byte{1}
	if !underway { // the first step, told so by a negative number, takes all segments in
		pages = -pages
		if upto, err = textMark(ctx, tx); err != nil {
			return err
		}
	}
	var before, after int64
	if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&before); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit_text (audit_text, rank) VALUES ('merge', $1)`, pages); err != nil {
		return fmt.Errorf("merge the text index: %w", err)
	}
	if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&after); err != nil {
		return err
	}
	if after-before < 2 { // FTS5's way to say that it is done
		data = nil
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO audit_marks (name, upto, at, data) VALUES ('merge', $1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET upto = excluded.upto, at = excluded.at, data = excluded.data`, upto, now.UnixMilli(), data)
	return err
}
