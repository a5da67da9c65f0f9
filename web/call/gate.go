package call

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/semaphore"
)

// How many calls of a client may be under way at once. Each kind has places of its
// own, so that rows of imports and long lists never keep a person's act waiting.
const (
	peoplePlaces = 64
	jobPlaces    = 32
	listPlaces   = 8
)

// What a call that was turned away met. Both are the cause of an Unreachable error:
// it is certain that nothing was sent.
var (
	// ErrHeld: several calls in a row have failed, and this one was held back.
	ErrHeld = errors.New("held back, because the calls before it failed")
	// ErrFull: too many calls are under way, and no place came free in time.
	ErrFull = errors.New("too many calls are under way")
)

// gate stands before the calls of a client that are of one class. The acts and the
// short reads have one, the long lists another: a list that times out says little
// of the acts, which ask for a hundred-thousandth of it, and must not stop them;
// and acts that work must not hide that the list does not.
type gate struct {
	service string
	class   string // "acts" or "lists"
	places  *semaphore.Weighted
	jobs    *semaphore.Weighted // for ForJob's calls; nil: they take the others
	wait    time.Duration
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: nothing is held back
	until   atomic.Int64                               // when the latest rest ends, in Unix nanoseconds
}

func newGate(service, class string, places, jobs int64, limits Limits) *gate {
	g := &gate{service: service, class: class, places: semaphore.NewWeighted(places), wait: limits.Place}
	if jobs > 0 {
		g.jobs = semaphore.NewWeighted(jobs)
	}
	if limits.Failures < 0 {
		return g
	}
	g.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, // one real call tries whether the service is back; none is made up for that
		Timeout:     limits.Rest,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= limits.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errSaysNothing) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				g.until.Store(time.Now().Add(limits.Rest).UnixNano())
			}
		},
	})
	return g
}

// errSaysNothing is the end of a call that tells nothing about the service.
var errSaysNothing = errors.New("says nothing about the service")

type jobKey struct{}

// ForJob returns a context whose calls are a job's and nobody waits for them: they
// have places of their own.
func ForJob(ctx context.Context) context.Context { return context.WithValue(ctx, jobKey{}, true) }

// enter waits for a place and lets one call through. leave is to be called once,
// with how the call ended. When the call is turned away, err is ErrHeld, with the
// time until it is worth another try if that is known, ErrFull or the context's.
func (g *gate) enter(ctx context.Context) (leave func(verdict error), again time.Duration, err error) {
	if g.state() == gobreaker.StateOpen { // at once, also when calls that hang have all places
		return nil, g.rests(), ErrHeld
	}
	places := g.places
	if g.jobs != nil && ctx.Value(jobKey{}) != nil {
		places = g.jobs
	}
	waiting, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	if places.Acquire(waiting, 1) != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, ErrFull
	}
	done := func(error) {}
	if g.breaker != nil {
		if done, err = g.breaker.Allow(); err != nil {
			places.Release(1)
			return nil, g.rests(), ErrHeld
		}
	}
	return func(verdict error) {
		done(verdict)
		places.Release(1)
	}, 0, nil
}

func (g *gate) state() gobreaker.State {
	if g.breaker == nil {
		return gobreaker.StateClosed
	}
	return g.breaker.State()
}

// rests is for how long calls are held back yet; 0 once one may try.
func (g *gate) rests() time.Duration {
	return max(0, time.Until(time.Unix(0, g.until.Load())))
}

// verdict is what the end of a call says about the service: nil that it is there,
// errSaysNothing neither way, and any other that it is in trouble.
func (x *exchange) verdict(err error) error {
	var e *Error
	switch {
	case x.caller.Err() != nil: // the caller gave up, or gave less time than the service may take
		return errSaysNothing
	case err == nil:
		return nil
	case !errors.As(err, &e): // the caller's own
		return errSaysNothing
	case e.Kind == Refused && (e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests):
		return errSaysNothing // it is there and has said what the matter is
	case e.Kind == Refused:
		return nil
	case errors.Is(e.Err, errNotBuilt):
		return errSaysNothing
	case x.broke, e.Status >= http.StatusInternalServerError:
		return e
	}
	return errSaysNothing // a whole answer that cannot be used: perhaps only this customer's
}
