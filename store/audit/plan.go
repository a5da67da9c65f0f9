package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// plan is how a filter is answered: the entries that its facets let through,
// and what is left to ask the database about them.
type plan struct {
	set   *roaring.Bitmap
	edge  *roaring.Bitmap // of set: the time has to be looked at
	terms []*term
	*memo
}

// term is a part of a filter that memory cannot answer for all entries.
type term struct {
	n      int             // its number in the plan
	sure   *roaring.Bitmap // entries that have it, as memory knows
	blind  *roaring.Bitmap // entries that have to be looked at: no index has them
	within *roaring.Bitmap // where alone a hit counts; nil for everywhere
	exact  bool            // a hit needs no look
	// hits asks the database for the entries of a window, the newest or (up) the
	// oldest as many as want; nil when all that may have the term are in sure or
	// blind.
	hits func(ctx context.Context, q Querier, w window, up bool) (answer, error)
}

// window is a stretch of the log, both IDs included.
type window struct{ first, last uint32 }

func (w window) bitmap() *roaring.Bitmap {
	b := roaring.New()
	b.AddRange(uint64(w.first), uint64(w.last)+1)
	return b
}

const (
	maxSubject = 1000 // entries on one subject that are brought into memory at once
	maxTimes   = 512  // entries whose times are read for the edge of a span
)

// plan returns how f is answered for the log as it is now.
func (x *Index) plan(ctx context.Context, q Querier, f Filter) (*plan, error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, err
	}
	key := planKey{filter: f}
	if f.Who != "" || f.On != "" || f.Text != "" {
		var err error
		if key.indexed, err = textMark(ctx, q); err != nil { // before any hits are asked for: what is indexed later does no harm
			return nil, err
		}
	}
	x.mu.RLock()
	key.last, key.mark = x.last, x.mark
	x.mu.RUnlock()
	if p := x.plans.get(key); p != nil {
		return p, nil
	}
	p, last, err := x.newPlan(ctx, q, f, key.indexed)
	if err == nil && last == key.last {
		x.plans.put(key, p)
	}
	return p, err
}

// newPlan reads the index once, so that all parts speak of the same entries;
// last is the last of them.
func (x *Index) newPlan(ctx context.Context, q Querier, f Filter, indexed int64) (p *plan, last uint32, err error) {
	who, on, text := fragment(x.fold, f.Who), fragment(x.fold, f.On), fragment(x.fold, f.Text)
	var ofAct []uint32
	if text != "" {
		if ofAct, err = idsWhere(ctx, q, `act_id = $1`, "DESC", window{last: ^uint32(0)}, maxSubject, f.Text); err != nil {
			return nil, 0, err
		}
	}

	x.mu.RLock()
	last = x.last
	p = &plan{set: x.within(f), memo: newMemo()}
	edge := roaring.New()
	if !f.From.IsZero() || !f.To.IsZero() {
		var inside *roaring.Bitmap
		inside, edge = x.hours.between(f.From, f.To)
		inside.Or(edge)
		p.set.And(inside)
	}
	unindexed := roaring.AndNot(p.set, x.listed)
	if indexed < int64(x.last) {
		unindexed.Or(roaring.And(p.set, window{first: uint32(indexed) + 1, last: x.last}.bitmap()))
	}
	add := func(looked textQuery, sure, within *roaring.Bitmap) {
		t := &term{n: len(p.terms), sure: sure, blind: unindexed, within: within}
		if looked.indexed() {
			if t.hits = looked.match; x.Like {
				t.hits = looked.like
			}
		} else {
			t.blind = p.set.Clone()
		}
		if within != nil {
			t.blind = roaring.And(t.blind, within)
		}
		p.terms = append(p.terms, t)
	}
	if who != "" {
		theirs := x.by(func(p *person) bool { return p.holds(who) })
		// Strangers have no place in the dictionary; their names are in the text index.
		if strangers := roaring.And(p.set, x.strangers); strangers.IsEmpty() {
			p.set.And(theirs)
		} else {
			add(textQuery{column: "rest", fragment: asName(who)}, theirs, strangers)
		}
	}
	if on != "" {
		add(textQuery{column: "subject", fragment: on}, roaring.New(), nil)
	}
	if text != "" {
		sure := x.by(func(p *person) bool { return p.holds(text) })
		for what, ids := range x.whats {
			if holds(x.fold, text, what) {
				sure.Or(ids)
			}
		}
		sure.AddMany(ofAct)
		add(textQuery{fragment: text, requests: true}, sure, nil)
	}
	x.mu.RUnlock()

	if f.OnID != "" {
		if err := p.on(ctx, q, f.OnID); err != nil {
			return nil, 0, err
		}
	}
	for _, t := range p.terms {
		if t.hits == nil {
			p.set.And(roaring.Or(t.sure, t.blind))
		}
	}
	p.edge = roaring.And(p.set, edge)
	return p, last, p.lookAtEdge(ctx, q, f)
}

func (p *person) holds(fragment string) bool {
	return slices.ContainsFunc(p.texts, func(text string) bool { return strings.Contains(text, fragment) })
}

// within returns the entries that a filter's facets let through, without
// regard to time.
func (f *facets) within(filter Filter) *roaring.Bitmap {
	set := roaring.Or(f.listed, f.open)
	if filter.Whole && f.last > 0 {
		set = window{first: 1, last: f.last}.bitmap()
	}
	if filter.StaffID != 0 {
		set.And(f.by(func(p *person) bool { return p.staffID == filter.StaffID }))
	}
	if filter.What != "" {
		set.And(f.ofWhats(filter.whats()))
	}
	if filter.Result != "" {
		set.And(of(f.results, filter.Result))
	}
	if filter.Service != "" {
		set.And(of(f.services, filter.Service))
	}
	if filter.Effect {
		set.And(roaring.Or(of(f.services, "atom"), of(f.services, "ip1")))
		set.AndNot(of(f.whats, whatLive))
	}
	return set
}

// on narrows the plan to one subject.
func (p *plan) on(ctx context.Context, q Querier, subject string) error {
	// The condition that excludes '' lets SQLite take the partial index.
	const condition = `on_id = $1 AND on_id <> ''`
	all, err := idsWhere(ctx, q, condition, "DESC", window{last: ^uint32(0)}, maxSubject+1, subject)
	if err != nil {
		return err
	}
	if len(all) <= maxSubject {
		p.set.And(roaring.BitmapOf(all...))
		return nil
	}
	hits := func(ctx context.Context, q Querier, w window, up bool) (answer, error) {
		order := "DESC"
		if up {
			order = "ASC"
		}
		ids, err := idsWhere(ctx, q, condition, order, w, want, subject)
		a := answer{hits: roaring.BitmapOf(ids...), within: w, cut: len(ids) == want, sparse: len(ids) < want}
		if a.cut && up {
			a.within.last = ids[want-1]
		} else if a.cut {
			a.within.first = ids[want-1]
		}
		return a, err
	}
	p.terms = append(p.terms, &term{n: len(p.terms), sure: roaring.New(), blind: roaring.New(), exact: true, hits: hits})
	return nil
}

// lookAtEdge takes from the plan what is within the first or last hour but not
// within the span, unless that is too much to read now.
func (p *plan) lookAtEdge(ctx context.Context, q Querier, f Filter) error {
	if p.edge.GetCardinality() > maxTimes {
		return nil
	}
	from, to := f.From, f.To
	err := timesOf(ctx, q, p.edge.ToArray(), func(id uint32, ms int64) {
		at := time.UnixMilli(ms)
		if !from.IsZero() && at.Before(from) || !to.IsZero() && !at.Before(to) {
			p.set.Remove(id)
		}
	})
	p.edge = roaring.New()
	return err
}

// idsWhere returns the IDs of a window's entries that meet a condition, n at
// most, in order.
func idsWhere(ctx context.Context, q Querier, condition, order string, w window, n int, arg string) ([]uint32, error) {
	rows, err := q.QueryContext(ctx, `SELECT id FROM audit_entries
		WHERE `+condition+` AND id BETWEEN $2 AND $3 ORDER BY id `+order+` LIMIT $4 + 0`, arg, w.first, w.last, n)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var all []uint32
	for rows.Next() {
		var id uint32
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
