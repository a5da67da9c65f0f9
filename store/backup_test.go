//go:build !postgres

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// alone holds that a folder has these files and no other.
func alone(t *testing.T, dir string, names ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name())
	}
	if len(got) != len(names) {
		t.Errorf("there are %v, want %v", got, names)
	}
	for i := range min(len(got), len(names)) {
		if got[i] != names[i] {
			t.Errorf("there are %v, want %v", got, names)
		}
	}
}

func logged(tx *Tx) error {
	return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "look", Result: audit.Done})
}

// A backup made while others write is the database at one moment: its log holds, and
// the search finds in it what was there.
func TestBackupWhileOthersWrite(t *testing.T) {
	r := newRig(t)
	r.write(func(tx *Tx) error {
		for _, name := range []string{"Nordic Weavers", "Second Harbour", "Third Orchard"} {
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: "ck" + NewID(), Company: name})); err != nil {
				return err
			}
		}
		return logged(tx)
	})
	before, err := r.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := r.Write(ctx, func(tx *Tx) error {
					if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: "ck" + NewID(), Company: "Meanwhile " + NewID()})); err != nil {
						return err
					}
					return logged(tx)
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "copy.db")
	found, err := Backup(ctx, r.path, file)
	close(done)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	after, err := r.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if found.Size < before.Size || found.Size > after.Size {
		t.Errorf("the copy's log has %d entries; there were %d before and %d after", found.Size, before.Size, after.Size)
	}
	alone(t, dir, "copy.db")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := r.Continues(ctx, found.Size, found.Root); err != nil {
		t.Errorf("the database is not what the copy became: %v", err)
	}

	db, err := Open(ctx, Options{Path: file, Secret: secretA, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page, err := db.FindCustomers(ctx, CustomerQuery{Text: "rdic wea", Limit: 10})
	if err != nil || len(page.Customers) != 1 || page.Customers[0].Company != "Nordic Weavers" {
		t.Errorf("found %+v, %v", page.Customers, err)
	}
	if page, err := db.FindCustomers(ctx, CustomerQuery{Text: "meanwhile", Limit: 1000}); err != nil || len(page.Customers) != int(found.Size-before.Size) {
		t.Errorf("%d customers of meanwhile, and %d entries: %v", len(page.Customers), found.Size-before.Size, err)
	}
}

// Nothing is overwritten, and what comes to nothing leaves nothing.
func TestBackupLeavesNothingHalf(t *testing.T) {
	r := newRig(t)
	r.write(logged)
	dir := t.TempDir()
	file := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(ctx, r.path, file); !errors.Is(err, ErrExists) {
		t.Errorf("onto a file: %v", err)
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "mine" {
		t.Errorf("the file is %q, %v", kept, err)
	}
	os.Remove(file)

	ended, end := context.WithCancel(ctx)
	end()
	if _, err := Backup(ended, r.path, file); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
	if _, err := Backup(ctx, filepath.Join(dir, "no.db"), file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	alone(t, dir)

	if _, err := r.raw().Exec(`DROP TRIGGER audit_no_update; UPDATE audit_entries SET what = 'something else' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	var flaw *audit.Flaw
	if _, err := Backup(ctx, r.path, file); !errors.As(err, &flaw) && !errors.Is(err, audit.ErrAltered) {
		t.Errorf("of an altered log: %v", err)
	}
	alone(t, dir)
}

func TestRestore(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.write(logged)
	}
	alice := WithSessionMeta(ctx, &SessionMeta{ID: "alices", StaffID: r.staff("alice", Admin).ID})
	if err := r.Sessions().CommitCtx(alice, "hash", nil, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, place := filepath.Join(dir, "copy.db"), filepath.Join(dir, "restored.db")
	taken, err := Backup(ctx, r.path, file)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(found audit.Verified) *audit.Entry {
		return &audit.Entry{Phase: audit.Event, What: audit.WhatRestore, On: audit.Subject{ID: "log:3"}, Result: audit.Done}
	}
	if _, err := Restore(ctx, file, Options{Path: place, Secret: secretB}, entry); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("with another secret: %v", err)
	}
	alone(t, dir, "copy.db")
	for _, side := range []string{"", "-wal"} {
		if err := os.WriteFile(place+side, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(ctx, file, Options{Path: place, Secret: secretA}, entry); !errors.Is(err, ErrExists) {
			t.Errorf("where %q is: %v", side, err)
		}
		os.Remove(place + side)
	}
	found, err := Restore(ctx, file, Options{Path: place, Secret: secretA, Now: r.clock.Now}, entry)
	if err != nil || found.Size != 3 || found.Root != taken.Root {
		t.Fatalf("%+v, %v", found, err)
	}
	alone(t, dir, "copy.db", "restored.db")
	db, err := Open(ctx, Options{Path: place, Secret: secretA, Now: r.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if left, err := db.LiveSessions(ctx, 0, time.Time{}); err != nil || len(left) != 0 {
		t.Errorf("of the backup's sessions go on %d, %v", len(left), err)
	}
	if sizes, err := db.Restores(ctx); err != nil || len(sizes) != 1 || sizes[0] != 3 {
		t.Errorf("declared: %v, %v", sizes, err)
	}
	if got, err := db.Verify(ctx); err != nil || got.Size != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An upgrade that fails leaves the copy of what was before, and the next try keeps it.
func TestUpgradeCopiesBefore(t *testing.T) {
	r := newRig(t)
	r.write(logged)
	if _, err := r.raw().Exec(`DELETE FROM goose_db_version WHERE version_id >= 18`); err != nil {
		t.Fatal(err)
	}
	if err := r.DB.Close(); err != nil {
		t.Fatal(err)
	}
	newest, err := (&DB{}).newestMigration()
	if err != nil {
		t.Fatal(err)
	}
	former := r.path + ".before-3"
	if err := os.WriteFile(former, []byte("of a former upgrade"), 0o600); err != nil {
		t.Fatal(err)
	}
	var copies []os.FileInfo
	for range 2 {
		if db, err := Open(ctx, Options{Path: r.path, Secret: secretA}); err == nil { // what the migration makes is there
			db.Close()
			t.Fatal("a migration that cannot run did")
		}
		found, err := VerifyFile(ctx, r.path+".before-"+strconv.Itoa(newest))
		if err != nil || found.Size != 1 {
			t.Fatalf("%+v, %v", found, err)
		}
		info, err := os.Stat(r.path + ".before-" + strconv.Itoa(newest))
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, info)
	}
	if !os.SameFile(copies[0], copies[1]) {
		t.Error("the second try made another copy")
	}
	if _, err := os.Stat(former); err != nil {
		t.Error("the former copy was removed before there was a new one that is needed no more")
	}
	db := &DB{path: r.path}
	db.forgetCopies(r.path + ".before-" + strconv.Itoa(newest))
	if _, err := os.Stat(former); !os.IsNotExist(err) {
		t.Errorf("the former copy stays: %v", err)
	}
}

func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	r := newRig(t)
	r.write(logged)
	if _, err := r.raw().Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := r.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, Options{Path: r.path, Secret: secretA}); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
	if _, err := VerifyFile(ctx, r.path); err != nil {
		t.Errorf("its log cannot be checked: %v", err)
	}
}
