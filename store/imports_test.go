package store

import (
	"context"
	"errors"
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

// TestImportFiles: a form leads to one import of its person; what was started is
// not removed, and nothing is started while it is worked on.
func TestImportFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	db, mia, leo, ctx := r.DB, r.staff("mia", Manager), r.staff("leo", Manager), context.Background()
	add := func(id string, by Staff, receipt string) error {
		return db.Write(ctx, func(tx *Tx) error {
			err := tx.AddImport(ctx, Import{ID: id, StaffID: by.ID, FileName: "new.csv", State: ImportDraft, Concurrency: 4, Rate: 20})
			for n := range 5 {
				err = errors.Join(err, tx.PutImportRow(ctx, id, ImportRow{N: n + 1, EmailKey: "a@b.example", State: []RowState{RowReady, RowWrong}[n%2]}))
			}
			return errors.Join(err, tx.SetImportReceipt(ctx, id, receipt))
		})
	}
	for _, c := range []struct {
		id      string
		by      Staff
		receipt string
		taken   bool
	}{{"one", mia, "r", false}, {"two", mia, "r", true}, {"three", leo, "r", false}, {"four", mia, "", false}, {"five", mia, "", false}} {
		if err := add(c.id, c.by, c.receipt); (err != nil) != c.taken {
			t.Errorf("%s: %v", c.id, err)
		}
	}
	if i, err := db.ImportOfReceipt(ctx, mia.ID, "r"); err != nil || i.ID != "one" {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := db.ImportOfReceipt(ctx, mia.ID, ""); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	rows, err := db.ImportRows(ctx, "one", 1, 3, RowReady, RowWrong)
	if err != nil || len(rows) != 3 || rows[0].N != 2 || rows[1].N != 3 || rows[2].N != 4 {
		t.Errorf("%+v, %v", rows, err)
	}
	r.write(func(tx *Tx) error {
		if n, err := tx.CountDrafts(ctx, mia.ID); err != nil || n != 3 {
			t.Errorf("%d drafts, %v", n, err)
		}
		if same, err := tx.ImportRowsOfEmail(ctx, "one", "a@b.example", 4); err != nil || len(same) != 4 {
			t.Errorf("%+v, %v", same, err)
		}
		return tx.SetImportBusy(ctx, "four", ImportChecking)
	})
	if busy, err := db.BusyImports(ctx); err != nil || len(busy) != 1 || busy[0].ID != "four" || busy[0].Busy != ImportChecking {
		t.Errorf("%+v, %v", busy, err)
	}
	for id, may := range map[string]bool{"one": true, "four": false} {
		r.write(func(tx *Tx) error {
			if moved, err := tx.MoveImport(ctx, id, ImportDraft, ImportRunning, ""); err != nil || moved != may {
				t.Errorf("%s: moved %v, %v", id, moved, err)
			}
			return nil
		})
	}
	r.write(func(tx *Tx) error {
		// Nothing is removed of what is not marked, or was started, or is worked on.
		if _, err := tx.DropImport(ctx, "five", 2); err != nil {
			t.Error(err)
		}
		for id, may := range map[string]bool{"one": false, "four": false, "five": true} {
			if marked, err := tx.MarkImportRemoved(ctx, id); err != nil || marked != may {
				t.Errorf("%s: marked %v, %v", id, marked, err)
			}
		}
		if moved, err := tx.MoveImport(ctx, "five", ImportDraft, ImportRunning, ""); err != nil || moved {
			t.Errorf("what is being removed was started: %v, %v", moved, err)
		}
		return nil
	})
	for id, want := range map[string][]bool{"one": {true, true}, "five": {false, false, true, true}} {
		for n, gone := range want {
			r.write(func(tx *Tx) error {
				if got, err := tx.DropImport(ctx, id, 2); err != nil || got != gone {
					t.Errorf("%s, %d: gone %v, %v", id, n, got, err)
				}
				return nil
			})
		}
	}
	if _, err := db.Import(ctx, "five"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if counts, err := db.ImportCounts(ctx, "one"); err != nil || counts[RowReady] != 3 {
		t.Errorf("what was started lost rows: %v, %v", counts, err)
	}
}

// TestCustomersOfEmails: of each e-mail that some have, one who is not gone.
func TestCustomersOfEmails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.write(func(tx *Tx) error {
		for _, c := range []Customer{{CUID: "a", Company: "A", Email: "Shared@x.example"}, {CUID: "b", Company: "B", Email: "shared@x.example"}, {CUID: "c", Company: "C", Email: "gone@x.example"}} {
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(c)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE customers SET gone_at = 1 WHERE cuid = 'c'`)
		return err
	})
	found := map[string]Customer{}
	if err := r.CustomersOfEmails(ctx, []string{"shared@x.example", "gone@x.example", "none@x.example"}, found); err != nil || len(found) != 1 || found["shared@x.example"].CUID != "a" {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestValueIsOneLine: what stands in a cell on several lines stands in a field on
// one.
func TestValueIsOneLine(t *testing.T) {
	t.Parallel()
	columns := map[string]int{"address": 0}
	for cell, want := range map[string]string{
		"Storgatan 1": "Storgatan 1", "c/o Nilsson\nplan 3": "c/o Nilsson, plan 3", "a,\r\n\r\n b \n": "a, b", "\n": "", "": "",
	} {
		if got := (ImportRow{Cells: []string{cell}}).Value("address", columns); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}
