package main

import (
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"frontdesk/store"
)

const manyReceipts = 5000

// fillReceipts puts so many answers with a secret into a database that nobody
// serves.
func fillReceipts(t *testing.T, path, secret string) {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: path, Secret: []byte(secret)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for from := 0; from < manyReceipts; from += 500 {
		if err := db.Write(ctx, func(tx *store.Tx) error {
			for i := from; i < from+500; i++ {
				act := fmt.Sprintf("act-%d", i)
				if _, err := tx.ClaimReceipt(ctx, db.ReceiptKey(act), act, time.Now().Add(time.Hour)); err != nil {
					return err
				}
				if err := tx.AnswerReceipt(ctx, act, []byte("answer of "+act), []byte("secret of "+act)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// receiptsOpen holds that all of them open with these secrets.
func receiptsOpen(t *testing.T, path, secret, old string) {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{Path: path, Secret: []byte(secret), OldSecret: []byte(old)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range manyReceipts {
		act := fmt.Sprintf("act-%d", i)
		got, err := db.Receipt(ctx, db.ReceiptKey(act))
		if err != nil || string(got.Answer) != "answer of "+act || string(got.Secret) != "secret of "+act {
			t.Fatalf("%s: %+v, %v", act, got, err)
		}
	}
}

// refused holds that the dashboard does not start with this secret: one message,
// exit code 2, nobody listens, and the database's files are as they were.
func refused(t *testing.T, e env, says string) {
	t.Helper()
	dir := filepath.Dir(e["FRONTDESK_DATABASE"])
	before := folder(t, dir)
	p := start(t, t.TempDir(), e, "serve")
	if code := p.exit(t); code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	if text := p.stderr.String(); strings.Count(text, "frontdesk:") != 1 || !strings.Contains(text, says) || strings.Contains(text, "goroutine") || p.stdout.String() != "" {
		t.Errorf("it said:\n%s%s", p.stdout.String(), text)
	}
	p.keepsQuietAbout(t, e.secrets()...)
	if got := status(e["FRONTDESK_BASE_URL"] + "/healthz"); got != 0 {
		t.Errorf("somebody answers %d", got)
	}
	after := folder(t, dir)
	for _, files := range []map[string]string{before, after} { // the index of what a kill left may be made anew
		delete(files, "frontdesk.db-shm")
	}
	if !maps.Equal(before, after) {
		t.Error("the database's files are not what they were")
	}
}

// Killed again and again while it changes the secret, the dashboard loses
// nothing, and finishes the change when it is let.
func TestASecretChangeThatIsKilled(t *testing.T) {
	s := startServices(t)
	first := s.against(t)
	path := first["FRONTDESK_DATABASE"]
	second := first.with(env{"FRONTDESK_SECRET": "the-second-secret-of-the-tests-of-over-32-bytes"})
	both := second.with(env{"FRONTDESK_SECRET_OLD": first["FRONTDESK_SECRET"]})
	a, b := first["FRONTDESK_SECRET"], second["FRONTDESK_SECRET"]
	d := startDashboard(t, first)
	hire(t, d)
	mia := visit(t, d, "mia")
	mia.customers()
	create := newCustomer(mia, "Made Before Ltd", "before@change.example")
	made := mia.post("/customers", create)
	if made.status != http.StatusSeeOther {
		t.Fatalf("create: %+v", made)
	}
	d.end(t)
	fillReceipts(t, path, a)

	halfWay := 0
	for round := range 5 {
		until := 1 + round*2000 + rand.N(1500)
		// Closed before the files are read: that takes away this process's locks on
		// them. Read-only, it leaves what a kill leaves.
		raw, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		done := func() (n int) { // how many values are changed, as far as can be seen
			_ = raw.QueryRow(`SELECT CAST(value AS TEXT) FROM meta WHERE name = 'resealed'`).Scan(&n)
			return n
		}
		p := start(t, t.TempDir(), both, "serve")
		for done() < until && !strings.Contains(p.stdout.String(), "listening") {
			select {
			case <-p.done:
				t.Fatalf("it ended:\n%s", p.stderr.String())
			default:
			}
		}
		p.signal(t, syscall.SIGKILL)
		p.exit(t)
		n := done()
		raw.Close()
		if n > 0 {
			halfWay++
			t.Logf("killed with %d values changed", n)
			refused(t, first, "half-way")
			refused(t, second, "half-way")
		}
		receiptsOpen(t, path, b, a)
	}
	if halfWay < 2 {
		t.Errorf("only %d kills came half-way: the test proves little", halfWay) // so that it can fail
	}

	d = startDashboard(t, both)
	if !strings.Contains(d.stderr.String(), "FRONTDESK_SECRET_OLD can be removed") {
		t.Errorf("it does not say that the old secret can be removed:\n%s", d.stderr.String())
	}
	mia.get("/customers") // the session opens
	d.end(t)
	var changes int
	var detail string
	raw := rawDatabase(t, path)
	if err := raw.QueryRow(`SELECT count(*), max(detail) FROM audit_entries WHERE what = 'change secret'`).Scan(&changes, &detail); err != nil || changes != 1 {
		t.Errorf("the change is on record %d times, %v", changes, err)
	}
	var sound string
	if err := raw.QueryRow(`PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the database is not sound: %s, %v", sound, err)
	}
	raw.Close()
	var values int
	if _, err := fmt.Sscanf(detail, "%d values re-encrypted", &values); err != nil || values < 2*manyReceipts || strings.Contains(detail, "neither") {
		t.Errorf("recorded: %q", detail)
	}
	audits(env{"FRONTDESK_DATABASE": path, "FRONTDESK_SECRET": b}, "verify").wants(t, "verify", 0)

	d = startDashboard(t, second)
	mia.get("/customers")
	if again := mia.post("/customers", create); again.location != made.location {
		t.Errorf("the form posted again leads to %q, want %q", again.location, made.location)
	}
	if n := s.calls(t, theCreate); n != 1 {
		t.Errorf("ATOM was asked %d times to create the customer", n)
	}
	if got := mia.post(mia.customers()[0]+"/sso", url.Values{"reason": {"ticket"}}); got.status != http.StatusSeeOther {
		t.Errorf("SSO: %+v", got)
	}
	d.end(t)
	receiptsOpen(t, path, b, "")
	refused(t, first, "FRONTDESK_SECRET_OLD")
}
