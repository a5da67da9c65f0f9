package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The log's lengths: in its first tile, with just a full one, written at once,
// with a tail behind full ones, and with tiles of three levels.
var lengths = []int64{10, 256, atOnce, 700, long}

const (
	atOnce = 300 // the length of a log of one commit
	single = 12  // how many entries at another's end have a commit to themselves
)

// built is a log's file, made once for all tests.
var built = func() map[int64]func() []byte {
	all := map[int64]func() []byte{}
	for _, n := range lengths {
		all[n] = sync.OnceValue(func() []byte { return build(n) })
	}
	return all
}()

func build(n int64) []byte {
	dir, err := os.MkdirTemp("", "frontdesk")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "frontdesk.db")
	at := start
	db, err := store.Open(ctx, store.Options{Path: path, Secret: make([]byte, 32), Now: func() time.Time { return at }})
	if err != nil {
		panic(err)
	}
	for size := int64(0); size < n; {
		commit := int64(1)
		if left := n - single - size; left > 0 {
			commit = min(left, 1000)
		}
		if n == atOnce {
			commit = n
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			for range commit {
				at = at.Add(time.Second)
				size++
				if err := tx.Append(ctx, numbered(size)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			panic(err)
		}
	}
	if err := db.Close(); err != nil {
		panic(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return file
}

// numbered is an entry with every column filled.
func numbered(n int64) *audit.Entry {
	e := whole
	e.Act, e.Who.StaffID, e.Reason = fmt.Sprintf("act-%d", n), n, fmt.Sprintf("Ticket %d", n)
	return &e
}

// victim is a copy of a log, and whoever can write to its file.
type victim struct {
	*testing.T
	path string
	n    int64
	raw  *sql.DB
	head audit.Head // as saved before
	key  string
}

func newVictim(t *testing.T, n int64) *victim {
	t.Helper()
	v := &victim{T: t, path: filepath.Join(t.TempDir(), "frontdesk.db"), n: n}
	if err := os.WriteFile(v.path, built[n](), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if v.raw, err = sql.Open("sqlite", v.path); err != nil {
		t.Fatal(err)
	}
	v.raw.SetMaxOpenConns(1)
	t.Cleanup(func() { v.raw.Close() })
	v.exec(`PRAGMA synchronous = OFF`)
	for _, trigger := range []string{"audit_no_update", "audit_no_delete", "audit_no_replace"} {
		v.exec(`DROP TRIGGER ` + trigger)
	}
	db := v.open("")
	defer db.Close()
	if v.head, err = db.Head(ctx); err != nil || v.head.Size != n {
		t.Fatalf("head %+v, %v", v.head, err)
	}
	v.key = db.AuditKey()
	return v
}

func (v *victim) exec(statement string, args ...any) {
	v.Helper()
	if _, err := v.raw.Exec(statement, args...); err != nil {
		v.Fatalf("%s: %v", statement, err)
	}
}

func (v *victim) open(key string) *store.DB {
	v.Helper()
	db, err := store.OpenToRead(ctx, v.path, key)
	if err != nil {
		v.Fatal(err)
	}
	return db
}

// verify is what "audit verify" finds.
func (v *victim) verify(key string, since ...audit.Head) error {
	v.Helper()
	db := v.open(key)
	defer db.Close()
	_, err := db.Verify(ctx, since...)
	return err
}

// shift renumbers the entries from one on.
func (v *victim) shift(from, by int64) {
	v.Helper()
	v.exec(`UPDATE audit_entries SET id = -id WHERE id >= $1`, from)
	v.exec(`UPDATE audit_entries SET id = -id + $1 WHERE id < 0`, by)
}

// copyRow adds an entry like another under a new number.
func (v *victim) copyRow(from, to int64) {
	v.Helper()
	v.exec(`CREATE TEMP TABLE one AS SELECT * FROM audit_entries WHERE id = $1`, from)
	v.exec(`UPDATE one SET id = $1, act_id = 'forged'`, to)
	v.exec(`INSERT INTO audit_entries SELECT * FROM one`)
	v.exec(`DROP TABLE one`)
}

func (v *victim) swap(i, j int64) {
	v.Helper()
	v.exec(`UPDATE audit_entries SET id = -1 WHERE id = $1`, i)
	v.exec(`UPDATE audit_entries SET id = $1 WHERE id = $2`, i, j)
	v.exec(`UPDATE audit_entries SET id = $1 WHERE id = -1`, j)
}

// note changes the newest head's text.
func (v *victim) note(change func(string) string) {
	v.Helper()
	v.exec(`UPDATE audit_checkpoints SET note = $1 WHERE size = $2`, change(v.head.Note), v.n)
}

// rebuild makes the tree anew over the rows as they are, as somebody without the
// log's key can: signed with another one.
func (v *victim) rebuild() *audit.Key {
	v.Helper()
	key, err := audit.NewKey()
	if err != nil {
		v.Fatal(err)
	}
	v.exec(`DELETE FROM audit_tiles`)
	v.exec(`DELETE FROM audit_checkpoints`)
	tx, err := v.raw.Begin()
	if err != nil {
		v.Fatal(err)
	}
	if err := audit.Adopt(ctx, tx, key, start); err != nil {
		v.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		v.Fatal(err)
	}
	return key
}

// flaw holds that err is one, of the entry wanted; 0 is one that names none.
func flaw(t *testing.T, what string, err error, entry int64) {
	t.Helper()
	var f *audit.Flaw
	switch {
	case err == nil:
		t.Errorf("%s: the log holds", what)
	case !errors.As(err, &f):
		t.Errorf("%s: could not be told: %v", what, err)
	case f.Entry != entry || f.Last != 0 || f.What == "":
		t.Errorf("%s: %v; want entry %d", what, err, entry)
	}
}

// at are the places that each tampering is tried at: in full tiles and in the
// tail, at their edges and between.
func at(n int64) (places []int64) {
	if !thorough {
		return []int64{3, n - 1}
	}
	for _, k := range []int64{1, 3, n / 2, 256, 257, n&^255 - 1, n&^255 + 1, n - 5, n - 1, n} {
		if k >= 1 && k <= n && (len(places) == 0 || k > places[len(places)-1]) {
			places = append(places, k)
		}
	}
	return places
}

// Whatever is done to the rows is found, and the first wrong entry is named.
func TestChangedRowsAreFound(t *testing.T) {
	for _, n := range lengths {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, n)
			for _, k := range at(n) {
				for _, tt := range []struct {
					name    string
					tamper  func()
					undo    func()
					quick   bool // also in the longest log
					differs bool // whether it is possible at this place
				}{
					{"a changed text", func() { v.exec(`UPDATE audit_entries SET reason = 'none' WHERE id = $1`, k) },
						func() { v.exec(`UPDATE audit_entries SET reason = $1 WHERE id = $2`, fmt.Sprintf("Ticket %d", k), k) }, true, true},
					{"a letter's case", func() { v.exec(`UPDATE audit_entries SET reason = lower(reason) WHERE id = $1`, k) },
						func() { v.exec(`UPDATE audit_entries SET reason = $1 WHERE id = $2`, fmt.Sprintf("Ticket %d", k), k) }, false, true},
					{"one deleted", func() {
						v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id = $1`, k)
						v.exec(`DELETE FROM audit_entries WHERE id = $1`, k)
					}, func() { v.exec(`INSERT INTO audit_entries SELECT * FROM was`); v.exec(`DROP TABLE was`) }, true, true},
					{"one deleted, the rest renumbered", func() {
						v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id = $1`, k)
						v.exec(`DELETE FROM audit_entries WHERE id = $1`, k)
						v.shift(k+1, -1)
					}, func() {
						v.shift(k, 1)
						v.exec(`INSERT INTO audit_entries SELECT * FROM was`)
						v.exec(`DROP TABLE was`)
					}, false, true},
					{"one inserted, the rest renumbered", func() { v.shift(k, 1); v.copyRow(k+1, k) },
						func() { v.exec(`DELETE FROM audit_entries WHERE id = $1`, k); v.shift(k+1, -1) }, false, true},
					{"two swapped", func() { v.swap(k, n) }, func() { v.swap(k, n) }, false, k != n},
					{"two neighbours swapped", func() { v.swap(k, k+1) }, func() { v.swap(k, k+1) }, false, k != n},
					{"cut off", func() {
						v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id >= $1`, k)
						v.exec(`DELETE FROM audit_entries WHERE id >= $1`, k)
					}, func() { v.exec(`INSERT INTO audit_entries SELECT * FROM was`); v.exec(`DROP TABLE was`) }, false, true},
					{"reversed from there", func() {
						v.exec(`UPDATE audit_entries SET id = -id WHERE id >= $1`, k)
						v.exec(`UPDATE audit_entries SET id = $1 + id WHERE id < 0`, n+k)
					}, func() {
						v.exec(`UPDATE audit_entries SET id = -id WHERE id >= $1`, k)
						v.exec(`UPDATE audit_entries SET id = $1 + id WHERE id < 0`, n+k)
					}, false, k != n},
				} {
					if !tt.differs || n > 1000 && (k != n/2 || !tt.quick) { // the file is large
						continue
					}
					tt.tamper()
					flaw(t, fmt.Sprintf("%s, entry %d", tt.name, k), v.verify(v.key), k)
					tt.undo()
				}
			}
			v.copyRow(n, n+1)
			flaw(t, "one more at the end", v.verify(v.key), n+1)
			if n > 1000 {
				return
			}
			v.exec(`DELETE FROM audit_entries WHERE id > $1`, n)
			v.exec(`UPDATE audit_entries SET reason = 'x' WHERE id IN ($1, $2)`, n-2, n)
			flaw(t, "two of them changed", v.verify(v.key), n-2)
			v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id = $1`, n-1)
			v.exec(`DELETE FROM audit_entries WHERE id = $1`, n-1)
			flaw(t, "two of them changed and one between deleted", v.verify(v.key), n-2)
			v.exec(`INSERT INTO audit_entries SELECT * FROM was`)
			v.exec(`UPDATE audit_entries SET reason = 'Ticket ' || id`)
			if err := v.verify(v.key); err != nil {
				t.Errorf("undone: %v", err)
			}
			v.exec(`UPDATE audit_entries SET reason = 'y'`)
			flaw(t, "all of them changed", v.verify(v.key), 1)
			v.exec(`DELETE FROM audit_entries`)
			flaw(t, "none left", v.verify(v.key), 1)
		})
	}
}

// Every column is signed, whatever its new value: also one that is no entry's.
func TestEveryColumnIsSigned(t *testing.T) {
	for _, n := range []int64{10, 300} {
		v := newVictim(t, n)
		rows, err := v.raw.Query(`SELECT name, type FROM pragma_table_info('audit_entries') WHERE name <> 'id'`)
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]string{}
		for rows.Next() {
			var name, kind string
			if err := rows.Scan(&name, &kind); err != nil {
				t.Fatal(err)
			}
			types[name] = kind
		}
		rows.Close()
		if len(types) != 24 {
			t.Fatalf("columns %v", types)
		}
		v.exec(`PRAGMA ignore_check_constraints = 1`)
		for name, kind := range types {
			values := []string{`'other'`, `''`, name + ` || ' '`, name + ` || char(0)`, `x'ff'`, name + ` || x'c3'`}
			if kind == "INTEGER" {
				values = []string{`0`, name + ` + 1`, `-` + name, name + ` + (1 << 58)`, name + ` + 0.5`, `'many'`, `x'00'`, `9e99`}
			}
			for _, k := range []int64{2, n - 1} {
				if n > 10 || !thorough {
					values = values[:1]
				}
				for _, value := range values {
					v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id = $1`, k)
					v.exec(fmt.Sprintf(`UPDATE audit_entries SET %s = %s WHERE id = %d`, name, value, k))
					flaw(t, fmt.Sprintf("%s = %s in entry %d of %d", name, value, k, n), v.verify(v.key), k)
					v.exec(`DELETE FROM audit_entries WHERE id = $1`, k)
					v.exec(`INSERT INTO audit_entries SELECT * FROM was`)
					v.exec(`DROP TABLE was`)
				}
			}
		}
		if err := v.verify(v.key); err != nil {
			t.Errorf("undone: %v", err)
		}
	}
}

// A log that is cut together with its heads is a log that holds: only who saved a
// later head can tell. The heads that are kept are the places to cut at.
func TestACutLogIsCaughtByASavedHead(t *testing.T) {
	for _, tt := range []struct{ n, to int64 }{{10, 9}, {10, 4}, {10, 0}, {256, 0}, {700, 695}, {700, 688}, {long, long - 1000}} {
		v := newVictim(t, tt.n)
		v.exec(`UPDATE audit_checkpoints SET leaves = (SELECT substr(hashes, 1, 32 * ($1 % 256)) FROM audit_tiles WHERE level = 0 AND n = $1 / 256)
			WHERE size = $1 AND $1 / 256 < $2 / 256`, tt.to, tt.n)
		v.exec(`UPDATE audit_checkpoints SET leaves = x'' WHERE size = 0`)
		v.exec(`DELETE FROM audit_entries WHERE id > $1`, tt.to)
		v.exec(`DELETE FROM audit_checkpoints WHERE size > $1`, tt.to)
		v.exec(`DELETE FROM audit_tiles WHERE level = 0 AND n >= $1`, tt.to/256)
		db := v.open("")
		name := fmt.Sprintf("%d cut to %d", tt.n, tt.to)
		if got, err := db.Verify(ctx); err != nil || got.Size != tt.to {
			t.Errorf("%s: it does not hold by itself: %+v, %v", name, got.Size, err) // so that the rest can fail
		}
		if _, err := db.Continues(ctx, v.head.Size, v.head.Root); !errors.Is(err, audit.ErrNotPrefix) {
			t.Errorf("%s, against the saved head: %v", name, err)
		}
		flaw(t, name+", since the saved head", v.verify("", v.head), tt.to+1)
		db.Close()
	}
}

func TestForgedHeadsAreRefused(t *testing.T) {
	other := build(10)
	path := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.OpenToRead(ctx, path, "")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := db.Head(ctx)
	db.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range lengths[:4] {
		v := newVictim(t, n)
		size, longer := fmt.Sprintf("\n%d\n", n), fmt.Sprintf("\n%d\n", n+1)
		secret, public, err := note.GenerateKey(random{}, strings.Split(v.key, "+")[0])
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(string) string{
			"an edited size":         func(s string) string { return strings.Replace(s, size, longer, 1) },
			"an edited root":         func(s string) string { return strings.Replace(s, v.head.Root.String(), tlog.Hash{}.String(), 1) },
			"no signature":           func(s string) string { return strings.Split(s, "—")[0] },
			"nothing":                func(string) string { return "" },
			"another log's":          func(string) string { return foreign.Note },
			"another key, same name": func(s string) string { return resigned(t, s, secret, public) },
		} {
			v.note(change)
			flaw(t, fmt.Sprintf("%s of %d", name, n), v.verify(""), 0)
		}
		v.note(func(s string) string { return s })
		v.exec(`UPDATE audit_checkpoints SET size = size + 1 WHERE size = $1`, n)
		if err := v.verify(""); err == nil {
			t.Errorf("a head of %d filed under %d holds", n, n+1)
		}
		v.exec(`DELETE FROM audit_checkpoints WHERE size >= $1`, n)
		var before int64
		if err := v.raw.QueryRow(`SELECT max(size) FROM audit_checkpoints`).Scan(&before); err != nil {
			t.Fatal(err)
		}
		flaw(t, "the last head removed", v.verify(""), before+1)
		v.exec(`DELETE FROM audit_checkpoints`)
		flaw(t, "all heads removed", v.verify(""), 0)
	}
}

// resigned is a checkpoint's text signed with another key.
func resigned(t *testing.T, msg, secret, public string) string {
	t.Helper()
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(msg, "\n\n")
	out, err := note.Sign(&note.Note{Text: text + "\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.OpenCheckpoint(string(out), public); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// The stored hashes are checked as well: proofs are made from them.
func TestChangedHashesAreFound(t *testing.T) {
	const flip = `UPDATE audit_tiles SET hashes = substr(hashes, 1, $1) || CAST(x'00' AS BLOB) || substr(hashes, $1 + 2) WHERE level = $2 AND n = $3`
	type change struct {
		name   string
		tamper func(v *victim)
		entry  int64
	}
	level0 := func(n int64) []change {
		return []change{
			{"a byte of a tile", func(v *victim) { v.exec(flip, 32*7+5, 0, 0) }, 8},
			{"the last byte of a tile", func(v *victim) { v.exec(flip, 32*256-1, 0, n/256-1) }, n &^ 255},
			{"a tile removed", func(v *victim) { v.exec(`DELETE FROM audit_tiles WHERE level = 0 AND n = $1`, n/256-1) }, n&^255 - 255},
			{"a tile cut", func(v *victim) {
				v.exec(`UPDATE audit_tiles SET hashes = substr(hashes, 1, 100) WHERE level = 0 AND n = 0`)
			}, 4},
			{"a tile emptied", func(v *victim) { v.exec(`UPDATE audit_tiles SET hashes = x'' WHERE level = 0 AND n = 0`) }, 1},
			{"a tile of level 1", func(v *victim) { v.exec(flip, 3, 1, 0) }, 0},
			{"a tile of level 1 removed", func(v *victim) { v.exec(`DELETE FROM audit_tiles WHERE level = 1 AND n = 0`) }, 0},
		}
	}
	tail := func(n int64) []change {
		return []change{
			{"a hash in the tail", func(v *victim) { v.exec(`UPDATE audit_checkpoints SET leaves = randomblob(32) WHERE size = $1`, n-3) }, n - 3},
			{"a tail's hashes removed", func(v *victim) { v.exec(`UPDATE audit_checkpoints SET leaves = x'' WHERE size = $1`, n) }, n},
			{"a commit's head removed", func(v *victim) { v.exec(`DELETE FROM audit_checkpoints WHERE size = $1`, n-3) }, n - 3},
		}
	}
	for n, changes := range map[int64][]change{
		10: tail(10), 256: level0(256), 700: append(level0(700), tail(700)...),
		long: {
			{"a byte far back", func(v *victim) { v.exec(flip, 32*9, 0, 7) }, 7*256 + 10},
			{"the highest tile", func(v *victim) { v.exec(flip, 3, max(1, long>>16*2), 0) }, 0},
		},
	} {
		for _, c := range changes {
			v := newVictim(t, n)
			c.tamper(v)
			flaw(t, fmt.Sprintf("%s of %d", c.name, n), v.verify(v.key), c.entry)
		}
	}
}

// Rows, tiles and hashes rewritten by somebody who lacks the key: the old head
// does not fit, and the old heads that are kept say between which entries.
func TestARewrittenTreeIsFound(t *testing.T) {
	for _, tt := range []struct{ n, k int64 }{{10, 5}, {256, 1}, {700, 300}, {700, 690}, {long, long / 2}} {
		for _, keepHeads := range []bool{true, false} {
			if tt.n > 1000 && !keepHeads {
				continue
			}
			v := newVictim(t, tt.n)
			v.exec(`CREATE TABLE old AS SELECT * FROM audit_checkpoints`)
			v.exec(`UPDATE audit_entries SET reason = 'none' WHERE id = $1`, tt.k)
			v.rebuild()
			v.note(func(s string) string { return s })
			if keepHeads {
				v.exec(`INSERT INTO audit_checkpoints SELECT size, at, note, x'' FROM old WHERE size <= $1`, tt.n&^255-1)
			}
			name := fmt.Sprintf("entry %d of %d, old heads %t", tt.k, tt.n, keepHeads)
			err := v.verify(v.key)
			var f *audit.Flaw
			if !errors.As(err, &f) || tt.k < f.Entry || tt.k > max(f.Last, f.Entry) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if width := f.Last - f.Entry; keepHeads && tt.n == long && width > 1000 {
				t.Errorf("%s: not narrowed down: %v", name, err)
			}
			db := v.open(v.key)
			if p, err := db.Prove(ctx, tt.k); err == nil {
				t.Errorf("%s: it can be proved: %+v", name, p)
			}
			db.Close()
		}
	}
}

// A whole new log with a key of its own holds by itself. The saved public key
// tells, and the secret, which has not sealed that key.
func TestAReplacedKeyIsFound(t *testing.T) {
	for _, n := range lengths[:4] {
		v := newVictim(t, n)
		v.exec(`UPDATE audit_entries SET reason = 'none' WHERE id = 5`)
		key := v.rebuild()
		v.exec(`UPDATE meta SET value = $1 WHERE name = 'audit-public-key'`, []byte(key.Public()))
		if err := v.verify(""); err != nil {
			t.Errorf("the forged log does not hold by itself: %v", err) // so that the rest can fail
		}
		flaw(t, "against the saved key", v.verify(v.key), 0)
		db := v.open("")
		if err := db.KeyBelongs(ctx, make([]byte, 32), nil); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("the forged public key belongs: %v", err)
		}
		flaw(t, "since the saved head", v.verify("", v.head), 0)
		v.exec(`UPDATE meta SET value = $1 WHERE name = 'audit-key'`, []byte(key.Secret()))
		if err := db.KeyBelongs(ctx, make([]byte, 32), nil); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("the forged key belongs: %v", err)
		}
		v.exec(`DELETE FROM meta WHERE name = 'audit-key'`)
		if err := db.KeyBelongs(ctx, make([]byte, 32), nil); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("no key belongs: %v", err)
		}
		db.Close()
	}
	v := newVictim(t, 10)
	db := v.open("")
	defer db.Close()
	if err := db.KeyBelongs(ctx, make([]byte, 32), nil); err != nil {
		t.Errorf("the log's own key: %v", err)
	}
	other := []byte("another secret of at least 32 bytes")
	if err := db.KeyBelongs(ctx, other, nil); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("with another secret: %v", err)
	}
	if err := db.KeyBelongs(ctx, other, make([]byte, 32)); err != nil {
		t.Errorf("with the old secret: %v", err)
	}
}

// A live database appends nothing to a log that is not its own, goes on reading,
// and appends again once the log is itself, without being opened again.
func TestALiveLogRefusesToGoOnFromAnother(t *testing.T) {
	tables := []string{"audit_entries", "audit_checkpoints", "audit_tiles", "meta"}
	for name, tamper := range map[string]func(v *victim, last int64){
		"the last row deleted":  func(v *victim, last int64) { v.exec(`DELETE FROM audit_entries WHERE id = $1`, last) },
		"deleted, renumbered":   func(v *victim, _ int64) { v.exec(`DELETE FROM audit_entries WHERE id = 4`); v.shift(5, -1) },
		"inserted, renumbered":  func(v *victim, _ int64) { v.shift(4, 1); v.copyRow(5, 4) },
		"one more at the end":   func(v *victim, last int64) { v.copyRow(last, last+1) },
		"one more, far away":    func(v *victim, last int64) { v.copyRow(last, last+100) },
		"all rows deleted":      func(v *victim, _ int64) { v.exec(`DELETE FROM audit_entries`) },
		"the last head deleted": func(v *victim, last int64) { v.exec(`DELETE FROM audit_checkpoints WHERE size = $1`, last) },
		"all heads deleted":     func(v *victim, _ int64) { v.exec(`DELETE FROM audit_checkpoints`) },
		"an edited head": func(v *victim, last int64) {
			v.exec(`UPDATE audit_checkpoints SET note = replace(note, 'frontdesk', 'backdesk') WHERE size = $1`, last)
		},
		"rows and heads cut": func(v *victim, last int64) {
			v.exec(`DELETE FROM audit_entries WHERE id >= $1`, last)
			v.exec(`DELETE FROM audit_checkpoints WHERE size >= $1`, last)
		},
		"everything rewritten, with another key": func(v *victim, _ int64) {
			v.exec(`UPDATE audit_entries SET reason = 'none' WHERE id = 2`)
			v.exec(`UPDATE meta SET value = $1 WHERE name = 'audit-public-key'`, []byte(v.rebuild().Public()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, 10)
			db, err := store.Open(ctx, store.Options{Path: v.path, Secret: make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			appendOne := func() error {
				return db.Write(context.Background(), func(tx *store.Tx) error { return tx.Append(ctx, numbered(99)) })
			}
			if err := appendOne(); err != nil {
				t.Fatal(err)
			}
			saved, err := db.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range tables {
				v.exec(`CREATE TABLE saved_` + table + ` AS SELECT * FROM ` + table)
			}
			tamper(v, saved.Size)

			for range 2 {
				err := appendOne()
				var u *store.Unwritable
				if !errors.As(err, &u) || !errors.Is(err, audit.ErrAltered) || !strings.Contains(u.Cause, "was changed by something other than frontdesk") {
					t.Fatalf("appending: %v", err)
				}
			}
			if u := db.Trouble(); u == nil || !errors.Is(u, audit.ErrAltered) {
				t.Errorf("trouble %v", u)
			}
			if _, err := db.Search(ctx, audit.Filter{}, audit.Page{Limit: 10}); err != nil {
				t.Errorf("reading the log: %v", err)
			}
			if err := db.Write(ctx, func(tx *store.Tx) error { return tx.PutCredentials(ctx, "c", store.Credentials{}, "create", "test") }); err != nil {
				t.Errorf("a write beside the log: %v", err)
			}
			if _, err := db.Credentials(ctx, "c"); err != nil {
				t.Errorf("reading: %v", err)
			}
			if db.Trouble() == nil {
				t.Error("a write beside the log ended the trouble")
			}
			_, err = db.Continues(ctx, saved.Size, saved.Root)
			if !errors.Is(err, audit.ErrAltered) && !errors.Is(err, audit.ErrNotPrefix) {
				t.Errorf("it continues: %v", err)
			}

			for _, table := range tables {
				v.exec(`DELETE FROM ` + table)
				v.exec(`INSERT INTO ` + table + ` SELECT * FROM saved_` + table)
			}
			if err := appendOne(); err != nil {
				t.Fatalf("after it was undone: %v", err)
			}
			if db.Trouble() != nil {
				t.Errorf("trouble %v", db.Trouble())
			}
			if got, err := db.Verify(ctx, saved); err != nil || got.Size != saved.Size+1 {
				t.Errorf("verify: %+v, %v", got, err)
			}
		})
	}
}

// A log that is wrong when it is opened is read, and goes on once it is mended.
func TestAnAlteredLogIsOpened(t *testing.T) {
	v := newVictim(t, 10)
	v.exec(`CREATE TABLE was AS SELECT * FROM audit_entries WHERE id = 10`)
	v.exec(`DELETE FROM audit_entries WHERE id = 10`)
	db, err := store.Open(ctx, store.Options{Path: v.path, Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if u := db.Trouble(); u == nil || !errors.Is(u, audit.ErrAltered) {
		t.Errorf("trouble %v", u)
	}
	write := func() error { return db.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, numbered(11)) }) }
	if err := write(); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("appending: %v", err)
	}
	if all, err := db.Search(ctx, audit.Filter{}, audit.Page{Limit: 20}); err != nil || len(all.Entries) != 9 {
		t.Errorf("%d entries, %v", len(all.Entries), err)
	}
	v.exec(`INSERT INTO audit_entries SELECT * FROM was`)
	if err := write(); err != nil || db.Trouble() != nil {
		t.Errorf("once mended: %v, trouble %v", err, db.Trouble())
	}
	if err := v.verify("", v.head); err != nil {
		t.Error(err)
	}
}

// Texts that a former version took as they came are cleaned when its log is
// adopted: signed as they are they could not be proved.
func TestAdoptCleansOddTexts(t *testing.T) {
	l := newLog(t)
	l.fill(3)
	for _, statement := range []string{
		`DROP TRIGGER audit_no_update`,
		`UPDATE audit_entries SET user_agent = CAST('Agent ' || x'ff00' AS TEXT), changes = CAST(x'c3' AS TEXT) WHERE id = 2`,
		`CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
		`DELETE FROM audit_checkpoints`,
	} {
		if _, err := l.raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := l.raw.Begin()
	if err != nil {
		t.Fatal(err)
	}
	key, err := audit.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.Adopt(ctx, tx, key, start); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if v, err := audit.Verify(ctx, l.raw, key.Public()); err != nil || v.Size != 3 {
		t.Errorf("verify: %+v, %v", v, err)
	}
	e, err := l.Entry(ctx, 2)
	if err != nil || e.Who.Agent != "Agent \ufffd\ufffd" || e.Changes != "\ufffd" || e.Reason != whole.Reason {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := audit.Parse(e.Canonical(nil)); err != nil {
		t.Error(err)
	}
	if _, err := l.raw.Exec(`UPDATE audit_entries SET reason = '' WHERE id = 2`); err == nil || !strings.Contains(err.Error(), "append-only") {
		t.Errorf("it can be changed: %v", err)
	}
}
