package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// importOf is a draft of by's with n rows that are ready.
func (r *rig) importOf(by Actor, n int) (id string) {
	r.Helper()
	r.used++
	id = fmt.Sprintf("import%d", r.used)
	err := r.Store.Write(ctx, func(tx *store.Tx) error {
		err := tx.AddImport(ctx, store.Import{ID: id, StaffID: by.Staff.ID, FileName: "new.csv", Columns: map[string]int{"company": 0, "email": 1},
			State: store.ImportDraft, Concurrency: 4, Rate: MostPerSecond})
		for row := 1; row <= n && err == nil; row++ {
			email := fmt.Sprintf("%s-row%d@example.com", id, row)
			err = tx.PutImportRow(ctx, id, store.ImportRow{N: row, Cells: []string{fmt.Sprintf("Row %d AB", row), email}, EmailKey: email, State: store.RowReady})
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// started is importOf, made to run.
func (r *rig) started(by Actor, n int) (id string) {
	r.Helper()
	id = r.importOf(by, n)
	if err := r.StartImport(ctx, by, id); err != nil {
		r.Fatal(err)
	}
	return id
}

// sending runs an import beside the test; end stops it and waits for it.
func (r *rig) sending(id string) (end func()) {
	r.Helper()
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.runImport(running, id) }()
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.Error(err)
			}
		})
	}
	r.Cleanup(end)
	return end
}

// becomes waits until an import is as it should be.
func (r *rig) becomes(id, what string, is func(p ImportProgress) bool) ImportProgress {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		p, err := r.ImportProgress(ctx, id)
		if err != nil {
			r.Fatal(err)
		}
		if is(p) {
			return p
		}
		if time.Now().After(deadline) {
			r.Fatalf("waited in vain for %s: %+v", what, p)
		}
	}
}

func inState(s store.ImportState) func(ImportProgress) bool {
	return func(p ImportProgress) bool { return p.Import.State == s }
}

// posts are the customers that ATOM was asked to create.
func (r *rig) posts() (n int) {
	for _, c := range r.calls() {
		if c == "POST /atom/customer" {
			n++
		}
	}
	return n
}

// sound holds what must hold at any time: no row is being sent without an act that
// is under way.
func (r *rig) sound(id string) {
	r.Helper()
	rows, err := r.Store.ImportRows(ctx, id, 0, 1000, store.RowSending)
	if err != nil {
		r.Fatal(err)
	}
	open, err := r.Store.OpenActs(ctx)
	if err != nil {
		r.Fatal(err)
	}
	for _, row := range rows {
		if !slices.ContainsFunc(open, func(e audit.Entry) bool { return e.Act == row.Act }) {
			r.Errorf("row %d is being sent, and its act is not under way", row.N)
		}
	}
}

// events are the log's entries of one kind about an import, newest first.
func (r *rig) events(what string) (all []audit.Entry) {
	r.Helper()
	found, err := r.Store.Search(ctx, audit.Filter{What: what}, audit.Page{Limit: 1000})
	if err != nil {
		r.Fatal(err)
	}
	return found.Entries
}

// atomAt makes the desk talk to another ATOM.
func (r *rig) atomAt(base string) {
	r.Atom = atom.New(base, superKey, superToken, call.New("atom", call.Limits{Act: 2 * time.Second}, r.Stats))
}

// From the start to the end, through the queue: every row is an act on record in
// the name of who brought it in, with its key and token in the vault.
func TestImportIsSent(t *testing.T) {
	r := newRig(t)
	const n = 40
	id := r.importOf(r.mia, n)
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	t.Cleanup(func() { cancel(); jobs.Wait() })
	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	if err := r.StartImport(ctx, r.alice, id); err != nil { // runs already
		t.Fatal(err)
	}
	p := r.becomes(id, "the end", inState(store.ImportDone))
	if p.Counts[store.RowCreated] != n || p.Total != n || r.posts() != n {
		t.Errorf("%+v; ATOM was asked %d times", p, r.posts())
	}
	rows, err := r.Store.ImportRows(ctx, id, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if _, err := r.Store.Credentials(ctx, row.CUID); err != nil {
			t.Errorf("row %d: %v", row.N, err)
		}
		c, err := r.Store.Customer(ctx, row.CUID)
		if err != nil || c.Email != row.EmailKey {
			t.Errorf("row %d: customer %+v, %v", row.N, c, err)
		}
	}
	acts := r.entries(rows[6].Act)
	if len(acts) != 2 || acts[1].Result != audit.Done || acts[1].On.ID != rows[6].CUID || acts[0].What != WhatCreate ||
		acts[0].Who.StaffID != r.mia.Staff.ID || acts[0].Who.Session != "" || acts[0].Who.Request != "import" || acts[1].Detail != "import new.csv, row 7" {
		t.Errorf("%+v", acts)
	}
	answer, err := r.Answer(ctx, Actor{}, rows[6].Act)
	if err != nil || !answer.Secret.empty() {
		t.Errorf("the answer holds a secret: %v", err)
	}
	if got := r.events(WhatStartImport); len(got) != 1 || got[0].Who.StaffID != r.mia.Staff.ID || !strings.HasPrefix(got[0].Detail, "40 rows ready") || got[0].On.ID != "import:"+id {
		t.Errorf("%+v", got)
	}
	if got := r.events(WhatImportDone); len(got) != 1 || got[0].Detail != "40 created, 0 failed" {
		t.Errorf("%+v", got)
	}
	if got := r.problem(r.StartImport(ctx, r.mia, id)); got.Kind != Invalid {
		t.Errorf("nothing is left: %+v", got)
	}
	r.sound(id)
	cancel()
	jobs.Wait()
	if text := r.log.String(); strings.Contains(text, "level=ERROR") {
		t.Error(text)
	}
}

// Rights, and the bounds of the pace.
func TestImportBelongsToWhoBroughtItIn(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.alice, 1)

	for name, do := range map[string]func(by Actor, id string) error{
		"start":  func(by Actor, id string) error { return r.StartImport(ctx, by, id) },
		"retry":  func(by Actor, id string) error { return r.RetryImport(ctx, by, id) },
		"pause":  func(by Actor, id string) error { return r.PauseImport(ctx, by, id) },
		"cancel": func(by Actor, id string) error { return r.CancelImport(ctx, by, id) },
		"pace":   func(by Actor, id string) error { return r.PaceImport(ctx, by, id, 1, 1) },
	} {
		if err := do(r.mia, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s by another manager: %v", name, err)
		}
		if err := do(r.alice, "none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of nothing: %v", name, err)
		}
		if got := r.problem(do(r.victor, id)); got.Kind != Forbidden {
			t.Errorf("%s by a viewer: %+v", name, got)
		}
	}
	mine := r.importOf(r.mia, 1)
	for _, pace := range [][2]int{{0, 5}, {17, 5}, {1, 0}, {1, 101}} {
		if got := r.problem(r.PaceImport(ctx, r.mia, mine, pace[0], pace[1])); got.Kind != Invalid || len(got.Fields) != 1 {
			t.Errorf("%v: %+v", pace, got)
		}
	}
	for range 2 { // the second time nothing changes
		if err := r.PaceImport(ctx, r.alice, mine, 16, 100); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.events(WhatPaceImport); len(got) != 1 || got[0].Changes != `{"concurrency":["4","16"]}` {
		t.Errorf("%+v", got)
	}
	if err := r.CancelImport(ctx, r.mia, mine); err != nil {
		t.Fatal(err)
	}
	if got := r.problem(r.StartImport(ctx, r.mia, mine)); got.Kind != Invalid {
		t.Errorf("%+v", got)
	}
	if got := r.events(WhatCancelImport); len(got) != 1 || got[0].Detail != "0 created, 0 failed, 1 not sent" {
		t.Errorf("%+v", got)
	}
}

// Paused half-way, the rows under way end; resumed, it goes on behind them, at
// another pace; cancelled, the rest stays unsent.
func TestImportPausesResumesAndIsCancelled(t *testing.T) {
	r := newRig(t)
	var under, most atomic.Int64
	let := make(chan bool)
	proxy := r.fake(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		if now := under.Add(1); now > most.Load() {
			most.Store(now)
		}
		<-let
		under.Add(-1)
		inner := httptest.NewRequest(q.Method, "/atom"+q.URL.Path, strings.NewReader(string(body)))
		inner.Header = q.Header.Clone()
		r.box.ServeHTTP(w, inner)
	})
	r.atomAt(proxy)
	id := r.started(r.mia, 30)
	end := r.sending(id)
	r.becomes(id, "four rows under way", func(p ImportProgress) bool { return p.Counts[store.RowSending] == 4 })
	r.sound(id)
	for range 2 {
		if err := r.PauseImport(ctx, r.mia, id); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if p := r.becomes(id, "the pause", inState(store.ImportPaused)); p.Counts[store.RowSending] != 4 {
		t.Errorf("%+v", p)
	}
	for range 4 {
		let <- true
	}
	r.becomes(id, "four rows created", func(p ImportProgress) bool { return p.Counts[store.RowCreated] == 4 })
	end() // the job has nothing to do any more
	if p := r.becomes(id, "rest", inState(store.ImportPaused)); p.Counts[store.RowReady] != 26 || most.Load() > 4 {
		t.Errorf("%+v; %d at once", p, most.Load())
	}

	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	end = r.sending(id)
	r.becomes(id, "four rows under way", func(p ImportProgress) bool { return p.Counts[store.RowSending] == 4 })
	if err := r.PaceImport(ctx, r.mia, id, 9, MostPerSecond); err != nil {
		t.Fatal(err)
	}
	r.becomes(id, "nine rows under way", func(p ImportProgress) bool { return p.Counts[store.RowSending] == 9 })
	if err := r.CancelImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	close(let)
	end()
	p := r.becomes(id, "the end", inState(store.ImportCancelled))
	if p.Counts[store.RowCreated] != 13 || p.Counts[store.RowReady] != 17 || r.posts() != 13 || most.Load() > 9 {
		t.Errorf("%+v; %d calls, %d at once", p, r.posts(), most.Load())
	}
	if len(r.events(WhatPauseImport)) != 1 || len(r.events(WhatStartImport)) != 2 {
		t.Error("pauses or starts are missing in the log, or there twice")
	}
	r.sound(id)
}

// The rate bounds how many rows begin in a second, and is read anew.
func TestImportKeepsItsPace(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 60)
	if err := r.PaceImport(ctx, r.mia, id, 16, 2); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.sending(id)
	r.becomes(id, "four rows", func(p ImportProgress) bool { return p.Counts[store.RowCreated] >= 4 })
	p, err := r.ImportProgress(ctx, id)
	took := time.Since(began)
	if took < 1400*time.Millisecond {
		t.Errorf("four rows took %s at two a second", took)
	}
	if least := 60 / took.Seconds(); err != nil || p.PerMinute < least || p.PerMinute > 300 || p.Left <= 0 { // of a busy machine, a third of what it managed
		t.Errorf("%+v, %v; want %.0f to 300 a minute", p, err, least)
	}
	if err := r.PaceImport(ctx, r.mia, id, 16, MostPerSecond); err != nil {
		t.Fatal(err)
	}
	r.becomes(id, "the end", inState(store.ImportDone))
	if took := time.Since(began); took > 25*time.Second { // half a minute at two a second
		t.Errorf("at a hundred a second it took %s", took)
	}
}

// Whoever may no longer create customers does so by no import either.
func TestImportPausesWhenTheRoleIsTaken(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 100)
	if err := r.PaceImport(ctx, r.mia, id, 2, 20); err != nil {
		t.Fatal(err)
	}
	r.sending(id)
	r.becomes(id, "some rows", func(p ImportProgress) bool { return p.Counts[store.RowCreated] > 2 })
	err := r.Store.Write(ctx, func(tx *store.Tx) error {
		_, _, err := tx.ChangeStaff(ctx, r.mia.Staff.ID, store.Viewer, true, []string{"customer"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p := r.becomes(id, "the pause", inState(store.ImportPaused))
	if !strings.Contains(Text(p.Import.Note).String(), r.mia.Staff.Name) || p.Counts[store.RowReady] == 0 {
		t.Errorf("%+v", p)
	}
	if got := r.events(WhatPauseImport); len(got) != 1 || got[0].Who.Name != "frontdesk" || got[0].Detail != Text(p.Import.Note).String() {
		t.Errorf("%+v", got)
	}
}

// ATOM down: rows stay ready, with a note; one at a time tries; it goes on by itself.
func TestImportWaitsForATOM(t *testing.T) {
	r := newRig(t)
	r.atomAt(r.closedPort())
	id := r.started(r.mia, 10)
	if err := r.PaceImport(ctx, r.mia, id, 2, MostPerSecond); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	end := r.sending(id)
	p := r.becomes(id, "a note", func(p ImportProgress) bool {
		return strings.HasPrefix(Text(p.Import.Note).String(), "ATOM cannot be reached; trying again at ")
	})
	if p.Import.State != store.ImportRunning || p.Counts[store.RowReady]+p.Counts[store.RowSending] != 10 {
		t.Errorf("%+v", p)
	}
	most := p.Import.Concurrency    // that many may have begun before the first one failed
	tries := func() []audit.Entry { // one entry of each: how it ended, or that it began
		found := r.events(WhatCreate)
		slices.SortFunc(found, func(a, b audit.Entry) int { return cmp.Compare(a.ID, b.ID) })
		return found
	}
	r.becomes(id, "another try", func(ImportProgress) bool { return len(tries()) > most })
	if took := time.Since(began); took < importWait {
		t.Errorf("try %d begins after %s", most+1, took)
	}
	ended := int64(0)
	for n, e := range tries() {
		whole, err := r.Store.EntriesOfAct(ctx, e.Act)
		if err != nil {
			t.Fatal(err)
		}
		if n >= most && whole[0].ID < ended {
			t.Errorf("try %d begins beside another", n+1)
		}
		ended = e.ID
	}
	end()
	r.atomAt(r.server.URL + "/atom")
	r.control(`{"service": "atom", "status": 429}`)
	end = r.sending(id)
	r.becomes(id, "a note", func(p ImportProgress) bool {
		return strings.HasPrefix(Text(p.Import.Note).String(), "ATOM is being asked too often; trying again at ")
	})
	r.control(`{"service": "atom", "reset_faults": true}`)
	p = r.becomes(id, "the end", inState(store.ImportDone))
	if p.Counts[store.RowCreated] != 10 || p.Import.Note != "" {
		t.Errorf("%+v", p)
	}
	end()
	r.sound(id)
}

// How long the import waits is what ATOM asked for, and doubles otherwise.
func TestImportWaitsLongerEachTime(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 1)
	run := &importRun{desk: r.Desk, id: id, meter: newMeter(time.Now()), under: map[int]bool{}}
	waits := func(want time.Duration, end rowEnd) {
		t.Helper()
		before := time.Now()
		run.rowEnded(ctx, end)
		if got := run.until.Sub(before); got < want || got > want+time.Second {
			t.Errorf("waits %s, want %s", got, want)
		}
	}
	down := func() rowEnd { return rowEnd{state: store.RowReady, waits: "ATOM is down", began: time.Now()} }
	early := down()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		waits(want*time.Second, down())
	}
	waits(59*time.Second, early) // began before all that: nothing new
	run.rowEnded(ctx, rowEnd{state: store.RowCreated})
	if run.wait != 0 || !run.until.IsZero() {
		t.Error("it still waits")
	}
	asked := down()
	asked.wait = 90 * time.Second
	waits(90*time.Second, asked)
	asked.wait = time.Hour
	asked.began = time.Now()
	waits(10*time.Minute, asked)
}

// Refused credentials stop the import until somebody has mended them.
func TestImportPausesWhenCredentialsAreRefused(t *testing.T) {
	r := newRig(t)
	r.control(`{"service": "atom", "refuse_credentials": true}`)
	id := r.started(r.mia, 50)
	end := r.sending(id)
	p := r.becomes(id, "the pause", inState(store.ImportPaused))
	end()
	if !strings.Contains(Text(p.Import.Note).String(), "FRONTDESK_ATOM_SUPERKEY") {
		t.Errorf("%+v", p)
	}
	if p = r.becomes(id, "all rows ready", func(p ImportProgress) bool { return p.Counts[store.RowReady] == 50 }); r.posts() > 10 {
		t.Errorf("ATOM was asked %d times: %+v", r.posts(), p)
	}
	r.control(`{"service": "atom", "refuse_credentials": false}`)
	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	r.sending(id)
	if p := r.becomes(id, "the end", inState(store.ImportDone)); p.Counts[store.RowCreated] != 50 || p.Import.Note != "" {
		t.Errorf("%+v", p)
	}
}

// Errors of ATOM's own pause the import before many rows have failed; they are
// sent again on demand.
func TestImportPausesWhenRowsFailAlike(t *testing.T) {
	r := newRig(t)
	r.control(`{"service": "atom", "status": 500}`)
	id := r.started(r.mia, 40)
	end := r.sending(id)
	p := r.becomes(id, "the pause", inState(store.ImportPaused))
	end()
	if p = r.becomes(id, "no row under way", func(p ImportProgress) bool { return p.Counts[store.RowSending] == 0 }); !strings.Contains(Text(p.Import.Note).String(), "10 rows in a row") ||
		p.Counts[store.RowFailed] < 10 || p.Counts[store.RowFailed] > 14 || p.Again != p.Counts[store.RowFailed] {
		t.Errorf("%+v", p)
	}
	r.control(`{"service": "atom", "reset_faults": true}`)
	if err := r.RetryImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	r.sending(id)
	if p := r.becomes(id, "the end", inState(store.ImportDone)); p.Counts[store.RowCreated] != 40 {
		t.Errorf("%+v", p)
	}
	if got := r.events(WhatStartImport); len(got) != 2 || !strings.Contains(got[0].Detail, "had failed") {
		t.Errorf("%+v", got)
	}
}

// What has appeared since the check is not sent; what ATOM has by itself fails
// with its message. Neither is an error of ATOM's, and neither is tried again.
func TestImportSendsNoDuplicates(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.mia, 3)
	known := r.customer()
	taken := r.newCustomer()
	r.must(r.CreateCustomer(ctx, r.alice, "form", taken))
	r.exec(`DELETE FROM customers WHERE email_key = '` + taken.Email + `'`) // ATOM has it, the mirror not yet
	for n, email := range map[int]string{1: known.Email, 3: taken.Email} {
		err := r.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.PutImportRow(ctx, id, store.ImportRow{N: n, Mended: map[string]string{"email": email}, EmailKey: store.Fold(email), State: store.RowReady})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := r.posts()
	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	r.sending(id)
	p := r.becomes(id, "the end", inState(store.ImportDone))
	if p.Counts[store.RowCreated] != 1 || p.Counts[store.RowFailed] != 2 || p.Again != 0 || r.posts()-before != 2 {
		t.Errorf("%+v; %d calls", p, r.posts()-before)
	}
	rows, err := r.Store.ImportRows(ctx, id, 0, 9, store.RowFailed)
	if err != nil || len(rows) != 2 || rows[0].Act != "" || !strings.Contains(Text(rows[0].Message).String(), "already") || rows[1].Act == "" || !strings.HasPrefix(Text(rows[1].Message).String(), "ATOM refused: ") {
		t.Errorf("%+v, %v", rows, err)
	}
}

// Two jobs, two people, or one row twice: it is sent once.
func TestImportRowIsSentOnce(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.mia, 30)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := r.StartImport(ctx, r.mia, id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := r.events(WhatStartImport); len(got) != 1 {
		t.Errorf("%d starts are on record", len(got))
	}
	i, err := r.Store.Import(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	by := Actor{Staff: r.mia.Staff, Request: "import"}
	row, err := r.Store.ImportRow(ctx, id, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 { // past the job's own bookkeeping
		all.Go(func() {
			if _, err := r.sendRow(ctx, by, i, row); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if r.posts() != 1 {
		t.Errorf("one row was sent %d times", r.posts())
	}
	for range 3 {
		all.Go(func() {
			if err := r.runImport(ctx, id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p := r.becomes(id, "the end", inState(store.ImportDone)); p.Counts[store.RowCreated] != 30 || r.posts() != 30 {
		t.Errorf("%+v; %d calls", p, r.posts())
	}
	if _, err := r.sendRow(ctx, by, i, row); err != nil || r.posts() != 30 { // long since done
		t.Errorf("%v; %d calls", err, r.posts())
	}
}

// A lost answer leaves the row unknown until a sync settles it; what was not
// created is sent again, three times at most.
func TestImportSettlesLostAnswers(t *testing.T) {
	r := newRig(t)
	r.control(`{"service": "atom", "lose_answer": true}`)
	id := r.started(r.mia, 2)
	r.sending(id)
	p := r.becomes(id, "a note", func(p ImportProgress) bool { return p.Counts[store.RowUnknown] == 2 && p.Import.Note != "" })
	if p.Import.State != store.ImportRunning || r.posts() != 2 {
		t.Errorf("%+v", p)
	}
	r.control(`{"service": "atom", "reset_faults": true}`)
	r.clock.Add(time.Minute)
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	p = r.becomes(id, "the end", inState(store.ImportDone))
	row, err := r.Store.ImportRow(ctx, id, 1)
	if err != nil || p.Counts[store.RowCreated] != 2 || r.posts() != 2 || row.CUID == "" {
		t.Errorf("%+v, %+v, %v", p, row, err)
	}

	// An answer that is lost before anything was done.
	var posts atomic.Int64
	r.atomAt(r.fake(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			posts.Add(1)
			w.WriteHeader(http.StatusInternalServerError) // without a message
			return
		}
		list := []map[string]string{}
		for _, c := range r.customers {
			list = append(list, map[string]string{"cuid": c.CUID, "email": c.Email})
		}
		_ = json.NewEncoder(w).Encode(list)
	}))
	id = r.started(r.mia, 1)
	r.sending(id)
	for try := int64(1); try <= lostTries; try++ {
		r.becomes(id, "an unknown row", func(p ImportProgress) bool { return p.Counts[store.RowUnknown] == 1 })
		if posts.Load() != try {
			t.Errorf("sent %d times, want %d", posts.Load(), try)
		}
		for range 2 {
			r.clock.Add(time.Minute)
			if _, err := r.sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	p = r.becomes(id, "the end", inState(store.ImportDone))
	if row, err := r.Store.ImportRow(ctx, id, 1); err != nil || p.Counts[store.RowFailed] != 1 || p.Again != 1 || !strings.Contains(Text(row.Message).String(), "three times") {
		t.Errorf("%+v, %+v, %v", p, row, err)
	}
}

// Killed between intent and outcome: the next start makes the row unknown, in one
// step with its act.
func TestImportRowIsUnknownAfterAKill(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 5)
	inside, leave := make(chan bool), make(chan bool)
	var once sync.Once
	stop := r.during(func(q *http.Request) { once.Do(func() { close(inside); <-leave }) })
	i, err := r.Store.Import(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Store.ImportRow(ctx, id, 3)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := r.sendRow(ctx, Actor{Staff: r.mia.Staff, Request: "import"}, i, row)
		done <- err
	}()
	<-inside
	r.sound(id)
	next := r.desk(r.Store, r.server.URL, call.Limits{}) // as after the kill: the first one's outcome comes too late
	r.startsAfterAKill(next)
	got, err := r.Store.ImportRow(ctx, id, 3)
	if err != nil || got.State != store.RowUnknown {
		t.Errorf("%+v, %v", got, err)
	}
	if c, err := r.Store.OpenCreateOfAct(ctx, got.Act); err != nil || c.State != "open" {
		t.Errorf("%+v, %v", c, err)
	}
	r.sound(id)
	stop()
	close(leave)
	<-done
}

// A stop begins no row; those under way end, and the import runs on at the next
// start.
func TestStopLetsRowsEnd(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 50)
	inside, leave := make(chan bool, 100), make(chan bool)
	stop := r.during(func(q *http.Request) { inside <- true; <-leave })
	defer stop()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	for range 4 {
		<-inside
	}
	r.Stop()
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(ctx) }()
	select {
	case err := <-drained:
		t.Fatalf("drained with rows under way: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(leave)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	jobs.Wait()
	p, err := r.ImportProgress(ctx, id)
	if err != nil || p.Import.State != store.ImportRunning || p.Counts[store.RowCreated] != 4 || p.Counts[store.RowReady] != 46 {
		t.Errorf("%+v, %v", p, err)
	}
	next := r.desk(r.Store, r.server.URL, call.Limits{})
	if _, err := next.Mirror.sync(ctx, &Sync{by: frontdesk}); err != nil {
		t.Fatal(err)
	}
	again, cancelAgain := context.WithCancel(ctx)
	jobs.Go(func() { next.runJobs(again) })
	r.becomes(id, "the end", inState(store.ImportDone))
	cancelAgain()
	jobs.Wait()
	if r.posts() != 50 {
		t.Errorf("ATOM was asked %d times", r.posts())
	}
}

// A log that cannot be written stops nothing for good.
func TestImportOutlastsAnUnwritableLog(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 5)
	mend := r.breakLog()
	r.sending(id)
	time.Sleep(300 * time.Millisecond)
	if r.posts() != 0 {
		t.Errorf("ATOM was asked %d times, off the record", r.posts())
	}
	mend()
	if p := r.becomes(id, "the end", inState(store.ImportDone)); p.Counts[store.RowCreated] != 5 {
		t.Errorf("%+v", p)
	}
}
