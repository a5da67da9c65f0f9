package store

import (
	"context"
	"fmt"
)

// maxPins bounds the customers whom one person keeps at hand.
const maxPins = 50

// Pinned returns the customers whom somebody has pinned, by company; gone ones
// too.
func (db *DB) Pinned(ctx context.Context, staffID int64) ([]Customer, error) {
	return collect(ctx, db.reader, scanCustomer, `SELECT `+customerColumns+` FROM customers
		WHERE cuid IN (SELECT cuid FROM pins WHERE staff_id = $1) ORDER BY company_key, cuid LIMIT $2 + 0`, staffID, maxPins)
}

// Pin pins a customer for somebody, and tells whether there was room: at most 50
// can be.
func (tx *Tx) Pin(ctx context.Context, staffID int64, cuid string) (bool, error) {
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM pins WHERE staff_id = $1 AND cuid <> $2`, staffID, cuid).Scan(&n); err != nil {
		return false, err
	}
	if n >= maxPins {
		return false, nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO pins (staff_id, cuid, pinned_at) VALUES ($1, $2, $3) ON CONFLICT (staff_id, cuid) DO NOTHING`,
		staffID, cuid, millis(tx.db.now()))
	if err != nil {
		return false, fmt.Errorf("pin customer: %w", err)
	}
	return true, nil
}

// Unpin takes a pin away.
func (tx *Tx) Unpin(ctx context.Context, staffID int64, cuid string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM pins WHERE staff_id = $1 AND cuid = $2`, staffID, cuid)
	return err
}

// IsPinned tells whether somebody has pinned a customer.
func (db *DB) IsPinned(ctx context.Context, staffID int64, cuid string) (pinned bool, err error) {
	return pinned, db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pins WHERE staff_id = $1 AND cuid = $2)`, staffID, cuid).Scan(&pinned)
}
