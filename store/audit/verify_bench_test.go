package audit_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// How fast a log is verified, in entries a second.
func BenchmarkVerify(b *testing.B) {
	const entries = 100_000
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(b.TempDir(), "frontdesk.db"), Secret: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for n := 0; n < entries; n += 1000 {
		err := db.Write(ctx, func(tx *store.Tx) error {
			for i := range 1000 {
				e := whole
				e.Act, e.On.ID, e.Duration = store.NewActID(start), fmt.Sprintf("cuid-%06d", n+i), time.Duration(i)*time.Millisecond
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	var got audit.Verified
	for b.Loop() {
		if got, err = db.Verify(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(got.Size)/(b.Elapsed().Seconds()/float64(b.N)), "entries/s")
}
