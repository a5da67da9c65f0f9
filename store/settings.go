package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
)

const metaSettings = "settings"

// SwapSettings stores the configuration and returns the one before, nil when
// there was none, and the fingerprint of the present one.
func (tx *Tx) SwapSettings(ctx context.Context, settings map[string]string) (before map[string]string, fingerprint string, err error) {
	var old []byte
	err = tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaSettings).Scan(&old)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return nil, "", err
	default:
		if err := json.Unmarshal(old, &before); err != nil {
			return nil, "", err
		}
	}
	text, err := json.Marshal(settings) // in the order of the names
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(text)
	_, err = tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, metaSettings, text)
	return before, "sha256:" + hex.EncodeToString(sum[:8]), err
}
