package store

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"frontdesk/store/audit"
)

// What a write has appended counts once it stands, and not when it was rolled back,
// alone or beside others in one commit.
func TestMetricsCountWhatStands(t *testing.T) {
	db := newRig(t).DB
	wrong := errors.New("wrong")
	event := func(tx *Tx) error {
		return tx.Append(t.Context(), &audit.Entry{Phase: audit.Event, What: "look", Result: audit.Refused})
	}
	for range 3 {
		if err := db.Write(t.Context(), func(tx *Tx) error { return errors.Join(event(tx), wrong) }); !errors.Is(err, wrong) {
			t.Fatal(err)
		}
	}
	ends := make(chan error)
	for i := range 40 {
		go func() {
			ends <- db.Write(t.Context(), func(tx *Tx) error {
				if err := event(tx); err != nil || i%2 == 0 {
					return err
				}
				return wrong
			})
		}()
	}
	stood := 0
	for range 40 {
		if err := <-ends; err == nil {
			stood++
		} else if !errors.Is(err, wrong) {
			t.Fatal(err)
		}
	}
	if got := testutil.ToFloat64(db.metrics.acts.WithLabelValues("look", "refused")); got != 20 || stood != 20 {
		t.Errorf("%v counted, %d stood", got, stood)
	}
	if got := testutil.ToFloat64(db.metrics.appends); got != 20 {
		t.Errorf("%v appended", got)
	}
	if problems, err := testutil.CollectAndLint(db); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
