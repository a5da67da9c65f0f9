package main

import (
	"bufio"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// gauges are what a process says of itself.
type gauges struct{ goroutines, descriptors, memory float64 } // memory in bytes, resident

// metrics reads them from /metrics.
func metrics(t *testing.T, address string) (g gauges) {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	into := map[string]*float64{"go_goroutines": &g.goroutines, "process_open_fds": &g.descriptors, "process_resident_memory_bytes": &g.memory}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if to := into[name]; to != nil {
			if *to, err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	if g.goroutines == 0 || g.descriptors == 0 || g.memory == 0 {
		t.Fatalf("metrics are missing: %+v", g)
	}
	return g
}

// times are how long pages took, by the minute in which they were asked for.
type times struct {
	mu    sync.Mutex
	began time.Time
	each  time.Duration // of what counts as a minute
	took  map[int][]time.Duration
}

func (p *times) add(at time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	minute := int(at.Sub(p.began) / p.each)
	p.took[minute] = append(p.took[minute], took)
}

// of is a quantile of the pages of some minutes.
func (p *times) of(quantile float64, minutes ...int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for _, minute := range minutes {
		all = append(all, p.took[minute]...)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(quantile*float64(len(all)-1))]
}

// A hundred people at their desks, ATOM's list every minute, and an import: nothing
// fails, and nothing grows. Half an hour of it with FRONTDESK_THOROUGH, otherwise some
// seconds, of which nothing is said but that nothing fails.
func TestSoak(t *testing.T) {
	t.Parallel()
	people, minutes, minute, pace, rows := 25, 3, 2*time.Second, time.Second, 30
	if thorough {
		people, minutes, minute, pace, rows = 100, int(number(t, "FRONTDESK_SOAK_MINUTES", 30)), time.Minute, 20*time.Second, 1500
	}
	s := startServices(t)
	metricsAt := freeAddr(t)
	e := s.against(t).with(env{
		"FRONTDESK_PORTALS": "customer,atmosphere,messaging", "FRONTDESK_PORTAL_MESSAGING_URL": s.URL + "/portal/messaging",
		"FRONTDESK_TRUSTED_PROXIES": "127.0.0.0/8", "FRONTDESK_SMS_PER_STAFF": "0", "FRONTDESK_SYNC_INTERVAL": "1m", "FRONTDESK_METRICS_ADDR": metricsAt,
	})
	b := newBigImport(t, e, rows, 0)
	b.write(t, func(tx *store.Tx) error {
		if err := tx.SetImportPace(t.Context(), bigImportID, 2, max(1, rows/int(minute.Seconds()*float64(minutes)))); err != nil {
			return err
		}
		return addLogins(t, tx)
	})
	d := startDashboard(t, e)
	b.hasList(t)
	stop := make(chan struct{})
	pages := &times{began: time.Now(), each: minute, took: map[int][]time.Duration{}}
	c := &crew{t: t, services: s, base: d.URL, customers: s.reachable(t), stopping: stop, deeds: map[string]*deed{}, pace: pace, took: pages.add}
	working := c.work(people, seed(t))

	var at []gauges // at the end of each minute
	for range minutes {
		time.Sleep(minute)
		at = append(at, metrics(t, metricsAt))
	}
	close(stop)
	working.Wait()
	b.waits(t, "the import is done", func(state string, _ map[string]int) bool { return state == string(store.ImportDone) })
	d.signal(t, syscall.SIGTERM)
	if code := d.exit(t); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	verifies(t, e["FRONTDESK_DATABASE"], audit.Head{})
	if n := c.cuts.Load(); n > 0 {
		t.Errorf("%d answers never came", n)
	}
	for _, d := range c.deeds {
		if d.status >= http.StatusInternalServerError {
			t.Errorf("%v", d)
		}
	}
	if log := d.stderr.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has errors:\n%s", log)
	}
	p := newProof(t, c, b)
	p.compare(rows)
	for _, problem := range p.problems {
		t.Error(problem)
	}

	// In the first minute everybody signs in. The five behind it are like all others.
	first, last := pages.of(0.99, 0), pages.of(0.99, minutes-1)
	early, late := pages.of(0.99, 1, 2, 3, 4, 5), pages.of(0.99, minutes-5, minutes-4, minutes-3, minutes-2, minutes-1)
	settled, end := at[min(len(at)-1, len(at)/3)], at[len(at)-1] // what is kept in memory has filled up by then
	t.Logf("result: %d people for %s: %d pages read, p99 %s in the first minute and %s in the last, %s in the five behind the first and %s in the last five; %d goroutines, %d descriptors and %.1f MiB after a third, %d, %d and %.1f at the end; %s",
		people, time.Duration(minutes)*minute, c.reads.Load(), first.Round(10*time.Microsecond), last.Round(10*time.Microsecond), early.Round(10*time.Microsecond), late.Round(10*time.Microsecond),
		int(settled.goroutines), int(settled.descriptors), settled.memory/(1<<20), int(end.goroutines), int(end.descriptors), end.memory/(1<<20), p.numbers())
	for i, g := range at {
		t.Logf("minute %d: %d goroutines, %d descriptors, %.1f MiB, p50 %s, p99 %s", i+1, int(g.goroutines), int(g.descriptors), g.memory/(1<<20), pages.of(0.5, i), pages.of(0.99, i))
	}
	if !thorough {
		return
	}
	for what, grew := range map[string][2]float64{
		"goroutines": {settled.goroutines, end.goroutines}, "descriptors": {settled.descriptors, end.descriptors}, "memory": {settled.memory, end.memory},
	} {
		if grew[1] > 1.15*grew[0]+5 {
			t.Errorf("%s grew from %.0f to %.0f", what, grew[0], grew[1])
		}
	}
	if float64(last) > 1.5*float64(first) {
		t.Errorf("p99 was %s in the first minute, and is %s in the last", first, last)
	}
	if float64(late) > 1.5*float64(early) {
		t.Errorf("p99 was %s in the five minutes behind the first, and is %s in the last five", early, late)
	}
}
