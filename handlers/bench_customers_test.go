package handlers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// lookup is a kind of request that the benchmark sends, each time another one.
type lookup struct {
	name    string
	targets []string
	before  []string                    // asked for earlier: what is common has been looked for when a day has begun
	bare    func(r *http.Request) error // runs what the page's handler asks the database for the customers
	ratio   float64                     // of bare's throughput that the page should reach with 8 connections
	limit   time.Duration               // of p99 with one
}

// BenchmarkHundredThousand asks for the pages that people look customers up
// with, signed in, over HTTP, with 100,000 customers. It reports each page's
// p50 and p99 with one connection, and with eight its throughput as a ratio to a
// bare handler that runs the same statements and writes a body of the same size:
// both in turn, the median of several rounds.
func BenchmarkHundredThousand(b *testing.B) {
	const customers = 100_000
	w := newWorld(b, setup{customers: customers})
	ctx := b.Context()
	if err := w.db.IndexCustomers(ctx); err != nil {
		b.Fatal(err)
	}
	// The sandbox's own customers are not frontdesk's memory to look after.
	w.fault(`{"service": "atom", "customers": 1}`)
	browser := w.signedIn("alice")
	home := must(url.Parse(w.server.URL))
	var cookies []string
	for _, c := range browser.c.Jar.Cookies(home) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	random := rand.New(rand.NewPCG(1, 2))
	all := w.sample(b, 20)
	runtime.GC()
	fragment := func(least, most int) string {
		for {
			c := all[random.IntN(len(all))]
			text := []rune(store.Fold([]string{c.Company, c.Email, c.Name, c.City}[random.IntN(4)]))
			n := least + random.IntN(most-least+1)
			if len(text) < n {
				continue
			}
			at := 0
			if most > 2 { // one or two letters are a beginning
				at = random.IntN(len(text) - n + 1)
			}
			if f := string(text[at : at+n]); strings.TrimSpace(f) == f {
				return f
			}
		}
	}
	many := func(n int, target func() string) (targets []string) {
		for range n {
			targets = append(targets, target())
		}
		return targets
	}
	find := func(r *http.Request) error {
		query, _ := listing(listingQuery(r.URL.Query()))
		query.Cursor = r.URL.Query().Get("cursor")
		_, err := w.db.FindCustomers(r.Context(), query)
		return err
	}
	few := func(r *http.Request) error {
		_, err := w.db.FindCustomers(r.Context(), paletteQuery(r.URL.Query().Get("q")))
		return err
	}
	// Pages of the list at any depth.
	var depths []string
	for range 40 {
		page, err := w.db.FindCustomers(ctx, store.CustomerQuery{Text: "", Limit: 50, Cursor: store.CursorAfter(all[random.IntN(len(all))])})
		if err != nil {
			b.Fatal(err)
		}
		depths = append(depths, "/customers?cursor="+page.Next)
	}
	search := func(least, most int) func() string {
		return func() string { return "/customers?q=" + url.QueryEscape(fragment(least, most)) }
	}
	lookups := []lookup{
		{"list", many(5000, func() string { return depths[random.IntN(len(depths))] }), nil, find, 0.6, 3 * time.Millisecond},
		{"search", many(6000, search(3, 8)), many(3000, search(3, 8)), find, 0.7, 15 * time.Millisecond},
		{"beginnings", many(2000, search(1, 2)), many(1000, search(1, 2)), find, 0, 15 * time.Millisecond},
		{"palette", many(4000, func() string { return "/palette?q=" + url.QueryEscape(fragment(3, 8)) }), nil, few, 0, 50 * time.Millisecond},
		{"detail", many(4000, func() string { return views.CustomerPath(all[random.IntN(len(all))].CUID) }), nil, w.readDetail, 0.5, 2 * time.Millisecond},
	}
	for _, l := range lookups {
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				w.lookUp(b, l, strings.Join(cookies, "; "))
			}
		})
	}
}

// readDetail reads what a customer's page shows, as its handler does.
func (w *world) readDetail(r *http.Request) error {
	ctx := r.Context()
	c, err := w.db.Customer(ctx, views.CUID(strings.TrimPrefix(r.URL.Path, "/customers/")))
	if err != nil {
		return err
	}
	_, pinned := w.db.IsPinned(ctx, 1, c.CUID)
	past, timeline := w.h.pastOf(ctx, store.Staff{ID: 1, Role: store.Admin}, c.CUID)
	_, _, stored := w.h.storedCredentials(ctx, past)
	same, shared := w.db.SharingEmail(ctx, c.Email)
	_, near := w.desk.Colleagues(ctx, desk.Actor{Staff: store.Staff{ID: 1}}, c.CUID, same)
	_, passcode := w.h.passcodePanel(ctx, past, failedAct{})
	_, caller := w.h.callerState(ctx, c.CUID)
	return errors.Join(pinned, timeline, stored, shared, near, passcode, caller)
}

// sample is every so manieth customer of the mirror.
func (w *world) sample(b *testing.B, every int) []store.Customer {
	var all []store.Customer
	q, n := store.CustomerQuery{Limit: 1000}, 0
	for {
		page, err := w.db.FindCustomers(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range page.Customers {
			if n++; n%every == 0 {
				all = append(all, c.Customer)
			}
		}
		if q.Cursor = page.Next; page.Next == "" {
			return all
		}
	}
}

func (w *world) lookUp(b *testing.B, l lookup, cookies string) {
	page := w.server.Listener.Addr().String()
	body := answer(b, page, l.targets[0], cookies)
	bare := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := l.bare(r); err != nil {
			b.Error(err)
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Write(body)
	}))
	defer bare.Close()

	load(b, page, l.before, cookies, 2)
	w.change(b)
	times, _ := load(b, page, l.targets, cookies, 1)
	slices.Sort(times)
	p := func(share int) time.Duration { return times[len(times)*share/100] }
	var ratios, rates []float64
	for round := range 5 {
		// Each asks for what the other has not, and they take turns in being first:
		// what was looked for once is quicker the second time.
		some := l.targets[round*len(l.targets)/5 : (round+1)*len(l.targets)/5]
		halves := [][]string{some[:len(some)/2], some[len(some)/2:]}
		var took [2]time.Duration // of the page, of bare
		for turn := range 2 {
			who := (turn + round) % 2
			w.change(b)
			_, took[who] = load(b, []string{page, bare.Listener.Addr().String()}[who], halves[who], cookies, 8)
		}
		rates, ratios = append(rates, float64(len(halves[0]))/took[0].Seconds()), append(ratios, took[1].Seconds()/took[0].Seconds())
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	b.ReportMetric(p(50).Seconds()*1000, "ms-p50")
	b.ReportMetric(p(99).Seconds()*1000, "ms-p99")
	b.ReportMetric(rates[2], "pages/s")
	b.ReportMetric(ratios[2], "of-bare")
	b.ReportMetric(float64(len(body)), "bytes")
	b.ReportMetric(0, "ns/op")
	b.Logf("%s: p50 %v, p99 %v (limit %v), %.0f pages/s with 8 connections, %.2f of bare (aim %.2f)", l.name, p(50), p(99), l.limit, rates[2], ratios[2], l.ratio)
}

// change changes a customer, as colleagues and syncs do all day long.
func (w *world) change(b *testing.B) {
	err := w.db.Write(b.Context(), func(tx *store.Tx) error {
		_, _, err := tx.UpsertCustomer(b.Context(), store.Customer{CUID: "changing", Company: "Zz", City: store.NewID(), Fields: []store.Field{{Name: "at", Value: store.NewID()}}})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// answer is one answer's body.
func answer(b *testing.B, address, target, cookies string) []byte {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	return ask(b, conn, bufio.NewReader(conn), address, target, cookies)
}

// load asks for all targets over so many connections, which are kept open, and
// returns how long each took, and all of them together. The client does no more
// than it must: it shares the machine with the server.
func load(b *testing.B, address string, targets []string, cookies string, connections int) ([]time.Duration, time.Duration) {
	b.Helper()
	var next atomic.Int64
	times := make([]time.Duration, len(targets))
	var workers sync.WaitGroup
	began := time.Now()
	for range connections {
		workers.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(targets) {
					return
				}
				sent := time.Now()
				ask(b, conn, in, address, targets[i], cookies)
				times[i] = time.Since(sent)
			}
		})
	}
	workers.Wait()
	return times, time.Since(began)
}

func ask(b *testing.B, conn net.Conn, in *bufio.Reader, address, target, cookies string) []byte {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", target, address, cookies); err != nil {
		b.Error(err)
		return nil
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := io.Copy(&body, res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Errorf("%s: status %d, %v", target, res.StatusCode, err)
	}
	return body.Bytes()
}
