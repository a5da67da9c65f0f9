package desk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// BenchmarkImport sends rows at the fastest pace that an import may be given, which
// its rate is reported as a ratio to; and without a pace, in turn with bare calls of
// the sandbox by the same client, as many at once.
func BenchmarkImport(b *testing.B) {
	url := benchSandbox(b)
	d := mirrored(b, url)
	manager := benchManager(b, d)
	bare := atom.New(url+"/atom", superKey, superToken, call.New("atom", call.Limits{}, nil))
	used := 0
	b.Run("paced", func(b *testing.B) {
		const rows = 300
		for b.Loop() {
			rate := rows / benchImport(b, d, manager, &used, rows, MostPerSecond).Seconds()
			b.ReportMetric(rate, "rows/s")
			b.ReportMetric(rate/MostPerSecond, "of-pace")
		}
		b.ReportMetric(0, "ns/op")
	})
	b.Run("free", func(b *testing.B) {
		const rounds, rows = 5, 400
		for b.Loop() {
			var rates, ratios []float64
			for range rounds {
				calls := bareCreates(b, bare, &used, rows)
				took := benchImport(b, d, manager, &used, rows, 1_000_000)
				rates, ratios = append(rates, rows/took.Seconds()), append(ratios, calls.Seconds()/took.Seconds())
			}
			slices.Sort(rates)
			slices.Sort(ratios)
			b.ReportMetric(rates[rounds/2], "rows/s")
			b.ReportMetric(ratios[rounds/2], "of-call")
		}
		b.ReportMetric(0, "ns/op")
	})
}

// benchManager is in whose name rows are sent.
func benchManager(b *testing.B, d *Desk) store.Staff {
	b.Helper()
	if err := d.SeedStaff(ctx, []store.Staff{{Portal: "customer", Username: "mia", Name: "Mia Moreau", Role: store.Manager}}); err != nil {
		b.Fatal(err)
	}
	staff, err := d.Store.StaffByLogin(ctx, "customer", "mia")
	if err != nil {
		b.Fatal(err)
	}
	return staff
}

// benchImport sends an import of new customers, MostAtOnce at once, and returns how
// long that took.
func benchImport(b *testing.B, d *Desk, by store.Staff, used *int, rows, perSecond int) time.Duration {
	b.Helper()
	*used++
	id := fmt.Sprintf("import%d", *used)
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		err := tx.AddImport(ctx, store.Import{ID: id, StaffID: by.ID, FileName: "new.csv", Columns: map[string]int{"company": 0, "email": 1},
			State: store.ImportDraft, Concurrency: MostAtOnce, Rate: perSecond})
		for n := 1; n <= rows && err == nil; n++ {
			email := fmt.Sprintf("%s-row%d@new.example", id, n)
			err = tx.PutImportRow(ctx, id, store.ImportRow{N: n, Cells: []string{fmt.Sprintf("Row %d AB", n), email}, EmailKey: email, State: store.RowReady})
		}
		return err
	})
	if err == nil {
		err = d.StartImport(ctx, Actor{Staff: by, Session: "session", Address: "192.0.2.1"}, id)
	}
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := d.runImport(ctx, id); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	p, err := d.ImportProgress(ctx, id)
	if err != nil || p.Import.State != store.ImportDone || p.Counts[store.RowCreated] != rows {
		b.Fatalf("the import is %s with %v: %v", p.Import.State, p.Counts, err)
	}
	return took
}

// bareCreates creates as many customers, and writes nothing down.
func bareCreates(b *testing.B, c *atom.Client, used *int, rows int) time.Duration {
	b.Helper()
	*used++
	var next atomic.Int64
	var workers sync.WaitGroup
	began := time.Now()
	for range MostAtOnce {
		workers.Go(func() {
			for n := next.Add(1); int(n) <= rows; n = next.Add(1) {
				if _, err := c.CreateCustomer(context.Background(), atom.NewCustomer{Company: "Bare AB", Email: fmt.Sprintf("bare%d-row%d@new.example", *used, n)}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return time.Since(began)
}
