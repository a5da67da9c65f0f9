package desk

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// How the log is streamed out.
const (
	streamPoll  = time.Second // how often a stream that is up to date looks for more
	streamBatch = 200         // entries handed over at a time
	backoffMin  = time.Second
	backoffMax  = 5 * time.Minute
)

// Sink is a place outside that the audit log is streamed to.
type Sink interface {
	// Name is "file" or "webhook"; the stream's mark is kept under it.
	Name() string
	// Target says where to, without any secret.
	Target() string
	// Deliver hands over entries, oldest first, and returns how many of them,
	// counted from the first, have been taken for good. Without an error that
	// is one or more.
	Deliver(ctx context.Context, entries []audit.Entry) (taken int, err error)
}

// StreamState is how a stream of the log does.
type StreamState struct {
	Name, Target string
	Behind       int       // entries that it has not delivered
	OldestAt     time.Time // when the first of them was written: the lag; zero when there is none
	FailingSince time.Time // zero while it works
	LastError    Text      // why it fails; "" while it works
	DeliveredAt  time.Time // when entries were last taken; zero before the first
}

// Streams tells how the streams of the log do, as of a second ago at most, or of
// the delivery under way.
func (d *Desk) Streams() []StreamState {
	var all []StreamState
	for _, s := range d.streams {
		s.mu.Lock()
		all = append(all, s.state)
		s.mu.Unlock()
	}
	return all
}

// stream hands the log to one sink: every entry, in order, at least once. Its
// mark moves after a delivery, so a crash between the two repeats that delivery
// and loses nothing.
type stream struct {
	desk   *Desk
	sink   Sink
	sleep  func(ctx context.Context, d time.Duration)
	random func() float64 // 0 or more, less than 1

	known   bool          // upto has been read from the mark
	upto    int64         // the last entry that was taken
	marked  int64         // the same, as the database knows it
	waiting []audit.Entry // to be delivered next: a repeat is the same request, which a receiver can tell
	fails   int           // in a row

	mu    sync.Mutex
	state StreamState
}

func newStream(d *Desk, sink Sink) *stream {
	return &stream{desk: d, sink: sink, sleep: sleep, random: rand.Float64, state: StreamState{Name: sink.Name(), Target: sink.Target()}}
}

// mark is the name that the stream's mark is stored under.
func (s *stream) mark() string { return "stream " + s.sink.Name() }

// run streams until ctx is done.
func (s *stream) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !s.desk.Store.Leads() { // another replica delivers
			s.watch(ctx)
			s.pause(ctx, streamPoll)
			s.known = false // it may have come further
			continue
		}
		more, err := s.step(ctx)
		if ctx.Err() != nil {
			return
		}
		s.note(err)
		s.look(ctx)
		switch {
		case err != nil:
			s.pause(ctx, s.backoff(err))
		case !more:
			s.pause(ctx, streamPoll)
		}
	}
}

// watch keeps in mind how far another replica has come with the stream.
func (s *stream) watch(ctx context.Context) {
	mark, err := s.desk.Store.StreamMark(ctx, s.mark())
	if err != nil {
		return
	}
	s.known, s.upto, s.marked, s.waiting, s.fails = true, mark.Upto, mark.Upto, nil, 0
	s.change(func(state *StreamState) {
		state.DeliveredAt, state.FailingSince, state.LastError = mark.At, time.Time{}, ""
	})
	s.look(ctx)
}

// step delivers the next entries, if there are any, and moves the mark. more
// says that there may be others.
func (s *stream) step(ctx context.Context) (more bool, err error) {
	if !s.known {
		mark, err := s.desk.Store.StreamMark(ctx, s.mark())
		if err != nil {
			return false, err
		}
		s.known, s.upto, s.marked = true, mark.Upto, mark.Upto
		s.change(func(state *StreamState) { state.DeliveredAt = mark.At })
		s.look(ctx)
	}
	if s.marked != s.upto { // taken, but the mark could not be moved then
		return true, s.moveMark(ctx)
	}
	if len(s.waiting) == 0 {
		if s.waiting, err = s.desk.Store.EntriesAfter(ctx, s.upto, streamBatch); err != nil || len(s.waiting) == 0 {
			return false, err
		}
	}
	taken, err := s.sink.Deliver(ctx, s.waiting)
	if err == nil && taken < 1 {
		err = errors.New("nothing was taken")
	}
	if taken < 1 {
		return false, err
	}
	s.upto, s.waiting = s.waiting[taken-1].ID, s.waiting[taken:]
	s.change(func(state *StreamState) { state.DeliveredAt = s.desk.Now() })
	return true, errors.Join(err, s.moveMark(ctx))
}

func (s *stream) moveMark(ctx context.Context) error {
	err := s.desk.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetStreamMark(ctx, s.mark(), s.upto) })
	if err == nil {
		s.marked = s.upto
	}
	return err
}

// note keeps how the last step went, and logs when that changes.
func (s *stream) note(err error) {
	var since time.Time
	s.change(func(state *StreamState) {
		since = state.FailingSince
		switch {
		case err == nil:
			state.FailingSince, state.LastError = time.Time{}, ""
		case since.IsZero():
			state.FailingSince = s.desk.Now()
			fallthrough
		default:
			state.LastError = whyFailing(err)
		}
	})
	switch {
	case err == nil && !since.IsZero():
		s.desk.Log.Info("the audit log streams again", "to", s.sink.Name(), "target", s.sink.Target(), "after", s.desk.Now().Sub(since))
	case err != nil && since.IsZero():
		s.desk.Log.Warn("the audit log cannot be streamed; it is tried again", "to", s.sink.Name(), "target", s.sink.Target(), "error", err)
	}
	s.fails++
	if err == nil {
		s.fails = 0
	}
}

// look notes how far behind the stream is.
func (s *stream) look(ctx context.Context) {
	if !s.known {
		return
	}
	behind, oldest, err := s.desk.Store.StreamLag(ctx, s.upto)
	if err != nil {
		return // what there is stays; the next step meets the same trouble, and says so
	}
	s.change(func(state *StreamState) { state.Behind, state.OldestAt = behind, oldest })
}

func (s *stream) change(f func(state *StreamState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.state)
}

// pause waits, and goes on looking at the lag meanwhile.
func (s *stream) pause(ctx context.Context, d time.Duration) {
	for ; d > 0 && ctx.Err() == nil; d -= streamPoll {
		s.sleep(ctx, min(d, streamPoll))
		s.look(ctx)
	}
}

// backoff is how long to wait after a failure: twice as long as before, from
// a second up to five minutes, an eighth more or less so that several copies do
// not come at once; longer when the receiver asks for it.
func (s *stream) backoff(err error) time.Duration {
	wait := backoffMax
	if s.fails < 10 { // 2⁹ s are more than the maximum
		wait = min(backoffMin<<max(s.fails-1, 0), backoffMax)
	}
	wait = time.Duration(float64(wait) * (0.875 + s.random()/4))
	var undelivered *deliveryError
	if errors.As(err, &undelivered) {
		wait = max(wait, undelivered.RetryAfter)
	}
	return min(wait, backoffMax)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// deliveryError is why a receiver did not take entries, fit to be shown.
type deliveryError struct {
	Text       Text
	RetryAfter time.Duration // that the receiver asked for
	Err        error         // nil when the text says it all
}

func (e *deliveryError) Error() string {
	if e.Err != nil {
		return e.Text.String() + ": " + e.Err.Error()
	}
	return e.Text.String()
}

func (e *deliveryError) Unwrap() error { return e.Err }

// whyFailing is why a stream fails; the system's own words are as it has them.
func whyFailing(err error) Text {
	var e *deliveryError
	switch {
	case !errors.As(err, &e):
		return AsSaid(err.Error())
	case e.Err != nil:
		return Say("%s: %s", e.Text, e.Err.Error())
	}
	return e.Text
}
