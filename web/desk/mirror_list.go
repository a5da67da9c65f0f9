package desk

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"iter"

	"frontdesk/store"
	"frontdesk/web/atom"
)

// mapping is the version of how ATOM's objects become rows: what atom reads out of
// them, row, and what store makes of that. Raised with any change to these, it
// makes the next sync read every customer anew.
const mapping byte = 1

// digest tells whether ATOM's object is the one that a row was made from.
type digest [16]byte

// listing compares ATOM's list with the mirror while it arrives. Most customers
// are as they were: their digest is known, and they are not even parsed. The others
// are kept until the list has come to its end.
type listing struct {
	mapping  byte
	hash     hash.Hash
	had      []had
	byDigest map[digest]int32
	byCUID   map[string]int32 // into had, or fresh; made when it is first needed
	kept     kept

	listed int // customers in the list
	before int // who were there before the sync began
	lost   int // those of them who are not listed
}

// had is a customer who was in the mirror when the sync began to read.
type had struct {
	cuid            string
	before, present bool
}

// fresh is the place of those who were not.
const fresh = -1

func newListing(mapping byte) *listing {
	return &listing{mapping: mapping, hash: sha256.New(), byDigest: map[digest]int32{}}
}

func (l *listing) digest(raw []byte) (d digest) {
	var sum [sha256.Size]byte
	l.hash.Reset()
	l.hash.Write([]byte{l.mapping})
	l.hash.Write(raw)
	copy(d[:], l.hash.Sum(sum[:0]))
	return d
}

// have takes a customer of the mirror.
func (l *listing) have(c store.Listed) {
	if len(c.Digest) == len(digest{}) {
		l.byDigest[digest(c.Digest)] = int32(len(l.had)) // #nosec G115 -- a list of 2 billion does not fit in memory
	}
	l.had = append(l.had, had{cuid: c.CUID, before: c.Before})
	if c.Before {
		l.before++
		l.lost++
	}
}

// take takes one element of the list. Of those with the same cuid the first
// counts.
func (l *listing) take(e atom.Element) error {
	if i, ok := l.byDigest[l.digest(e.Raw)]; ok {
		l.present(i)
		return nil
	}
	cuid, err := e.CUID()
	if err != nil {
		return err
	}
	if l.byCUID == nil {
		l.byCUID = make(map[string]int32, len(l.had))
		for i := range l.had {
			l.byCUID[l.had[i].cuid] = int32(i) // #nosec G115 -- as above
		}
	}
	switch i, ok := l.byCUID[cuid]; {
	case !ok:
		l.byCUID[cuid] = fresh
		l.listed++
	case i == fresh || !l.present(i):
		return nil
	}
	return l.kept.add(e.Raw)
}

// present notes that somebody is listed, and tells whether that is news.
func (l *listing) present(i int32) bool {
	c := &l.had[i]
	if c.present {
		return false
	}
	c.present = true
	l.listed++
	if c.before {
		l.lost--
	}
	return true
}

// end closes the list; what was needed to read it is let go.
func (l *listing) end() error {
	l.byDigest, l.byCUID = nil, nil
	return l.kept.end()
}

// missing are those who were there before the sync began and are not listed.
func (l *listing) missing() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range l.had {
			if c.before && !c.present && !yield(c.cuid) {
				return
			}
		}
	}
}

// kept are elements of the list, compressed: the list may be tens of MB, and must
// not touch the disk before it has come to its end.
type kept struct {
	n      int
	z      *flate.Writer
	blocks blocks
}

func (k *kept) add(raw []byte) error {
	if k.z == nil {
		var err error
		if k.z, err = flate.NewWriter(&k.blocks, flate.BestSpeed); err != nil {
			return err
		}
	}
	k.n++
	var length [binary.MaxVarintLen64]byte
	if _, err := k.z.Write(length[:binary.PutUvarint(length[:], uint64(len(raw)))]); err != nil {
		return err
	}
	_, err := k.z.Write(raw)
	return err
}

func (k *kept) end() error {
	if k.z == nil {
		return nil
	}
	err := k.z.Close()
	k.z = nil
	return err
}

// each hands the elements on, once, each valid until the next.
func (k *kept) each(yield func(raw []byte) error) error {
	z := bufio.NewReader(flate.NewReader(&k.blocks))
	var raw []byte
	for range k.n {
		length, err := binary.ReadUvarint(z)
		if err != nil {
			return err
		}
		if uint64(cap(raw)) < length {
			raw = make([]byte, length)
		}
		raw = raw[:length]
		if _, err := io.ReadFull(z, raw); err != nil {
			return err
		}
		if err := yield(raw); err != nil {
			return err
		}
	}
	return nil
}

// blocks are bytes that are written once and read once. Pieces of one size grow
// without being copied, and are let go when they have been read.
type blocks struct {
	all [][]byte
	off int // read of the first
}

const blockSize = 64 << 10

func (b *blocks) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		last := len(b.all) - 1
		if last < 0 || len(b.all[last]) == blockSize {
			b.all = append(b.all, make([]byte, 0, blockSize))
			last++
		}
		room := min(len(p), blockSize-len(b.all[last]))
		b.all[last], p = append(b.all[last], p[:room]...), p[room:]
	}
	return n, nil
}

func (b *blocks) Read(p []byte) (int, error) {
	if len(b.all) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.all[0][b.off:])
	if b.off += n; b.off == len(b.all[0]) {
		b.all[0], b.all, b.off = nil, b.all[1:], 0
	}
	return n, nil
}
