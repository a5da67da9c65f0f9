package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/sandbox"
)

// bigImport is an import that runs at the next start, in the database of a
// dashboard that has never been started.
type bigImport struct {
	e           env
	raw         *sql.DB
	good, wrong int // rows
}

const bigImportID = "big"

func newBigImport(t *testing.T, e env, good, wrong int) bigImport {
	t.Helper()
	b := bigImport{e: e, good: good, wrong: wrong}
	b.write(t, func(tx *store.Tx) error {
		mia, err := tx.AddStaff(t.Context(), store.Staff{Portal: "customer", Username: "mia", Name: "Mia", Role: store.Manager, Active: true})
		if err != nil {
			return err
		}
		err = tx.AddImport(t.Context(), store.Import{ID: bigImportID, StaffID: mia, FileName: "new customers.csv", Header: []string{"Company", "E-mail"},
			Columns: map[string]int{"company": 0, "email": 1}, State: store.ImportRunning, Concurrency: 16, Rate: 1000})
		for n := 1; n <= good+wrong && err == nil; n++ {
			row := store.ImportRow{N: n, Cells: []string{fmt.Sprintf("Imported %d AB", n), emailOf(n)}, EmailKey: emailOf(n), State: store.RowReady}
			if n > good {
				row.Cells[1], row.EmailKey, row.State, row.Errors = "no address", "", store.RowWrong, map[string]string{"email": "Enter a whole e-mail address."}
			}
			err = tx.PutImportRow(t.Context(), bigImportID, row)
		}
		return err
	})
	b.raw = rawDatabase(t, e["FRONTDESK_DATABASE"])
	return b
}

func emailOf(row int) string { return fmt.Sprintf("imported%d@example.com", row) }

// write opens the database while no dashboard does.
func (b bigImport) write(t *testing.T, f func(tx *store.Tx) error) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Path: b.e["FRONTDESK_DATABASE"], Secret: []byte(b.e["FRONTDESK_SECRET"])})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// now is the import's state and its rows by theirs.
func (b bigImport) now(t *testing.T) (state string, rows map[string]int) {
	t.Helper()
	if err := b.raw.QueryRow(`SELECT state FROM imports WHERE id = $1`, bigImportID).Scan(&state); err != nil {
		t.Fatal(err)
	}
	found, err := b.raw.Query(`SELECT state, count(*) FROM import_rows WHERE import_id = $1 GROUP BY state`, bigImportID)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	rows = map[string]int{}
	for found.Next() {
		var name string
		var n int
		if err := found.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		rows[name] = n
	}
	return state, rows
}

// waits until is holds, and returns the rows as they are then. However slow the machine
// is, some row must come on within two minutes: a lost answer is settled after half a
// minute, or by the sync after.
func (b bigImport) waits(t *testing.T, what string, is func(state string, rows map[string]int) bool) map[string]int {
	t.Helper()
	var before map[string]int
	deadline := time.Now()
	for {
		state, rows := b.now(t)
		if is(state, rows) {
			return rows
		}
		if !maps.Equal(rows, before) {
			before, deadline = rows, time.Now().Add(2*time.Minute)
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s; the import is %s, its rows %v", what, state, rows)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (b bigImport) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := b.raw.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Killed at any moment, while ATOM errs and loses answers: in the end every valid
// row was created exactly once, by the sandbox's own count.
func TestImportOutlastsKills(t *testing.T) {
	t.Parallel()
	good, wrong, kills := 2000, 40, 5
	if testing.Short() {
		good, kills = 300, 2
	}
	dice := rand.New(rand.NewPCG(seed(t), 0))
	began := time.Now()

	s := startServices(t)
	s.control(t, `{"service": "atom", "error_rate": 0.02, "lost_rate": 0.02, "latency": "10ms"}`)
	b := newBigImport(t, s.against(t), good, wrong)
	d := startDashboard(t, b.e)
	unknown := 0
	for k := range kills {
		enough := (good*k + dice.IntN(good)) / (kills + 1) // spread over the whole run
		rows := b.waits(t, "rows are sent", func(_ string, rows map[string]int) bool {
			return rows["created"]+rows["failed"] >= enough && rows["sending"] > 0
		})
		time.Sleep(time.Duration(dice.IntN(50)) * time.Millisecond)
		d.kill(t)
		_, left := b.now(t)
		t.Logf("kill %d at %v, after %s", k+1, rows, time.Since(began).Round(time.Millisecond))
		if orphans := b.count(t, `SELECT count(*) FROM import_rows r WHERE r.state = 'sending' AND NOT EXISTS
			(SELECT 1 FROM audit_entries i WHERE i.act_id = r.act_id AND i.phase = 'intent') OR r.state = 'sending' AND EXISTS
			(SELECT 1 FROM audit_entries o WHERE o.act_id = r.act_id AND o.phase = 'outcome')`); orphans != 0 {
			t.Errorf("%d rows are being sent by no act", orphans)
		}
		unknown += left["sending"]
		d = startDashboard(t, b.e)
	}

	// What failed by ATOM's own errors is sent again, as often as it takes.
	retried := 0
	for {
		rows := b.waits(t, "the import is done", func(state string, _ map[string]int) bool { return state == string(store.ImportDone) })
		if rows["failed"] == 0 {
			break
		}
		d.signal(t, syscall.SIGTERM)
		if code := d.exit(t); code != 0 {
			t.Errorf("after SIGTERM: exit %d", code)
		}
		b.write(t, func(tx *store.Tx) error {
			n, err := tx.RetryImportRows(t.Context(), bigImportID)
			if err != nil || n != rows["failed"] {
				return fmt.Errorf("%d of %d failed rows may be sent again: %w", n, rows["failed"], err)
			}
			retried += n
			_, err = tx.MoveImport(t.Context(), bigImportID, store.ImportDone, store.ImportRunning, "")
			return err
		})
		d = startDashboard(t, b.e)
	}

	_, rows := b.now(t)
	if rows["created"] != good || rows["wrong"] != wrong || len(rows) != 2 {
		t.Errorf("the rows are %v; want %d created", rows, good)
	}
	s.control(t, `{"service": "atom", "reset_faults": true}`)
	made := s.emails(t)
	for n := 1; n <= good; n++ {
		if made[emailOf(n)] != 1 {
			t.Errorf("row %d was created %d times", n, made[emailOf(n)])
		}
	}
	if made["no address"] != 0 {
		t.Error("a row was sent that is wrong")
	}
	// An e-mail that is taken would have been refused: nobody has sent one twice.
	byStatus := s.posts(t)
	if byStatus[http.StatusBadRequest] != 0 || byStatus[http.StatusOK]+byStatus[0] < good {
		t.Errorf("the sandbox answered the posts %v", byStatus)
	}
	done := b.count(t, `SELECT count(*) FROM audit_entries WHERE what = 'create customer' AND phase = 'outcome' AND outcome = 'done'`)
	settled := b.count(t, `SELECT count(*) FROM open_creates WHERE state = 'created'`)
	if done+settled != good {
		t.Errorf("%d were done and %d settled as created, want %d together", done, settled, good)
	}
	if unknown == 0 {
		t.Error("no kill met a row under way") // so that the test can fail
	}

	d.signal(t, syscall.SIGTERM)
	d.exit(t)
	verify := start(t, t.TempDir(), env{"FRONTDESK_DATABASE": b.e["FRONTDESK_DATABASE"], "FRONTDESK_SECRET": b.e["FRONTDESK_SECRET"]}, "audit", "verify")
	if code := verify.exit(t); code != 0 {
		t.Errorf("audit verify: exit %d:\n%s%s", code, verify.stdout.String(), verify.stderr.String())
	}
	db, err := store.OpenToRead(t.Context(), b.e["FRONTDESK_DATABASE"], "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := db.Verify(t.Context()); err != nil || got.Open != 0 {
		t.Errorf("%d acts are under way, %v", got.Open, err)
	}
	t.Logf("%d rows, %d kills, %s: ATOM's answers by status %v; %d rows met by a kill, %d failed and sent again, %d outcomes done, %d settled",
		good, kills, time.Since(began).Round(time.Millisecond), byStatus, unknown, retried, done, settled)
}

// atomCustomer is one as ATOM lists it.
type atomCustomer struct{ CUID, Company, Email, Status string }

// path is of the customer's page.
func (c atomCustomer) path() string { return "/customers/" + url.PathEscape(c.CUID) }

// atomCustomers are all that ATOM lists.
func (s services) atomCustomers(t *testing.T) (all []atomCustomer) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/atom/customer/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Access-Superkey", "sandbox-superkey")
	req.Header.Set("X-Access-Supertoken", "sandbox-supertoken")
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var listed []struct{ CUID, Company, Email, Status any }
	if err := json.NewDecoder(res.Body).Decode(&listed); err != nil {
		t.Fatal(err)
	}
	text := func(v any) string {
		s, _ := v.(string)
		return s
	}
	for _, c := range listed {
		all = append(all, atomCustomer{text(c.CUID), text(c.Company), text(c.Email), text(c.Status)})
	}
	return all
}

// reachable are the customers with a cuid that needs no escaping, and an e-mail, also
// those who share one and those whom ATOM refuses.
func (s services) reachable(t *testing.T) (some []atomCustomer) {
	t.Helper()
	for _, c := range s.atomCustomers(t) {
		if c.Email != "" && c.Company != "" && regexp.MustCompile(`^c[a-z0-9]+$`).MatchString(c.CUID) {
			some = append(some, c)
		}
	}
	return some
}

// emails counts the sandbox's customers by e-mail.
func (s services) emails(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, c := range s.atomCustomers(t) {
		n[strings.ToLower(c.Email)]++
	}
	return n
}

// posts are the creates that the sandbox received, by the status of its answer; 0
// where the answer was lost.
func (s services) posts(t *testing.T) map[int]int {
	t.Helper()
	var all []sandbox.Call
	getJSON(t, s.URL+"/journal", &all)
	n := map[int]int{}
	for _, c := range all {
		if c.Method == http.MethodPost && c.Path == "/atom/customer" {
			n[c.Status]++
		}
	}
	return n
}
