package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// The rows of meta that hold the keys that outlive a change of the secret: what
// was made with them must be known again afterwards. Both are sealed.
const (
	metaReceiptKey     = "receipt-key"
	metaFingerprintKey = "fingerprint-key"
)

// keys are 32 bytes each.
type keys struct {
	receipts, fingerprints []byte
}

// openKeys reads the keys. A new database gets random ones. One that a former
// version made gets those that follow from the secret that it was sealed with:
// its receipts were made with that, also when the secret is changed with the
// upgrade. pool is nil when nothing can be written; then they are not kept yet.
func (db *DB) openKeys(ctx context.Context, pool *sql.DB, isNew bool) (err error) {
	if db.keys.receipts, err = db.openKey(ctx, pool, isNew, metaReceiptKey, "receipts"); err != nil {
		return err
	}
	db.keys.fingerprints, err = db.openKey(ctx, pool, isNew, metaFingerprintKey, "fingerprints")
	return err
}

func (db *DB) openKey(ctx context.Context, pool *sql.DB, isNew bool, name, purpose string) ([]byte, error) {
	const read = `SELECT value FROM meta WHERE name = $1`
	var sealed []byte
	err := db.reader.QueryRowContext(ctx, read, name).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		secret, derr := db.sealedWith(ctx)
		if derr != nil {
			return nil, derr
		}
		key, derr := DeriveKey(secret, purpose)
		if derr != nil {
			return nil, derr
		}
		if pool == nil {
			return key, nil
		}
		if isNew {
			rand.Read(key) // never fails
		}
		_, err = pool.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			name, db.seal.seal("meta", name, "value", key))
		if causeOf(err) != "" && !isNew {
			return key, nil // a full disk, say: the next start finds the same
		}
		if err == nil { // another process may have been first
			err = db.reader.QueryRowContext(ctx, read, name).Scan(&sealed)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the %s: %w", name, err)
	}
	key, err := db.seal.open("meta", name, "value", sealed)
	if err != nil {
		return nil, ErrWrongSecret
	}
	return key, nil
}

// sealedWith is the secret that opens the check value: the one that the database
// was made with, until a change of the secret is done.
func (db *DB) sealedWith(ctx context.Context) ([]byte, error) {
	var sealed []byte
	if err := db.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaCheck).Scan(&sealed); err != nil {
		return nil, fmt.Errorf("read the check of the secret: %w", err)
	}
	_, by := db.seal.openBy("meta", metaCheck, "value", sealed)
	if by == byNeither {
		return nil, ErrWrongSecret
	}
	return db.seal.secrets[by], nil
}

// macOf is the HMAC-SHA-256 of parts that do not run together.
func macOf(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return mac.Sum(nil)
}

// Fingerprint tells whether a secret is the same as before, and nothing else
// about it: it is keyed, and the same value has another one for each purpose. It
// stays the same when FRONTDESK_SECRET is changed. What is empty has none.
func (db *DB) Fingerprint(purpose string, parts ...string) string {
	if strings.Join(parts, "") == "" {
		return ""
	}
	sum := macOf(db.keys.fingerprints, append([]string{purpose}, parts...)...)
	return "fingerprint " + hex.EncodeToString(sum[:6])
}
