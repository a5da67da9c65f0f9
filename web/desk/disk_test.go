//go:build !postgres

package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// limit lets the database grow no more, as a full disk does; lift takes it away.
func (r *rig) limit() (lift func()) {
	r.Helper()
	set := func(pages int) {
		r.Helper()
		if err := r.Store.WriteOutcome(ctx, func(tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
			return err
		}); err != nil {
			r.Fatal(err)
		}
	}
	set(1) // as many as there are
	for {  // what is left of the last pages
		err := r.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "fill", Result: audit.Done})
		})
		var u *store.Unwritable
		if errors.As(err, &u) {
			return func() { set(1 << 30) }
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

// With the disk full nothing goes out, and the person reads why; the page that
// they look at goes on, and acts do too once there is space.
func TestActsOnAFullDisk(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	lift := r.limit()
	before := len(r.calls())
	for name, try := range map[string]func() error{
		"SSO": func() error { _, err := r.OpenSSO(ctx, r.mia, "receipt", c.CUID, "ticket"); return err },
		"SMS": func() error {
			_, err := r.SendSMS(ctx, r.mia, "sms", SMSForm{Phone: r.phone()})
			return err
		},
		"add staff": func() error {
			_, err := r.AddStaff(ctx, r.alice, store.Staff{Portal: "customer", Username: "x", Role: store.Viewer})
			return err
		},
	} {
		p := r.problem(try())
		if p.Kind != Unrecorded || p.Status() != http.StatusServiceUnavailable || !strings.HasSuffix(p.Text.String(), " The disk is full.") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if calls := r.calls()[before:]; len(calls) != 0 {
		t.Errorf("calls went out: %v", calls)
	}
	if _, err := r.Store.Customer(ctx, c.CUID); err != nil {
		t.Errorf("reading: %v", err)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 0 {
		t.Errorf("open acts %+v, %v", open, err)
	}
	lift()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := r.OpenSSO(ctx, r.mia, "receipt", c.CUID, "ticket")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with space again: %v", err)
		}
	}
	if n := len(r.calls()) - before; n != 1 {
		t.Errorf("%d calls for one act", n)
	}
}

// A start that cannot be recorded does not keep reading from going on. It is
// recorded, with the acts that a crash left, as soon as that is possible, and
// acts of the time between are not closed with them.
func TestAStartThatCannotBeRecordedYet(t *testing.T) {
	r := newRig(t)
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: "crashed", Phase: audit.Intent, What: WhatSSO, Service: "atom"})
	}); err != nil {
		t.Fatal(err)
	}
	lift := r.limit()
	if err := r.Start(ctx, "1.0", map[string]string{"A": "1"}); err != nil {
		t.Fatalf("it does not start: %v", err)
	}
	if !strings.Contains(r.log.String(), "acts are refused until it can") {
		t.Errorf("logged:\n%s", r.log)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 1 {
		t.Errorf("open acts %+v, %v", open, err)
	}
	lift()
	time.Sleep(2100 * time.Millisecond) // a full disk is looked at again then
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: "under way", Phase: audit.Intent, What: WhatSSO, Service: "atom"})
	}); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	go r.Desk.Run(running)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		found, err := r.Store.Search(ctx, audit.Filter{What: WhatStart}, audit.Page{Limit: 5})
		started := found.Entries
		if err != nil || len(started) > 1 {
			t.Fatalf("starts %+v, %v", started, err)
		}
		if len(started) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the start is not recorded")
		}
	}
	open, err := r.Store.OpenActs(ctx)
	if err != nil || len(open) != 1 || open[0].Act != "under way" {
		t.Errorf("open acts %+v, %v", open, err)
	}
	if closed := r.entries("crashed"); len(closed) != 2 || closed[1].Result != audit.Unknown {
		t.Errorf("the crashed act %+v", closed)
	}
}

// While nothing can be written the queue rests, without a word every second, and it
// comes back by itself.
func TestTheQueueComesBackAfterAFullDisk(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.mia, 3)
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	t.Cleanup(func() { cancel(); jobs.Wait() })
	lift := r.limit()
	if p := r.problem(r.StartImport(ctx, r.mia, id)); p.Kind != Unrecorded {
		t.Errorf("%+v", p)
	}
	time.Sleep(jobsLooked + time.Second)
	lift()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err := r.StartImport(ctx, r.mia, id); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	r.becomes(id, "the end", inState(store.ImportDone))
}

// A job that a kill has left running, and a running import that lost its job, both
// go on at the next start.
func TestImportsGoOnAtTheNextStart(t *testing.T) {
	r := newRig(t)
	lost, left := r.started(r.mia, 2), r.started(r.mia, 2)
	if _, err := r.Store.Jobs().Exec(`INSERT INTO river_job (kind, args, max_attempts, queue, state, attempt, attempted_at, attempted_by)
		VALUES ('import', '{"id":"` + left + `"}', 9, 'imports', 'running', 1, '2026-01-01 00:00:00', '["killed"]')`); err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	t.Cleanup(func() { cancel(); jobs.Wait() })
	for _, id := range []string{lost, left} {
		r.becomes(id, "the end", inState(store.ImportDone))
	}
	if n := r.posts(); n != 4 {
		t.Errorf("ATOM was asked %d times", n)
	}
}

// On a full disk the dashboard starts all the same, both secrets open, and a
// later start changes it.
func TestAChangeOfTheSecretOnAFullDisk(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	made := r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, "cuid", "ticket"))
	r.reopen(newSecret, make([]byte, 32))
	lift := r.limit()
	if got := r.changeSecret(); got.Changed || !strings.Contains(r.log.String(), "keep FRONTDESK_SECRET_OLD") {
		t.Errorf("%+v, and the log:\n%s", got, r.log)
	}
	if stored, err := r.Store.Credentials(ctx, c.CUID); err != nil || stored.Key != made.Secret.Key {
		t.Errorf("the credentials: %v", err)
	}
	lift()
	r.reopen(newSecret, make([]byte, 32))
	if got := r.changeSecret(); !got.Changed || r.newest(1)[0].What != WhatSecret {
		t.Errorf("with space: %+v", got)
	}
}
