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
	if _, err := r.raw().Exec(`UPDATE audit_marks SET data = $1 WHERE name = 'facets'`, bad); err != nil {
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

func TestTextIsIndexedInSmallBatches(t *testing.T) {
	r := newRig(t)
	const n = 2*textBatch + textBatch/2
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
	if err := r.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM audit_text WHERE `+foundBySub+`), upto FROM audit_marks WHERE name = 'text'`).Scan(&rows, &upto); err != nil {
		t.Fatal(err)
	}
	if batches != 3 || rows != n || upto != n {
		t.Errorf("%d batches, %d rows, up to %d; want 3, %d, %d", batches, rows, upto, n, n)
	}
	if more, err := r.IndexText(ctx); more || err != nil {
		t.Errorf("with nothing left: %t, %v", more, err)
	}
}
