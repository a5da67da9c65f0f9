package handlers

import (
	"fmt"
	"net/http"
	"testing"

	"frontdesk/store"
)

// TestManyFromOutside: however many are pointed out, the page's own form takes
// those that it shows as known, and then shows the next.
func TestManyFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	const many = 2*maxFields + 5
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		for i := range many {
			if err := tx.AddOutside(t.Context(), store.Outside{Kind: store.OutsideCustomer, Subject: fmt.Sprint("c", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := w.db.WaitingOutside(t.Context(), store.OutsideCustomer, 0, many)
	if err != nil || len(waiting) != many {
		t.Fatalf("%d wait, %v", len(waiting), err)
	}
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		for _, o := range waiting {
			if err := tx.SettleOutside(t.Context(), o.ID); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b := w.signedIn("alice")
	for left := many; left > 0; left -= outsideRows {
		b.submit(b.get("/outside"), "/outside/known", nil).wantStatus(http.StatusSeeOther)
		customers, _, err := w.db.CountOutsiders(t.Context())
		if err != nil || customers != max(0, left-outsideRows) {
			t.Fatalf("%d are left of %d, %v", customers, left, err)
		}
	}
}
