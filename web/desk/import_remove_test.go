package desk

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
)

// What nobody started for a week goes as a whole, on record, whoever has set it off
// and left meanwhile; from its mark on it cannot be started.
func TestOldDraftsGoAsAWhole(t *testing.T) {
	r := newRig(t)
	const rows = removedAtOnce + 10 // of more than one transaction
	old, kept := r.importOf(r.mia, rows), r.started(r.mia, 1)
	r.clock.Add(importDraftHolds + time.Minute)
	young := r.importOf(r.mia, 1)
	left, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.dropUnstarted(left); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Import(ctx, old); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	if got := r.events(WhatRemoveImport); len(got) != 1 || got[0].On.ID != "import:"+old || got[0].Who.Name != "frontdesk" || !strings.HasSuffix(got[0].Detail, "2010 rows") {
		t.Errorf("%+v", got)
	}
	if err := r.sweepImports(ctx); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{kept, young} {
		if counts, err := r.Store.ImportCounts(ctx, id); err != nil || counts[store.RowReady] != 1 {
			t.Errorf("%s: %v, %v", id, counts, err)
		}
	}
}

// A removal that a kill has cut short leaves nothing that can be started, and is
// brought to its end.
func TestARemovalIsBroughtToItsEnd(t *testing.T) {
	r := newRig(t)
	half, discarded := r.importOf(r.mia, 5), r.importOf(r.mia, 5)
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		_, moved := tx.MoveImport(ctx, discarded, store.ImportDraft, store.ImportCancelled, "")
		for _, id := range []string{half, discarded} {
			_, err := tx.MarkImportRemoved(ctx, id)
			_, dropped := tx.DropImportRows(ctx, id, 3)
			moved = errors.Join(moved, err, dropped)
		}
		return moved
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{half, discarded} {
		if p := r.problem(r.StartImport(ctx, r.mia, id)); p.Kind != Invalid {
			t.Errorf("%+v", p)
		}
		if r.move(id, store.ImportDraft, store.ImportRunning) {
			t.Error("it was started with rows missing")
		}
	}
	if err := r.sweepImports(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Import(ctx, half); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("half a draft is there: %v", err)
	}
	i, err := r.Store.Import(ctx, discarded)
	counts, countErr := r.Store.ImportCounts(ctx, discarded)
	if err != nil || countErr != nil || i.State != store.ImportCancelled || i.Busy != "" || len(counts) != 0 {
		t.Errorf("%+v, %v, %v, %v", i, counts, err, countErr)
	}
}

// What is discarded keeps no rows; what was started keeps them, and its rows are not
// mended any more.
func TestCancelledImports(t *testing.T) {
	r := newRig(t)
	discarded, ended := r.importOf(r.mia, 3), r.started(r.mia, 3)
	for _, id := range []string{discarded, ended} {
		if err := r.CancelImport(ctx, r.mia, id); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.events(WhatCancelImport); len(got) != 2 || got[1].Detail != "0 created, 0 failed, 3 not sent" {
		t.Errorf("%+v", got)
	}
	i, err := r.Store.Import(ctx, discarded)
	if rows, rowsErr := r.Store.ImportRows(ctx, discarded, 0, 9); err != nil || rowsErr != nil || len(rows) != 0 || i.State != store.ImportCancelled || i.Busy != "" {
		t.Errorf("%+v, %+v, %v, %v", i, rows, err, rowsErr)
	}
	p := r.problem(r.MendImportRow(ctx, r.mia, ended, 1, map[string]string{"company": "Other"}))
	if p.Kind != Invalid || p.Title != "This import was cancelled" {
		t.Errorf("%+v", p)
	}
	if row, err := r.Store.ImportRow(ctx, ended, 1); err != nil || row.State != store.RowReady || len(row.Mended) > 0 {
		t.Errorf("%+v, %v", row, err)
	}
	r.clock.Add(importDraftHolds + time.Minute)
	if err := r.sweepImports(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Import(ctx, discarded); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a discarded import is there after a week: %v", err)
	}
	if _, err := r.Store.Import(ctx, ended); err != nil {
		t.Errorf("an import that was started is gone: %v", err)
	}
}

// The receipt of a row holds for an hour, that of a form for a week.
func TestReceiptsOfRowsAreShort(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 2)
	r.sending(id)
	r.becomes(id, "the end", inState(store.ImportDone))
	r.must(r.CreateCustomer(ctx, r.mia, "form", r.newCustomer()))
	r.clock.Add(rowRepeats)
	if err := r.sweepReceipts(ctx); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := r.raw.QueryRow(`SELECT count(*) FROM receipts`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d receipts are left, %v", n, err)
	}
}
