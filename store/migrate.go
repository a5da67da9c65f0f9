package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"

	"frontdesk/store/audit"
)

// ErrNotEmpty is returned where a database to copy into holds something already.
var ErrNotEmpty = errors.New("the database is not empty")

// copied is in what order tables are copied: a row comes after those that it refers to.
// What is missing is made anew from these: the text indexes, and the queue's jobs.
var copied = []string{
	"meta", "staff", "sessions", "throttles", "customers", "syncs", "credentials", "cpaas_tokens", "drafts", "open_creates", "codes", "receipts",
	"sms_sends", "sms_tries", "sms_seen", "proofs", "pins", "views", "imports", "import_rows", "outside", "learned",
	"audit_entries", "audit_open", "audit_tiles", "audit_checkpoints", "audit_marks",
}

// notCopied says which rows of a table stay behind: those that say how far an index is.
var notCopied = map[string]string{
	"meta":        `name IN ('` + metaText + `')`,
	"audit_marks": `name IN ('text', 'merge')`,
}

// Migrated is what a migration has come to.
type Migrated struct {
	audit.Verified        // of the log, on both sides
	Rows           int    // that were copied; 0 when it had been done before
	Tables         int    // likewise
	From, To       string // as they may be shown
}

// MigrateTo copies the SQLite database at path, with which nobody is at work, into an
// empty PostgreSQL database, and returns what its audit log was found to be: the same on
// both sides. All of it is written in one transaction, so that a migration that is
// stopped has changed nothing. One that is done and run again only compares. progress is
// told of each table.
func MigrateTo(ctx context.Context, path, address string, secret, old []byte, progress func(table string, rows int)) (Migrated, error) {
	m := Migrated{From: path, To: Named(address)}
	from, err := OpenToRead(ctx, path, "")
	if err != nil {
		return m, err
	}
	defer from.Close()
	if err := from.isMigratable(ctx, secret, old); err != nil {
		return m, err
	}
	if m.Verified, err = from.Verify(ctx); err != nil {
		return m, fmt.Errorf("the log of %s: %w", path, err)
	}
	to, err := Open(ctx, Options{Path: address, Secret: secret, OldSecret: old})
	if errors.Is(err, ErrWrongSecret) {
		return m, fmt.Errorf("%s: %w", m.To, ErrNotEmpty) // of another frontdesk
	}
	if err != nil {
		return m, err
	}
	defer to.Close()
	head, err := to.Head(ctx)
	if err != nil {
		return m, err
	}
	if head.Size == m.Size && head.Root == m.Root && m.Size > 0 {
		return m, to.sameLog(ctx, m.Verified)
	}
	if err := to.isEmpty(ctx); err != nil {
		return m, fmt.Errorf("%s: %w", m.To, err)
	}
	if err := m.copy(ctx, from, to, progress); err != nil {
		return m, fmt.Errorf("copy to %s: %w", m.To, err)
	}
	// Read anew, as the next start will.
	fresh, err := OpenToRead(ctx, address, from.AuditKey())
	if err != nil {
		return m, err
	}
	defer fresh.Close()
	return m, fresh.sameLog(ctx, m.Verified)
}

// isMigratable tells whether a database can be copied as it is.
func (db *DB) isMigratable(ctx context.Context, secret, old []byte) error {
	newest, err := db.newestMigration()
	if err != nil {
		return err
	}
	var version int
	if err := db.reader.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
		return err
	}
	if version != newest {
		return fmt.Errorf("its schema is %d, and this frontdesk's is %d: start this one on it once", version, newest)
	}
	if err := db.KeyBelongs(ctx, secret, old); err != nil {
		return ErrWrongSecret
	}
	return nil
}

// isEmpty tells whether a database is as it was made.
func (db *DB) isEmpty(ctx context.Context) error {
	var some bool
	err := db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit_entries) OR EXISTS (SELECT 1 FROM staff) OR EXISTS (SELECT 1 FROM customers)`).Scan(&some)
	if err == nil && some {
		err = ErrNotEmpty
	}
	return err
}

// sameLog recomputes the log and compares it with another one's.
func (db *DB) sameLog(ctx context.Context, want audit.Verified) error {
	got, err := db.Verify(ctx)
	if err != nil {
		return err
	}
	if got.Size != want.Size || got.Root != want.Root || got.Note != want.Note {
		return fmt.Errorf("%w: the copy's head is\n%sand not\n%s", audit.ErrAltered, got.Note, want.Note)
	}
	return nil
}

// copy copies all tables.
func (m *Migrated) copy(ctx context.Context, from, to *DB, progress func(string, int)) error {
	source, err := from.reader.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // sees one moment
	if err != nil {
		return err
	}
	defer source.Rollback() //nolint:errcheck // nothing was written
	tx, err := to.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it was committed, or the error is told
	if _, err := tx.ExecContext(ctx, `DELETE FROM meta; DELETE FROM audit_checkpoints; DELETE FROM audit_tiles; DELETE FROM audit_marks`); err != nil {
		return err
	}
	for _, table := range copied {
		rows, err := copyTable(ctx, source, tx, table)
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		progress(table, rows)
		m.Rows, m.Tables = m.Rows+rows, m.Tables+1
	}
	// The numbers that PostgreSQL gives go on behind the last.
	identities, err := collect(ctx, tx, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema AND is_identity = 'YES' AND column_name = 'id'`)
	if err != nil {
		return err
	}
	for _, table := range identities {
		if !slices.Contains(copied, table) {
			continue
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), (SELECT max(id) FROM %[1]s))`, table)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// copyTable copies a table's rows, and returns how many there are.
func copyTable(ctx context.Context, from, to *sql.Tx, table string) (n int, err error) {
	where := ""
	if but := notCopied[table]; but != "" {
		where = " WHERE NOT (" + but + ")"
	}
	rows, err := from.QueryContext(ctx, fmt.Sprintf(`SELECT * FROM %s%s`, table, where))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	binary, err := collect(ctx, to, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema AND table_name = $1 AND data_type = 'bytea'`, table)
	if err != nil {
		return 0, err
	}
	quoted, values, into := make([]string, len(names)), make([]any, len(names)), make([]any, len(names))
	for i, name := range names {
		quoted[i], into[i] = pq.QuoteIdentifier(name), &values[i]
	}
	stmt, err := to.PrepareContext(ctx, fmt.Sprintf(`COPY %s (%s) FROM STDIN`, pq.QuoteIdentifier(table), strings.Join(quoted, ", ")))
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		for i, v := range values {
			switch v := v.(type) {
			case string: // SQLite keeps anything in any column
				if slices.Contains(binary, names[i]) {
					values[i] = []byte(v)
				}
			case []byte:
				if v == nil { // empty, which is not the same as none
					values[i] = []byte{}
				}
				if !slices.Contains(binary, names[i]) {
					values[i] = string(v)
				}
			}
		}
		if _, err := stmt.ExecContext(ctx, plainTexts(values)...); err != nil {
			return n, err
		}
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	_, err = stmt.ExecContext(ctx) // ends what was copied
	return n, err
}
