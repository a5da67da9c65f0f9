package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A customer's text is a hundred fragments, which takes as long to put into the text
// index as all else of a create. Who is new therefore waits in table customers_waiting,
// and is brought in behind the writes' back, together with others; until then searches
// look through the texts of those who wait.

// waitingLate is how many wait before bringing them in no longer waits for a pause: a
// search looks through them all.
const waitingLate = 500

// textIndexed tells whether the text index is whole, and whether there are customers
// who wait to be brought in.
func (db *DB) textIndexed(ctx context.Context) (all, waits bool, err error) {
	if db.pg != nil { // an index of the customers' own finds what they are searched by
		return false, false, nil
	}
	var text []byte
	err = db.reader.QueryRowContext(ctx, `SELECT value, EXISTS (SELECT 1 FROM customers_waiting) FROM meta WHERE name = $1`, metaText).Scan(&text, &waits)
	s, err := parseTextState(text, err)
	return s.State == whole, waits, err
}

// await has a customer brought in later.
func (tx *Tx) await(ctx context.Context, cuid string) error {
	tx.waits = true
	if _, err := tx.ExecContext(ctx, `INSERT INTO customers_waiting (cuid) VALUES ($1) ON CONFLICT (cuid) DO NOTHING`, cuid); err != nil {
		return fmt.Errorf("have a customer wait for the text index: %w", err)
	}
	return nil
}

// unawait ends a customer's waiting, if they wait.
func (tx *Tx) unawait(ctx context.Context, cuid string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM customers_waiting WHERE cuid = $1`, cuid)
	return err
}

// indexWaiting brings some of those who wait into the text index, which is whole; more
// tells that there may be others.
func (db *DB) indexWaiting(ctx context.Context) (more bool, err error) {
	var waiting int
	err = db.reader.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM customers_waiting LIMIT $1 + 0)`, waitingLate).Scan(&waiting)
	if err != nil || waiting == 0 {
		return false, err
	}
	late := waiting == waitingLate
	err = db.writeBehind(ctx, late, func(tx *Tx) (err error) {
		enough := tx.awaited
		if late {
			enough = func() bool { return false }
		}
		more, err = tx.indexWaiting(ctx, textBatch, enough)
		return err
	})
	if err == nil && late {
		err = pause(ctx, mergePause)
	}
	return more, err
}

// indexWaiting brings n at most in, and one at least, until it is enough; more tells
// that there may be others. While the index is built, that takes them in by itself.
func (tx *Tx) indexWaiting(ctx context.Context, n int, enough func() bool) (more bool, err error) {
	s, err := tx.textState(ctx)
	if err != nil || s.State != whole {
		return false, err
	}
	type waiting struct{ cuid, key, search string }
	scan := func(row scanner) (c waiting, err error) { return c, row.Scan(&c.cuid, &c.key, &c.search) }
	some, err := collect(ctx, tx, scan, `SELECT w.cuid, c.company_key, c.search FROM customers_waiting w CROSS JOIN customers c ON c.cuid = w.cuid LIMIT $1 + 0`, n)
	if err != nil {
		return false, fmt.Errorf("read customers who wait for the text index: %w", err)
	}
	for i, c := range some {
		if i > 0 && enough() {
			return true, nil
		}
		if err := tx.unawait(ctx, c.cuid); err != nil {
			return false, err
		}
		if whole, err := tx.putText(ctx, s, c.cuid, c.key, c.search, sql.NullInt64{}); !whole || err != nil {
			return false, err
		}
	}
	return len(some) == n, nil
}

// fromWaiting joins those who wait with the customers.
const fromWaiting = ` FROM customers_waiting w CROSS JOIN customers c ON c.cuid = w.cuid`

// countText is the query that counts who is found by text, those who wait among them:
// who is brought in meanwhile is counted once.
func countText(matching expr) (query string, args []any) {
	args = append(args, matching.fts())
	where := matching.sql(&args, false)
	return `SELECT (SELECT count(*) FROM customers_text WHERE customers_text MATCH $1) +
		(SELECT count(*)` + fromWaiting + ` WHERE c.gone_at IS NULL AND ` + where + `)`, args
}

// waiting returns those who wait and fit, behind a position of an order by company, at
// most limit.
func (f *finder) waiting(ctx context.Context, matching expr, at *cursor, after, direction string, limit int) ([]ListedCustomer, error) {
	if !f.waits {
		return nil, nil
	}
	where, args := f.where, slices.Clone(f.args)
	where += " AND " + matching.sql(&args, false)
	if at != nil {
		args = append(args, at.Key, at.CUID)
		where += fmt.Sprintf(" AND (c.company_key, c.cuid) %s ($%d, $%d)", after, len(args)-1, len(args))
	}
	args = append(args, limit)
	return collect(ctx, f.db.reader, f.scan, `SELECT `+f.columns()+fromWaiting+` WHERE `+where+
		fmt.Sprintf(` ORDER BY c.company_key %[1]s, c.cuid %[1]s LIMIT $%[2]d + 0`, direction, len(args)), args...)
}

// places returns those whom the text index has, behind a position, and among them those
// who wait for it.
func (f *finder) places(ctx context.Context, matching expr, at *cursor, after, direction string, limit int) ([]ListedCustomer, error) {
	// First those who wait: who is brought in meanwhile is found twice, and not missed.
	waiting, err := f.waiting(ctx, matching, at, after, direction, limit)
	if err != nil {
		return nil, err
	}
	where, args := f.where, slices.Clone(f.args)
	args = append(args, matching.fts())
	from := fmt.Sprintf(fromText, len(args))
	if at != nil {
		place, err := f.place(ctx, at, after, direction)
		if errors.Is(err, ErrNotFound) {
			return waiting, nil
		}
		if err != nil {
			return nil, err
		}
		args = append(args, place)
		where += fmt.Sprintf(" AND customers_text.rowid %s= $%d", after, len(args))
	}
	args = append(args, limit)
	rows, err := collectInto(ctx, f.db.reader, make([]ListedCustomer, 0, limit), f.scan, `SELECT `+f.columns()+from+` AND `+where+
		fmt.Sprintf(` ORDER BY customers_text.rowid %s LIMIT $%d + 0`, direction, len(args)), args...)
	if err != nil || len(waiting) == 0 {
		return rows, err
	}
	rows = append(rows, notIn(waiting, rows)...)
	slices.SortFunc(rows, func(a, b ListedCustomer) int {
		by := cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.CUID, b.CUID))
		if direction == "DESC" {
			return -by
		}
		return by
	})
	return rows[:min(len(rows), limit)], nil
}

// notIn returns those who are not among others.
func notIn(some, others []ListedCustomer) []ListedCustomer {
	return slices.DeleteFunc(some, func(c ListedCustomer) bool {
		return slices.ContainsFunc(others, func(o ListedCustomer) bool { return o.CUID == c.CUID })
	})
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
