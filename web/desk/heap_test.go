package desk

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheHeapMayGrowToItsGoal(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 10 << 20: 300, 20 << 20: 100, 500 << 20: 100} {
		if got := collectAt(live); got < want-2 || got > want {
			t.Errorf("with %d MiB live the heap may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}

func TestTheUsualCollectionComesBack(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	keepHeap(ctx, func() { t.Error("memory is given back at the end") })
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("the percentage is %d after the end, and was 77", got)
	}
}

// The heap's goal would be missed by far, if it were looked after once a second only.
func TestEachCollectionIsHeardOf(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	heard := make(chan struct{})
	onCollection(ctx, func() {
		select {
		case heard <- struct{}{}:
		case <-ctx.Done():
		}
	})
	for n := 0; n < 3; runtime.GC() {
		select {
		case <-heard:
			n++
		default: // it may not listen again yet
		}
	}
}
