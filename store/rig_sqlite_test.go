//go:build !postgres

package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	rowsWritten = `SELECT total_changes()`   // by the connection
	foundBySub  = `audit_text MATCH '"sub"'` // entries that say "sub"
)

// indexed brings the text index up to date.
func (r *rig) indexed() {
	r.Helper()
	if err := r.IndexCustomers(ctx); err != nil {
		r.Fatal(err)
	}
	if whole, waits, err := r.textIndexed(ctx); err != nil || !whole || waits {
		r.Fatal("the text index is not whole", waits, err)
	}
}

// fresh is the path of a database that was just made.
func fresh(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frontdesk.db")
	if err := os.WriteFile(path, migrated(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// migrated is a new database's file: migrating one for each test would take
// longer than all of them.
var migrated = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "frontdesk")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "frontdesk.db")
	db, err := Open(ctx, Options{Path: path, Secret: secretA})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		panic(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return file
})

// raw is a connection beside the store's, as an operator's sqlite3 has it.
func (r *rig) raw() *sql.DB {
	r.Helper()
	db, err := sql.Open("sqlite", r.path)
	if err != nil {
		r.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	r.Cleanup(func() { db.Close() })
	return db
}

// bytes are what a thief of the disk reads: the database and its log.
func (r *rig) bytes() []byte {
	r.Helper()
	var all []byte
	for _, name := range []string{r.path, r.path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.Fatal(err)
		}
		all = append(all, b...)
	}
	if len(all) == 0 {
		r.Fatal("no database file")
	}
	return all
}

// undoNewer takes a database back to before finding, imports and the mirror's digests.
var undoNewer = []string{
	`ALTER TABLE audit_open DROP COLUMN replica`, `DROP TABLE import_rows`, `DROP TABLE import_counts`, `DROP TABLE imports`, `DROP INDEX receipts_expires`, `DROP INDEX receipts_secret`, `DROP TABLE river_job`, `DROP TABLE river_leader`, `DROP TABLE river_queue`,
	`DROP TABLE river_client_queue`, `DROP TABLE river_client`, `DROP TABLE river_migration`,
	`DROP TABLE customers_text`, `DROP TABLE customer_places`, `DROP TABLE customers_waiting`, `DROP TABLE pins`, `DROP INDEX customers_phone_text`, `DROP INDEX customers_gone`,
	`DROP INDEX customers_country_company`, `DROP INDEX customers_state_company`, `DROP INDEX customers_city_company`,
	`CREATE INDEX customers_city ON customers (city_key, cuid)`, `CREATE INDEX customers_country ON customers (country_key, cuid)`, `CREATE INDEX customers_state ON customers (state_key, cuid)`,
	`DROP INDEX customers_listed`, `ALTER TABLE customers DROP COLUMN digest`, `DROP INDEX open_creates_cuid`, `DROP TABLE outside`, `DROP TABLE sms_seen`, `DROP TABLE learned`,
	`DROP INDEX codes_phone`, `DROP TABLE fill_indexes`, `DROP INDEX views_staff`, `ALTER TABLE views DROP COLUMN page`, `ALTER TABLE views RENAME TO audit_views`,
	`CREATE INDEX audit_views_staff ON audit_views (staff_id)`,
}

func TestOpenMigratesAndOpensAgain(t *testing.T) {
	// Everything in a path that a data source name could take for its own.
	for _, name := range []string{"plain.db", "a b?c=d#e%25;&åäö.db"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			for round := range 2 {
				db, err := Open(ctx, Options{Path: path, Secret: secretA})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if err := db.Ping(ctx); err != nil {
					t.Fatal(err)
				}
				staff, err := db.AllStaff(ctx)
				if err != nil || len(staff) != round {
					t.Fatalf("round %d: %d staff, %v", round, len(staff), err)
				}
				err = db.Write(ctx, func(tx *Tx) error {
					_, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: "u" + name, Role: Admin})
					if round > 0 && errors.Is(err, ErrTaken) {
						return nil
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != name {
				t.Errorf("directory holds %v, %v; want only %q", entries, err, name)
			}
		})
	}
}

func TestOpenWithAWrongSecretWritesNothing(t *testing.T) {
	r := newRig(t)
	r.staff("alice", Admin)
	// A schema that a later version would migrate: nothing of that may happen.
	if _, err := r.raw().Exec(`DELETE FROM goose_db_version WHERE version_id > 0`); err != nil {
		t.Fatal(err)
	}
	r.Close()
	before, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"another secret": {Secret: secretB},
		"both wrong":     {Secret: secretB, OldSecret: bytes.Repeat([]byte("x"), 32)},
	} {
		o.Path = r.path
		if db, err := Open(ctx, o); !errors.Is(err, ErrWrongSecret) {
			t.Errorf("%s: %v, %v", name, db, err)
		}
		after, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, after) {
			t.Errorf("%s: the file changed", name)
		}
	}
}

func TestPragmasHoldOnEveryConnection(t *testing.T) {
	r := newRig(t)
	conns := map[string][]*sql.Conn{"writer": {r.writer.conn}}
	for range 4 { // at once, so that no two are the same
		conn, err := r.reader.pool.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns["reader"] = append(conns["reader"], conn)
	}
	for name, all := range conns {
		for _, conn := range all {
			for pragma, want := range map[string]string{
				"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "secure_delete": "2",
			} {
				var got string
				if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %s is %q, %v; want %q", name, pragma, got, err, want)
				}
			}
		}
	}
	if n := r.pool.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d writers", n)
	}
}

// Customers and codes of the release before are there, and found by number; the
// next sync has nothing to write.
func TestTheReleaseBeforeIsBroughtUpToDate(t *testing.T) {
	r := newRig(t)
	r.upsert(nordbygg)
	r.write(func(tx *Tx) error {
		_, err := tx.AddCode(ctx, Code{Act: "a", Phone: "+46701234567", StaffName: "Mia", SentAt: start})
		return err
	})
	r.Close()
	raw := r.raw()
	for _, statement := range append(slices.Clone(undoNewer),
		`DROP INDEX customers_phone`, `ALTER TABLE customers DROP COLUMN phone_key`, `DROP INDEX codes_customer`, `ALTER TABLE codes DROP COLUMN cuid`,
		`DROP TABLE sms_sends`, `DROP TABLE proofs`, `ALTER TABLE codes DROP COLUMN length`, `DROP TABLE sms_tries`,
		`ALTER TABLE drafts DROP COLUMN session`, `ALTER TABLE drafts DROP COLUMN post`,
		`DELETE FROM goose_db_version WHERE version_id >= 4`,
	) {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	raw.Close()
	r.DB = r.open(secretA, nil)
	if got := r.byPhone("+46701234567"); got != nordbygg.CUID {
		t.Errorf("found %q", got)
	}
	if added, changed := r.upsert(nordbygg); added || changed {
		t.Errorf("the next sync wrote: added %v, changed %v", added, changed)
	}
	if codes, err := r.RecentCodes(ctx, 9); err != nil || len(codes) != 1 || codes[0].CUID != "" {
		t.Errorf("codes %+v, %v", codes, err)
	}
}

// halfIndexed begins the text index: some steps of so many customers.
func (tx *Tx) halfIndexed(steps ...int) error {
	for _, n := range steps {
		if _, err := tx.indexStep(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// someIndexed brings so many of those who wait into the text index.
func (tx *Tx) someIndexed(n int) error {
	_, err := tx.indexWaiting(ctx, n, func() bool { return false })
	return err
}

// TestRoomBetweenPlaces: however many come between two others, one behind the
// other, one before the other or halving what is between them, the text index
// stays whole and finds them in their order.
func TestRoomBetweenPlaces(t *testing.T) {
	t.Parallel()
	for name, company := range map[string]func(i int) string{
		"behind": func(i int) string { return fmt.Sprintf("A%04d", i) }, "before": func(i int) string { return fmt.Sprintf("A%04d", 5000-i) },
		"between": func(i int) string { return fmt.Sprintf("A%04d", 2500+(i%2*2-1)*(400-i)) }, "at the end": func(i int) string { return fmt.Sprintf("C%04d", i) },
		"of one name": func(int) string { return "A" },
	} {
		r := newRig(t)
		r.upsert(Customer{CUID: "a", Company: "A", Fields: fields("c", "A")})
		r.upsert(Customer{CUID: "z", Company: "B", Fields: fields("c", "B")})
		r.indexed()
		for i := range 300 {
			r.upsert(Customer{CUID: fmt.Sprintf("b%03d", i), Company: company(i), City: "Somewhere", Fields: fields("c", fmt.Sprint(i))})
			r.write(func(tx *Tx) error { return tx.someIndexed(9) })
			if whole, waits, err := r.textIndexed(ctx); !whole || waits || err != nil {
				t.Fatalf("%s: the index is dropped after %d, %v", name, i, err)
			}
		}
		page, err := r.FindCustomers(ctx, CustomerQuery{Text: "omewher", Sort: "company", Limit: 1000})
		if err != nil || page.Total != 300 || len(page.Customers) != 300 {
			t.Fatalf("%s: %d of %d, %v", name, len(page.Customers), page.Total, err)
		}
		var placed []string
		if placed, err = collect(ctx, r.reader, func(s scanner) (v string, err error) { return v, s.Scan(&v) },
			`SELECT c.company_key || ' ' || c.cuid `+strings.ReplaceAll(fromText, "$%d", "'omewher'")+` ORDER BY customers_text.rowid`); err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(placed) || len(placed) != 300 {
			t.Errorf("%s: %d placed, in order: %v", name, len(placed), slices.IsSorted(placed))
		}
	}
}
