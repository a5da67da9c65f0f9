package audit

import (
	"context"
	"math"
	"slices"
	"time"
)

// Page is the part of a listing that is asked for. At most one of Before and
// After is set.
type Page struct {
	Before int64 // entries older than this ID
	After  int64 // entries newer than this ID, those next to it
	Limit  int
}

// Found is a page of a listing.
type Found struct {
	Entries []Entry // newest first
	Newer   bool    // there are newer ones that match, or may be
	Older   bool    // there are older ones, or the search did not come to the end
	// Reached is set when the search met its bound of work before the page was
	// full: it has looked at everything down (or, after After, up) to this ID,
	// and the next page goes on from there.
	Reached int64
}

// Search returns one page of what f lets through, newest first: an act that is
// over shows once, as its outcome; one that is under way as its intent.
func (x *Index) Search(ctx context.Context, q Querier, f Filter, page Page) (Found, error) {
	var found Found
	p, err := x.plan(ctx, q, f)
	if err != nil || p.set.IsEmpty() {
		return found, err
	}
	up := page.After > 0
	w := &walk{q: q, plan: p, up: up, span: x.Span}
	if up {
		found.Older = int64(p.set.Minimum()) <= page.After
		w.reached = uint32(min(page.After, math.MaxUint32))
		p.set.RemoveRange(0, uint64(w.reached)+1)
	} else if page.Before > 0 {
		found.Newer = int64(p.set.Maximum()) >= page.Before
		w.reached = uint32(min(page.Before, math.MaxUint32))
		p.set.RemoveRange(uint64(w.reached), 1<<32)
	}

	begin, vain := time.Now(), 0
	spent := func() bool {
		return vain >= x.Bound || (vain >= x.Bound/2 || w.covered >= min(atLeast, uint64(x.Span))) && len(p.terms) > 0 && time.Since(begin) > x.Slow
	}
	missing := func() int { return page.Limit + 1 - len(found.Entries) } // one more tells whether there are more
	for missing() > 0 && found.Reached == 0 && !p.set.IsEmpty() {
		ids, _, err := w.next(ctx)
		if err != nil {
			return found, err
		}
		for len(ids) > 0 && missing() > 0 && found.Reached == 0 {
			n := min(len(ids), idList, max(missing(), 8))
			entries, err := byIDs(ctx, q, ids[:n])
			if err != nil {
				return found, err
			}
			if !up {
				slices.Reverse(entries)
			}
			for i := range entries {
				matches := f.Match(&entries[i], x.fold)
				if matches {
					found.Entries = append(found.Entries, entries[i])
				} else {
					vain++
				}
				if len(p.terms) > 0 || !matches {
					p.saw(entries[i].ID, matches)
				}
			}
			if last := ids[n-1]; n < len(ids) && spent() {
				found.Reached = int64(last)
			}
			ids = ids[n:]
		}
		if found.Reached == 0 && spent() && !p.set.IsEmpty() {
			found.Reached = int64(w.reached)
		}
	}
	more := missing() <= 0 || found.Reached != 0
	if len(found.Entries) >= page.Limit {
		found.Entries, found.Reached = found.Entries[:page.Limit], 0
	}
	if up {
		found.Newer = more
		slices.Reverse(found.Entries)
	} else {
		found.Older = more
	}
	return found, nil
}
