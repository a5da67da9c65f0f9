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
)

// busyWorld is a world in which there is much to look up, and somebody signed in.
type busyWorld struct {
	*world
	person  *browser
	cookies string // the header line
	random  *rand.Rand
	all     []store.Customer // every so manieth
	depths  []string         // pages of the list
	entries int              // of the log, when it was filled
}

func newBusyWorld(b *testing.B, s setup) *busyWorld {
	b.Helper()
	c := &busyWorld{world: newWorld(b, s), random: rand.New(rand.NewPCG(1, 2))}
	ctx := b.Context()
	if err := c.db.IndexCustomers(ctx); err != nil {
		b.Fatal(err)
	}
	c.person = c.signedIn("alice")
	c.comeBack()
	count, err := c.db.CountCustomers(ctx)
	if err != nil {
		b.Fatal(err)
	}
	c.all = c.sample(b, max(count/5000, 1))
	for range 40 {
		page, err := c.db.FindCustomers(ctx, store.CustomerQuery{Text: "", Limit: 50, Cursor: store.CursorAfter(c.some())})
		if err != nil {
			b.Fatal(err)
		}
		if page.Next != "" {
			c.depths = append(c.depths, "/customers?cursor="+page.Next)
		}
	}
	runtime.GC()
	return c
}

// comeBack looks at a page and takes over the cookies that come with it: a browser has
// those of its last page, and not what it saw of the log a million entries ago.
func (c *busyWorld) comeBack() {
	c.person.get("/").wantStatus(http.StatusOK)
	var cookies []string
	for _, cookie := range c.person.c.Jar.Cookies(must(url.Parse(c.server.URL))) {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	c.cookies = "Cookie: " + strings.Join(cookies, "; ") + "\r\n"
}

// some is one of the customers.
func (c *busyWorld) some() store.Customer { return c.all[c.random.IntN(len(c.all))] }

// fragment is a part of what people look for a customer by.
func (c *busyWorld) fragment(least, most int) string {
	for {
		one := c.some()
		text := []rune(store.Fold([]string{one.Company, one.Email, one.Name, one.City}[c.random.IntN(4)]))
		n := least + c.random.IntN(most-least+1)
		if len(text) < n {
			continue
		}
		at := 0
		if most > 2 { // one or two letters are a beginning
			at = c.random.IntN(len(text) - n + 1)
		}
		if f := string(text[at : at+n]); strings.TrimSpace(f) == f {
			return f
		}
	}
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

// change changes a customer, as colleagues and syncs do all day long.
func (w *world) change(b *testing.B) {
	err := w.db.Write(b.Context(), func(tx *store.Tx) error {
		_, _, err := tx.UpsertRow(b.Context(), store.NewCustomerRow(store.Customer{CUID: "changing", Company: "Zz", City: store.NewID(), Fields: []store.Field{{Name: "at", Value: store.NewID()}}}))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// lookup is a page that a benchmark asks for, each time another of its kind.
type lookup struct {
	name   string
	target func(c *busyWorld) string
	header func(c *busyWorld) string // of the requests, in lines
	before int                       // so many are asked for earlier: what is common has been looked for when a day has begun
	bare   func(c *busyWorld, body []byte) http.Handler
	each   int // requests at a time
}

func nobody(*busyWorld) string     { return "" }
func signedIn(c *busyWorld) string { return c.cookies }

// reads is a bare handler: it runs what the page's handler asks the database for,
// and writes a body that was made before.
func reads(read func(c *busyWorld, r *http.Request) error) func(c *busyWorld, body []byte) http.Handler {
	return func(c *busyWorld, body []byte) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if err := read(c, r); err != nil {
				c.t.Error(err)
			}
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			rw.Write(body)
		})
	}
}

func nothing(*busyWorld, *http.Request) error { return nil }

func (l lookup) requests(c *busyWorld, n int) []request {
	all := make([]request, n)
	for i := range all {
		all[i] = request{target: l.target(c), header: l.header(c), status: http.StatusOK}
	}
	return all
}

// connections are how many are open at once: one, as many as colleagues at work,
// and more than the machine has cores for.
var connections = []int{1, 8, 32}

// lookUp reports a page's p50 and p99 with one connection, by which factor the p50
// is above that of a small world, and for each number of connections the pages'
// rate as a ratio to that of a bare handler with a body of the same size. What is
// compared is measured in turn; the ratios are medians over the rounds.
func lookUp(b *testing.B, large, small *busyWorld, l lookup) {
	const rounds = 5
	page := large.server.Listener.Addr().String()
	body := answer(b, page, l.requests(large, 1)[0])
	bare := httptest.NewServer(l.bare(large, body))
	defer bare.Close()

	for _, c := range []*busyWorld{large, small} {
		load(b, c.server.Listener.Addr().String(), l.requests(c, l.before), 2)
		c.comeBack() // looking at the log is on record, too
	}
	var alone []time.Duration
	var growth []float64
	for round := range rounds {
		var half [2]time.Duration // the p50 of large, of small
		for turn := range 2 {
			who := (turn + round) % 2
			c := []*busyWorld{large, small}[who]
			c.change(b)
			times, _ := load(b, c.server.Listener.Addr().String(), l.requests(c, l.each), 1)
			if who == 0 {
				alone = append(alone, times...)
			}
			half[who] = percentile(times, 50)
		}
		growth = append(growth, half[0].Seconds()/half[1].Seconds())
	}
	b.ReportMetric(ms(percentile(alone, 50)), "ms-p50")
	b.ReportMetric(ms(percentile(alone, 99)), "ms-p99")
	b.ReportMetric(median(growth), "growth")
	for _, n := range connections {
		var ratios, rates []float64
		for round := range rounds {
			// Each asks for what the other has not, and they take turns in being first:
			// what was looked for once is quicker the second time.
			var took [2]time.Duration // of the page, of bare
			for turn := range 2 {
				who := (turn + round) % 2
				large.change(b)
				_, took[who] = load(b, []string{page, bare.Listener.Addr().String()}[who], l.requests(large, l.each), n)
			}
			rates, ratios = append(rates, float64(l.each)/took[0].Seconds()), append(ratios, took[1].Seconds()/took[0].Seconds())
		}
		b.ReportMetric(median(rates), fmt.Sprintf("pages/s@%d", n))
		b.ReportMetric(median(ratios), fmt.Sprintf("of-bare@%d", n))
	}
	b.ReportMetric(float64(len(body)), "bytes")
	b.ReportMetric(0, "ns/op")
}

// percentile sorts the times.
func percentile(times []time.Duration, p int) time.Duration {
	slices.Sort(times)
	return times[len(times)*p/100]
}

// median sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// request is what load sends.
type request struct {
	target, header string
	form           url.Values    // is posted, unless it is nil
	after          time.Duration // before it is sent
	status         int           // that is expected
}

// answer is one answer's body.
func answer(b *testing.B, address string, r request) []byte {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	body, err := ask(conn, bufio.NewReader(conn), address, r)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// load sends all requests over so many connections, which are kept open, and
// returns how long each took, and all of them together. The client does no more
// than it must: it shares the machine with the server.
func load(b *testing.B, address string, all []request, connections int) ([]time.Duration, time.Duration) {
	b.Helper()
	var next atomic.Int64
	times := make([]time.Duration, len(all))
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
				if i >= len(all) {
					return
				}
				time.Sleep(all[i].after)
				sent := time.Now()
				if _, err := ask(conn, in, address, all[i]); err != nil {
					b.Error(err)
					return
				}
				times[i] = time.Since(sent)
			}
		})
	}
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return times, time.Since(began)
}

func ask(conn net.Conn, in *bufio.Reader, address string, r request) ([]byte, error) {
	var out bytes.Buffer
	if r.form == nil {
		fmt.Fprintf(&out, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", r.target, address, r.header)
	} else {
		form := r.form.Encode()
		fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n%s",
			r.target, address, address, len(form), r.header, form)
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != r.status {
		err = errors.Join(err, fmt.Errorf("%s: status %d", r.target, res.StatusCode))
	}
	return body, err
}
