package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite"
)

// reference is tlog's own tree, all of its hashes in memory, as tlog stores them.
type reference []tlog.Hash

func (r *reference) add(leaf tlog.Hash, n int64) {
	hashes, err := tlog.StoredHashesForRecordHash(n, leaf, r)
	if err != nil {
		panic(err)
	}
	*r = append(*r, hashes...)
}

func (r *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, i := range indexes {
		hashes = append(hashes, (*r)[i])
	}
	return hashes, nil
}

func (r *reference) root(t *testing.T, size int64) tlog.Hash {
	t.Helper()
	hash, err := tlog.TreeHash(size, r)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// emptyTables is a database with the schema alone, in memory.
func emptyTables(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	schema, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("../migrations/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Up(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The one column that the store adds by Go.
	if _, err := db.Exec(`ALTER TABLE audit_entries ADD COLUMN evidence INTEGER NOT NULL DEFAULT 0`); err != nil {
		t.Fatal(err)
	}
	return db
}

// interesting tells at which sizes a test looks: all small ones, and those where
// a tile, or a tile of tiles, fills.
func interesting(size int64) bool {
	return size <= 1500 || size >= 65_536-3 && size <= 65_536+300
}

// leafOf is entry n's hash, from 0.
func leafOf(n int64) tlog.Hash { return tlog.RecordHash(fmt.Appendf(nil, "entry %d", n)) }

// grow appends hashes alone to a log, one commit of so many entries after the
// other, and calls look after each.
func grow(t *testing.T, db *sql.DB, l *Log, by func(size int64) int64, to int64, look func(s *State)) {
	t.Helper()
	ctx := context.Background()
	for size := l.State().Size; size < to; size = l.State().Size {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		d := &Draft{log: l, base: l.State(), tree: l.State().tree.copy()}
		for range min(by(size), to-size) {
			leaf := leafOf(d.tree.size)
			d.leaves = append(d.leaves, leaf[:]...)
			d.full = append(d.full, d.tree.add(leaf)...)
		}
		if err := d.Seal(ctx, tx, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		l.Committed(d)
		look(l.State())
	}
}

func newTree(t *testing.T, db *sql.DB) *Log {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := Adopt(context.Background(), db, key, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	db.Exec(`PRAGMA synchronous = OFF`)
	l := &Log{key: key}
	l.state.Store(&State{})
	return l
}

// The root is the one that tlog gives for the same entries, and what is stored
// gives the tree that grew, at every size: entry by entry over the small ones and
// around 65,536, where a tile of the third level begins, and in leaps between.
func TestTheTreeIsTlogs(t *testing.T) {
	ctx := context.Background()
	const last = 65_536 + 300
	var ref reference
	for n := range int64(last) {
		ref.add(leafOf(n), n)
	}
	for name, by := range map[string]func(size int64) int64{
		"one by one": func(size int64) int64 {
			if interesting(size + 1) {
				return 1
			}
			return 65_536 - 3 - size
		},
		"seven at a time":   func(size int64) int64 { return 7 + size/100 },
		"a tile at a time":  func(int64) int64 { return 256 },
		"300, over an edge": func(int64) int64 { return 300 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := emptyTables(t)
			l := newTree(t, db)
			if l.State().tree.root() != ref.root(t, 0) {
				t.Error("the empty tree's root is another")
			}
			to := int64(last)
			if name != "one by one" {
				to = 3000
			}
			grow(t, db, l, by, to, func(s *State) {
				if want := ref.root(t, s.Size); s.Root != want || s.tree.root() != want {
					t.Fatalf("the root of %d is %v, want %v", s.Size, s.Root, want)
				}
				got, err := loadTree(ctx, db, s.Size)
				if err != nil {
					t.Fatalf("load %d: %v", s.Size, err)
				}
				if got.size != s.tree.size || !sameEdge(got.edge, s.tree.edge) || got.root() != s.Root {
					t.Fatalf("the tree of %d is loaded as another", s.Size)
				}
				// It goes on as the one that grew.
				next := s.tree.copy()
				got.add(leafOf(s.Size))
				next.add(leafOf(s.Size))
				if got.root() != next.root() {
					t.Fatalf("the tree of %d goes on as another", s.Size)
				}
			})
			s := l.State()
			for size := range s.Size + 1 { // what was a prefix at any time can still be told
				if !interesting(size) && size%1009 != 0 {
					continue
				}
				if err := s.Continues(ctx, db, size, ref.root(t, size)); err != nil {
					t.Fatalf("the prefix of %d: %v", size, err)
				}
			}
		})
	}
}

// interrupted runs something before the first query for hashes.
type interrupted struct {
	*sql.DB
	before func()
}

func (q *interrupted) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if f := q.before; f != nil && strings.Contains(query, "leaves") {
		q.before = nil
		f()
	}
	return q.DB.QueryContext(ctx, query, args...)
}

// A commit between the statements that read the log, which fills the tile and
// removes the hashes being read, is no sign of tampering.
func TestALogThatGrowsWhileItIsRead(t *testing.T) {
	ctx := context.Background()
	db := emptyTables(t)
	l := newTree(t, db)
	one := func(int64) int64 { return 1 }
	grow(t, db, l, one, 250, func(*State) {})
	// The rows that load counts: none of these tests' entries has one.
	rows := func(n int64) {
		t.Helper()
		if _, err := db.Exec(`INSERT INTO audit_entries SELECT $1, 0, '', 'event', 0, '', '', '', '', '', '', '', '', '', '', '', '', '', '', 0, 0, '', '', '', 0`, n); err != nil {
			t.Fatal(err)
		}
	}
	rows(250)
	q := &interrupted{db, func() { grow(t, db, l, one, 260, func(*State) {}); rows(260) }}
	s, err := load(ctx, q, l.key.public)
	if err != nil || s.Size != 260 || s.tree.root() != l.State().Root {
		t.Errorf("%+v, %v", s, err)
	}
	q.before = func() { db.Exec(`DELETE FROM audit_checkpoints WHERE size = 259`) }
	if _, err := load(ctx, q, l.key.public); !errors.Is(err, ErrAltered) {
		t.Errorf("without a head: %v", err)
	}
}

// sameEdge compares by content: a level that is just full is nil or empty.
func sameEdge(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if string(a[i]) != string(b[i]) {
			return false
		}
	}
	return true
}

// A copy stays as it is while the original goes on, and the other way round.
func TestACopyOfATreeStaysAsItIs(t *testing.T) {
	var tr tree
	for n := range int64(250) {
		tr.add(leafOf(n))
	}
	c := tr.copy()
	root := c.root()
	for n := int64(250); n < 600; n++ {
		tr.add(leafOf(n))
	}
	if c.size != 250 || c.root() != root || len(c.edge[0]) != 250*tlog.HashSize {
		t.Error("the copy went on with the original")
	}
	grown := tr.copy()
	for n := int64(250); n < 600; n++ {
		c.add(leafOf(n))
	}
	if !reflect.DeepEqual(c.peaks, grown.peaks) || !sameEdge(c.edge, grown.edge) {
		t.Error("the copy goes on as another tree")
	}
}

// Of the heads, one is kept for each commit since the last full tile and one for
// each tile before; the space of the log's proof stays small.
func TestOldHeadsAreThinnedOut(t *testing.T) {
	db := emptyTables(t)
	l := newTree(t, db)
	grow(t, db, l, func(int64) int64 { return 1 }, 256*3+20, func(s *State) {
		var n, leaves int64
		if err := db.QueryRow(`SELECT count(*), sum(length(leaves)) / 32 FROM audit_checkpoints WHERE size > 0`).Scan(&n, &leaves); err != nil {
			t.Fatal(err)
		}
		if want := s.Size/256 + s.Size%256; n != want || leaves != s.Size%256 {
			t.Fatalf("after %d entries %d heads with %d hashes, want %d with %d", s.Size, n, leaves, want, s.Size%256)
		}
	})
}
