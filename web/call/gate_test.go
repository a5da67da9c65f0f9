package call_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"frontdesk/web/call"
)

// holding returns a server that lets calls wait until release, and says how many do.
func holding(t *testing.T) (base string, inside *atomic.Int64, release func()) {
	t.Helper()
	inside, let := new(atomic.Int64), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.Add(1)
		<-let
		w.Write([]byte("{}"))
	}))
	release = sync.OnceFunc(func() { close(let) })
	t.Cleanup(s.Close)
	t.Cleanup(release)
	return s.URL, inside, release
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// A service that hangs takes a bounded number of calls of each kind; one more is
// certainly not sent. Neither its jobs and lists nor another service wait for them.
func TestCallsUnderWayAreBounded(t *testing.T) {
	base, inside, release := holding(t)
	stats := call.NewStats(nil)
	limits := call.Limits{Act: 30 * time.Second, List: 30 * time.Second, Place: 50 * time.Millisecond}
	c, other := call.New("atom", limits, stats), call.New("ip1", limits, stats)
	ask := func(ctx context.Context, req call.Request) error {
		req.Op, req.Method, req.URL = "try", http.MethodGet, base
		_, err := c.Do(ctx, req)
		return err
	}
	people, job := t.Context(), call.ForJob(t.Context())
	kinds := []struct {
		name  string
		ctx   context.Context
		req   call.Request
		class string
		most  int64
	}{
		{"acts", people, call.Request{Acts: true}, "acts", 64},
		{"rows of imports", job, call.Request{Acts: true}, "acts", 32},
		{"lists", people, call.Request{Long: true}, "lists", 8},
	}
	var under sync.WaitGroup
	sum := int64(0)
	for _, k := range kinds {
		for range k.most {
			under.Go(func() {
				if err := ask(k.ctx, k.req); err != nil {
					t.Errorf("%s: %v", k.name, err)
				}
			})
		}
		sum += k.most
		until(t, k.name+" under way", func() bool { return inside.Load() == sum })
	}
	for _, k := range kinds {
		e := typed(t, ask(k.ctx, k.req))
		if e.Kind != call.Unreachable || !errors.Is(e, call.ErrFull) || e.Timeout || e.Op != "try" {
			t.Errorf("%s: %+v", k.name, e)
		}
		gone, cancel := context.WithCancel(k.ctx)
		cancel()
		if err := ask(gone, k.req); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, when the caller has left: %v", k.name, err)
		}
	}
	if n := inside.Load(); n != sum {
		t.Errorf("%d calls were sent, want %d", n, sum)
	}
	quick := answering(t)
	began := time.Now()
	if _, err := other.Do(t.Context(), call.Request{Op: "try", Method: http.MethodGet, URL: quick.URL + "/200", Acts: true}); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("another service took %s", took)
	}
	release()
	under.Wait()
	for _, k := range kinds {
		if err := ask(k.ctx, k.req); err != nil {
			t.Errorf("%s, after the end of the others: %v", k.name, err)
		}
	}
	if h := stats.Health("atom"); h.Failures != 0 || h.Acts.On || h.Lists.On {
		t.Errorf("what was never sent counts against the service: %+v", h)
	}
	const counted = `
# HELP frontdesk_service_calls_turned_away_total Calls of the remote services that were not sent: held after several failures in a row, or full because too many were under way.
# TYPE frontdesk_service_calls_turned_away_total counter
frontdesk_service_calls_turned_away_total{calls="acts",reason="full",service="atom"} 2
frontdesk_service_calls_turned_away_total{calls="acts",reason="full",service="ip1"} 0
frontdesk_service_calls_turned_away_total{calls="acts",reason="held",service="atom"} 0
frontdesk_service_calls_turned_away_total{calls="acts",reason="held",service="ip1"} 0
frontdesk_service_calls_turned_away_total{calls="lists",reason="full",service="atom"} 1
frontdesk_service_calls_turned_away_total{calls="lists",reason="full",service="ip1"} 0
frontdesk_service_calls_turned_away_total{calls="lists",reason="held",service="atom"} 0
frontdesk_service_calls_turned_away_total{calls="lists",reason="held",service="ip1"} 0
`
	if err := testutil.CollectAndCompare(stats, strings.NewReader(counted), "frontdesk_service_calls_turned_away_total"); err != nil {
		t.Error(err)
	}
}

// What opens the breaker is the service's trouble, several times in a row; what says
// nothing of it neither counts nor hides what does; and a word from it begins anew.
func TestWhatHoldsCallsBack(t *testing.T) {
	var answer atomic.Pointer[func(w http.ResponseWriter)]
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w) }))
	t.Cleanup(s.Close)
	status := func(code int, body string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code); w.Write([]byte(body)) }
	}
	drop := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	cut := func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); w.Write([]byte("{")) }
	late := func(http.ResponseWriter) { time.Sleep(400 * time.Millisecond) }
	const trouble, neither, there = "trouble", "neither", "there"
	for _, tt := range []struct {
		name   string
		says   string
		answer func(w http.ResponseWriter)
	}{
		{"no answer", trouble, drop},
		{"a time-out", trouble, late},
		{"a body that breaks off", trouble, cut},
		{"a 502 of a gateway's", trouble, status(502, "<html>")},
		{"a 500 with a message", neither, status(500, `{"message": "no"}`)},
		{"a 429", neither, status(429, "{}")},
		{"an odd answer", neither, status(200, "[]")},
		{"wrong credentials", there, status(401, `{"message": "no"}`)},
		{"a refusal", there, status(422, `{"message": "no"}`)},
		{"a success", there, status(200, "{}")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stats := call.NewStats(nil)
			c := call.New("atom", call.Limits{Act: 200 * time.Millisecond, Failures: 3, Rest: time.Hour}, stats)
			ask := func(f func(w http.ResponseWriter)) {
				answer.Store(&f)
				c.Do(t.Context(), call.Request{Op: "try", Method: http.MethodPost, URL: s.URL, Acts: true, Check: func(r *call.Response) error {
					if !r.OK() {
						return r.Refusal()
					}
					return r.Object(&struct{}{})
				}})
			}
			ask(drop)
			ask(drop)
			ask(tt.answer)
			if on := stats.Health("atom").Acts.On; on != (tt.says == trouble) {
				t.Errorf("after it, as the third: held back %v", on)
			}
			ask(drop)
			if on := stats.Health("atom").Acts.On; on != (tt.says != there) {
				t.Errorf("after another failure: held back %v", on)
			}
		})
	}
}

// Once the rest is over one call tries, and the others are held back until it ends:
// its failure begins another rest, its success lets all through. Nothing else is sent.
func TestOneCallTriesAfterTheRest(t *testing.T) {
	var calls atomic.Int64
	var up atomic.Bool
	inside, let := make(chan bool), make(chan bool)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/wait" {
			inside <- true
			<-let
		}
		if !up.Load() {
			panic(http.ErrAbortHandler)
		}
		w.Write([]byte("{}"))
	}))
	t.Cleanup(s.Close)
	stats := call.NewStats(nil)
	c := call.New("atom", call.Limits{Failures: 2, Rest: 300 * time.Millisecond}, stats)
	ask := func(path string) error {
		_, err := c.Do(t.Context(), call.Request{Op: "try", Method: http.MethodPost, URL: s.URL + path, Acts: true})
		return err
	}
	held := func(want float64) {
		t.Helper()
		text := `
# HELP frontdesk_service_held Whether calls of a remote service are held back after several failures in a row: 0 no, 1 the next one tries, 2 all of them.
# TYPE frontdesk_service_held gauge
frontdesk_service_held{calls="acts",service="atom"} ` + string(rune('0'+int(want))) + `
frontdesk_service_held{calls="lists",service="atom"} 0
`
		if err := testutil.CollectAndCompare(stats, strings.NewReader(text), "frontdesk_service_held"); err != nil {
			t.Error(err)
		}
	}
	rested := func() {
		t.Helper()
		until(t, "the end of the rest", func() bool { return stats.Health("atom").Acts.Until.IsZero() })
	}
	ask("/")
	held(0)
	ask("/")
	held(2)
	for range 3 {
		if e := typed(t, ask("/")); e.Kind != call.Unreachable || !errors.Is(e, call.ErrHeld) || e.RetryAfter <= 0 || e.RetryAfter > 300*time.Millisecond || e.Timeout {
			t.Errorf("%+v", e)
		}
	}
	if h := stats.Health("atom"); calls.Load() != 2 || h.Calls != 2 || h.Acts.Until.IsZero() {
		t.Errorf("%d calls were sent; %+v", calls.Load(), h)
	}
	// A try that fails.
	rested()
	held(1)
	if e := typed(t, ask("/")); e.Kind != call.Unanswered {
		t.Errorf("%+v", e)
	}
	held(2)
	// A try of which nothing is learnt leaves it to the next one.
	rested()
	short, cancel := context.WithCancel(t.Context())
	tried := make(chan error, 1)
	go func() {
		_, err := c.Do(short, call.Request{Op: "try", Method: http.MethodPost, URL: s.URL + "/wait", Acts: true})
		tried <- err
	}()
	<-inside
	cancel()
	<-tried
	let <- true
	held(1)
	// A try that succeeds.
	up.Store(true)
	go func() { tried <- ask("/wait") }()
	<-inside
	if e := typed(t, ask("/")); e.Kind != call.Unreachable || !errors.Is(e, call.ErrHeld) || e.RetryAfter != 0 {
		t.Errorf("beside the one that tries: %+v", e)
	}
	let <- true
	if err := <-tried; err != nil {
		t.Fatal(err)
	}
	held(0)
	if err := ask("/"); err != nil {
		t.Error(err)
	}
	if calls.Load() != 6 {
		t.Errorf("%d calls were sent, want 6", calls.Load())
	}
}

// A caller that panics gives its place and the try back.
func TestAPanicGivesThePlaceBack(t *testing.T) {
	s := answering(t)
	stats := call.NewStats(nil)
	c := call.New("atom", call.Limits{Failures: 1, Rest: time.Millisecond, Place: time.Millisecond}, stats)
	c.Do(t.Context(), call.Request{Op: "try", Method: http.MethodGet, URL: "http://no-such-host.invalid"})
	until(t, "the end of the rest", func() bool { return stats.Health("atom").Acts.Until.IsZero() })
	for range 100 { // more than there are places
		func() {
			defer func() { recover() }()
			c.Do(t.Context(), call.Request{Op: "try", Method: http.MethodGet, URL: s.URL + "/200", Check: func(*call.Response) error { panic("odd") }})
			t.Error("it went on")
		}()
	}
	if _, err := c.Do(t.Context(), call.Request{Op: "try", Method: http.MethodGet, URL: s.URL + "/200"}); err != nil {
		t.Error(err)
	}
}
