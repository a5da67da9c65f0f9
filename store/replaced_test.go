//go:build !race && !postgres

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frontdesk/store/audit"
)

// Somebody puts an older file in the place of the one that is open, in any of the
// ways that there are. Either nothing is written any more, or a saved head tells,
// or nothing is lost.
func TestAnOlderFileUnderALiveServer(t *testing.T) {
	remove := func(names ...string) func(r *rig, older string) {
		return func(r *rig, _ string) {
			for _, name := range names {
				if err := os.Remove(r.path + name); err != nil {
					r.Fatal(err)
				}
			}
		}
	}
	copyOver := func(r *rig, older string) { // keeps the file's inode
		bytes, err := os.ReadFile(older)
		if err == nil {
			err = os.WriteFile(r.path, bytes, 0o600)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
	rename := func(r *rig, older string) {
		if err := os.Rename(older, r.path); err != nil {
			r.Fatal(err)
		}
	}
	type step = func(r *rig, older string)
	for name, tt := range map[string]struct {
		steps []step
		live  bool // the live server refuses to write
	}{
		"renamed over":                       {[]step{rename}, true},
		"renamed over, side files removed":   {[]step{rename, remove("-wal", "-shm")}, true},
		"copied over":                        {[]step{copyOver}, false},
		"copied over, wal removed":           {[]step{copyOver, remove("-wal")}, true},
		"copied over, side files removed":    {[]step{copyOver, remove("-wal", "-shm")}, true},
		"side files removed alone":           {[]step{remove("-wal", "-shm")}, true},
		"removed":                            {[]step{remove("")}, true},
		"removed with its side files":        {[]step{remove("", "-wal", "-shm")}, true},
		"an older log's file and side files": {[]step{remove("-wal", "-shm"), rename}, true},
	} {
		for _, checkpointed := range []bool{false, true} { // whether the newer entries are in the file or in its -wal
			t.Run(fmt.Sprint(name, ", checkpointed ", checkpointed), func(t *testing.T) {
				r := newRig(t)
				for range 5 {
					r.write(func(tx *Tx) error { return event(tx, "old") })
				}
				older := filepath.Join(t.TempDir(), "older.db")
				if _, err := r.raw().Exec(`VACUUM INTO '` + older + `'`); err != nil {
					t.Fatal(err)
				}
				for range 300 {
					r.write(func(tx *Tx) error { return event(tx, "new") })
				}
				if checkpointed {
					if _, err := r.raw().Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
						t.Fatal(err)
					}
				}
				saved, err := r.Head(ctx)
				if err != nil || saved.Size != 305 {
					t.Fatal(saved, err)
				}
				for _, step := range tt.steps {
					step(r, older)
				}
				var acknowledged []audit.Entry
				for range 5 {
					e := audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done, Detail: "later"}
					err = r.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, &e) })
					if err == nil {
						acknowledged = append(acknowledged, e)
					}
				}
				var u *Unwritable
				if tt.live && (!errors.As(err, &u) || u.Cause != CauseMissing || len(acknowledged) > 0) {
					t.Errorf("a write: %v, %d acknowledged", err, len(acknowledged))
				}
				if _, err := r.Search(ctx, audit.Filter{}, audit.Page{Limit: 5}); err != nil && !strings.HasPrefix(name, "copied") { // those are damaged
					t.Errorf("reading: %v", err)
				}
				if len(acknowledged) == 0 {
					return // the live server caught it
				}
				// What the file says to somebody else, now and after a restart.
				for _, when := range []string{"now", "after a restart"} {
					if when != "now" {
						r.Close()
					}
					db, err := OpenToRead(ctx, r.path, "")
					if err != nil {
						t.Logf("%s: caught: %v", when, err)
						continue
					}
					if v, err := db.Verify(ctx, saved); err != nil {
						t.Logf("%s: caught: %v", when, err)
					} else {
						for _, e := range acknowledged {
							if got, err := db.Entry(ctx, e.ID); err != nil || got.Act != e.Act {
								t.Errorf("%s: entry %d of %d was acknowledged and is %+v, %v", when, e.ID, v.Size, got, err)
							}
						}
						t.Logf("%s: all %d entries are there", when, v.Size)
					}
					db.Close()
				}
			})
		}
	}
}

// The same file back in its place goes on as if nothing had been.
func TestAFilePutBack(t *testing.T) {
	r := newRig(t)
	r.write(func(tx *Tx) error { return event(tx, "before") })
	if err := os.Rename(r.path, r.path+".away"); err != nil {
		t.Fatal(err)
	}
	var u *Unwritable
	if err := r.Write(ctx, func(tx *Tx) error { return event(tx, "away") }); !errors.As(err, &u) || u.Cause != CauseMissing {
		t.Errorf("while it is away: %v", err)
	}
	if _, err := os.Stat(r.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another one was made: %v", err)
	}
	if err := os.Rename(r.path+".away", r.path); err != nil {
		t.Fatal(err)
	}
	r.write(func(tx *Tx) error { return event(tx, "back") })
	r.verified(r.DB, 2)
	if r.Trouble() != nil {
		t.Errorf("trouble %v", r.Trouble())
	}
}

// A restart on the older file has no way to know. A saved head has.
func TestARestartOnAnOlderFileIsCaughtByASavedHead(t *testing.T) {
	r := newRig(t)
	r.write(func(tx *Tx) error { return event(tx, "old") })
	r.Close()
	older, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	db := r.open(secretA, nil)
	for range 3 {
		if err := db.Write(ctx, func(tx *Tx) error { return event(tx, "lost") }); err != nil {
			t.Fatal(err)
		}
	}
	saved, err := db.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.WriteFile(r.path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	db = r.open(secretA, nil)
	for i := range 6 { // shorter, as long, and longer than the saved one
		if _, err := db.Continues(ctx, saved.Size, saved.Root); !errors.Is(err, audit.ErrNotPrefix) {
			t.Errorf("after %d more: %v", i, err)
		}
		var f *audit.Flaw
		if _, err := db.Verify(ctx, saved); !errors.As(err, &f) {
			t.Errorf("after %d more: %v", i, err)
		}
		if err := db.Write(ctx, func(tx *Tx) error { return event(tx, "instead") }); err != nil {
			t.Fatal(err)
		}
	}
}
