//go:build !postgres

package store

import (
	"testing"
	"time"
)

// settled waits until the checkpoints have come as far as ok wants.
func (r *rig) settled(ok func(pages, left int) bool) {
	r.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		pages, left := r.wal.Load().wal(ctx, "NOOP")
		if ok(pages, left) {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("%d pages are in the -wal file, %d of them not copied", pages, left)
		}
	}
}

// writePages writes so many pages, at least.
func (r *rig) writePages(pages int) { r.write(morePages(pages)) }

// putPages is writePages as nobody: it is no write that others wait behind.
func (r *rig) putPages(pages int) {
	r.Helper()
	if err := r.writeBehind(ctx, true, morePages(pages)); err != nil {
		r.Fatal(err)
	}
}

func morePages(pages int) func(tx *Tx) error {
	return func(tx *Tx) error {
		for range pages {
			if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, zeroblob(4096))`, NewID()); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestCheckpointsAreBesideTheWriter: the -wal file is copied once many pages are in it,
// and begun anew, though no commit does so.
func TestCheckpointsAreBesideTheWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	few := func() { r.write(func(tx *Tx) error { return tx.Append(ctx, entry(1, "subject")) }) }
	r.writePages(checkpointAt / 2)
	few()
	if pages, left := r.wal.Load().wal(ctx, "NOOP"); left < checkpointAt/2 || pages < left {
		t.Errorf("%d pages, %d left, before there are %d of them", pages, left, checkpointAt)
	}
	r.writePages(checkpointAt)
	r.settled(func(pages, left int) bool { return left == 0 })
	few()
	if pages, _ := r.wal.Load().wal(ctx, "NOOP"); pages == 0 || pages > checkpointAt/2 {
		t.Errorf("%d pages are in the -wal file after it was copied; it should have begun anew", pages)
	}

	// While people write, it waits for the moment in which they do not.
	r.calm.last.Store(time.Now().Add(time.Hour).UnixNano())
	r.putPages(2 * checkpointAt)
	time.Sleep(4 * calmFor)
	if _, left := r.wal.Load().wal(ctx, "NOOP"); left < 2*checkpointAt {
		t.Errorf("%d pages are yet to be copied, while people write", left)
	}
	r.calm.written()
	r.settled(func(pages, left int) bool { return left == 0 })
	r.calm.last.Store(time.Now().Add(time.Hour).UnixNano())
	r.putPages(checkpointMost) // in one transaction
	r.settled(func(pages, left int) bool { return left == 0 })
	r.calm.written()

	// Nor does the file grow for ever while they write all the time.
	r.calm.last.Store(time.Now().Add(time.Hour).UnixNano())
	most := 0
	for range 2 * checkpointLast / 40 {
		began := time.Now()
		r.putPages(40)
		time.Sleep(time.Since(began))
		pages, _ := r.wal.Load().wal(ctx, "NOOP")
		most = max(most, pages)
	}
	if most < checkpointMost || most >= checkpointLast {
		t.Errorf("up to %d pages were in the -wal file, want %d to %d", most, checkpointMost, checkpointLast)
	}
	r.calm.written()

	// Who reads an old state keeps it; copying goes on as soon as it is over.
	old, err := r.reader.pool.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback()
	var before, after int
	count := `SELECT count(*) FROM meta`
	if err := old.QueryRow(count).Scan(&before); err != nil {
		t.Fatal(err)
	}
	r.writePages(checkpointMost + checkpointAt)
	few()
	if err := old.QueryRow(count).Scan(&after); err != nil || after != before {
		t.Errorf("a reader saw %d rows, then %d, %v", before, after, err)
	}
	if _, left := r.wal.Load().wal(ctx, "NOOP"); left < checkpointMost {
		t.Errorf("%d pages are yet to be copied, while somebody reads what was before them", left)
	}
	if err := old.Rollback(); err != nil {
		t.Fatal(err)
	}
	few()
	r.settled(func(pages, left int) bool { return left < checkpointAt })

	time.Sleep(4 * calmFor) // for what is under way to be over
	r.wal.Load().pause(true)
	r.writePages(2 * checkpointAt)
	few()
	if _, left := r.wal.Load().wal(ctx, "NOOP"); left < 2*checkpointAt {
		t.Errorf("%d pages are yet to be copied, though nobody was to copy any", left)
	}
	r.wal.Load().pause(false)
	few()
	r.settled(func(pages, left int) bool { return left < checkpointAt })
	if check := r.check(); check != "ok" {
		t.Error(check)
	}
}

// check is SQLite's own judgement of the file.
func (r *rig) check() (result string) {
	r.Helper()
	if err := r.reader.pool.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&result); err != nil {
		r.Fatal(err)
	}
	return result
}
