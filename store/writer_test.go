package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// event appends one entry with this detail.
func event(tx *Tx, detail string) error {
	return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done, Detail: detail})
}

func (r *rig) count(query string) (n int64) {
	r.Helper()
	if err := r.reader.QueryRowContext(ctx, query).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// verified holds that the log has so many entries and holds.
func (r *rig) verified(db *DB, size int64) {
	r.Helper()
	if v, err := db.Verify(ctx); err != nil || v.Size != size {
		r.Fatalf("verify: %d entries, %v; want %d", v.Size, err, size)
	}
}

// hold keeps the writer busy until the returned function is called, so that what
// is written meanwhile makes one group.
func (r *rig) hold() (release func()) {
	r.Helper()
	held, until := make(chan struct{}), make(chan struct{})
	over := make(chan error, 1)
	hold := sync.OnceFunc(func() { close(held); <-until })
	go func() { over <- r.WriteOutcome(ctx, func(*Tx) error { hold(); return nil }) }() // also when the disk is full
	<-held
	return sync.OnceFunc(func() {
		close(until)
		if err := <-over; err != nil {
			r.Error(err)
		}
	})
}

// queued waits until so many writes wait for their turn.
func (r *rig) queued(n int) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(r.writer.queue) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("%d writes wait, want %d", len(r.writer.queue), n)
		}
	}
}

func TestConcurrentWritesAreAllThere(t *testing.T) {
	r := newRig(t)
	const writers, each = 64, 12
	var all sync.WaitGroup
	var ids sync.Map
	for w := range writers {
		all.Go(func() {
			before := int64(0)
			for i := range each {
				e := audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done, Detail: fmt.Sprintf("%d/%d", w, i)}
				err := r.Write(ctx, func(tx *Tx) error {
					if _, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: e.Detail, Role: Viewer}); err != nil {
						return err
					}
					return tx.Append(ctx, &e)
				})
				if err != nil {
					t.Errorf("%s: %v", e.Detail, err)
					return
				}
				if e.ID <= before { // its own are in its own order
					t.Errorf("%s has the ID %d after %d", e.Detail, e.ID, before)
				}
				before = e.ID
				if was, twice := ids.LoadOrStore(e.ID, e.Detail); twice {
					t.Errorf("ID %d is %s and %s", e.ID, was, e.Detail)
				}
				// Acknowledged is committed: another connection sees it.
				if got, err := r.Entry(ctx, e.ID); err != nil || got.Detail != e.Detail {
					t.Errorf("%s is read as %q, %v", e.Detail, got.Detail, err)
				}
			}
		})
	}
	all.Wait()
	const total = writers * each
	r.verified(r.DB, total)
	if n := r.count(`SELECT count(*) FROM staff`); n != total {
		t.Errorf("%d rows, want %d", n, total)
	}
	commits := r.count(`SELECT count(*) FROM audit_checkpoints`)
	r.Close()
	db := r.open(secretA, nil)
	r.verified(db, total)
	ids.Range(func(id, detail any) bool {
		if got, err := db.Entry(ctx, id.(int64)); err != nil || got.Detail != detail {
			t.Errorf("after opening again entry %d is %q, %v", id, got.Detail, err)
		}
		return true
	})
	t.Logf("%d entries, %d heads kept", total, commits)
}

// Writes that wait together share a transaction: one fsync, one signature.
func TestWritesThatWaitShareACommit(t *testing.T) {
	r := newRig(t)
	r.writer.group = time.Hour
	before := r.count(`SELECT count(*) FROM audit_checkpoints`)
	release := r.hold()
	const n = 64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := r.Write(ctx, func(tx *Tx) error { return event(tx, fmt.Sprint(i)) }); err != nil {
				t.Error(err)
			}
		})
	}
	r.queued(n)
	release()
	all.Wait()
	// One more, for what held them up.
	if commits := r.count(`SELECT count(*) FROM audit_checkpoints`) - before; commits > 2 {
		t.Errorf("%d writes took %d commits", n, commits)
	}
	r.verified(r.DB, n)
}

// A write that fails in the middle of a group leaves nothing, and harms nobody.
func TestAFailingWriteLeavesNothingAndHarmsNobody(t *testing.T) {
	r := newRig(t)
	boom := errors.New("boom")
	var all sync.WaitGroup
	var acknowledged sync.Map
	const n = 500 // more than a tile, so that failing ones fill some
	for range 2 {
		release := r.hold()
		for i := range n / 2 {
			all.Go(func() {
				var e audit.Entry
				fails := i % 3
				var cause any
				err := func() error {
					defer func() { cause = recover() }()
					return r.Write(ctx, func(tx *Tx) error {
						for range 1 + i%4 {
							e = audit.Entry{Phase: audit.Intent, What: "test", Detail: fmt.Sprint(fails == 0)}
							if err := tx.Append(ctx, &e); err != nil {
								return err
							}
						}
						if _, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: e.Act, Name: fmt.Sprint(fails == 0), Role: Viewer}); err != nil {
							return err
						}
						switch {
						case fails == 1 && i%2 == 0:
							return boom
						case fails == 1: // the database refuses it
							_, err := tx.ExecContext(ctx, `INSERT INTO staff (id) VALUES (1)`)
							return err
						case fails == 2:
							panic(e.Act)
						}
						return nil
					})
				}()
				switch {
				case fails == 0 && (err != nil || cause != nil):
					t.Errorf("a good write: %v, panic %v", err, cause)
				case fails == 1 && (err == nil || cause != nil || i%2 == 0 && !errors.Is(err, boom)):
					t.Errorf("a failing write: %v, panic %v", err, cause)
				case fails == 2 && cause != e.Act:
					t.Errorf("a panicking write: %v, panic %v, want its own %s", err, cause, e.Act)
				case fails == 0:
					acknowledged.Store(e.ID, e.Act)
				}
			})
		}
		r.queued(n / 2)
		release()
		all.Wait()
	}
	entries := r.count(`SELECT count(*) FROM audit_entries`)
	if last := r.count(`SELECT max(id) FROM audit_entries`); last != entries {
		t.Errorf("%d entries, the last has the ID %d", entries, last)
	}
	for what, query := range map[string]string{
		"rows of failed writes":       `SELECT count(*) FROM staff WHERE name <> 'true'`,
		"entries of failed writes":    `SELECT count(*) FROM audit_entries WHERE detail <> 'true'`,
		"open acts of failed writes":  `SELECT count(*) FROM audit_open WHERE entry_id NOT IN (SELECT id FROM audit_entries)`,
		"open acts under another act": `SELECT count(*) FROM audit_open o JOIN audit_entries e ON e.id = o.entry_id WHERE e.act_id <> o.act_id`,
	} {
		if left := r.count(query); left != 0 {
			t.Errorf("%s: %d", what, left)
		}
	}
	acknowledged.Range(func(id, act any) bool {
		if got, err := r.Entry(ctx, id.(int64)); err != nil || got.Act != act {
			t.Errorf("entry %d is of %q, %v; want %s", id, got.Act, err, act)
		}
		return true
	})
	r.verified(r.DB, entries)
	if r.Trouble() != nil {
		t.Errorf("trouble %v", r.Trouble())
	}
}

func TestACancelledWaitIsNotWritten(t *testing.T) {
	r := newRig(t)
	ran := atomic.Int32{}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for range 500 {
		if err := r.Write(gone, func(*Tx) error { ran.Add(1); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	}
	release := r.hold()
	defer release()
	waiting, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() { failed <- r.Write(waiting, func(*Tx) error { ran.Add(1); return nil }) }()
	r.queued(1)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it waited: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := r.Write(limited, func(*Tx) error { ran.Add(1); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time while it waited: %v", err)
	}
	release()
	r.write(func(*Tx) error { return nil })
	if n := ran.Load(); n != 0 {
		t.Errorf("%d of them ran", n)
	}
}

// Once it runs it is waited for: whoever asked must know whether it is written.
func TestACancelledWriteIsWaitedFor(t *testing.T) {
	r := newRig(t)
	leaving, cancel := context.WithCancel(ctx)
	err := r.Write(leaving, func(tx *Tx) error {
		cancel()
		time.Sleep(20 * time.Millisecond)
		if _, err := tx.AddStaff(leaving, Staff{Portal: "customer", Username: "new", Role: Viewer}); err != nil {
			return err
		}
		return tx.Append(leaving, &audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.StaffByLogin(ctx, "customer", "new"); err != nil {
		t.Error(err)
	}
	r.verified(r.DB, 1)
}

// What was taken before Close is written, what comes later fails, and nothing
// hangs.
func TestWritesAroundClose(t *testing.T) {
	for range 10 {
		r := newRig(t)
		release := r.hold()
		results := make(chan error, 200)
		for i := range 100 {
			go func() { results <- r.Write(ctx, func(tx *Tx) error { return event(tx, fmt.Sprint(i)) }) }()
		}
		r.queued(50)
		closed := make(chan error, 1)
		go func() { closed <- r.Close() }()
		for i := range 100 {
			go func() { results <- r.Write(ctx, func(tx *Tx) error { return event(tx, fmt.Sprint(100+i)) }) }()
		}
		release()
		written := int64(0)
		limit := time.After(20 * time.Second)
		for range 200 {
			select {
			case err := <-results:
				if err == nil {
					written++
				} else if !errors.Is(err, errClosed) {
					t.Errorf("a write: %v", err)
				}
			case <-limit:
				t.Fatal("a write hangs")
			}
		}
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
		if err := r.Write(ctx, func(*Tx) error { t.Error("it ran"); return nil }); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
		if written < 50 {
			t.Errorf("only %d of at least 50 that waited were written", written)
		}
		r.verified(r.open(secretA, nil), written)
	}
}

// Two processes on one file: the CLI beside the server, or one that stops while
// the next has started. They write one log.
func TestTwoProcessesWriteOneChain(t *testing.T) {
	r := newRig(t)
	other := r.open(secretA, nil)
	const each = 150
	var all sync.WaitGroup
	for name, db := range map[string]*DB{"a": r.DB, "b": other} {
		for range 3 {
			all.Go(func() {
				for range each {
					if err := db.Write(ctx, func(tx *Tx) error { return event(tx, name) }); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
	}
	all.Wait()
	// In turn too: each sees the other's newest head at once.
	for i := range 20 {
		db := []*DB{r.DB, other}[i%2]
		if err := db.Write(ctx, func(tx *Tx) error { return event(tx, "in turn") }); err != nil {
			t.Fatal(err)
		}
		head, err := r.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Continues(ctx, head.Size, head.Root); err != nil {
			t.Fatal(err)
		}
	}
	const total = 6*each + 20
	r.verified(r.DB, total)
	r.verified(other, total)
	for _, db := range []*DB{r.DB, other} {
		if db.Trouble() != nil {
			t.Errorf("trouble %v", db.Trouble())
		}
	}
}

// Verifying, proving and reading heads go on beside writers, and never doubt a
// log that is only growing.
func TestVerifyWhileTheLogGrows(t *testing.T) {
	r := newRig(t)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := r.Write(ctx, func(tx *Tx) error {
					for range 1 + time.Now().UnixNano()%30 {
						if err := event(tx, "x"); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	reader, err := OpenToRead(ctx, r.path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var heads []audit.Head
	sizes := func() int {
		return len(slices.CompactFunc(slices.Clone(heads), func(a, b audit.Head) bool { return a.Size == b.Size }))
	}
	for began, i := time.Now(), 0; i < 20 || (sizes() < 5 && time.Since(began) < 10*time.Second); i++ {
		for _, db := range []*DB{r.DB, reader} {
			v, err := db.Verify(ctx, heads...)
			if err != nil {
				t.Fatalf("verify after %d heads: %v", len(heads), err)
			}
			head, err := db.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, head)
			if v.Size > 0 {
				if _, err := db.Prove(ctx, v.Size); err != nil {
					t.Fatalf("prove entry %d: %v", v.Size, err)
				}
			}
			for _, h := range heads[max(0, len(heads)-3):] {
				if _, err := db.Continues(ctx, h.Size, h.Root); err != nil {
					t.Fatalf("continues %d: %v", h.Size, err)
				}
			}
		}
	}
	close(stop)
	all.Wait()
	if n := sizes(); n < 5 {
		t.Errorf("the log hardly grew: %d sizes", n)
	}
}
