package store

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The ballast is a file beside the database that does nothing but take up
// space. When the disk fills, no act is begun any more, and the ballast is
// given up so that the outcomes of those under way are still recorded. Once
// there is space again, it is laid anew and acts go on, without a restart.
const (
	Ballast      = 8 << 20         // its usual size, in bytes
	lowSpace     = 1 << 20         // less than this free is as good as full
	ballastRetry = 2 * time.Second // between looks whether there is space again
)

type ballast struct {
	path string
	size int64

	mu     sync.Mutex
	spent  bool      // the disk is full: only outcomes are written
	laid   bool      // the file is there
	looked time.Time // when space was last looked for
}

// full tells whether only outcomes are written for now.
func (b *ballast) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// lay makes the file, unless it is there.
func (b *ballast) lay() error {
	if b.size == 0 {
		b.laid = true
		return nil
	}
	if info, err := os.Stat(b.path); err == nil && info.Size() >= b.size {
		b.laid = true
		return nil
	}
	if free, ok := freeSpace(b.path); ok && free < b.size+lowSpace {
		return errFull
	}
	f, err := os.OpenFile(b.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = reserve(f, b.size)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(b.path)
		return err
	}
	b.laid = true
	return nil
}

// spend marks the disk as full and, for an outcome, gives the file up.
func (b *ballast) spend(give bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.spent {
		b.spent, b.looked = true, time.Now()
	}
	if give && b.laid && b.size > 0 {
		b.laid = false
		os.Remove(b.path) // when it cannot be, the outcome fails as it did before
	}
}

// makeRoom gives the file up when a start finds the disk full: SQLite needs some
// space even to read.
func (b *ballast) makeRoom() {
	if free, ok := freeSpace(b.path); ok && free < lowSpace && b.size > 0 {
		os.Remove(b.path)
	}
}

// recovered lays the ballast again if there is space, and tells whether all is
// as it should be. It looks at most every ballastRetry.
func (b *ballast) recovered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.spent {
		return true
	}
	if time.Since(b.looked) < ballastRetry {
		return false
	}
	b.looked = time.Now()
	if free, ok := freeSpace(b.path); ok && free < lowSpace {
		return false
	}
	if b.lay() != nil {
		return false
	}
	b.spent = false
	return true
}

// admits refuses what must not be written while the disk is full.
func (db *DB) admits(outcome bool) error {
	if outcome || db.ballast.recovered() {
		return nil
	}
	return db.failed(errFull)
}

// release is called when an outcome could not be written: it gives up the
// ballast if space is what was missing, and tells whether to try again. Another
// outcome of the same transaction may have given it up before.
func (db *DB) release(err error) bool {
	var u *Unwritable
	if !errors.As(err, &u) || u.Cause != CauseFull {
		return false
	}
	db.ballast.spend(true)
	return true
}

// Disk is the space where the database lives, in bytes. ok is false where the
// system does not tell.
func (db *DB) Disk() (free, used int64, ok bool) {
	free, ok = freeSpace(db.path)
	for _, side := range []string{"", "-wal"} {
		if info, err := os.Stat(db.path + side); err == nil {
			used += info.Size()
		}
	}
	return free, used, ok
}

// fill takes up space by writing what no file system can compress or leave out.
func fill(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for written := int64(0); written < size; written += int64(len(block)) {
		rand.Read(block) // never fails
		if _, err := f.Write(block[:min(int64(len(block)), size-written)]); err != nil {
			return err
		}
	}
	return nil
}

func folder(path string) string { return filepath.Dir(path) }
