package audit

import (
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// hours tell in which UTC hour each entry was written: runs of IDs, in the
// order of the IDs. An hour can come twice, for clocks are set back.
type hours []run

type run struct {
	Hour        int64 // since 1970
	First, Last uint32
}

// hourOf is the hour of a time in milliseconds.
func hourOf(ms int64) int64 {
	return floor(ms, hour*1000)
}

func (h hours) add(hour int64, id uint32) hours {
	if n := len(h); n > 0 && h[n-1].Hour == hour && h[n-1].Last == id-1 {
		h[n-1].Last = id
		return h
	}
	return append(h, run{hour, id, id})
}

// grouped calls f with the first and last ID of each stretch of the log in which
// key is the same for all hours.
func (h hours) grouped(key func(hour int64) int64, f func(key int64, first, last uint32)) {
	var k int64
	var first, last uint32
	for _, r := range h {
		switch next := key(r.Hour); {
		case first == 0:
			k, first = next, r.First
		case next != k || r.First != last+1:
			f(k, first, last)
			k, first = next, r.First
		}
		last = r.Last
	}
	if first > 0 {
		f(k, first, last)
	}
}

// between returns the entries of the hours that lie within from and to, and
// those of the hours that from and to fall into, whose own times have to be
// looked at. A zero time is no limit.
func (h hours) between(from, to time.Time) (inside, edge *roaring.Bitmap) {
	const out, partly, in = 0, 1, 2
	inside, edge = roaring.New(), roaring.New()
	h.grouped(func(n int64) int64 {
		begin, end := time.Unix(n*hour, 0), time.Unix((n+1)*hour, 0)
		switch {
		case !from.IsZero() && !end.After(from), !to.IsZero() && !begin.Before(to):
			return out
		case !from.IsZero() && begin.Before(from), !to.IsZero() && end.After(to):
			return partly
		}
		return in
	}, func(key int64, first, last uint32) {
		switch key {
		case partly:
			edge.AddRange(uint64(first), uint64(last)+1)
		case in:
			inside.AddRange(uint64(first), uint64(last)+1)
		}
	})
	return inside, edge
}

// span returns the first and last hour that have an entry of set, which is not
// empty.
func (h hours) span(set *roaring.Bitmap) (first, last int64) {
	least, most := set.Minimum(), set.Maximum()
	has := func(r run) bool {
		return r.Last >= least && r.First <= most && set.IntersectsWithInterval(uint64(r.First), uint64(r.Last)+1)
	}
	found := false
	for _, r := range h {
		if (!found || r.Hour < first) && has(r) {
			first, found = r.Hour, true
		}
	}
	found = false
	for i := len(h) - 1; i >= 0; i-- {
		if r := h[i]; (!found || r.Hour > last) && has(r) {
			last, found = r.Hour, true
		}
	}
	return first, last
}
