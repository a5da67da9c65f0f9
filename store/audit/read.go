package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// list reads entries by their columns.
func list(ctx context.Context, q Querier, query string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var all []Entry
	var id any
	var text string
	var parts [ownCount]string
	for rows.Next() {
		var e Entry
		var settled string
		if err := rows.Scan(&id, &text, &settled); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if split(text, &parts) {
			err = e.fromParts(&parts)
		} else {
			e, err = byColumns(ctx, q, id)
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		e.Settled = settled
		all = append(all, e)
	}
	return all, rows.Err()
}

// Get returns one entry; sql.ErrNoRows when there is none.
func Get(ctx context.Context, q Querier, id int64) (Entry, error) {
	all, err := list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.id = $1`, id)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return Entry{}, err
	}
	return all[0], nil
}

// Act returns all entries of one act, oldest first.
func Act(ctx context.Context, q Querier, act string) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.act_id = $1 ORDER BY e.id`, act)
}

// ActsOn returns the intents and outcomes since a moment of acts on one subject by
// anybody but one member of staff, newest first.
func ActsOn(ctx context.Context, q Querier, on string, but int64, since time.Time) ([]Entry, error) {
	// The heads know which entry was the last at a time: what is older is not looked at.
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e
		WHERE e.on_id = $1 AND e.on_id <> '' AND e.phase <> 'event' AND e.at >= $2 AND e.staff_id <> $3
			AND e.id > coalesce((SELECT size FROM audit_checkpoints WHERE at < $2 ORDER BY size DESC LIMIT 1), 0)
		ORDER BY e.id DESC`, on, since.UnixMilli(), but)
}

// Open returns the intents that have no outcome, oldest first.
func Open(ctx context.Context, q Querier) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_open o JOIN audit_entries e ON e.id = o.entry_id ORDER BY e.id`)
}

// OpenOf returns the intents of one replica that have no outcome, oldest first.
func OpenOf(ctx context.Context, q Querier, replica int64) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_open o JOIN audit_entries e ON e.id = o.entry_id WHERE o.replica = $1 ORDER BY e.id`, replica)
}

// OpenOn returns the intents of one kind that have no outcome, oldest first.
func OpenOn(ctx context.Context, q Querier, what string) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_open o JOIN audit_entries e ON e.id = o.entry_id WHERE e.what || '' = $1 ORDER BY e.id`, what)
}

// idList is how many IDs one statement asks for at most.
const idList = 128

// listing is the placeholders for n IDs from $1 on, of few lengths, so that the
// database sees few different statements.
func listing(ids []uint32) (placeholders string, args []any) {
	n := idList
	for _, length := range []int{8, 32, 64} {
		if len(ids) <= length {
			n = length
			break
		}
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", i+1)
		var id uint32 // no entry's
		if i < len(ids) {
			id = ids[i]
		}
		args = append(args, int64(id))
	}
	return b.String(), args
}

// byIDs returns the entries of at most idList IDs, oldest first.
func byIDs(ctx context.Context, q Querier, ids []uint32) ([]Entry, error) {
	placeholders, args := listing(ids)
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.id IN (`+placeholders+`) ORDER BY e.id`, args...)
}

// timesOf calls f with each entry's time in milliseconds.
func timesOf(ctx context.Context, q Querier, ids []uint32, f func(id uint32, at int64)) error {
	for len(ids) > 0 {
		n := min(len(ids), idList)
		placeholders, args := listing(ids[:n])
		ids = ids[n:]
		rows, err := q.QueryContext(ctx, `SELECT id, at FROM audit_entries WHERE id IN (`+placeholders+`)`, args...)
		if err != nil {
			return fmt.Errorf("read the audit log's times: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id uint32
			var at int64
			if err := rows.Scan(&id, &at); err != nil {
				return fmt.Errorf("read the audit log's times: %w", err)
			}
			f(id, at)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read the audit log's times: %w", err)
		}
	}
	return nil
}
