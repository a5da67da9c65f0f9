package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// SMSSend is a code that was sent, or may have been.
type SMSSend struct {
	Act     string
	Phone   string // E.164
	StaffID int64
	CUID    string // of the customer it is for; "" when nobody is meant
	At      time.Time
}

// AddSMSSend counts a code that is about to be sent.
func (tx *Tx) AddSMSSend(ctx context.Context, s SMSSend) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sms_sends (act_id, phone, staff_id, cuid, at) VALUES ($1, $2, $3, $4, $5)`,
		s.Act, s.Phone, s.StaffID, s.CUID, millis(s.At))
	return err
}

// RemoveSMSSend takes back one that certainly was not sent.
func (tx *Tx) RemoveSMSSend(ctx context.Context, act string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sms_sends WHERE act_id = $1`, act)
	return err
}

// SMSSendOf returns what an act was about to send; the zero SMSSend when that
// is not known any more.
func (tx *Tx) SMSSendOf(ctx context.Context, act string) (SMSSend, error) {
	s := SMSSend{Act: act}
	var at sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT phone, staff_id, cuid, at FROM sms_sends WHERE act_id = $1`, act).Scan(&s.Phone, &s.StaffID, &s.CUID, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return SMSSend{}, nil
	}
	s.At = fromMillis(at)
	return s, err
}

// PurgeSMSSends removes those from before a time, and the tries of codes.
func (tx *Tx) PurgeSMSSends(ctx context.Context, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM sms_tries WHERE at < $1`, millis(before)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM sms_sends WHERE at < $1`, millis(before))
	return err
}

// SMSSends are when codes went to a number, or from a member of staff, the
// latest first.
type SMSSends struct {
	ToNumber, ByStaff []time.Time
}

// SMSSends returns the codes sent since a time, at most limit of each kind.
func (tx *Tx) SMSSends(ctx context.Context, phone string, staffID int64, since time.Time, limit int) (SMSSends, error) {
	return smsSends(ctx, tx, phone, staffID, since, limit)
}

// SMSSends is Tx.SMSSends, for a page.
func (db *DB) SMSSends(ctx context.Context, phone string, staffID int64, since time.Time, limit int) (SMSSends, error) {
	return smsSends(ctx, db.reader, phone, staffID, since, limit)
}

func smsSends(ctx context.Context, q querier, phone string, staffID int64, since time.Time, limit int) (s SMSSends, err error) {
	at := func(row scanner) (time.Time, error) {
		var ms sql.NullInt64
		err := row.Scan(&ms)
		return fromMillis(ms), err
	}
	if s.ToNumber, err = collect(ctx, q, at, `SELECT at FROM sms_sends WHERE phone = $1 AND at > $2 ORDER BY at DESC LIMIT $3 + 0`, phone, millis(since), limit); err != nil {
		return s, err
	}
	s.ByStaff, err = collect(ctx, q, at, `SELECT at FROM sms_sends WHERE staff_id = $1 AND at > $2 ORDER BY at DESC LIMIT $3 + 0`, staffID, millis(since), limit)
	return s, err
}
