package store

import (
	"fmt"
	"testing"
)

// TestTotalsAreOfNow: a count is remembered, and not past a change.
func TestTotalsAreOfNow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	total := func() int {
		t.Helper()
		page, err := r.FindCustomers(ctx, CustomerQuery{Text: "some", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	for i := range 5 {
		r.upsert(Customer{CUID: fmt.Sprint(i), Company: "Some Company", Fields: fields("i", fmt.Sprint(i))})
		if n := total(); n != i+1 {
			t.Errorf("%d, want %d", n, i+1)
		}
		// Within a transaction that is not committed yet, and may never be.
		r.Write(ctx, func(tx *Tx) error {
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: "never", Company: "Some Company"})); err != nil {
				return err
			}
			if n := total(); n != i+1 {
				t.Errorf("before the commit %d, want %d", n, i+1)
			}
			return ErrTaken
		})
		if n, err := r.CountCustomers(ctx); err != nil || n != i+1 {
			t.Errorf("%d customers, %v", n, err)
		}
	}
}

// TestTotalsCountWhatIsBeside: counts follow what a filter looks at beside the
// customers, and no two queries share one.
func TestTotalsCountWhatIsBeside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	total := func(q CustomerQuery) int {
		t.Helper()
		q.Limit = 9
		page, err := r.FindCustomers(ctx, q)
		if err != nil || page.Total != len(page.Customers) {
			t.Errorf("%+v: %d of %d, %v", q, len(page.Customers), page.Total, err)
		}
		return page.Total
	}
	r.upsert(Customer{CUID: "a", Company: "Anna", Country: "New", State: "South Wales", Fields: fields("c", "a")})
	if total(CustomerQuery{Country: "New", State: "South Wales"}) != 1 || total(CustomerQuery{Country: "New South", State: "Wales"}) != 0 {
		t.Error("two filters share a count")
	}
	for _, text := range []string{"", "anna"} {
		if total(CustomerQuery{Text: text, Stored: "yes"}) != 0 || total(CustomerQuery{Text: text, Outside: true}) != 0 {
			t.Error("something is there too early")
		}
	}
	r.write(func(tx *Tx) error {
		return tx.PutCredentials(ctx, "a", Credentials{Key: "k", Token: "t"}, "cuid", "Mia")
	})
	r.write(func(tx *Tx) error { return tx.AddOutside(ctx, Outside{Kind: OutsideCustomer, Subject: "a"}) })
	waiting, err := r.WaitingOutside(ctx, OutsideCustomer, 0, 9)
	if err != nil || len(waiting) != 1 || total(CustomerQuery{Outside: true}) != 0 {
		t.Errorf("%+v, %v; or what is not decided yet is listed", waiting, err)
	}
	r.write(func(tx *Tx) error { return tx.SettleOutside(ctx, waiting[0].ID) })
	for _, text := range []string{"", "anna"} {
		if total(CustomerQuery{Text: text, Stored: "yes"}) != 1 || total(CustomerQuery{Text: text, Outside: true}) != 1 {
			t.Errorf("%q: a count is of before", text)
		}
	}
}
