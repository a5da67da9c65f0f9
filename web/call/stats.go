package call

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// The window of Health: the calls of the last 15 minutes, and of these the
// latest 200.
const (
	healthWindow = 15 * time.Minute
	healthCalls  = 200
)

// Stats remembers how real calls went, in memory, and collects that for
// Prometheus. It is safe for concurrent use.
type Stats struct {
	now      func() time.Time
	mu       sync.Mutex
	services map[string]*history
	shapes   *Shapes
	gates    []*gate

	calls  *prometheus.CounterVec
	times  *prometheus.HistogramVec
	turned *prometheus.CounterVec
}

type history struct {
	calls       [healthCalls]observed // a ring; next is the oldest
	next        int
	lastOK      time.Time
	lastFailure time.Time
	last        *Error
	readings    []time.Duration // of its clock, the latest last
	ahead       time.Duration   // what they come to
}

type observed struct {
	at     time.Time
	took   time.Duration
	failed bool
}

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
	// Last is the last failure; nil if there was none.
	Last *Error
	// Ahead is how far its clock is ahead of ours: see Stats.Ahead.
	Ahead time.Duration
	// Acts and Lists are whether calls are held back: the acts with the short
	// reads, and the long lists.
	Acts, Lists Hold
}

// Hold is whether calls are held back after several failures in a row.
type Hold struct {
	// On: the next call that is let through tries whether the service is back.
	On bool
	// Until is before when none is; zero once the next one may try.
	Until time.Time
}

// held is the metric of the gates.
var held = prometheus.NewDesc("frontdesk_service_held",
	"Whether calls of a remote service are held back after several failures in a row: 0 no, 1 the next one tries, 2 all of them.", []string{"service", "calls"}, nil)

// NewStats returns empty statistics; now is the clock, time.Now if nil.
func NewStats(now func() time.Time) *Stats {
	if now == nil {
		now = time.Now
	}
	return &Stats{now: now, services: map[string]*history{}, shapes: newShapes(now),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "frontdesk_service_calls_total",
			Help: "Calls of the remote services. outcome is done, refused, unreachable or unanswered; status is that of HTTP, or none.",
		}, []string{"service", "call", "outcome", "status"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "frontdesk_service_call_duration_seconds",
			Help:    "How long a remote service took to answer.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"service", "call"}),
		turned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "frontdesk_service_calls_turned_away_total",
			Help: "Calls of the remote services that were not sent: held after several failures in a row, or full because too many were under way.",
		}, []string{"service", "calls", "reason"}),
	}
}

// watch takes in the gates of a client.
func (s *Stats) watch(gates ...*gate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gates = append(s.gates, gates...)
	for _, g := range gates {
		for _, reason := range []string{"held", "full"} { // from 0 on, so that the first one is an increase
			s.turned.WithLabelValues(g.service, g.class, reason)
		}
	}
}

// turnAway counts a call that was not sent, and says nothing about the service.
func (s *Stats) turnAway(g *gate, why error) {
	reason := "full"
	if why == ErrHeld {
		reason = "held"
	}
	s.turned.WithLabelValues(g.service, g.class, reason).Inc()
}

// hold is what the gates of a service's class come to: a service may have several
// clients, as the portals do. s.mu is held.
func (s *Stats) hold(service, class string) (h Hold) {
	for _, g := range s.gates {
		if g.service != service || g.class != class || g.state() == gobreaker.StateClosed {
			continue
		}
		h.On = true
		if rests := g.rests(); rests > 0 {
			if until := s.now().Add(rests); until.After(h.Until) {
				h.Until = until
			}
		}
	}
	return h
}

// observe notes a call that got so far as to say something about the service. status
// is 0 when none arrived.
func (s *Stats) observe(service, op string, took time.Duration, status int, e *Error) {
	outcome, code := "done", "none"
	if e != nil {
		outcome = e.Kind.String()
	}
	if status != 0 {
		code = strconv.Itoa(status)
	}
	s.calls.WithLabelValues(service, op, outcome, code).Inc()
	s.times.WithLabelValues(service, op).Observe(took.Seconds())

	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of(service)
	now := s.now()
	failed := e != nil && e.failure()
	h.calls[h.next] = observed{now, took, failed}
	h.next = (h.next + 1) % healthCalls
	if failed {
		last := *e // the caller may still change its own
		h.lastFailure, h.last = now, &last
	} else {
		h.lastOK = now
	}
}

// of returns a service's history, made when it has none. s.mu is held.
func (s *Stats) of(service string) *history {
	h := s.services[service]
	if h == nil {
		h = &history{}
		s.services[service] = h
	}
	return h
}

// Health returns a service's health; all zero if it was not called yet.
func (s *Stats) Health(service string) Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Health{Service: service, Acts: s.hold(service, "acts"), Lists: s.hold(service, "lists")}
	h := s.services[service]
	if h == nil {
		return out
	}
	out.LastOK, out.LastFailure, out.Last, out.Ahead = h.lastOK, h.lastFailure, h.last, h.ahead
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

// Describe implements prometheus.Collector.
func (s *Stats) Describe(descs chan<- *prometheus.Desc) {
	s.calls.Describe(descs)
	s.times.Describe(descs)
	s.turned.Describe(descs)
	descs <- held
}

// Collect implements prometheus.Collector: the calls since the start, by service,
// call, how they ended and status, how long they took, and those that were not sent.
func (s *Stats) Collect(metrics chan<- prometheus.Metric) {
	s.calls.Collect(metrics)
	s.times.Collect(metrics)
	s.turned.Collect(metrics)
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[[2]string]bool{}
	for _, g := range s.gates {
		key := [2]string{g.service, g.class}
		if seen[key] {
			continue
		}
		seen[key] = true
		state := 0.0
		switch h := s.hold(g.service, g.class); {
		case !h.Until.IsZero():
			state = 2
		case h.On:
			state = 1
		}
		metrics <- prometheus.MustNewConstMetric(held, prometheus.GaugeValue, state, g.service, g.class)
	}
}

// quantile returns the nearest-rank quantile of sorted durations; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
