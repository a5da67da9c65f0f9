package audit

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// Bucket is a slice of time and how many acts and events ended in it.
type Bucket struct {
	From, To time.Time // To is exclusive
	Done     int
	Failed   int // everything that ended otherwise than done
}

// Summary counts what a filter lets through. An act under way is in Total, but
// neither done nor failed.
type Summary struct {
	Total, Failed int
	// Capped means that there are more than were counted: with a text, only the
	// newest matches are.
	Capped bool
	// About means that some were counted without a look at them: an entry that has
	// the text's letters in another order may be among them.
	About   bool
	Buckets []Bucket // over the filter's span, oldest first; none when nothing matches
}

const (
	maxLooks   = 64   // entries that a summary reads
	maxMatches = 2000 // matches of a text that it counts
)

// Summarize counts what f lets through, over time in at most n buckets, n being
// 2 or more: over From and To where f has them, otherwise from the first match
// to the last.
func (x *Index) Summarize(ctx context.Context, q Querier, f Filter, n int) (Summary, error) {
	var s Summary
	p, err := x.plan(ctx, q, f)
	if err != nil {
		return s, err
	}
	counted, err := x.count(ctx, q, f, p, &s)
	if err != nil || counted.IsEmpty() {
		return s, err
	}
	x.mu.RLock()
	done := roaring.And(counted, of(x.results, Done))
	failed := roaring.AndNot(roaring.And(counted, x.listed), done)
	first, last := x.hours.span(counted)
	x.mu.RUnlock()
	s.Total, s.Failed = int(counted.GetCardinality()), int(failed.GetCardinality())
	if n < 2 { // the bounds of buckets are round: one cannot cover every span
		return s, nil
	}

	from, to := f.From, f.To
	if from.IsZero() {
		from = time.Unix(first*hour, 0)
	}
	if to.IsZero() {
		to = time.Unix((last+1)*hour, 0)
	}
	if to.Sub(from) <= shortSpan && s.Total <= maxTimes {
		s.Buckets, err = shortBuckets(ctx, q, f, n, counted, done, failed)
		return s, err
	}
	axis := newAxis(from, to, n, hour)
	s.Buckets = axis.buckets()
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.hours.grouped(func(h int64) int64 { return axis.at(time.Unix(h*hour, 0)) }, func(key int64, first, last uint32) {
		if key >= 0 && key < int64(len(s.Buckets)) {
			s.Buckets[key].Done += int(done.CardinalityInRange(uint64(first), uint64(last)+1))
			s.Buckets[key].Failed += int(failed.CardinalityInRange(uint64(first), uint64(last)+1))
		}
	})
	return s, nil
}

// count returns the entries that f lets through. What memory knows for certain
// counts at once; the rest is walked through from the newest, and when that
// takes too much, only what is as new as the walk came counts at all.
func (x *Index) count(ctx context.Context, q Querier, f Filter, p *plan, s *Summary) (*roaring.Bitmap, error) {
	counted, look := roaring.AndNot(p.set, p.edge), p.edge.Clone()
	exact := true
	for _, t := range p.terms {
		counted.And(t.sure)
		look.Or(roaring.AndNot(t.blind, t.sure))
		exact = exact && t.exact
	}
	p.set.AndNot(counted)
	yes, no := p.seen(p.set)
	w := &walk{q: q, plan: p, span: x.Span, patience: x.Slow / 2}
	begin, looks, trusted := time.Now(), 0, roaring.New()
	check := func(ids []uint32) error {
		looks += len(ids)
		entries, err := byIDs(ctx, q, ids)
		for i := range entries {
			matches := f.Match(&entries[i], x.fold)
			p.saw(entries[i].ID, matches)
			if matches {
				counted.Add(uint32(entries[i].ID))
			}
		}
		return err
	}
	reached := uint32(0)
	for reached == 0 && !p.set.IsEmpty() {
		ids, doubt, err := w.next(ctx)
		if err != nil {
			return nil, err
		}
		doubt.Or(look)
		var doubtful []uint32
		for _, id := range ids {
			switch {
			case yes.Contains(id):
				counted.Add(id)
			case no.Contains(id):
			case !doubt.Contains(id):
				trusted.Add(id)
			case looks+len(doubtful) < maxLooks:
				doubtful = append(doubtful, id)
			default:
				reached = max(reached, id+1)
			}
		}
		if err := check(doubtful); err != nil {
			return nil, err
		}
		enough := w.gaveUp || trusted.GetCardinality() >= maxMatches || w.covered >= min(atLeast, uint64(x.Span)) && time.Since(begin) > x.Slow
		if reached == 0 && !p.set.IsEmpty() && enough {
			reached = w.reached
		}
	}
	if reached > 0 {
		s.Capped = true
		counted.RemoveRange(0, uint64(reached))
		trusted.RemoveRange(0, uint64(reached))
	}
	switch n := int(trusted.GetCardinality()); {
	case !exact && n <= maxLooks-looks:
		return counted, check(trusted.ToArray())
	case !exact && n > 0:
		s.About = true
	}
	counted.Or(trusted)
	return counted, nil
}
