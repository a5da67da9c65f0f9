package store

import (
	"fmt"
	"maps"
	"testing"
)

// Rows that are stored already are counted when the counts come in, and those that
// are wrong for nothing but an e-mail that is taken become left out.
func TestStoredImportRowsAreCountedAndSorted(t *testing.T) {
	t.Parallel()
	path, run, done := schemaOf(t, 14)
	run(`INSERT INTO staff (id, portal, username, name, role, state, added_by, added_at) VALUES (1, 'customer', 'mia', 'Mia', 'manager', 'active', '', 1)`)
	run(`INSERT INTO imports (id, staff_id, file_name, format, header, columns, state, concurrency, rate, made_at)
		VALUES ('one', 1, 'new.csv', '', '[]', '{}', 'draft', 1, 1, 1)`)
	for n, row := range []struct {
		state, errors string
		again         int
	}{
		{"wrong", `{"email": "Already a customer: Berg AB"}`, 0}, {"wrong", `{"email": "Same e-mail as row 1"}`, 0},
		{"wrong", `{"email": "Already a customer: Berg AB", "phone": "Too short."}`, 0}, {"wrong", `{"email": "Enter an e-mail address."}`, 0},
		{"ready", `{}`, 0}, {"failed", `{}`, 1}, {"failed", `{}`, 0}, {"created", `{}`, 0},
	} {
		run(`INSERT INTO import_rows (import_id, n, cells, email_key, state, errors, again, changed_at) VALUES ('one', $1, '[]', '', $2, $3, $4, 1)`,
			n+1, row.state, row.errors, row.again)
	}
	done()

	db, err := Open(ctx, Options{Path: path, Secret: secretA})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[RowState]int{RowLeft: 2, RowWrong: 2, RowReady: 1, RowFailed: 2, RowCreated: 1}
	got, err := db.ImportCounts(ctx, "one")
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	var again int
	if err := db.reader.QueryRowContext(ctx, `SELECT n FROM import_counts WHERE import_id = 'one' AND state = 'again'`).Scan(&again); err != nil || again != 1 {
		t.Errorf("%d may be sent again, %v", again, err)
	}
	if err := db.Write(ctx, func(tx *Tx) error { // the triggers go on from there
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE import_rows SET state = '%s' WHERE n = 5`, RowSending))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	delete(want, RowReady)
	want[RowSending] = 1
	if got, err := db.ImportCounts(ctx, "one"); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
