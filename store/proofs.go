package store

import (
	"context"
	"database/sql"
	"time"
)

// Whose number a caller of a customer proved.
const (
	OnFileTheirs = "theirs" // it is on the customer's file
	OnFileNone   = "none"   // on nobody's
	OnFileOthers = "others" // on other customers' alone
)

// Proof is that a caller of a customer holds a phone number.
type Proof struct {
	CUID      string
	Phone     string // E.164
	StaffID   int64  // who verified it
	StaffName string
	EntryID   int64 // the verification in the audit log
	OnFile    string
	At        time.Time
}

// AddProof stores a proof.
func (tx *Tx) AddProof(ctx context.Context, p Proof) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO proofs (cuid, phone, staff_id, staff_name, entry_id, on_file, proved_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		p.CUID, p.Phone, p.StaffID, p.StaffName, p.EntryID, p.OnFile, millis(p.At))
	return err
}

// LastProof returns the latest proof for a customer; ErrNotFound when there is
// none.
func (db *DB) LastProof(ctx context.Context, cuid string) (Proof, error) {
	return one(scanProof(db.reader.QueryRowContext(ctx, `SELECT `+proofColumns+` FROM proofs WHERE cuid = $1 ORDER BY id DESC LIMIT 1`, cuid)))
}

const proofColumns = `cuid, phone, staff_id, staff_name, entry_id, on_file, proved_at`

func scanProof(row scanner) (Proof, error) {
	var p Proof
	var at sql.NullInt64
	err := row.Scan(&p.CUID, &p.Phone, &p.StaffID, &p.StaffName, &p.EntryID, &p.OnFile, &at)
	p.At = fromMillis(at)
	return p, err
}

// ProvesACaller tells whether an entry of the log is what a proof rests on.
func (db *DB) ProvesACaller(ctx context.Context, entryID int64) (yes bool, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM proofs WHERE entry_id = $1)`, entryID).Scan(&yes)
	return yes, err
}
