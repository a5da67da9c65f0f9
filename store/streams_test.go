package store

import (
	"fmt"
	"testing"
	"time"

	"frontdesk/store/audit"
)

func TestStreamMarksAndLag(t *testing.T) {
	r := newRig(t)
	lag := func(id int64, behind int, oldest time.Time) {
		t.Helper()
		got, at, err := r.StreamLag(ctx, id)
		if err != nil || got != behind || !at.Equal(oldest) {
			t.Errorf("after %d: %d behind since %v, %v; want %d since %v", id, got, at, err, behind, oldest)
		}
	}
	lag(0, 0, time.Time{})
	for i := range 5 {
		if err := r.Write(ctx, func(tx *Tx) error {
			return tx.Append(ctx, &audit.Entry{Act: fmt.Sprint(i / 2), Phase: []audit.Phase{audit.Intent, audit.Outcome}[i%2]})
		}); err != nil {
			t.Fatal(err)
		}
		r.Add(time.Minute)
	}
	lag(0, 5, start)
	lag(3, 2, start.Add(3*time.Minute))
	lag(5, 0, time.Time{})

	// Intents of acts that are over are among them.
	if got, err := r.EntriesAfter(ctx, 1, 3); err != nil || len(got) != 3 || got[0].ID != 2 || got[1].Phase != audit.Intent || got[2].ID != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := r.EntriesAfter(ctx, 5, 3); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}

	if m, err := r.StreamMark(ctx, "stream file"); err != nil || m != (StreamMark{}) {
		t.Errorf("%+v, %v", m, err)
	}
	for _, step := range []struct {
		name string
		upto int64
		want int64
	}{{"stream file", 3, 3}, {"stream file", 5, 5}, {"stream file", 4, 5}, {"stream webhook", 1, 1}} {
		if err := r.Write(ctx, func(tx *Tx) error { return tx.SetStreamMark(ctx, step.name, step.upto) }); err != nil {
			t.Fatal(err)
		}
		if m, err := r.StreamMark(ctx, step.name); err != nil || m.Upto != step.want || !m.At.Equal(r.Now()) {
			t.Errorf("%+v: %+v, %v", step, m, err)
		}
	}
}
