package handlers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
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

// The log's pages at a million entries, through the whole handler, signed in as
// an admin, one request at a time: the 99th percentile of each page's own time.
// And how fast the log is verified.
func BenchmarkMillion(b *testing.B) {
	const requests = 300
	w := newWorld(b, setup{customers: 250})
	fillLog(b, w, benchEntries(b))
	browser := w.signedIn("alice")
	home, err := url.Parse(w.server.URL)
	if err != nil {
		b.Fatal(err)
	}
	cookies := browser.c.Jar.Cookies(home)
	head, err := w.db.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	deep := strconv.FormatInt(head.Size/10, 10)
	for _, page := range []struct{ name, query string }{
		{"first", ""}, {"who", "who=person7"}, {"what", "what=" + url.QueryEscape(desk.WhatReveal)}, {"on-cuid", "on=cuid-00042"}, {"on-name", "on=nordlicht"},
		{"outcome", "outcome=unknown"}, {"service", "service=ip1"}, {"month", "from=2025-11-01&to=2025-11-30"}, {"text", "q=ticket"}, {"text-rare", "q=ticket+4711"},
		{"who+what", "who=person7&what=" + url.QueryEscape(desk.WhatReveal)}, {"outcome+service", "outcome=unreachable&service=ip1"},
		{"who+outcome", "who=person99&outcome=denied"}, {"text+outcome", "q=catering&outcome=unknown"}, {"on+what", "on=sundqvist&what=" + url.QueryEscape(desk.WhatCreate)},
		{"text+month", "q=bygg&from=2025-11-01&to=2025-11-30"}, {"who+text-none", "who=person7&q=zebra"},
		{"deep", "cursor=" + deep}, {"deep+outcome", "outcome=refused&cursor=" + deep},
	} {
		b.Run(page.name, func(b *testing.B) { p99(b, w, cookies, "/audit?"+page.query, requests) })
	}
	b.Run("entry", func(b *testing.B) { p99(b, w, cookies, "/audit/"+deep, requests) })
	b.Run("home", func(b *testing.B) { p99(b, w, cookies, "/", requests) })
	b.Run("customer", func(b *testing.B) { p99(b, w, cookies, "/customers/"+w.customer(emailFirst).CUID, requests) })
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			got, err := w.db.Verify(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(got.Size)/got.Took.Seconds(), "entries/s")
		}
	})
}

// p99 reports the 99th percentile of a page's own time.
func p99(b *testing.B, w *world, cookies []*http.Cookie, path string, requests int) {
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
	slices.Sort(took)
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)))]) / float64(time.Millisecond) }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}
