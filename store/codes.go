package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Code is an SMS code that was sent through frontdesk; never the code itself,
// which iP1 keeps.
type Code struct {
	ID        int64
	Act       string
	IP1ID     int64 // 0 while it is unknown whether iP1 sent it
	Phone     string
	Sender    string
	StaffID   int64
	StaffName string
	CUID      string // of the customer it is for; "" when nobody is meant
	SentAt    time.Time
	ExpiresAt time.Time
	Expired   bool
	UsedAt    time.Time
	CheckedAt time.Time // when iP1 was last asked
	Length    int       // in characters; 0 when it is not known
}

const codeColumns = `id, act_id, ip1_id, phone, sender, staff_id, staff_name, cuid, sent_at, expires_at, expired, used_at, checked_at, length`

func scanCode(row scanner) (Code, error) {
	var c Code
	var ip1, sent, expires, used, checked sql.NullInt64
	err := row.Scan(&c.ID, &c.Act, &ip1, &c.Phone, &c.Sender, &c.StaffID, &c.StaffName, &c.CUID, &sent, &expires, &c.Expired, &used, &checked, &c.Length)
	c.IP1ID = ip1.Int64
	c.SentAt, c.ExpiresAt, c.UsedAt, c.CheckedAt = fromMillis(sent), fromMillis(expires), fromMillis(used), fromMillis(checked)
	return c, err
}

// Code returns one code.
func (db *DB) Code(ctx context.Context, id int64) (Code, error) {
	return one(scanCode(db.reader.QueryRowContext(ctx, `SELECT `+codeColumns+` FROM codes WHERE id = $1`, id)))
}

// CodeOfIP1 returns the code that iP1 knows by this ID, sent to this number.
func (tx *Tx) CodeOfIP1(ctx context.Context, ip1ID int64, phone string) (Code, error) {
	return one(scanCode(tx.QueryRowContext(ctx, `SELECT `+codeColumns+` FROM codes WHERE ip1_id = $1 AND phone = $2 ORDER BY id DESC LIMIT 1`, ip1ID, phone)))
}

// LastCodeFor returns the code that was last sent for a customer; ErrNotFound when
// none was.
func (db *DB) LastCodeFor(ctx context.Context, cuid string) (Code, error) {
	return one(scanCode(db.reader.QueryRowContext(ctx, `SELECT `+codeColumns+` FROM codes WHERE cuid = $1 AND cuid <> '' ORDER BY id DESC LIMIT 1`, cuid)))
}

// RecentCodes returns the codes sent last, newest first.
func (db *DB) RecentCodes(ctx context.Context, limit int) ([]Code, error) {
	return collect(ctx, db.reader, scanCode, `SELECT `+codeColumns+` FROM codes ORDER BY id DESC LIMIT $1 + 0`, limit)
}

// CodesTo returns the codes sent to a number since a time that are not known to be
// used or expired, at most limit, newest first.
func (db *DB) CodesTo(ctx context.Context, phone string, since time.Time, limit int) ([]Code, error) {
	return collect(ctx, db.reader, scanCode, `SELECT `+codeColumns+`
		FROM codes WHERE phone = $1 AND sent_at > $2 AND used_at IS NULL AND expired = 0 ORDER BY sent_at DESC LIMIT $3 + 0`, phone, millis(since), limit)
}

// AddCode stores a code that was sent, or may have been, and returns its ID.
func (tx *Tx) AddCode(ctx context.Context, c Code) (int64, error) {
	var id int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO codes (act_id, ip1_id, phone, sender, staff_id, staff_name, sent_at, expires_at, expired, used_at, checked_at, cuid, length)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $7, $11, $12)
		RETURNING id`,
		c.Act, ip1ID(c.IP1ID), c.Phone, c.Sender, c.StaffID, c.StaffName, millis(c.SentAt), millis(c.ExpiresAt), boolInt(c.Expired), millis(c.UsedAt), c.CUID, c.Length).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("store code: %w", err)
	}
	return id, nil
}

// UpdateCode stores what iP1 says of a code now. What is used stays used: an
// older answer may come in after a newer one.
func (tx *Tx) UpdateCode(ctx context.Context, c Code) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE codes SET ip1_id = coalesce($1, ip1_id), expires_at = $2, expired = $3, used_at = coalesce($4, used_at), checked_at = $5,
			cuid = CASE WHEN cuid = '' THEN $7 ELSE cuid END
		WHERE id = $6`,
		ip1ID(c.IP1ID), millis(c.ExpiresAt), boolInt(c.Expired), millis(c.UsedAt), millis(c.CheckedAt), c.ID, c.CUID)
	return err
}

// CodeTries are the tries to verify a code that were wrong, or may have been.
type CodeTries struct {
	OfCode   int         // on this code's page
	OfNumber []time.Time // of any code to its number, the latest first
}

// CodeTries returns the tries of a code, and at most limit of those of its
// number since a time.
func (tx *Tx) CodeTries(ctx context.Context, c Code, since time.Time, limit int) (t CodeTries, err error) {
	if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM sms_tries WHERE code_id = $1`, c.ID).Scan(&t.OfCode); err != nil {
		return t, err
	}
	at := func(row scanner) (time.Time, error) {
		var ms sql.NullInt64
		err := row.Scan(&ms)
		return fromMillis(ms), err
	}
	t.OfNumber, err = collect(ctx, tx, at, `SELECT at FROM sms_tries WHERE phone = $1 AND at > $2 ORDER BY at DESC LIMIT $3 + 0`, c.Phone, millis(since), limit)
	return t, err
}

// AddCodeTry counts a try that is about to be made as a wrong one.
func (tx *Tx) AddCodeTry(ctx context.Context, act string, c Code, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sms_tries (act_id, code_id, phone, at) VALUES ($1, $2, $3, $4)`, act, c.ID, c.Phone, millis(at))
	return err
}

// RemoveCodeTry takes back one that certainly was not wrong.
func (tx *Tx) RemoveCodeTry(ctx context.Context, act string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sms_tries WHERE act_id = $1`, act)
	return err
}

// ip1ID is NULL while iP1's ID is not known.
func ip1ID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
