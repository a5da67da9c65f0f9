package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"

	"github.com/klauspost/compress/zstd"

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
	cuid, company, err := e.Head()
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
	return l.kept.add(l.pile(company), e.Raw)
}

// pile is where an element is kept. When the mirror is filled, companies that begin
// alike come in together: a batch then changes few pages of their index, instead of
// another one with each row.
func (l *listing) pile(company string) byte {
	if key := store.Fold(company); len(l.had) == 0 && key != "" {
		return key[0]
	}
	return 0
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
func (l *listing) end() { l.byDigest, l.byCUID = nil, nil }

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
// not touch the disk before it has come to its end. They come back pile by pile.
type kept struct {
	n     int
	z     *zstd.Encoder
	out   []byte // of z
	piles [256]pile
}

// pile is some of the elements, each behind its length.
type pile struct {
	open []byte   // the last of them
	full [][]byte // those before, compressed
}

// pileSize is how much of a pile is compressed together, in bytes.
const pileSize = 64 << 10

func (k *kept) add(pile byte, raw []byte) error {
	k.n++
	p := &k.piles[pile]
	p.open = append(binary.AppendUvarint(p.open, uint64(len(raw))), raw...)
	if len(p.open) < pileSize {
		return nil
	}
	return k.compress(p)
}

func (k *kept) compress(p *pile) (err error) {
	if k.z == nil {
		if k.z, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(pileSize)); err != nil {
			return err
		}
	}
	k.out = k.z.EncodeAll(p.open, k.out[:0])
	p.full = append(p.full, bytes.Clone(k.out)) // no larger than it is
	p.open = p.open[:0]
	return nil
}

// each hands the elements on, once, each valid until the next.
func (k *kept) each(yield func(raw []byte) error) error {
	k.z, k.out = nil, nil
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	var raw []byte
	for i := range k.piles {
		p := &k.piles[i]
		for j, block := range p.full {
			p.full[j] = nil // it is let go once it has been read
			if raw, err = z.DecodeAll(block, raw[:0]); err != nil {
				return err
			}
			if err := eachOf(raw, yield); err != nil {
				return err
			}
		}
		if err := eachOf(p.open, yield); err != nil {
			return err
		}
		*p = pile{}
	}
	return nil
}

func eachOf(all []byte, yield func(raw []byte) error) error {
	for len(all) > 0 {
		length, n := binary.Uvarint(all)
		end := n + int(length) // #nosec G115 -- add wrote it
		if err := yield(all[n:end]); err != nil {
			return err
		}
		all = all[end:]
	}
	return nil
}
