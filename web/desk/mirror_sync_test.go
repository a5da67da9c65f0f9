package desk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/call"
)

// lists is an ATOM of the test's own, that lists these objects.
type lists struct {
	*rig
	*Desk
	answer  atomic.Pointer[http.HandlerFunc]
	objects []string
}

func newLists(r *rig, objects ...string) *lists {
	r.Helper()
	l := &lists{rig: r, objects: objects}
	url := r.fake(func(w http.ResponseWriter, req *http.Request) {
		if answer := l.answer.Load(); answer != nil {
			(*answer)(w, req)
			return
		}
		io.WriteString(w, l.whole())
	})
	l.Desk = r.desk(r.Store, url, call.Limits{})
	// What is written to customers from now on, as seen by the database itself.
	for _, s := range watchWrites {
		r.exec(s)
	}
	return l
}

func (l *lists) whole() string { return "[" + strings.Join(l.objects, ",") + "]" }

// sync reads the list, and returns what was written to customers, counted.
func (l *lists) sync() (store.SyncReport, string, error) {
	l.Helper()
	l.exec(`DELETE FROM writes`)
	l.clock.Add(time.Minute)
	report, err := l.Desk.Mirror.sync(ctx, &Sync{by: frontdesk, believe: true})
	rows, queryErr := l.raw.Query(`SELECT what || ' ' || count(*) FROM writes GROUP BY what ORDER BY what`)
	if queryErr != nil {
		l.Fatal(queryErr)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			l.Fatal(err)
		}
		all = append(all, s)
	}
	return report, strings.Join(all, ", "), err
}

func (l *lists) mustSync(want string) store.SyncReport {
	l.Helper()
	report, wrote, err := l.sync()
	if err != nil || report.Outcome != "done" || wrote != want {
		l.Errorf("wrote %q, want %q; %+v, %v", wrote, want, report, err)
	}
	return report
}

func object(i int, more string) string {
	return fmt.Sprintf(`{"cuid": "c%d", "company": "Company %d", "email": "c%d@example.com", "phone": "+467012%05d"%s}`, i, i, i, i, more)
}

func TestASyncWritesOnlyWhatChanged(t *testing.T) {
	r := newRig(t)
	l := newLists(r)
	const n = 5200 // enough for the indexes to be built afterwards
	for i := range n {
		l.objects = append(l.objects, object(i, ""))
	}
	indexes := r.indexes()
	if report := l.mustSync("gone 8, new 5200"); report.Added != n || report.Gone != 8 || report.Total != n {
		t.Errorf("first %+v", report)
	}
	if after := r.indexes(); after != indexes {
		t.Errorf("indexes of customers\n%s\nwere\n%s", after, indexes)
	}
	entries := len(r.newest(1000))
	var syncs int
	r.one(`SELECT count(*) FROM syncs`, &syncs)
	l.mustSync("")
	var after int
	if r.one(`SELECT count(*) FROM syncs`, &after); after != syncs+1 || len(r.newest(1000)) != entries {
		t.Errorf("a sync without changes left %d reports and %d entries", after-syncs, len(r.newest(1000))-entries)
	}

	l.objects[7], l.objects[100], l.objects[5199] = object(7, `, "plan": "pro"`), object(100, `, "city": "Lund"`), object(5199, `, "new": null`)
	if report := l.mustSync("changed 3"); report.Changed != 3 || report.Added+report.Gone != 0 {
		t.Errorf("three changed: %+v", report)
	}
	// What is dropped anyway, and how ATOM writes it, change the digest alone.
	l.objects[8], l.objects[9] = object(8, `, "token": "PLANTED-token"`), object(9, " ")
	if report := l.mustSync("digest 2"); report.Changed != 0 {
		t.Errorf("only the digests: %+v", report)
	}
	l.mustSync("")

	gone := l.objects[20]
	l.objects = slices.Delete(l.objects, 20, 21)
	if report := l.mustSync("gone 1"); report.Gone != 1 {
		t.Errorf("one gone: %+v", report)
	}
	l.mustSync("")
	l.objects = append(l.objects, gone)
	if report := l.mustSync("changed 1"); report.Changed != 1 || report.Added != 0 {
		t.Errorf("back with the same: %+v", report)
	}
	if c, err := r.Store.Customer(ctx, "c20"); err != nil || !c.GoneAt.IsZero() {
		t.Errorf("back, and gone at %v, %v", c.GoneAt, err)
	}
	// The first of two with one cuid counts, whichever of them is known already.
	l.objects = append(l.objects, object(30, `, "city": "Second"`), l.objects[31])
	if report := l.mustSync(""); report.Total != n {
		t.Errorf("listed twice: %+v", report)
	}
	l.Desk.Mirror.mapping++
	if report := l.mustSync("digest 5200"); report.Changed != 0 {
		t.Errorf("another mapping: %+v", report)
	}
	l.mustSync("")
}

// one reads one value beside the store.
func (r *rig) one(query string, to any) {
	r.Helper()
	if err := r.raw.QueryRow(query).Scan(to); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) indexes() (all string) {
	r.Helper()
	r.one(indexesOfCustomers, &all)
	return all
}

func TestAListThatBreaksOffChangesNothing(t *testing.T) {
	r := newRig(t)
	l := newLists(r)
	for i := range 2000 {
		l.objects = append(l.objects, object(i, ""))
	}
	l.mustSync("gone 8, new 2000")
	for i := range l.objects { // everybody is another now
		l.objects[i] = object(i, `, "city": "Elsewhere"`)
	}
	whole := l.whole()
	half := whole[:len(whole)/2]
	for name, answer := range map[string]http.HandlerFunc{
		"cut half-way": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			io.WriteString(w, half)
		},
		"half an array": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, half[:strings.LastIndex(half, "}")+1]) },
		"HTML":          func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>Maintenance</html>") },
		"HTML behind half": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, half[:strings.LastIndex(half, "}")+1]+"<html>Maintenance</html>")
		},
		"reset half-way": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, half)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		l.answer.Store(&answer)
		report, wrote, err := l.sync()
		if err == nil || report.Outcome != "failed" || wrote != "" || report.Detail == "" {
			t.Errorf("%s: wrote %q, %+v, %v", name, wrote, report, err)
		}
	}
	l.answer.Store(nil)
	l.mustSync("changed 2000")
}

func TestProgressShowsToWhomItMatters(t *testing.T) {
	r := newRig(t)
	r.Mirror.desk.Sync = time.Hour
	asked, goOn := make(chan struct{}), make(chan struct{})
	stop := r.during(func(req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/customer/") {
			asked <- struct{}{}
			<-goOn
		}
	})
	defer stop()
	jobs, end := context.WithCancel(ctx)
	var loop sync.WaitGroup
	loop.Go(func() { r.Mirror.run(jobs) })
	defer loop.Wait()
	defer end()
	<-asked // by nobody
	if p := r.Mirror.Progress(ctx); !p.Running || p.Shown || p.Phase != "reading" || p.Before != 8 || !p.StartedAt.Equal(r.Now()) {
		t.Errorf("in the background: %+v", p)
	}
	var refresh sync.WaitGroup
	refresh.Go(func() {
		if _, err := r.Mirror.Refresh(ctx, r.mia, false); err != nil {
			t.Error(err)
		}
	})
	r.until(func() bool { return r.Mirror.Progress(ctx).Shown }) // waiting for its turn
	goOn <- struct{}{}
	<-asked
	if p := r.Mirror.Progress(ctx); !p.Running || !p.Shown || p.StartedAt.IsZero() {
		t.Errorf("asked for: %+v", p)
	}
	goOn <- struct{}{}
	refresh.Wait()
	r.until(func() bool { return r.Mirror.Progress(ctx) == Progress{Listed: 8} })

	r.exec(`DELETE FROM syncs`) // so that the next is the first
	r.Mirror.Request()
	<-asked
	if p := r.Mirror.Progress(ctx); !p.Running || !p.Shown || p.Before != 0 {
		t.Errorf("the first: %+v", p)
	}
	goOn <- struct{}{}
}

// until waits for something that happens meanwhile.
func (r *rig) until(is func() bool) {
	r.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatal("it did not happen")
		}
	}
}

// A start at which ATOM fails leaves nobody waiting for the next interval.
func TestASyncThatFailedIsTriedAgain(t *testing.T) {
	r := newRig(t)
	r.Mirror.again = time.Millisecond
	r.Mirror.believed.Store(false) // as after a start
	r.control(`{"service": "atom", "status": 500}`)
	jobs, end := context.WithCancel(ctx)
	var loop sync.WaitGroup
	loop.Go(func() { r.Mirror.run(jobs) }) // the interval is an hour
	defer loop.Wait()
	defer end()
	r.until(func() bool {
		n := 0
		if err := r.Store.Jobs().QueryRow(`SELECT count(*) FROM syncs WHERE outcome = 'failed'`).Scan(&n); err != nil {
			t.Error(err)
		}
		return n >= 3
	})
	if r.Mirror.believed.Load() {
		t.Error("a list that failed is believed")
	}
	r.control(`{"service": "atom", "reset_faults": true}`)
	r.until(r.Mirror.believed.Load)
}

func TestALostCreateIsSettledWithoutAnybodyAsking(t *testing.T) {
	r := newRig(t)
	r.Mirror.desk.SettleGap = 3 * time.Second // long enough for the clock to be put forward within it
	jobs, end := context.WithCancel(ctx)
	var loop sync.WaitGroup
	loop.Go(func() { r.Mirror.run(jobs) }) // the interval is an hour
	defer loop.Wait()
	defer end()
	r.until(func() bool { return r.Mirror.Progress(ctx) == Progress{Listed: 8} })
	lost := r.lose(r.newCustomer(), false)
	state := func() store.OpenCreate {
		c, err := r.Store.OpenCreateOfAct(ctx, lost.Act)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r.until(func() bool { return state().Syncs == 1 }) // the one at once
	r.clock.Add(4 * time.Second)
	r.until(func() bool { return state().State == "not created" })
	if c := state(); c.Syncs != 2 {
		t.Errorf("settled by sync %d: %+v", c.Syncs, c)
	}
}
