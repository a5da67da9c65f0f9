package store

import "sync"

// Counting what a search finds among very many takes longer than finding its
// first page, and what is common is asked for often. Counts are remembered until
// a customer changes.

const maxTotals = 2000

// totals remembers counts, and the places that a filter offers. Its zero value
// is ready.
type totals struct {
	mu      sync.Mutex
	version uint64
	counts  map[string]int
	places  *places
}

type places struct{ countries, states []string }

// outdate forgets all counts. It belongs before a change is committed and after
// it: whoever counts in between counts what was before.
func (t *totals) outdate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.version++
	t.counts, t.places = nil, nil
}

// recount says that what listings count of the customers is about to change.
func (tx *Tx) recount() {
	tx.moved = true
	tx.db.totals.outdate()
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
	if version != t.version {
		return n, nil
	}
	if t.counts == nil || len(t.counts) >= maxTotals {
		t.counts = map[string]int{}
	}
	t.counts[key] = n
	return n, nil
}
