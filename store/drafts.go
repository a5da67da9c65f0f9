package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Draft is a form that was not sent because its session ended, or that is being
// typed in a session that goes on. It holds no secret fields, and is sealed all
// the same: it is about customers.
type Draft struct {
	ID      string
	Person  string // whose it is, as portal:username
	Path    string // of the page with the form
	Post    string // where it is posted to: a page can have several forms
	Session string // public ID of the session in which it is being typed, or of none that lives; "": it was posted after the session's end
	Form    string // URL-encoded
}

// draftsKept is how many drafts a person has at most; the oldest goes first.
const draftsKept = 20

// PutDraft stores a draft.
func (tx *Tx) PutDraft(ctx context.Context, d Draft) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO drafts (id, person, path, post, session, sealed, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.ID, d.Person, d.Path, d.Post, d.Session, tx.db.seal.seal("drafts", d.ID, "sealed", text), millis(tx.db.now())); err != nil {
		return fmt.Errorf("store draft: %w", err)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM drafts WHERE person = $1 AND id NOT IN (
		SELECT id FROM drafts WHERE person = $1 ORDER BY stored_at DESC, id LIMIT $2 + 0)`, d.Person, draftsKept)
	return err
}

// ended holds for drafts whose session is over: signed out, revoked, run out
// ($3: now) or idle ($4: since when). What a living session types is its own.
const ended = `NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = drafts.session AND s.expires_at > $3 AND s.seen_at >= $4)`

// Draft opens what a person last had in the forms of a page when a session
// ended; ErrNotFound when there is nothing.
func (db *DB) Draft(ctx context.Context, person, path string, idleSince time.Time) (Draft, error) {
	var d Draft
	var id string
	var sealed []byte
	_, err := one(0, db.reader.QueryRowContext(ctx, `SELECT id, sealed FROM drafts WHERE person = $1 AND path = $2 AND `+ended+`
		ORDER BY stored_at DESC, id LIMIT 1`, person, path, millis(db.now()), millis(idleSince)).Scan(&id, &sealed))
	if err != nil {
		return d, err
	}
	text, err := db.seal.open("drafts", id, "sealed", sealed)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, err
	}
	// The columns are for finding it; who edits the file can give the row to somebody else.
	if d.Person != person || d.Path != path {
		return Draft{}, ErrNotFound
	}
	return d, nil
}

// DeleteDraft removes a draft that has been given back, and what ended sessions
// had typed in the same form before it.
func (tx *Tx) DeleteDraft(ctx context.Context, d Draft, idleSince time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM drafts WHERE id = $1 OR (person = $2 AND path = $5 AND post = $6 AND session <> '' AND `+ended+`)`,
		d.ID, d.Person, millis(tx.db.now()), millis(idleSince), d.Path, d.Post)
	return err
}

// ofForm holds for the drafts of a form; a customer's page has two addresses.
const ofForm = `person = $1 AND session = $2 AND post = $3 AND ($4 = '' OR path = $4 OR path = $4 || '/passcode')`

// HasTyped tells whether a session has a draft of a form, given as in DropTyped.
func (db *DB) HasTyped(ctx context.Context, d Draft) (bool, error) {
	var has bool
	err := db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM drafts WHERE `+ofForm+`)`, d.Person, d.Session, d.Post, d.Path).Scan(&has)
	return has, err
}

// DropTyped removes what a session has typed in a form, known by where it posts
// to and, unless that is blank, its page: it was sent, or is typed anew. Many pages
// have a form for codes.
func (tx *Tx) DropTyped(ctx context.Context, d Draft) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM drafts WHERE `+ofForm, d.Person, d.Session, d.Post, d.Path)
	return err
}

// PurgeDrafts removes the drafts stored before a time.
func (tx *Tx) PurgeDrafts(ctx context.Context, before time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM drafts WHERE stored_at < $1`, millis(before))
	return err
}
