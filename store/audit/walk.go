package audit

import (
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// walk goes through a plan's candidates from the newest down, or up from the
// oldest, one window after the other.
type walk struct {
	q        Querier
	plan     *plan
	up       bool
	span     uint32        // IDs in the next window at most, a power of two
	patience time.Duration // after which the database is asked no more; 0 for never
	gaveUp   bool          // the patience is over: there are no more candidates
	members  bool          // windows are a few members of the set, whatever the indexes say
	// reached is the ID up to which everything is behind the walk (0 for nothing),
	// and covered how many IDs it went through.
	reached uint32
	covered uint64
}

const (
	want       = 250 // hits that the database is asked for at once
	fewMembers = 32  // so few candidates are looked at sooner than an index is asked
	// quick is when a window was no work, and the next is made larger.
	quick = 600 * time.Microsecond
	// atLeast is how many IDs a walk goes through before time can stop it: a small
	// log is always searched to its end.
	atLeast = 1024
)

// next returns the candidates of the next window in the walk's order, perhaps
// none, and those of them that no index has vouched for. It may be called until
// the plan's set is empty.
func (w *walk) next(ctx context.Context) (ids []uint32, doubt *roaring.Bitmap, err error) {
	set := w.plan.set
	asked := slices.DeleteFunc(slices.Clone(w.plan.terms), func(t *term) bool { return t.hits == nil })
	if len(asked) == 0 {
		ids = w.take(idList)
		return ids, roaring.New(), nil
	}
	if w.members || set.GetCardinality() <= fewMembers {
		ids = w.take(fewMembers)
		return ids, roaring.BitmapOf(ids...), nil
	}
	here := w.window()
	if w.patience > 0 && w.covered >= atLeast && w.plan.tired(asked[0], here, w.up, w.patience) {
		w.gaveUp = true
		return nil, roaring.New(), nil
	}
	part, doubt := roaring.And(set, here.bitmap()), roaring.New()
	var took time.Duration
	cut, sparse := false, false
	for _, t := range asked {
		known := roaring.Or(roaring.And(part, t.sure), roaring.And(part, t.blind))
		open := roaring.AndNot(part, known)
		if t.within != nil {
			open.And(t.within)
		}
		if open.GetCardinality() <= fewMembers/2 {
			doubt.Or(open)
			known.Or(open)
			part.And(known)
			continue
		}
		a, err := w.plan.find(ctx, w.q, t, here, w.up)
		if err != nil {
			return nil, nil, err
		}
		took, cut, sparse = took+a.took, cut || a.cut, sparse || a.sparse
		here = a.within
		a.hits.And(open)
		a.hits.Or(known)
		part.And(a.hits)
		part.And(here.bitmap())
	}
	switch {
	case cut:
		// Many hits on few members: the members are the shorter way.
		w.members = roaring.And(set, here.bitmap()).GetCardinality() < want/4
	case sparse:
		w.span = min(w.span, 1<<25) * 64
	case took < quick:
		w.span = min(w.span, 1<<27) * 8
	}
	w.pass(here)
	ids = part.ToArray()
	if !w.up {
		slices.Reverse(ids)
	}
	return ids, doubt, nil
}

// window is the next stretch of the log. Its bounds are round, or where another
// window ended, so that a listing and its summary ask for the same ones.
func (w *walk) window() window {
	next := w.plan.set.Maximum()
	if w.up {
		next = w.plan.set.Minimum()
	}
	here := window{next &^ (w.span - 1), next | (w.span - 1)}
	if w.reached > 0 && w.up {
		here.first = max(here.first, w.reached+1)
	} else if w.reached > 0 {
		here.last = min(here.last, w.reached-1)
	}
	return here
}

// take returns the next n members of the set.
func (w *walk) take(n int) []uint32 {
	ids := make([]uint32, 0, n)
	var all roaring.IntIterable = w.plan.set.ReverseIterator()
	if w.up {
		all = w.plan.set.Iterator()
	}
	for len(ids) < n && all.HasNext() {
		ids = append(ids, all.Next())
	}
	w.pass(window{min(ids[0], ids[len(ids)-1]), max(ids[0], ids[len(ids)-1])})
	return ids
}

// pass leaves a window behind.
func (w *walk) pass(here window) {
	w.plan.set.RemoveRange(uint64(here.first), uint64(here.last)+1)
	w.covered += uint64(here.last-here.first) + 1
	w.reached = here.first
	if w.up {
		w.reached = here.last
	}
}
