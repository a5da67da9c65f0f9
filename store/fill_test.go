//go:build !postgres

package store

import (
	"fmt"
	"testing"
)

func (r *rig) customerIndexes() (n int) {
	r.Helper()
	if err := r.raw().QueryRow(`SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'customers' AND sql IS NOT NULL`).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

func TestIndexesAreOffOnlyWhileTheMirrorIsFilled(t *testing.T) {
	r := newRig(t)
	all := r.customerIndexes()
	begin := func() {
		t.Helper()
		if err := r.BeginFill(ctx); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	if n, paused := r.customerIndexes(), r.wal.Load().paused.Load(); n != 3 || !paused {
		t.Errorf("%d indexes while it is filled, want 3; checkpoints pause: %t", n, paused)
	}
	begin() // a fill that failed before its end was begun anew
	r.upsert(nordbygg)
	if err := r.EndFill(ctx); err != nil || r.customerIndexes() != all {
		t.Errorf("%d indexes afterwards, want %d; %v", r.customerIndexes(), all, err)
	}
	r.write(func(tx *Tx) error {
		var cache int
		err := tx.QueryRowContext(ctx, `PRAGMA cache_size`).Scan(&cache)
		if paused := r.wal.Load().paused.Load(); cache != -2000 || paused {
			t.Errorf("the writer's cache is %d; checkpoints pause: %t", cache, paused)
		}
		return err
	})
	if found, err := r.CustomersByEmail(ctx, nordbygg.Email); err != nil || len(found) != 1 {
		t.Errorf("found %d, %v", len(found), err)
	}

	// A crash in between: the next start builds them.
	begin()
	r.Close()
	r.DB = r.open(secretA, nil)
	if n := r.customerIndexes(); n != all {
		t.Errorf("%d indexes after a crash, want %d", n, all)
	}
	// Once it is filled, nobody who reads goes without.
	r.write(func(tx *Tx) error {
		for i := range fillBelow {
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{CUID: fmt.Sprint(i)})); err != nil {
				return err
			}
		}
		return nil
	})
	begin()
	if n := r.customerIndexes(); n != all {
		t.Errorf("%d indexes, want %d", n, all)
	}
}
