//go:build postgres

package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// joined opens the database once more, as another replica does.
func (r *rig) joined() *DB {
	r.Helper()
	db := r.open(secretA, nil)
	if err := db.Join(ctx); err != nil {
		r.Fatal(err)
	}
	return db
}

// cutOff ends the connection that a replica writes with.
func (r *rig) cutOff(db *DB) {
	r.Helper()
	var pid int
	if err := db.Write(ctx, func(tx *Tx) error { return tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid) }); err != nil {
		r.Fatal(err)
	}
	if _, err := r.raw().Exec(`SELECT pg_terminate_backend($1, 5000)`, pid); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) gone(db *DB, want ...int64) {
	r.Helper()
	got, err := db.Gone(ctx)
	if err != nil || !slices.Equal(got, want) {
		r.Errorf("gone: %v, %v; want %v", got, err, want)
	}
}

func (r *rig) bury(db *DB, id int64) (buried bool) {
	r.Helper()
	if err := db.Write(ctx, func(tx *Tx) (err error) { buried, err = tx.Bury(ctx, id); return err }); err != nil {
		r.Error(err)
	}
	return buried
}

func begin(t *testing.T, db *DB, act string) {
	t.Helper()
	if err := db.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, &audit.Entry{Act: act, Phase: audit.Intent, What: "test"}) }); err != nil {
		t.Error(err)
	}
}

// Whoever is there cannot be buried; whoever was cut off can, unless they are quicker to
// come back. Those who are buried write no more.
func TestReplicasBuryThoseThatAreGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Join(ctx); err != nil {
		t.Fatal(err)
	}
	second, third := r.joined(), r.joined()
	begin(t, r.DB, "first's")
	begin(t, second, "second's")
	begin(t, third, "third's")
	r.gone(r.DB)
	if r.bury(r.DB, second.Replica()) {
		t.Error("one that is there was buried")
	}

	r.cutOff(second)
	r.gone(r.DB, second.Replica())
	r.gone(third, second.Replica())
	begin(t, second, "second's again") // it is back
	r.gone(r.DB)
	if r.bury(r.DB, second.Replica()) {
		t.Error("one that came back was buried")
	}

	r.cutOff(second)
	if !r.bury(third, second.Replica()) {
		t.Error("it was not buried")
	}
	r.gone(third, second.Replica()) // until its acts are closed
	var u *Unwritable
	for range 3 {
		err := second.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "too late"}) })
		if !errors.As(err, &u) || u.Cause != CauseGone || second.Trouble() == nil {
			t.Errorf("%v", err)
		}
	}
	<-second.Lost()

	open, err := third.OpenActsOf(ctx, second.Replica())
	if err != nil || len(open) != 2 || open[0].Act != "second's" || open[1].Act != "second's again" {
		t.Fatalf("%+v, %v", open, err)
	}
	for _, db := range []*DB{third, r.DB} { // both think that it is theirs to do
		for _, e := range open {
			e.Phase, e.Result = audit.Outcome, audit.Unknown
			err := db.WriteOutcome(ctx, func(tx *Tx) error {
				if still, err := tx.IsOpen(ctx, e.Act); err != nil || !still {
					return err
				}
				return tx.Append(ctx, &e)
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	r.gone(third)
	if all, err := r.OpenActs(ctx); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if entries, err := r.EntriesOfAct(ctx, "second's"); err != nil || len(entries) != 2 {
		t.Errorf("%+v, %v", entries, err)
	}
	if all, err := r.Replicas(ctx); err != nil || !slices.Equal(all, []int64{r.Replica(), third.Replica()}) {
		t.Errorf("%v, %v", all, err)
	}
}

// One replica leads; when it is gone, another does.
func TestOneReplicaLeads(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Join(ctx); err != nil {
		t.Fatal(err)
	}
	second := r.joined()
	keep := func(db *DB, leads bool) {
		t.Helper()
		if err := db.KeepPlace(ctx); err != nil || db.Leads() != leads {
			t.Errorf("leads: %t, %v", db.Leads(), err)
		}
	}
	keep(r.DB, true)
	keep(second, false)
	r.cutOff(r.DB)
	keep(second, true)
	keep(r.DB, false)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !r.Leads(); time.Sleep(10 * time.Millisecond) {
		if err := r.KeepPlace(ctx); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody leads")
		}
	}
}

// What one replica remembers, another one's change makes it forget.
func TestReplicasForgetWhatOthersChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	second := r.joined()
	alice := r.staff("alice", Admin)
	for n := range 3 {
		for _, db := range []*DB{r.DB, second} {
			if last, _, err := db.LastSyncs(ctx); err != nil || last.Total != n {
				t.Errorf("%d: %+v, %v", n, last, err)
			}
			if all, err := db.Views(ctx, PageAudit, alice.ID); err != nil || len(all) != n {
				t.Errorf("%d: %+v, %v", n, all, err)
			}
			if total, err := db.CountCustomers(ctx); err != nil || total != n {
				t.Errorf("%d: %d customers, %v", n, total, err)
			}
			if page, err := db.FindCustomers(ctx, CustomerQuery{Text: "some", Limit: 1}); err != nil || page.Total != n {
				t.Errorf("%d: %d found, %v", n, page.Total, err)
			}
			if _, err := db.FindCustomers(ctx, CustomerQuery{Country: "x", Limit: 1}); err != nil {
				t.Error(err)
			}
		}
		r.write(func(tx *Tx) error {
			if _, err := tx.AddView(ctx, View{StaffID: alice.ID, Page: PageAudit, Name: fmt.Sprint("view ", n), Query: "q=1"}); err != nil {
				return err
			}
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: fmt.Sprint("cuid-", n), Company: "Some Company", Email: fmt.Sprint(n, "@some.example")})); err != nil {
				return err
			}
			return tx.AddSync(ctx, SyncReport{Outcome: "done", Total: n + 1, StartedAt: start, EndedAt: start})
		})
	}
}

// A sync waits for that of another replica, which tells how far it has come.
func TestReplicasSyncInTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Join(ctx); err != nil {
		t.Fatal(err)
	}
	second := r.joined()
	type progress struct{ Listed int }
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- r.SyncAlone(ctx, func() error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	if err := r.SetSyncProgress(ctx, progress{7}); err != nil {
		t.Error(err)
	}
	var got progress
	if err := second.SyncProgress(ctx, &got); err != nil || got.Listed != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := r.SyncProgress(ctx, &got); !errors.Is(err, ErrNotFound) { // one's own is known
		t.Error(err)
	}
	synced := make(chan error, 1)
	go func() { synced <- second.SyncAlone(ctx, func() error { return nil }) }()
	select {
	case <-synced:
		t.Error("both at once")
	case <-time.After(3 * lockLook):
	}
	if err := r.SetSyncProgress(ctx, nil); err != nil {
		t.Error(err)
	}
	if err := second.SyncProgress(ctx, &got); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-synced; err != nil {
		t.Error(err)
	}
}

// A server that was started again costs no act: what was kept of a connection is
// replaced before anything is written.
func TestAKeptConnectionThatDiedIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Join(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r.cutOff(r.DB)
		r.staff(fmt.Sprint("person", i), Viewer)
	}
	if r.Trouble() != nil {
		t.Error(r.Trouble())
	}
}
