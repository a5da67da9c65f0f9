//go:build postgres

package desk

import (
	"database/sql"
	"testing"

	"frontdesk/store"
	"frontdesk/store/pgtest"
)

var databases pgtest.Databases

func runTests(m *testing.M) int {
	return databases.Run(m, func(address string) error {
		db, err := store.Open(ctx, store.Options{Path: address, Secret: make([]byte, 32)})
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

// openRaw opens a connection beside frontdesk's.
func openRaw(path string) (*sql.DB, error) { return sql.Open("postgres", path) }

// What is written to customers, as seen by the database itself.
var watchWrites = []string{
	`CREATE TABLE writes (what TEXT)`,
	`CREATE FUNCTION wrote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO writes VALUES (CASE WHEN TG_OP = 'INSERT' THEN 'new'
			WHEN NEW.gone_at IS NOT NULL AND OLD.gone_at IS NULL THEN 'gone'
			WHEN NEW.changed_at = OLD.changed_at AND NEW.digest IS DISTINCT FROM OLD.digest THEN 'digest' ELSE 'changed' END);
		RETURN NULL; END $$`,
	`CREATE TRIGGER wrote AFTER INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION wrote()`,
}

const indexesOfCustomers = `SELECT string_agg(indexdef, chr(10) ORDER BY indexname) FROM pg_indexes WHERE tablename = 'customers'`

// refuse has the database refuse rows of a table, until lift is called.
func (r *rig) refuse(table, rows string) (lift func()) {
	r.Helper()
	r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`)
	r.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ` + table + ` FOR EACH ROW WHEN (` + rows + `) EXECUTE FUNCTION refuse()`)
	return func() { r.Helper(); r.exec(`DROP TRIGGER refuse ON ` + table) }
}

// atRest are the values of all tables.
func (r *rig) atRest() string {
	r.Helper()
	all, err := pgtest.Values(r.raw)
	if err != nil {
		r.Fatal(err)
	}
	return string(all)
}
