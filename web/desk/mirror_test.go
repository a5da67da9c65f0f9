package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

func (r *rig) count() int {
	r.Helper()
	n, err := r.Store.CountCustomers(ctx)
	if err != nil {
		r.Fatal(err)
	}
	return n
}

// list makes ATOM list the first n seeded customers and these besides.
func (r *rig) list(n int, objects ...string) {
	r.Helper()
	r.control(fmt.Sprintf(`{"service": "atom", "customers": %d}`, n))
	for _, o := range objects {
		if err := r.box.AddCustomer(o); err != nil {
			r.Fatal(err)
		}
	}
}

func others(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(`{"cuid": "other%d", "email": "other%d@example.com"}`, i, i))
	}
	return all
}

func TestWhichListsAreBelieved(t *testing.T) {
	type step struct {
		seeded  int
		others  int
		fault   string
		outcome string
		left    int // customers in the mirror afterwards
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"the same", []step{{8, 0, "", "done", 8}}},
		{"one gone, and back", []step{{7, 0, "", "done", 7}, {8, 0, "", "done", 8}}},
		{"exactly half lost", []step{{4, 0, "", "done", 4}}},
		{"more than half lost, twice", []step{{3, 0, "", "doubted", 8}, {3, 0, "", "done", 3}}},
		{"empty, twice", []step{{0, 0, "", "doubted", 8}, {0, 0, "", "done", 0}}},
		{"empty, then whole again", []step{{0, 0, "", "doubted", 8}, {8, 0, "", "done", 8}, {0, 0, "", "doubted", 8}}},
		{"halved, then empty: that did not come twice", []step{{3, 0, "", "doubted", 8}, {0, 0, "", "doubted", 8}, {0, 0, "", "done", 0}}},
		{"as many, but others", []step{{0, 8, "", "doubted", 8}, {0, 8, "", "done", 8}}},
		{"a failure keeps the rows", []step{{8, 0, `"status": 500`, "failed", 8}, {8, 0, `"body": "truncated"`, "failed", 8}, {8, 0, `"body": "garbage"`, "failed", 8}, {8, 0, `"reset": true`, "failed", 8}, {8, 0, "", "done", 8}}},
		{"a failure between is no second time", []step{{0, 0, "", "doubted", 8}, {0, 0, `"status": 500`, "failed", 8}, {0, 0, "", "doubted", 8}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			for i, s := range tt.steps {
				r.clock.Add(time.Minute)
				r.list(s.seeded, others(s.others)...)
				if s.fault != "" {
					r.control(`{"service": "atom", ` + s.fault + `}`)
				}
				report, err := r.sync()
				r.control(`{"service": "atom", "reset_faults": true}`)
				if report.Outcome != s.outcome || (err != nil) != (s.outcome == "failed") || r.count() != s.left || !report.StartedAt.Equal(r.Now()) {
					t.Fatalf("step %d: %+v, %v, %d left; want %s, %d left", i, report, err, r.count(), s.outcome, s.left)
				}
				if last, err := r.Store.LastSync(ctx); err != nil || last != report {
					t.Errorf("step %d: stored %+v, %v\nreported %+v", i, last, err, report)
				}
				if s.outcome != "done" && report.Detail == "" {
					t.Errorf("step %d says nothing", i)
				}
			}
			for _, c := range r.customers { // nobody is ever deleted
				if _, err := r.Store.Customer(ctx, c.CUID); err != nil {
					t.Errorf("%s: %v", c.CUID, err)
				}
			}
		})
	}
}

// A first list that is empty is not believed either, and those whom a later one
// brings in are no strangers.
func TestAnEmptyFirstListIsNotBelieved(t *testing.T) {
	r := newRig(t)
	r.exec(`DELETE FROM syncs`)
	r.exec(`DELETE FROM customers`)
	r.reopen(make([]byte, 32), nil) // counts are remembered, and kept up with what the store itself writes
	r.list(0)
	for i, want := range []string{"doubted", "done"} {
		r.clock.Add(time.Minute)
		if report, err := r.sync(); err != nil || report.Outcome != want {
			t.Errorf("time %d: %+v, %v; want %s", i+1, report, err, want)
		}
	}
	r.list(8)
	r.mustSync()
	if all := r.told(WhatOutside); len(all) != 0 || r.count() != 8 {
		t.Errorf("%d customers, of whom are pointed out: %+v", r.count(), all)
	}
}

// Who is not listed while an object cannot be read may be that object: nobody is
// marked gone before a second list says the same.
func TestWhoMayBeUnreadableIsNotGoneYet(t *testing.T) {
	r := newRig(t)
	odd := `{"company": "no cuid"}`
	for i, want := range []int{8, 7, 7} {
		r.list(7, odd)
		if report := r.mustSync(); r.count() != want || report.Skipped < 1 || (report.Detail != "") != (want == 8) {
			t.Errorf("time %d: %+v, %d left, want %d", i+1, report, r.count(), want)
		}
	}
}

func TestAnAdminMayBelieve(t *testing.T) {
	r := newRig(t)
	r.Mirror.desk.Sync = time.Hour
	jobs, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.Mirror.run(jobs) })
	defer running.Wait()
	defer stop()
	if _, err := r.Mirror.Refresh(ctx, r.mia, false); err != nil { // the one at start is over then
		t.Fatal(err)
	}
	r.clock.Add(time.Minute)
	r.list(3)
	if report, err := r.Mirror.Refresh(ctx, r.mia, false); err != nil || r.count() != 8 || report.Outcome != "doubted" {
		t.Errorf("by a manager: %+v, %v, %d left", report, err, r.count())
	}
	r.list(8)
	if report, err := r.Mirror.Refresh(ctx, r.mia, false); err != nil || r.count() != 8 || report.Outcome != "done" {
		t.Fatalf("whole again: %+v, %v, %d left", report, err, r.count())
	}
	r.list(3)
	report, err := r.Mirror.Refresh(ctx, r.alice, true)
	if err != nil || report.Outcome != "done" || report.Gone != 5 || r.count() != 3 {
		t.Errorf("by an admin: %+v, %v, %d left", report, err, r.count())
	}
	if e := r.newest(1)[0]; e.What != WhatSync || e.Who.Username != "alice" || !strings.Contains(e.Detail, "5 gone") {
		t.Errorf("recorded %+v", e)
	}
	r.control(`{"service": "atom", "status": 503, "body": "html"}`)
	_, err = r.Mirror.Refresh(ctx, r.mia, false)
	if p := r.problem(err); p.Kind != Trouble || p.Status() != 502 || p.Service.String() != "ATOM" {
		t.Errorf("with ATOM down: %+v", p)
	}
}

func TestOddObjectsAreSkippedAndFieldsKept(t *testing.T) {
	r := newRig(t)
	r.list(8,
		`{"company": "no cuid"}`, `{"cuid": null}`, `{"cuid": {"a": 1}}`, `{"cuid": ""}`,
		`{"cuid": 90071992547409931234, "company": null, "new": {"deep": [1, null]}, "key": "PLANTED-key", "accessToken": "PLANTED-token", "plan": "pro"}`,
		`{"cuid": "twice", "company": "first"}`, `{"cuid": "twice", "company": "second"}`)
	report, err := r.sync()
	if err != nil || report.Outcome != "done" || report.Skipped != 4 || report.Added != 2 || report.Total != 10 {
		t.Errorf("%+v, %v", report, err)
	}
	got, err := r.Store.Customer(ctx, "90071992547409931234")
	want := []store.Field{{Name: "cuid", Value: "90071992547409931234"}, {Name: "company", Value: ""}, {Name: "new", Value: `{"deep":[1,null]}`}, {Name: "plan", Value: "pro"}}
	if err != nil || fmt.Sprint(got.Fields) != fmt.Sprint(want) {
		t.Errorf("%+v, %v\nwant %+v", got.Fields, err, want)
	}
	if got, _ := r.Store.Customer(ctx, "twice"); got.Company != "first" {
		t.Errorf("listed twice: %+v", got)
	}
	if strings.Contains(r.everything(), "PLANTED-") {
		t.Error("a credential of the list was stored")
	}
	// Nothing has changed since, so nothing is written but the report.
	entries := len(r.newest(1000))
	if report, err = r.sync(); err != nil || report.Added+report.Changed+report.Gone != 0 || len(r.newest(1000)) != entries {
		t.Errorf("again: %+v, %v", report, err)
	}
}

func TestACustomerCreatedDuringASyncIsNotMarkedGone(t *testing.T) {
	r := newRig(t)
	r.clock.Add(time.Minute)
	r.list(7)
	stop := r.during(func(*http.Request) { // the list is asked for; it cannot have them yet
		r.clock.Add(time.Millisecond)
		if err := r.Store.Write(ctx, func(tx *store.Tx) error {
			_, _, err := tx.UpsertRow(ctx, store.NewCustomerRow(newRow("meanwhile", NewCustomer{Company: "Meanwhile", Email: "m@example.com"})))
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	report, err := r.sync()
	stop()
	if got, _ := r.Store.Customer(ctx, "meanwhile"); err != nil || report.Gone != 1 || !got.GoneAt.IsZero() {
		t.Errorf("%+v, %v, gone at %v", report, err, got.GoneAt)
	}
	r.clock.Add(time.Minute)
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Store.Customer(ctx, "meanwhile"); got.GoneAt.IsZero() {
		t.Error("a later list without them is believed")
	}
}

func TestSyncsRunOneAtATimeAndARequestGetsALaterOne(t *testing.T) {
	r := newRig(t)
	var running, most, lists atomic.Int32
	first, goOn := make(chan struct{}), make(chan struct{})
	stop := r.during(func(*http.Request) {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		if lists.Add(1) == 1 {
			close(first)
			<-goOn
		}
		running.Add(-1)
	})
	defer stop()
	jobs, end := context.WithCancel(ctx)
	var loop sync.WaitGroup
	loop.Go(func() { r.Mirror.run(jobs) }) // syncs at start
	defer loop.Wait()
	defer end()
	<-first
	var waiting sync.WaitGroup
	for range 5 { // all ask during the first: they share the next
		waiting.Go(func() {
			if report, err := r.Mirror.Refresh(ctx, r.mia, false); err != nil || report.Outcome != "done" {
				t.Errorf("%+v, %v", report, err)
			}
			if lists.Load() < 2 {
				t.Error("answered by the sync that had begun before")
			}
		})
	}
	for { // until at least one of them has asked
		r.Mirror.mu.Lock()
		asked := r.Mirror.next != nil
		r.Mirror.mu.Unlock()
		if asked {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	close(goOn)
	waiting.Wait()
	if most.Load() != 1 || lists.Load() != 2 {
		t.Errorf("%d lists, %d at once; want 2, one at a time", lists.Load(), most.Load())
	}
}

// lose makes a create whose answer gets lost. made says whether ATOM made it.
func (r *rig) lose(in NewCustomer, made bool) Answer {
	r.Helper()
	fault := `"reset": true`
	if made {
		fault = `"lose_answer": true`
	}
	r.control(`{"service": "atom", ` + fault + `}`)
	answer, err := r.CreateCustomer(ctx, r.mia, store.NewID(), in)
	r.control(`{"service": "atom", "reset_faults": true}`)
	if p := r.problem(err); p.Kind != Unknown {
		r.Fatalf("problem %+v", p)
	}
	return answer
}

func TestALostCreateIsSettled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		made  bool
		syncs int
		apart time.Duration
		want  string
	}{
		{"made: by the first sync", true, 1, time.Second, "created"},
		{"not made: one sync is not enough", false, 1, time.Second, "open"},
		{"not made: two quick syncs are not either", false, 2, time.Second, "open"},
		{"not made: two syncs, the last half a minute later", false, 2, 15 * time.Second, "not created"},
		{"not made: ten minutes", false, 1, 10 * time.Minute, "not created"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			in := r.newCustomer()
			lost := r.lose(in, tt.made)
			calls := len(r.calls())
			other := in
			other.Company, other.Email = "Another spelling", strings.ToUpper(in.Email)
			_, err := r.CreateCustomer(ctx, r.alice, "again", other)
			if p := r.problem(err); p.Kind != Invalid || p.Fields["email"] == "" || len(r.calls()) != calls {
				t.Errorf("while it is unknown, by somebody else: %+v, %v", p, r.calls()[calls:])
			}
			for range tt.syncs {
				r.clock.Add(tt.apart)
				if _, err := r.sync(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.Store.OpenCreateOfAct(ctx, lost.Act)
			if err != nil || got.State != tt.want {
				t.Fatalf("%+v, %v; want %s", got, err, tt.want)
			}
			settled := r.entries(lost.Act)
			if tt.want == "open" {
				if len(settled) != 2 || settled[1].Settled != "open" {
					t.Errorf("entries %+v", settled)
				}
				return
			}
			if len(settled) != 3 || settled[1].Result != audit.Unknown || settled[1].Settled != tt.want || settled[2].What != WhatSettle || !strings.HasPrefix(settled[2].Detail, tt.want) {
				t.Errorf("entries %+v", settled)
			}
			answer, err := r.CreateCustomer(ctx, r.alice, "again", other) // the guard used no receipt up
			if tt.want == "not created" && (err != nil || answer.CUID == "") {
				t.Errorf("sent again: %+v, %v", answer, err)
			}
			if tt.want == "created" {
				if p := r.problem(err); p.Kind != Invalid || p.Fields["email"] == "" {
					t.Errorf("sent again: %+v", p)
				}
				if c, err := r.Store.Customer(ctx, got.CUID); err != nil || c.Email != in.Email {
					t.Errorf("settled by %+v, %v", c, err)
				}
			}
		})
	}
}

func TestACreateShowsUpAtOnceAndTheNextSyncCompletesIt(t *testing.T) {
	r := newRig(t)
	in := NewCustomer{Company: " Åkeri AB ", Email: "ana+x@example.com", Country: "Sweden", Phone: "+46 70 1"}
	made := r.must(r.CreateCustomer(ctx, r.mia, "x", in))
	row, err := r.Store.Customer(ctx, made.CUID)
	if err != nil || row.Company != "Åkeri AB" || row.Email != in.Email || row.Country != "Sweden" || row.Phone != in.Phone {
		t.Errorf("%+v, %v", row, err)
	}
	if e := r.entries(made.Act); e[1].On.ID != made.CUID || e[1].On.Name != "Åkeri AB" {
		t.Errorf("recorded on %+v", e[1].On)
	}
	r.clock.Add(time.Second)
	if report, err := r.sync(); err != nil || report.Changed != 1 || report.Added != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if row, _ = r.Store.Customer(ctx, made.CUID); row.Created == "" || len(row.Fields) < 8 {
		t.Errorf("after the sync %+v", row)
	}
}

func TestWhatANewCustomerMayBe(t *testing.T) {
	r := newRig(t)
	good := NewCustomer{Company: "Ana AB", Email: "ana@example.com"}
	with := func(change func(*NewCustomer)) NewCustomer { in := good; change(&in); return in }
	for _, tt := range []struct {
		name   string
		in     NewCustomer
		fields string
	}{
		{"nothing", NewCustomer{}, "company email"},
		{"blank", NewCustomer{Company: " \t", Email: " "}, "company email"},
		{"no at sign", with(func(n *NewCustomer) { n.Email = "ana" }), "email"},
		{"no dot", with(func(n *NewCustomer) { n.Email = "ana@example" }), "email"},
		{"a name before it", with(func(n *NewCustomer) { n.Email = "Ana <ana@example.com>" }), "email"},
		{"two of them", with(func(n *NewCustomer) { n.Email = "a@b.c, d@e.f" }), "email"},
		{"a line break", with(func(n *NewCustomer) { n.Address = "Street 1\nSecond floor" }), "address"},
		{"a bell", with(func(n *NewCustomer) { n.City = "Mal\amö" }), "city"},
		{"not UTF-8", with(func(n *NewCustomer) { n.Zip = "\xff" }), "zip"},
		{"too long", with(func(n *NewCustomer) { n.Company, n.Website = strings.Repeat("å", 301), strings.Repeat("w", 301) }), "company website"},
	} {
		calls := len(r.calls())
		_, err := r.CreateCustomer(ctx, r.mia, tt.name, tt.in)
		p := r.problem(err)
		for _, f := range strings.Fields("company email name address country city zip state phone website") {
			if (p.Fields[f] != "") != strings.Contains(" "+tt.fields+" ", " "+f+" ") {
				t.Errorf("%s: %s says %q, want messages at %s", tt.name, f, p.Fields[f], tt.fields)
			}
		}
		if p.Kind != Invalid || len(r.calls()) != calls {
			t.Errorf("%s: %+v, %v", tt.name, p, r.calls()[calls:])
		}
	}
	for _, email := range []string{"a+b@example.com", "o'neil@example.com", "å@exämple.se", "A.B@Sub.Example.COM"} {
		if message := checkEmail(email); message != "" {
			t.Errorf("%s: %s", email, message)
		}
	}
	long := with(func(n *NewCustomer) { n.Company = strings.Repeat("å", 300) })
	if _, err := r.CreateCustomer(ctx, r.mia, "long", long); err != nil {
		t.Errorf("300 characters: %v", err)
	}
	// A taken e-mail is ATOM's to know; its no comes back at the field.
	_, err := r.CreateCustomer(ctx, r.mia, "taken", with(func(n *NewCustomer) { n.Company = "Other" }))
	if p := r.problem(err); p.Kind != Invalid || p.Fields["email"] == "" || p.Message == "" {
		t.Errorf("taken: %+v", p)
	}
	if _, err := r.OpenSSO(ctx, r.mia, "", "nobody", ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an act on nobody: %v", err)
	}
}
