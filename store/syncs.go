package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
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
	tx.outdates(tx.db.syncs.forget)
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

// LastSyncs returns the latest sync, whatever became of it, and the latest that
// was believed; the zero report for each that there is none of.
func (db *DB) LastSyncs(ctx context.Context) (last, good SyncReport, err error) {
	db.heed(ctx)
	both, err := db.syncs.of(struct{}{}, func() (both [2]SyncReport, err error) {
		all, err := collect(ctx, db.reader, scanSync, `SELECT `+syncColumns+` FROM syncs WHERE id IN (
			(SELECT max(id) FROM syncs), (SELECT id FROM syncs WHERE outcome = 'done' ORDER BY id DESC LIMIT 1)) ORDER BY id`)
		for _, r := range all {
			if both[0] = r; r.Outcome == "done" {
				both[1] = r
			}
		}
		return both, err
	})
	return both[0], both[1], err
}

// Listed is a customer who is not gone, as a sync compares them with ATOM's list.
type Listed struct {
	CUID   string
	Digest []byte // valid until the next; nil when the row is not from a list
	Before bool   // came in before the sync began
}

// EachListed hands on the customers who are not gone; began is when the sync
// that asks has begun. It reads an index alone.
func (db *DB) EachListed(ctx context.Context, began time.Time, yield func(Listed)) error {
	rows, err := db.reader.QueryContext(ctx, `SELECT cuid, digest, seen_at < $1 FROM customers WHERE gone_at IS NULL`, millis(began))
	if err != nil {
		return fmt.Errorf("read the digests: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l Listed
		if err := rows.Scan(&l.CUID, (*sql.RawBytes)(&l.Digest), &l.Before); err != nil {
			return err
		}
		yield(l)
	}
	return rows.Err()
}

// CustomerRow is a customer as the table holds it, with all that it is found and
// sorted by.
type CustomerRow struct {
	Customer
	fields, search                                           string
	company, email, country, state, name, city, created, tel string // folded
}

// NewCustomerRow works a customer's row out, which takes as long as storing it: a
// sync and a create do it before their transactions.
func NewCustomerRow(c Customer) CustomerRow {
	fields, err := json.Marshal(c.Fields)
	if err != nil {
		panic(err) // strings always marshal
	}
	r := CustomerRow{
		Customer: c, fields: string(fields), company: keyOf(c.Company), email: keyOf(c.Email), country: keyOf(c.Country), state: keyOf(c.State),
		name: keyOf(c.Name), city: keyOf(c.City), created: createdKey(c.Created), tel: phoneKey(c.Phone),
	}
	r.search = searchText(c)
	return r
}

// maxKey is how much of a text is sorted by and compared, in bytes: PostgreSQL's
// indexes take no more than some two thousand in a row, and no name is that long.
const maxKey = 500

// keyOf is a folded text to be sorted by and compared.
func keyOf(s string) string { return cutKey(Fold(s)) }

func cutKey(s string) string {
	if len(s) > maxKey {
		s = strings.ToValidUTF8(s[:maxKey], "")
	}
	return s
}

// UpsertRow brings one customer of ATOM's list into the mirror. A row that says
// the same already is not written, except for its digest.
func (tx *Tx) UpsertRow(ctx context.Context, c CustomerRow) (added, changed bool, err error) {
	before, err := tx.listedText(ctx, c.CUID)
	if err != nil {
		return false, false, err
	}
	values := []any{c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website, c.Created, c.fields,
		c.search, c.company, c.email, c.country, c.state, c.name, c.city, c.created, millis(tx.db.now()), c.tel, c.Digest}
	n, err := tx.affected(ctx, `
		INSERT INTO customers (cuid, company, email, name, address, country, city, zip, state, phone, website, created, fields,
			search, company_key, email_key, country_key, state_key, name_key, city_key, created_key, seen_at, changed_at, phone_key, digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22, $23, $24)
		ON CONFLICT (cuid) DO NOTHING`, values...)
	if added = n > 0; err == nil && !added {
		n, err = tx.affected(ctx, `
			UPDATE customers SET company = $2, email = $3, name = $4, address = $5, country = $6, city = $7, zip = $8, state = $9,
				phone = $10, website = $11, created = $12, fields = $13, search = $14, company_key = $15, email_key = $16, country_key = $17,
				state_key = $18, name_key = $19, city_key = $20, created_key = $21, changed_at = $22, phone_key = $23, gone_at = NULL, digest = $24
			WHERE cuid = $1 AND (fields <> $13 OR search <> $14 OR gone_at IS NOT NULL)`, values...)
		changed = n > 0
	}
	if err == nil && !added && !changed {
		if c.Digest != nil {
			_, err = tx.ExecContext(ctx, `UPDATE customers SET digest = $1 WHERE cuid = $2 AND digest IS DISTINCT FROM $1`, c.Digest, c.CUID)
		}
		return false, false, err
	}
	if err == nil {
		err = tx.indexCustomer(ctx, c.CUID, c.company, c.search, false, before)
	}
	if err != nil {
		return false, false, fmt.Errorf("store customer: %w", err)
	}
	return added, changed, nil
}

// affected runs a statement and tells how many rows it wrote.
func (tx *Tx) affected(ctx context.Context, query string, args ...any) (int64, error) {
	done, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// MarkGone marks customers whom ATOM does not list any more, and returns how many
// were not marked yet. Nothing is deleted.
func (tx *Tx) MarkGone(ctx context.Context, cuids []string) (int, error) {
	gone := 0
	for _, cuid := range cuids {
		before, err := tx.listedText(ctx, cuid)
		if err != nil {
			return 0, err
		}
		n, err := tx.affected(ctx, `UPDATE customers SET gone_at = $1 WHERE cuid = $2 AND gone_at IS NULL`, millis(tx.db.now()), cuid)
		if err != nil {
			return 0, fmt.Errorf("mark customer gone: %w", err)
		}
		if n == 0 {
			continue
		}
		gone++
		if err := tx.indexCustomer(ctx, cuid, "", "", true, before); err != nil {
			return 0, err
		}
	}
	return gone, nil
}
