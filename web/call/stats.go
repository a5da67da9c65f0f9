package call

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// The window of Health: the calls of the last 15 minutes, and of these the
// latest 200.
const (
	healthWindow = 15 * time.Minute
	healthCalls  = 200
)

// Stats remembers how real calls went, in memory. It is safe for concurrent use.
type Stats struct {
	now      func() time.Time
	mu       sync.Mutex
	services map[string]*history
}

type history struct {
	calls       [healthCalls]observed // a ring; next is the oldest
	next        int
	lastOK      time.Time
	lastFailure time.Time
	lastError   string
	counts      map[countKey]*Count
	readings    []time.Duration // of its clock, the latest last
	ahead       time.Duration   // what they come to
}

type observed struct {
	at     time.Time
	took   time.Duration
	failed bool
}

type countKey struct{ op, outcome string }

// Health is how a service has done lately. A refusal about somebody's data is
// a successful call; a refusal of our credentials, a 429 and a 5xx are not.
type Health struct {
	Service string
	// Calls and Failures count the last 15 minutes, at most the last 200 calls.
	Calls, Failures int
	// Median and P95 are the response times of the same calls.
	Median, P95 time.Duration
	// LastOK and LastFailure are since the start; zero if there was none.
	LastOK, LastFailure time.Time
	// LastError is the last failure, for a person; it holds no secret.
	LastError string
	// Ahead is how far its clock is ahead of ours: see Stats.Ahead.
	Ahead time.Duration
}

// Count totals the calls of one kind since the start, for metrics.
type Count struct {
	Service, Op string
	// Outcome is "done", "refused", "unreachable" or "unanswered".
	Outcome string
	Calls   int
	Time    time.Duration
}

// NewStats returns empty statistics; now is the clock, time.Now if nil.
func NewStats(now func() time.Time) *Stats {
	if now == nil {
		now = time.Now
	}
	return &Stats{now: now, services: map[string]*history{}}
}

func (s *Stats) observe(service, op string, took time.Duration, e *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of(service)
	now := s.now()
	failed := e != nil && e.failure()
	h.calls[h.next] = observed{now, took, failed}
	h.next = (h.next + 1) % healthCalls
	if failed {
		h.lastFailure, h.lastError = now, e.summary()
	} else {
		h.lastOK = now
	}
	key := countKey{op, "done"}
	if e != nil {
		key.outcome = e.Kind.String()
	}
	n := h.counts[key]
	if n == nil {
		n = &Count{Service: service, Op: op, Outcome: key.outcome}
		h.counts[key] = n
	}
	n.Calls++
	n.Time += took
}

// of returns a service's history, made when it has none. s.mu is held.
func (s *Stats) of(service string) *history {
	h := s.services[service]
	if h == nil {
		h = &history{counts: map[countKey]*Count{}}
		s.services[service] = h
	}
	return h
}

// Health returns a service's health; all zero if it was not called yet.
func (s *Stats) Health(service string) Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Health{Service: service}
	h := s.services[service]
	if h == nil {
		return out
	}
	out.LastOK, out.LastFailure, out.LastError, out.Ahead = h.lastOK, h.lastFailure, h.lastError, h.ahead
	since := s.now().Add(-healthWindow)
	var took []time.Duration
	for _, c := range h.calls {
		if c.at.IsZero() || c.at.Before(since) {
			continue
		}
		out.Calls++
		if c.failed {
			out.Failures++
		}
		took = append(took, c.took)
	}
	slices.Sort(took)
	out.Median, out.P95 = quantile(took, 0.5), quantile(took, 0.95)
	return out
}

// Counts returns the totals since the start, sorted by service, call and outcome.
func (s *Stats) Counts() []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Count
	for _, h := range s.services {
		for _, n := range h.counts {
			out = append(out, *n)
		}
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Outcome, b.Outcome))
	})
	return out
}

// quantile returns the nearest-rank quantile of sorted durations; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
