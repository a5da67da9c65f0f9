package desk

import (
	"context"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/call"
)

// After a restore, rows are ready that were created since the backup. They wait for a
// list of ATOM's that this process has believed, and are not sent again.
func TestImportsWaitForTheFirstList(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 3)
	made, err := r.Atom.CreateCustomer(ctx, NewCustomer{Company: "Row 2 AB", Email: id + "-row2@example.com"}) // since the backup
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Jobs().Exec(`INSERT INTO river_job (kind, args, max_attempts, queue, state) VALUES ('import', '{"id":"` + id + `"}', 9, 'imports', 'available')`); err != nil {
		t.Fatal(err)
	}
	before := r.posts()
	next := r.desk(r.Store, r.server.URL, call.Limits{})
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { next.runJobs(running) })
	t.Cleanup(func() { cancel(); jobs.Wait() })
	r.becomes(id, "a note", func(p ImportProgress) bool { return p.Import.Note == "Waiting for ATOM's list" })

	// A list that fails is not enough.
	r.control(`{"service": "atom", "status": 500}`)
	if _, err := next.Mirror.sync(ctx, &Sync{by: frontdesk}); err == nil {
		t.Error("a sync does not fail")
	}
	r.control(`{"service": "atom", "reset_faults": true}`)
	time.Sleep(3 * listLooked)
	if p := r.becomes(id, "the wait", inState(store.ImportRunning)); p.Counts[store.RowReady] != 3 || r.posts() != before {
		t.Errorf("%+v; ATOM was asked %d times", p, r.posts()-before)
	}
	if report, err := next.Mirror.sync(ctx, &Sync{by: frontdesk}); err != nil || report.Outcome != "done" {
		t.Fatalf("%+v, %v", report, err)
	}
	p := r.becomes(id, "the end", inState(store.ImportDone))
	if p.Counts[store.RowCreated] != 2 || p.Counts[store.RowFailed] != 1 || r.posts()-before != 2 || p.Import.Note != "" {
		t.Errorf("%+v; ATOM was asked %d times", p, r.posts()-before)
	}
	if c, err := r.Store.Customer(ctx, made.CUID); err != nil || c.Email == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

// An answer that a gateway may have given says nothing about what the service behind
// it does: a form and a row are unknown then, until ATOM's list tells.
func TestGatewaysAnswersAreNotBelieved(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.mia, 4)
	i, err := r.Store.Import(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	for n, status := range []string{"502", "503", "504", "408"} {
		r.control(`{"service": "atom", "status": ` + status + `}`) // with a message in JSON
		row, err := r.Store.ImportRow(ctx, id, n+1)
		if err != nil {
			t.Fatal(err)
		}
		end, err := r.sendRow(ctx, Actor{Staff: r.mia.Staff, Request: "import"}, i, row)
		if err != nil || end.state != store.RowUnknown || end.pause != "" {
			t.Errorf("%s: %+v, %v", status, end, err)
		}
		if row, err = r.Store.ImportRow(ctx, id, n+1); err != nil || row.State != store.RowUnknown {
			t.Errorf("%s: %+v, %v", status, row, err)
		}
		if c, err := r.Store.OpenCreateOfAct(ctx, row.Act); err != nil || c.State != "open" {
			t.Errorf("%s: %+v, %v", status, c, err)
		}
		answer, err := r.CreateCustomer(ctx, r.mia, "form "+status, r.newCustomer())
		if p := r.problem(err); p.Kind != Unknown {
			t.Errorf("%s: %+v", status, p)
		}
		if c, err := r.Store.OpenCreateOfAct(ctx, answer.Act); err != nil || c.State != "open" {
			t.Errorf("%s: %+v, %v", status, c, err)
		}
	}
	r.control(`{"service": "atom", "reset_faults": true}`)
	for range 2 {
		r.clock.Add(time.Minute)
		if _, err := r.sync(); err != nil {
			t.Fatal(err)
		}
	}
	if p := r.becomes(id, "settled rows", inState(store.ImportRunning)); p.Counts[store.RowReady] != 4 {
		t.Errorf("%+v", p)
	}
}
