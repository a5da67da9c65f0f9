package store

import (
	"context"
	"database/sql"
	"time"

	"frontdesk/store/audit"
)

// OpenCreate is a create whose answer was lost. A sync settles it.
type OpenCreate struct {
	Act       string
	Company   string
	Email     string
	StartedAt time.Time
	LostAt    time.Time // when its answer was given up
	Syncs     int       // complete syncs that began after it and did not show it
	State     string    // "open", "created", "not created"
	CUID      string    // when created
	SettledAt time.Time
}

const openCreateColumns = `act_id, company, email, started_at, lost_at, syncs, state, cuid, settled_at`

func scanOpenCreate(row scanner) (OpenCreate, error) {
	var c OpenCreate
	var started, lost, settled sql.NullInt64
	err := row.Scan(&c.Act, &c.Company, &c.Email, &started, &lost, &c.Syncs, &c.State, &c.CUID, &settled)
	c.StartedAt, c.LostAt, c.SettledAt = fromMillis(started), fromMillis(lost), fromMillis(settled)
	return c, err
}

// AddOpenCreate notes that a create's outcome is unknown.
func (tx *Tx) AddOpenCreate(ctx context.Context, c OpenCreate) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO open_creates (act_id, email_key, company, email, started_at, lost_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (act_id) DO NOTHING`, c.Act, Fold(c.Email), c.Company, c.Email, millis(c.StartedAt), millis(tx.db.now()))
	return err
}

// OpenCreates returns the creates that no sync has settled yet.
func (db *DB) OpenCreates(ctx context.Context) ([]OpenCreate, error) {
	return collect(ctx, db.reader, scanOpenCreate, `SELECT `+openCreateColumns+` FROM open_creates WHERE state = 'open' ORDER BY started_at`)
}

// OpenCreateOfEmail returns the unsettled create of this e-mail; ErrNotFound
// when there is none.
func (tx *Tx) OpenCreateOfEmail(ctx context.Context, email string) (OpenCreate, error) {
	return one(scanOpenCreate(tx.QueryRowContext(ctx, `SELECT `+openCreateColumns+`
		FROM open_creates WHERE email_key = $1 AND state = 'open' ORDER BY started_at LIMIT 1`, Fold(email))))
}

// ActUnderWay tells whether an act of this kind on this e-mail has an intent and
// no outcome: it is being done, or its outcome could not be recorded.
func (tx *Tx) ActUnderWay(ctx context.Context, what, email string) (bool, error) {
	open, err := audit.OpenOn(ctx, tx, what)
	if err != nil {
		return false, err
	}
	for _, e := range open {
		if Fold(e.On.Email) == Fold(email) {
			return true, nil
		}
	}
	return false, nil
}

// OpenCreateOfAct returns what is known of an act's lost create.
func (db *DB) OpenCreateOfAct(ctx context.Context, act string) (OpenCreate, error) {
	return one(scanOpenCreate(db.reader.QueryRowContext(ctx, `SELECT `+openCreateColumns+` FROM open_creates WHERE act_id = $1`, act)))
}

// SettleCreates settles, within a believed sync that began at began, the
// creates whose answer was given up before it: by e-mail when a customer who first
// appeared after the create has it, otherwise as not created once patience has
// passed without it, or two syncs have, the last of which began gap or more after
// the answer was given up: ATOM may still be at work on it. It returns those that
// were settled.
func (tx *Tx) SettleCreates(ctx context.Context, began time.Time, patience, gap time.Duration) ([]OpenCreate, error) {
	open, err := collect(ctx, tx, scanOpenCreate, `SELECT `+openCreateColumns+`
		FROM open_creates WHERE state = 'open' AND lost_at <= $1 ORDER BY started_at`, millis(began))
	if err != nil {
		return nil, err
	}
	var settled []OpenCreate
	for _, c := range open {
		c.Syncs++
		// A customer with this e-mail who was there before the create is another one.
		found := tx.QueryRowContext(ctx, `SELECT cuid FROM customers WHERE email_key = $1 AND gone_at IS NULL AND seen_at >= $2
			ORDER BY seen_at DESC LIMIT 1`, Fold(c.Email), millis(c.StartedAt)).Scan(&c.CUID)
		switch _, err := one(0, found); {
		case err == nil:
			c.State = "created"
		case err != ErrNotFound:
			return nil, err
		case c.Syncs >= 2 && began.Sub(c.LostAt) >= gap || began.Sub(c.StartedAt) >= patience:
			c.State = "not created"
		}
		if c.State != "open" {
			c.SettledAt = tx.db.now()
			settled = append(settled, c)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE open_creates SET syncs = $1, state = $2, cuid = $3, settled_at = $4 WHERE act_id = $5`,
			c.Syncs, c.State, c.CUID, millis(c.SettledAt), c.Act); err != nil {
			return nil, err
		}
	}
	return settled, nil
}
