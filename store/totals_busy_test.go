//go:build !race && !postgres

package store

import (
	"fmt"
	"sync"
	"testing"
)

// Counts that are kept up stay what counting anew would find, however many change
// customers and count at once.
func TestCountsAreKeptUpWhileOthersCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.IndexCustomers(ctx); err != nil {
		t.Fatal(err)
	}
	counted := func(matching expr) (n int, err error) {
		query, args := countText(matching)
		return n, r.reader.QueryRowContext(ctx, query, args...).Scan(&n)
	}
	company := ""
	for i := range 600 {
		company += string(rune('a' + (i*i*7+i*3+i/26)%26))
	}
	stop := make(chan struct{})
	var counting sync.WaitGroup
	for first := range 3 {
		counting.Go(func() {
			for i := first; ; i += 3 { // each time another piece of what all are called
				select {
				case <-stop:
					return
				default:
				}
				from := i * 13 % 500
				piece := fragment(company[from : from+8+i/500%80])
				if _, err := r.totals.matching(piece, func() (int, error) { return counted(piece) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for round := range 20 {
		r.write(func(tx *Tx) error {
			for i := range maxMoves - 5 {
				c := Customer{CUID: fmt.Sprint(round, "-", i), Company: fmt.Sprint(company, round, i), Fields: fields("i", fmt.Sprint(i))}
				if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(c)); err != nil {
					return err
				}
			}
			return nil
		})
		r.write(func(tx *Tx) error { return tx.someIndexed(30) }) // counted once, whether they wait or not
	}
	close(stop)
	counting.Wait()
	for _, key := range r.totals.found.Keys() {
		f, _ := r.totals.found.Peek(key)
		if key == (expr{}).fts() {
			continue
		}
		if n, err := counted(f.matching); err != nil || n != f.n {
			t.Errorf("%s: %d are remembered, %d are there, %v", key, f.n, n, err)
		}
	}
}
