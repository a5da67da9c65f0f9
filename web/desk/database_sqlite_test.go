//go:build !postgres

package desk

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// openRaw opens a connection beside frontdesk's.
func openRaw(path string) (*sql.DB, error) {
	return sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
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
	db, err := store.Open(ctx, store.Options{Path: path, Secret: make([]byte, 32)})
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

// What is written to customers, as seen by the database itself.
var watchWrites = []string{
	`CREATE TABLE writes (what TEXT)`,
	`CREATE TRIGGER wrote_new AFTER INSERT ON customers BEGIN INSERT INTO writes VALUES ('new'); END`,
	`CREATE TRIGGER wrote_over AFTER UPDATE ON customers BEGIN INSERT INTO writes VALUES (CASE
		WHEN NEW.gone_at IS NOT NULL AND OLD.gone_at IS NULL THEN 'gone'
		WHEN NEW.changed_at = OLD.changed_at AND NEW.digest IS NOT OLD.digest THEN 'digest' ELSE 'changed' END); END`,
}

const indexesOfCustomers = `SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'customers' AND sql IS NOT NULL ORDER BY name)`

// refuse has the database refuse rows of a table, until lift is called.
func (r *rig) refuse(table, rows string) (lift func()) {
	r.Helper()
	r.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ` + table + ` WHEN ` + rows + ` BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	return func() { r.Helper(); r.exec(`DROP TRIGGER refuse`) }
}

// atRest are the bytes of the database, of its side files and of a backup.
func (r *rig) atRest() string {
	r.Helper()
	var all strings.Builder
	backup := filepath.Join(r.TempDir(), "backup.db")
	if _, err := r.raw.Exec(`VACUUM INTO $1`, backup); err != nil {
		r.Fatal(err)
	}
	for _, name := range []string{r.path, r.path + "-wal", r.path + "-shm", backup} {
		f, err := os.Open(name)
		if err != nil {
			r.Fatal(err)
		}
		if _, err := io.Copy(&all, f); err != nil {
			r.Fatal(err)
		}
		f.Close()
	}
	return all.String()
}
