package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// rawInsert is the same row into a table of the same columns and indexes.
const rawInsert = `INSERT INTO raw VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`

func rawTable(b *testing.B, indexed bool) *sql.DB {
	b.Helper()
	db, err := openSQLite(filepath.Join(b.TempDir(), "raw.db"), "immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	statements := []string{`CREATE TABLE raw (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, act_id TEXT NOT NULL, phase TEXT NOT NULL, staff_id INTEGER NOT NULL,
		staff_name TEXT NOT NULL, portal TEXT NOT NULL, username TEXT NOT NULL, role TEXT NOT NULL, session TEXT NOT NULL, address TEXT NOT NULL,
		user_agent TEXT NOT NULL, request_id TEXT NOT NULL, what TEXT NOT NULL, on_id TEXT NOT NULL, on_name TEXT NOT NULL, on_email TEXT NOT NULL,
		reason TEXT NOT NULL, service TEXT NOT NULL, status INTEGER NOT NULL, duration INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL,
		changes TEXT NOT NULL)`}
	if indexed {
		statements = append(statements, `CREATE INDEX raw_act ON raw (act_id)`, `CREATE INDEX raw_on ON raw (on_id, id) WHERE on_id <> ''`)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func benchEntry(i int64) audit.Entry {
	return audit.Entry{
		At: time.Now(), Act: NewID(), Phase: audit.Event,
		Who: audit.Who{StaffID: 7, Name: "Mia Moreau", Portal: "customer", Username: "mia", Role: "manager", Session: "OIQ3YVZ7LJPKD5YQ3TTKQ4QHJM",
			Address: "192.0.2.17", Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", Request: "OIQ3YVZ7LJPK"},
		What: "open as customer", On: audit.Subject{ID: fmt.Sprintf("cuid-%06d", i%20_000), Name: "Nordlicht Logistik GmbH", Email: "jonas.brandt@nordlicht.example"},
		Reason: "Ticket 4711", Service: "atom", Status: 302, Duration: 120 * time.Millisecond, Result: audit.Done, Detail: "to platform.example",
	}
}

func args(e audit.Entry) []any {
	return []any{e.ID, e.At.UnixMilli(), e.Act, string(e.Phase), e.Who.StaffID, e.Who.Name, e.Who.Portal, e.Who.Username, e.Who.Role, e.Who.Session,
		e.Who.Address, e.Who.Agent, e.Who.Request, e.What, e.On.ID, e.On.Name, e.On.Email, e.Reason, e.Service, e.Status, e.Duration.Milliseconds(),
		string(e.Result), e.Detail, e.Changes}
}

// rawBatch inserts n rows in one synchronous transaction.
func rawBatch(b *testing.B, db *sql.DB, stmt *sql.Stmt, from int64, n int) {
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	in := tx.Stmt(stmt)
	for i := range n {
		e := benchEntry(from + int64(i))
		e.ID = from + int64(i)
		if _, err := in.Exec(args(e)...); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// Appends to the log by 1, 16 and 64 writers, in turn with inserts of the same
// rows that prove nothing, with the same SQLite settings: one row a
// transaction, and 64. The ratios are of medians over the rounds of one run.
func BenchmarkAppend(b *testing.B) {
	const rounds, each = 7, 4096
	ctx := context.Background()
	db, err := Open(ctx, Options{Path: filepath.Join(b.TempDir(), "log.db"), Secret: []byte(strings.Repeat("s", 32))})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	plain, indexed := rawTable(b, false), rawTable(b, true)
	var rawID int64
	raw := func(pool *sql.DB, batch int) float64 {
		stmt, err := pool.Prepare(rawInsert)
		if err != nil {
			b.Fatal(err)
		}
		defer stmt.Close()
		began := time.Now()
		for n := 0; n < each; n += batch {
			rawBatch(b, pool, stmt, rawID+1, batch)
			rawID += int64(batch)
		}
		return each / time.Since(began).Seconds()
	}
	appends := func(writers int) (rate float64, median time.Duration) {
		var next atomic.Int64
		var all sync.WaitGroup
		took := make([]time.Duration, each)
		began := time.Now()
		for range writers {
			all.Go(func() {
				for i := next.Add(1) - 1; i < each; i = next.Add(1) - 1 {
					e := benchEntry(i)
					start := time.Now()
					if err := db.Write(ctx, func(tx *Tx) error { return tx.Append(ctx, &e) }); err != nil {
						b.Error(err)
						return
					}
					took[i] = time.Since(start)
				}
			})
		}
		all.Wait()
		rate = each / time.Since(began).Seconds()
		slices.Sort(took)
		return rate, took[each/2]
	}
	one := func(pool *sql.DB) time.Duration { return time.Duration(float64(time.Second) / raw(pool, 1)) }
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	for b.Loop() {
		got := map[string][]float64{}
		add := func(name string, v float64) { got[name] = append(got[name], v) }
		for range rounds {
			batched, single := raw(indexed, 64), one(indexed)
			bare := raw(plain, 64)
			for _, writers := range []int{1, 16, 64} {
				rate, p50 := appends(writers)
				add(fmt.Sprintf("append/s@%d", writers), rate)
				switch writers {
				case 1:
					add("p50/raw@1", float64(p50)/float64(single))
				case 64:
					add("of-raw64@64", rate/batched)
					add("of-bare64@64", rate/bare)
				}
			}
		}
		for name, v := range got {
			b.ReportMetric(median(v), name)
		}
	}
}
