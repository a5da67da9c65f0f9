package desk

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/ip1"
	"frontdesk/web/portal"
	"frontdesk/web/sandbox"
	"frontdesk/web/sandbox/boxtest"
)

// TestMain runs the tests, or is the sandbox that a benchmark has started.
func TestMain(m *testing.M) {
	boxtest.Serve()
	os.Exit(runTests(m))
}

var (
	ctx   = context.Background()
	start = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
)

// What must not be found anywhere.
const (
	superKey, superToken = "PLANTED-superkey", "PLANTED-supertoken"
	ip1Key               = "PLANTED-ip1-key"
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// locked is a buffer for the log.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a desk with a real database and real clients, over HTTP to the
// sandbox. Its mirror holds the sandbox's customers.
type rig struct {
	*testing.T
	*Desk
	*clock
	path   string
	box    *sandbox.Server
	server *httptest.Server
	raw    *sql.DB // a connection beside the store's
	log    *locked
	hook   atomic.Pointer[func(*http.Request)] // runs in the service before it works

	alice, mia, victor Actor // admin, manager, viewer
	customers          []store.Customer
	used               int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel() // much of a test is waiting: for the disk, or for a time-out
	r := &rig{T: t, clock: &clock{at: start}, path: freshDatabase(t), log: &locked{}}
	r.box = sandbox.New(sandbox.Config{Customers: 8, SuperKey: superKey, SuperToken: superToken, IP1Key: ip1Key, Now: r.Now})
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if hook := r.hook.Load(); hook != nil {
			(*hook)(req)
		}
		r.box.ServeHTTP(w, req)
	}))
	t.Cleanup(r.server.Close)
	db, err := store.Open(ctx, store.Options{Path: r.path, Secret: make([]byte, 32), Now: r.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.KeepPlace(ctx); err != nil { // nobody else does what only one does
		t.Fatal(err)
	}
	if r.raw, err = openRaw(r.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.raw.Close() })
	r.Desk = r.desk(db, r.server.URL, call.Limits{})

	for _, p := range sandbox.People() {
		if p.Role == "" {
			continue
		}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.AddStaff(ctx, store.Staff{Portal: p.Portal, Username: p.Username, Name: p.Name, Role: store.Role(p.Role), AddedBy: "test"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	r.alice, r.mia, r.victor = r.actor("alice"), r.actor("mia"), r.actor("victor")
	if report, err := r.sync(); err != nil || report.Added != 8 {
		t.Fatalf("first sync: %+v, %v", report, err)
	}
	page, err := db.FindCustomers(ctx, store.CustomerQuery{Limit: 8, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Customers {
		r.customers = append(r.customers, c.Customer)
	}
	return r
}

// desk makes another desk over the same database, whose services are at base.
func (r *rig) desk(db *store.DB, base string, limits call.Limits) *Desk {
	r.Helper()
	if limits.Rest == 0 {
		limits.Rest = 200 * time.Millisecond
	}
	stats := call.NewStats(r.Now)
	client, err := portal.New("customer", base+"/portal/customer", call.New("portal", limits, stats))
	if err != nil {
		r.Fatal(err)
	}
	hosts, err := ParseSSOHosts("", r.server.URL)
	if err != nil {
		r.Fatal(err)
	}
	return New(Config{
		Store: db, Portals: map[string]*portal.Client{"customer": client},
		Atom:  atom.New(base+"/atom", superKey, superToken, call.New("atom", limits, stats)),
		IP1:   ip1.New(base+"/ip1", ip1.Credentials{Account: "ip1-00000", Key: ip1Key}, call.New("ip1", limits, stats)),
		Hosts: hosts, Stats: stats, Log: slog.New(slog.NewTextHandler(r.log, nil)), Now: r.Now, Sync: time.Hour, Act: 5 * time.Second, Idle: 30 * time.Minute,
	})
}

// rested waits until a service that was in trouble may be tried again.
func (r *rig) rested(service string) {
	r.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if h := r.Health(service); h.Acts.Until.IsZero() && h.Lists.Until.IsZero() {
			return
		}
		if time.Now().After(deadline) {
			r.Fatal("calls are held back without end")
		}
	}
}

// closedPort is an address where nobody listens.
func (r *rig) closedPort() string {
	r.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

// fake is a service of the test's own, for what the sandbox does not do.
func (r *rig) fake(f http.HandlerFunc) (url string) {
	r.Helper()
	server := httptest.NewServer(f)
	r.Cleanup(server.Close)
	return server.URL
}

func (r *rig) actor(username string) Actor {
	r.Helper()
	s, err := r.Store.StaffByLogin(ctx, "customer", username)
	if err != nil {
		r.Fatal(err)
	}
	return Actor{Staff: s, Session: "session of " + username, Address: "192.0.2.1", Agent: "test", Request: "REQ", PasswordAt: r.Now()}
}

func (r *rig) sync() (store.SyncReport, error) { return r.Mirror.sync(ctx, &Sync{by: frontdesk}) }

func (r *rig) control(change string) {
	r.Helper()
	if err := r.box.Control(change); err != nil {
		r.Fatal(err)
	}
}

// during runs f inside the services' next calls, until the returned function.
func (r *rig) during(f func(*http.Request)) (stop func()) {
	r.hook.Store(&f)
	return func() { r.hook.Store(nil) }
}

// calls are the services' calls so far, as "METHOD path".
func (r *rig) calls() (all []string) {
	for _, c := range r.box.Journal() {
		all = append(all, c.Method+" "+c.Path)
	}
	return all
}

// customer is one that no test has used yet.
func (r *rig) customer() store.Customer {
	r.Helper()
	c := r.customers[r.used%len(r.customers)]
	r.used++
	if c.Email == "" {
		return r.customer()
	}
	return c
}

// phone is a number that has no active codes.
func (r *rig) phone() string {
	r.used++
	return fmt.Sprintf("+4670%07d", 1234567+r.used)
}

func (r *rig) newCustomer() NewCustomer {
	r.used++
	return NewCustomer{Company: fmt.Sprintf("New %d AB", r.used), Email: fmt.Sprintf("new%d@example.com", r.used), City: "Malmö"}
}

// delivered is the code in the last message that went out.
func (r *rig) delivered() string {
	r.Helper()
	box := r.box.Outbox()
	if len(box) == 0 {
		r.Fatal("nothing went out")
	}
	return box[len(box)-1].Code
}

func (r *rig) entries(act string) []audit.Entry {
	r.Helper()
	all, err := r.Store.EntriesOfAct(ctx, act)
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// newest are the latest entries of the log.
func (r *rig) newest(n int) []audit.Entry {
	r.Helper()
	found, err := r.Store.Search(ctx, audit.Filter{}, audit.Page{Limit: n})
	if err != nil {
		r.Fatal(err)
	}
	return found.Entries
}

func (r *rig) exec(statement string, args ...any) {
	r.Helper()
	if _, err := r.raw.Exec(statement, args...); err != nil {
		r.Fatal(err)
	}
}

// breakLog makes the audit log unwritable, as a damaged database would be;
// the returned function mends it.
func (r *rig) breakLog() (mend func()) {
	r.Helper()
	r.exec(`ALTER TABLE audit_entries RENAME TO audit_away`)
	return func() { r.exec(`ALTER TABLE audit_away RENAME TO audit_entries`) }
}

func (r *rig) must(a Answer, err error) Answer {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
	return a
}

// problem is the error as the person would read it.
func (r *rig) problem(err error) *Problem {
	r.Helper()
	var p *Problem
	if !errors.As(err, &p) {
		r.Fatalf("error %v is no Problem", err)
	}
	if p.Title == "" || p.Text == "" && len(p.Fields) == 0 {
		r.Errorf("problem says nothing: %+v", p)
	}
	return p
}

// everything is all that is at rest, in the database and in a backup of it, and the
// log's text.
func (r *rig) everything() string {
	r.Helper()
	return r.atRest() + r.log.String()
}
