// Package audit keeps the log of everything that staff do: an entry of intent
// before a call goes out, an entry of outcome after it, and single entries for
// events. Entries are only ever appended; triggers in the database refuse
// anything else. No entry holds a password, token, key, passcode, SMS code or
// SSO link: callers give only what the fields below name.
package audit

import (
	"context"
	"database/sql"
	"strings"
	"time"
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

// A restore from a backup is declared by an entry of this kind, whose subject's
// ID says how many of the log's first entries came from the backup.
const (
	WhatRestore = "declare restore"
	RestoredTo  = "log:%d"
)

// Entry is one line of the log.
type Entry struct {
	ID       int64     // 1 for the first, without gaps; set by Append
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
	Evidence int64  // ID of the entry that proves who the caller was; 0: none
	Settled  string // on reading: what a later sync found out about an unknown create
}

// Querier reads; a pool of connections and a transaction both do.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Writer writes within a transaction.
type Writer interface {
	Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// What comes from outside is bounded, in runes; a runaway header must not fill
// the disk.
const (
	maxAgent = 300
	maxText  = 2000
)

// clean makes of e what the database gives back: bounded texts of valid UTF-8
// without zero bytes, whole milliseconds. It tells whether a text was none.
func (e *Entry) clean() (odd bool) {
	for _, text := range e.texts() {
		if !utf8.ValidString(*text) || strings.IndexByte(*text, 0) >= 0 {
			odd = true
			*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	e.Who.Agent, e.Reason, e.Detail = clip(e.Who.Agent, maxAgent), clip(e.Reason, maxText), clip(e.Detail, maxText)
	e.At, e.Duration = e.At.UTC().Truncate(time.Millisecond), e.Duration.Truncate(time.Millisecond)
	return odd
}

func (e *Entry) texts() []*string {
	return []*string{
		&e.Act, &e.Who.Name, &e.Who.Portal, &e.Who.Username, &e.Who.Role, &e.Who.Session, &e.Who.Address, &e.Who.Agent, &e.Who.Request,
		&e.What, &e.On.ID, &e.On.Name, &e.On.Email, &e.Reason, &e.Service, &e.Detail, &e.Changes,
	}
}

func clip(s string, runes int) string {
	if len(s) <= runes {
		return s
	}
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

// insert adds e, whose ID is set, to the table.
func insert(ctx context.Context, tx Writer, e *Entry) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO audit_entries (
			id, at, act_id, phase, staff_id, staff_name, portal, username, role, session,
			address, user_agent, request_id, what, on_id, on_name, on_email,
			reason, service, status, duration, outcome, detail, changes, evidence)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		e.ID, e.At.UnixMilli(), e.Act, string(e.Phase), e.Who.StaffID, e.Who.Name, e.Who.Portal, e.Who.Username, e.Who.Role, e.Who.Session,
		e.Who.Address, e.Who.Agent, e.Who.Request, e.What, e.On.ID, e.On.Name, e.On.Email,
		e.Reason, e.Service, e.Status, e.Duration.Milliseconds(), string(e.Result), e.Detail, e.Changes, e.Evidence)
	return err
}
