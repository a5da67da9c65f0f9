package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"frontdesk/store/audit"
)

// said is what a command of the program printed, and how it ended.
type said struct {
	stdout, stderr string
	code           int
}

func (s said) String() string { return fmt.Sprintf("exit %d\n%s%s", s.code, s.stdout, s.stderr) }

// audits runs "frontdesk audit …" in this process, with the database and
// whatever else e has.
func audits(e env, args ...string) said {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), append([]string{"audit"}, args...), e.list(), &stdout, &stderr)
	return said{stdout.String(), stderr.String(), code}
}

// wants holds how a command ended, and that it said so.
func (s said) wants(t *testing.T, what string, code int, texts ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("%s: want exit %d, got %s", what, code, s)
	}
	for _, text := range texts {
		if !strings.Contains(s.stdout+s.stderr, text) {
			t.Errorf("%s: %q is not said: %s", what, text, s)
		}
	}
	if strings.Contains(s.stderr, "goroutine ") || code != 0 && s.stderr == "" {
		t.Errorf("%s: %s", what, s)
	}
}

// entriesOf is how many a verified log has.
func entriesOf(t *testing.T, s said) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(regexp.MustCompile(`entries +(\d+),`).FindString(s.stdout), "entries %d,", &n); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	return n
}

// checkpoint is the log's newest head, as a file.
func checkpoint(t *testing.T, path string) (file string) {
	t.Helper()
	raw := rawDatabase(t, path)
	var note string
	if err := raw.QueryRow(`SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1`).Scan(&note); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(file, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// usedDatabase is one that a dashboard made and worked with, and its environment.
func usedDatabase(t *testing.T) (e env, d dashboard) {
	t.Helper()
	s := startServices(t)
	e = s.against(t)
	d = startDashboard(t, e)
	hire(t, d)
	mia := visit(t, d, "mia")
	customer := mia.customers()[0]
	sso := url.Values{"receipt": {mia.receipt(customer, customer+"/sso")}, "reason": {"<ticket> & \"4711\""}}
	if got := mia.post(customer+"/sso", sso); got.status != 303 {
		t.Fatalf("SSO: %+v", got)
	}
	return e, d
}

func (d dashboard) end(t testing.TB) {
	t.Helper()
	d.signal(t, syscall.SIGTERM)
	if code := d.exit(t); code != 0 {
		t.Fatalf("the dashboard ended with %d", code)
	}
}

func TestAuditCommands(t *testing.T) {
	e, d := usedDatabase(t)
	path := e["FRONTDESK_DATABASE"]
	only := env{"FRONTDESK_DATABASE": path} // no secret
	secret := only.with(env{"FRONTDESK_SECRET": e["FRONTDESK_SECRET"]})
	otherSecret := only.with(env{"FRONTDESK_SECRET": "another secret of at least 32 bytes"})

	// While the dashboard runs.
	running := audits(only, "verify")
	running.wants(t, "verify while it runs", 0, "The audit log holds.", "all as they were written", "as the database names it", "entries a second")
	n := entriesOf(t, running)
	if n < 6 {
		t.Errorf("only %d entries", n)
	}
	key := strings.TrimSpace(audits(only, "key").stdout)
	if !regexp.MustCompile(`^frontdesk/\w{12}\+[0-9a-f]{8}\+\S+$`).MatchString(key) {
		t.Errorf("key %q", key)
	}
	since := checkpoint(t, path)
	restored := audits(secret, "declare-restore", "--reason", "a drill")
	restored.wants(t, "declare-restore while it runs", 0, fmt.Sprintf("On record as entry %d: the log's first %d entries are from a backup.", n+1, n))
	visit(t, d, "victor") // the dashboard goes on from there
	again := audits(only, "verify", "--since", since)
	again.wants(t, "verify since", 0, fmt.Sprintf("the saved checkpoint's %d entries are the first of these", n))
	if entriesOf(t, again) < n+3 {
		t.Errorf("the sign-in is not on record: %s", again)
	}
	d.end(t)

	n = entriesOf(t, audits(only, "verify"))
	audits(secret, "verify").wants(t, "with the secret", 0, "sealed in the database with this secret")
	audits(otherSecret, "verify").wants(t, "with another secret", 1, "does NOT hold", "was not sealed with this secret")
	audits(otherSecret.with(env{"FRONTDESK_SECRET_OLD": e["FRONTDESK_SECRET"]}), "verify").wants(t, "with the old secret", 0)
	audits(only.with(env{"FRONTDESK_SECRET": "short"}), "verify").wants(t, "with a short secret", 2, "FRONTDESK_SECRET")
	audits(only, "verify", "--audit-key", key).wants(t, "with the key", 0, "key        "+key)
	foreign, _ := audit.NewKey()
	audits(only, "verify", "--audit-key", foreign.Public()).wants(t, "with another key", 1, "does NOT hold", "not signed by the key")
	audits(only, "verify", "--audit-key", "nonsense").wants(t, "with no key", 1, "public key")

	last := checkpoint(t, path)
	audits(only, "verify", "--since", last).wants(t, "since the last", 0)
	edited := filepath.Join(t.TempDir(), "edited")
	text, _ := os.ReadFile(last)
	os.WriteFile(edited, bytes.Replace(text, []byte("\n"), []byte("\n1"), 1), 0o600)
	audits(only, "verify", "--since", edited).wants(t, "since an edited one", 1, "does not hold against")
	audits(only, "verify", "--since", path+"-none").wants(t, "since a file that is not there", 2)

	// A proof needs nothing but itself, and for certainty the key.
	proof := filepath.Join(t.TempDir(), "proof.json")
	audits(only, "prove", "3", "-o", proof).wants(t, "prove", 0)
	if printed := audits(only, "prove", "3"); !json.Valid([]byte(printed.stdout)) {
		t.Errorf("prove: %s", printed)
	}
	audits(only, "prove", fmt.Sprint(n+1)).wants(t, "prove none", 1, fmt.Sprintf("there is no entry %d", n+1))
	audits(env{}, "verify", "--proof", proof).wants(t, "verify a proof", 0, "The proof holds: entry 3 is in the log of", `{"id":3,`, "as the proof names it")
	audits(env{}, "verify", "--proof", proof, "--audit-key", key).wants(t, "verify it with the key", 0, key)
	audits(env{}, "verify", "--proof", proof, "--audit-key", foreign.Public()).wants(t, "with another key", 1, "does NOT hold")
	good, err := os.ReadFile(proof)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(proof, bytes.Replace(good, []byte(`"phase": "`), []byte(`"phase": "x`), 1), 0o600)
	audits(env{}, "verify", "--proof", proof).wants(t, "an altered proof", 1, "does NOT hold")
	os.WriteFile(proof, []byte("{"), 0o600)
	audits(env{}, "verify", "--proof", proof).wants(t, "no proof", 1, "not a proof")

	// declare-restore is an act on record, signed like all.
	audits(only, "declare-restore", "--reason", "x").wants(t, "restore without the secret", 2, "FRONTDESK_SECRET: required")
	audits(otherSecret, "declare-restore", "--reason", "x").wants(t, "restore with another secret", 2, "FRONTDESK_SECRET")
	audits(secret, "declare-restore").wants(t, "restore without a reason", 2, "--reason")
	audits(secret, "declare-restore", "--reason", "x", "--size", fmt.Sprint(n+1)).wants(t, "restore of more than there is", 1, "--size cannot be")
	audits(secret, "declare-restore", "--reason", "the disk broke", "--size", "4").wants(t, "restore", 0, "first 4 entries")
	var who, on, reason string
	raw := rawDatabase(t, path)
	if err := raw.QueryRow(`SELECT staff_name, on_id, reason FROM audit_entries WHERE what = 'declare restore' ORDER BY id DESC`).Scan(&who, &on, &reason); err != nil ||
		!strings.HasPrefix(who, "operator") || reason != "the disk broke" || on != "log:4" {
		t.Errorf("on record: %q %q %q, %v", who, on, reason, err)
	}
	last = checkpoint(t, path)

	// Tampering is found, and the entry named.
	execute(t, raw, `DROP TRIGGER audit_no_update`, `DROP TRIGGER audit_no_delete`, `CREATE TABLE was AS SELECT * FROM audit_entries`,
		`UPDATE audit_entries SET reason = 'another' WHERE id = 5`)
	audits(only, "verify").wants(t, "a changed entry", 1, "does NOT hold", "entry 5: not as it was written")
	audits(only, "prove", "5").wants(t, "prove a changed entry", 1, "entry 5 is not in the log that was signed")
	audits(only, "prove", "4").wants(t, "prove another", 0)
	execute(t, raw, `DELETE FROM audit_entries WHERE id >= 5`)
	audits(only, "verify").wants(t, "a cut log", 1, "entry 5: missing")
	audits(secret, "declare-restore", "--reason", "x").wants(t, "restore on a cut log", 1, "changed by something other than frontdesk")
	execute(t, raw, `INSERT INTO audit_entries SELECT * FROM was WHERE id > 4`)
	audits(only, "verify").wants(t, "put back", 0)
	execute(t, raw, fmt.Sprintf(`DELETE FROM audit_entries WHERE id > %d`, n), fmt.Sprintf(`DELETE FROM audit_checkpoints WHERE size > %d`, n))
	audits(only, "verify").wants(t, "rolled back", 0)
	audits(only, "verify", "--since", last).wants(t, "rolled back, since", 1, "does NOT hold", fmt.Sprintf("entry %d: missing", n+1))
	execute(t, raw, `DELETE FROM audit_checkpoints`)
	audits(only, "verify").wants(t, "no head", 1, "the signed head is missing")
	audits(only, "prove", "1").wants(t, "prove without a head", 1, "head is missing")
	execute(t, raw, `DELETE FROM meta WHERE name = 'audit-public-key'`)
	audits(only, "verify").wants(t, "no key", 1, "key is missing")
}

func TestAuditOfOtherFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) env { return env{"FRONTDESK_DATABASE": filepath.Join(dir, name)} }
	for _, command := range [][]string{{"verify"}, {"prove", "1"}, {"key"}} {
		audits(at("none.db"), command...).wants(t, command[0]+" of no file", 2, "FRONTDESK_DATABASE", "no such file")
	}
	audits(at("none.db").with(env{"FRONTDESK_SECRET": strings.Repeat("s", 32)}), "declare-restore", "--reason", "x").wants(t, "restore of no file", 2, "no such file")
	execute(t, rawDatabase(t, filepath.Join(dir, "foreign.db")), `CREATE TABLE notes (text TEXT)`)
	audits(at("foreign.db"), "verify").wants(t, "a foreign database", 1, "not a database of frontdesk")
	if err := os.WriteFile(filepath.Join(dir, "text.db"), bytes.Repeat([]byte("no database. "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	audits(at("text.db"), "verify").wants(t, "no database at all", 1, "not a database")
	if left, _ := filepath.Glob(filepath.Join(dir, "none*")); len(left) != 0 {
		t.Errorf("something was made: %q", left)
	}
}

// A database of the version before proves nothing yet; the next start adopts its
// entries as they are.
func TestAnOlderDatabaseIsAdopted(t *testing.T) {
	s := startServices(t)
	e := s.against(t)
	path := e["FRONTDESK_DATABASE"]
	raw := rawDatabase(t, path)
	older, err := goose.NewProvider(goose.DialectSQLite3, raw, os.DirFS("../../store/migrations/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.UpTo(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	const n = 300 // more than a tile; some IDs were never used, as AUTOINCREMENT leaves them
	execute(t, raw, fmt.Sprintf(`
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO audit_entries SELECT i * 2, 1767225600000 + i, 'act-' || (i / 2), CASE WHEN i %% 2 = 0 THEN 'intent' ELSE 'outcome' END,
			7, 'Mia', 'customer', 'mia', 'manager', 's', '192.0.2.1', CAST('Agent ' || x'ff00' || i AS TEXT), 'R' || i, 'sign in', 'c', 'Örebro', 'a@example.com', 'why ' || i, 'atom',
			302, 5, CASE WHEN i %% 2 = 0 THEN '' ELSE 'done' END, '', '' FROM n`, n))
	raw.Close()
	audits(e, "verify").wants(t, "before", 1, "start frontdesk on it once")

	d := startDashboard(t, e)
	visit(t, d, "alice")
	got := audits(env{"FRONTDESK_DATABASE": path, "FRONTDESK_SECRET": e["FRONTDESK_SECRET"]}, "verify")
	got.wants(t, "after", 0, "The audit log holds.")
	if entriesOf(t, got) < n+4 {
		t.Errorf("entries are missing: %s", got)
	}
	db := rawDatabase(t, path)
	var kept int
	if err := db.QueryRow(fmt.Sprintf(`SELECT count(*) FROM audit_entries WHERE id <= %d AND reason = 'why ' || id AND at = 1767225600000 + id AND request_id = 'R' || id`, n)).Scan(&kept); err != nil || kept != n {
		t.Errorf("%d of %d entries were kept, %v", kept, n, err)
	}
	proof := filepath.Join(t.TempDir(), "proof.json")
	audits(e, "prove", "17", "-o", proof).wants(t, "prove an adopted entry", 0)
	audits(env{}, "verify", "--proof", proof).wants(t, "its proof", 0, "why 17")
	if _, err := db.Exec(`UPDATE audit_entries SET reason = '' WHERE id = 1`); err == nil {
		t.Error("adopted entries can be changed")
	}
	d.end(t)
	d = startDashboard(t, e) // adopted once
	audits(e, "verify").wants(t, "after another start", 0)
	d.end(t)
}

// Verifying beside a dashboard that works never doubts a log that only grows.
func TestVerifyBesideAWorkingDashboard(t *testing.T) {
	e, d := usedDatabase(t)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 3 {
		v := visit(t, d, "mia")
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					v.post("/login", url.Values{"portal": {"customer"}, "username": {"nobody"}, "password": {"wrong"}})
					v.post("/staff", url.Values{}) // not mia's to do: on record as denied
				}
			}
		})
	}
	first, last := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		since := checkpoint(t, e["FRONTDESK_DATABASE"])
		got := audits(e, "verify", "--since", since)
		got.wants(t, "beside it", 0)
		last = entriesOf(t, got)
		if first == 0 {
			first = last
		}
		audits(e, "prove", fmt.Sprint(last)).wants(t, "prove the last", 0)
	}
	close(stop)
	clients.Wait()
	if last < first+10 {
		t.Errorf("the log hardly grew: from %d to %d", first, last)
	}
}
