package desk

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/sandbox"
	"frontdesk/web/sandbox/boxtest"
)

// benchCustomers is how many customers the mirror is measured with.
const benchCustomers = 100_000

// benchSandbox is one of benchCustomers, in a process of its own.
func benchSandbox(b *testing.B) (url string) {
	b.Helper()
	return boxtest.Start(b, sandbox.Config{Customers: benchCustomers, SuperKey: superKey, SuperToken: superToken}).URL
}

// mirrored is a desk with a database of its own, without its jobs.
func mirrored(b *testing.B, url string) *Desk {
	b.Helper()
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(b.TempDir(), "frontdesk.db"), Secret: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	stats := call.NewStats(nil)
	return New(Config{Store: db, Atom: atom.New(url+"/atom", superKey, superToken, call.New("atom", call.Limits{}, stats)), Stats: stats,
		Log: slog.New(slog.DiscardHandler), Sync: time.Hour})
}

func benchSync(b *testing.B, d *Desk) store.SyncReport {
	b.Helper()
	r, err := d.Mirror.sync(ctx, &Sync{by: frontdesk})
	if err != nil || r.Total != benchCustomers || r.Skipped != 0 {
		b.Fatalf("%+v, %v", r, err)
	}
	return r
}

// The mirror of 100,000 customers: memory above idle, the first fill against bare
// decoding and inserts, and readers beside it. It takes one round of each.
func BenchmarkSync(b *testing.B) {
	url := benchSandbox(b)
	for b.Loop() {
		b.Run("memory", func(b *testing.B) { measureMemory(b, url) })
		b.Run("fill", func(b *testing.B) { measureFill(b, url) })
		b.Run("readers", func(b *testing.B) { measureReaders(b, url) })
	}
}

var garbage []byte

func measureMemory(b *testing.B, url string) {
	d := mirrored(b, url)
	go d.heap.keep(b.Context(), func() {}) // as the program does
	for range 100 {                        // and it is at work, so that its heap may grow far
		garbage = make([]byte, atWork)
		time.Sleep(time.Second / 50)
	}
	peak := func(f func()) float64 {
		debug.FreeOSMemory()
		idle := status(b, "VmRSS")
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak starts over
			b.Fatal(err)
		}
		f()
		return float64(status(b, "VmHWM")-idle) / 1024
	}
	b.ReportMetric(peak(func() { benchSync(b, d) }), "MiB-fill")
	b.ReportMetric(peak(func() { benchSync(b, d) }), "MiB-same")
}

// status is one of the process' figures, in KiB.
func status(b *testing.B, name string) (kib int) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			fmt.Sscan(rest, &kib)
		}
	}
	return kib
}

func measureFill(b *testing.B, url string) {
	var bare, fill, same []time.Duration
	for range 3 {
		bare = append(bare, bareFill(b, url))
		d := mirrored(b, url)
		began := time.Now()
		benchSync(b, d)
		fill = append(fill, time.Since(began))
		began = time.Now()
		benchSync(b, d)
		same = append(same, time.Since(began))
		d.Store.Close()
		b.Logf("bare %v, fill %v, same %v", bare[len(bare)-1], fill[len(fill)-1], same[len(same)-1])
	}
	for _, all := range [][]time.Duration{bare, fill, same} {
		slices.Sort(all)
	}
	b.ReportMetric(bare[1].Seconds(), "s-bare")
	b.ReportMetric(fill[1].Seconds(), "s-fill")
	b.ReportMetric(same[1].Seconds(), "s-same")
	b.ReportMetric(bare[1].Seconds()/fill[1].Seconds(), "of-bare")
}

// bareFill decodes the list as a stream and inserts the fields into a table, a
// thousand in a transaction.
func bareFill(b *testing.B, url string) time.Duration {
	b.Helper()
	q := "?_txlock=immediate"
	for _, pragma := range []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(MEMORY)", "secure_delete(FAST)"} {
		q += "&_pragma=" + pragma
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+q)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE bare (cuid TEXT PRIMARY KEY, company TEXT, email TEXT, name TEXT, address TEXT, country TEXT, city TEXT,
		zip TEXT, state TEXT, phone TEXT, website TEXT)`); err != nil {
		b.Fatal(err)
	}

	began := time.Now()
	req, err := http.NewRequest(http.MethodGet, url+"/atom/customer/", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X-ACCESS-SUPERKEY", superKey)
	req.Header.Set("X-ACCESS-SUPERTOKEN", superToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	dec := json.NewDecoder(res.Body)
	dec.UseNumber()
	if _, err := dec.Token(); err != nil || res.StatusCode != http.StatusOK {
		b.Fatal(res.Status, err)
	}
	var tx *sql.Tx
	var insert *sql.Stmt
	n := 0
	for dec.More() {
		var c struct {
			CUID                                                                     any // some are numbers
			Company, Email, Name, Address, Country, City, Zip, State, Phone, Website string
		}
		var odd *json.UnmarshalTypeError // in one field; the others are read
		if err = dec.Decode(&c); err != nil && !errors.As(err, &odd) {
			b.Fatal(err)
		}
		if n%1000 == 0 {
			if tx, err = db.Begin(); err != nil {
				b.Fatal(err)
			}
			if insert, err = tx.Prepare(`INSERT INTO bare VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`); err != nil {
				b.Fatal(err)
			}
		}
		if _, err = insert.Exec(c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website); err != nil {
			b.Fatal(err)
		}
		if n++; n%1000 == 0 {
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if n != benchCustomers {
		b.Fatalf("%d customers", n)
	}
	return time.Since(began)
}

// measureReaders compares readers' p99 while nothing else is done with that beside
// syncs.
func measureReaders(b *testing.B, url string) {
	full := mirrored(b, url)
	benchSync(b, full)
	some, err := full.Store.FindCustomers(ctx, store.CustomerQuery{Limit: 50})
	if err != nil {
		b.Fatal(err)
	}
	// read reads one customer and a first page in turn while f runs.
	read := func(d *Desk, f func()) time.Duration {
		stop := atomic.Bool{}
		var took []time.Duration
		var reader sync.WaitGroup
		reader.Go(func() {
			for i := 0; !stop.Load(); i++ {
				began := time.Now()
				if i%2 == 0 {
					_, err := d.Store.Customer(ctx, some.Customers[i/2%len(some.Customers)].CUID)
					if err != nil && err != store.ErrNotFound {
						b.Error(err)
					}
				} else if _, err := d.Store.FindCustomers(ctx, store.CustomerQuery{Limit: 50}); err != nil {
					b.Error(err)
				}
				took = append(took, time.Since(began))
			}
		})
		f()
		stop.Store(true)
		reader.Wait()
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	// An idle writer now and then, as acts would write.
	var alone, same, filled []time.Duration
	for range 3 {
		alone = append(alone, read(full, func() { time.Sleep(3 * time.Second) }))
		same = append(same, read(full, func() {
			for range 3 {
				benchSync(b, full)
			}
		}))
		fill := mirrored(b, url)
		filled = append(filled, read(fill, func() { benchSync(b, fill) }))
		fill.Store.Close()
	}
	for _, all := range [][]time.Duration{alone, same, filled} {
		slices.Sort(all)
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(alone[1]), "ms-p99")
	b.ReportMetric(ms(same[1])/ms(alone[1]), "p99-same/p99")
	b.ReportMetric(ms(filled[1])/ms(alone[1]), "p99-fill/p99")
}
