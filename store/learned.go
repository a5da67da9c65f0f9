package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Learned is something that a service's answers were found to have: the name and
// type of a field, the words of a message, a status, a host. Never a value.
type Learned struct {
	ID        int64
	Service   string
	Endpoint  string
	Kind      string
	What      string
	FirstSeen time.Time
}

const learnedColumns = `id, service, endpoint, kind, what, first_seen`

func scanLearned(row scanner) (Learned, error) {
	var l Learned
	var seen sql.NullInt64
	err := row.Scan(&l.ID, &l.Service, &l.Endpoint, &l.Kind, &l.What, &seen)
	l.FirstSeen = fromMillis(seen)
	return l, err
}

// AllLearned returns everything that was learned, the oldest first.
func (db *DB) AllLearned(ctx context.Context) ([]Learned, error) {
	return collect(ctx, db.reader, scanLearned, `SELECT `+learnedColumns+` FROM learned ORDER BY id`)
}

// LearnedSince is when an endpoint was first met; zero when it was not.
func (tx *Tx) LearnedSince(ctx context.Context, service, endpoint string) (time.Time, error) {
	var first sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT min(first_seen) FROM learned WHERE service = $1 AND endpoint = $2`, service, endpoint).Scan(&first)
	return fromMillis(first), err
}

// Learn stores what was met for the first time, and whether that is a novelty to tell
// of; added is false for what is stored already.
func (tx *Tx) Learn(ctx context.Context, l Learned, novel bool) (added bool, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO learned (service, endpoint, kind, what, first_seen, novel) VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN 1 ELSE 0 END)
		ON CONFLICT (service, endpoint, kind, what) DO NOTHING RETURNING id`, l.Service, l.Endpoint, l.Kind, l.What, millis(l.FirstSeen), novel).Scan(&l.ID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("store what was learned: %w", err)
	}
	return true, nil
}

const unseen = `FROM learned WHERE novel = 1 AND seen_at IS NULL`

// Novelties returns what is novel and no admin has seen, the oldest first, at most
// limit.
func (db *DB) Novelties(ctx context.Context, limit int) ([]Learned, error) {
	return collect(ctx, db.reader, scanLearned, `SELECT `+learnedColumns+` `+unseen+` ORDER BY id LIMIT $1 + 0`, limit)
}

// CountNovelties counts what Novelties returns.
func (db *DB) CountNovelties(ctx context.Context) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT count(*) `+unseen).Scan(&n)
	return n, err
}

// SeeNovelty takes one of Novelties as seen; ErrNotFound when it is none of them.
func (tx *Tx) SeeNovelty(ctx context.Context, id int64, by string) (Learned, error) {
	return one(scanLearned(tx.QueryRowContext(ctx, `
		UPDATE learned SET seen_at = $1, seen_by = $2 WHERE id = $3 AND novel = 1 AND seen_at IS NULL
		RETURNING `+learnedColumns, millis(tx.db.now()), by, id)))
}
