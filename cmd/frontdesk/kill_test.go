package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// kills is how often the dashboard is killed: FRONTDESK_KILLS, or a few.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FRONTDESK_KILLS")
	if text == "" {
		return 25
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FRONTDESK_KILLS is %q", text)
	}
	return n
}

// load are people who work as fast as they can, and know what was acknowledged.
type load struct {
	working sync.RWMutex // held to let nobody act
	next    atomic.Int64
	done    sync.Map // reasons of acts that were answered with 303
	acked   atomic.Int64
	cut     atomic.Int64 // answers that never came
	other   sync.Map     // statuses of other answers
}

func (l *load) work(ctx context.Context, v *visitor, customers []string) {
	for ctx.Err() == nil {
		reason := fmt.Sprintf("ticket-%d.", l.next.Add(1))
		customer := customers[rand.IntN(len(customers))]
		l.working.RLock()
		got := v.post(customer+"/sso", url.Values{"reason": {reason}})
		switch {
		case got.err != nil:
			l.cut.Add(1)
			time.Sleep(time.Millisecond)
		case got.status == http.StatusSeeOther && strings.Contains(got.location, "/platform"):
			l.acked.Add(1)
			l.done.Store(reason, true)
		default:
			l.other.Store(got.status, reason)
		}
		l.working.RUnlock()
	}
}

// Killed at any moment, under load, again and again on one database: no act that
// was acknowledged is missing, none stays open, the log holds without a gap and
// continues the one before.
func TestKills(t *testing.T) {
	s := startServices(t)
	e := s.against(t)
	d := startDashboard(t, e)
	hire(t, d)
	var l load
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var people sync.WaitGroup
	for range 4 {
		v := visit(t, d, "mia") // their sessions outlive every kill
		customers := v.customers()
		people.Go(func() { l.work(ctx, v, customers) })
	}

	n := kills(t)
	began := time.Now()
	var last audit.Head
	for range n {
		time.Sleep(20*time.Millisecond + rand.N(100*time.Millisecond))
		d.signal(t, syscall.SIGKILL)
		d.exit(t)
		l.working.Lock()
		d = startDashboard(t, e)
		last, _ = l.check(t, e["FRONTDESK_DATABASE"], last)
		l.working.Unlock()
	}
	stop()
	people.Wait()
	_, unknown := l.check(t, e["FRONTDESK_DATABASE"], last)
	calls := int64(s.calls(t, `^GET /atom/.*/sso$`))
	acts := l.intents(t, e["FRONTDESK_DATABASE"])
	if calls > acts || calls < l.acked.Load() {
		t.Errorf("ATOM was asked %d times; %d intents are on record, and %d acts were acknowledged", calls, acts, l.acked.Load())
	}
	if l.acked.Load() < int64(n) || l.cut.Load() < int64(n)/2 || unknown == 0 {
		t.Errorf("the kills did not meet acts under way: %d acknowledged, %d cut, %d unknown", l.acked.Load(), l.cut.Load(), unknown) // so that the test can fail
	}
	l.other.Range(func(status, reason any) bool {
		t.Logf("%v was answered %d", reason, status)
		return true
	})
	t.Logf("%d kills in %s: %d acts acknowledged, %d cut, %d closed as unknown; the log has %d entries",
		n, time.Since(began).Round(time.Millisecond), l.acked.Load(), l.cut.Load(), unknown, last.Size)
}

// check holds all that must hold after a start, and returns the log's head and
// how many acts are on record as unknown.
func (l *load) check(t *testing.T, path string, before audit.Head) (now audit.Head, unknown int64) {
	t.Helper()
	ctx := t.Context()
	db, err := store.OpenToRead(ctx, path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var since []audit.Head
	if before.Size > 0 {
		since = append(since, before)
	}
	got, err := db.Verify(ctx, since...)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	if got.Open != 0 {
		t.Errorf("%d acts are under way, and nobody is", got.Open)
	}
	raw := rawDatabase(t, path)
	defer raw.Close()
	rows, err := raw.Query(`SELECT reason, count(*), sum(phase = 'intent'), sum(outcome = 'done'), sum(outcome = 'unknown')
		FROM audit_entries WHERE what = 'open as customer' GROUP BY act_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	recorded := map[string]bool{}
	for rows.Next() {
		var reason string
		var entries, intents, done, lost int64
		if err := rows.Scan(&reason, &entries, &intents, &done, &lost); err != nil {
			t.Fatal(err)
		}
		if entries != 2 || intents != 1 || done+lost != 1 {
			t.Errorf("%s has %d entries: %d intents, %d done, %d unknown", reason, entries, intents, done, lost)
		}
		recorded[reason] = done == 1
		unknown += lost
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	l.done.Range(func(reason, _ any) bool {
		if !recorded[reason.(string)] {
			t.Errorf("%s was acknowledged, and is not on record as done", reason)
		}
		return true
	})
	return got.Head, unknown
}

func (l *load) intents(t *testing.T, path string) (n int64) {
	t.Helper()
	err := rawDatabase(t, path).QueryRow(`SELECT count(*) FROM audit_entries WHERE what = 'open as customer' AND phase = 'intent'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
