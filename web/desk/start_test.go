package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

func (r *rig) starts(version string, settings map[string]string) audit.Entry {
	r.Helper()
	if err := r.Start(ctx, version, settings); err != nil {
		r.Fatal(err)
	}
	return r.newest(1)[0]
}

// Every start is on record with what has changed in the configuration since the
// one before.
func TestStartsAreOnRecord(t *testing.T) {
	r := newRig(t)
	const old, new = "PLANTED-old-secret", "PLANTED-new-secret"
	settings := map[string]string{
		"FRONTDESK_ADDR": ":8080", "FRONTDESK_METRICS_ADDR": "", "FRONTDESK_IP1_KEY": r.Store.Fingerprint("FRONTDESK_IP1_KEY", old),
	}
	detail := regexp.MustCompile(`^version (\S+), configuration (sha256:[0-9a-f]{16})$`)
	e := r.starts("1.0", settings)
	want := audit.Entry{ID: e.ID, At: start, Act: e.Act, Phase: audit.Event, Who: frontdesk, What: WhatStart, Result: audit.Done, Detail: e.Detail}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("the first: %+v\nwant %+v", e, want)
	}
	first := detail.FindStringSubmatch(e.Detail)
	if first == nil || first[1] != "1.0" {
		t.Fatalf("detail %q", e.Detail)
	}
	if e := r.starts("1.1", settings); e.Changes != "" || !strings.HasPrefix(e.Detail, "version 1.1, configuration "+first[2]) {
		t.Errorf("nothing has changed: %+v", e)
	}
	e = r.starts("1.1", map[string]string{
		"FRONTDESK_ADDR": ":9090", "FRONTDESK_SYNC": "5m", "FRONTDESK_IP1_KEY": r.Store.Fingerprint("FRONTDESK_IP1_KEY", new),
	})
	var changed map[string][2]string
	if err := json.Unmarshal([]byte(e.Changes), &changed); err != nil {
		t.Fatalf("changes %q: %v", e.Changes, err)
	}
	wantChanges := map[string][2]string{
		"FRONTDESK_ADDR": {":8080", ":9090"}, "FRONTDESK_SYNC": {"", "5m"},
		"FRONTDESK_IP1_KEY": {r.Store.Fingerprint("FRONTDESK_IP1_KEY", old), r.Store.Fingerprint("FRONTDESK_IP1_KEY", new)},
	}
	if !reflect.DeepEqual(changed, wantChanges) {
		t.Errorf("changes %v, want %v", changed, wantChanges)
	}
	if second := detail.FindStringSubmatch(e.Detail); second == nil || second[2] == first[2] {
		t.Errorf("detail %q after %q", e.Detail, first[0])
	}
	if all := r.everything(); strings.Contains(all, old) || strings.Contains(all, new) {
		t.Error("a secret is at rest")
	}
}

// limit lets the database grow no more, as a full disk does; lift takes it away.
func (r *rig) limit() (lift func()) {
	r.Helper()
	set := func(pages int) {
		r.Helper()
		if err := r.Store.WriteOutcome(ctx, func(tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
			return err
		}); err != nil {
			r.Fatal(err)
		}
	}
	set(1) // as many as there are
	for {  // what is left of the last pages
		err := r.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "fill", Result: audit.Done})
		})
		var u *store.Unwritable
		if errors.As(err, &u) {
			return func() { set(1 << 30) }
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

// With the disk full nothing goes out, and the person reads why; the page that
// they look at goes on, and acts do too once there is space.
func TestActsOnAFullDisk(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	lift := r.limit()
	before := len(r.calls())
	for name, try := range map[string]func() error{
		"SSO": func() error { _, err := r.OpenSSO(ctx, r.mia, "receipt", c.CUID, "ticket"); return err },
		"SMS": func() error {
			_, err := r.SendSMS(ctx, r.mia, "sms", SMSForm{Phone: r.phone()})
			return err
		},
		"add staff": func() error {
			_, err := r.AddStaff(ctx, r.alice, store.Staff{Portal: "customer", Username: "x", Role: store.Viewer})
			return err
		},
	} {
		p := r.problem(try())
		if p.Kind != Unrecorded || p.Status() != http.StatusServiceUnavailable || !strings.HasSuffix(p.Text.String(), " The disk is full.") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if calls := r.calls()[before:]; len(calls) != 0 {
		t.Errorf("calls went out: %v", calls)
	}
	if _, err := r.Store.Customer(ctx, c.CUID); err != nil {
		t.Errorf("reading: %v", err)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 0 {
		t.Errorf("open acts %+v, %v", open, err)
	}
	lift()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := r.OpenSSO(ctx, r.mia, "receipt", c.CUID, "ticket")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with space again: %v", err)
		}
	}
	if n := len(r.calls()) - before; n != 1 {
		t.Errorf("%d calls for one act", n)
	}
}

// A start that cannot be recorded does not keep reading from going on. It is
// recorded, with the acts that a crash left, as soon as that is possible, and
// acts of the time between are not closed with them.
func TestAStartThatCannotBeRecordedYet(t *testing.T) {
	r := newRig(t)
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: "crashed", Phase: audit.Intent, What: WhatSSO, Service: "atom"})
	}); err != nil {
		t.Fatal(err)
	}
	lift := r.limit()
	if err := r.Start(ctx, "1.0", map[string]string{"A": "1"}); err != nil {
		t.Fatalf("it does not start: %v", err)
	}
	if !strings.Contains(r.log.String(), "acts are refused until it can") {
		t.Errorf("logged:\n%s", r.log)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 1 {
		t.Errorf("open acts %+v, %v", open, err)
	}
	lift()
	time.Sleep(2100 * time.Millisecond) // a full disk is looked at again then
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: "under way", Phase: audit.Intent, What: WhatSSO, Service: "atom"})
	}); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	go r.Desk.Run(running)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		found, err := r.Store.Search(ctx, audit.Filter{What: WhatStart}, audit.Page{Limit: 5})
		started := found.Entries
		if err != nil || len(started) > 1 {
			t.Fatalf("starts %+v, %v", started, err)
		}
		if len(started) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the start is not recorded")
		}
	}
	open, err := r.Store.OpenActs(ctx)
	if err != nil || len(open) != 1 || open[0].Act != "under way" {
		t.Errorf("open acts %+v, %v", open, err)
	}
	if closed := r.entries("crashed"); len(closed) != 2 || closed[1].Result != audit.Unknown {
		t.Errorf("the crashed act %+v", closed)
	}
}

// What a stop left open is closed once, also when closing it breaks off half-way
// and is taken up again.
func TestOpenActsAreClosedOnce(t *testing.T) {
	r := newRig(t)
	for _, act := range []string{"one", "two", "three"} {
		intent := audit.Entry{Act: act, Phase: audit.Intent, What: WhatCreate, Service: "atom", On: audit.Subject{Email: act + "@x.example"}}
		if err := r.Store.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &intent) }); err != nil {
			t.Fatal(err)
		}
	}
	open, err := r.Store.OpenActs(ctx)
	if err != nil || len(open) != 3 {
		t.Fatalf("%d open, %v", len(open), err)
	}
	r.exec(`CREATE TRIGGER stuck BEFORE INSERT ON audit_entries WHEN NEW.act_id = 'two' BEGIN SELECT RAISE(ABORT, 'stuck'); END`)
	left, err := r.closeActs(ctx, open)
	if err == nil || len(left) != 2 {
		t.Fatalf("%d left, %v", len(left), err)
	}
	r.exec(`DROP TRIGGER stuck`)
	if left, err = r.closeActs(ctx, left); err != nil || len(left) != 0 {
		t.Fatalf("%d left, %v", len(left), err)
	}
	for _, e := range open {
		if all := r.entries(e.Act); len(all) != 2 || all[1].Result != audit.Unknown {
			t.Errorf("%s: %+v", e.Act, all)
		}
	}
}
