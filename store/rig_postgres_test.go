//go:build postgres

package store

import (
	"database/sql"
	"os"
	"testing"

	"frontdesk/store/pgtest"
)

const (
	rowsWritten = `SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables` // by the transaction
	foundBySub  = `subject LIKE '%sub%' OR rest LIKE '%sub%'`                                                // entries that say "sub"
)

// indexed has nothing to do: the index of what customers are found by is PostgreSQL's own.
func (r *rig) indexed() {}

// halfIndexed is for a text index that is made in steps.
func (*Tx) halfIndexed(...int) error { return nil }

// someIndexed is for those who wait for it.
func (*Tx) someIndexed(int) error { return nil }

var databases pgtest.Databases

func TestMain(m *testing.M) {
	os.Exit(databases.Run(m, func(address string) error {
		db, err := Open(ctx, Options{Path: address, Secret: secretA})
		if err != nil {
			return err
		}
		return db.Close()
	}))
}

// fresh is the address of a database that was just made.
func fresh(t testing.TB) string {
	t.Helper()
	return databases.Fresh(t)
}

// raw is a connection beside the store's, as an operator's psql has it.
func (r *rig) raw() *sql.DB {
	r.Helper()
	db, err := sql.Open("postgres", r.path)
	if err != nil {
		r.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	r.Cleanup(func() { db.Close() })
	return db
}

// bytes are what a thief of the database reads.
func (r *rig) bytes() []byte {
	r.Helper()
	all, err := pgtest.Values(r.raw())
	if err != nil {
		r.Fatal(err)
	}
	if len(all) == 0 {
		r.Fatal("nothing in the database")
	}
	return all
}
