package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// What frontdesk may need with a full database, and by how much a busy machine may
// stretch it.
const (
	mostStart  = 150 * time.Millisecond // from its start until it is ready
	mostMemory = 40 << 20               // bytes resident when nobody uses it
	mostBinary = 35_000_000             // bytes
	stretch    = 1.2                    // of a time
)

// After idleAfter the dashboard has given back what its start, the reading of ATOM's
// list and the first verification of the log have taken. What it keeps from then on is
// the median of idleSamples, in a minute with the jobs of each minute in it.
const (
	idleAfter   = 120 * time.Second
	idleSamples = 13
	idleBetween = 5 * time.Second
)

// BenchmarkSmall starts the program over 100,000 customers and a million entries:
// how long until it is ready, and how much memory it keeps when nobody uses it.
// FRONTDESK_BENCH_CUSTOMERS and FRONTDESK_BENCH_ENTRIES are for a smaller database.
func BenchmarkSmall(b *testing.B) {
	var rows, flaws []string
	b.Cleanup(func() { // last, so that the table stands at the end, and what the processes printed is left out
		for _, row := range rows {
			fmt.Println(row)
		}
		for _, flaw := range flaws {
			b.Error(flaw)
		}
	})
	s := startServices(b)
	e := s.against(b)
	path := e["FRONTDESK_DATABASE"]
	fillMirror(b, s, e, countFrom(b, "FRONTDESK_BENCH_CUSTOMERS", 100_000))
	fillDatabase(b, path, e["FRONTDESK_SECRET"], countFrom(b, "FRONTDESK_BENCH_ENTRIES", 1_000_000))

	for b.Loop() {
		var cold, warm []time.Duration
		for range 9 { // in turn, so that a busy moment slows both
			dropFromMemory(b, binary, path, path+"-wal")
			cold = append(cold, timeToReady(b, e))
			warm = append(warm, timeToReady(b, e))
		}
		slices.Sort(cold)
		slices.Sort(warm)
		info, err := os.Stat(binary)
		if err != nil {
			b.Fatal(err)
		}
		d, began := startDashboard(b, e), time.Now()
		for _, after := range []time.Duration{2 * time.Second, 55 * time.Second, idleAfter} {
			time.Sleep(time.Until(began.Add(after)))
			rows = append(rows, fmt.Sprintf("%3.0f s after the start: %s", after.Seconds(), d.memory(b)))
		}
		var resident []int
		for range idleSamples {
			resident = append(resident, d.memory(b).all)
			time.Sleep(idleBetween)
		}
		slices.Sort(resident)
		d.end(b)

		row := func(what string, is, most, tolerated float64, unit string) {
			rows = append(rows, fmt.Sprintf("%-36s %6.1f %-3s  at most %3.0f %s", what, is, unit, most, unit))
			if is > most*tolerated {
				flaws = append(flaws, fmt.Sprintf("%s: %.1f %s, at most %.0f", what, is, unit, most))
			}
		}
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		row("start to ready, files not in memory", ms(cold[len(cold)/2]), ms(mostStart), stretch, "ms")
		row("start to ready, started before", ms(warm[len(warm)/2]), ms(mostStart), stretch, "ms")
		row("resident memory at idle", float64(resident[len(resident)/2])/(1<<20), mostMemory>>20, 1, "MiB")
		row("binary", float64(info.Size())/1e6, mostBinary/1e6, 1, "MB")
	}
}

// countFrom is a variable's number, or the usual one.
func countFrom(b *testing.B, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	return n
}

// fillMirror lets a dashboard read that many customers from the sandbox.
func fillMirror(b *testing.B, s services, e env, customers int) {
	b.Helper()
	s.control(b, fmt.Sprintf(`{"service": "atom", "customers": %d}`, customers))
	d := startDashboard(b, e)
	raw, err := sql.Open("sqlite", "file:"+e["FRONTDESK_DATABASE"]+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	listed := 0
	for deadline := time.Now().Add(5 * time.Minute); listed < customers; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("the mirror has %d of %d customers", listed, customers)
		}
		_ = raw.QueryRow(`SELECT total FROM syncs WHERE outcome = 'done' ORDER BY id DESC`).Scan(&listed) // none yet
	}
	d.end(b)
}

// fillDatabase appends acts of two years, and brings all indexes up to date, as
// they are where frontdesk has been at work.
func fillDatabase(b *testing.B, path, secret string, entries int) {
	b.Helper()
	ctx, began := b.Context(), time.Now()
	at := began.AddDate(-2, 0, 0)
	db, err := store.Open(ctx, store.Options{Path: path, Secret: []byte(secret), Now: func() time.Time { return at }})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	whats := []string{desk.WhatSSO, desk.WhatSSO, desk.WhatSSO, desk.WhatSendPasscode, desk.WhatRedeem, desk.WhatReveal, desk.WhatCreate}
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < entries; n += 1000 {
		at = at.Add(2 * 365 * 24 * time.Hour / time.Duration(entries/1000+1))
		if err := db.Write(ctx, func(tx *store.Tx) error {
			for range 500 {
				person, customer := int64(1+r.IntN(120)), r.IntN(20_000)
				e := audit.Entry{
					Phase: audit.Intent, What: whats[r.IntN(len(whats))], Service: "atom", Reason: fmt.Sprintf("Ticket %d", r.IntN(90_000)),
					Who: audit.Who{
						StaffID: person, Name: fmt.Sprintf("Person %d Andersson", person), Portal: "customer", Username: fmt.Sprintf("person%d", person), Role: "manager",
						Session: fmt.Sprintf("SESSION%019d", person), Address: fmt.Sprintf("192.0.2.%d", person), Request: store.NewID()[:12],
						Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
					},
					On: audit.Subject{ID: fmt.Sprintf("cuid-%05d", customer), Name: fmt.Sprintf("Nordlicht %d AB", customer), Email: fmt.Sprintf("info%d@nordlicht.example", customer)},
				}
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
				e.Phase, e.Status, e.Duration, e.Result = audit.Outcome, http.StatusOK, time.Duration(50+r.IntN(400))*time.Millisecond, audit.Done
				if r.IntN(20) == 0 {
					e.Status, e.Result, e.Detail = http.StatusNotFound, audit.Refused, "User not found"
				}
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	for more := true; more; {
		if more, err = db.IndexText(ctx); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.IndexCustomers(ctx); err != nil {
		b.Fatal(err)
	}
	if err := db.SaveFacets(ctx); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d entries were appended and indexed in %s", entries, time.Since(began).Round(time.Second))
}

// dropFromMemory has the system forget what it keeps of these files, as if they had
// not been read since it was started.
func dropFromMemory(b *testing.B, files ...string) {
	b.Helper()
	for _, name := range files {
		file, err := os.Open(filepath.Clean(name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil { // what is not on the disk yet stays
			b.Fatal(err)
		}
		if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			b.Fatal(err)
		}
		file.Close()
	}
}

// timeToReady starts the dashboard, measures until /readyz says that it is ready,
// and ends it.
func timeToReady(b *testing.B, e env) time.Duration {
	b.Helper()
	began := time.Now()
	p := start(b, b.TempDir(), e, "serve")
	for status(e["FRONTDESK_BASE_URL"]+"/readyz") != http.StatusOK {
		if time.Since(began) > patience {
			b.Fatalf("not ready:\n%s", p.stderr.String())
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	p.signal(b, syscall.SIGTERM)
	if code := p.exit(b); code != 0 {
		b.Fatalf("the dashboard ended with %d", code)
	}
	return took
}

// memory is what a process has resident, in bytes: all, and what of it is no file's.
type memory struct{ all, own int }

func (m memory) String() string {
	return fmt.Sprintf("%.1f MiB resident, %.1f MiB of it no file's", float64(m.all)/(1<<20), float64(m.own)/(1<<20))
}

func (p *process) memory(b *testing.B) memory {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	kilobytes := func(name string) int {
		found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
		if found == nil {
			b.Fatalf("no %s in\n%s", name, text)
		}
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			b.Fatal(err)
		}
		return n << 10
	}
	return memory{kilobytes("VmRSS"), kilobytes("RssAnon")}
}
