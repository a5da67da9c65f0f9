//go:build postgres

package handlers

import (
	"bytes"
	"context"
	"database/sql"
	"testing"

	"frontdesk/store"
	"frontdesk/store/pgtest"
)

var databases pgtest.Databases

func runTests(m *testing.M) int {
	return databases.Run(m, func(address string) error {
		db, err := store.Open(context.Background(), store.Options{Path: address, Secret: []byte(worldSecret)})
		if err != nil {
			return err
		}
		return db.Close()
	})
}

// freshDatabase is the address of a database that was just made.
func freshDatabase(t testing.TB) string {
	t.Helper()
	return databases.Fresh(t)
}

// openRaw opens a connection beside frontdesk's, which writes meanwhile.
func openRaw(path string) (*sql.DB, error) { return sql.Open("postgres", path) }

// roomLeft is not known of another machine's disk.
const roomLeft = ""

// refuseEntries have the database refuse entries of the audit log, until trigger
// no_entries is dropped.
var refuseEntries = []string{
	`CREATE FUNCTION no_entries() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$`,
	`CREATE TRIGGER no_entries BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION no_entries()`,
}

// dropTrigger takes away what keeps the audit log from being changed.
func dropTrigger(name string) string { return `DROP TRIGGER ` + name + ` ON audit_entries` }

// keep copies the database while frontdesk is stopped; putBack brings a copy back.
func (w *world) keep() (kept string) {
	w.t.Helper()
	return databases.Copy(w.t, w.path)
}

func (w *world) putBack(kept string) {
	w.t.Helper()
	databases.Replace(w.t, w.path, kept)
}

// stored are the values of all tables.
func (w *world) stored() map[string][]byte {
	w.t.Helper()
	raw, err := openRaw(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer raw.Close()
	all, err := pgtest.Values(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Contains(all, []byte("Nordlicht")) {
		w.t.Error("what is not secret cannot be found either: the test looks in the wrong place")
	}
	return map[string][]byte{"the database": all}
}
