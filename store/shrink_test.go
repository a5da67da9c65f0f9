//go:build !postgres

package store

import (
	"database/sql"
	"os"
	"testing"
)

// Of the idle connections one is left, those in use are left alone, and as many as
// before can read at once again.
func TestShrinkLeavesReadingAlone(t *testing.T) {
	db := newRig(t).DB
	var all []*sql.Conn
	for range 3 {
		conn, err := db.reader.pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	rows, err := all[0].QueryContext(t.Context(), `SELECT name FROM sqlite_master`)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal("there is nothing to read")
	}
	for _, conn := range all[1:] {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	before := db.reader.pool.Stats()
	if err := db.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := db.reader.pool.Stats(); before.Idle < 2 || after.Idle != 1 || after.InUse != 1 || after.MaxOpenConnections != before.MaxOpenConnections {
		t.Errorf("%d connections are idle of %d, before %d of %d", after.Idle, after.OpenConnections, before.Idle, before.OpenConnections)
	}
	if !rows.Next() || rows.Err() != nil {
		t.Errorf("who was reading could not go on: %v", rows.Err())
	}
	rows.Close()
	all[0].Close()
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// Connections are opened again after a rest: none of them makes an empty database where
// the one in use was moved away, for the next start to take.
func TestReadingMakesNoDatabase(t *testing.T) {
	db := newRig(t).DB
	conn, err := db.reader.pool.Conn(t.Context()) // so that the next is another
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := os.Rename(db.path, db.path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); err == nil {
		t.Error("a new connection reads what is not there")
	}
	if _, err := os.Stat(db.path); !os.IsNotExist(err) {
		t.Errorf("a database was made: %v", err)
	}
}
