//go:build !postgres

package handlers

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"frontdesk/store"
)

func runTests(m *testing.M) int { return m.Run() }

// freshDatabase is the path of a database that was just made.
func freshDatabase(t testing.TB) string {
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
	db, err := store.Open(context.Background(), store.Options{Path: path, Secret: []byte(worldSecret)})
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

// openRaw opens a connection beside frontdesk's, which writes meanwhile.
func openRaw(path string) (*sql.DB, error) {
	return sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
}

// roomLeft is how home begins to say for how long there is room on the disk.
const roomLeft = "Room for"

// refuseEntries have the database refuse entries of the audit log, until trigger
// no_entries is dropped.
var refuseEntries = []string{`CREATE TRIGGER no_entries BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'not now'); END`}

// dropTrigger takes away what keeps the audit log from being changed.
func dropTrigger(name string) string { return `DROP TRIGGER ` + name }

// keep copies the database while frontdesk is stopped; putBack brings a copy back.
func (w *world) keep() (kept string) {
	w.t.Helper()
	kept = filepath.Join(w.t.TempDir(), "kept.db")
	w.copyFiles(w.path, kept)
	return kept
}

func (w *world) putBack(kept string) {
	w.t.Helper()
	w.copyFiles(kept, w.path)
}

func (w *world) copyFiles(from, to string) {
	w.t.Helper()
	for _, side := range []string{"", "-wal", "-shm"} {
		os.Remove(to + side) // it may not be there
		b, err := os.ReadFile(from + side)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+side, b, 0o600)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// stored are the bytes of the database, of its side files and of a backup, by name.
func (w *world) stored() map[string][]byte {
	t := w.t
	t.Helper()
	raw, err := openRaw(w.path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := raw.Exec(`VACUUM INTO $1`, backup); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(w.path + "*")
	if err != nil || len(files) < 3 {
		t.Fatalf("the database's files: %v, %v", files, err)
	}
	all, inClear := map[string][]byte{}, map[string]bool{}
	for _, name := range append(files, backup) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = b
		inClear[filepath.Base(name)] = bytes.Contains(b, []byte("Nordlicht"))
	}
	if !inClear["frontdesk.db"] && !inClear["frontdesk.db-wal"] || !inClear["backup.db"] {
		t.Error("what is not secret cannot be found either: the test looks in the wrong place")
	}
	return all
}
