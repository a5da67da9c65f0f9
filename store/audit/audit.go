// Package audit keeps the log of everything that staff do: an entry of intent
// before a call goes out, an entry of outcome after it, and single entries for
// events. Entries are only ever appended; triggers in the database refuse
// anything else. No entry holds a password, token, key, passcode, SMS code or
// SSO link: callers give only what the fields below name.
package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Phase tells an act's two entries from a single event.
type Phase string

const (
	Intent  Phase = "intent"  // written before the call
	Outcome Phase = "outcome" // written after it, with the same act ID
	Event   Phase = "event"   // something that is over at once: a sign-out, a denial
)

// Result is how an act ended.
type Result string

const (
	Done        Result = "done"        // the service did it
	Refused     Result = "refused"     // the service said no
	Unreachable Result = "unreachable" // nothing was sent
	Unknown     Result = "unknown"     // sent, but no answer: it may have happened
	Denied      Result = "denied"      // frontdesk itself said no
)

// Results are all results, in the order in which a page offers them.
var Results = []Result{Done, Refused, Unreachable, Unknown, Denied}

// Who is the person who acts, as known at the time. The zero value is
// frontdesk itself, or somebody unknown.
type Who struct {
	StaffID  int64
	Name     string
	Portal   string
	Username string
	Role     string
	Session  string // the session's public ID, never its token
	Address  string
	Agent    string // User-Agent
	Request  string // request ID
}

// Subject is on whom or what one acts.
type Subject struct {
	ID    string // a cuid, or "staff:7", "sms:12", "session:…"
	Name  string
	Email string
}

// Entry is one line of the log.
type Entry struct {
	ID       int64     // set by Append
	At       time.Time // UTC, milliseconds
	Act      string
	Phase    Phase
	Who      Who
	What     string // the act: "sign-in", "sso", "create customer" …
	On       Subject
	Reason   string // as the person gave it
	Service  string // "portal", "atom", "ip1" or ""
	Status   int    // the service's HTTP status; 0 when there was none
	Duration time.Duration
	Result   Result // empty on an intent
	Detail   string // a sentence, or the service's own message
	Changes  string // old → new, as JSON
	Settled  string // on reading: what a later sync found out about an unknown create
}

// Execer is a write transaction.
type Execer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Querier reads.
type Querier interface {
	Execer
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Append adds e to the log within tx and sets e.ID. The entry is acknowledged
// once that transaction is committed.
func Append(ctx context.Context, tx Execer, e *Entry) error {
	err := tx.QueryRowContext(ctx, `
		INSERT INTO audit_entries (
			at, act_id, phase, staff_id, staff_name, portal, username, role, session,
			address, user_agent, request_id, what, on_id, on_name, on_email,
			reason, service, status, duration, outcome, detail, changes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		RETURNING id`,
		e.At.UnixMilli(), e.Act, e.Phase, e.Who.StaffID, e.Who.Name, e.Who.Portal, e.Who.Username, e.Who.Role, e.Who.Session,
		e.Who.Address, clip(e.Who.Agent, 300), e.Who.Request, e.What, e.On.ID, e.On.Name, e.On.Email,
		clip(e.Reason, 2000), e.Service, e.Status, e.Duration.Milliseconds(), e.Result, clip(e.Detail, 2000), e.Changes,
	).Scan(&e.ID)
	if err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return nil
}

// clip bounds what comes from outside; a runaway header must not fill the disk.
func clip(s string, runes int) string {
	if len(s) <= runes {
		return s
	}
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

const columns = `e.id, e.at, e.act_id, e.phase, e.staff_id, e.staff_name, e.portal, e.username, e.role, e.session,
	e.address, e.user_agent, e.request_id, e.what, e.on_id, e.on_name, e.on_email,
	e.reason, e.service, e.status, e.duration, e.outcome, e.detail, e.changes,
	coalesce((SELECT c.state FROM open_creates c WHERE c.act_id = e.act_id), '')`

func scan(row interface{ Scan(...any) error }) (Entry, error) {
	var e Entry
	var at, duration int64
	err := row.Scan(&e.ID, &at, &e.Act, &e.Phase, &e.Who.StaffID, &e.Who.Name, &e.Who.Portal, &e.Who.Username, &e.Who.Role, &e.Who.Session,
		&e.Who.Address, &e.Who.Agent, &e.Who.Request, &e.What, &e.On.ID, &e.On.Name, &e.On.Email,
		&e.Reason, &e.Service, &e.Status, &duration, &e.Result, &e.Detail, &e.Changes, &e.Settled)
	e.At = time.UnixMilli(at).UTC()
	e.Duration = time.Duration(duration) * time.Millisecond
	return e, err
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
