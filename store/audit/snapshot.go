package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"

	"github.com/RoaringBitmap/roaring/v2"
)

// snapshot is the index as it is kept between two runs, so that a start does
// not read the whole log. Sum is of its last entry's canonical bytes: a
// snapshot of another log, or of another past of this one, is not taken.
type snapshot struct {
	Version   int
	Last      uint32
	Sum       [sha256.Size]byte
	Mark      mark
	Listed    *roaring.Bitmap
	Open      *roaring.Bitmap
	OpenActs  map[string][]uint32
	Whats     map[string]*roaring.Bitmap
	Results   map[Result]*roaring.Bitmap
	Services  map[string]*roaring.Bitmap
	People    []savedPerson
	Strangers *roaring.Bitmap
	Hours     hours
}

type savedPerson struct {
	Key personKey
	IDs *roaring.Bitmap
}

// snapshotVersion changes with what the index holds.
const snapshotVersion = 1

// ErrOutdated means that a snapshot is not of this log as it is now.
var ErrOutdated = errors.New("the index's snapshot is of another state of the log")

// Snapshot returns the index as bytes, and the entry up to which it goes; no
// bytes for an empty log.
func (x *Index) Snapshot(ctx context.Context, q Querier) (data []byte, upto int64, err error) {
	if err := x.Follow(ctx, q); err != nil {
		return nil, 0, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.last == 0 {
		return nil, 0, nil
	}
	s := snapshot{
		Version: snapshotVersion, Last: x.last, Mark: x.mark, Listed: x.listed, Open: x.open, OpenActs: x.openActs,
		Whats: x.whats, Results: x.results, Services: x.services, Strangers: x.strangers, Hours: x.hours,
	}
	for k, p := range x.people {
		s.People = append(s.People, savedPerson{k, p.ids})
	}
	if s.Sum, err = sumOf(ctx, q, x.last); err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(s); err != nil {
		return nil, 0, fmt.Errorf("write the index's snapshot: %w", err)
	}
	return b.Bytes(), int64(x.last), nil
}

// Restore takes a snapshot in place of what the index knows. It changes nothing
// and fails when the snapshot is not of this log, with ErrOutdated, or cannot
// be read.
func (x *Index) Restore(ctx context.Context, q Querier, data []byte) error {
	var s snapshot
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&s); err != nil {
		return fmt.Errorf("read the index's snapshot: %w", err)
	}
	if s.Version != snapshotVersion {
		return ErrOutdated
	}
	sum, err := sumOf(ctx, q, s.Last)
	if errors.Is(err, sql.ErrNoRows) || err == nil && sum != s.Sum {
		return ErrOutdated
	}
	if err != nil {
		return err
	}
	f := newFacets()
	f.last, f.mark, f.listed, f.open, f.strangers, f.hours = s.Last, s.Mark, s.Listed, s.Open, s.Strangers, s.Hours
	maps.Copy(f.openActs, s.OpenActs) // gob gives no map for an empty one
	f.whats, f.results, f.services = s.Whats, s.Results, s.Services
	for _, p := range s.People {
		f.person(p.Key, x.fold).ids = p.IDs
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.facets = f
	return nil
}

func sumOf(ctx context.Context, q Querier, id uint32) (sum [sha256.Size]byte, err error) {
	e, err := Get(ctx, q, int64(id))
	if err != nil {
		return sum, err
	}
	return sha256.Sum256(e.Canonical(nil)), nil
}
