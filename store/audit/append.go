package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// State is the log as committed.
type State struct {
	Head
	tree tree
}

// Log appends. One goroutine at a time begins and ends drafts; State may be
// asked by any.
type Log struct {
	key   *Key
	state atomic.Pointer[State]

	Replica atomic.Int64 // who begins the acts: a number that no process has had before
}

// ErrAltered means that the database's log is not the one that frontdesk
// wrote.
var ErrAltered = errors.New("the audit log was changed by something other than frontdesk")

func altered(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrAltered, fmt.Sprintf(format, args...))
}

// OpenLog reads the log's head and checks that it is signed and that the hashes
// lead to it. A log without any head has to be Adopted first.
func OpenLog(ctx context.Context, q Querier, key *Key) (*Log, error) {
	l := &Log{key: key}
	s, err := load(ctx, q, key.public)
	if err != nil {
		return l, err
	}
	l.state.Store(s)
	return l, nil
}

// State returns the log as last committed; nil when it could not be read.
func (l *Log) State() *State { return l.state.Load() }

// Current returns the log as the database has it now, whoever wrote it last.
func (l *Log) Current(ctx context.Context, q Querier) (*State, error) {
	h, last, err := head(ctx, q)
	if err != nil {
		return nil, err
	}
	if s := l.state.Load(); s != nil && h.Note == s.Note && last == s.Size {
		return s, nil
	}
	return load(ctx, q, l.key.public)
}

// Key returns the signing key.
func (l *Log) Key() *Key { return l.key }

const headQuery = `SELECT c.size, c.at, c.note, (SELECT coalesce(max(id), 0) FROM audit_entries) FROM audit_checkpoints c ORDER BY c.size DESC LIMIT 1`

// head reads the newest checkpoint, not checked, and the ID of the last entry.
func head(ctx context.Context, q Querier) (h Head, last int64, err error) {
	var at int64
	err = q.QueryRowContext(ctx, headQuery).Scan(&h.Size, &at, &h.Note, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return h, 0, altered("its signed head is missing")
	}
	h.At = time.UnixMilli(at).UTC()
	return h, last, err
}

// load reads the log as it is now. Its statements may see different commits, and
// a commit that fills a tile removes what the head before needs: then it is read
// again.
func load(ctx context.Context, q Querier, public string) (*State, error) {
	for {
		h, last, err := head(ctx, q)
		if err != nil {
			return nil, err
		}
		s, err := loadHead(ctx, q, public, h, last)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		if newest, _, again := head(ctx, q); again != nil || newest.Note == h.Note {
			return nil, err
		}
	}
}

func loadHead(ctx context.Context, q Querier, public string, h Head, last int64) (*State, error) {
	signed, err := OpenCheckpoint(h.Note, public)
	if err != nil {
		return nil, altered("%v", err)
	}
	s := &State{Head: signed}
	s.At = h.At
	if s.Size != h.Size || last != s.Size {
		return nil, altered("%d entries are signed, and the last one is numbered %d", s.Size, last)
	}
	if s.tree, err = loadTree(ctx, q, s.Size); err != nil {
		return nil, err
	}
	if s.tree.root() != s.Root {
		return nil, altered("its hashes do not lead to the signed head")
	}
	return s, nil
}

// Draft is what one transaction appends.
type Draft struct {
	log    *Log
	base   *State
	tree   tree
	leaves []byte
	full   []tile
}

// Begin starts a draft within tx. When another process has appended since,
// its entries are taken over, if they continue the log as it is known here.
func (l *Log) Begin(ctx context.Context, tx Writer) (*Draft, error) {
	s := l.state.Load()
	h, last, err := head(ctx, tx)
	if err != nil {
		return nil, err
	}
	if s == nil || h.Note != s.Note || last != s.Size {
		next, err := load(ctx, tx, l.key.public)
		if err != nil {
			return nil, err
		}
		if s != nil {
			if err := next.Continues(ctx, tx, s.Size, s.Root); err != nil {
				return nil, altered("%v", err)
			}
		}
		s = next
	}
	return &Draft{log: l, base: s, tree: s.tree.copy()}, nil
}

// Append adds e and sets its ID. It is acknowledged once the draft is sealed
// and the transaction committed.
func (d *Draft) Append(ctx context.Context, tx Writer, e *Entry) error {
	e.clean()
	e.ID = d.tree.size + 1
	if err := insert(ctx, tx, e); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	var err error
	switch e.Phase {
	case Intent:
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_open (act_id, entry_id, replica) VALUES ($1, $2, $3)
			ON CONFLICT (act_id) DO UPDATE SET entry_id = excluded.entry_id, replica = excluded.replica`, e.Act, e.ID, d.log.Replica.Load())
	case Outcome:
		_, err = tx.ExecContext(ctx, `DELETE FROM audit_open WHERE act_id = $1`, e.Act)
	}
	if err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	var buf [1024]byte
	leaf := tlog.RecordHash(e.Canonical(buf[:0]))
	d.leaves = append(d.leaves, leaf[:]...)
	d.full = append(d.full, d.tree.add(leaf)...)
	return nil
}

// Mark remembers the draft as it is; Rewind goes back to it when a part of the
// transaction is rolled back.
type Mark struct {
	tree         tree
	leaves, full int
}

func (d *Draft) Mark() Mark { return Mark{d.tree.copy(), len(d.leaves), len(d.full)} }

func (d *Draft) Rewind(m Mark) {
	d.tree, d.leaves, d.full = m.tree, d.leaves[:m.leaves], d.full[:m.full]
}

// Seal writes the tree's new hashes and its signed head, once for all entries
// of the draft. It belongs right before the commit.
func (d *Draft) Seal(ctx context.Context, tx Writer, at time.Time) error {
	if len(d.leaves) == 0 {
		return nil
	}
	return d.seal(ctx, tx, at)
}

func (d *Draft) seal(ctx context.Context, tx Writer, at time.Time) error {
	h, err := d.log.key.sign(&d.tree, at)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_checkpoints (size, at, note, leaves) VALUES ($1, $2, $3, $4)`, h.Size, h.At.UnixMilli(), h.Note, blob(d.leaves))
	if err != nil {
		return fmt.Errorf("store the log's head: %w", err)
	}
	if err := d.writeTiles(ctx, tx); err != nil {
		return fmt.Errorf("store the log's hashes: %w", err)
	}
	d.base = &State{Head: h, tree: d.tree}
	return nil
}

// writeTiles stores the tiles that were filled, those above them, which have
// grown, and thins out the checkpoints that a full tile has made needless.
func (d *Draft) writeTiles(ctx context.Context, tx Writer) error {
	if len(d.full) == 0 {
		return nil
	}
	for level := 1; level < len(d.tree.edge); level++ {
		if len(d.tree.edge[level]) > 0 {
			d.full = append(d.full, tile{level, d.tree.size >> (tileHeight * (level + 1)), d.tree.edge[level]})
		}
	}
	for _, t := range d.full {
		_, err := tx.ExecContext(ctx, `INSERT INTO audit_tiles (level, n, hashes) VALUES ($1, $2, $3)
			ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`, t.level, t.n, t.hashes)
		if err != nil {
			return err
		}
	}
	// Of the heads within the tiles that are full now the last stays: it narrows
	// down where a log was rewritten. Its hashes are in the tile.
	begin := d.base.Size &^ (tileWidth - 1)
	end := d.tree.size &^ (tileWidth - 1)
	_, err := tx.ExecContext(ctx, `DELETE FROM audit_checkpoints WHERE size > $1 AND size <= $2
		AND size < (SELECT max(size) FROM audit_checkpoints WHERE size <= $2)`, begin, end)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_checkpoints SET leaves = $1 WHERE size > $2 AND size <= $3`, []byte{}, begin, end)
	return err
}

// blob makes of nil an empty value instead of none.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Committed makes a sealed draft the log's state. It belongs right after the
// commit.
func (l *Log) Committed(d *Draft) { l.state.Store(d.base) }

// Adopt builds the tree of a log that has none: a new one, or one that a former
// version wrote.
func Adopt(ctx context.Context, tx Writer, key *Key, at time.Time) error {
	d := &Draft{log: &Log{key: key}, base: &State{}}
	var odd []Entry
	err := each(ctx, tx, 0, func(e *Entry) error {
		if e.ID != d.tree.size+1 {
			return fmt.Errorf("entry %d is missing", d.tree.size+1)
		}
		if e.clean() {
			odd = append(odd, *e)
		}
		leaf := tlog.RecordHash(e.Canonical(nil))
		d.leaves = append(d.leaves, leaf[:]...)
		d.full = append(d.full, d.tree.add(leaf)...)
		return nil
	})
	if err == nil && len(odd) > 0 {
		err = rewrite(ctx, tx, odd)
	}
	if err != nil {
		return fmt.Errorf("build the log's tree: %w", err)
	}
	d.leaves = d.leaves[len(d.leaves)-int(d.tree.size%tileWidth)*tlog.HashSize:] // the rest is in the tiles
	return d.seal(ctx, tx, at)
}

// rewrite stores entries with their texts cleaned: a former version took bytes
// that are no text, from a browser's User-Agent say, and no proof can show those.
func rewrite(ctx context.Context, tx Writer, entries []Entry) error {
	var trigger string
	if err := tx.QueryRowContext(ctx, `SELECT sql FROM sqlite_master WHERE name = 'audit_no_update'`).Scan(&trigger); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DROP TRIGGER audit_no_update`); err != nil {
		return err
	}
	for _, e := range entries {
		args := []any{e.ID}
		for _, text := range e.texts() {
			args = append(args, *text)
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE audit_entries SET act_id = $2, staff_name = $3, portal = $4, username = $5, role = $6, session = $7, address = $8, user_agent = $9,
				request_id = $10, what = $11, on_id = $12, on_name = $13, on_email = $14, reason = $15, service = $16, detail = $17, changes = $18
			WHERE id = $1`, args...); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, trigger)
	return err
}
