//go:build !postgres

package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folderOf is every file beside path, by name.
func folderOf(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		if all[f.Name()], err = os.ReadFile(filepath.Join(filepath.Dir(path), f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// killed is the folder of a database as a kill leaves it: nothing of it is in the
// file itself yet.
func killed(t *testing.T) map[string][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frontdesk.db")
	db, err := Open(ctx, Options{Path: path, Secret: secretA})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write(ctx, func(tx *Tx) error { return event(tx, "in the -wal file") }); err != nil {
		t.Fatal(err)
	}
	all := folderOf(t, path)
	if len(all["frontdesk.db-wal"]) < len(all["frontdesk.db"]) || len(all["frontdesk.db-shm"]) == 0 {
		t.Fatal("the test proves nothing: the -wal file holds little") // so that it can fail
	}
	return all
}

// With a wrong secret nothing is written: no file is made, none is changed, no
// ballast is laid or given up. Only the index of a -wal file that a kill has left
// may be made anew, which holds nothing of its own.
func TestAWrongSecretTouchesNothing(t *testing.T) {
	hot := killed(t)
	withoutIndex := maps.Clone(hot)
	delete(withoutIndex, "frontdesk.db-shm")
	half := folderOf(t, brokenOff(t).path)
	for name, tt := range map[string]struct {
		files       map[string][]byte
		secret, old []byte
	}{
		"closed":                     {map[string][]byte{"frontdesk.db": migrated()}, secretB, nil},
		"closed, with a ballast":     {map[string][]byte{"frontdesk.db": migrated(), "frontdesk.db-ballast": make([]byte, 100)}, secretB, nil},
		"closed, with an empty -wal": {map[string][]byte{"frontdesk.db": migrated(), "frontdesk.db-wal": {}}, secretB, nil},
		"closed, two wrong ones":     {map[string][]byte{"frontdesk.db": migrated()}, secretB, secretC},
		"half-way changed":           {half, secretB, nil},
		"killed":                     {hot, secretB, nil},
		"killed, without index":      {withoutIndex, secretB, nil},
		"killed, two wrong ones":     {hot, secretB, secretC},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "frontdesk.db")
			for file, content := range tt.files {
				if err := os.WriteFile(filepath.Join(filepath.Dir(path), file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Open(ctx, Options{Path: path, Secret: tt.secret, OldSecret: tt.old, Ballast: Ballast})
			if !errors.Is(err, ErrWrongSecret) || !strings.Contains(err.Error(), "FRONTDESK_SECRET_OLD") {
				t.Errorf("error %v", err)
			}
			after := folderOf(t, path)
			if strings.HasPrefix(name, "killed") {
				delete(after, "frontdesk.db-shm")
				tt.files = maps.Clone(tt.files)
				delete(tt.files, "frontdesk.db-shm")
			}
			if !maps.EqualFunc(tt.files, after, bytes.Equal) {
				t.Errorf("before: %s\nafter: %s", sums(tt.files), sums(after))
			}
			if strings.HasPrefix(name, "half") {
				return
			}
			db, err := Open(ctx, Options{Path: path, Secret: secretA})
			if err != nil {
				t.Fatalf("with the right one: %v", err)
			}
			defer db.Close()
			head, err := db.Head(ctx)
			if want := int64(strings.Count(name, "killed")); err != nil || head.Size != want {
				t.Errorf("%d entries, want %d, %v", head.Size, want, err)
			}
		})
	}
}

// sums tells files apart without printing them.
func sums(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, content := range files {
		all[name] = fmt.Sprintf("%d bytes, %x", len(content), sha256.Sum256(content))
	}
	return all
}
