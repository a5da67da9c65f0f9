package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxLatency    = 10 * time.Minute
	maxRetryAfter = time.Hour
	maxClock      = 48 * time.Hour
	maxCustomers  = 1_000_000
	defaultTTL    = 24 * time.Hour
	prngSeedRates = 0x66726f6e74646573
)

// duration is written as Go writes it: "200ms", "24h0m0s".
type duration struct{ time.Duration }

func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// state is what can be set on one service. The last four belong to one service
// each and are shown only there.
type state struct {
	Latency           duration `json:"latency"`
	Status            int      `json:"status"`
	Body              string   `json:"body"`
	Hang              bool     `json:"hang"`
	Reset             bool     `json:"reset"`
	LoseAnswer        bool     `json:"lose_answer"`
	ErrorRate         float64  `json:"error_rate"`
	LostRate          float64  `json:"lost_rate"`
	RefuseCredentials bool     `json:"refuse_credentials"`
	RetryAfter        duration `json:"retry_after"` // that a status asks its caller to wait
	Clock             duration `json:"clock"`       // how far its clock is ahead
	ExtraField        string   `json:"extra_field"` // the name of one more field in what it answers

	TokenTTL         *duration `json:"token_ttl,omitempty"`
	Passcode         *bool     `json:"passcode_provisioning,omitempty"`
	NoPasscode       *bool     `json:"nopasscode_provisioning,omitempty"`
	RelativeLocation *bool     `json:"relative_location,omitempty"`
	Customers        *int      `json:"customers,omitempty"`

	// released is closed when hang is turned off: hanging calls end then.
	released chan struct{}
	rates    prng
}

// initial is a service's state without faults.
func initial(service string) *state {
	st := &state{released: make(chan struct{}), rates: prngSeedRates}
	switch service {
	case servicePortal:
		st.TokenTTL = &duration{defaultTTL}
	case serviceATOM:
		on, also, off := true, true, false
		st.Passcode, st.NoPasscode, st.RelativeLocation = &on, &also, &off
	}
	return st
}

// control holds the state of the three services.
type control struct {
	mu       sync.Mutex
	services map[string]*state
}

func newControl() *control {
	c := &control{services: map[string]*state{}}
	for _, service := range []string{servicePortal, serviceATOM, serviceIP1} {
		c.services[service] = initial(service)
	}
	return c
}

// get returns a copy. What its pointers lead to is replaced, never written to.
func (c *control) get(service string) state {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.services[service]
}

// clock is a service's own: now, or as far from it as is set.
func (c *control) clock(service string, now func() time.Time) func() time.Time {
	return func() time.Time { return now().Add(c.get(service).Clock.Duration) }
}

// luck says whether this call is one of those that error_rate or lost_rate take.
type luck struct{ fails, loses bool }

// draw returns the state for one call and its luck. Both rates take a number
// for every call, so that the n-th call since the last reset has the same luck
// in every run.
func (c *control) draw(service string) (state, luck) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.services[service]
	l := luck{
		fails: st.rates.fraction() < st.ErrorRate,
		loses: st.rates.fraction() < st.LostRate,
	}
	return *st, l
}

// change is the body of POST /control. A field that is absent changes nothing.
type change struct {
	Service           *string  `json:"service"`
	ResetFaults       bool     `json:"reset_faults"`
	Latency           *string  `json:"latency"`
	Status            *int     `json:"status"`
	Body              *string  `json:"body"`
	Hang              *bool    `json:"hang"`
	Reset             *bool    `json:"reset"`
	LoseAnswer        *bool    `json:"lose_answer"`
	ErrorRate         *float64 `json:"error_rate"`
	LostRate          *float64 `json:"lost_rate"`
	RefuseCredentials *bool    `json:"refuse_credentials"`
	RetryAfter        *string  `json:"retry_after"`
	Clock             *string  `json:"clock"`
	ExtraField        *string  `json:"extra_field"`
	Passcode          *bool    `json:"passcode_provisioning"`
	NoPasscode        *bool    `json:"nopasscode_provisioning"`
	RelativeLocation  *bool    `json:"relative_location"`
	TokenTTL          *string  `json:"token_ttl"`
	Customers         *int     `json:"customers"`
}

// perService reports whether a field was given that any service could have, so
// that "service" has to say which.
func (ch *change) perService() bool {
	return ch.ResetFaults || ch.Latency != nil || ch.Status != nil || ch.Body != nil ||
		ch.Hang != nil || ch.Reset != nil || ch.LoseAnswer != nil ||
		ch.ErrorRate != nil || ch.LostRate != nil || ch.RefuseCredentials != nil || ch.RetryAfter != nil || ch.Clock != nil || ch.ExtraField != nil
}

// durations are those of a change, read.
type durations struct{ latency, retryAfter, clock, ttl time.Duration }

// decodeChange reads a change and names the field in every error.
func decodeChange(body []byte) (ch change, is durations, err error) {
	fail := func(field, text string) (change, durations, error) {
		return ch, is, fmt.Errorf("%s: %s", field, text)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ch); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) && wrongType.Field != "" {
			return fail(wrongType.Field, "must not be a "+wrongType.Value)
		}
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return fail(strings.Trim(name, `"`), "unknown field")
		}
		return fail("request", "must be one JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return fail("request", "must be one JSON object and nothing after it")
	}
	if ch.Service != nil && !slices.Contains([]string{servicePortal, serviceATOM, serviceIP1}, *ch.Service) {
		return fail("service", "must be portal, atom or ip1")
	}
	if ch.Service == nil && ch.perService() {
		return fail("service", "is required: portal, atom or ip1")
	}
	if ch.Latency != nil && *ch.Latency != "" {
		if is.latency, err = time.ParseDuration(*ch.Latency); err != nil || is.latency < 0 || is.latency > maxLatency {
			return fail("latency", "must be a duration from 0s to 10m, such as 200ms")
		}
	}
	if ch.Status != nil && *ch.Status != 0 && (*ch.Status < 200 || *ch.Status > 599) {
		return fail("status", "must be from 200 to 599, or 0 for none")
	}
	if ch.Body != nil && !slices.Contains([]string{"", "html", "empty", "truncated", "garbage", "types", "huge"}, *ch.Body) {
		return fail("body", "must be html, empty, truncated, garbage, types or huge, or blank for none")
	}
	if ch.RetryAfter != nil && *ch.RetryAfter != "" {
		if is.retryAfter, err = time.ParseDuration(*ch.RetryAfter); err != nil || is.retryAfter < 0 || is.retryAfter > maxRetryAfter {
			return fail("retry_after", "must be a duration from 0s to 1h, such as 30s")
		}
	}
	if v := ch.ErrorRate; v != nil && (*v < 0 || *v > 1) {
		return fail("error_rate", "must be from 0 to 1")
	}
	if v := ch.LostRate; v != nil && (*v < 0 || *v > 1) {
		return fail("lost_rate", "must be from 0 to 1")
	}
	if ch.Clock != nil && *ch.Clock != "" {
		if is.clock, err = time.ParseDuration(*ch.Clock); err != nil || is.clock.Abs() > maxClock {
			return fail("clock", "must be a duration from -48h to 48h, such as 2m or -90s")
		}
	}
	if v := ch.ExtraField; v != nil && len(*v) > 100 {
		return fail("extra_field", "must be a name of at most 100 bytes, or blank for none")
	}
	if ch.TokenTTL != nil {
		if is.ttl, err = time.ParseDuration(*ch.TokenTTL); err != nil || is.ttl <= 0 {
			return fail("token_ttl", "must be a duration above 0, such as 24h")
		}
	}
	if v := ch.Customers; v != nil && (*v < 0 || *v > maxCustomers) {
		return fail("customers", fmt.Sprintf("must be from 0 to %d", maxCustomers))
	}
	return ch, is, nil
}

// change applies a change whole or not at all.
func (s *Server) change(body []byte) error {
	ch, is, err := decodeChange(body)
	if err != nil {
		return err
	}
	s.control.apply(ch, is)
	if ch.Customers != nil {
		s.atom.reseed(*ch.Customers)
	}
	return nil
}

func (c *control) apply(ch change, is durations) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.Service != nil {
		st := c.services[*ch.Service]
		hung := st.Hang
		if ch.ResetFaults {
			released := st.released
			*st = *initial(*ch.Service)
			st.released = released
		}
		if ch.Latency != nil {
			st.Latency = duration{is.latency}
		}
		if ch.RetryAfter != nil {
			st.RetryAfter = duration{is.retryAfter}
		}
		if ch.Clock != nil {
			st.Clock = duration{is.clock}
		}
		set(&st.Status, ch.Status)
		set(&st.Body, ch.Body)
		set(&st.Hang, ch.Hang)
		set(&st.Reset, ch.Reset)
		set(&st.LoseAnswer, ch.LoseAnswer)
		set(&st.ErrorRate, ch.ErrorRate)
		set(&st.LostRate, ch.LostRate)
		set(&st.RefuseCredentials, ch.RefuseCredentials)
		set(&st.ExtraField, ch.ExtraField)
		if hung && !st.Hang {
			close(st.released)
			st.released = make(chan struct{})
		}
	}
	// These belong to one service each, whichever was named.
	if ch.TokenTTL != nil {
		c.services[servicePortal].TokenTTL = &duration{is.ttl}
	}
	at := c.services[serviceATOM]
	set(&at.Passcode, ptr(ch.Passcode))
	set(&at.NoPasscode, ptr(ch.NoPasscode))
	set(&at.RelativeLocation, ptr(ch.RelativeLocation))
}

// set copies a value that was given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// ptr is nil for nil, else a pointer to p: set then replaces the pointer.
func ptr[T any](p *T) **T {
	if p == nil {
		return nil
	}
	return &p
}

func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeReply(w, jsonReply(http.StatusBadRequest, message{"request: could not be read"}))
			return
		}
		if err := s.change(body); err != nil {
			writeReply(w, jsonReply(http.StatusBadRequest, message{err.Error()}))
			return
		}
	default:
		writeReply(w, notAllowed("GET, POST"))
		return
	}
	atom := s.control.get(serviceATOM)
	customers := s.atom.count()
	atom.Customers = &customers
	writeReply(w, jsonReply(http.StatusOK, map[string]state{
		servicePortal: s.control.get(servicePortal),
		serviceATOM:   atom,
		serviceIP1:    s.control.get(serviceIP1),
	}))
}
