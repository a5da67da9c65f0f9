//go:build postgres

package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// One process serves. The next one's turn comes when it is gone, in whatever way, and
// one that has lost its claim writes no more.
func TestOneProcessServes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	none := func() { t.Error("it waits, and there is nobody") }
	if err := r.Claim(ctx, none); err != nil {
		t.Fatal(err)
	}
	r.staff("alice", Admin)

	second := r.open(secretA, nil)
	waits, claimed := make(chan struct{}), make(chan error, 1)
	go func() { claimed <- second.Claim(ctx, func() { close(waits) }) }()
	<-waits
	if err := r.Claim(ctx, none); err != nil { // its own
		t.Error(err)
	}
	r.staff("mia", Manager) // one that waits disturbs nobody

	// Its connection is cut off; the second one is quicker.
	var pid int
	r.write(func(tx *Tx) error { return tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid) })
	if _, err := r.raw().Exec(`SELECT pg_terminate_backend($1)`, pid); err != nil {
		t.Fatal(err)
	}
	if err := <-claimed; err != nil {
		t.Fatal(err)
	}
	if staff, err := second.AllStaff(ctx); err != nil || len(staff) != 2 {
		t.Errorf("%d staff, %v", len(staff), err)
	}
	tooLate := func() error {
		return r.Write(ctx, func(tx *Tx) error {
			_, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: "too late", Role: Viewer})
			return err
		})
	}
	var u *Unwritable
	for range 3 {
		if err := tooLate(); !errors.As(err, &u) || u.Cause != CauseServed || r.Trouble() == nil {
			t.Errorf("%v", err)
		}
	}
	<-r.Lost()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tooLate(); !errors.As(err, &u) || u.Cause != CauseServed {
		t.Errorf("with nobody in its place, but with a memory of before: %v", err)
	}
	r.DB.Close()
	r.DB = r.open(secretA, nil) // started again
	if err := r.Claim(ctx, none); err != nil {
		t.Error(err)
	}
	r.staff("victor", Viewer)

	// Who waits can be stopped.
	third := r.open(secretA, nil)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := third.Claim(short, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// A server that was started again costs no act: what was kept of a connection is
// replaced before anything is written.
func TestAKeptConnectionThatDiedIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Claim(ctx, func() { t.Error("it waits") }); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		var pid int
		r.write(func(tx *Tx) error { return tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid) })
		if _, err := r.raw().Exec(`SELECT pg_terminate_backend($1, 5000)`, pid); err != nil {
			t.Fatal(err)
		}
		r.staff(fmt.Sprint("person", i), Viewer)
	}
	if r.Trouble() != nil {
		t.Error(r.Trouble())
	}
}
