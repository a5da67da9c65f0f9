package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"frontdesk/store/audit"
)

// The kinds of things that somebody else may make.
const (
	OutsideCustomer = "customer"
	OutsideSMS      = "sms"
)

// Outside is something that a service has and frontdesk did not make.
type Outside struct {
	ID      int64
	Kind    string
	Subject string // a cuid, or iP1's ID
	Name    string // the company, or the phone number as iP1 writes it
	Email   string
	MadeAt  time.Time // as the service says; zero when it does not
	FoundAt time.Time
}

const outsideColumns = `id, kind, subject, name, email, made_at, found_at`

func scanOutside(row scanner) (Outside, error) {
	var o Outside
	var made, found sql.NullInt64
	err := row.Scan(&o.ID, &o.Kind, &o.Subject, &o.Name, &o.Email, &made, &found)
	o.MadeAt, o.FoundAt = fromMillis(made), fromMillis(found)
	return o, err
}

// AddOutside notes what may have been made by somebody else, until it is decided
// by SettleOutside or DropOutside. What was noted before stays as it is.
func (tx *Tx) AddOutside(ctx context.Context, o Outside) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO outside (kind, subject, name, email, made_at, found_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (kind, subject) DO NOTHING`, o.Kind, o.Subject, o.Name, o.Email, millis(o.MadeAt), millis(tx.db.now()))
	if err != nil {
		return fmt.Errorf("note what is from outside: %w", err)
	}
	return nil
}

// WaitingOutside returns what is not decided yet, behind an ID.
func (db *DB) WaitingOutside(ctx context.Context, kind string, after int64, limit int) ([]Outside, error) {
	return collect(ctx, db.reader, scanOutside, `SELECT `+outsideColumns+`
		FROM outside WHERE kind = $1 AND state = 'waiting' AND known_at IS NULL AND id > $2 ORDER BY id LIMIT $3 + 0`, kind, after, limit)
}

// SettleOutside decides that it was made by somebody else.
func (tx *Tx) SettleOutside(ctx context.Context, id int64) error {
	tx.recount()
	_, err := tx.ExecContext(ctx, `UPDATE outside SET state = 'found', found_at = $1 WHERE id = $2`, millis(tx.db.now()), id)
	return err
}

// DropOutside decides that it was frontdesk's own.
func (tx *Tx) DropOutside(ctx context.Context, id int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM outside WHERE id = $1 AND state = 'waiting'`, id)
	return err
}

// Outsiders returns what somebody else made and nobody has said to be known, the
// latest first, at most limit.
func (db *DB) Outsiders(ctx context.Context, limit int) ([]Outside, error) {
	return collect(ctx, db.reader, scanOutside, `SELECT `+outsideColumns+`
		FROM outside WHERE state = 'found' AND known_at IS NULL ORDER BY id DESC LIMIT $1 + 0`, limit)
}

// CountOutsiders counts what Outsiders returns, by kind.
func (db *DB) CountOutsiders(ctx context.Context) (customers, codes int, err error) {
	const count = `SELECT count(*) FROM outside WHERE kind = $1 AND state = 'found' AND known_at IS NULL`
	if err = db.reader.QueryRowContext(ctx, count, OutsideCustomer).Scan(&customers); err == nil {
		err = db.reader.QueryRowContext(ctx, count, OutsideSMS).Scan(&codes)
	}
	return customers, codes, err
}

// KnowOutside takes one of Outsiders as known; ErrNotFound when it is none of them.
func (tx *Tx) KnowOutside(ctx context.Context, id int64, by string) (Outside, error) {
	return one(scanOutside(tx.QueryRowContext(ctx, `
		UPDATE outside SET known_at = $1, known_by = $2 WHERE id = $3 AND state = 'found' AND known_at IS NULL
		RETURNING `+outsideColumns, millis(tx.db.now()), by, id)))
}

// MadeHere tells whether a create on record, or one whose lost answer was settled
// so, made this customer.
func (db *DB) MadeHere(ctx context.Context, what, cuid string) (made bool, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit_entries WHERE on_id = $1 AND on_id <> '' AND what || '' = $2 AND outcome = $3)
		OR EXISTS (SELECT 1 FROM open_creates WHERE cuid = $1 AND cuid <> '' AND state = 'created')`, cuid, what, string(audit.Done)).Scan(&made)
	return made, err
}

// SMSSeen returns the highest ID seen in an account's list of SMS codes; ErrNotFound
// before the first reading.
func (db *DB) SMSSeen(ctx context.Context, account string) (id int64, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT ip1_id FROM sms_seen WHERE account = $1`, account).Scan(&id)
	return one(id, err)
}

// SetSMSSeen stores what SMSSeen returns.
func (tx *Tx) SetSMSSeen(ctx context.Context, account string, id int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sms_seen (account, ip1_id) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET ip1_id = excluded.ip1_id`, account, id)
	return err
}

// CodeKnown tells whether frontdesk has a code by iP1's ID.
func (db *DB) CodeKnown(ctx context.Context, ip1ID int64) (bool, error) {
	return codeKnown(ctx, db.reader, ip1ID)
}

// CodeKnown is DB.CodeKnown, as the transaction sees it.
func (tx *Tx) CodeKnown(ctx context.Context, ip1ID int64) (bool, error) {
	return codeKnown(ctx, tx, ip1ID)
}

func codeKnown(ctx context.Context, q querier, ip1ID int64) (known bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM codes WHERE ip1_id = $1)`, ip1ID).Scan(&known)
	return known, err
}

// LostCodes returns the codes without iP1's ID that were sent between two times.
func (tx *Tx) LostCodes(ctx context.Context, from, to time.Time) ([]Code, error) {
	return collect(ctx, tx, scanCode, `SELECT `+codeColumns+` FROM codes WHERE ip1_id IS NULL AND sent_at BETWEEN $1 AND $2 ORDER BY id`, millis(from), millis(to))
}

// UnderWay returns the acts of a kind that have an intent and no outcome.
func (tx *Tx) UnderWay(ctx context.Context, what string) ([]audit.Entry, error) {
	return audit.OpenOn(ctx, tx, what)
}
