package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"frontdesk/store"
)

// standBy waits until this process is the one that serves from the database. Until
// then it says that it is alive, and not ready.
func standBy(a *app, db *store.DB, listener *net.TCPListener) error {
	var waiting *http.Server
	err := db.Claim(a.ctx, func() {
		a.log.Info("another frontdesk serves from this database; waiting to take its place")
		waiting = &http.Server{Handler: http.HandlerFunc(notYet), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
		go waiting.Serve(lent{listener}) //nolint:errcheck // it ends with Shutdown
	})
	if waiting == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), time.Second)
	defer cancel()
	if waiting.Shutdown(ctx) != nil {
		waiting.Close()
	}
	return errors.Join(err, listener.SetDeadline(time.Time{}))
}

// notYet answers while another process serves.
func notYet(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		fmt.Fprintln(w, "ok")
		return
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, "Another frontdesk serves from this database. This one waits to take its place.", http.StatusServiceUnavailable)
}

// lent is a listener that somebody else goes on with.
type lent struct{ *net.TCPListener }

// Close ends Accept, and closes nothing.
func (l lent) Close() error { return l.SetDeadline(time.Unix(1, 0)) }
