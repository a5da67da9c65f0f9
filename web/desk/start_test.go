package desk

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// startsAfterAKill is Start, with what was left closed: of replicas those have to have
// been away for a while.
func (r *rig) startsAfterAKill(d *Desk) {
	r.Helper()
	if err := d.Start(ctx, "test", nil); err != nil {
		r.Fatal(err)
	}
	if !d.Store.Shared() {
		return
	}
	away := map[int64]time.Time{}
	for range 2 {
		if err := d.buryThose(ctx, away); err != nil {
			r.Fatal(err)
		}
		for id := range away {
			away[id] = time.Now().Add(-goneAfter)
		}
	}
}

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
	lift := r.refuse("audit_entries", "NEW.act_id = 'two'")
	if err := r.closeActs(ctx, open); err == nil {
		t.Fatal("it was not refused")
	}
	if left, err := r.Store.OpenActs(ctx); err != nil || len(left) != 2 {
		t.Fatalf("%d left, %v", len(left), err)
	}
	lift()
	if err := r.closeActs(ctx, open); err != nil {
		t.Fatal(err)
	}
	for _, e := range open {
		if all := r.entries(e.Act); len(all) != 2 || all[1].Result != audit.Unknown {
			t.Errorf("%s: %+v", e.Act, all)
		}
	}
}
