package desk

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

var newSecret = bytes.Repeat([]byte("new"), 11)

// reopen is the rig's desk over its database, opened with other secrets.
func (r *rig) reopen(secret, old []byte) {
	r.Helper()
	if err := r.Store.Close(); err != nil {
		r.Fatal(err)
	}
	db, err := store.Open(ctx, store.Options{Path: r.path, Secret: secret, OldSecret: old, Now: r.Now})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	r.Desk = r.desk(db, r.server.URL, call.Limits{})
}

func (r *rig) changeSecret() store.Resealed {
	r.Helper()
	got, err := r.ChangeSecret(ctx)
	if err != nil {
		r.Fatal(err)
	}
	return got
}

// A change of the secret is on record as frontdesk's own act, once, and the
// operator reads that the old one can go.
func TestAChangeOfTheSecretIsOnRecord(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	made := r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, "cuid", "ticket"))
	old := make([]byte, 32) // the rig's
	r.exec(`INSERT INTO credentials SELECT 'moved', sealed, method, stored_at, stored_by FROM credentials`)
	r.reopen(newSecret, old)
	got := r.changeSecret()
	if !got.Changed || got.Values < 5 || got.Closed != 1 { // three keys, the credentials, the answer and its secret
		t.Errorf("%+v", got)
	}
	e := r.newest(1)[0]
	want := audit.Entry{
		ID: e.ID, At: start, Act: e.Act, Phase: audit.Event, Who: frontdesk, What: WhatSecret, Result: audit.Done,
		Detail: fmt.Sprintf("%d values re-encrypted, 1 open with neither secret", got.Values),
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("%+v\nwant %+v", e, want)
	}
	for _, text := range []string{"FRONTDESK_SECRET_OLD can be removed now", "neither secret"} {
		if !strings.Contains(r.log.String(), text) {
			t.Errorf("the log does not say %q:\n%s", text, r.log)
		}
	}
	if strings.Contains(r.everything(), string(newSecret)) {
		t.Error("the secret is at rest")
	}
	if again := r.changeSecret(); again.Changed || r.newest(1)[0].ID != e.ID {
		t.Errorf("once more: %+v, recorded %+v", again, r.newest(1))
	}
	if !strings.Contains(r.log.String(), "nothing is sealed with the former secret") {
		t.Errorf("the log does not say that there was nothing to do:\n%s", r.log)
	}
	r.reopen(newSecret, nil)
	if stored, err := r.Store.Credentials(ctx, c.CUID); err != nil || stored.Key != made.Secret.Key {
		t.Errorf("the credentials: %v", err)
	}
	if again := r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, "cuid", "ticket")); again.Act != made.Act || again.Secret != made.Secret {
		t.Error("the same post again is another act")
	}
}

// A start that is stopped while it changes the secret does not go on to serve.
func TestAChangeOfTheSecretThatIsStopped(t *testing.T) {
	r := newRig(t)
	r.reopen(newSecret, make([]byte, 32))
	stopped, stop := context.WithCancel(ctx)
	stop()
	if got, err := r.ChangeSecret(stopped); err == nil || got.Changed {
		t.Errorf("%+v, %v", got, err)
	}
	if got := r.changeSecret(); !got.Changed {
		t.Errorf("the next start: %+v", got)
	}
}
