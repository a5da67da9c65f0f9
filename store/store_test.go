package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	secretA = []byte("the first secret, of 32 bytes or more")
	secretB = []byte("the second secret, of 32 bytes or more")
	start   = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ctx     = context.Background()
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is an open database in a directory of its own.
type rig struct {
	*testing.T
	*DB
	*clock
	path string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, clock: &clock{at: start}, path: filepath.Join(t.TempDir(), "frontdesk.db")}
	if err := os.WriteFile(r.path, migrated(), 0o600); err != nil {
		t.Fatal(err)
	}
	r.DB = r.open(secretA, nil)
	return r
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

func (r *rig) open(secret, old []byte) *DB {
	r.Helper()
	db, err := Open(ctx, Options{Path: r.path, Secret: secret, OldSecret: old, Now: r.clock.Now})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	return db
}

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

func (r *rig) write(f func(tx *Tx) error) {
	r.Helper()
	if err := r.Write(ctx, f); err != nil {
		r.Fatal(err)
	}
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

func (r *rig) staff(username string, role Role) Staff {
	r.Helper()
	s := Staff{Portal: "customer", Username: username, Name: "Name of " + username, Role: role, AddedBy: "test"}
	r.write(func(tx *Tx) (err error) { s.ID, err = tx.AddStaff(ctx, s); return err })
	return s
}

// undoNewer takes a database back to before finding, imports and the mirror's digests.
var undoNewer = []string{
	`DROP TABLE import_rows`, `DROP TABLE import_counts`, `DROP TABLE imports`, `DROP INDEX receipts_expires`, `DROP INDEX receipts_secret`, `DROP TABLE river_job`, `DROP TABLE river_leader`, `DROP TABLE river_queue`,
	`DROP TABLE river_client_queue`, `DROP TABLE river_client`, `DROP TABLE river_migration`,
	`DROP TABLE customers_text`, `DROP TABLE customer_places`, `DROP TABLE pins`, `DROP INDEX customers_phone_text`, `DROP INDEX customers_gone`,
	`DROP INDEX customers_country_company`, `DROP INDEX customers_state_company`,
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

func TestOpenRefusesAShortSecretBeforeItMakesAnything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := Open(ctx, Options{Path: filepath.Join(dir, "x.db"), Secret: secretA[:31]}); err == nil {
		t.Fatal("31 bytes were enough")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
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

func TestARowOfNobodysIsRefused(t *testing.T) {
	r := newRig(t)
	if err := r.Write(ctx, func(tx *Tx) error { return tx.PutCPaaSToken(ctx, 12345, "token") }); err == nil {
		t.Error("it was stored: foreign keys are off")
	}
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	r := newRig(t)
	r.write(func(tx *Tx) error {
		if _, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: "new", Role: Viewer}); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		all, err := r.AllStaff(limited)
		if err != nil || len(all) != 0 {
			t.Errorf("read during a write: %d, %v; want the state before it", len(all), err)
		}
		return nil
	})
}

func TestWriteIsAllOrNothing(t *testing.T) {
	r := newRig(t)
	boom := errors.New("boom")
	err := r.Write(ctx, func(tx *Tx) error {
		if _, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: "half", Role: Viewer}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
	if _, err := r.StaffByLogin(ctx, "customer", "half"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half of it was written: %v", err)
	}
}

// There is one writer: a panic that kept it would stop every later act.
func TestAPanicGivesTheWriterBack(t *testing.T) {
	r := newRig(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = r.Write(ctx, func(tx *Tx) error {
			_, _ = tx.AddStaff(ctx, Staff{Portal: "customer", Username: "half", Role: Viewer})
			panic("boom")
		})
	}()
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := r.Write(limited, func(tx *Tx) error { return nil }); err != nil {
		t.Fatalf("the next write: %v", err)
	}
	if _, err := r.StaffByLogin(ctx, "customer", "half"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half of it was written: %v", err)
	}
}

// sealed plants one value of every sealed kind and returns a check that all of
// them open.
func (r *rig) sealed() (check func(*DB) error) {
	r.Helper()
	s := r.staff("sealed", Admin)
	const row = `{"data":"PLANTED-SESSION"}`
	r.write(func(tx *Tx) error {
		if err := tx.PutCredentials(ctx, "cuid-1", Credentials{"PLANTED-KEY", "PLANTED-TOKEN"}, "create", "test"); err != nil {
			return err
		}
		if err := tx.PutCPaaSToken(ctx, s.ID, "PLANTED-CPAAS"); err != nil {
			return err
		}
		if _, err := tx.ClaimReceipt(ctx, "receipt", "act-1", start.Add(time.Hour)); err != nil {
			return err
		}
		return tx.AnswerReceipt(ctx, "act-1", []byte("PLANTED-ANSWER"), []byte("PLANTED-SECRET"))
	})
	meta := &SessionMeta{ID: "s1", StaffID: s.ID}
	if err := r.Sessions().CommitCtx(WithSessionMeta(ctx, meta), "hash", []byte(row), start.Add(time.Hour)); err != nil {
		r.Fatal(err)
	}
	return func(db *DB) error {
		c, err := db.Credentials(ctx, "cuid-1")
		if err == nil && (c != Credentials{"PLANTED-KEY", "PLANTED-TOKEN"}) {
			err = errors.New("other credentials")
		}
		if err != nil {
			return err
		}
		token, at, err := db.CPaaSToken(ctx, s.ID)
		if err == nil && (token != "PLANTED-CPAAS" || !at.Equal(start)) {
			err = errors.New("another CPaaS token")
		}
		if err != nil {
			return err
		}
		receipt, err := db.Receipt(ctx, "receipt")
		if err == nil && (string(receipt.Answer) != "PLANTED-ANSWER" || string(receipt.Secret) != "PLANTED-SECRET" || receipt.Act != "act-1") {
			err = errors.New("another receipt")
		}
		if err != nil {
			return err
		}
		data, ok, err := db.Sessions().FindCtx(ctx, "hash")
		if err == nil && (!ok || string(data) != row) {
			err = errors.New("the session does not open")
		}
		return err
	}
}

func TestRotation(t *testing.T) {
	r := newRig(t)
	check := r.sealed()
	if err := check(r.DB); err != nil {
		t.Fatal(err)
	}
	r.Close()
	db := r.open(secretB, secretA)
	if err := check(db); err != nil {
		t.Errorf("with the former secret as the old one: %v", err)
	}
	// What is sealed from now on is sealed with the new one.
	if err := db.Write(ctx, func(tx *Tx) error {
		return tx.PutCredentials(ctx, "cuid-2", Credentials{"k", "t"}, "create", "test")
	}); err != nil {
		t.Fatal(err)
	}
	var sealed []byte
	if err := db.reader.QueryRowContext(ctx, `SELECT sealed FROM credentials WHERE cuid = 'cuid-2'`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	onlyNew, err := newSealer(secretB, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onlyNew.open("credentials", "cuid-2", "sealed", sealed); err != nil {
		t.Errorf("sealed with the old secret: %v", err)
	}
}

func TestAtRestNothingIsPlainText(t *testing.T) {
	r := newRig(t)
	check := r.sealed()
	if err := check(r.DB); err != nil {
		t.Fatal(err)
	}
	all := r.bytes()
	if i := bytes.Index(all, []byte("PLANTED")); i >= 0 {
		t.Errorf("plain text in the file: %q", all[i:i+20])
	}
	if !bytes.Contains(all, []byte("cuid-1")) {
		t.Error("the test looked into the wrong bytes") // so that it can fail
	}
}

// A sealed value opens only where it was sealed: whoever can write to the file
// must not be able to show one customer's credentials as another's.
func TestSealedValuesAreBoundToTheirPlace(t *testing.T) {
	r := newRig(t)
	a, b := r.staff("a", Admin), r.staff("b", Admin)
	sessions := r.Sessions()
	r.write(func(tx *Tx) error {
		for _, cuid := range []string{"one", "two"} {
			if err := tx.PutCredentials(ctx, cuid, Credentials{"key-" + cuid, "token-" + cuid}, "create", "test"); err != nil {
				return err
			}
			if _, err := tx.ClaimReceipt(ctx, "receipt-"+cuid, "act-"+cuid, start.Add(time.Hour)); err != nil {
				return err
			}
			if err := tx.AnswerReceipt(ctx, "act-"+cuid, []byte("answer-"+cuid), []byte("secret-"+cuid)); err != nil {
				return err
			}
		}
		for _, s := range []Staff{a, b} {
			if err := tx.PutCPaaSToken(ctx, s.ID, "token of "+s.Username); err != nil {
				return err
			}
		}
		return nil
	})
	for i, s := range []Staff{a, b} {
		meta := &SessionMeta{ID: s.Username, StaffID: s.ID}
		if err := sessions.CommitCtx(WithSessionMeta(ctx, meta), []string{"one", "two"}[i], []byte("data"), start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	swap := func(table, key, column string) {
		t.Helper()
		raw := r.raw()
		for _, statement := range []string{
			`CREATE TEMP TABLE was AS SELECT ` + key + ` AS k, ` + column + ` AS v FROM ` + table,
			`UPDATE ` + table + ` SET ` + column + ` = (SELECT v FROM was WHERE k <> ` + table + `.` + key + `)`,
		} {
			if _, err := raw.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	swap("credentials", "cuid", "sealed")
	swap("cpaas_tokens", "staff_id", "sealed")
	swap("sessions", "token_hash", "data")
	for _, cuid := range []string{"one", "two"} {
		if c, err := r.Credentials(ctx, cuid); err == nil {
			t.Errorf("%s opens as %v", cuid, c)
		}
		if _, found, err := sessions.FindCtx(ctx, cuid); found || err != nil {
			t.Errorf("session %s: found %v, %v; want none, so that one signs in again", cuid, found, err)
		}
	}
	for _, s := range []Staff{a, b} {
		if token, _, err := r.CPaaSToken(ctx, s.ID); err == nil {
			t.Errorf("%s has %q", s.Username, token)
		}
	}
	// Within one row too: the secret is not the answer.
	if _, err := r.raw().Exec(`UPDATE receipts SET answer = secret, secret = NULL WHERE act_id = 'act-one'`); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Receipt(ctx, "receipt-one"); err == nil {
		t.Errorf("the secret opens as the answer: %q", got.Answer)
	}
	if got, err := r.Receipt(ctx, "receipt-two"); err != nil || string(got.Answer) != "answer-two" {
		t.Errorf("an untouched row: %q, %v", got.Answer, err)
	}
}

func TestPurposesAndIDsDiffer(t *testing.T) {
	x, err := DeriveKey(secretA, "x")
	if err != nil {
		t.Fatal(err)
	}
	y, _ := DeriveKey(secretA, "y")
	again, _ := DeriveKey(secretA, "x")
	if len(x) != 32 || bytes.Equal(x, y) || !bytes.Equal(x, again) {
		t.Errorf("keys %x %x %x", x, y, again)
	}
	if a, b := NewID(), NewID(); a == b || len(a) < 26 {
		t.Errorf("IDs %q %q", a, b)
	}
	db := newRig(t).DB
	if db.ReceiptKey("ab", "c") == db.ReceiptKey("a", "bc") {
		t.Error("parts run together")
	}
	if key := db.ReceiptKey("passcode-123456"); strings.Contains(key, "123456") {
		t.Errorf("the key shows its parts: %s", key)
	}
}
