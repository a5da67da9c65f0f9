package store

import (
	"testing"
	"time"

	"frontdesk/store/audit"
)

// facets saves the index of a log of some entries and returns its sealed bytes.
func (r *rig) facets() (sealed []byte) {
	r.Helper()
	for range 5 {
		r.write(func(tx *Tx) error { return tx.Append(ctx, entry(1, "a")) })
	}
	if err := r.SaveFacets(ctx); err != nil {
		r.Fatal(err)
	}
	if err := r.reader.QueryRowContext(ctx, `SELECT data FROM audit_marks WHERE name = 'facets' AND upto = 5`).Scan(&sealed); err != nil {
		r.Fatal(err)
	}
	return sealed
}

func TestFacetsAreKeptSealed(t *testing.T) {
	r := newRig(t)
	sealed := r.facets()
	if err := r.LoadFacets(ctx); err != nil {
		t.Error(err)
	}
	bad := append([]byte{}, sealed...)
	bad[len(bad)/2] ^= 1
	if _, err := r.raw().Exec(`UPDATE audit_marks SET data = ? WHERE name = 'facets'`, bad); err != nil {
		t.Fatal(err)
	}
	db := r.open(secretA, nil) // opens all the same
	if err := db.LoadFacets(ctx); err == nil {
		t.Error("altered facets were taken")
	}
	found, err := db.Search(ctx, audit.Filter{OnID: "a"}, audit.Page{Limit: 10})
	if err != nil || len(found.Entries) != 5 {
		t.Errorf("%d entries, %v", len(found.Entries), err)
	}
}

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

func TestTextIsIndexedInSmallBatches(t *testing.T) {
	r := newRig(t)
	const n = 2*textBatch + 50
	r.write(func(tx *Tx) error {
		for range n {
			if err := tx.Append(ctx, entry(1, "subject")); err != nil {
				return err
			}
		}
		return nil
	})
	batches := 0
	for more := true; more; batches++ {
		var err error
		if more, err = r.IndexText(ctx); err != nil {
			t.Fatal(err)
		}
		// However far it is, every entry is found.
		sum, err := r.Summarize(ctx, audit.Filter{StaffID: 1, From: r.Now().Add(-time.Hour)}, 10)
		if err != nil || sum.Total != n {
			t.Errorf("after %d batches: %d, %v", batches, sum.Total, err)
		}
	}
	var rows, upto int
	if err := r.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM audit_text WHERE audit_text MATCH '"sub"'), upto FROM audit_marks WHERE name = 'text'`).Scan(&rows, &upto); err != nil {
		t.Fatal(err)
	}
	if batches != 3 || rows != n || upto != n {
		t.Errorf("%d batches, %d rows, up to %d; want 3, %d, %d", batches, rows, upto, n, n)
	}
	if more, err := r.IndexText(ctx); more || err != nil {
		t.Errorf("with nothing left: %t, %v", more, err)
	}
}
