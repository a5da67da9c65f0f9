package store

import (
	"context"
	"time"
)

// callersWithin is among how many of the newest codes and proofs a member of staff's
// own are looked for: there is no index by staff, and far fewer are made in the time
// that they hold.
const callersWithin = 500

// CodesBy returns the codes that a member of staff sent for customers since a time,
// newest first.
func (db *DB) CodesBy(ctx context.Context, staffID int64, since time.Time) ([]Code, error) {
	return collect(ctx, db.reader, scanCode, `SELECT `+codeColumns+`
		FROM codes WHERE id > (SELECT coalesce(max(id), 0) FROM codes) - $3 AND staff_id = $1 AND sent_at > $2 AND cuid <> '' ORDER BY id DESC`,
		staffID, millis(since), callersWithin)
}

// ProofsBy returns the proofs that a member of staff brought about since a time,
// newest first.
func (db *DB) ProofsBy(ctx context.Context, staffID int64, since time.Time) ([]Proof, error) {
	return collect(ctx, db.reader, scanProof, `SELECT `+proofColumns+`
		FROM proofs WHERE id > (SELECT coalesce(max(id), 0) FROM proofs) - $3 AND staff_id = $1 AND proved_at > $2 ORDER BY id DESC`,
		staffID, millis(since), callersWithin)
}
