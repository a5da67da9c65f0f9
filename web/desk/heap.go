package desk

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// heapGoal is how far the heap may grow, in bytes, before garbage is collected
	// while frontdesk is at work. It lives on few megabytes, and twice as much as
	// that is reached every hundred pages, each time with ten milliseconds in which
	// all others are slower.
	heapGoal = 96 << 20
	// heapTight is the goal while a long list is read and written, which makes garbage
	// quicker than all people together, beside what it needs itself.
	heapTight = 40 << 20
	// atWork is what is allocated in a second at least while that is so.
	atWork = 2 << 20
	// worthCollecting is from how much garbage on, in bytes, it is collected in a pause:
	// what is not would be in the middle of somebody's request, where the heap has come to
	// its goal.
	worthCollecting = 16 << 20
	// quietAfter is for how many seconds less must have been allocated before the
	// memory is given back, and after how many more what has come together since is.
	quietAfter = 30
	// atRest is by how many percent the heap may grow from then on.
	atRest = 40
)

// heap says how far it may grow.
type heap struct {
	tight   atomic.Bool
	changed chan struct{}
}

func newHeap() *heap { return &heap{changed: make(chan struct{}, 1)} }

// keepTight has the heap grow to heapTight only, or ends that.
func (h *heap) keepTight(tight bool) {
	if h.tight.Swap(tight) == tight {
		return
	}
	select {
	case h.changed <- struct{}{}:
	default: // it is known already
	}
}

// goal is how far the heap may grow now, in bytes.
func (h *heap) goal() uint64 {
	if h.tight.Load() {
		return heapTight
	}
	return heapGoal
}

// keep lets the heap grow to its goal while there is work, and by little when there
// is none; then it gives the memory back. It ends with ctx. An operator's own GOGC stands.
func (h *heap) keep(ctx context.Context, giveBack func()) {
	if os.Getenv("GOGC") != "" {
		return
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	usual := debug.SetGCPercent(100)
	defer debug.SetGCPercent(usual)
	collected := make(chan struct{}, 1)
	onCollection(ctx, func() {
		select {
		case collected <- struct{}{}:
		default:
		}
	})
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	read := func() (next int, all uint64) {
		metrics.Read(samples)
		return collectAt(samples[0].Value.Uint64(), h.goal()), samples[1].Value.Uint64()
	}
	_, allocated := read()
	percent, quiet := 100, 0
	for {
		now := percent
		select {
		case <-ctx.Done():
			return
		case <-h.changed:
			if percent != atRest {
				now, _ = read()
			}
		case <-collected:
			if next, _ := read(); next < percent-percent/8 { // at once: much more than the goal fits in a second
				now = next
			}
		case <-seconds.C:
			next, all := read()
			if quiet++; all-allocated >= atWork {
				quiet = 0
			}
			allocated = all
			switch {
			case quiet > 0 && quiet%quietAfter == 0:
				now = atRest
				giveBack()
			case quiet == 0 && (next > percent+percent/4 || next < percent-percent/4):
				now = next
			}
		}
		if now != percent { // each change stops the program for a moment
			percent = now
			debug.SetGCPercent(percent)
		}
	}
}

// collectInPauses collects garbage while nobody acts, if there is much of it: calm waits for
// such a moment. It ends with ctx. An operator's own GOGC stands.
func collectInPauses(ctx context.Context, calm func(context.Context) error) {
	if os.Getenv("GOGC") != "" {
		return
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	worthIt := func() bool {
		metrics.Read(samples)
		return samples[0].Value.Uint64() >= samples[1].Value.Uint64()+worthCollecting
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-seconds.C:
		}
		if !worthIt() {
			continue
		}
		if calm(ctx) != nil {
			return
		}
		if worthIt() { // still
			runtime.GC()
		}
	}
}

// onCollection calls f after each garbage collection, until ctx ends.
func onCollection(ctx context.Context, f func()) {
	if ctx.Err() == nil { // what nobody has is cleaned up after the next one
		runtime.AddCleanup(new(*byte), func(struct{}) { f(); onCollection(ctx, f) }, struct{}{})
	}
}

// collectAt is by how many percent the heap may grow over what is live of it, in bytes, to
// come to a goal.
func collectAt(live, goal uint64) int {
	if live == 0 { // before the first collection
		return 100
	}
	return int(max(goal/(live/100+1), 200) - 100)
}

// shrinkWithin is how long giving back the database's memory may take.
const shrinkWithin = 5 * time.Second

// giveBack gives back memory that a frontdesk at rest does not need: the program's own
// last, since the others read much of it.
func (d *Desk) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shrinkWithin)
	defer cancel()
	if err := d.Store.Shrink(ctx); err != nil && ctx.Err() == nil {
		d.Log.Warn("give back the database's memory", "error", err)
	}
	debug.FreeOSMemory()
	if err := leaveProgram(); err != nil {
		d.Log.Debug("give back the program's memory", "error", err) // it stays: nobody need know
	}
}
