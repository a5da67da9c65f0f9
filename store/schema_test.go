package store

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// schemaOf makes a database as a release before had it. run runs a statement in it, until it
// is done.
func schemaOf(t *testing.T, version int64) (path string, run func(statement string, args ...any), done func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "frontdesk.db")
	seal, err := newSealer(secretA, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := &DB{seal: seal, now: time.Now}
	if before.pool, err = openSQLite(path, "immediate"); err != nil {
		t.Fatal(err)
	}
	migrate, err := before.migrator()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrate.UpTo(ctx, version); err != nil {
		t.Fatal(err)
	}
	run = func(statement string, args ...any) {
		t.Helper()
		if _, err := before.pool.ExecContext(ctx, statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	return path, run, func() {
		t.Helper()
		if err := before.pool.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Open acts, receipts and stored keys come over into tables of one tree each.
func TestWhatActsWriteInIsKept(t *testing.T) {
	t.Parallel()
	path, run, done := schemaOf(t, 21)
	want := map[string][]string{
		"audit_open":  {"act-1|3|0", "act-2|1|7"},
		"credentials": {"cuid-1|x'01'|'passcode'|5|'Mia'", "cuid-2|x'0203'|'created'|6|'Noa'"},
		"receipts":    {"key-1|act-1|1|9|x'04'|NULL", "key-2|act-2|2|8|NULL|x'05'"},
	}
	run(`INSERT INTO audit_open (act_id, entry_id, replica) VALUES ('act-2', 1, 7), ('act-1', 3, 0)`)
	run(`INSERT INTO credentials (cuid, sealed, method, stored_at, stored_by) VALUES ('cuid-2', x'0203', 'created', 6, 'Noa'), ('cuid-1', x'01', 'passcode', 5, 'Mia')`)
	run(`INSERT INTO receipts (key, act_id, created_at, expires_at, answer, secret) VALUES ('key-2', 'act-2', 2, 8, NULL, x'05'), ('key-1', 'act-1', 1, 9, x'04', NULL)`)
	done()

	db, err := Open(ctx, Options{Path: path, Secret: secretA})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for table, query := range map[string]string{
		"audit_open":  `SELECT act_id || '|' || entry_id || '|' || replica FROM audit_open ORDER BY 1`,
		"credentials": `SELECT cuid || '|' || quote(sealed) || '|' || quote(method) || '|' || stored_at || '|' || quote(stored_by) FROM credentials ORDER BY 1`,
		"receipts":    `SELECT key || '|' || act_id || '|' || created_at || '|' || expires_at || '|' || quote(answer) || '|' || quote(secret) FROM receipts ORDER BY 1`,
	} {
		got, err := collect(ctx, db.reader, func(s scanner) (row string, err error) { return row, s.Scan(&row) }, query)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], "X'", "x'")
		}
		if err != nil || !slices.Equal(got, want[table]) {
			t.Errorf("%s: %q, %v; want %q", table, got, err, want[table])
		}
		var rowid sql.NullInt64
		if err := db.reader.QueryRowContext(ctx, `SELECT rowid FROM `+table).Scan(&rowid); err == nil {
			t.Errorf("%s has rows with numbers of their own, and so another tree", table)
		}
	}
}
