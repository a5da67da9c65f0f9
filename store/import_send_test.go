package store

import "testing"

// How a row may go on after it was taken.
func TestImportRowEndsOrComesAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mia := r.staff("mia", Manager)
	r.write(func(tx *Tx) error {
		if err := tx.AddImport(ctx, Import{ID: "i", StaffID: mia.ID, FileName: "f", State: ImportRunning, Concurrency: 1, Rate: 1}); err != nil {
			return err
		}
		return tx.PutImportRow(ctx, "i", ImportRow{N: 1, State: RowReady})
	})
	type step func(tx *Tx) error
	take := func(act string) step {
		return func(tx *Tx) error {
			taken, err := tx.TakeImportRow(ctx, "i", 1, act)
			if err == nil && !taken {
				t.Errorf("%s does not get the row", act)
			}
			return err
		}
	}
	lose := func(act string) step {
		return func(tx *Tx) error { return tx.EndImportRow(ctx, act, RowUnknown, "", "no answer") }
	}
	back := func(act string) step { return func(tx *Tx) error { return tx.ReturnLostRow(ctx, act, 3, "too often") } }
	retry := func(want int) step {
		return func(tx *Tx) error {
			n, err := tx.RetryImportRows(ctx, "i")
			if n != want {
				t.Errorf("%d rows are tried again, want %d", n, want)
			}
			return err
		}
	}
	for _, s := range []struct {
		name  string
		do    step
		state RowState
		tries int
		again int
	}{
		{"taken", take("a"), RowSending, 1, 0},
		{"nothing was sent", func(tx *Tx) error { return tx.ReturnImportRow(ctx, "a") }, RowReady, 1, 0},
		{"taken again", take("b"), RowSending, 2, 0},
		{"not known to be lost yet", back("b"), RowSending, 2, 0},
		{"lost", lose("b"), RowUnknown, 2, 0},
		{"an unknown one is not just returned", func(tx *Tx) error { return tx.ReturnImportRow(ctx, "b") }, RowUnknown, 2, 0},
		{"an unknown one does not just fail", func(tx *Tx) error { return tx.FailImportRow(ctx, "i", 1, "no", true) }, RowUnknown, 2, 0},
		{"settled by another act", back("a"), RowUnknown, 2, 0},
		{"not created", back("b"), RowReady, 2, 0},
		{"taken a third time", take("c"), RowSending, 3, 0},
		{"lost again", lose("c"), RowUnknown, 3, 0},
		{"not created again", back("c"), RowReady, 3, 0},
		{"taken a fourth time", take("d"), RowSending, 4, 0},
		{"lost a third time", lose("d"), RowUnknown, 4, 0},
		{"not created, three times", back("d"), RowFailed, 4, 1},
		{"a person tries again", retry(1), RowReady, 4, 0},
		{"refused for what it says", func(tx *Tx) error { return tx.FailImportRow(ctx, "i", 1, "exists", false) }, RowFailed, 4, 0},
		{"that takes mending", retry(0), RowFailed, 4, 0},
	} {
		r.write(s.do)
		row, err := r.ImportRow(ctx, "i", 1)
		if err != nil || row.State != s.state || row.Tries != s.tries {
			t.Errorf("%s: %+v, %v", s.name, row, err)
		}
		if again, err := r.ImportsAgain(ctx, "i"); err != nil || again != s.again {
			t.Errorf("%s: %d rows may be sent as they are, %v", s.name, again, err)
		}
	}
}

func TestPresentCustomer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.upsert(nordbygg)
	find := func() (c Customer, err error) {
		r.write(func(tx *Tx) error { c, err = tx.PresentCustomer(ctx, " "+nordbygg.Email+" "); return nil })
		return c, err
	}
	if c, err := find(); err != nil || c.CUID != nordbygg.CUID || c.Company != nordbygg.Company {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := r.raw().Exec(`UPDATE customers SET gone_at = 1`); err != nil {
		t.Fatal(err)
	}
	if c, err := find(); err != ErrNotFound {
		t.Errorf("gone: %+v, %v", c, err)
	}
}
