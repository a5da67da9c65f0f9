//go:build !race && !postgres

// One goroutine and seventeen thousand entries: the race detector would find
// nothing here, and take two minutes for it.

package store

import (
	"testing"
	"time"

	"frontdesk/store/audit"
)

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
		most = max(most, r.pieces("audit_text"))
	}
	if got := r.pieces("audit_text"); got != 1 || most < 3 || steps < n/textHurry+3 {
		t.Errorf("%d segments after %d steps, %d at most; want 1 after several steps of merging", got, steps, most)
	}
	r.index.Slow = time.Minute // on a slow machine too it comes to the end
	found, err := r.Search(ctx, audit.Filter{Text: "zeppelin"}, audit.Page{Limit: 10})
	if err != nil || len(found.Entries) != 1 || found.Entries[0].ID != 5001 || found.Older {
		t.Errorf("%+v, %v", found, err)
	}
}
