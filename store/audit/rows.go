package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// ownColumns are an entry's, without what was found out about it later.
const ownColumns = `id, at, act_id, phase, staff_id, staff_name, portal, username, role, session, address, user_agent, request_id,
	what, on_id, on_name, on_email, reason, service, status, duration, outcome, detail, changes`

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

// between is each up to the entry with the ID to.
func between(ctx context.Context, q Querier, after, to int64, f func(e *Entry) error) error {
	rows, err := q.QueryContext(ctx, `SELECT `+ownColumns+` FROM audit_entries WHERE id > $1 AND id <= $2 ORDER BY id`, after, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	var e Entry
	var at, duration int64
	into := []any{
		&e.ID, &at, &e.Act, &e.Phase, &e.Who.StaffID, &e.Who.Name, &e.Who.Portal, &e.Who.Username, &e.Who.Role, &e.Who.Session,
		&e.Who.Address, &e.Who.Agent, &e.Who.Request, &e.What, &e.On.ID, &e.On.Name, &e.On.Email,
		&e.Reason, &e.Service, &e.Status, &duration, &e.Result, &e.Detail, &e.Changes,
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("%w: %w", errRow, err)
		}
		if duration > maxDuration || duration < -maxDuration { // multiplied, it would pass for another
			return fmt.Errorf("%w: a duration of %d ms", errRow, duration)
		}
		e.At, e.Duration = time.UnixMilli(at).UTC(), time.Duration(duration)*time.Millisecond
		if err := f(&e); err != nil {
			return err
		}
	}
	return rows.Err()
}
