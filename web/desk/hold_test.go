package desk

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// A service that fails again and again is not asked for a while: acts end at once, on
// record as not sent, and the first one after the rest is the try.
func TestActsAreHeldBackFromAServiceInTrouble(t *testing.T) {
	r := newRig(t)
	d := r.desk(r.Store, r.server.URL, call.Limits{Rest: time.Second})
	r.control(`{"service": "atom", "status": 500, "body": "html"}`)
	customer := r.customer()
	sso := func(receipt string) (Answer, error) { return d.OpenSSO(ctx, r.mia, receipt, customer.CUID, "") }
	for n := range 5 {
		if _, err := sso("failing" + string(rune('a'+n))); r.problem(err).Kind != Unknown {
			t.Fatalf("%+v", err)
		}
	}
	before := len(r.calls())
	answer, err := sso("held")
	p := r.problem(err)
	if p.Kind != Trouble || p.Status() != http.StatusBadGateway || p.Wait <= 0 || p.Wait > time.Second || !strings.Contains(p.Title.String(), "is not asked for a moment") ||
		!strings.Contains(p.Text.String(), "Nothing was sent") || len(r.calls()) != before {
		t.Errorf("%+v; %d calls", p, len(r.calls())-before)
	}
	if all := r.entries(answer.Act); len(all) != 2 || all[1].Result != audit.Unreachable {
		t.Errorf("%+v", all)
	}
	if h := d.Health("atom"); !h.Acts.On || h.Acts.Until.IsZero() || h.Lists.On {
		t.Errorf("%+v", h)
	}
	// The list is not held back with the acts, nor are other services.
	r.control(`{"service": "atom", "reset_faults": true}`)
	if _, err := d.Mirror.sync(ctx, &Sync{by: frontdesk}); err != nil {
		t.Error(err)
	}
	if _, err := d.SendSMS(ctx, r.mia, "code", SMSForm{Phone: r.phone()}); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !d.Health("atom").Acts.Until.IsZero(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("they are held back without end")
		}
	}
	if n := len(r.calls()); !d.Health("atom").Acts.On || n != before+2 {
		t.Errorf("after the rest: %+v; %d calls that nobody made", d.Health("atom").Acts, n-before-2)
	}
	r.must(sso("after"))
	if h := d.Health("atom").Acts; h.On {
		t.Errorf("after a success: %+v", h)
	}
}

// Rows of an import that are held back stay ready, and the import goes on as soon as
// calls are let through again. Nothing is sent twice.
func TestImportGoesOnAfterCallsWereHeldBack(t *testing.T) {
	r := newRig(t)
	var down atomic.Bool
	var lost atomic.Int64
	down.Store(true)
	proxy := r.fake(func(w http.ResponseWriter, q *http.Request) {
		if down.Load() {
			lost.Add(1)
			w.WriteHeader(http.StatusBadGateway) // a gateway's, without a message; nothing was created
			return
		}
		inner := q.Clone(q.Context())
		inner.URL.Path = "/atom" + q.URL.Path
		r.box.ServeHTTP(w, inner)
	})
	r.Atom = atom.New(proxy, superKey, superToken, call.New("atom", call.Limits{Failures: 3, Rest: 1500 * time.Millisecond}, r.Stats))
	id := r.importOf(r.mia, 20)
	if err := r.PaceImport(ctx, r.mia, id, 1, MostPerSecond); err != nil {
		t.Fatal(err)
	}
	if err := r.StartImport(ctx, r.mia, id); err != nil {
		t.Fatal(err)
	}
	r.sending(id)
	p := r.becomes(id, "a note", func(p ImportProgress) bool {
		return strings.HasPrefix(Text(p.Import.Note).String(), "ATOM cannot be reached; trying again at ")
	})
	if p.Import.State != store.ImportRunning || lost.Load() != 3 || p.Counts[store.RowUnknown] != 3 || p.Counts[store.RowReady] != 17 || p.Counts[store.RowFailed] != 0 {
		t.Errorf("%+v; ATOM was asked %d times", p, lost.Load())
	}
	down.Store(false)
	r.becomes(id, "the rest of the rows", func(p ImportProgress) bool { return p.Counts[store.RowCreated] == 17 })
	for range 2 { // by ATOM's list the first three were not created
		r.clock.Add(time.Minute)
		if _, err := r.sync(); err != nil {
			t.Fatal(err)
		}
	}
	p = r.becomes(id, "the end", inState(store.ImportDone))
	if p.Counts[store.RowCreated] != 20 || r.posts() != 20 || p.Import.Note != "" {
		t.Errorf("%+v; %d created", p, r.posts())
	}
	r.sound(id)
}
