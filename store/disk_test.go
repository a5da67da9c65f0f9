//go:build linux && !postgres

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"frontdesk/store/audit"
)

const (
	diskVariable = "FRONTDESK_TEST_DISK" // the folder to mount the small disk on, in the child process
	diskSize     = 24 << 20
)

// onSmallDisk runs the test again in a process of its own, which has a small file
// system mounted that nobody else sees. It returns its folder there; "" in the
// parent, once the child is done, and mounted is false on a machine that lets
// nobody mount.
func onSmallDisk(t *testing.T) (dir string, mounted bool) {
	t.Helper()
	if dir := os.Getenv(diskVariable); dir != "" {
		mountDisk(t, dir, 0)
		return dir, true
	}
	own := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		own.Cloneflags |= syscall.CLONE_NEWUSER
		own.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		own.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	try := exec.Command("mount", "-t", "tmpfs", "none", t.TempDir())
	try.SysProcAttr = own
	if err := try.Run(); err != nil {
		t.Log("this machine lets nobody mount:", err)
		return "", false
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	child.Env = append(os.Environ(), diskVariable+"="+t.TempDir())
	child.SysProcAttr = own
	out, err := child.CombinedOutput()
	t.Logf("on a file system of %d MB:\n%s", diskSize>>20, out)
	if err != nil {
		t.Errorf("the child process: %v", err)
	}
	return "", true
}

// mountDisk mounts the small disk, or changes how it is mounted.
func mountDisk(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if flags&syscall.MS_REMOUNT == 0 { // nothing of it must be seen outside
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	if err := syscall.Mount("disk", dir, "tmpfs", flags, fmt.Sprintf("size=%d", diskSize)); err != nil {
		t.Fatal(err)
	}
}

// fillDisk takes up all space that is left, to the last byte.
func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "others")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *rig) intent(act string) error {
	return r.Write(ctx, func(tx *Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: act, Phase: audit.Intent, What: "test", Detail: strings.Repeat("x", 1000)})
	})
}

func (r *rig) outcome(act string, also func(tx *Tx) error) error {
	return r.WriteOutcome(ctx, func(tx *Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.Append(ctx, &audit.Entry{Act: act, Phase: audit.Outcome, What: "test", Result: audit.Done, Detail: strings.Repeat("x", 1000)})
	})
}

// refused holds that no act is begun any more, for this cause. What is left of the
// last page may take some more.
func (r *rig) refused(cause string) {
	r.Helper()
	err := r.intent("last")
	for range 200 {
		if err != nil {
			break
		}
		if err := r.outcome("last", nil); err != nil {
			r.Fatal(err)
		}
		err = r.intent("last")
	}
	var u *Unwritable
	if !errors.As(err, &u) || u.Cause != cause || u.Since.IsZero() {
		r.Fatalf("an intent: %v, want %q", err, cause)
	}
	if u := r.Trouble(); u == nil || u.Cause != cause {
		r.Errorf("trouble %v", u)
	}
}

// reads holds that reading goes on: so many acts are under way.
func (r *rig) reads(open int) {
	r.Helper()
	if all, err := r.OpenActs(ctx); err != nil || len(all) != open {
		r.Errorf("%d open acts, %v; want %d", len(all), err, open)
	}
	if _, err := r.AllStaff(ctx); err != nil {
		r.Error(err)
	}
	if _, err := r.Verify(ctx); err != nil {
		r.Errorf("verify: %v", err)
	}
}

// recovers holds that acts go on within seconds, without opening anew.
func (r *rig) recovers() {
	r.Helper()
	began := time.Now()
	for {
		err := r.intent("again")
		if err == nil {
			break
		}
		if time.Since(began) > 15*time.Second {
			r.Fatalf("it goes on refusing: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.Logf("acts went on after %s", time.Since(began).Round(100*time.Millisecond))
	if err := r.outcome("again", nil); err != nil {
		r.Fatal(err)
	}
	if r.Trouble() != nil {
		r.Errorf("trouble %v", r.Trouble())
	}
}

func (r *rig) hasBallast() bool {
	info, err := os.Stat(r.path + "-ballast")
	return err == nil && info.Size() == Ballast
}

// newDiskRig is a rig with a ballast, on the system's clock.
func newDiskRig(t *testing.T, dir string) *rig {
	t.Helper()
	r := &rig{T: t, clock: &clock{at: start}, path: filepath.Join(dir, "frontdesk.db")}
	if err := os.WriteFile(r.path, migrated(), 0o600); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	return r
}

func (r *rig) reopen() {
	r.Helper()
	if r.DB != nil {
		r.DB.Close()
	}
	db, err := Open(ctx, Options{Path: r.path, Secret: secretA, Now: r.clock.Now, Ballast: Ballast})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	r.DB = db
}

// A full disk begins no act, and loses the outcome of none; once there is space
// again, acts go on by themselves.
func TestFullDisk(t *testing.T) {
	dir, mounted := onSmallDisk(t)
	if dir == "" && mounted {
		return
	}
	var r *rig
	var fill func() (free func())
	var also func(tx *Tx) error // within an outcome
	if mounted {
		r = newDiskRig(t, dir)
		fill = func() func() { return fillDisk(t, dir) }
	} else {
		t.Log("SQLite's own limit of pages stands in for the disk")
		r = newDiskRig(t, t.TempDir())
		limit := func(pages int) func(tx *Tx) error {
			return func(tx *Tx) error {
				_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
				return err
			}
		}
		fill = func() func() {
			if err := r.WriteOutcome(ctx, limit(1)); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := r.WriteOutcome(ctx, limit(1<<30)); err != nil {
					t.Fatal(err)
				}
			}
		}
		also = func(tx *Tx) error { // the ballast's space
			if !r.hasBallast() {
				return limit(1 << 30)(tx)
			}
			return nil
		}
	}
	if !r.hasBallast() {
		t.Fatal("there is no ballast")
	}
	const acts = 24
	for i := range acts {
		if err := r.intent(fmt.Sprint("act ", i)); err != nil {
			t.Fatal(err)
		}
	}
	free := fill()
	r.refused(CauseFull)
	if !r.hasBallast() {
		t.Error("the ballast was given up for an intent")
	}
	r.reads(acts)

	// Their services have answered: at once, so that they share a transaction.
	release := r.hold()
	var all sync.WaitGroup
	for i := range acts {
		all.Go(func() {
			if err := r.outcome(fmt.Sprint("act ", i), also); err != nil {
				t.Errorf("an outcome: %v", err)
			}
		})
	}
	r.queued(acts)
	release()
	all.Wait()
	if r.hasBallast() {
		t.Error("the ballast is still there: the disk was not full")
	}
	r.refused(CauseFull)
	r.reads(0)
	if mounted { // to the last byte, and nothing left to give up
		fill()
		err := r.outcome("act 0", nil)
		for range 200 {
			if err != nil {
				break
			}
			err = r.outcome("act 0", nil)
		}
		var u *Unwritable
		if !errors.As(err, &u) || u.Cause != CauseFull {
			t.Errorf("without a ballast: %v", err)
		}
		r.reads(0)
	}

	free()
	if mounted { // others write, too: what looks at it must not wait for a write
		began := time.Now()
		for r.Trouble() != nil && time.Since(began) < 10*time.Second {
			time.Sleep(50 * time.Millisecond)
		}
	}
	r.recovers()
	if !r.hasBallast() {
		t.Error("the ballast was not laid again")
	}
	r.reads(0)
	r.reopen()
	r.recovers()
	r.reads(0)
}

// Started on a full disk it reads, refuses acts, writes the outcomes that a crash
// left open, and goes on by itself.
func TestOpenOnAFullDisk(t *testing.T) {
	dir, mounted := onSmallDisk(t)
	if dir == "" {
		if !mounted {
			t.Log("SQLite's limit of pages does not outlive a connection: nothing to see here")
		}
		return
	}
	for _, ballast := range []bool{true, false} {
		os.Remove(filepath.Join(dir, "frontdesk.db-ballast"))
		r := newDiskRig(t, dir)
		if err := r.intent("open"); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if !ballast {
			os.Remove(r.path + "-ballast")
		}
		free := fillDisk(t, dir)
		db, err := Open(ctx, Options{Path: r.path, Secret: secretA, Ballast: Ballast})
		if !ballast {
			// SQLite needs 32 KB for its index; without them there is no reading either.
			if err == nil || causeOf(err) != CauseDisk && causeOf(err) != CauseFull {
				t.Errorf("with nothing left at all: %v", err)
			}
			if err == nil {
				db.Close()
			}
			free()
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r.DB = db
		r.refused(CauseFull)
		r.reads(1)
		if err := r.outcome("open", nil); err != nil {
			t.Errorf("an outcome: %v", err)
		}
		free()
		r.recovers()
		if !r.hasBallast() {
			t.Error("the ballast was not laid again")
		}
		r.reads(0)
		r.Close()
	}
}

// Started on a read-only file system it reads and refuses acts, also after a crash
// that left SQLite's side files, and writes once that is possible.
func TestOpenOnAReadOnlyDisk(t *testing.T) {
	dir, mounted := onSmallDisk(t)
	if dir == "" {
		if !mounted {
			t.Log("only a mounted file system can be read-only: nothing to see here")
		}
		return
	}
	for _, crashed := range []bool{false, true} {
		folder := filepath.Join(dir, fmt.Sprint("crashed ", crashed))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		r := newDiskRig(t, folder)
		if err := r.intent("open"); err != nil {
			t.Fatal(err)
		}
		if crashed {
			for _, side := range []string{"", "-wal", "-shm"} {
				file, err := os.ReadFile(r.path + side)
				if err == nil {
					err = os.WriteFile(filepath.Join(folder, "copy.db"+side), file, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		r.Close()
		if crashed {
			r.path = filepath.Join(folder, "copy.db")
		}
		mountDisk(t, dir, syscall.MS_REMOUNT|syscall.MS_RDONLY)
		if _, err := Open(ctx, Options{Path: r.path, Secret: secretB}); !errors.Is(err, ErrWrongSecret) {
			t.Errorf("with a wrong secret: %v", err)
		}
		r.reopen()
		r.refused(CauseReadOnly)
		r.reads(1)
		if r.Jobs() != nil {
			t.Error("the queue has a way into a database that cannot be written")
		}
		auditor, err := OpenToRead(ctx, r.path, "")
		if err != nil {
			t.Fatal(err)
		}
		r.verified(auditor, 1)
		auditor.Close()
		if err := r.outcome("open", nil); err == nil || r.Trouble().Cause != CauseReadOnly {
			t.Errorf("an outcome: %v", err)
		}
		mountDisk(t, dir, syscall.MS_REMOUNT)
		r.recovers()
		if err := r.outcome("open", nil); err != nil {
			t.Fatal(err)
		}
		r.reads(0)
		if _, err := r.Jobs().ExecContext(ctx, `INSERT INTO river_job (kind, max_attempts) VALUES ('k', 1)`); err != nil {
			t.Errorf("the queue: %v", err)
		}
		if !r.hasBallast() {
			t.Error("there is no ballast")
		}
		r.Close()
		os.Remove(r.path + "-ballast")
	}
}

// A database that turns read-only under the server, as ext4 does after an error.
func TestReadOnlyDatabase(t *testing.T) {
	r := newDiskRig(t, t.TempDir())
	if err := r.intent("open"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.writer.conn.ExecContext(ctx, `PRAGMA query_only = 1`); err != nil {
		t.Fatal(err)
	}
	r.refused(CauseReadOnly)
	r.reads(1)
	err := r.outcome("open", nil)
	var u *Unwritable
	if !errors.As(err, &u) || u.Cause != CauseReadOnly || !r.hasBallast() {
		t.Errorf("an outcome: %v; ballast %t", err, r.hasBallast())
	}
	if _, err := r.writer.conn.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil {
		t.Fatal(err)
	}
	if err := r.outcome("open", nil); err != nil {
		t.Fatal(err)
	}
	r.recovers()
}

// Another program that holds the database is named, and waited for.
func TestABusyDatabase(t *testing.T) {
	r := newDiskRig(t, t.TempDir())
	if _, err := r.writer.conn.ExecContext(ctx, `PRAGMA busy_timeout = 50`); err != nil {
		t.Fatal(err)
	}
	raw := r.raw()
	if _, err := raw.Exec(`BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	r.refused(CauseBusy)
	r.reads(0)
	if _, err := raw.Exec(`ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	r.recovers()
}

// The ballast is as large as was asked, and is the space it takes.
func TestBallastTakesSpace(t *testing.T) {
	dir := t.TempDir()
	r := newDiskRig(t, dir)
	var s syscall.Stat_t
	if err := syscall.Stat(r.path+"-ballast", &s); err != nil || s.Blocks*512 < Ballast {
		t.Errorf("it takes %d bytes, %v", s.Blocks*512, err)
	}
	free, used, ok := r.Disk()
	if info, err := os.Stat(r.path); !ok || free <= 0 || err != nil || used < info.Size() {
		t.Errorf("free %d, used %d, %t", free, used, ok)
	}
	f, err := os.Create(filepath.Join(dir, "filled"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := fill(f, 3<<20+5); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 3<<20+5 {
		t.Errorf("filled to %d, %v", info.Size(), err)
	}
	// A start without one leaves none behind when it is over, and needs none.
	r.Close()
	db, err := Open(context.Background(), Options{Path: r.path, Secret: secretA})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}
