package handlers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"frontdesk/views"
	"frontdesk/views/lang"
)

// How many requests are worked on at once. There are more places than all services
// together may keep calls hanging (web/call), so that pages are left some then. What
// comes beyond is answered with 503 before it costs memory. Streams of events, which
// stay, have a bound of their own (events.go) and take none of these places.
const (
	requestsMost  = 256
	requestsEach  = 192 // of one address, so that it cannot keep all others out
	requestsQueue = 256 // that wait for a place
	requestsWait  = time.Second
	busyAgain     = 5 * time.Second // after which it is worth another try
)

// crowd counts the requests that are worked on.
type crowd struct {
	places  *semaphore.Weighted
	by      share // the same by address
	each    int
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
	under   atomic.Int64
}

func newCrowd(most int64, each int, queue int64, wait time.Duration) *crowd {
	return &crowd{places: semaphore.NewWeighted(most), each: each, queue: queue, wait: wait}
}

// enter waits briefly for a place, and returns how to give it back, which is to be
// called once; nil when there is none.
func (c *crowd) enter(ctx context.Context, address string, waits bool) (leave func()) {
	if !c.by.take(address, c.each) {
		return nil
	}
	if !c.places.TryAcquire(1) && !(waits && c.await(ctx)) {
		c.by.give(address)
		return nil
	}
	c.under.Add(1)
	return func() {
		c.under.Add(-1)
		c.places.Release(1)
		c.by.give(address)
	}
}

func (c *crowd) await(ctx context.Context) bool {
	defer c.waiting.Add(-1)
	if c.waiting.Add(1) > c.queue {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	return c.places.Acquire(ctx, 1) == nil
}

// errBusy is why a request was turned away, for the log.
var errBusy = errors.New("too many requests are under way")

// bounded works on so many requests at once and turns the others away, before
// anything of them was read or begun. What only tells that frontdesk is there, and
// the assets, cost next to nothing and are always answered.
func (h *Handlers) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isBare(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		v := visitOf(r)
		if v.leave = h.crowd.enter(r.Context(), h.address(r), !v.Ahead); v.leave == nil {
			h.turnAway(w, r, "page")
			return
		}
		defer v.left()
		next.ServeHTTP(w, r)
	})
}

// left gives the place among the requests back; streams of events do that as soon as
// they begin.
func (v *visit) left() {
	if v.leave != nil {
		v.leave()
		v.leave = nil
	}
}

// turnAway says that frontdesk has too much to do, at the least cost: without the
// layout, the session or the database. Nothing was begun.
func (h *Handlers) turnAway(w http.ResponseWriter, r *http.Request, what string) {
	v := visitOf(r)
	v.failed, v.Route = errBusy, cmp.Or(v.Route, "none")
	h.metrics.turned.WithLabelValues(what).Inc()
	w.Header().Set("Retry-After", seconds(busyAgain))
	if v.Ahead {
		h.later(w)
		return
	}
	// net/http reads on what is left of a body, for as long as this lets it.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.bodyLimit)) // a test's recorder has none
	ctx := lang.With(r.Context(), h.texts.Choose(h.readPrefs(r).Lang, r.Header.Get("Accept-Language")))
	kind, show := "text/plain", views.BusyText()
	if !isFragment(r) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		kind, show = "text/html", views.Busy()
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Vary", "Accept, Accept-Language, HX-Request")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = show.Render(ctx, w) // a reader who left needs no answer
}
