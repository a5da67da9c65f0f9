package audit

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ownColumns are an entry's, without what was found out about it later.
const ownColumns = `id, at, act_id, phase, staff_id, staff_name, portal, username, role, session, address, user_agent, request_id,
	what, on_id, on_name, on_email, reason, service, status, duration, outcome, detail, changes`

// each calls f for the entries after one, in order, until f fails. The entry
// that f gets is overwritten by the next.
func each(ctx context.Context, q Querier, after int64, f func(e *Entry) error) error {
	return between(ctx, q, after, math.MaxInt64, f)
}

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
			return err
		}
		e.At, e.Duration = time.UnixMilli(at).UTC(), time.Duration(duration)*time.Millisecond
		if err := f(&e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Filter narrows a listing. Zero fields do not narrow.
type Filter struct {
	StaffID int64  // only this person's acts
	Who     string // a fragment of name or username
	What    string // exact
	On      string // an exact ID or e-mail, or a fragment of the name
	OnID    string // exact
	Result  Result
	Service string
	Effect  bool      // only acts that may have changed something at a service
	From    time.Time // inclusive
	To      time.Time // exclusive
	Text    string    // a fragment of anything that a person reads
	Before  int64     // entries older than this ID
	Limit   int
}

// List returns acts and events, newest first: an act that is over shows once,
// as its outcome; one that is under way as its intent.
func List(ctx context.Context, q Querier, f Filter) ([]Entry, error) {
	where := []string{`(e.phase <> 'intent' OR NOT EXISTS (
		SELECT 1 FROM audit_entries o WHERE o.act_id = e.act_id AND o.phase = 'outcome'))`}
	var args []any
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	if f.StaffID != 0 {
		add(`e.staff_id = ?`, f.StaffID)
	}
	if f.Who != "" {
		who := like(f.Who)
		add(`(lower(e.staff_name) LIKE ? ESCAPE '\' OR e.username LIKE ? ESCAPE '\')`, who, who)
	}
	if f.What != "" {
		add(`e.what = ?`, f.What)
	}
	if f.On != "" {
		add(`(e.on_id = ? OR lower(e.on_email) LIKE ? ESCAPE '\' OR lower(e.on_name) LIKE ? ESCAPE '\')`, f.On, pattern(f.On), like(f.On))
	}
	if f.OnID != "" {
		add(`e.on_id = ?`, f.OnID)
	}
	if f.Result != "" {
		add(`e.outcome = ?`, f.Result)
	}
	if f.Service != "" {
		add(`e.service = ?`, f.Service)
	}
	if f.Effect {
		add(`e.service IN ('atom', 'ip1') AND e.what <> 'read live record'`)
	}
	if !f.From.IsZero() {
		add(`e.at >= ?`, f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		add(`e.at < ?`, f.To.UnixMilli())
	}
	if f.Text != "" {
		text := like(f.Text)
		add(`(lower(e.staff_name) LIKE ? ESCAPE '\' OR e.username LIKE ? ESCAPE '\' OR e.what LIKE ? ESCAPE '\'
			OR lower(e.on_name) LIKE ? ESCAPE '\' OR lower(e.on_email) LIKE ? ESCAPE '\' OR lower(e.on_id) LIKE ? ESCAPE '\'
			OR lower(e.reason) LIKE ? ESCAPE '\' OR lower(e.detail) LIKE ? ESCAPE '\' OR e.address LIKE ? ESCAPE '\'
			OR lower(e.request_id) LIKE ? ESCAPE '\')`,
			text, text, text, text, text, text, text, text, text, text)
	}
	if f.Before != 0 {
		add(`e.id < ?`, f.Before)
	}
	args = append(args, f.Limit)
	return list(ctx, q, fmt.Sprintf(`SELECT %s FROM audit_entries e WHERE %s ORDER BY e.id DESC LIMIT $%d`,
		columns, strings.Join(where, " AND "), len(args)), args...)
}

// like makes a pattern that matches text anywhere.
func like(text string) string { return "%" + pattern(text) + "%" }

// pattern makes a pattern that matches text in any case, its own wildcards
// quoted. SQLite's lower knows ASCII only, so any other letter matches any one
// character: rather an entry too many than "Örebro" not found. SQLite bounds a
// pattern's length.
func pattern(text string) string {
	text = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(clip(text, 300)))
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && unicode.IsLetter(r) {
			return '_'
		}
		return r
	}, text)
}

func list(ctx context.Context, q Querier, query string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var all []Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// Get returns one entry; sql.ErrNoRows when there is none.
func Get(ctx context.Context, q Querier, id int64) (Entry, error) {
	return scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM audit_entries e WHERE e.id = $1`, id))
}

// Act returns all entries of one act, oldest first.
func Act(ctx context.Context, q Querier, act string) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.act_id = $1 ORDER BY e.id`, act)
}

// Open returns the intents that have no outcome, oldest first.
func Open(ctx context.Context, q Querier) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.phase = 'intent' AND NOT EXISTS (
		SELECT 1 FROM audit_entries o WHERE o.act_id = e.act_id AND o.phase = 'outcome') ORDER BY e.id`)
}

// OpenOn returns the intents of one kind that have no outcome.
func OpenOn(ctx context.Context, q Querier, what string) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.what = $1 AND e.phase = 'intent' AND NOT EXISTS (
		SELECT 1 FROM audit_entries o WHERE o.act_id = e.act_id AND o.phase = 'outcome') ORDER BY e.id`, what)
}

// Whats returns the kinds of act that the log holds, for a filter's choices.
func Whats(ctx context.Context, q Querier) ([]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT DISTINCT what FROM audit_entries ORDER BY what`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			return nil, err
		}
		all = append(all, what)
	}
	return all, rows.Err()
}

// Day is how much happened on one UTC day.
type Day struct {
	Date   time.Time
	Done   int
	Failed int // everything that ended otherwise
}

// Activity counts outcomes and events of the days since from; staffID 0 counts
// everybody's. Days without any are left out.
func Activity(ctx context.Context, q Querier, from time.Time, staffID int64) ([]Day, error) {
	const day = 24 * 60 * 60 * 1000
	rows, err := q.QueryContext(ctx, `
		SELECT at / $1 AS day, sum(CASE WHEN outcome = 'done' THEN 1 ELSE 0 END), sum(CASE WHEN outcome = 'done' THEN 0 ELSE 1 END)
		FROM audit_entries
		WHERE at >= $2 AND phase <> 'intent' AND staff_id <> 0 AND ($3 = 0 OR staff_id = $3)
		GROUP BY day ORDER BY day`, int64(day), from.UnixMilli(), staffID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Day
	for rows.Next() {
		var d Day
		var n int64
		if err := rows.Scan(&n, &d.Done, &d.Failed); err != nil {
			return nil, err
		}
		d.Date = time.UnixMilli(n * day).UTC()
		all = append(all, d)
	}
	return all, rows.Err()
}
