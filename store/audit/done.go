package audit

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Done hands the outcomes of acts of these kinds that were done, behind an ID, to
// yield: the oldest first, and of very many the newest most. It returns the ID up
// to which the log was read.
func (x *Index) Done(ctx context.Context, q Querier, whats []string, after int64, most int, yield func(Entry)) (last int64, err error) {
	if err := x.Follow(ctx, q); err != nil {
		return after, err
	}
	x.mu.RLock()
	set := roaring.New()
	for _, what := range whats {
		set.Or(of(x.whats, what))
	}
	set.And(of(x.results, Done))
	set.And(x.listed)
	last = int64(x.last)
	x.mu.RUnlock()
	set.RemoveRange(0, uint64(after)+1)
	var ids []uint32
	for newest := set.ReverseIterator(); newest.HasNext() && len(ids) < most; {
		ids = append(ids, newest.Next())
	}
	slices.Reverse(ids)
	for batch := range slices.Chunk(ids, idList) {
		entries, err := byIDs(ctx, q, batch)
		if err != nil {
			return after, err
		}
		for _, e := range entries {
			yield(e)
		}
	}
	return last, nil
}
