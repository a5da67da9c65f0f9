package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// What frontdesk is doing with an import that is not to be started meanwhile.
const (
	ImportReading  = "reading"  // its rows are being stored
	ImportChecking = "checking" // its rows are being checked anew
	ImportRemoving = "removing" // its rows are being removed
)

// SetImportBusy notes what is being done with an import, "" when nothing is: until
// then it cannot be moved to another state.
func (tx *Tx) SetImportBusy(ctx context.Context, id, what string) error {
	_, err := tx.ExecContext(ctx, `UPDATE imports SET busy = $1, replica = $2 WHERE id = $3`, what, tx.db.Replica(), id)
	return err
}

// TakeImport takes over what a replica that is gone was doing with an import; false
// when another was quicker.
func (tx *Tx) TakeImport(ctx context.Context, i Import) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE imports SET replica = $1 WHERE id = $2 AND replica = $3 AND busy = $4`, tx.db.Replica(), i.ID, i.Replica, i.Busy)
	if err != nil {
		return false, fmt.Errorf("take over an import: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// SetImportSpeed tells the other replicas how many of an import's rows end in a second.
func (tx *Tx) SetImportSpeed(ctx context.Context, id string, rows float64) error {
	_, err := tx.ExecContext(ctx, `UPDATE imports SET speed = $1, speed_at = $2 WHERE id = $3`, rows, millis(tx.db.now()), id)
	return err
}

// SetImportReceipt notes the upload form that an import came from. Of one person,
// one import can have it.
func (tx *Tx) SetImportReceipt(ctx context.Context, id, receipt string) error {
	_, err := tx.ExecContext(ctx, `UPDATE imports SET receipt = $1 WHERE id = $2`, receipt, id)
	return err
}

// ImportOfReceipt returns the import that somebody's upload form has led to;
// ErrNotFound when it has led to none.
func (db *DB) ImportOfReceipt(ctx context.Context, staffID int64, receipt string) (Import, error) {
	return one(scanImport(db.reader.QueryRowContext(ctx, `SELECT `+importColumns+` WHERE i.staff_id = $1 AND i.receipt = $2 AND i.receipt <> ''`, staffID, receipt)))
}

// ImportOfReceipt is DB.ImportOfReceipt as the transaction sees it.
func (tx *Tx) ImportOfReceipt(ctx context.Context, staffID int64, receipt string) (Import, error) {
	return one(scanImport(tx.QueryRowContext(ctx, `SELECT `+importColumns+` WHERE i.staff_id = $1 AND i.receipt = $2 AND i.receipt <> ''`, staffID, receipt)))
}

// CountDrafts counts the imports that somebody has brought in and not started.
func (tx *Tx) CountDrafts(ctx context.Context, staffID int64) (n int, err error) {
	return n, tx.QueryRowContext(ctx, `SELECT count(*) FROM imports WHERE staff_id = $1 AND state = 'draft'`, staffID).Scan(&n)
}

// BusyImports returns the imports that something is being done with, or was when
// frontdesk was killed.
func (db *DB) BusyImports(ctx context.Context) ([]Import, error) {
	return collect(ctx, db.reader, scanImport, `SELECT `+importColumns+` WHERE i.busy <> ''`)
}

// UnstartedImports returns the imports that were brought in before a time and
// never started.
func (db *DB) UnstartedImports(ctx context.Context, before time.Time) ([]Import, error) {
	return collect(ctx, db.reader, scanImport, `SELECT `+importColumns+`
		WHERE i.started_at IS NULL AND i.state IN ('draft', 'cancelled') AND i.made_at < $1`, millis(before))
}

// removable is an import that was never started, and is marked so that it cannot be.
const removable = `EXISTS (SELECT 1 FROM imports WHERE id = $1 AND started_at IS NULL AND state IN ('draft', 'cancelled') AND busy <> '')`

// MarkImportRemoved marks an import as being removed, and tells whether it could:
// it was never started, and nothing else is being done with it.
func (tx *Tx) MarkImportRemoved(ctx context.Context, id string) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE imports SET busy = 'removing', replica = $2
		WHERE id = $1 AND started_at IS NULL AND state IN ('draft', 'cancelled') AND busy = ''`, id, tx.db.Replica())
	if err != nil {
		return false, fmt.Errorf("mark an import as being removed: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// DropImportRows removes some of the rows of an import that was never started and
// is marked as busy, and tells whether there are none left to remove.
func (tx *Tx) DropImportRows(ctx context.Context, id string, rows int) (gone bool, err error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM import_rows WHERE import_id = $1
		AND n IN (SELECT n FROM import_rows WHERE import_id = $1 ORDER BY n LIMIT $2 + 0) AND `+removable, id, rows)
	if err != nil {
		return false, fmt.Errorf("remove rows of an import: %w", err)
	}
	n, err := res.RowsAffected()
	return err == nil && n < int64(rows), err
}

// DropImport is DropImportRows, and removes the import itself with the last of its
// rows.
func (tx *Tx) DropImport(ctx context.Context, id string, rows int) (gone bool, err error) {
	if gone, err = tx.DropImportRows(ctx, id, rows); err != nil || !gone {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM import_counts WHERE import_id = $1 AND `+removable, id); err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM imports WHERE id = $1 AND `+removable, id)
	return err == nil, err
}

// ImportRowsOfEmail returns the rows that have a folded e-mail, in their order.
func (tx *Tx) ImportRowsOfEmail(ctx context.Context, id, key string, limit int) ([]ImportRow, error) {
	return collect(ctx, tx, scanImportRow, `SELECT `+importRowColumns+`
		FROM import_rows WHERE import_id = $1 AND email_key = $2 AND email_key <> '' ORDER BY n LIMIT $3 + 0`, id, key, limit)
}

// CustomersOfEmails looks folded e-mails up in the mirror, and adds to found, by
// e-mail, one customer for each that has any. Those that are gone are left out.
func (db *DB) CustomersOfEmails(ctx context.Context, keys []string, found map[string]Customer) error {
	wanted, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	type named struct {
		key string
		c   Customer
	}
	all, err := collect(ctx, db.reader, func(s scanner) (v named, err error) {
		return v, s.Scan(&v.key, &v.c.CUID, &v.c.Company, &v.c.Name, &v.c.Email)
	},
		`SELECT email_key, cuid, company, name, email FROM customers
		WHERE email_key IN (`+db.among(1)+`) AND gone_at IS NULL ORDER BY email_key, cuid DESC`, string(wanted))
	for _, v := range all {
		found[v.key] = v.c
	}
	return err
}
