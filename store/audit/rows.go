package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ownColumns are an entry's, without what was found out about it later.
const ownColumns = `e.id, e.at, e.act_id, e.phase, e.staff_id, e.staff_name, e.portal, e.username, e.role, e.session, e.address, e.user_agent,
	e.request_id, e.what, e.on_id, e.on_name, e.on_email, e.reason, e.service, e.status, e.duration, e.outcome, e.detail, e.changes,
	e.evidence`

// columns are what list reads.
const columns = `e.id, ` + ownAsOneText + `, coalesce((SELECT c.state FROM open_creates c WHERE c.act_id = e.act_id), '')`

// each calls f for the entries after one, in order, until f fails. The entry
// that f gets is overwritten by the next.
func each(ctx context.Context, q Querier, after int64, f func(e *Entry) error) error {
	return between(ctx, q, after, math.MaxInt64, f)
}

// errRow means that a row holds what no entry has: SQLite keeps anything in any
// column.
var errRow = errors.New("a column holds what is never written there")

// maxDuration is the longest that an entry can say, in milliseconds.
const maxDuration = math.MaxInt64 / int64(time.Millisecond)

// The columns come as one text each row, with a separator between any two: to
// fetch 25 values from SQLite takes longer than all the rest. A row whose texts hold the separator is fetched by its columns.
const (
	separator    = "\x1f"
	ownAsOneText = `concat_ws('` + separator + `', ` + ownColumns + `)`
)

// between is each up to the entry with the ID to.
func between(ctx context.Context, q Querier, after, to int64, f func(e *Entry) error) error {
	rows, err := q.QueryContext(ctx, `SELECT e.id, `+ownAsOneText+` FROM audit_entries e WHERE e.id > $1 AND e.id <= $2 ORDER BY e.id`, after, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	var e Entry
	var id any // any: database/sql would write a number out and read it again
	var text string
	var parts [ownCount]string
	for rows.Next() {
		if err := rows.Scan(&id, &text); err != nil {
			return fmt.Errorf("%w: %w", errRow, err)
		}
		if split(text, &parts) {
			err = e.fromParts(&parts)
		} else {
			e, err = byColumns(ctx, q, id)
		}
		if err != nil {
			return err
		}
		if err := f(&e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ownCount is how many own columns there are.
const ownCount = 25

// split takes a text apart at its separators; false when these are not as many
// as there are between the columns.
func split(text string, parts *[ownCount]string) bool {
	for i := range ownCount - 1 {
		at := strings.IndexByte(text, separator[0])
		if at < 0 {
			return false
		}
		parts[i], text = text[:at], text[at+1:]
	}
	parts[ownCount-1] = text
	return strings.IndexByte(text, separator[0]) < 0
}

// fromParts fills e in from its columns' texts.
func (e *Entry) fromParts(p *[ownCount]string) error {
	var numbers [6]int64
	for i, at := range [6]int{0, 1, 4, 19, 20, 24} {
		n, err := strconv.ParseInt(p[at], 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %q for a number", errRow, clip(p[at], 40))
		}
		numbers[i] = n
	}
	if ms := numbers[4]; ms > maxDuration || ms < -maxDuration { // multiplied, it would pass for another
		return fmt.Errorf("%w: a duration of %d ms", errRow, ms)
	}
	*e = Entry{
		ID: numbers[0], At: time.UnixMilli(numbers[1]).UTC(), Act: p[2], Phase: Phase(p[3]),
		Who: Who{
			StaffID: numbers[2], Name: p[5], Portal: p[6], Username: p[7], Role: p[8], Session: p[9], Address: p[10], Agent: p[11], Request: p[12],
		},
		What: p[13], On: Subject{ID: p[14], Name: p[15], Email: p[16]}, Reason: p[17], Service: p[18], Status: int(numbers[3]),
		Duration: time.Duration(numbers[4]) * time.Millisecond, Result: Result(p[21]), Detail: p[22], Changes: p[23],
		Evidence: numbers[5],
	}
	return nil
}

// byColumns reads one entry column by column.
func byColumns(ctx context.Context, q Querier, id any) (Entry, error) {
	var parts [ownCount]string
	into := make([]any, ownCount)
	for i := range parts {
		into[i] = &parts[i]
	}
	var e Entry
	if err := q.QueryRowContext(ctx, `SELECT `+ownColumns+` FROM audit_entries e WHERE e.id = $1`, id).Scan(into...); err != nil {
		return e, fmt.Errorf("%w: %w", errRow, err)
	}
	return e, e.fromParts(&parts)
}
