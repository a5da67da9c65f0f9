package store

import "sync"

// maxRemembered bounds what is remembered of a kind.
const maxRemembered = 2000

// remembered keeps what was read of a small table until that changes: every page
// shows it. Its zero value is ready.
type remembered[K comparable, V any] struct {
	mu      sync.Mutex
	version uint64
	kept    map[K]V
}

// of returns what is remembered under a key, by read when nothing is.
func (r *remembered[K, V]) of(key K, read func() (V, error)) (V, error) {
	r.mu.Lock()
	v, ok := r.kept[key]
	version := r.version
	r.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if version != r.version {
		return v, nil
	}
	if r.kept == nil || len(r.kept) >= maxRemembered {
		r.kept = map[K]V{}
	}
	r.kept[key] = v
	return v, nil
}

func (r *remembered[K, V]) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version++
	r.kept = nil
}

// outdates has something forgotten that the transaction changes: now, and again
// once it is committed, since whoever reads in between reads what was before.
func (tx *Tx) outdates(forget func()) {
	forget()
	tx.outdated = append(tx.outdated, forget)
}
