package handlers

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"
)

// How a part of a page is kept up to date.
const (
	eventsEvery   = 700 * time.Millisecond // how often it is looked at
	eventsBeat    = 10 * time.Second       // a sign of life, and the time to look whether the reader may still see it
	eventsTimeout = 10 * time.Second       // for one message to be fetched
	eventsMost    = 500                    // readers at once; others come to it when one of them has left
	eventsEach    = 10                     // of one session
)

// live is a part of a page as it is now, and whether it has come to its end.
type live func(ctx context.Context) (part templ.Component, done bool, err error)

// events sends a part of a page whenever it has changed, as server-sent events:
// "part" with its HTML, and a last "end". It ends with the reader, their
// session, and frontdesk; the page's script takes it up again unless it was the
// end. What it says never keeps a session alive.
func (h *Handlers) events(w http.ResponseWriter, r *http.Request, now live) error {
	session := visitOf(r).Actor.Session
	if !h.listening.take(session, eventsEach) {
		h.turnAway(w, r, "stream") // the page's script tries again by and by
		return nil
	}
	defer h.listening.give(session)
	if h.listeners.Add(1) > eventsMost {
		h.listeners.Add(-1)
		h.turnAway(w, r, "stream")
		return nil
	}
	defer h.listeners.Add(-1)
	visitOf(r).left() // it stays, and must not keep pages from being served
	ctx, control := apart(r.Context()), http.NewResponseController(w)
	var sent []byte
	send := func(event string, body []byte) error {
		_ = control.SetWriteDeadline(time.Now().Add(eventsTimeout)) // a test's recorder has none
		if _, err := w.Write(message(event, body)); err != nil {
			return err
		}
		return control.Flush()
	}
	part := func() (done bool, err error) {
		c, done, err := now(ctx)
		if err != nil {
			return false, err
		}
		var body bytes.Buffer
		if err := c.Render(ctx, &body); err != nil {
			return false, err
		}
		if !bytes.Equal(body.Bytes(), sent) {
			sent = bytes.Clone(body.Bytes())
			return done, send("part", sent)
		}
		return done, nil
	}

	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hand it on at once
	w.WriteHeader(http.StatusOK)
	tick, beat := time.NewTicker(eventsEvery), time.NewTicker(eventsBeat)
	defer tick.Stop()
	defer beat.Stop()
	for {
		done, err := part()
		if err == nil && done {
			err = send("end", nil)
		}
		if err != nil || done {
			return h.unheard(r, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-h.Desk.Stopping():
			return nil
		case <-tick.C:
		case <-beat.C:
			if !h.stillIn(ctx, visitOf(r)) {
				return nil
			}
			if err := send("beat", nil); err != nil {
				return h.unheard(r, err)
			}
		}
	}
}

// unheard notes why a stream broke off; the page for errors comes too late.
func (h *Handlers) unheard(r *http.Request, err error) error {
	if err != nil && r.Context().Err() == nil {
		visitOf(r).failed = err
	}
	return nil
}

// stillIn tells whether the reader's session goes on, and their role is as it was.
func (h *Handlers) stillIn(ctx context.Context, v *visit) bool {
	session, err := h.Store.Session(ctx, v.Actor.Session)
	if err != nil || h.Now().Sub(session.SeenAt) > h.Desk.Idle || !h.Now().Before(v.Ends) {
		return false
	}
	staff, err := h.Store.Staff(ctx, v.Actor.Staff.ID)
	return err == nil && staff.Active && staff.Role == v.Actor.Staff.Role
}

// message is one event. A body's lines are lines of the event's data.
func message(event string, body []byte) []byte {
	m := []byte("event: " + event + "\n")
	for line := range bytes.Lines(body) {
		m = append(m, "data: "...)
		m = append(m, bytes.TrimRight(line, "\r\n")...)
		m = append(m, '\n')
	}
	if len(body) == 0 {
		m = append(m, "data:\n"...)
	}
	return append(m, '\n')
}
