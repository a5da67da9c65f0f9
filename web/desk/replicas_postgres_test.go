//go:build postgres

package desk

import (
	"context"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// beside is another replica at the same database, at work until the test's end.
func (r *rig) beside() *Desk {
	r.Helper()
	db, err := store.Open(ctx, store.Options{Path: r.path, Secret: make([]byte, 32), Now: r.Now})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	d := r.desk(db, r.server.URL, call.Limits{})
	if err := d.Start(ctx, "test", nil); err != nil {
		r.Fatal(err)
	}
	return d
}

// How far a sync and an import have come shows on each replica, whichever works at it.
func TestProgressShowsOnEveryReplica(t *testing.T) {
	r := newRig(t)
	if err := r.Start(ctx, "test", nil); err != nil {
		t.Fatal(err)
	}
	other := r.beside()
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { r.Mirror.run(running); close(done) }()
	defer func() { stop(); <-done }()
	r.until(r.Mirror.believed.Load)

	held := make(chan struct{})
	r.control(`{"service": "atom", "latency": "20s"}`)
	s := r.Mirror.request(false, r.mia.Who())
	r.until(func() bool {
		p := other.Mirror.Progress(ctx)
		return p.Running && p.Shown && p.Phase == "reading" && p.Before == 8
	})
	go func() { <-s.done; close(held) }()
	stop()
	<-held
	r.until(func() bool { return other.Mirror.Progress(ctx) == Progress{} })

	i := store.Import{ID: "an import", StaffID: r.mia.Staff.ID, FileName: "x.csv", Header: []string{"E-mail"}, Columns: map[string]int{"email": 0},
		State: store.ImportRunning, Concurrency: 1, Rate: 1}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddImport(ctx, i); err != nil {
			return err
		}
		for n := range 10 {
			if err := tx.PutImportRow(ctx, i.ID, store.ImportRow{N: n + 1, Cells: []string{"x"}, State: store.RowReady}); err != nil {
				return err
			}
		}
		return tx.SetImportSpeed(ctx, i.ID, 2)
	}); err != nil {
		t.Fatal(err)
	}
	if p, err := other.ImportProgress(ctx, i.ID); err != nil || p.PerMinute != 120 || p.Left != 5*time.Second || p.Total != 10 {
		t.Errorf("%+v, %v", p, err)
	}
	r.clock.Add(speedHolds)
	if p, err := other.ImportProgress(ctx, i.ID); err != nil || p.PerMinute != 0 || p.Left != 0 {
		t.Errorf("nobody is at it: %+v, %v", p, err)
	}
}

// What a replica that is gone had begun, another one closes once, and ends what it was
// doing with an import.
func TestAReplicaClearsAwayAfterAnother(t *testing.T) {
	r := newRig(t)
	if err := r.Start(ctx, "test", nil); err != nil {
		t.Fatal(err)
	}
	other := r.beside()
	begun, _, err := other.begin(ctx, intent{By: r.mia, What: WhatSSO, Service: "atom", Receipt: "x"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Store.Write(ctx, func(tx *store.Tx) error {
		i := store.Import{ID: "half read", StaffID: r.mia.Staff.ID, FileName: "x.csv", Header: []string{"E-mail"}, State: store.ImportDraft, Concurrency: 1, Rate: 1}
		if err := tx.AddImport(ctx, i); err != nil {
			return err
		}
		return tx.SetImportBusy(ctx, i.ID, store.ImportReading)
	}); err != nil {
		t.Fatal(err)
	}
	away := map[int64]time.Time{}
	look := func(open, imports int) {
		t.Helper()
		if err := r.buryThose(ctx, away); err != nil {
			t.Fatal(err)
		}
		if err := r.sweepImports(ctx); err != nil {
			t.Fatal(err)
		}
		acts, err := r.Store.OpenActs(ctx)
		if err != nil || len(acts) != open {
			t.Errorf("%d acts are open, %v; want %d", len(acts), err, open)
		}
		busy, err := r.Store.BusyImports(ctx)
		if err != nil || len(busy) != imports {
			t.Errorf("%d imports are busy, %v; want %d", len(busy), err, imports)
		}
	}
	look(1, 1)
	if err := other.Store.Close(); err != nil {
		t.Fatal(err)
	}
	r.until(func() bool { gone, err := r.Store.Gone(ctx); return err == nil && len(gone) == 1 })
	look(1, 1) // it may be on its way back
	for id := range away {
		away[id] = time.Now().Add(-goneAfter)
	}
	look(0, 0)
	look(0, 0)
	if all := r.entries(begun.ID); len(all) != 2 || all[1].Result != audit.Unknown {
		t.Errorf("%+v", all)
	}
}
