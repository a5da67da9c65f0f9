package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// Index answers the log's filters from memory: for each value of a filter it
// has a bitmap of the IDs of the entries that have it, some megabytes for a
// million entries. Nothing has to tell it of new entries: every question first
// reads what was appended since the one before, by this process or another.
// The zero Index of a log is complete too; its first question reads the whole
// log. It is safe for concurrent use.
type Index struct {
	// Bound is how many entries one search may read in vain, and Slow how long it
	// may take, before it gives what it has. Span, a power of two, is how many
	// entries it asks the text index about at first.
	Bound int
	Slow  time.Duration
	Span  uint32

	// Like is set where table audit_text is an ordinary one whose columns an index finds
	// patterns in, as PostgreSQL's is; otherwise it is SQLite's FTS5.
	Like bool

	fold  func(string) string
	plans plans
	mu    sync.RWMutex
	facets
}

// NewIndex returns an index that has read nothing yet. fold makes texts
// comparable: small letters, no accents.
func NewIndex(fold func(string) string) *Index {
	return &Index{Bound: 96, Slow: 1200 * time.Microsecond, Span: 1 << 14, fold: fold, facets: newFacets()}
}

// facets is what the index knows of the entries up to last.
type facets struct {
	last      uint32
	mark      mark
	listed    *roaring.Bitmap     // outcomes and events
	open      *roaring.Bitmap     // intents of acts under way
	openActs  map[string][]uint32 // the same, by act
	whats     map[string]*roaring.Bitmap
	results   map[Result]*roaring.Bitmap
	services  map[string]*roaring.Bitmap
	people    map[personKey]*person
	strangers *roaring.Bitmap // anyone can make up their names: these share one bitmap, or they could fill the memory
	hours     hours
}

// mark is enough of an entry to see that it is another one.
type mark struct {
	At    int64
	Act   string
	Phase Phase
}

type personKey struct {
	StaffID                int64
	Name, Portal, Username string
}

type person struct {
	staffID int64
	texts   []string // folded
	ids     *roaring.Bitmap
}

func newFacets() facets {
	return facets{
		listed: roaring.New(), open: roaring.New(), openActs: map[string][]uint32{}, whats: map[string]*roaring.Bitmap{},
		results: map[Result]*roaring.Bitmap{}, services: map[string]*roaring.Bitmap{}, people: map[personKey]*person{}, strangers: roaring.New(),
	}
}

// facetRow is what the index reads of an entry.
type facetRow struct {
	id   int64
	mark mark
	personKey
	what, service string
	result        Result
}

// followBatch is how many entries are read at once, a megabyte or so.
const followBatch = 5000

// readFacets reads the entries from an ID on.
func readFacets(ctx context.Context, q Querier, from uint32) ([]facetRow, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT id, at, act_id, phase, staff_id, staff_name, portal, username, what, service, outcome
		FROM audit_entries WHERE id >= $1 ORDER BY id LIMIT $2 + 0`, from, followBatch)
	if err != nil {
		return nil, fmt.Errorf("follow the audit log: %w", err)
	}
	defer rows.Close()
	var all []facetRow
	for rows.Next() {
		var r facetRow
		if err := rows.Scan(&r.id, &r.mark.At, &r.mark.Act, &r.mark.Phase, &r.StaffID, &r.Name, &r.Portal, &r.Username,
			&r.what, &r.service, &r.result); err != nil {
			return nil, fmt.Errorf("follow the audit log: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Follow reads what was appended since the last time. It begins with the last
// entry that it knows: when that is gone or is another one, the log was put
// back to an earlier state, and everything is read again.
func (x *Index) Follow(ctx context.Context, q Querier) error {
	x.mu.RLock()
	last, mark := x.last, x.mark
	x.mu.RUnlock()
	rows, err := readFacets(ctx, q, last)
	if err != nil {
		return err
	}
	if len(rows) == 1 && rows[0].id == int64(last) && rows[0].mark == mark {
		return nil // the usual case takes no lock while it waits for the database
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		if x.last != last { // another question has read on meanwhile
			last = x.last
			if rows, err = readFacets(ctx, q, last); err != nil {
				return err
			}
		}
		if last > 0 {
			if len(rows) == 0 || rows[0].id != int64(last) || rows[0].mark != x.mark {
				x.facets = newFacets()
				continue
			}
			rows = rows[1:]
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			x.add(r, x.fold)
		}
	}
}

// add takes one entry in.
func (f *facets) add(r facetRow, fold func(string) string) {
	id := uint32(r.id)
	f.last, f.mark = id, r.mark
	switch r.mark.Phase {
	case Intent:
		f.open.Add(id)
		f.openActs[r.mark.Act] = append(f.openActs[r.mark.Act], id)
	case Outcome:
		for _, intent := range f.openActs[r.mark.Act] {
			f.open.Remove(intent)
		}
		delete(f.openActs, r.mark.Act)
	}
	if r.mark.Phase != Intent {
		f.listed.Add(id)
	}
	at(f.whats, r.what).Add(id)
	at(f.results, r.result).Add(id)
	at(f.services, r.service).Add(id)
	if stranger(Who{StaffID: r.StaffID, Name: r.Name, Username: r.Username}) {
		f.strangers.Add(id)
	} else {
		f.person(r.personKey, fold).ids.Add(id)
	}
	f.hours = f.hours.add(hourOf(r.mark.At), id)
}

func (f *facets) person(k personKey, fold func(string) string) *person {
	p := f.people[k]
	if p == nil {
		p = &person{staffID: k.StaffID, ids: roaring.New()}
		for _, text := range (Who{Name: k.Name, Portal: k.Portal, Username: k.Username}).texts() {
			p.texts = append(p.texts, fold(text))
		}
		f.people[k] = p
	}
	return p
}

func at[K comparable](all map[K]*roaring.Bitmap, k K) *roaring.Bitmap {
	b := all[k]
	if b == nil {
		b = roaring.New()
		all[k] = b
	}
	return b
}

// of returns one value's bitmap for reading, empty when no entry has it.
func of[K comparable](all map[K]*roaring.Bitmap, k K) *roaring.Bitmap {
	if b := all[k]; b != nil {
		return b
	}
	return roaring.New()
}

// ofWhats returns the entries of acts of these kinds. It is for reading.
func (f *facets) ofWhats(whats []string) *roaring.Bitmap {
	if len(whats) == 1 {
		return of(f.whats, whats[0])
	}
	all := make([]*roaring.Bitmap, len(whats))
	for i, what := range whats {
		all[i] = of(f.whats, what)
	}
	return roaring.FastOr(all...)
}

// by returns the entries of the people whom match lets through, strangers not
// among them.
func (f *facets) by(match func(*person) bool) *roaring.Bitmap {
	var theirs []*roaring.Bitmap
	for _, p := range f.people {
		if match(p) {
			theirs = append(theirs, p.ids)
		}
	}
	return roaring.FastOr(theirs...)
}
