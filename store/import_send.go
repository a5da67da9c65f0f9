package store

import (
	"context"
	"fmt"
)

// Import is DB.Import as the transaction sees it.
func (tx *Tx) Import(ctx context.Context, id string) (Import, error) {
	return one(scanImport(tx.QueryRowContext(ctx, `SELECT `+importColumns+` WHERE i.id = $1`, id)))
}

// ImportCounts is DB.ImportCounts as the transaction sees it.
func (tx *Tx) ImportCounts(ctx context.Context, id string) (map[RowState]int, error) {
	return importCounts(ctx, tx, id)
}

// ImportsAgain counts the failed rows of an import that may be sent as they are.
func (db *DB) ImportsAgain(ctx context.Context, id string) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT coalesce(sum(n), 0) FROM import_counts WHERE import_id = $1 AND state = 'again'`, id).Scan(&n)
	return n, err
}

// PresentCustomer returns a customer of this e-mail who is in the mirror and not
// gone; ErrNotFound when there is none.
func (tx *Tx) PresentCustomer(ctx context.Context, email string) (Customer, error) {
	var c Customer
	return one(c, tx.QueryRowContext(ctx, `SELECT cuid, company, name, email FROM customers
		WHERE email_key = $1 AND gone_at IS NULL LIMIT 1`, Fold(email)).Scan(&c.CUID, &c.Company, &c.Name, &c.Email))
}

// FailImportRow notes that a row was refused, before it was sent or by ATOM.
// again says that it may be sent as it is: the trouble was not the row's.
func (tx *Tx) FailImportRow(ctx context.Context, id string, n int, message string, again bool) error {
	_, err := tx.ExecContext(ctx, `UPDATE import_rows SET state = 'failed', message = $1, again = CASE WHEN $2 THEN 1 ELSE 0 END, changed_at = $3
		WHERE import_id = $4 AND n = $5 AND state IN ('ready', 'sending')`, message, again, millis(tx.db.now()), id, n)
	if err != nil {
		return fmt.Errorf("fail row %d of an import: %w", n, err)
	}
	return nil
}

// ReturnImportRow makes a row ready again whose act has sent nothing, or was told
// to come later.
func (tx *Tx) ReturnImportRow(ctx context.Context, act string) error {
	_, err := tx.ExecContext(ctx, `UPDATE import_rows SET state = 'ready', changed_at = $1 WHERE act_id = $2 AND act_id <> '' AND state = 'sending'`,
		millis(tx.db.now()), act)
	if err != nil {
		return fmt.Errorf("return a row of an import: %w", err)
	}
	return nil
}

// ReturnLostRow makes a row ready again of which it was not known whether it had
// been created, now that it is known that it was not. After as many times as
// tries it has failed, with the message.
func (tx *Tx) ReturnLostRow(ctx context.Context, act string, tries int, message string) error {
	_, err := tx.ExecContext(ctx, `UPDATE import_rows SET lost = lost + 1, changed_at = $1,
			state = CASE WHEN lost + 1 < $2 THEN 'ready' ELSE 'failed' END,
			message = CASE WHEN lost + 1 < $2 THEN '' ELSE $3 END,
			again = CASE WHEN lost + 1 < $2 THEN 0 ELSE 1 END
		WHERE act_id = $4 AND act_id <> '' AND state = 'unknown'`, millis(tx.db.now()), tries, message, act)
	if err != nil {
		return fmt.Errorf("return a lost row of an import: %w", err)
	}
	return nil
}

// RetryImportRows makes the failed rows ready that may be sent as they are, and
// tells how many there were.
func (tx *Tx) RetryImportRows(ctx context.Context, id string) (int, error) {
	res, err := tx.ExecContext(ctx, `UPDATE import_rows SET state = 'ready', message = '', again = 0, lost = 0, changed_at = $1
		WHERE import_id = $2 AND state = 'failed' AND again = 1`, millis(tx.db.now()), id)
	if err != nil {
		return 0, fmt.Errorf("retry rows of an import: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
