//go:build !postgres

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"frontdesk/store/audit"
)

// The queue writes on a connection of its own. However busy both are, nobody is
// told that the database is busy, and neither side starves the other.
func TestTheQueueAndTheWriterTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	jobs := r.Jobs()
	const each = 120
	var all sync.WaitGroup
	var done [2]atomic.Int64   // writes by us, and by the queue
	var behind [2]atomic.Int64 // what the other side had done when this one was through
	worker := func(side, writes int, write func() error) {
		all.Go(func() {
			for range writes {
				if err := write(); err != nil {
					t.Error(err)
					return
				}
				if done[side].Add(1) == each {
					behind[side].Store(done[1-side].Load())
				}
			}
		})
	}
	for range 6 {
		worker(0, each/6, func() error {
			return r.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "load"}) })
		})
	}
	for i := range 3 {
		worker(1, each/6, func() error { // as River inserts, fetches and completes
			tx, err := jobs.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO river_job (kind, max_attempts) VALUES ($1, 9)`, fmt.Sprint("k", i)); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			return tx.Commit()
		})
		worker(1, each/6, func() error {
			rows, err := jobs.QueryContext(ctx, `UPDATE river_job SET state = 'completed', finalized_at = '2026-01-01'
				WHERE id IN (SELECT id FROM river_job WHERE state = 'available' LIMIT 5) RETURNING id`)
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		})
	}
	all.Wait()
	// Our writes share transactions, so that of six that wait all may be done in one turn.
	t.Logf("when ours were done, the queue had done %d; when the queue's were, we had done %d", behind[0].Load(), behind[1].Load())
	if first := max(behind[0].Load(), behind[1].Load()); first < each/24 {
		t.Errorf("one side was through when the other had done %d of %d writes", first, each)
	}
}

// Those who wait get the turn in the order in which they came.
func TestTurnsComeInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := make(turn, 1)
		if err := turns.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []int
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if err := turns.take(t.Context()); err != nil {
					t.Error(err)
				}
				order = append(order, i)
				turns.done()
			})
			synctest.Wait() // until it stands in the queue
		}
		turns.done()
		all.Wait()
		if len(order) != 20 || !slices.IsSorted(order) {
			t.Errorf("the turns came as %v", order)
		}
	})
}

// Whoever waits for the turn can give up; a transaction that ends in whatever
// way, a statement that fails, and rows that are closed early give it back.
func TestTheTurnIsGivenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	jobs := r.Jobs()
	write := func() {
		t.Helper()
		soon, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := r.Write(soon, func(tx *Tx) error { return tx.putMeta(ctx, "turn", []byte{1}) }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := jobs.ExecContext(ctx, `INSERT INTO nowhere VALUES (1)`); err == nil {
		t.Fatal("no error")
	}
	write()
	if _, err := jobs.QueryContext(ctx, `SELECT nothing`); err == nil {
		t.Fatal("no error")
	}
	write()
	rows, err := jobs.QueryContext(ctx, `SELECT name FROM sqlite_master`)
	if err != nil || !rows.Next() || rows.Close() != nil {
		t.Fatal(err)
	}
	write()

	// While a transaction has the turn, our write waits for as long as it likes to.
	tx, err := jobs.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO river_job (kind, max_attempts) VALUES ('k', 1)`); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- r.Write(ctx, func(tx *Tx) error { return tx.putMeta(ctx, "turn", []byte{1}) }) }()
	select {
	case err := <-wrote:
		t.Fatalf("a write within the queue's transaction: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}

	// And the other way round.
	inside, leave := make(chan bool), make(chan bool)
	go func() { wrote <- r.Write(ctx, func(*Tx) error { close(inside); <-leave; return nil }) }()
	<-inside
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := jobs.ExecContext(soon, `DELETE FROM river_job`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(leave)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}

	// A transaction that its context ends has given the turn back as well.
	gone, cancelGone := context.WithCancel(ctx)
	if _, err := jobs.BeginTx(gone, nil); err != nil {
		t.Fatal(err)
	}
	cancelGone()
	write()
	if _, err := jobs.PrepareContext(ctx, `SELECT 1`); err == nil {
		t.Error("a statement outside of its turn was prepared")
	}
}

// What a kill has left running is available again; what has ended stays as it is.
func TestJobsAreRevived(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, insert := range []string{
		`INSERT INTO river_job (kind, max_attempts, state) VALUES ('a', 9, 'running')`,
		`INSERT INTO river_job (kind, max_attempts, state, finalized_at) VALUES ('b', 9, 'completed', '2026-01-01')`,
	} {
		if _, err := r.Jobs().ExecContext(ctx, insert); err != nil {
			t.Fatal(err)
		}
	}
	r.write(func(tx *Tx) error { return tx.ReviveJobs(ctx, 0) })
	var states string
	if err := r.raw().QueryRow(`SELECT group_concat(kind || ' ' || state, ', ' ORDER BY id) FROM river_job`).Scan(&states); err != nil || states != "a available, b completed" {
		t.Errorf("%q, %v", states, err)
	}
}
