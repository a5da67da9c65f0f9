package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Flaw is what is wrong with a log. Entry is the first that is wrong; when it
// can only be narrowed down, it lies between Entry and Last.
type Flaw struct {
	Entry, Last int64
	What        string
}

func (f *Flaw) Error() string {
	switch {
	case f.Entry == 0:
		return f.What
	case f.Last > f.Entry:
		return fmt.Sprintf("one of the entries %d to %d: %s", f.Entry, f.Last, f.What)
	}
	return fmt.Sprintf("entry %d: %s", f.Entry, f.What)
}

// Verified is what a verification found to hold.
type Verified struct {
	Head
	Open int           // acts between intent and outcome
	Took time.Duration // of the whole verification
}

// chunk is how many entries one reader takes at a time; a whole number of
// tiles.
const chunk = 32 * tileWidth

// Verify recomputes the log from its rows alone: every entry's hash, the tree
// and its root, which the newest checkpoint must have signed with the key whose
// public part is given. Each of since, checkpoints that were saved before, must
// be a prefix of it. Entries appended meanwhile are left alone. What does not
// hold is returned as a *Flaw; other errors mean that it could not be told.
func Verify(ctx context.Context, q Querier, public string, since ...Head) (Verified, error) {
	began := time.Now()
	h, last, err := head(ctx, q)
	if errors.Is(err, ErrAltered) {
		return Verified{}, &Flaw{What: "the signed head is missing"}
	}
	if err != nil {
		return Verified{}, err
	}
	signed, err := OpenCheckpoint(h.Note, public)
	if err != nil {
		return Verified{}, &Flaw{What: err.Error()}
	}
	v := &verification{ctx: ctx, q: q, signed: signed.Size, open: map[string]int64{}, since: since}
	if err := v.readHeads(public, signed.Size); err != nil {
		return Verified{}, err
	}
	if err := v.read(min(last, signed.Size)); err != nil {
		return Verified{}, err
	}
	flaw := v.judge(signed)
	switch {
	case flaw != nil:
	case h.Size != signed.Size:
		flaw = &Flaw{What: fmt.Sprintf("the newest head is filed under %d entries and signed for %d", h.Size, signed.Size)}
	case last > signed.Size:
		if newest, _, err := head(ctx, q); err != nil || newest.Size <= signed.Size { // else they were appended since this began
			flaw = &Flaw{Entry: signed.Size + 1, What: "not covered by the signed head"}
		}
	}
	if flaw != nil {
		return Verified{}, flaw
	}
	signed.At = h.At
	return Verified{Head: signed, Open: len(v.open), Took: time.Since(began)}, nil
}

// verification is the state of one Verify.
type verification struct {
	ctx    context.Context
	q      Querier
	signed int64 // how many entries the newest head covers
	tree   tree
	open   map[string]int64 // intents without an outcome yet
	since  []Head

	heads   []Head              // kept in the database, by size; they narrow a flaw down
	roots   map[int64]tlog.Hash // of the trees of their sizes and since's, from the rows
	differs int64               // the first entry whose hash is not the stored one
	missing int64               // the first entry that is not there
	unread  error               // why it is not, when its row is there all the same
	tiles   string              // what is wrong with a stored tile above the entries' own hashes
}

// judge says what is wrong, if anything. The root alone decides; the stored
// hashes and older heads tell where.
func (v *verification) judge(signed Head) *Flaw {
	switch {
	case v.unread != nil && (v.differs == 0 || v.missing < v.differs):
		return &Flaw{Entry: v.missing, What: "not as it was written: " + v.unread.Error()}
	case v.missing != 0 && (v.differs == 0 || v.missing < v.differs):
		return &Flaw{Entry: v.missing, What: fmt.Sprintf("missing; %d entries are signed", signed.Size)}
	case v.tree.size < signed.Size && v.differs == 0:
		return &Flaw{Entry: v.tree.size + 1, What: fmt.Sprintf("missing; %d entries are signed", signed.Size)}
	case v.tree.size < signed.Size || v.tree.root() != signed.Root:
		if v.differs != 0 {
			return &Flaw{Entry: v.differs, What: "not as it was written"}
		}
		return v.locate(signed)
	}
	for _, h := range v.since {
		if h.Size > signed.Size {
			return &Flaw{Entry: signed.Size + 1, What: fmt.Sprintf("missing; the saved checkpoint has %d entries", h.Size)}
		}
		if v.roots[h.Size] != h.Root {
			return &Flaw{What: fmt.Sprintf("the first %d entries are not those of the saved checkpoint: the log was rewritten and signed anew", h.Size)}
		}
	}
	if v.differs != 0 {
		return &Flaw{Entry: v.differs, What: "as it was written, but its stored hash is not"}
	}
	if v.tiles != "" {
		return &Flaw{What: v.tiles}
	}
	return nil
}

// locate narrows down, by the older heads that are kept, what the stored hashes
// do not tell because they were rewritten too.
func (v *verification) locate(signed Head) *Flaw {
	f := &Flaw{Entry: 1, Last: signed.Size, What: "not as it was signed; the stored hashes were rewritten too"}
	for _, h := range v.heads {
		if v.roots[h.Size] != h.Root {
			f.Last = h.Size
			break
		}
		f.Entry = h.Size + 1
	}
	return f
}

// readHeads reads the heads up to a size, as far as their signatures hold.
func (v *verification) readHeads(public string, last int64) error {
	rows, err := v.q.QueryContext(v.ctx, `SELECT note FROM audit_checkpoints WHERE size <= $1 ORDER BY size`, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if h, err := OpenCheckpoint(text, public); err == nil {
			v.heads = append(v.heads, h)
		}
	}
	return rows.Err()
}

// part is a chunk as its reader hands it on.
type part struct {
	leaves  []tlog.Hash
	opened  map[string]int64
	closed  []string
	missing int64 // ID of the first entry that is not there
	unread  error // or why it cannot be read
	err     error
}

// read computes the tree of the entries up to last. Readers work ahead, a chunk
// each; their hashes are put together in order.
func (v *verification) read(last int64) error {
	v.roots = map[int64]tlog.Hash{}
	for _, h := range append(v.heads, v.since...) {
		v.roots[h.Size] = tlog.Hash{}
	}
	if _, ok := v.roots[0]; ok {
		v.roots[0] = v.tree.root()
	}
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	readers := max(2, runtime.NumCPU())
	parts := make(chan chan part, readers) // in the order of the log; bounds what is read ahead
	go func() {
		defer close(parts)
		for from := int64(0); from < last; from += chunk {
			one := make(chan part, 1)
			select {
			case parts <- one:
			case <-ctx.Done():
				return
			}
			go func() { one <- readPart(ctx, v.q, from, min(from+chunk, last)) }()
		}
	}()
	for one := range parts {
		p := <-one
		if p.err != nil {
			return p.err
		}
		if err := v.take(p); err != nil {
			return err
		}
		if v.missing != 0 {
			break
		}
	}
	if err := v.ctx.Err(); err != nil {
		return err
	}
	return v.compareEdge()
}

func readPart(ctx context.Context, q Querier, from, to int64) part {
	p := part{leaves: make([]tlog.Hash, 0, to-from), opened: map[string]int64{}}
	buf := make([]byte, 0, 2048)
	stop := errors.New("stop")
	err := between(ctx, q, from, to, func(e *Entry) error {
		if e.ID != from+int64(len(p.leaves))+1 {
			return stop
		}
		switch e.Phase {
		case Intent:
			p.opened[e.Act] = e.ID
		case Outcome:
			if _, ok := p.opened[e.Act]; ok {
				delete(p.opened, e.Act)
			} else {
				p.closed = append(p.closed, e.Act)
			}
		}
		buf = e.Canonical(buf[:0])
		p.leaves = append(p.leaves, tlog.RecordHash(buf))
		return nil
	})
	next := from + int64(len(p.leaves)) + 1
	switch {
	case errors.Is(err, errRow):
		p.missing, p.unread = next, err
		return p
	case (err == nil || errors.Is(err, stop)) && next <= to:
		p.missing = next
		return p
	}
	p.err = err
	return p
}

// take adds a part to the tree and compares the tiles that it fills with the
// stored ones.
func (v *verification) take(p part) error {
	for _, leaf := range p.leaves {
		for _, t := range v.tree.add(leaf) {
			stored, err := readTile(v.ctx, v.q, t.level, t.n)
			if err != nil {
				if v.ctx.Err() != nil {
					return v.ctx.Err()
				}
				stored = nil // an absent tile is a wrong one
			}
			v.compare(t, stored)
		}
		if _, ok := v.roots[v.tree.size]; ok {
			v.roots[v.tree.size] = v.tree.root()
		}
	}
	for _, act := range p.closed {
		delete(v.open, act)
	}
	maps.Copy(v.open, p.opened)
	v.missing, v.unread = p.missing, p.unread
	return nil
}

// compare holds a computed tile against the stored one.
func (v *verification) compare(t tile, stored []byte) {
	switch {
	case bytes.HasPrefix(stored, t.hashes):
	case t.level == 0 && v.differs == 0:
		i := 0
		for i+tlog.HashSize <= min(len(t.hashes), len(stored)) && bytes.Equal(t.hashes[i:i+tlog.HashSize], stored[i:i+tlog.HashSize]) {
			i += tlog.HashSize
		}
		v.differs = t.n*tileWidth + int64(i/tlog.HashSize) + 1
	case t.level > 0 && v.tiles == "":
		v.tiles = fmt.Sprintf("the stored hashes are wrong: tile %d of level %d", t.n, t.level)
	}
}

// compareEdge compares the tiles that are not full, or that ended too early. A
// commit that is made meanwhile may fill them; then they are compared the next
// time.
func (v *verification) compareEdge() error {
	for level, hashes := range v.tree.edge {
		if len(hashes) == 0 {
			continue
		}
		t := tile{level, v.tree.size >> (tileHeight * (level + 1)), hashes}
		var stored []byte
		var err error
		if level == 0 && t.n == v.signed/tileWidth {
			stored, err = pieces(v.ctx, v.q, v.signed)
		} else {
			stored, err = readTile(v.ctx, v.q, level, t.n)
		}
		if err == nil && len(stored) < len(hashes) {
			err = errors.New("cut")
		}
		if newest, _, again := head(v.ctx, v.q); err != nil && again == nil && newest.Size > v.signed {
			continue
		}
		v.compare(t, stored)
	}
	return v.ctx.Err()
}
