package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

var (
	ctx   = context.Background()
	start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
)

// log is a real log in a database of its own, an hour between any two entries.
type log struct {
	*testing.T
	*store.DB
	at   time.Time
	raw  *sql.DB
	acts int // made by random
}

func newLog(t *testing.T) *log {
	t.Helper()
	l := &log{T: t, at: start}
	l.open(t.TempDir())
	return l
}

// open opens the log's database in a folder.
func (l *log) open(dir string) {
	l.Helper()
	path := filepath.Join(dir, "frontdesk.db")
	db, err := store.Open(ctx, store.Options{Path: path, Secret: make([]byte, 32), Now: func() time.Time { return l.at }})
	if err != nil {
		l.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		l.Fatal(err)
	}
	l.DB, l.raw = db, raw
	l.Cleanup(func() { raw.Close(); db.Close() })
}

func (l *log) append(e audit.Entry) audit.Entry {
	l.Helper()
	if err := l.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &e) }); err != nil {
		l.Fatal(err)
	}
	l.at = l.at.Add(time.Hour)
	return e
}

var whole = audit.Entry{
	Act: "act", Phase: audit.Outcome,
	Who: audit.Who{StaffID: 7, Name: "Mia Moreau", Portal: "customer", Username: "mia", Role: "manager", Session: "s", Address: "192.0.2.1",
		Agent: "Firefox", Request: "REQ1"},
	What: "open as customer", On: audit.Subject{ID: "c1", Name: "Örebro Bygg 100%", Email: "Ana@Example.com"}, Reason: "Ticket_42", Service: "atom",
	Status: 302, Duration: 1234 * time.Millisecond, Result: audit.Done, Detail: `to "platform"`, Changes: `{"a":["b","c"]}`, Evidence: 4,
}

func TestAnEntryComesBackWhole(t *testing.T) {
	l := newLog(t)
	e := l.append(whole)
	want := whole
	want.ID, want.At = e.ID, start
	if got, err := l.Entry(ctx, e.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if _, err := l.Entry(ctx, 999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}

// A text that holds what parts the columns when they are read comes back as it
// was, alone and among others.
func TestATextWithTheSeparatorComesBack(t *testing.T) {
	l := newLog(t)
	odd := whole
	odd.Act, odd.Reason, odd.On.Name = "odd", "a\x1fb", "\x1f"
	l.append(whole)
	want := l.append(odd)
	l.append(whole)
	got, err := l.Entry(ctx, want.ID)
	if err != nil || got.Reason != odd.Reason || got.On.Name != odd.On.Name || got.On.Email != odd.On.Email {
		t.Errorf("%+v, %v", got, err)
	}
	if all, err := l.EntriesAfter(ctx, 0, 10); err != nil || len(all) != 3 || all[1] != got {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := l.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestTheLogIsAppendOnly(t *testing.T) {
	l := newLog(t)
	e := l.append(whole)
	for _, statement := range []string{
		`UPDATE audit_entries SET detail = 'nothing happened'`,
		`UPDATE audit_entries SET id = id + 1`,
		`DELETE FROM audit_entries`,
		`DELETE FROM audit_entries WHERE id = 1`,
	} {
		if _, err := l.raw.Exec(statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if got, err := l.Entry(ctx, e.ID); err != nil || got.Detail != whole.Detail {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	// A row of an unknown phase or outcome would be one that no page shows.
	for _, e := range []audit.Entry{{Act: "x", Phase: "later"}, {Act: "x", Phase: audit.Event, Result: "fine"}} {
		if err := l.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &e) }); err == nil {
			t.Errorf("%+v was accepted", e)
		}
	}
}

func TestWhatComesFromOutsideIsClipped(t *testing.T) {
	l := newLog(t)
	long := whole
	long.Who.Agent, long.Reason, long.Detail = strings.Repeat("å", 5000), strings.Repeat("å", 5000), strings.Repeat("x", 5000)
	got, err := l.Entry(ctx, l.append(long).ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]struct {
		text string
		want int
	}{"agent": {got.Who.Agent, 300}, "reason": {got.Reason, 2000}, "detail": {got.Detail, 2000}} {
		if n := len([]rune(v.text)); n != v.want || !strings.HasSuffix(v.text, "…") {
			t.Errorf("%s has %d characters, want %d", name, n, v.want)
		}
	}
	exact := whole
	exact.Reason = strings.Repeat("å", 2000)
	if got, _ := l.Entry(ctx, l.append(exact).ID); got.Reason != exact.Reason {
		t.Error("a reason of just the right length was clipped")
	}
}

func TestFilters(t *testing.T) {
	l := newLog(t)
	l.append(whole) // 1, at 09:00
	l.append(audit.Entry{Act: "b", Phase: audit.Event, Who: audit.Who{StaffID: 8, Name: "BO Berg", Username: "bo_b", Address: "198.51.100.7", Request: "req2"},
		What: "sign out", On: audit.Subject{ID: "phone:+46"}, Result: audit.Denied}) // 2, at 10:00
	l.append(audit.Entry{Act: "c", Phase: audit.Intent, Who: audit.Who{StaffID: 7, Name: "Mia Moreau", Username: "mia"}, What: "send SMS code", Service: "ip1"}) // 3, under way
	l.append(audit.Entry{Act: "d", Phase: audit.Intent, Who: audit.Who{StaffID: 7, Name: "Mia Moreau", Username: "mia"}, What: "sign in", Service: "portal"})    // 4, over: not shown
	l.append(audit.Entry{Act: "d", Phase: audit.Outcome, Who: audit.Who{StaffID: 7, Name: "Mia Moreau", Username: "mia"}, What: "sign in", Service: "portal", Result: audit.Unreachable, Detail: "no route"})
	for _, tt := range []struct {
		name string
		f    audit.Filter
		want string
	}{
		{"none", audit.Filter{}, "5 3 2 1"},
		{"staff", audit.Filter{StaffID: 8}, "2"},
		{"who by name, any case", audit.Filter{Who: "bo BE"}, "2"},
		{"who by username", audit.Filter{Who: "MIA"}, "5 3 1"},
		{"who by portal and username", audit.Filter{Who: "Customer:mi"}, "1"},
		{"who with a wildcard", audit.Filter{Who: "o_b"}, "2"},
		{"who with a wildcard of none", audit.Filter{Who: "%"}, ""},
		{"what", audit.Filter{What: "sign in"}, "5"},
		{"what is exact", audit.Filter{What: "sign"}, ""},
		{"on a cuid", audit.Filter{On: "c1"}, "1"},
		{"on an e-mail in any case", audit.Filter{On: "ANA@example.com"}, "1"},
		{"on part of an e-mail", audit.Filter{On: "ana@"}, "1"},
		{"on part of a name", audit.Filter{On: "bygg"}, "1"},
		{"on a name with another letter", audit.Filter{On: "Örebro"}, "1"},
		{"on the same in small letters", audit.Filter{On: "örebro"}, "1"},
		{"on the same without its accent", audit.Filter{On: "orebro"}, "1"},
		{"on two letters", audit.Filter{On: "Ör"}, "1"},
		{"on a per cent sign", audit.Filter{On: "100%"}, "1"},
		{"on an underscore, which is one", audit.Filter{On: "100_"}, ""},
		{"on ID", audit.Filter{OnID: "phone:+46"}, "2"},
		{"on ID is exact", audit.Filter{OnID: "phone"}, ""},
		{"result", audit.Filter{Result: audit.Unreachable}, "5"},
		{"service", audit.Filter{Service: "ip1"}, "3"},
		{"from, inclusive", audit.Filter{From: start.Add(time.Hour)}, "5 3 2"},
		{"to, exclusive", audit.Filter{To: start.Add(time.Hour)}, "1"},
		{"from and to", audit.Filter{From: start.Add(time.Hour), To: start.Add(3 * time.Hour)}, "3 2"},
		{"text in the name", audit.Filter{Text: "moreau"}, "5 3 1"},
		{"text in the subject", audit.Filter{Text: "ÖREBRO bygg"}, "1"},
		{"text in the e-mail", audit.Filter{Text: "a@EXAMPLE"}, "1"},
		{"text in the ID", audit.Filter{Text: "phone:"}, "2"},
		{"text in the reason", audit.Filter{Text: "ticket_4"}, "1"},
		{"text in the detail", audit.Filter{Text: "NO ROUTE"}, "5"},
		{"text in the address", audit.Filter{Text: "198.51."}, "2"},
		{"text in the request", audit.Filter{Text: "req"}, "2 1"},
		{"text in the act", audit.Filter{Text: "SMS"}, "3"},
		{"text is an act's ID", audit.Filter{Text: "act"}, "1"},
		{"text is part of an act's ID", audit.Filter{Text: "ac"}, ""},
		{"effect", audit.Filter{Effect: true}, "3 1"},
		{"two kinds of act", audit.Filter{What: "sign in,send SMS code"}, "5 3"},
		{"the whole log", audit.Filter{Whole: true}, "5 4 3 2 1"},
		{"the whole log by text", audit.Filter{Whole: true, Text: "sign in"}, "5 4"},
		{"text that no entry can hold", audit.Filter{Text: "\x00\xff"}, ""},
		{"text too long for a pattern", audit.Filter{Text: strings.Repeat("%", 60_000)}, ""},
		{"SQL", audit.Filter{Text: "' OR 1=1 --", Who: "'"}, ""},
		{"two at once", audit.Filter{StaffID: 7, Service: "atom", Text: "ticket"}, "1"},
	} {
		found, err := l.Search(ctx, tt.f, audit.Page{Limit: 50})
		var got []string
		for _, e := range found.Entries {
			got = append(got, strconv.FormatInt(e.ID, 10))
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	if open, err := l.OpenActs(ctx); err != nil || len(open) != 1 || open[0].Act != "c" {
		t.Errorf("open %+v, %v", open, err)
	}
	if act, err := l.EntriesOfAct(ctx, "d"); err != nil || len(act) != 2 || act[0].Phase != audit.Intent || act[1].Phase != audit.Outcome {
		t.Errorf("of an act %+v, %v", act, err)
	}
	if whats, err := l.Whats(ctx); err != nil || strings.Join(whats, ", ") != "open as customer, send SMS code, sign in, sign out" {
		t.Errorf("whats %q, %v", whats, err)
	}
}

func TestActivityCountsDays(t *testing.T) {
	l := newLog(t)
	l.append(audit.Entry{Act: "old", Phase: audit.Event, Who: audit.Who{StaffID: 1}, Result: audit.Done}) // 1 March, before from
	from := l.at
	for _, e := range []audit.Entry{
		{Phase: audit.Event, Who: audit.Who{StaffID: 1}, Result: audit.Done},
		{Phase: audit.Intent, Who: audit.Who{StaffID: 1}},                    // not an end
		{Phase: audit.Event, Who: audit.Who{StaffID: 0}, Result: audit.Done}, // frontdesk itself
		{Phase: audit.Outcome, Who: audit.Who{StaffID: 2}, Result: audit.Unknown},
	} {
		l.append(e)
	}
	l.at = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	l.append(audit.Entry{Phase: audit.Event, Who: audit.Who{StaffID: 1}, Result: audit.Refused})
	day := func(d, done, failed int) audit.Day {
		return audit.Day{Date: time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC), Done: done, Failed: failed}
	}
	for staff, want := range map[int64][]audit.Day{0: {day(1, 1, 1), day(3, 0, 1)}, 1: {day(1, 1, 0), day(3, 0, 1)}, 2: {day(1, 0, 1)}, 3: nil} {
		if got, err := l.Activity(ctx, from, staff); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("of %d: %+v, %v; want %+v", staff, got, err, want)
		}
	}
}

// Each kind's own part of the day; what belongs to none is in the day's sum alone.
func TestActivityCountsKinds(t *testing.T) {
	l := newLog(t)
	for _, e := range []audit.Entry{
		{What: "send SMS code", Result: audit.Done}, {What: "verify SMS code", Result: audit.Refused}, {What: "sign in", Result: audit.Done},
		{What: "open as customer", Result: audit.Done}, {What: "open as customer", Result: audit.Unknown},
	} {
		e.Phase, e.Who = audit.Event, audit.Who{StaffID: 1}
		l.append(e)
	}
	l.at = l.at.AddDate(0, 0, 1)
	l.append(audit.Entry{Phase: audit.Event, Who: audit.Who{StaffID: 1}, What: "sign in", Result: audit.Done})
	got, err := l.Activity(ctx, start, 1, []string{"send SMS code", "verify SMS code"}, []string{"open as customer"}, []string{"never done"})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := []audit.Ended{{1, 1}, {1, 1}, {}}; got[0].Done != 3 || got[0].Failed != 2 || !reflect.DeepEqual(got[0].Kinds, want) {
		t.Errorf("%+v, want %+v of 3 done and 2 not", got[0], want)
	}
	if want := make([]audit.Ended, 3); got[1].Done != 1 || !reflect.DeepEqual(got[1].Kinds, want) {
		t.Errorf("%+v, want %+v of 1 done", got[1], want)
	}
}

func TestAnUnknownCreateShowsHowItWasSettled(t *testing.T) {
	l := newLog(t)
	e := l.append(audit.Entry{Act: "create", Phase: audit.Outcome, What: "create customer", Result: audit.Unknown})
	if err := l.Write(ctx, func(tx *store.Tx) error {
		return tx.AddOpenCreate(ctx, store.OpenCreate{Act: "create", Email: "a@example.com", StartedAt: start})
	}); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Entry(ctx, e.ID); got.Settled != "open" {
		t.Errorf("settled %q, want open", got.Settled)
	}
	if err := l.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.SettleCreates(ctx, start.Add(time.Hour), 10*time.Minute, 30*time.Second)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Entry(ctx, e.ID); got.Settled != "not created" || got.Result != audit.Unknown {
		t.Errorf("settled %q, result %q; want not created beside unknown", got.Settled, got.Result)
	}
}
