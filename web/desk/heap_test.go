package desk

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestTheHeapMayGrowToItsGoal(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 10 << 20: 300, 20 << 20: 100, 500 << 20: 100} {
		if got := collectAt(live, 40<<20); got < want-2 || got > want {
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
	newHeap().keep(ctx, func() { t.Error("memory is given back at the end") })
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

// TestALongListIsReadWithLess: from the moment on in which it comes, and until it is over.
func TestALongListIsReadWithLess(t *testing.T) {
	t.Setenv("GOGC", "")
	h := newHeap()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { h.keep(ctx, func() {}); close(ended) }()
	defer func() { stop(); <-ended }()
	samples := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/heap/live:bytes"}}
	comes := func(what string, goal uint64, within time.Duration) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			garbage = make([]byte, atWork/50)
			metrics.Read(samples)
			percent, live := samples[0].Value.Uint64(), max(samples[1].Value.Uint64(), 1)
			if want := uint64(collectAt(live, goal)); want/2 < percent && percent < 2*want {
				return
			}
			if time.Since(began) > within {
				t.Fatalf("%s: with %d bytes live the heap may grow by %d %%, want %d", what, live, percent, collectAt(live, goal))
			}
		}
	}
	runtime.GC()
	comes("at work", heapGoal, 20*time.Second)
	h.keepTight(true)
	comes("with a list", heapTight, 500*time.Millisecond)
	h.keepTight(false)
	comes("behind it", heapGoal, 500*time.Millisecond)
}
