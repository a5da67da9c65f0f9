package audit_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The log of the benchmarks is as it may look after two busy years: 120 staff,
// 20,000 subjects, two entries in five intents, some strangers at the door.
var (
	firstNames = []string{"Ana", "Bo", "Carla", "Dmitri", "Elif", "Fatima", "Göran", "Hana", "Ivo", "Jörg", "Kalle", "Lucía", "Mia", "Nils", "Olga", "Pär"}
	lastNames  = []string{"Moreau", "Berg", "Öst", "Lindqvist", "Novák", "Garcia", "Müller", "Sato", "Rossi", "Kowalski"}
	trades     = []string{"Bygg", "Dental", "Logistics", "Bakery", "Motors", "Travel", "Energy", "Räkor", "Legal", "Health"}
	kinds      = []struct {
		weight        int
		what, service string
		events        bool
	}{
		{300, "open as customer", "atom", false}, {160, "read live record", "atom", false}, {90, "e-mail passcode", "atom", false},
		{70, "redeem passcode", "atom", false}, {60, "send SMS code", "ip1", false}, {40, "verify SMS code", "", true},
		{40, "sign in", "portal", false}, {130, "sign out", "", true}, {60, "renew session", "", true}, {20, "create customer", "atom", false},
		{20, "sync customers", "atom", true}, {9, "change SMS defaults", "", true}, {1, "revoke session", "", true},
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// fill appends n entries with plain inserts: the log's own way would take many
// times as long.
func fill(path string, n int) error {
	db, err := store.Open(ctx, store.Options{Path: path, Secret: make([]byte, 32)})
	if err != nil {
		return err
	}
	defer db.Close()
	raw, err := sql.Open("sqlite", path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return err
	}
	defer raw.Close()
	raw.SetMaxOpenConns(1)
	tx, err := raw.Begin()
	if err != nil {
		return err
	}
	insert, err := tx.Prepare(`INSERT INTO audit_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	add := func(e audit.Entry) error {
		_, err := insert.Exec(e.ID, e.At.UnixMilli(), e.Act, string(e.Phase), e.Who.StaffID, e.Who.Name, e.Who.Portal, e.Who.Username, e.Who.Role,
			e.Who.Session, e.Who.Address, e.Who.Agent, e.Who.Request, e.What, e.On.ID, e.On.Name, e.On.Email, e.Reason, e.Service, e.Status,
			e.Duration.Milliseconds(), string(e.Result), e.Detail, e.Changes)
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	at, step := start.AddDate(-2, 0, 0), 2*365*24*time.Hour/time.Duration(n)
	total := kindsWeight()
	for id := 1; id <= n; id++ {
		at = at.Add(time.Duration(r.Int64N(int64(2 * step))))
		e := benchEntry(r, total)
		e.ID, e.At = int64(id), at
		if e.Phase == audit.Outcome && id < n {
			intent := e
			intent.Phase, intent.Result, intent.Status, intent.Duration, intent.Detail = audit.Intent, "", 0, 0, ""
			if err := add(intent); err != nil {
				return err
			}
			id++
			e.ID, e.At = int64(id), at.Add(300*time.Millisecond)
		} else {
			e.Phase = audit.Event
		}
		if err := add(e); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for more := true; more; {
		batch, err := audit.ReadText(ctx, raw, store.Fold, 20_000, true)
		if err != nil {
			return err
		}
		tx, err := raw.Begin()
		if err != nil {
			return err
		}
		if err := batch.Write(ctx, tx, start); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		more = batch.More
	}
	return nil
}

func kindsWeight() (sum int) {
	for _, k := range kinds {
		sum += k.weight
	}
	return sum
}

// benchEntry is an act's outcome or an event, without ID and time.
func benchEntry(r *rand.Rand, total int) audit.Entry {
	at, i := r.IntN(total), 0
	for at -= kinds[0].weight; at >= 0; at -= kinds[i].weight {
		i++
	}
	kind := kinds[i]
	staff := 1 + int(120*r.Float64()*r.Float64()) // some do more than others
	name := firstNames[staff%len(firstNames)] + " " + lastNames[staff/len(firstNames)%len(lastNames)]
	e := audit.Entry{
		Act: store.NewID(), Phase: audit.Outcome, What: kind.what, Service: kind.service, Result: audit.Done, Status: 200,
		Duration: time.Duration(r.IntN(900)) * time.Millisecond,
		Who: audit.Who{
			StaffID: int64(staff), Name: name, Portal: "customer", Username: fmt.Sprintf("staff%d", staff), Role: "manager",
			Session: store.NewID(), Address: fmt.Sprintf("10.1.%d.%d", staff%4, staff), Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			Request: store.NewID(),
		},
	}
	if kind.events {
		e.Phase = audit.Event
	}
	if kind.service == "atom" || kind.service == "ip1" {
		on := int(20_000 * r.Float64() * r.Float64())
		e.On = audit.Subject{ID: fmt.Sprintf("c%05d-%x", on, on*2654435761%0xffffff), Name: fmt.Sprintf("%s %s %d", lastNames[on%10], trades[on/10%10], on),
			Email: fmt.Sprintf("%s.%d@%s.example", firstNames[on%16], on, trades[on/16%10])}
		e.Reason = fmt.Sprintf("Ticket %d", 40_000+r.IntN(60_000))
		if r.IntN(3) == 0 {
			e.Reason += ", the customer called about the invoice"
		}
		if r.IntN(20_000) == 0 {
			e.Reason += " zeppelin"
		}
	}
	switch n := r.IntN(1000); {
	case n < 40:
		e.Result, e.Status, e.Detail = audit.Refused, 422, "the service said: no such customer"
	case n < 50:
		e.Result, e.Status, e.Detail = audit.Unreachable, 0, "no route to the service"
	case n < 52:
		e.Result, e.Status, e.Detail = audit.Unknown, 0, "no answer within 10 s"
	}
	if kind.what == "sign in" && r.IntN(4) == 0 {
		e.Who = audit.Who{Portal: "customer", Username: fmt.Sprintf("guess%d", r.IntN(1e6)), Address: fmt.Sprintf("203.0.113.%d", r.IntN(250)), Request: e.Who.Request}
		e.Result, e.Detail = audit.Denied, "not a member of staff"
	}
	return e
}

// benchFile returns a filled database of n entries. FRONTDESK_BENCH_DB names a
// file that is kept from one run to the next, for filling takes minutes.
var benchFile = sync.OnceValues(func() (path string, err error) {
	path = os.Getenv("FRONTDESK_BENCH_DB")
	if path == "" {
		if benchDir, err = os.MkdirTemp("", "frontdesk"); err != nil {
			return "", err
		}
		path = filepath.Join(benchDir, "frontdesk.db")
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	n, err := benchEntries()
	if err != nil {
		return "", err
	}
	return path, fill(path, n)
})

var benchDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if benchDir != "" {
		os.RemoveAll(benchDir)
	}
	os.Exit(code)
}

func benchEntries() (int, error) {
	if text := os.Getenv("FRONTDESK_BENCH_ENTRIES"); text != "" {
		return strconv.Atoi(text)
	}
	return 1_000_000, nil
}

// BenchmarkSearch measures what one page of the log takes from the store: the
// listing and its summary. FRONTDESK_BENCH_ENTRIES sets the log's size, a
// million by default.
func BenchmarkSearch(b *testing.B) {
	n, err := benchEntries()
	if err != nil {
		b.Fatal(err)
	}
	path, err := benchFile()
	if err != nil {
		b.Fatal(err)
	}
	catchUp := func(db *store.DB) {
		for more := true; more; {
			var err error
			if more, err = db.IndexText(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	open := func() *store.DB {
		db, err := store.Open(ctx, store.Options{Path: path, Secret: make([]byte, 32), Now: func() time.Time { return start }})
		if err != nil {
			b.Fatal(err)
		}
		return db
	}
	timed := func(f func()) time.Duration {
		begin := time.Now()
		f()
		return time.Since(begin)
	}
	first := func(db *store.DB) {
		if _, err := db.Search(ctx, audit.Filter{}, audit.Page{Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
	var db *store.DB
	forget(b, path)
	before := heap()
	scratch := timed(func() { db = open(); first(db) })
	after := heap()
	save := timed(func() {
		if err := db.SaveFacets(ctx); err != nil {
			b.Fatal(err)
		}
	})
	db.Close()
	snapshot := timed(func() { db = open(); first(db) })
	defer db.Close()
	b.Logf("%d entries: the first page after a start takes %v from nothing, %v from the snapshot; to save it, %v; heap %.1f MB",
		n, scratch.Round(time.Millisecond), snapshot.Round(time.Millisecond), save.Round(time.Millisecond), float64(after-before)/1e6)

	merge := timed(func() { catchUp(db) })
	b.Logf("merging the text index took %v", merge.Round(time.Millisecond))
	r := rand.New(rand.NewPCG(3, 4))
	end := start
	month := func(f audit.Filter) audit.Filter {
		f.To = end.AddDate(-1, 0, 0).Truncate(24 * time.Hour)
		f.From = f.To.AddDate(0, -1, 0)
		return f
	}
	busy, rare := audit.Filter{StaffID: 1}, audit.Filter{StaffID: 119}
	for _, bench := range []struct {
		name string
		f    audit.Filter
		p    audit.Page
	}{
		{"first page", audit.Filter{}, audit.Page{}},
		{"deep page", audit.Filter{}, audit.Page{Before: int64(n / 2)}},
		{"deep page upwards", audit.Filter{}, audit.Page{After: int64(n / 3)}},
		{"timeline", audit.Filter{OnID: "c00040-" + fmt.Sprintf("%x", 40*2654435761%0xffffff)}, audit.Page{}},
		{"timeline of all", audit.Filter{OnID: "c00000-0"}, audit.Page{}},
		{"staff busy", busy, audit.Page{}},
		{"staff rare", rare, audit.Page{}},
		{"who", audit.Filter{Who: "moreau"}, audit.Page{}},
		{"who of two letters", audit.Filter{Who: "mi"}, audit.Page{}},
		{"who is a stranger", audit.Filter{Who: "guess4711"}, audit.Page{}},
		{"who is none", audit.Filter{Who: "nobody at all"}, audit.Page{}},
		{"what common", audit.Filter{What: "open as customer"}, audit.Page{}},
		{"what rare", audit.Filter{What: "revoke session"}, audit.Page{}},
		{"result done", audit.Filter{Result: audit.Done}, audit.Page{}},
		{"result unknown", audit.Filter{Result: audit.Unknown}, audit.Page{}},
		{"service", audit.Filter{Service: "portal"}, audit.Page{}},
		{"effect", audit.Filter{Effect: true}, audit.Page{}},
		{"a month", month(audit.Filter{}), audit.Page{}},
		{"a month and a bit", audit.Filter{From: end.AddDate(0, -1, 0)}, audit.Page{}},
		{"on common", audit.Filter{On: "lindqvist"}, audit.Page{}},
		{"on rare", audit.Filter{On: "c00040-"}, audit.Page{}},
		{"on e-mail", audit.Filter{On: "mia.1234@"}, audit.Page{}},
		{"on of two letters", audit.Filter{On: "ör"}, audit.Page{}},
		{"text common", audit.Filter{Text: "invoice"}, audit.Page{}},
		{"text rare", audit.Filter{Text: "zeppelin"}, audit.Page{}},
		{"text of a kind", audit.Filter{Text: "sms"}, audit.Page{}},
		{"text of none", audit.Filter{Text: "quetzal"}, audit.Page{}},
		{"text of common letters", audit.Filter{Text: "ticattomer"}, audit.Page{}},
		{"text of a ticket", audit.Filter{Text: "ticket 47110"}, audit.Page{}},
		{"text of two letters", audit.Filter{Text: "zz"}, audit.Page{}},
		{"text deep", audit.Filter{Text: "invoice"}, audit.Page{Before: int64(n / 2)}},
		{"staff and result", audit.Filter{StaffID: 1, Result: audit.Unreachable}, audit.Page{}},
		{"staff and what", audit.Filter{StaffID: 119, What: "revoke session"}, audit.Page{}},
		{"what and service, never both", audit.Filter{What: "open as customer", Service: "portal"}, audit.Page{}},
		{"who and what", audit.Filter{Who: "moreau", What: "create customer"}, audit.Page{}},
		{"who and a month", month(audit.Filter{Who: "berg"}), audit.Page{}},
		{"text and staff rare", audit.Filter{StaffID: 119, Text: "invoice"}, audit.Page{}},
		{"text and what, never both", audit.Filter{What: "sign out", Text: "invoice"}, audit.Page{}},
		{"text and a rare what, never both", audit.Filter{What: "revoke session", Text: "invoice"}, audit.Page{}},
		{"text and what, seldom both", audit.Filter{What: "create customer", Text: "zeppelin"}, audit.Page{}},
		{"text and a month", month(audit.Filter{Text: "invoice"}), audit.Page{}},
		{"text and result", audit.Filter{Text: "invoice", Result: audit.Unknown}, audit.Page{}},
		{"on and text", audit.Filter{On: "lindqvist", Text: "invoice"}, audit.Page{}},
		{"on and text, never both", audit.Filter{On: "lindqvist", Text: "zeppelin quetzal"}, audit.Page{}},
		{"on and who", audit.Filter{On: "öst", Who: "moreau"}, audit.Page{}},
		{"timeline and text", audit.Filter{OnID: "c00000-0", Text: "invoice"}, audit.Page{}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			bench.p.Limit = 50
			var all []time.Duration
			var search time.Duration
			var found audit.Found
			var sum audit.Summary
			for b.Loop() {
				// The log of a busy office never stands still; nothing may be answered from
				// what was kept for the question before.
				err := db.Write(ctx, func(tx *store.Tx) error {
					e := benchEntry(r, kindsWeight())
					e.Phase = audit.Event
					return tx.Append(ctx, &e)
				})
				if err != nil {
					b.Fatal(err)
				}
				if len(all)%10 == 0 {
					catchUp(db)
				}
				begin := time.Now()
				if found, err = db.Search(ctx, bench.f, bench.p); err != nil {
					b.Fatal(err)
				}
				search += time.Since(begin)
				if sum, err = db.Summarize(ctx, bench.f, 60); err != nil {
					b.Fatal(err)
				}
				all = append(all, time.Since(begin))
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(search.Microseconds())/1000/float64(len(all)), "search-ms")
			b.ReportMetric(float64(len(found.Entries)), "rows")
			b.ReportMetric(float64(sum.Total), "total")
			if found.Reached > 0 || sum.Capped {
				b.Logf("reached %d, %+v", found.Reached, [...]any{sum.Total, sum.Capped, sum.About})
			}
		})
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// forget drops the index's snapshot.
func forget(b *testing.B, path string) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`DELETE FROM audit_marks WHERE name = 'facets'`); err != nil {
		b.Fatal(err)
	}
}
