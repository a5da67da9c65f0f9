//go:build !postgres

package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var secretC = []byte("the third secret, of 32 bytes or more")

// A column of bytes is among the sealed ones, or known to hold no secret: a new
// one has to be judged here, and what is sealed into it is found by the tests
// below, for sealing anywhere else panics.
func TestEveryColumnOfBytesIsSealedOrKnownToBeInClear(t *testing.T) {
	r := newRig(t)
	inClear := map[string]bool{
		"audit_tiles.hashes": true, "audit_checkpoints.leaves": true, // hashes
		"audit_text_data.block": true, "audit_text_docsize.sz": true, // of the log, which holds no secrets
		"customers_text_data.block": true, "customers_text_docsize.sz": true, // of the customers, who are in clear
		// The queue's, as River describes them: a job says which import it runs.
		"river_job.args": true, "river_job.attempted_by": true, "river_job.errors": true, "river_job.metadata": true, "river_job.tags": true,
		"river_job.unique_key": true, "river_queue.metadata": true, "river_client.metadata": true, "river_client_queue.metadata": true,
		"customers.digest": true, // a hash of a whole object
	}
	rows, err := r.raw().Query(`SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'BLOB'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		found[name] = true
		listed := slices.ContainsFunc(sealedColumns, func(c sealedColumn) bool { return c.table+"."+c.column == name })
		if listed == inClear[name] {
			t.Errorf("%s is neither among the sealed columns nor known to hold no secret", name)
		}
	}
	for _, c := range sealedColumns {
		if !found[c.table+"."+c.column] {
			t.Errorf("there is no %s.%s", c.table, c.column)
		}
	}
}

// After a change of the secret everything opens with the new one alone, nothing
// with the old one, and of what the old one had sealed the file holds nothing any
// more, not even what was deleted before.
func TestAChangeOfTheSecretLeavesNothingBehind(t *testing.T) {
	r := newRig(t)
	r.fill(400)
	was := r.values()
	for _, c := range sealedColumns {
		if len(was[c.table+"."+c.column]) == 0 {
			t.Errorf("nothing is in %s.%s: the test proves nothing of it", c.table, c.column)
		}
	}
	// Some go before the change, whole pages of them, and stay behind in the file.
	r.clock.Add(2 * time.Hour)
	r.write(func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE receipts SET expires_at = expires_at + 9e9 WHERE key > 'receipt of person-0300'`); err != nil {
			return err
		}
		_, err := tx.PurgeReceipts(ctx, start.Add(-time.Hour))
		return errors.Join(err, tx.PurgeSessions(ctx, start.Add(-time.Hour)), tx.PurgeDrafts(ctx, start.Add(time.Minute)))
	})
	r.clock.Add(-2 * time.Hour)
	r.fillMore()
	r.Close()
	left, all := 0, r.bytes()
	for _, values := range was {
		for _, v := range values {
			if bytes.Contains(all, v.sealed[:32]) {
				left++
			}
		}
	}
	before, total := r.opensClosed(secretA)
	if before != total || left <= total {
		t.Fatalf("%d of %d open, and the file holds %d: the test proves nothing", before, total, left) // so that it can fail
	}

	r.DB = r.open(secretB, secretA)
	was = merge(was, r.values())
	head, err := r.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := r.reseal()
	if want := (Resealed{Changed: true, Values: total - 1}); got != want { // the check value is not counted
		t.Errorf("%+v, want %+v", got, want)
	}
	for secret, want := range map[string]int{string(secretA): 0, string(secretB): total} {
		if open, all := r.opens([]byte(secret)); open != want || all != total {
			t.Errorf("%d of %d open with %q, want %d of %d", open, all, secret, want, total)
		}
	}
	all = r.bytes()
	for place, values := range was {
		for _, v := range values {
			for _, i := range []int{0, (len(v.sealed) - 24) / 2, len(v.sealed) - 24} {
				if bytes.Contains(all, v.sealed[i:i+24]) {
					t.Fatalf("the file still holds what the old secret has sealed in %s of %s", place, v.row)
				}
			}
		}
	}
	if now, err := r.Head(ctx); err != nil || now.Size != head.Size+1 {
		t.Errorf("%d entries after %d, %v; want one more", now.Size, head.Size, err)
	}
	if again := r.reseal(); again != (Resealed{}) {
		t.Errorf("once more: %+v", again)
	}
	if now, err := r.Head(ctx); err != nil || now.Size != head.Size+1 {
		t.Errorf("%d entries after doing nothing, %v", now.Size, err)
	}
	if _, err := r.Verify(ctx); err != nil {
		t.Error(err)
	}
	r.Close()
	for name, secrets := range map[string][2][]byte{"the old one alone": {secretA, nil}, "another": {secretC, secretA}} {
		if _, err := Open(ctx, Options{Path: r.path, Secret: secrets[0], OldSecret: secrets[1]}); !errors.Is(err, ErrWrongSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.DB = r.open(secretB, nil)
	for _, name := range []string{metaChanging, metaResealed} {
		var n int
		if err := r.raw().QueryRow(`SELECT count(*) FROM meta WHERE name = $1`, name).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s is left, %v", name, err)
		}
	}
	var sound string
	if err := r.raw().QueryRow(`PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the database is not sound: %s, %v", sound, err)
	}
	var tables int
	if err := r.raw().QueryRow(`SELECT count(*) FROM sqlite_master WHERE name = $1`, scrubTable).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%s is left, %v", scrubTable, err)
	}
	if data, ok, err := r.Sessions().FindCtx(ctx, "hash-late"); !ok || string(data) != "PLANTED-session" {
		t.Errorf("a session: %q, %v, %v", data, ok, err)
	}
	if d, err := r.Draft(ctx, "late", "/", r.Now()); err != nil || d.Form == "" {
		t.Errorf("a draft: %+v, %v", d, err)
	}
}

// Half-way nothing is lost, one secret alone does not open the database, and
// the next start finishes the change, or takes it back.
func TestAChangeThatWasBrokenOffGoesOn(t *testing.T) {
	half := brokenOff(t)
	for name, tt := range map[string]struct{ secret, old []byte }{"on": {secretB, secretA}, "back": {secretA, secretB}} {
		t.Run(name, func(t *testing.T) {
			r := &rig{T: t, clock: half.clock, path: filepath.Join(t.TempDir(), "frontdesk.db")}
			if err := os.WriteFile(r.path, half.bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, secrets := range map[string][2][]byte{
				"the new one alone": {secretB, nil}, "the old one alone": {secretA, nil}, "a third and the old one": {secretC, secretA}, "a third and the new one": {secretC, secretB},
			} {
				if _, err := Open(ctx, Options{Path: r.path, Secret: secrets[0], OldSecret: secrets[1]}); !errors.Is(err, ErrWrongSecret) || !strings.Contains(err.Error(), "half-way") {
					t.Errorf("%s: %v", name, err)
				}
			}
			r.DB = r.open(tt.secret, tt.old)
			for _, person := range []string{"person-0001", "person-0599"} {
				if got, err := r.Receipt(ctx, "receipt of "+person); err != nil || string(got.Answer) != "PLANTED-answer" || string(got.Secret) != "PLANTED-secret" {
					t.Errorf("half-way, %s: %+v, %v", person, got, err)
				}
			}
			_, total := r.opens(tt.secret)
			got := r.reseal()
			if !got.Changed || got.Closed != 0 || name == "on" && got.Values != total-2 { // the two check values are not counted
				t.Errorf("%+v of %d", got, total)
			}
			r.Close()
			r.DB = r.open(tt.secret, nil)
			if open, all := r.opens(tt.secret); open != all || all != total-1 {
				t.Errorf("%d of %d open, want all of %d", open, all, total-1)
			}
			if open, _ := r.opens(tt.old); open != 0 {
				t.Errorf("%d open with the other secret", open)
			}
		})
	}
}

// fillMore is a session and a draft, after a purge.
func (r *rig) fillMore() {
	r.Helper()
	s := r.staff("late", Viewer)
	meta := &SessionMeta{ID: "late", StaffID: s.ID}
	if err := r.Sessions().CommitCtx(WithSessionMeta(ctx, meta), "hash-late", []byte("PLANTED-session"), start.Add(time.Hour)); err != nil {
		r.Fatal(err)
	}
	r.write(func(tx *Tx) error {
		return tx.PutDraft(ctx, Draft{ID: "late", Person: "late", Path: "/", Form: "PLANTED"})
	})
}

// opensClosed is opens for a database that is closed.
func (r *rig) opensClosed(secret []byte) (open, all int) {
	r.Helper()
	r.DB = r.open(secret, nil)
	open, all = r.opens(secret)
	r.Close()
	return open, all
}

func merge(a, b map[string][]sealedValue) map[string][]sealedValue {
	all := map[string][]sealedValue{}
	for _, m := range []map[string][]sealedValue{a, b} {
		for place, values := range m {
			all[place] = append(all[place], values...)
		}
	}
	return all
}

// brokenOff is a database in which a change from the first secret to the second
// has stopped among the receipts.
func brokenOff(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.fill(resealBatch * 2)
	r.Close()
	r.DB = r.open(secretB, secretA)
	raw := r.raw()
	if _, err := raw.Exec(`CREATE TRIGGER stop BEFORE UPDATE ON receipts WHEN old.key > 'receipt of person-0450' BEGIN SELECT RAISE(ABORT, 'stopped'); END`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Reseal(ctx, func(*Tx, Resealed) error { t.Error("it is called done"); return nil }); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`DROP TRIGGER stop`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	a, total := r.opens(secretA)
	b, _ := r.opens(secretB)
	if a+b != total || a < resealBatch || b < resealBatch {
		t.Fatalf("%d open with the one, %d with the other, of %d", a, b, total) // so that it can fail
	}
	r.Close()
	return r
}
