package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Receipt is the record that makes a repeated form post repeat the answer and
// not the act.
type Receipt struct {
	Act    string
	At     time.Time // when the act was begun
	Answer []byte    // nil while the act is under way
	Secret []byte    // what only the session that acted may see, and not for long; nil once that time is over
}

// ClaimReceipt records that the act begins under key, until expires. When key
// is claimed already and has not expired, nothing is written and taken is that
// receipt.
func (tx *Tx) ClaimReceipt(ctx context.Context, key, act string, expires time.Time) (taken *Receipt, err error) {
	now := tx.db.now()
	var got string
	err = tx.QueryRowContext(ctx, `
		INSERT INTO receipts (key, act_id, created_at, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET act_id = excluded.act_id, created_at = excluded.created_at,
			expires_at = excluded.expires_at, answer = NULL, secret = NULL
			WHERE receipts.expires_at <= $3 AND receipts.answer IS NOT NULL
		RETURNING act_id`, key, act, millis(now), millis(expires)).Scan(&got)
	if errors.Is(err, sql.ErrNoRows) {
		r, err := tx.db.receipt(ctx, tx, `key = $1`, key)
		return &r, err
	}
	if err != nil {
		return nil, fmt.Errorf("claim receipt: %w", err)
	}
	return nil, nil
}

// AnswerReceipt stores an act's answer and what is secret of it (nil: nothing),
// both sealed.
func (tx *Tx) AnswerReceipt(ctx context.Context, act string, answer, secret []byte) error {
	if secret != nil {
		secret = tx.db.seal.seal("receipts", act, "secret", secret)
	}
	_, err := tx.ExecContext(ctx, `UPDATE receipts SET answer = $1, secret = $2 WHERE act_id = $3`,
		tx.db.seal.seal("receipts", act, "answer", answer), secret, act)
	return err
}

// Receipt returns the receipt of a key.
func (db *DB) Receipt(ctx context.Context, key string) (Receipt, error) {
	return db.receipt(ctx, db.reader, `key = $1`, key)
}

// ReceiptOfAct returns the receipt of an act.
func (db *DB) ReceiptOfAct(ctx context.Context, act string) (Receipt, error) {
	return db.receipt(ctx, db.reader, `act_id = $1`, act)
}

func (db *DB) receipt(ctx context.Context, q querier, where, arg string) (Receipt, error) {
	var r Receipt
	var answer, secret []byte
	var at sql.NullInt64
	_, err := one(0, q.QueryRowContext(ctx, `SELECT act_id, created_at, answer, secret FROM receipts WHERE `+where, arg).
		Scan(&r.Act, &at, &answer, &secret))
	if err != nil {
		return r, err
	}
	r.At = fromMillis(at)
	if answer != nil {
		if r.Answer, err = db.seal.open("receipts", r.Act, "answer", answer); err != nil {
			return r, err
		}
	}
	if secret != nil {
		r.Secret, err = db.seal.open("receipts", r.Act, "secret", secret)
	}
	return r, err
}

// receiptsAtOnce is how many receipts one transaction removes, and takes the secret
// from, at most: acts wait for it.
const receiptsAtOnce = 50

// PurgeReceipts removes receipts that have expired and been answered, and the secrets
// of those that were begun before secretsBefore, so many at once. It tells whether
// there may be more of either.
func (tx *Tx) PurgeReceipts(ctx context.Context, secretsBefore time.Time) (more bool, err error) {
	for _, some := range []struct {
		query string
		until time.Time
	}{
		{`UPDATE receipts SET secret = NULL WHERE key IN
			(SELECT key FROM receipts WHERE secret IS NOT NULL AND created_at < $1 ORDER BY created_at LIMIT $2 + 0)`, secretsBefore},
		{`DELETE FROM receipts WHERE key IN
			(SELECT key FROM receipts WHERE expires_at <= $1 AND answer IS NOT NULL ORDER BY expires_at LIMIT $2 + 0)`, tx.db.now()},
	} {
		res, err := tx.ExecContext(ctx, some.query, millis(some.until), receiptsAtOnce)
		if err != nil {
			return false, fmt.Errorf("purge receipts: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return false, err
		}
		more = more || n == receiptsAtOnce
	}
	return more, nil
}

// PurgeSessions removes sessions that are over.
func (tx *Tx) PurgeSessions(ctx context.Context, idleSince time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2`, millis(tx.db.now()), millis(idleSince))
	return err
}

// ReceiptKey makes the key of a receipt from what tells one post from another.
// It is keyed, since the parts can hold a passcode.
func (db *DB) ReceiptKey(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(macOf(db.keys.receipts, parts...))
}
