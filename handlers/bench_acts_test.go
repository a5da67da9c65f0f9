package handlers

import (
	"context"
	"fmt"
	"hash/crc32"
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
	"frontdesk/web/sandbox"
	"frontdesk/web/sandbox/boxtest"
)

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
// that of the calls. An act's own time is by how much it is longer than most of the bare
// calls are, what the service was at work for left aside; it is reported for eight at
// once, of a service that takes serviceTakes in the mean.
// ATOM's list, of which a create has frontdesk read another, is as slow as ATOM's may
// be, but for one kind of creates, which have it read all the time.
func BenchmarkActs(b *testing.B) {
	box := boxtest.Start(b, sandbox.Config{Customers: 100_000})
	c := newBusyWorld(b, setup{via: func(string) string { return box.URL }, list: 2 * time.Minute})
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
	// A new customer's name is like the others'.
	company := func(about string) string {
		return c.all[len(c.all)*int(crc32.ChecksumIEEE([]byte(about))>>16)>>16].Company + " " + about
	}
	create := deed{name: "create", about: next("someone%d@new.example"),
		request: func(about string) (string, url.Values) {
			return "/customers", url.Values{"company": {company(about)}, "email": {about}}
		},
		call: func(ctx context.Context, about string) error {
			_, err := platform.CreateCustomer(ctx, atom.NewCustomer{Company: company(about), Email: about})
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
				box.Hold()
				defer box.Free()
			}
			for b.Loop() {
				c.act(b, box, d)
			}
		})
	}
}

func (c *busyWorld) act(b *testing.B, box *boxtest.Box, d deed) {
	const rounds, each = 5, 200
	for _, n := range []int{1, 8} {
		var ratios, rates []float64
		for round := range rounds {
			acts, calls := c.inTurn(b, box, d, each, n, round)
			rates, ratios = append(rates, each/acts.all.Seconds()), append(ratios, calls.all.Seconds()/acts.all.Seconds())
		}
		b.ReportMetric(median(ratios), fmt.Sprintf("of-call@%d", n))
		if n == 8 {
			b.ReportMetric(median(rates), "acts/s")
		}
	}
	c.catchUp(b)
	box.Slow(serviceTakes)
	var own []time.Duration
	for round := range rounds {
		acts, calls := c.inTurn(b, box, d, each, 8, round)
		beside := percentile(calls.beside, 50)
		for _, act := range acts.beside {
			own = append(own, act-beside)
		}
	}
	box.Slow(0)
	b.ReportMetric(ms(percentile(own, 50)), "own-ms-p50")
	b.ReportMetric(ms(percentile(own, 99)), "own-ms-p99")
	b.ReportMetric(0, "ns/op")
	if open, err := c.db.OpenActs(b.Context()); err != nil || len(open) > 0 {
		b.Fatalf("%d acts are open: %v", len(open), err)
	}
}

// catchUp brings what was done before into the indexes: of as many acts as hundreds of
// people do in a day, it would be done while others wait.
func (c *busyWorld) catchUp(b *testing.B) {
	for more := true; more; {
		var err error
		if more, err = c.db.IndexText(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.db.IndexCustomers(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// took is how long each of several took beside what the service was at work for, and how
// long all of them together.
type took struct {
	beside []time.Duration
	all    time.Duration
}

// inTurn does so many acts and as many bare calls, n at once; which of them come first
// changes with the round.
func (c *busyWorld) inTurn(b *testing.B, box *boxtest.Box, d deed, many, n, round int) (acts, calls took) {
	for turn := range 2 {
		all, part := d.abouts(many), &acts
		if c.comeBack(); (turn+round)%2 == 1 {
			part = &calls
		}
		box.Took()
		if part == &acts {
			*part = c.acts(b, d, all, n)
		} else {
			*part = direct(b, d, all, n)
		}
		inside := box.Took()
		for i, about := range all {
			at, ok := inside[about]
			if !ok {
				b.Fatalf("the service was not asked about %s", about)
			}
			part.beside[i] -= at
		}
	}
	return acts, calls
}

func (d deed) abouts(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = d.about()
	}
	return all
}

// acts does so many, n at once.
func (c *busyWorld) acts(b *testing.B, d deed, all []string, n int) (t took) {
	requests := make([]request, len(all))
	for i, about := range all {
		target, form := d.request(about)
		form.Set("receipt", receipt())
		requests[i] = request{target: target, header: c.cookies, form: form, status: http.StatusSeeOther}
	}
	for i := range n { // people do not all begin at the same moment
		requests[i].after = serviceTakes * time.Duration(i) / time.Duration(n)
	}
	t.beside, t.all = load(b, c.server.Listener.Addr().String(), requests, n)
	return t
}

// direct calls the service about all, n at once.
func direct(b *testing.B, d deed, all []string, n int) (t took) {
	var next atomic.Int64
	var workers sync.WaitGroup
	t.beside = make([]time.Duration, len(all))
	began := time.Now()
	for range n {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(all); i = next.Add(1) - 1 {
				sent := time.Now()
				if err := d.call(b.Context(), all[i]); err != nil {
					b.Error(err)
					return
				}
				t.beside[i] = time.Since(sent)
			}
		})
	}
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
	t.all = time.Since(began)
	return t
}
