//go:build !postgres

package store

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestWhatCanWaitIsWrittenInAPause: behind somebody's write it waits, though not for
// ever, and it is no write that others wait behind. With PostgreSQL nobody waits for
// somebody else's.
func TestWhatCanWaitIsWrittenInAPause(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	nothing := func(*Tx) error { return nil }
	for name, write := range map[string]func(context.Context, func(*Tx) error) error{"write": r.Write, "outcome": r.WriteOutcome} {
		if err := write(ctx, nothing); err != nil {
			t.Fatal(err)
		}
		last := r.calm.last.Load()
		if err := r.writeBehind(ctx, false, nothing); err != nil {
			t.Fatal(err)
		}
		if after := time.Since(time.Unix(0, last)); after < calmFor {
			t.Errorf("%s: what can wait was written after %s", name, after)
		}
		if r.calm.last.Load() != last {
			t.Errorf("%s: what can wait counts as a write", name)
		}
	}

	// Somebody writes all the time.
	r.calm.last.Store(time.Now().Add(time.Hour).UnixNano())
	began := time.Now()
	if err := r.writeBehind(ctx, false, nothing); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < calmWithin {
		t.Errorf("it waited for %s", took)
	}
	short, cancel := context.WithTimeout(ctx, calmWithin/2)
	defer cancel()
	if err := r.writeBehind(short, true, nothing); err != nil {
		t.Errorf("what is late: %v", err)
	}
	ran := false
	if err := r.writeBehind(short, false, func(*Tx) error { ran = true; return nil }); !errors.Is(err, context.DeadlineExceeded) || ran {
		t.Errorf("%v, ran: %t", err, ran)
	}
}
