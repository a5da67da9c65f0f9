package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Draft is a form that could not be sent because its session had ended. It
// holds no secret fields, and is sealed all the same: it is about customers.
type Draft struct {
	ID     string
	Person string // whose it is, as portal:username
	Path   string // of the page with the form
	Post   string // where it was posted to: a page can have several forms
	Form   string // URL-encoded
}

// draftsKept is how many drafts a person has at most; the oldest goes first.
const draftsKept = 20

// PutDraft stores a draft.
func (tx *Tx) PutDraft(ctx context.Context, d Draft) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO drafts (id, person, path, sealed, stored_at) VALUES ($1, $2, $3, $4, $5)`,
		d.ID, d.Person, d.Path, tx.db.seal.seal("drafts", d.ID, "sealed", text), millis(tx.db.now())); err != nil {
		return fmt.Errorf("store draft: %w", err)
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM drafts WHERE person = $1 AND id NOT IN (
		SELECT id FROM drafts WHERE person = $1 ORDER BY stored_at DESC, id LIMIT $2)`, d.Person, draftsKept)
	return err
}

// Draft opens what a person last had in the forms of a page; ErrNotFound when
// there is nothing.
func (db *DB) Draft(ctx context.Context, person, path string) (Draft, error) {
	var d Draft
	var id string
	var sealed []byte
	_, err := one(0, db.reader.QueryRowContext(ctx, `SELECT id, sealed FROM drafts WHERE person = $1 AND path = $2 ORDER BY stored_at DESC, id LIMIT 1`,
		person, path).Scan(&id, &sealed))
	if err != nil {
		return d, err
	}
	text, err := db.seal.open("drafts", id, "sealed", sealed)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}

// DeleteDraft removes a draft that has been given back.
func (tx *Tx) DeleteDraft(ctx context.Context, id string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM drafts WHERE id = $1`, id)
	return err
}

// PurgeDrafts removes the drafts stored before a time.
func (tx *Tx) PurgeDrafts(ctx context.Context, before time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM drafts WHERE stored_at < $1`, millis(before))
	return err
}
