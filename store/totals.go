package store

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Counting what a search finds among very many takes longer than finding its
// first page, and what is common is asked for often. Counts are remembered: those
// of searches are kept up when customers change, the others are forgotten then.

const (
	maxTotals = 2000 // counts of a kind that are remembered
	maxMoves  = 50   // changes in one transaction up to which counts are kept up
)

// totals remembers counts, and the places that a filter offers. Its zero value
// is ready.
type totals struct {
	mu      sync.Mutex
	version uint64
	held    bool // a change is being committed: nobody can tell which counts have taken it in
	counts  map[string]int
	found   *simplelru.LRU[string, *found] // by the text index, of those who are listed; nil: none
	places  *places
}

type places struct{ countries, states []string }

// found is how many listed customers an expression finds.
type found struct {
	matching expr
	n        int
}

// listed is a customer's text, as far as searches can find it.
type listed struct {
	text string
	is   bool // false: new, or gone
}

func (l listed) fits(matching expr) bool { return l.is && matching.in(l.text) }

// moves are a transaction's changes of what is counted.
type moves struct {
	any  bool
	many bool // too many to follow
	each []move
}

type move struct{ before, after listed }

// recount says that what listings count of the customers is about to change.
func (tx *Tx) recount() {
	tx.moves.any = true
	tx.db.totals.outdate()
}

// retext is recount for a customer whose text changes, comes or goes.
func (tx *Tx) retext(m move) {
	tx.recount()
	if len(tx.moves.each) == maxMoves {
		tx.moves.many = true
	}
	if !tx.moves.many {
		tx.moves.each = append(tx.moves.each, m)
	}
}

// known tells whether there is a count to keep up. One that is made from now on is
// of what was before, and not remembered.
func (t *totals) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.found != nil
}

// outdate forgets what is not kept up. It belongs before a change is committed and
// after it: whoever counts in between counts what was before.
func (t *totals) outdate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.version++
	t.counts, t.places = nil, nil
}

// forget forgets all counts: another process has changed what they count.
func (t *totals) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.version++
	t.counts, t.places, t.found = nil, nil, nil
}

// hold keeps counts from being remembered while a transaction with these changes
// is committed; follow must come after it.
func (t *totals) hold(m moves) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = m.any
}

// follow brings the counts in line with what was just committed, or was not.
func (t *totals) follow(m moves, committed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = false
	if !m.any {
		return
	}
	t.version++
	t.counts, t.places = nil, nil
	if !committed {
		return
	}
	if m.many {
		t.found = nil
		return
	}
	if t.found == nil {
		return
	}
	for _, f := range t.found.Values() {
		for _, m := range m.each {
			if m.before.fits(f.matching) {
				f.n--
			}
			if m.after.fits(f.matching) {
				f.n++
			}
		}
	}
}

// of returns the count that a key stands for, by count when it is not known.
func (t *totals) of(key string, count func() (int, error)) (int, error) {
	t.mu.Lock()
	n, ok := t.counts[key]
	version := t.version
	t.mu.Unlock()
	if ok {
		return n, nil
	}
	n, err := count()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if version != t.version || t.held {
		return n, nil
	}
	if t.counts == nil || len(t.counts) >= maxTotals {
		t.counts = map[string]int{}
	}
	t.counts[key] = n
	return n, nil
}

// matching is of for what an expression finds among those who are listed; nothing
// but their texts may decide about it.
func (t *totals) matching(e expr, count func() (int, error)) (int, error) {
	key := e.fts()
	t.mu.Lock()
	version := t.version
	if t.found != nil {
		if known, ok := t.found.Get(key); ok {
			n := known.n
			t.mu.Unlock()
			return n, nil
		}
	}
	t.mu.Unlock()
	n, err := count()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if version != t.version || t.held {
		return n, nil
	}
	if t.found == nil {
		// What is asked for again and again is mostly what takes long to count: the longest unasked one goes.
		if t.found, err = simplelru.NewLRU[string, *found](maxTotals, nil); err != nil {
			return 0, err
		}
	}
	t.found.Add(key, &found{e, n})
	return n, nil
}
