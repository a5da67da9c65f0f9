package desk

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"frontdesk/store/audit"
)

// Witness is what a browser has seen of the log: its head, and how many
// restores from a backup were declared by then. Every browser keeps one in its
// cookie, so that any of them exposes a log that was cut or rolled back.
type Witness struct {
	Size     int64     `json:"n"`
	Root     tlog.Hash `json:"h"`
	Restores int       `json:"r,omitempty"`
	Told     bool      `json:"t,omitempty"` // that it does not fit is on record
}

// Hear checks that what a browser has seen is a part of the log as it is, and
// returns what the browser has seen now. When it is not, it returns an alarm,
// puts that on record, and the browser keeps its evidence.
func (d *Desk) Hear(ctx context.Context, by Actor, seen Witness) (Witness, *Problem) {
	head, err := d.Store.Continues(ctx, seen.Size, seen.Root)
	if err == nil && seen.Size > 0 && seen.Size == head.Size { // nothing came since, no restore either
		seen.Told = false
		return seen, nil
	}
	if err != nil && !errors.Is(err, audit.ErrNotPrefix) {
		return seen, d.alarm(by, seen, err)
	}
	restores, failed := d.Store.Restores(ctx)
	if failed != nil {
		return seen, d.alarm(by, seen, failed)
	}
	if err != nil && !excused(seen, restores) {
		p := d.alarm(by, seen, err)
		seen.Told = seen.Told || d.tell(ctx, by, err)
		return seen, p
	}
	return Witness{Size: head.Size, Root: head.Root, Restores: len(restores)}, nil
}

// Holds tells whether what a browser has seen is a part of the log as it is. Unlike
// Hear it raises no alarm and puts nothing on record.
func (d *Desk) Holds(ctx context.Context, seen Witness) bool {
	_, err := d.Store.Continues(ctx, seen.Size, seen.Root)
	return err == nil
}

// excused tells whether a restore was declared since that explains why the log
// does not go as far, or not on as, the browser has seen. What came before the
// restore must still be the same.
func excused(seen Witness, restores []int64) bool {
	for i := seen.Restores; i < len(restores); i++ {
		if restores[i] < seen.Size {
			return true
		}
	}
	return false
}

// alarm says that the log is not what it was; nil for errors that do not tell.
func (d *Desk) alarm(by Actor, seen Witness, err error) *Problem {
	notPrefix := errors.Is(err, audit.ErrNotPrefix)
	if !notPrefix && !errors.Is(err, audit.ErrAltered) {
		d.Log.Error("check a browser's witness", "error", err, "request", by.Request)
		return nil
	}
	d.Log.Error("THE AUDIT LOG IS NOT WHAT IT WAS", "error", err, "request", by.Request, "seen", seen.Size)
	p := &Problem{
		Kind: Unrecorded, Title: "The audit log is not what it was",
		Text:   "What frontdesk finds in its database does not fit together any more: the log was changed by something else.",
		Advice: "Tell your operator at once to run \"frontdesk audit verify\", and to keep the database as it is.", Err: err,
	}
	if !notPrefix {
		return p
	}
	p.Text = SayN(int(seen.Size), "This browser has seen %s entry of the log, and the log does not go on from there: it was cut, rolled back or rewritten.",
		"This browser has seen %s entries of the log, and the log does not go on from there: it was cut, rolled back or rewritten.")
	p.Advice = "Tell your operator at once. If the database was restored from a backup, \"frontdesk audit declare-restore\" puts that on record, and this message ends."
	return p
}

// tell puts on record that a browser has seen another log, and tells whether
// that could be done.
func (d *Desk) tell(ctx context.Context, by Actor, cause error) bool {
	err := d.event(ctx, audit.Entry{Who: by.Who(), What: WhatWitness, Result: audit.Refused, Detail: cause.Error()})
	if err != nil {
		d.Log.Error("record a witness that does not fit", "error", err, "request", by.Request)
	}
	return err == nil
}
