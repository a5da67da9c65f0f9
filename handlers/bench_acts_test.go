package handlers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/views"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/ip1"
)

// service notes how long the services themselves were at work for an act, by the
// e-mail address or the phone number that its calls carry. ATOM's list, which is read
// after a create, waits while hold is locked.
type service struct {
	took  sync.Map
	hold  sync.RWMutex
	delay atomic.Int64 // before each call is worked on, as part of that
}

func (s *service) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/atom/customer/" {
			s.hold.RLock()
			defer s.hold.RUnlock()
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		began := time.Now()
		time.Sleep(time.Duration(s.delay.Load()))
		next.ServeHTTP(w, r)
		took := time.Since(began)
		var about struct{ Email, Phone string }
		_ = json.Unmarshal(body, &about) // a call without a body has it in its path
		sum, _ := s.took.LoadOrStore(cmp.Or(about.Email, about.Phone, strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/atom/customer/"), "/sso")), new(atomic.Int64))
		sum.(*atomic.Int64).Add(int64(took))
	})
}

// of is how long they were at work since they were last asked.
func (s *service) of(about string) (time.Duration, bool) {
	sum, ok := s.took.LoadAndDelete(about)
	if !ok {
		return 0, false
	}
	return time.Duration(sum.(*atomic.Int64).Load()), true
}

// deed is an act that a benchmark does, each time to somebody else, and the call
// of the service that is its core.
type deed struct {
	name    string
	about   func() string // whom or what it is done to
	request func(about string) (target string, form url.Values)
	call    func(ctx context.Context, about string) error
	listed  bool // ATOM's list is read meanwhile
}

// serviceTakes is little for a service that is asked over the Internet.
const serviceTakes = 20 * time.Millisecond

// BenchmarkActs does acts, over HTTP, with 100,000 customers, in turn with bare
// calls of the sandbox by the same clients: the acts' rate is reported as a ratio to
// that of the calls. An act's own time is all of it but what the sandbox was at work
// for; it is reported for eight at once, of a service that takes serviceTakes, and of
// one that answers at once, so that the acts wait for nothing but the machine.
// ATOM's list, of which a create has frontdesk read another, is as slow as ATOM's may
// be, but for one kind of creates, which have it read all the time.
func BenchmarkActs(b *testing.B) {
	var at service
	other := otherSandbox(b, 100_000)
	c := newBusyWorld(b, setup{wrap: func(http.Handler) http.Handler { return at.wrap(other) }, list: 2 * time.Minute})
	platform := atom.New(c.boxURL+"/atom", "sandbox-superkey", "sandbox-supertoken", call.New("atom", call.Limits{}, nil))
	var emails []string // whose customer nobody else is
	cuids := map[string]string{}
	for _, one := range c.all {
		same, err := c.db.CustomersByEmail(b.Context(), one.Email)
		if err != nil {
			b.Fatal(err)
		}
		if len(same) != 1 || strings.ContainsAny(one.Email, "/%") {
			continue
		}
		if _, err := platform.SSO(b.Context(), one.Email); err == nil { // some are suspended
			emails, cuids[one.Email] = append(emails, one.Email), one.CUID
		}
	}
	sms := ip1.New(c.boxURL+"/ip1", ip1.Credentials{Account: "ip1-00000", Key: "sandbox-key"}, call.New("ip1", call.Limits{}, nil))
	used := 0
	next := func(format string) func() string {
		return func() string { used++; return fmt.Sprintf(format, used) }
	}
	sso := deed{name: "sso", about: func() string { used++; return emails[used%len(emails)] },
		request: func(about string) (string, url.Values) {
			return views.CustomerPath(cuids[about]) + "/sso", url.Values{}
		},
		call: func(ctx context.Context, about string) error { _, err := platform.SSO(ctx, about); return err },
	}
	create := deed{name: "create", about: next("someone%d@new.example"),
		request: func(about string) (string, url.Values) {
			return "/customers", url.Values{"company": {"New AB " + about}, "email": {about}}
		},
		call: func(ctx context.Context, about string) error {
			_, err := platform.CreateCustomer(ctx, atom.NewCustomer{Company: "New AB " + about, Email: about})
			return err
		},
	}
	beside := create
	beside.name, beside.listed = "create-beside-sync", true
	code := deed{name: "sms", about: next("+4670%07d"),
		request: func(about string) (string, url.Values) { return "/sms", url.Values{"phone": {about}} },
		call: func(ctx context.Context, about string) error {
			_, err := sms.Send(ctx, ip1.Send{Phone: about})
			return err
		},
	}
	for _, d := range []deed{sso, code, create, beside} {
		b.Run(d.name, func(b *testing.B) {
			if !d.listed {
				at.hold.Lock()
				defer at.hold.Unlock()
			}
			for b.Loop() {
				c.act(b, &at, d)
			}
		})
	}
}

func (c *busyWorld) act(b *testing.B, at *service, d deed) {
	const rounds, each = 5, 200
	for _, n := range []int{1, 8} {
		var own []time.Duration
		var ratios, rates []float64
		for round := range rounds {
			var took [2]time.Duration // of the acts, of the calls
			for turn := range 2 {
				if (turn+round)%2 == 1 {
					took[1] = direct(b, d, d.abouts(each), n)
					continue
				}
				var times []time.Duration
				times, took[0] = c.acts(b, at, d, each, n)
				own = append(own, times...)
			}
			rates, ratios = append(rates, each/took[0].Seconds()), append(ratios, took[1].Seconds()/took[0].Seconds())
		}
		b.ReportMetric(median(ratios), fmt.Sprintf("of-call@%d", n))
		if n == 8 {
			b.ReportMetric(median(rates), "acts/s")
			b.ReportMetric(ms(percentile(own, 99)), "own-ms-p99-full")
		}
	}
	at.delay.Store(int64(serviceTakes))
	defer at.delay.Store(0)
	own, _ := c.acts(b, at, d, rounds*each, 8)
	b.ReportMetric(ms(percentile(own, 50)), "own-ms-p50")
	b.ReportMetric(ms(percentile(own, 99)), "own-ms-p99")
	b.ReportMetric(0, "ns/op")
	if open, err := c.db.OpenActs(b.Context()); err != nil || len(open) > 0 {
		b.Fatalf("%d acts are open: %v", len(open), err)
	}
}

func (d deed) abouts(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = d.about()
	}
	return all
}

// acts does so many, n at once, and returns what each took of its own, and all of them
// together.
func (c *busyWorld) acts(b *testing.B, at *service, d deed, many, n int) ([]time.Duration, time.Duration) {
	b.Helper()
	all := d.abouts(many)
	requests := make([]request, many)
	for i, about := range all {
		at.of(about)
		target, form := d.request(about)
		form.Set("receipt", receipt())
		requests[i] = request{target: target, header: c.cookies, form: form, status: http.StatusSeeOther}
	}
	times, took := load(b, c.server.Listener.Addr().String(), requests, n)
	for i, about := range all {
		inside, ok := at.of(about)
		if !ok {
			b.Fatalf("the service was not asked about %s", about)
		}
		times[i] -= inside
	}
	return times, took
}

// direct calls the service about all, n at once.
func direct(b *testing.B, d deed, all []string, n int) time.Duration {
	var next atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range n {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(all); i = next.Add(1) - 1 {
				if err := d.call(b.Context(), all[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return time.Since(began)
}
