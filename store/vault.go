package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Credentials are a customer's own key and token.
type Credentials struct {
	Key   string
	Token string
}

// StoredCredentials says when and how a customer's credentials came in,
// without them.
type StoredCredentials struct {
	Method   string // "create", "passcode", "cuid", "nopasscode"
	StoredAt time.Time
	StoredBy string
}

// PutCredentials seals a customer's credentials in place of any former ones.
func (tx *Tx) PutCredentials(ctx context.Context, cuid string, c Credentials, method, by string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	tx.recount()
	_, err = tx.ExecContext(ctx, `
		INSERT INTO credentials (cuid, sealed, method, stored_at, stored_by) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (cuid) DO UPDATE SET sealed = excluded.sealed, method = excluded.method,
			stored_at = excluded.stored_at, stored_by = excluded.stored_by`,
		cuid, tx.db.seal.seal("credentials", cuid, "sealed", text), method, millis(tx.db.now()), by)
	if err != nil {
		return fmt.Errorf("store credentials: %w", err)
	}
	return nil
}

// Credentials opens a customer's stored credentials; ErrNotFound when there
// are none.
func (db *DB) Credentials(ctx context.Context, cuid string) (Credentials, error) {
	return db.credentials(ctx, db.reader, cuid)
}

// Credentials opens them as this transaction sees them.
func (tx *Tx) Credentials(ctx context.Context, cuid string) (Credentials, error) {
	return tx.db.credentials(ctx, tx, cuid)
}

func (db *DB) credentials(ctx context.Context, q querier, cuid string) (Credentials, error) {
	var c Credentials
	var sealed []byte
	_, err := one(0, q.QueryRowContext(ctx, `SELECT sealed FROM credentials WHERE cuid = $1`, cuid).Scan(&sealed))
	if err != nil {
		return c, err
	}
	text, err := db.seal.open("credentials", cuid, "sealed", sealed)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// StoredCredentials tells whether a customer's credentials are stored, without
// opening them; ErrNotFound when they are not.
func (db *DB) StoredCredentials(ctx context.Context, cuid string) (StoredCredentials, error) {
	return storedCredentials(ctx, db.reader, cuid)
}

// StoredCredentials tells it as this transaction sees it.
func (tx *Tx) StoredCredentials(ctx context.Context, cuid string) (StoredCredentials, error) {
	return storedCredentials(ctx, tx, cuid)
}

func storedCredentials(ctx context.Context, q querier, cuid string) (StoredCredentials, error) {
	var c StoredCredentials
	var at sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT method, stored_at, stored_by FROM credentials WHERE cuid = $1`, cuid).
		Scan(&c.Method, &at, &c.StoredBy)
	c.StoredAt = fromMillis(at)
	return one(c, err)
}

// PutCPaaSToken seals a person's CPaaS token; an empty one removes it.
func (tx *Tx) PutCPaaSToken(ctx context.Context, staffID int64, token string) error {
	if token == "" {
		_, err := tx.ExecContext(ctx, `DELETE FROM cpaas_tokens WHERE staff_id = $1`, staffID)
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO cpaas_tokens (staff_id, sealed, stored_at) VALUES ($1, $2, $3)
		ON CONFLICT (staff_id) DO UPDATE SET sealed = excluded.sealed, stored_at = excluded.stored_at`,
		staffID, tx.db.seal.seal("cpaas_tokens", strconv.FormatInt(staffID, 10), "sealed", []byte(token)), millis(tx.db.now()))
	return err
}

// CPaaSToken opens a person's CPaaS token; ErrNotFound when there is none.
func (db *DB) CPaaSToken(ctx context.Context, staffID int64) (token string, storedAt time.Time, err error) {
	var sealed []byte
	var at sql.NullInt64
	_, err = one(0, db.reader.QueryRowContext(ctx, `SELECT sealed, stored_at FROM cpaas_tokens WHERE staff_id = $1`, staffID).Scan(&sealed, &at))
	if err != nil {
		return "", time.Time{}, err
	}
	text, err := db.seal.open("cpaas_tokens", strconv.FormatInt(staffID, 10), "sealed", sealed)
	return string(text), fromMillis(at), err
}
