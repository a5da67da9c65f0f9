package store

import (
	"bytes"
	"context"
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

// rig is an open database that no other test has. What kind it is, is told when the
// tests are built: SQLite, or with the tag postgres PostgreSQL.
type rig struct {
	*testing.T
	*DB
	*clock
	path string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, clock: &clock{at: start}, path: fresh(t)}
	r.DB = r.open(secretA, nil)
	return r
}

func (r *rig) open(secret, old []byte) *DB {
	r.Helper()
	db, err := Open(ctx, Options{Path: r.path, Secret: secret, OldSecret: old, Now: r.clock.Now})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	return db
}

func (r *rig) write(f func(tx *Tx) error) {
	r.Helper()
	if err := r.Write(ctx, f); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) staff(username string, role Role) Staff {
	r.Helper()
	s := Staff{Portal: "customer", Username: username, Name: "Name of " + username, Role: role, AddedBy: "test"}
	r.write(func(tx *Tx) (err error) { s.ID, err = tx.AddStaff(ctx, s); return err })
	return s
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
