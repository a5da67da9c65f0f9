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
	Failed int     // everything that ended otherwise
	Kinds  []Ended // of these, those of each kind that was asked for
}

// Ended is how many acts and events of a kind ended well, and how many did not.
type Ended struct{ Done, Failed int }

// Days counts the outcomes and events of each day since from; staffID 0 counts
// everybody's, but not those of frontdesk itself or of strangers. Of each kind, a
// set of whats, it also counts those that belong to it. Days without any are left
// out.
func (x *Index) Days(ctx context.Context, q Querier, from time.Time, staffID int64, kinds ...[]string) ([]Day, error) {
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
	type sets struct{ all, done *roaring.Bitmap }
	var ofKind []sets
	for _, whats := range kinds {
		all := roaring.And(set, x.ofWhats(whats))
		ofKind = append(ofKind, sets{all, roaring.And(all, done)})
	}
	days := map[int64]Day{} // a day can come twice, for clocks are set back
	x.hours.grouped(func(h int64) int64 { return floor(h, 24) }, func(n int64, first, last uint32) {
		add := func(e *Ended, all, done *roaring.Bitmap) {
			well := int(done.CardinalityInRange(uint64(first), uint64(last)+1))
			e.Done, e.Failed = e.Done+well, e.Failed+int(all.CardinalityInRange(uint64(first), uint64(last)+1))-well
		}
		var both Ended
		if add(&both, set, done); both == (Ended{}) {
			return
		}
		d, again := days[n]
		if !again && len(kinds) > 0 {
			d.Kinds = make([]Ended, len(kinds))
		}
		for i, k := range ofKind {
			add(&d.Kinds[i], k.all, k.done)
		}
		d.Date, d.Done, d.Failed = time.Unix(n*day, 0).UTC(), d.Done+both.Done, d.Failed+both.Failed
		days[n] = d
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
// the latest first; fewer when their newest entries speak of fewer. Those whom an
// import created in their name come after all others.
func (x *Index) RecentSubjects(ctx context.Context, q Querier, staffID int64, n int) ([]string, error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, err
	}
	x.mu.RLock()
	set := x.by(func(p *person) bool { return p.staffID == staffID })
	x.mu.RUnlock()
	var subjects, imported []string
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
		for _, s := range on {
			to := &subjects
			if s.imported {
				to = &imported
			}
			if s.id != "" && len(*to) < n && !slices.Contains(*to, s.id) {
				*to = append(*to, s.id)
			}
		}
	}
	for _, id := range imported {
		if len(subjects) < n && !slices.Contains(subjects, id) {
			subjects = append(subjects, id)
		}
	}
	return subjects, nil
}

// byImport is the request of what an import does.
const byImport = "import"

// subject is whom or what an entry is about.
type subject struct {
	id       string
	imported bool
}

// subjectsOf returns the subject of each entry, newest first.
func subjectsOf(ctx context.Context, q Querier, ids []uint32) ([]subject, error) {
	placeholders, args := listing(ids)
	rows, err := q.QueryContext(ctx, `SELECT on_id, request_id FROM audit_entries WHERE id IN (`+placeholders+`) ORDER BY id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log's subjects: %w", err)
	}
	defer rows.Close()
	var all []subject
	for rows.Next() {
		var s subject
		var request string
		if err := rows.Scan(&s.id, &request); err != nil {
			return nil, fmt.Errorf("read the audit log's subjects: %w", err)
		}
		s.imported = request == byImport
		all = append(all, s)
	}
	return all, rows.Err()
}
