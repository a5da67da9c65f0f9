package audit

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// plans keeps the latest plans: a page asks for a listing and at once for its
// summary. A log that grew makes a plan useless.
type plans struct {
	mu     sync.Mutex
	latest []keptPlan // oldest first
}

type keptPlan struct {
	key  planKey
	plan *plan
}

type planKey struct {
	filter  Filter
	last    uint32
	mark    mark
	indexed int64
}

const maxPlans = 8 // each may take some bitmaps of the whole log

// get returns a copy of a plan, whose set is the caller's own, or nil.
func (p *plans) get(key planKey) *plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kept := range p.latest {
		if kept.key == key {
			fresh := *kept.plan
			fresh.set = fresh.set.Clone()
			return &fresh
		}
	}
	return nil
}

// put keeps a plan as it is now.
func (p *plans) put(key planKey, made *plan) {
	kept := *made
	kept.set = kept.set.Clone()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.latest) == maxPlans {
		p.latest = slices.Delete(p.latest, 0, 1)
	}
	p.latest = append(p.latest, keptPlan{key, &kept})
}

// memo is what all copies of a plan found out.
type memo struct {
	mu      sync.Mutex
	hits    map[hitsKey]answer
	asked   time.Duration   // how long the database took for them
	yes, no *roaring.Bitmap // entries that were looked at
}

// answer is what the database has of a term in a window.
type answer struct {
	hits   *roaring.Bitmap
	within window        // where these are all the hits
	cut    bool          // that is less than what was asked for
	sparse bool          // there are few, and a far larger window would be little more work
	took   time.Duration // in the database
}

type hitsKey struct {
	term int
	window
	up bool
}

const maxHits = 64 // windows that a plan remembers

func newMemo() *memo {
	return &memo{hits: map[hitsKey]answer{}, yes: roaring.New(), no: roaring.New()}
}

// find asks for a term's hits in a window, unless an earlier walk did. The hits
// are the caller's own.
func (m *memo) find(ctx context.Context, q Querier, t *term, w window, up bool) (answer, error) {
	key := hitsKey{t.n, w, up}
	m.mu.Lock()
	a, known := m.hits[key]
	m.mu.Unlock()
	if !known {
		begin := time.Now()
		var err error
		if a, err = t.hits(ctx, q, w, up); err != nil {
			return a, err
		}
		a.took = time.Since(begin)
		m.mu.Lock()
		m.asked += a.took
		if len(m.hits) < maxHits {
			m.hits[key] = a
		}
		m.mu.Unlock()
	}
	a.hits = a.hits.Clone()
	return a, nil
}

// tired tells that a term's hits in a window are not known, and that more than
// a time was spent on others already.
func (m *memo) tired(t *term, w window, up bool, after time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.hits[hitsKey{t.n, w, up}]
	return !known && m.asked > after
}

// saw notes whether an entry matches.
func (m *memo) saw(id int64, matches bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if matches {
		m.yes.Add(uint32(id))
	} else {
		m.no.Add(uint32(id))
	}
}

// seen returns which entries of a set are known to match, and which not.
func (m *memo) seen(set *roaring.Bitmap) (yes, no *roaring.Bitmap) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return roaring.And(set, m.yes), roaring.And(set, m.no)
}
