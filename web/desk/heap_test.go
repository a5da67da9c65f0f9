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

// TestGarbageIsCollectedWhileNobodyActs: when there is much of it, and not before a pause has
// come.
func TestGarbageIsCollectedWhileNobodyActs(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // nothing else collects it
	runtime.GC()
	ctx, stop := context.WithCancel(t.Context())
	asked, pause, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	calm := func(ctx context.Context) error {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
		}
		select {
		case <-pause:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	go func() { collectInPauses(ctx, calm); close(ended) }()
	defer func() { stop(); <-ended }()
	samples := []metrics.Sample{{Name: "/gc/cycles/forced:gc-cycles"}}
	collections := func() uint64 { metrics.Read(samples); return samples[0].Value.Uint64() }

	before := collections()
	garbage = make([]byte, worthCollecting/4)
	select {
	case <-asked:
		t.Error("a pause is waited for, with little garbage")
	case <-time.After(1500 * time.Millisecond):
	}
	garbage = make([]byte, worthCollecting)
	garbage = nil
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Fatal("no pause is waited for, with much garbage")
	}
	if n := collections() - before; n > 0 {
		t.Errorf("%d collections before the pause", n)
	}
	pause <- struct{}{}
	for began := time.Now(); collections() == before; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("there is a pause, and nothing is collected")
		}
	}
	select {
	case <-asked:
		t.Error("a pause is waited for, with nothing left to collect")
	case <-time.After(1500 * time.Millisecond):
	}
}
