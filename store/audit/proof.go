package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows without the database that one entry is in the log: the hashes
// that lead from the entry to the signed head.
type Proof struct {
	Entry      json.RawMessage `json:"entry"` // its canonical bytes
	Index      int64           `json:"index"` // its place in the tree, from 0
	Hashes     []tlog.Hash     `json:"hashes"`
	Checkpoint string          `json:"checkpoint"`
	Key        string          `json:"key"` // the signing key's public part
	Head       Head            `json:"-"`   // what the checkpoint says, as Prove makes it
}

// ReadProof reads a proof's file, and refuses one that is not as frontdesk writes
// it: a byte that means nothing could hide what was changed. White space in it does
// not matter.
func ReadProof(text []byte) (Proof, error) {
	var p Proof
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("not a proof: %w", err)
	}
	var entry, whole bytes.Buffer
	if err := json.Compact(&entry, p.Entry); err != nil {
		return p, fmt.Errorf("not a proof: its entry: %w", err)
	}
	p.Entry = entry.Bytes()
	written, err := json.Marshal(p)
	if err != nil {
		return p, fmt.Errorf("not a proof: %w", err)
	}
	if err := json.Compact(&whole, text); err != nil || !bytes.Equal(written, whole.Bytes()) {
		return p, errors.New("not a proof as frontdesk writes it")
	}
	return p, nil
}

// Leaf is the entry's hash in the tree.
func (p *Proof) Leaf() tlog.Hash { return tlog.RecordHash(p.Entry) }

// Check tells whether the proof holds: the entry is in the log whose head the
// checkpoint is, and the checkpoint is signed with the key whose public part is
// given, which p.Key must be, too; p.Key when that is empty. Then it is as good as
// one's trust in p.Key.
func (p *Proof) Check(public string) (Entry, Head, error) {
	if public == "" {
		public = p.Key
	}
	if strings.TrimSpace(public) != p.Key { // or what is told of the proof would name a key that says nothing of it
		return Entry{}, Head{}, fmt.Errorf("the proof names another key: %q", p.Key)
	}
	head, err := OpenCheckpoint(p.Checkpoint, public)
	if err != nil {
		return Entry{}, head, err
	}
	e, err := Parse(p.Entry)
	if err != nil {
		return e, head, err
	}
	if e.ID != p.Index+1 {
		return e, head, fmt.Errorf("the entry is numbered %d and the proof is for entry %d", e.ID, p.Index+1)
	}
	if err := tlog.CheckRecord(p.Hashes, head.Size, head.Root, p.Index, p.Leaf()); err != nil {
		return e, head, fmt.Errorf("entry %d is not in the log that was signed: %w", e.ID, err)
	}
	return e, head, nil
}

// Prove makes the proof of one entry under the log's present head.
func (s *State) Prove(ctx context.Context, q Querier, id int64, public string) (Proof, error) {
	e, err := Get(ctx, q, id)
	if err != nil {
		return Proof{}, err
	}
	if id > s.Size {
		return Proof{}, fmt.Errorf("entry %d is newer than the signed head", id)
	}
	p := Proof{Entry: e.Canonical(nil), Index: id - 1, Checkpoint: s.Note, Key: public, Head: s.Head}
	if p.Hashes, err = tlog.ProveRecord(s.Size, id-1, s.tree.reader(ctx, q)); err != nil {
		return p, fmt.Errorf("prove entry %d: %w", id, err)
	}
	// Only what holds goes out: an entry that was changed has no proof.
	_, _, err = p.Check(public)
	return p, err
}

// ErrNotPrefix means that an older head is not a part of the present log: the
// log was cut, rolled back or rewritten since.
var ErrNotPrefix = errors.New("the log is not the continuation of that checkpoint")

// Continues tells whether a log of this size and root is a prefix of the
// present one; ErrNotPrefix when it is not.
func (s *State) Continues(ctx context.Context, q Querier, size int64, root tlog.Hash) error {
	if size < 0 || size > s.Size {
		return fmt.Errorf("%w: it had %d entries, and there are %d now", ErrNotPrefix, size, s.Size)
	}
	if size == 0 {
		return nil
	}
	var got tlog.Hash
	var err error
	if size == s.Size {
		got = s.Root
	} else if got, err = tlog.TreeHash(size, s.tree.reader(ctx, q)); err != nil {
		return fmt.Errorf("compute the tree of %d entries: %w", size, err)
	}
	if got != root {
		return fmt.Errorf("%w: the first %d entries are not the same", ErrNotPrefix, size)
	}
	return nil
}
