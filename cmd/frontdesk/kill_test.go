package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// thorough kills often; "make prove" does.
var thorough = os.Getenv("FRONTDESK_THOROUGH") != ""

// number is an environment variable's, or else the given one.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q", name, text)
	}
	return n
}

// seed is what a test's moments and choices are drawn from: FRONTDESK_SEED, or the
// time.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := number(t, "FRONTDESK_SEED", uint64(time.Now().UnixNano()))
	t.Logf("FRONTDESK_SEED=%d", n)
	return n
}

const staffAtWork = 20

// Killed at any moment, again and again on one database, while twenty people work and
// an import runs: what the log has afterwards is what the services' own journal has,
// and what people were told. With SQLite one dashboard, with PostgreSQL three replicas.
func TestKills(t *testing.T) {
	for name, address := range newDatabases(t) {
		replicas := 1
		if store.IsPostgres(address) {
			replicas = 3
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // at its end it waits half a minute for what is to be settled
			outlastKills(t, address, replicas)
		})
	}
}

func outlastKills(t *testing.T, address string, replicas int) {
	kills, pause, rows, rate := 12, 800*time.Millisecond, 100, 8
	if thorough {
		kills, pause, rows, rate = 200, 1500*time.Millisecond, 2000, 10
	}
	kills = int(number(t, "FRONTDESK_KILLS", uint64(kills)))
	from := seed(t)
	dice := rand.New(rand.NewPCG(from, 0))
	began := time.Now()

	s := startServices(t)
	for _, service := range []string{"portal", "atom", "ip1"} { // so that kills meet calls under way
		s.control(t, `{"service": "`+service+`", "latency": "5ms"}`)
	}
	e := s.against(t).with(env{
		"FRONTDESK_DATABASE": address, "FRONTDESK_PORTALS": "customer,atmosphere,messaging", "FRONTDESK_PORTAL_MESSAGING_URL": s.URL + "/portal/messaging",
		"FRONTDESK_TRUSTED_PROXIES": "127.0.0.0/8", "FRONTDESK_SMS_PER_STAFF": "0",
	})
	b := newBigImport(t, e, rows, 0)
	b.write(t, func(tx *store.Tx) error {
		if err := tx.SetImportPace(t.Context(), bigImportID, 4, rate); err != nil {
			return err
		}
		return addLogins(t, tx)
	})
	b.raw.SetMaxIdleConns(-1) // between kill and start nobody else has the database open

	f := startFleet(t, e, replicas)
	b.hasList(t)
	stop := make(chan struct{})
	c := &crew{t: t, services: s, base: f.URL, customers: s.reachable(t), stopping: stop, deeds: map[string]*deed{}}
	people := c.work(staffAtWork, from)

	var last audit.Head
	for k := range kills {
		time.Sleep(time.Duration(dice.Int64N(int64(pause))))
		f.kill(dice)
		if replicas == 1 {
			b.startedClean(t)
		}
		if k%10 == 0 || !thorough {
			last = verifies(t, address, last)
		}
	}
	close(stop)
	people.Wait() // each has an answer to what they sent last
	t.Logf("%d kills after %s", kills, time.Since(began).Round(time.Second))

	b.waits(t, "the import is done and every lost create settled", func(state string, _ map[string]int) bool {
		return state == string(store.ImportDone) && b.count(t, `SELECT count(*) FROM open_creates WHERE state = 'open'`) == 0
	})
	eventually(t, "no act is left open", func() bool { return b.count(t, `SELECT count(*) FROM audit_open`) == 0 })
	f.stop()
	now := verifies(t, address, last)
	audits(env{"FRONTDESK_DATABASE": address}, "verify").wants(t, "verify", 0)

	p := newProof(t, c, b)
	p.compare(rows)
	for i, problem := range p.problems {
		if i == 30 {
			t.Errorf("and %d more", len(p.problems)-i)
			break
		}
		t.Error(problem)
	}
	if c.cuts.Load() == 0 || p.unknown == 0 {
		t.Errorf("no kill met an act under way: %d answers were cut off, %d acts are unknown", c.cuts.Load(), p.unknown) // so that the test can fail
	}
	t.Logf("result: %s: %d kills under the load of %d people in %s: %d pages read, %d answers cut off; %s; %d rows imported once; %d entries",
		path.Base(t.Name()), kills, staffAtWork, time.Since(began).Round(time.Second), c.reads.Load(), c.cuts.Load(), p.numbers(), rows, now.Size)
}

// hasList waits until ATOM's list has come for the first time: before that customers
// have no page.
func (b bigImport) hasList(t *testing.T) {
	t.Helper()
	eventually(t, "the first list of customers has come", func() bool { return b.count(t, `SELECT count(*) FROM syncs WHERE outcome = 'done'`) > 0 })
}

// startedClean holds that the last start has closed every act that was begun before it.
func (b bigImport) startedClean(t *testing.T) {
	t.Helper()
	if n := b.count(t, `SELECT count(*) FROM audit_entries i WHERE i.phase = 'intent' AND i.id < (SELECT max(id) FROM audit_entries WHERE what = 'start')
		AND NOT EXISTS (SELECT 1 FROM audit_entries o WHERE o.act_id = i.act_id AND o.phase = 'outcome')`); n != 0 {
		t.Errorf("%d acts of before are open after the start", n)
	}
}

// verifies holds that the log is whole and goes on from where it was.
func verifies(t *testing.T, address string, before audit.Head) audit.Head {
	t.Helper()
	db, err := store.OpenToRead(t.Context(), address, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var since []audit.Head
	if before.Size > 0 {
		since = append(since, before)
	}
	got, err := db.Verify(t.Context(), since...)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	return got.Head
}

// numbers are the acts by kind and how they ended.
func (p *proof) numbers() string {
	kinds := map[string]*[4]int{}
	for _, a := range p.acts {
		n := kinds[a.what]
		if n == nil {
			n = new([4]int)
			kinds[a.what] = n
		}
		n[0]++
		switch a.outcome {
		case audit.Done:
			n[1]++
		case audit.Unknown:
			n[2]++
		default:
			n[3]++
		}
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		n := kinds[what]
		parts = append(parts, fmt.Sprintf("%s %d (%d done, %d unknown, %d not)", what, n[0], n[1], n[2], n[3]))
	}
	return fmt.Sprintf("%d forms, %d of them acknowledged; %d acts: %s", len(p.deeds), p.acknowledged, len(p.acts), strings.Join(parts, ", "))
}
