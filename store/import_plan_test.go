//go:build !postgres

package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestImportStatementsScanNothing: no statement about the rows of an import, or about
// receipts, looks at all rows of all imports.
func TestImportStatementsScanNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mia := r.staff("mia", Manager)
	r.write(func(tx *Tx) error {
		return errors.Join(tx.AddImport(ctx, Import{ID: "i", StaffID: mia.ID, State: ImportRunning}), tx.PutImportRow(ctx, "i", ImportRow{N: 1, State: RowReady}))
	})
	texts := map[string]bool{}
	r.write(func(tx *Tx) error {
		_, err := tx.ImportRow(ctx, "i", 1)
		_, taken := tx.TakeImportRow(ctx, "i", 1, "a")
		_, same := tx.ImportRowsOfEmail(ctx, "i", "x", 5)
		_, counted := tx.ImportCounts(ctx, "i")
		_, retried := tx.RetryImportRows(ctx, "i")
		_, dropped := tx.DropImport(ctx, "i", 5)
		_, purged := tx.PurgeReceipts(ctx, time.Now())
		err = errors.Join(err, taken, same, counted, retried, dropped, purged, tx.ReturnImportRow(ctx, "a"), tx.EndImportRow(ctx, "a", RowCreated, "c", ""),
			tx.FailImportRow(ctx, "i", 1, "", true), tx.ReturnLostRow(ctx, "a", 3, ""))
		for text := range tx.w.stmts {
			texts[text] = true
		}
		return err
	})
	_, err := r.ImportRow(ctx, "i", 1)
	_, all := r.ImportRows(ctx, "i", 0, 5)
	_, ready := r.ImportRows(ctx, "i", 0, 5, RowReady)
	_, counted := r.ImportCounts(ctx, "i")
	_, several := r.ImportsCounts(ctx, []string{"i"})
	_, again := r.ImportsAgain(ctx, "i")
	if err := errors.Join(err, all, ready, counted, several, again); err != nil {
		t.Fatal(err)
	}
	for text := range r.reader.stmts {
		texts[text] = true
	}
	db, looked := r.raw(), 0
	for text := range texts {
		if !strings.Contains(text, "import_rows") && !strings.Contains(text, "import_counts") && !strings.Contains(text, "receipts") {
			continue
		}
		var args []any
		for n := 1; strings.Contains(text, fmt.Sprint("$", n)); n++ {
			args = append(args, "x")
		}
		rows, err := db.Query(`EXPLAIN QUERY PLAN `+text, args...)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		looked++
		for rows.Next() {
			var id, parent, none int
			var detail string
			if err := rows.Scan(&id, &parent, &none, &detail); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"import_rows", "import_counts", "receipts"} {
				if strings.HasPrefix(detail, "SCAN "+table) {
					t.Errorf("%s: %s", detail, text)
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if looked < 18 {
		t.Errorf("only %d statements were looked at", looked)
	}
}

// TestImportCountsAreRight: after whatever was done with rows, the counts that are kept
// are those that counting gives.
func TestImportCountsAreRight(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mia, dice := r.staff("mia", Manager), rand.New(rand.NewPCG(5, 11))
	ids := []string{"a", "b"}
	r.write(func(tx *Tx) error {
		return errors.Join(tx.AddImport(ctx, Import{ID: "a", StaffID: mia.ID, State: ImportRunning}), tx.AddImport(ctx, Import{ID: "b", StaffID: mia.ID, State: ImportRunning}))
	})
	db := r.raw()
	check := func(step int) {
		t.Helper()
		kept, err := r.ImportsCounts(ctx, ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			counted := map[RowState]int{}
			for _, state := range []RowState{RowWrong, RowReady, RowSending, RowCreated, RowFailed, RowUnknown} {
				n := 0
				if err := db.QueryRow(`SELECT count(*) FROM import_rows WHERE import_id = $1 AND state = $2`, id, state).Scan(&n); err != nil {
					t.Fatal(err)
				}
				if n > 0 {
					counted[state] = n
				}
			}
			want := 0
			if err := db.QueryRow(`SELECT count(*) FROM import_rows WHERE import_id = $1 AND state = 'failed' AND again = 1`, id).Scan(&want); err != nil {
				t.Fatal(err)
			}
			one, err := r.ImportCounts(ctx, id)
			again, errAgain := r.ImportsAgain(ctx, id)
			if err := errors.Join(err, errAgain); err != nil || !maps.Equal(one, counted) || !maps.Equal(kept[id], counted) || again != want {
				t.Fatalf("step %d: %v and %v are kept, %v counted; again %d, counted %d; %v", step, one, kept[id], counted, again, want, err)
			}
		}
	}
	for step := range 600 {
		id, n, act := ids[dice.IntN(2)], 1+dice.IntN(12), fmt.Sprint("act", step)
		r.write(func(tx *Tx) error {
			row, err := tx.ImportRow(ctx, id, n)
			if errors.Is(err, ErrNotFound) || dice.IntN(8) == 0 {
				return tx.PutImportRow(ctx, id, ImportRow{N: n, State: []RowState{RowReady, RowWrong, RowReady}[dice.IntN(3)]})
			}
			switch dice.IntN(8) {
			case 0, 1:
				_, err = tx.TakeImportRow(ctx, id, n, act)
			case 2:
				err = tx.EndImportRow(ctx, row.Act, []RowState{RowCreated, RowUnknown, RowUnknown}[dice.IntN(3)], "c", "")
			case 3:
				err = tx.FailImportRow(ctx, id, n, "", dice.IntN(2) == 0)
			case 4:
				err = tx.ReturnLostRow(ctx, row.Act, 1+dice.IntN(2), "")
			case 5:
				err = tx.ReturnImportRow(ctx, row.Act)
			case 6:
				if dice.IntN(10) == 0 {
					_, err = tx.RetryImportRows(ctx, id)
				}
			case 7:
				_, err = tx.ExecContext(ctx, `DELETE FROM import_rows WHERE import_id = $1 AND n = $2`, id, n)
			}
			return err
		})
		if step%20 == 0 {
			check(step)
		}
	}
	check(600)
	if counts, err := r.ImportCounts(ctx, "none"); err != nil || !reflect.DeepEqual(counts, map[RowState]int{}) {
		t.Errorf("%v, %v", counts, err)
	}
}

// TestReceiptsArePurgedInParts: acts do not wait for all that an import has left.
func TestReceiptsArePurgedInParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.write(func(tx *Tx) error {
		for n := range receiptsAtOnce + 7 {
			if _, err := tx.ClaimReceipt(ctx, fmt.Sprint("k", n), fmt.Sprint("a", n), r.clock.Now().Add(time.Hour)); err != nil {
				return err
			}
			if err := tx.AnswerReceipt(ctx, fmt.Sprint("a", n), []byte("x"), nil); err != nil {
				return err
			}
		}
		return nil
	})
	r.clock.Add(time.Hour)
	for round, want := range []struct {
		more bool
		left int
	}{{true, 7}, {false, 0}, {false, 0}} {
		var more bool
		r.write(func(tx *Tx) (err error) { more, err = tx.PurgeReceipts(ctx, r.clock.Now()); return err })
		left := 0
		if err := r.raw().QueryRow(`SELECT count(*) FROM receipts`).Scan(&left); err != nil || more != want.more || left != want.left {
			t.Errorf("round %d: %d are left, more %v, %v; want %+v", round, left, more, err, want)
		}
	}
}
