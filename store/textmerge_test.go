//go:build !race && !postgres

// One goroutine and seventeen thousand entries: the race detector would find
// nothing here, and take two minutes for it.

package store

import (
	"testing"
	"time"

	"frontdesk/store/audit"
)

// segments counts the parts of the text index that a search has to open.
func (r *rig) segments() (n int) {
	r.Helper()
	if err := r.reader.QueryRowContext(ctx, `SELECT count(DISTINCT segid) FROM audit_text_idx`).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

func TestTextIsMergedNowAndThen(t *testing.T) {
	r := newRig(t)
	const n = 17_000
	r.write(func(tx *Tx) error {
		for i := range n {
			e := entry(1, "subject")
			e.Reason = NewID()
			if i == 5000 {
				e.Reason = "zeppelin"
			}
			if err := tx.Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	most, steps := 0, 0
	for more := true; more; steps++ {
		var err error
		if more, err = r.IndexText(ctx); err != nil {
			t.Fatal(err)
		}
		most = max(most, r.segments())
	}
	if got := r.segments(); got != 1 || most < 3 || steps < n/textBatch+3 {
		t.Errorf("%d segments after %d steps, %d at most; want 1 after several steps of merging", got, steps, most)
	}
	r.index.Slow = time.Minute // on a slow machine too it comes to the end
	found, err := r.Search(ctx, audit.Filter{Text: "zeppelin"}, audit.Page{Limit: 10})
	if err != nil || len(found.Entries) != 1 || found.Entries[0].ID != 5001 || found.Older {
		t.Errorf("%+v, %v", found, err)
	}
}
