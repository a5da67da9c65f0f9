//go:build !postgres

package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// waiting counts those who wait to be brought into the text index.
func (r *rig) waiting() (n int) {
	r.Helper()
	if err := r.reader.QueryRowContext(ctx, `SELECT count(*) FROM customers_waiting`).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// TestNewCustomersAreFoundBeforeTheyAreIndexed: by the act that makes them, and among
// those who are in the index already.
func TestNewCustomersAreFoundBeforeTheyAreIndexed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, company := range []string{"Nordbygg", "Nordlicht", "Nordsten"} {
		r.upsert(Customer{CUID: company, Company: company, City: "Umeå"})
	}
	r.indexed()
	select {
	case <-r.TextDue():
	default:
	}
	r.upsert(Customer{CUID: "new", Company: "Nordhus", City: "Umeå"})
	r.upsert(Customer{CUID: "renamed", Company: "Sydhus", City: "Lund"})
	r.upsert(Customer{CUID: "renamed", Company: "Nordsjö", City: "Umeå"})
	r.upsert(Customer{CUID: "gone", Company: "Nordan", City: "Umeå"})
	r.write(func(tx *Tx) error { _, err := tx.MarkGone(ctx, []string{"gone"}); return err })
	select {
	case <-r.TextDue():
	default:
		t.Error("nobody is told that somebody waits")
	}
	for _, waiting := range []int{2, 1, 0} {
		if got := r.waiting(); got != waiting {
			t.Errorf("%d wait, want %d", got, waiting)
		}
		for _, tt := range []struct {
			q    CustomerQuery
			want []string
		}{
			{CustomerQuery{Text: "nord"}, []string{"Nordbygg", "new", "Nordlicht", "renamed", "Nordsten"}},
			{CustomerQuery{Text: "nord", Sort: "-company"}, []string{"Nordsten", "renamed", "Nordlicht", "new", "Nordbygg"}},
			{CustomerQuery{Text: "nordsjo"}, []string{"renamed"}},
			{CustomerQuery{Text: "sydhus"}, nil},
			{CustomerQuery{Text: "nordan"}, nil},
			{CustomerQuery{Text: "umea", Country: "nowhere"}, nil},
		} {
			for _, limit := range []int{1, 2, 9} {
				tt.q.Limit = limit
				got, last := r.pages(tt.q, nil)
				if !slices.Equal(got, tt.want) || last.Total != len(tt.want) {
					t.Errorf("%+v, of whom %d wait: %v of %d, want %v", tt.q, waiting, got, last.Total, tt.want)
				}
			}
		}
		r.write(func(tx *Tx) error { return tx.someIndexed(1) })
	}
	if check := r.check(); check != "ok" {
		t.Error(check)
	}
}

// TestNobodyIsMissedWhileTheyAreIndexed: who is brought in while a search looks is found
// by it, and once.
func TestNobodyIsMissedWhileTheyAreIndexed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.indexed()
	const all = 2 * gatherMost
	for i := range all {
		r.upsert(Customer{CUID: fmt.Sprint(i), Company: fmt.Sprintf("Somebody %03d", i*37%all)})
	}
	brought := make(chan error, 1)
	go func() {
		for range all {
			if err := r.Write(ctx, func(tx *Tx) error { return tx.someIndexed(1) }); err != nil {
				brought <- err
				return
			}
		}
		brought <- nil
	}()
	for searched := 0; ; searched++ {
		page, err := r.FindCustomers(ctx, CustomerQuery{Text: fmt.Sprint("some", "body"[:1+searched%4]), Limit: all})
		if err != nil {
			t.Fatal(err)
		}
		cuids := cuidsOf(page)
		slices.Sort(cuids)
		if cuids = slices.Compact(cuids); len(cuids) != all || len(page.Customers) != all || page.Total != all {
			t.Fatalf("search %d: %d rows, %d customers, a total of %d, want %d", searched, len(page.Customers), len(cuids), page.Total, all)
		}
		select {
		case err := <-brought:
			if err != nil || r.waiting() > 0 || searched < 3 {
				t.Errorf("%d wait still, after %d searches, %v", r.waiting(), searched, err)
			}
			return
		default:
		}
	}
}

// TestWaitingEndsWithARebuild: an index that is built anew takes in who waited for the
// one before, and nobody twice.
func TestWaitingEndsWithARebuild(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.indexed()
	for i := range 30 {
		r.upsert(Customer{CUID: fmt.Sprint("before", i), Company: fmt.Sprintf("Somebody %02d", i)})
	}
	r.write(func(tx *Tx) error { return tx.DropTextIndex(ctx) })
	r.write(func(tx *Tx) error { return tx.halfIndexed(9, 9, 9) }) // the first begins it
	for i := range 30 {
		r.upsert(Customer{CUID: fmt.Sprint("meanwhile", i), Company: fmt.Sprintf("Somebody %02d", i)})
	}
	if waiting := r.waiting(); waiting == 0 || waiting == 30 {
		t.Fatalf("%d wait: the index is not built by half", waiting)
	}
	r.upsert(Customer{CUID: "meanwhile0", Company: "Somebody 99"}) // whom the building comes to, now
	r.indexed()
	page, err := r.FindCustomers(ctx, CustomerQuery{Text: "somebody", Limit: 100})
	if err != nil || len(page.Customers) != 60 || page.Total != 60 {
		t.Errorf("%d of %d, %v", len(page.Customers), page.Total, err)
	}
	if check := r.check(); check != "ok" {
		t.Error(check)
	}
}

// TestWhoActsIsBeforeThoseWhoWait: while somebody wants the writer, customers are brought
// into the text index one at a time, unless too many wait.
func TestWhoActsIsBeforeThoseWhoWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ waiting, in int }{"few": {textBatch, 1}, "too many": {waitingLate, textBatch}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.indexed()
			r.write(func(tx *Tx) error {
				for i := range tt.waiting {
					if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: fmt.Sprint(i), Company: fmt.Sprint("Somebody ", i)})); err != nil {
						return err
					}
				}
				return nil
			})
			queued := func(n int) {
				t.Helper()
				for deadline := time.Now().Add(10 * time.Second); len(r.writer.queue) < n; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("%d wait for the writer, want %d", len(r.writer.queue), n)
					}
				}
			}
			held, free := make(chan struct{}), make(chan struct{})
			var others sync.WaitGroup
			defer others.Wait()
			others.Go(func() {
				r.Write(ctx, func(*Tx) error { close(held); <-free; time.Sleep(2 * groupTime); return nil })
			})
			<-held
			var more bool
			var err error
			others.Go(func() { more, err = r.DB.indexWaiting(ctx) })
			queued(1)
			left := -1
			others.Go(func() {
				r.Write(ctx, func(tx *Tx) error {
					return tx.QueryRowContext(ctx, `SELECT count(*) FROM customers_waiting`).Scan(&left)
				})
			})
			queued(2)
			close(free)
			others.Wait()
			if in := tt.waiting - left; err != nil || !more || in != tt.in {
				t.Errorf("%d of %d are brought in before the one who wants to write, want %d; more: %t, %v", in, tt.waiting, tt.in, more, err)
			}
			r.indexed()
			if r.waiting() > 0 {
				t.Errorf("%d wait still", r.waiting())
			}
		})
	}
}
