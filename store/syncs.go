package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// SyncReport says what a sync did.
type SyncReport struct {
	StartedAt, EndedAt time.Time
	Outcome            string // "done", "failed", or "doubted": not believed
	Total              int    // customers in ATOM's list
	Added              int
	Changed            int
	Gone               int // newly gone
	Skipped            int // odd objects that were passed over
	Detail             string
}

// AddSync stores a sync's report.
func (tx *Tx) AddSync(ctx context.Context, r SyncReport) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO syncs (started_at, ended_at, outcome, total, added, changed, gone, skipped, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		millis(r.StartedAt), millis(r.EndedAt), r.Outcome, r.Total, r.Added, r.Changed, r.Gone, r.Skipped, r.Detail)
	return err
}

const syncColumns = `started_at, ended_at, outcome, total, added, changed, gone, skipped, detail`

func scanSync(row scanner) (SyncReport, error) {
	var r SyncReport
	var started, ended sql.NullInt64
	err := row.Scan(&started, &ended, &r.Outcome, &r.Total, &r.Added, &r.Changed, &r.Gone, &r.Skipped, &r.Detail)
	r.StartedAt, r.EndedAt = fromMillis(started), fromMillis(ended)
	return r, err
}

// LastSync returns the latest sync, whatever became of it; ErrNotFound before
// the first.
func (db *DB) LastSync(ctx context.Context) (SyncReport, error) {
	return one(scanSync(db.reader.QueryRowContext(ctx, `SELECT `+syncColumns+` FROM syncs ORDER BY id DESC LIMIT 1`)))
}

// LastGoodSync returns the latest sync that was believed; ErrNotFound before
// the first.
func (db *DB) LastGoodSync(ctx context.Context) (SyncReport, error) {
	return one(scanSync(db.reader.QueryRowContext(ctx, `SELECT `+syncColumns+` FROM syncs WHERE outcome = 'done' ORDER BY id DESC LIMIT 1`)))
}

// CountLost counts the customers who came in before began and are not gone,
// and those of them who are not in present.
func (db *DB) CountLost(ctx context.Context, present map[string]bool, began time.Time) (had, lost int, err error) {
	cuids, err := presentBefore(ctx, db.reader, began)
	for _, cuid := range cuids {
		if !present[cuid] {
			lost++
		}
	}
	return len(cuids), lost, err
}

// presentBefore returns who came in before a moment and is not gone.
func presentBefore(ctx context.Context, q querier, moment time.Time) ([]string, error) {
	return collect(ctx, q, func(s scanner) (v string, err error) { return v, s.Scan(&v) },
		`SELECT cuid FROM customers WHERE gone_at IS NULL AND seen_at < $1`, millis(moment))
}

// UpsertCustomer brings one customer of ATOM's list into the mirror. A row
// that says the same already is not written.
func (tx *Tx) UpsertCustomer(ctx context.Context, c Customer) (added, changed bool, err error) {
	fields, err := json.Marshal(c.Fields)
	if err != nil {
		return false, false, err
	}
	search := searchText(c)
	now := tx.db.now()
	var seen int64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO customers (cuid, company, email, name, address, country, city, zip, state, phone, website, created, fields,
			search, company_key, email_key, country_key, state_key, name_key, city_key, created_key, seen_at, changed_at, phone_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22, $23)
		ON CONFLICT (cuid) DO UPDATE SET
			company = excluded.company, email = excluded.email, name = excluded.name, address = excluded.address,
			country = excluded.country, city = excluded.city, zip = excluded.zip, state = excluded.state,
			phone = excluded.phone, website = excluded.website, created = excluded.created, fields = excluded.fields,
			search = excluded.search, company_key = excluded.company_key, email_key = excluded.email_key,
			country_key = excluded.country_key, state_key = excluded.state_key, name_key = excluded.name_key,
			city_key = excluded.city_key, created_key = excluded.created_key, phone_key = excluded.phone_key, changed_at = excluded.changed_at, gone_at = NULL
		WHERE customers.fields <> excluded.fields OR customers.search <> excluded.search OR customers.gone_at IS NOT NULL
		RETURNING seen_at`,
		c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website, c.Created, string(fields),
		search, Fold(c.Company), Fold(c.Email), Fold(c.Country), Fold(c.State), Fold(c.Name), Fold(c.City), createdKey(c.Created),
		millis(now), phoneKey(c.Phone)).Scan(&seen)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err == nil {
		err = tx.indexCustomer(ctx, c.CUID, Fold(c.Company), search, false)
	}
	if err != nil {
		return false, false, fmt.Errorf("store customer: %w", err)
	}
	return seen == now.UnixMilli(), seen != now.UnixMilli(), nil
}

// MarkGone marks the customers that are not in present, and returns how many
// were marked. Those that came in after began, when the list was asked for,
// are left alone: the list could not have them yet. Nothing is deleted.
func (tx *Tx) MarkGone(ctx context.Context, present map[string]bool, began time.Time) (int, error) {
	cuids, err := presentBefore(ctx, tx, began)
	if err != nil {
		return 0, err
	}
	gone := 0
	for _, cuid := range cuids {
		if present[cuid] {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE customers SET gone_at = $1 WHERE cuid = $2`, millis(tx.db.now()), cuid); err != nil {
			return 0, fmt.Errorf("mark customer gone: %w", err)
		}
		if err := tx.indexCustomer(ctx, cuid, "", "", true); err != nil {
			return 0, err
		}
		gone++
	}
	return gone, nil
}
