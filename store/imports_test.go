package store

import (
	"context"
	"reflect"
	"testing"
)

// TestImportRowIsTakenOnce: a row is sent by one act, while its import runs, and
// ends as that act does.
func TestImportRowIsTakenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	db, staff, ctx := r.DB, r.staff("mia", Manager), context.Background()
	r.write(func(tx *Tx) error {
		err := tx.AddImport(ctx, Import{ID: "i", StaffID: staff.ID, FileName: "new.csv", Format: "UTF-8, comma", Header: []string{"Company", "Mail"},
			Columns: map[string]int{"company": 0, "email": 1}, State: ImportDraft, Concurrency: 4, Rate: 20})
		if err != nil {
			return err
		}
		for n, state := range []RowState{RowReady, RowWrong} {
			if err := tx.PutImportRow(ctx, "i", ImportRow{N: n + 1, Cells: []string{"Åre", "a@b.example"}, EmailKey: "a@b.example", State: state}); err != nil {
				return err
			}
		}
		return nil
	})
	take := func(n int, act string) (taken bool) {
		t.Helper()
		r.write(func(tx *Tx) (err error) { taken, err = tx.TakeImportRow(ctx, "i", n, act); return err })
		return taken
	}
	move := func(from, to ImportState) (moved bool) {
		t.Helper()
		r.write(func(tx *Tx) (err error) { moved, err = tx.MoveImport(ctx, "i", from, to, ""); return err })
		return moved
	}
	if take(1, "early") {
		t.Error("a draft's row was taken")
	}
	if !move(ImportDraft, ImportRunning) || move(ImportDraft, ImportRunning) {
		t.Error("a start succeeds twice, or never")
	}
	if !take(1, "act1") || take(1, "act2") || take(2, "act3") {
		t.Error("a row was taken twice, or never, or though it is wrong")
	}
	// What was sent is not overwritten by another check.
	r.write(func(tx *Tx) error { return tx.PutImportRow(ctx, "i", ImportRow{N: 1, State: RowReady}) })
	r.write(func(tx *Tx) error { return tx.EndImportRow(ctx, "act2", RowFailed, "", "not it") })
	r.write(func(tx *Tx) error { return tx.EndImportRow(ctx, "act1", RowUnknown, "", "no answer") })
	r.write(func(tx *Tx) error { return tx.EndImportRow(ctx, "act1", RowCreated, "c1", "") })
	r.write(func(tx *Tx) error { return tx.EndImportRow(ctx, "act1", RowFailed, "", "too late") })
	row, err := db.ImportRow(ctx, "i", 1)
	if err != nil {
		t.Fatal(err)
	}
	if row.State != RowCreated || row.CUID != "c1" || row.Act != "act1" || row.Tries != 1 || row.Message != "" || !reflect.DeepEqual(row.Cells, []string{"Åre", "a@b.example"}) {
		t.Errorf("%+v", row)
	}
	counts, err := db.ImportCounts(ctx, "i")
	if want := map[RowState]int{RowCreated: 1, RowWrong: 1}; err != nil || !reflect.DeepEqual(counts, want) {
		t.Errorf("%v, %v", counts, err)
	}
	wrong, err := db.ImportRows(ctx, "i", 0, 10, RowWrong, RowFailed)
	if err != nil || len(wrong) != 1 || wrong[0].N != 2 {
		t.Errorf("%+v, %v", wrong, err)
	}
	i, err := db.Import(ctx, "i")
	if err != nil || i.State != ImportRunning || i.StartedAt.IsZero() || !i.EndedAt.IsZero() || i.Columns["email"] != 1 || i.StaffName != staff.Name {
		t.Errorf("%+v, %v", i, err)
	}
}
