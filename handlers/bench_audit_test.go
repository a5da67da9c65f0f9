package handlers

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// benchEntries is how large the log is, FRONTDESK_BENCH_ENTRIES or a million.
func benchEntries(b *testing.B) int {
	text := os.Getenv("FRONTDESK_BENCH_ENTRIES")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// fillLog appends acts of 120 people on 20,000 customers over two years, as
// they happen: an intent, then its outcome, and events in between.
func fillLog(b *testing.B, w *world, entries int) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	whats := []string{desk.WhatSSO, desk.WhatSSO, desk.WhatSSO, desk.WhatSendPasscode, desk.WhatRedeem, desk.WhatSendSMS, desk.WhatVerifySMS, desk.WhatReveal, desk.WhatCreate}
	services := map[string]string{desk.WhatSendSMS: "ip1", desk.WhatVerifySMS: "ip1", desk.WhatReveal: ""}
	towns := []string{"Nordlicht", "Örebro", "Sundqvist", "Brandt", "O'Neill", "Lindgren", "Almeida", "Kowalski"}
	trades := []string{"Logistik", "Bygg", "Catering", "Events", "Media", "Transport"}
	span := 2 * 365 * 24 * time.Hour
	began := time.Now()
	w.clock.advance(-span)
	ctx := context.Background()
	for n := 0; n < entries; {
		w.clock.advance(span / time.Duration(entries/1000))
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			for i := 0; i < 1000; i += 2 {
				person := int64(1 + rnd.IntN(120))
				customer := rnd.IntN(20_000)
				town, trade := towns[customer%len(towns)], trades[customer/7%len(trades)]
				e := audit.Entry{
					Phase: audit.Intent, What: whats[rnd.IntN(len(whats))], Service: "atom",
					Who: audit.Who{
						StaffID: person, Name: fmt.Sprintf("Person %c%d Andersson", 'A'+person%26, person), Portal: "customer", Username: fmt.Sprintf("person%d", person),
						Role: "manager", Session: fmt.Sprintf("SESSION%019d", person), Address: fmt.Sprintf("192.0.2.%d", person),
						Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", Request: store.NewID()[:12],
					},
					On: audit.Subject{
						ID: fmt.Sprintf("cuid-%05d", customer), Name: fmt.Sprintf("%s %s %d AB", town, trade, customer),
						Email: fmt.Sprintf("info%d@%s.example", customer, trade),
					},
				}
				if service, ok := services[e.What]; ok {
					e.Service = service
				}
				if rnd.IntN(3) == 0 {
					e.Reason = fmt.Sprintf("Ticket %d", rnd.IntN(90_000))
				}
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
				e.Phase, e.Status, e.Duration, e.Result = audit.Outcome, 200, time.Duration(50+rnd.IntN(400))*time.Millisecond, audit.Done
				switch rnd.IntN(40) {
				case 0:
					e.Status, e.Result, e.Detail = 404, audit.Refused, "No such user"
				case 1:
					e.Status, e.Result, e.Detail = 0, audit.Unknown, "no answer in time"
				case 2:
					e.Status, e.Result, e.Detail = 0, audit.Unreachable, "connection refused"
				}
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
				n += 2
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	appended := time.Since(began)
	for more := true; more; {
		var err error
		if more, err = w.db.IndexText(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d entries appended in %s, their text indexed in %s", entries, appended.Round(time.Millisecond), (time.Since(began) - appended).Round(time.Millisecond))
	if _, used, ok := w.db.Disk(); ok {
		b.Logf("%d bytes an entry on the disk", used/int64(entries))
	}
}

// BenchmarkMillion asks for the log's pages at a million entries, through the whole
// handler, signed in as an admin, one request at a time, and reports each page's own
// time. The audit page is also asked for over HTTP, as customers' pages are in
// BenchmarkHundredThousand; it, an append and the verification have grown from 10,000
// entries.
func BenchmarkMillion(b *testing.B) {
	const requests = 200
	large, small := newBusyWorld(b, setup{customers: 250}), newBusyWorld(b, setup{customers: 250})
	large.entries, small.entries = benchEntries(b), min(10_000, benchEntries(b))
	for _, c := range []*busyWorld{small, large} {
		fillLog(b, c.world, c.entries)
		c.comeBack()
	}
	cookies, err := http.ParseCookie(strings.TrimSpace(strings.TrimPrefix(large.cookies, "Cookie: ")))
	if err != nil {
		b.Fatal(err)
	}
	deep := strconv.Itoa(large.entries / 10)
	b.Run("audit", func(b *testing.B) {
		for b.Loop() {
			lookUp(b, large, small, lookup{"audit", auditTarget, signedIn, 100, reads((*busyWorld).readAudit), 200})
		}
	})
	for _, page := range []struct{ name, query string }{
		{"first", ""}, {"who", "who=person7"}, {"what", "what=" + url.QueryEscape(desk.WhatReveal)}, {"on-cuid", "on=cuid-00042"}, {"on-name", "on=nordlicht"},
		{"outcome", "outcome=unknown"}, {"service", "service=ip1"}, {"month", "from=2025-11-01&to=2025-11-30"}, {"text", "q=ticket"}, {"text-rare", "q=ticket+4711"},
		{"who+what", "who=person7&what=" + url.QueryEscape(desk.WhatReveal)}, {"outcome+service", "outcome=unreachable&service=ip1"},
		{"who+outcome", "who=person99&outcome=denied"}, {"text+outcome", "q=catering&outcome=unknown"}, {"on+what", "on=sundqvist&what=" + url.QueryEscape(desk.WhatCreate)},
		{"text+month", "q=bygg&from=2025-11-01&to=2025-11-30"}, {"who+text-none", "who=person7&q=zebra"},
		{"deep", "cursor=" + deep}, {"deep+outcome", "outcome=refused&cursor=" + deep},
	} {
		b.Run(page.name, func(b *testing.B) { own(b, large.world, cookies, "/audit?"+page.query, requests) })
	}
	b.Run("entry", func(b *testing.B) { own(b, large.world, cookies, "/audit/"+deep, requests) })
	b.Run("home", func(b *testing.B) { own(b, large.world, cookies, "/", requests) })
	b.Run("customer", func(b *testing.B) {
		own(b, large.world, cookies, "/customers/"+large.customer(emailFirst).CUID, requests)
	})
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			measureAppend(b, large.world, small.world)
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			measureVerify(b, large.world, small.world)
		}
	})
}

// auditTarget is the newest page, as often as one at any depth.
func auditTarget(c *busyWorld) string {
	if c.random.IntN(2) == 0 {
		return "/audit"
	}
	return "/audit?cursor=" + strconv.Itoa(100+c.random.IntN(c.entries-100))
}

// readAudit reads what the audit page shows an admin, as its handler does.
func (c *busyWorld) readAudit(r *http.Request) error {
	ctx := r.Context()
	_, whats := c.db.Whats(ctx)
	_, saved := c.db.Views(ctx, viewedAudit.page, 1)
	_, found := c.db.Search(ctx, audit.Filter{}, askedPage(r.URL.Query()))
	_, counted := c.db.Summarize(ctx, audit.Filter{}, chartBars)
	return errors.Join(whats, saved, found, counted)
}

// measureAppend has 16 writers append to a large log and to a small one in turn.
func measureAppend(b *testing.B, large, small *world) {
	const rounds, writers, each = 5, 16, 100
	one := func(w *world) float64 {
		var all sync.WaitGroup
		began := time.Now()
		for n := range writers {
			all.Go(func() {
				for i := range each {
					e := audit.Entry{Phase: audit.Event, What: desk.WhatReadLog, Result: audit.Done, Who: audit.Who{StaffID: int64(n + 1), Name: "Mia Moreau", Role: "manager"},
						On: audit.Subject{ID: fmt.Sprintf("cuid-%05d", n*each+i)}}
					if err := w.db.Write(b.Context(), func(tx *store.Tx) error { return tx.Append(b.Context(), &e) }); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		return writers * each / time.Since(began).Seconds()
	}
	var rates, growth []float64
	for range rounds {
		less, more := one(small), one(large)
		rates, growth = append(rates, more), append(growth, less/more)
	}
	b.ReportMetric(median(rates), "appends/s")
	b.ReportMetric(median(growth), "growth")
	b.ReportMetric(0, "ns/op")
}

// measureVerify verifies a large log and a small one, and reads the large one's rows
// as they are and hashes them, each in turn.
func measureVerify(b *testing.B, large, small *world) {
	const rounds = 3
	raw, err := openRaw(large.path)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	verified := func(w *world) float64 {
		got, err := w.db.Verify(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return float64(got.Size) / got.Took.Seconds()
	}
	var rates, ratios, growth []float64
	for range rounds {
		bare := hashRows(b, raw)
		few := make([]float64, 9) // it takes a moment only
		for i := range few {
			few[i] = verified(small)
		}
		rate := verified(large)
		rates, ratios, growth = append(rates, rate), append(ratios, rate/bare), append(growth, median(few)/rate)
	}
	b.ReportMetric(median(rates), "entries/s")
	b.ReportMetric(median(ratios), "of-bare")
	b.ReportMetric(median(growth), "growth")
	b.ReportMetric(0, "ns/op")
}

// hashRows hashes every row of the log on all cores, and returns how many in a second.
func hashRows(b *testing.B, raw *sql.DB) float64 {
	var last int64
	if err := raw.QueryRow(`SELECT max(id) FROM audit_entries`).Scan(&last); err != nil {
		b.Fatal(err)
	}
	parts := int64(runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	began := time.Now()
	for part := range parts {
		all.Go(func() {
			if err := hashRange(raw, last*part/parts, last*(part+1)/parts); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	return float64(last) / time.Since(began).Seconds()
}

// hashRange hashes the rows above one ID, up to another.
func hashRange(raw *sql.DB, above, to int64) error {
	rows, err := raw.Query(`SELECT * FROM audit_entries WHERE id > $1 AND id <= $2 ORDER BY id`, above, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	hash := sha256.New()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		hash.Reset()
		for _, v := range values {
			hash.Write(v)
		}
		hash.Sum(nil)
	}
	return rows.Err()
}

// own reports a page's own time.
func own(b *testing.B, w *world, cookies []*http.Cookie, path string, requests int) {
	var took []time.Duration
	for b.Loop() {
		for range requests {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "127.0.0.1"
			for _, c := range cookies {
				r.AddCookie(c)
			}
			rec := httptest.NewRecorder()
			began := time.Now()
			w.h.ServeHTTP(rec, r)
			took = append(took, time.Since(began))
			if rec.Code != http.StatusOK {
				b.Fatalf("%s: status %d", path, rec.Code)
			}
		}
	}
	b.ReportMetric(ms(percentile(took, 50)), "ms-p50")
	b.ReportMetric(ms(percentile(took, 99)), "ms-p99")
	b.ReportMetric(0, "ns/op")
}
