package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// Whats returns the kinds of act that the log holds, for a filter's choices.
func (x *Index) Whats(ctx context.Context, q Querier) ([]string, error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Sorted(maps.Keys(x.whats)), nil
}

// Since counts the entries, intents too, since a moment.
func (x *Index) Since(ctx context.Context, q Querier, moment time.Time) (int, error) {
	if err := x.Follow(ctx, q); err != nil {
		return 0, err
	}
	x.mu.RLock()
	inside, edge := x.hours.between(moment, time.Time{})
	x.mu.RUnlock()
	n := int(inside.GetCardinality())
	err := timesOf(ctx, q, edge.ToArray(), func(_ uint32, at int64) {
		if at >= moment.UnixMilli() {
			n++
		}
	})
	return n, err
}

// Day is how much happened on one UTC day.
type Day struct {
	Date   time.Time
	Done   int
	Failed int // everything that ended otherwise
}

// Days counts the outcomes and events of each day since from; staffID 0 counts
// everybody's, but not those of frontdesk itself or of strangers. Days without
// any are left out.
func (x *Index) Days(ctx context.Context, q Querier, from time.Time, staffID int64) ([]Day, error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, err
	}
	x.mu.RLock()
	set, edge := x.hours.between(from, time.Time{})
	set.Or(edge)
	set.And(x.listed)
	if staffID != 0 {
		set.And(x.by(func(p *person) bool { return p.staffID == staffID }))
	} else { // everybody's: to leave out who is no staff is less than to join who is
		set.AndNot(x.by(func(p *person) bool { return p.staffID == 0 }))
		set.AndNot(x.strangers)
	}
	edge.And(set)
	x.mu.RUnlock()
	err := timesOf(ctx, q, edge.ToArray(), func(id uint32, at int64) {
		if at < from.UnixMilli() {
			set.Remove(id)
		}
	})
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	done := roaring.And(set, of(x.results, Done))
	days := map[int64]Day{} // a day can come twice, for clocks are set back
	x.hours.grouped(func(h int64) int64 { return floor(h, 24) }, func(n int64, first, last uint32) {
		all, well := set.CardinalityInRange(uint64(first), uint64(last)+1), done.CardinalityInRange(uint64(first), uint64(last)+1)
		if all > 0 {
			d := days[n]
			days[n] = Day{time.Unix(n*day, 0).UTC(), d.Done + int(well), d.Failed + int(all-well)}
		}
	})
	var sorted []Day
	for _, n := range slices.Sorted(maps.Keys(days)) {
		sorted = append(sorted, days[n])
	}
	return sorted, nil
}

// maxRecent is how many of a person's entries are read for what they acted on.
const maxRecent = 1024

// RecentSubjects returns the IDs of the last n subjects that a person acted on,
// the latest first; fewer when their newest entries speak of fewer.
func (x *Index) RecentSubjects(ctx context.Context, q Querier, staffID int64, n int) ([]string, error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, err
	}
	x.mu.RLock()
	set := x.by(func(p *person) bool { return p.staffID == staffID })
	x.mu.RUnlock()
	var subjects []string
	newest := set.ReverseIterator()
	for read := 0; len(subjects) < n && read < maxRecent && newest.HasNext(); read += idList {
		var ids []uint32
		for len(ids) < idList && newest.HasNext() {
			ids = append(ids, newest.Next())
		}
		on, err := subjectsOf(ctx, q, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range on {
			if id != "" && len(subjects) < n && !slices.Contains(subjects, id) {
				subjects = append(subjects, id)
			}
		}
	}
	return subjects, nil
}

// subjectsOf returns the subject of each entry, newest first.
func subjectsOf(ctx context.Context, q Querier, ids []uint32) ([]string, error) {
	placeholders, args := listing(ids)
	rows, err := q.QueryContext(ctx, `SELECT on_id FROM audit_entries WHERE id IN (`+placeholders+`) ORDER BY id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log's subjects: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var on string
		if err := rows.Scan(&on); err != nil {
			return nil, fmt.Errorf("read the audit log's subjects: %w", err)
		}
		all = append(all, on)
	}
	return all, rows.Err()
}
