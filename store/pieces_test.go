//go:build !postgres

package store

import (
	"fmt"
	"testing"
)

// pieces counts the parts of a text index that a search has to open.
func (r *rig) pieces(table string) (n int) {
	r.Helper()
	if err := r.reader.QueryRowContext(ctx, `SELECT count(DISTINCT segid) FROM `+table+`_idx`).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// TestPiecesAreMergedBehindTheWrites: a write leaves what it adds to a text index in a
// piece of its own, and says so once there are several; they are merged by another.
func TestPiecesAreMergedBehindTheWrites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const each = 3 * mergeAfter
	for n := range each {
		r.upsert(Customer{CUID: fmt.Sprint("cuid-", n), Company: "Before"})
	}
	r.indexed()
	for n := range each {
		r.upsert(Customer{CUID: fmt.Sprint("cuid-", n), Company: fmt.Sprintf("Nordlicht%03d", n)})
		select {
		case <-r.TextDue():
			if n < mergeAfter-1 {
				t.Errorf("it is said after %d writes that there is much to merge", n+1)
			}
		default:
			if n == mergeAfter-1 {
				t.Errorf("nothing is said after %d writes", mergeAfter)
			}
		}
	}
	if got := r.pieces("customers_text"); got < each {
		t.Errorf("%d pieces after %d writes: some were merged within a write", got, each)
	}
	r.indexed()
	if got := r.pieces("customers_text"); got >= mergeAfter {
		t.Errorf("%d pieces are left", got)
	}
	found, err := r.FindCustomers(ctx, CustomerQuery{Text: "licht007", Limit: 10})
	if err != nil || len(found.Customers) != 1 || found.Customers[0].CUID != "cuid-7" {
		t.Errorf("%+v, %v", found, err)
	}

	before := r.pieces("audit_text")
	for n := range each {
		r.write(func(tx *Tx) error { return tx.Append(ctx, entry(1, fmt.Sprint("subject ", n))) })
		for more := true; more; {
			if more, err = r.IndexText(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.pieces("audit_text"); got > before+2*mergeAfter {
			t.Fatalf("%d pieces of the log's text after %d writes", got, n+1)
		}
	}
	if check := r.check(); check != "ok" {
		t.Error(check)
	}
}
