package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Throttle is the record of refused sign-ins of one subject.
type Throttle struct {
	Subject  string // "user:portal:name" or "address:ip"
	Refusals int
	Last     time.Time // the latest of them
}

// stale is when a record counts no more: its window passed without reaching
// the limit, or nothing was refused for twice the window.
const stale = `((throttles.refusals < $2 AND throttles.since < $3) OR throttles.last_at < $4)`

// Throttle returns the record of a subject; the zero Throttle when it has none
// that counts.
func (tx *Tx) Throttle(ctx context.Context, subject string, limit int, window time.Duration) (Throttle, error) {
	now := tx.db.now()
	var t Throttle
	var last sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT refusals, last_at FROM throttles WHERE subject = $1 AND NOT `+stale,
		subject, limit, millis(now.Add(-window)), millis(now.Add(-2*window))).Scan(&t.Refusals, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return Throttle{}, nil
	}
	t.Subject, t.Last = subject, fromMillis(last)
	return t, err
}

// Throttles returns the records that count and have reached their limit, the
// latest first, 200 at most.
func (db *DB) Throttles(ctx context.Context, users, addresses int, window time.Duration) ([]Throttle, error) {
	return collect(ctx, db.reader, func(row scanner) (Throttle, error) {
		var t Throttle
		var last sql.NullInt64
		err := row.Scan(&t.Subject, &t.Refusals, &last)
		t.Last = fromMillis(last)
		return t, err
	}, `SELECT subject, refusals, last_at FROM throttles
		WHERE refusals >= CASE WHEN subject LIKE 'user:%' THEN CAST($1 AS BIGINT) ELSE $2 END AND last_at >= $3
		ORDER BY last_at DESC, subject LIMIT 200`, users, addresses, millis(db.now().Add(-2*window)))
}

// AddRefusal counts one refusal of a subject and returns the time it is
// counted at.
func (tx *Tx) AddRefusal(ctx context.Context, subject string, limit int, window time.Duration) (time.Time, error) {
	now := tx.db.now()
	_, err := tx.ExecContext(ctx, `
		INSERT INTO throttles (subject, refusals, since, last_at) VALUES ($1, 1, $5, $5)
		ON CONFLICT (subject) DO UPDATE SET
			refusals = CASE WHEN `+stale+` THEN 1 ELSE throttles.refusals + 1 END,
			since    = CASE WHEN `+stale+` THEN $5 ELSE throttles.since END,
			last_at  = $5`,
		subject, limit, millis(now.Add(-window)), millis(now.Add(-2*window)), millis(now))
	return now, err
}

// UndoRefusal takes back a refusal, counted at, that turned out to be none.
// before is the record as it was then: the wait runs from its latest refusal
// again, unless another one came since.
func (tx *Tx) UndoRefusal(ctx context.Context, subject string, at time.Time, before Throttle) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE throttles SET refusals = refusals - 1, last_at = CASE WHEN last_at = $2 AND CAST($3 AS BIGINT) > 0 THEN $3 ELSE last_at END
		WHERE subject = $1`, subject, at.UnixMilli(), max(0, before.Last.UnixMilli())); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM throttles WHERE subject = $1 AND refusals <= 0`, subject)
	return err
}

// PurgeRefusals removes the records without a refusal since a time.
func (tx *Tx) PurgeRefusals(ctx context.Context, since time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM throttles WHERE last_at < $1`, millis(since))
	return err
}

// ClearRefusals forgets a subject's refusals.
func (tx *Tx) ClearRefusals(ctx context.Context, subject string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM throttles WHERE subject = $1`, subject)
	return err
}
