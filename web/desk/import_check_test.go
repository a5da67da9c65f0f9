package desk

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// TestImportChecks: each rule speaks at its field, and lets pass what people write.
func TestImportChecks(t *testing.T) {
	r := newRig(t)
	columns := map[string]int{}
	for i, name := range CustomerFields {
		columns[name] = i
	}
	for _, c := range []struct{ field, value, country, says string }{
		{"company", "", "", "Enter the company"},
		{"company", strings.Repeat("x", 301), "", "300"},
		{"company", "A\x07B", "", "one line"},
		{"email", "", "", "Enter an e-mail"},
		{"email", "nobody", "", "whole e-mail"},
		{"email", "a@b", "", "whole e-mail"},
		{"phone", "", "Sweden", ""},
		{"phone", "08-123 456 78", "Sweden", ""},
		{"phone", "+46 (0)8 123 456 78", "", ""},
		{"phone", "0046 8 123 456 78", "Sweden", ""},
		{"phone", "46701234567", "Sweden", ""},
		{"phone", "212-555-0123 ext. 12", "USA", ""},
		{"phone", "08-123 456 78", "", ""},
		{"phone", "4,67E+10", "Sweden", "rounded"},
		{"phone", "ring Åsa", "Sweden", "digits only"},
		{"phone", "112", "Sweden", "too short"},
		{"phone", "+46 8 1234567890123", "Sweden", "too long"},
		{"phone", "08-123 456 78 90 12", "Sweden", "of Sweden"},
		{"phone", "+999 123 456 78", "Sweden", "no whole phone number, such"},
		{"country", "", "", ""},
		{"country", "Sverige", "", ""},
		{"country", "se", "", ""},
		{"country", "SWE", "", ""},
		{"country", "Deutschland", "", ""},
		{"country", "États-Unis", "", ""},
		{"country", "espana", "", ""},
		{"country", "Suomi", "", ""},
		{"country", "日本", "", ""},
		{"country", "UK", "", ""},
		{"country", "Swedne", "", "Is it Sweden?"},
		{"country", "Grmany", "", "Is it Germany?"},
		{"country", "Atlantis of the deep", "", "no country that frontdesk knows."},
		{"website", "", "", ""},
		{"website", "example.com", "", ""},
		{"website", "https://www.example.com/a?b=c", "", ""},
		{"website", "HTTP://Example.com", "", ""},
		{"website", "åre.example", "", ""},
		{"website", "none", "", "web address"},
		{"website", "ftp://example.com", "", "web address"},
		{"website", "javascript://example.com/%0aalert(1)", "", "web address"},
		{"website", "two words.com", "", "web address"},
	} {
		t.Run(c.field+" "+c.value, func(t *testing.T) {
			cells := make([]string, len(CustomerFields))
			cells[columns["company"]], cells[columns["email"]], cells[columns["country"]] = "Acme", "a@acme.example", c.country
			cells[columns[c.field]] = c.value
			rows := []store.ImportRow{{N: 1, Cells: cells}}
			if err := r.checkRows(ctx, columns, len(cells), rows); err != nil {
				t.Fatal(err)
			}
			got := rows[0]
			if c.says == "" {
				if got.State != store.RowReady || len(got.Errors) > 0 {
					t.Errorf("%+v", got)
				}
				return
			}
			if got.State != store.RowWrong || len(got.Errors) != 1 || !strings.Contains(Text(got.Errors[c.field]).String(), c.says) {
				t.Errorf("%s, %v; want %q", got.State, got.Errors, c.says)
			}
		})
	}
}

// TestMirrorsCountryIsRight: whatever spelling the mirror has is none to be mended.
func TestMirrorsCountryIsRight(t *testing.T) {
	r := newRig(t)
	r.exec(`UPDATE customers SET country = 'Sápmi', country_key = 'sapmi' WHERE cuid = '` + r.customers[0].CUID + `'`)
	check, err := r.newRowCheck(ctx, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, message := check.country("SAPMI"); message != "" {
		t.Error(message)
	}
}

// imported brings a file in as mia and returns its import's ID.
func (r *rig) imported(content string) string {
	r.Helper()
	id, err := r.ReadImport(ctx, r.mia, "new.csv", []byte(content))
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// outcome are an import's rows as "state: messages".
func (r *rig) outcome(id string) (all []string) {
	r.Helper()
	rows, err := r.Store.ImportRows(ctx, id, 0, 100)
	if err != nil {
		r.Fatal(err)
	}
	for _, row := range rows {
		said := string(row.State)
		for _, message := range RowMessages(row) {
			said += " " + message.String()
		}
		all = append(all, strings.TrimSpace(said))
	}
	return all
}

func (r *rig) wantRows(id string, want ...string) {
	r.Helper()
	if got := r.outcome(id); !reflect.DeepEqual(got, want) {
		r.Errorf("rows are %q, want %q", got, want)
	}
}

// TestReadImport: a file becomes a draft whose rows are checked against each other
// and the mirror, on record without what is in them.
func TestReadImport(t *testing.T) {
	r := newRig(t)
	known := r.customer()
	calls := len(r.calls())
	id := r.imported("Företag;E-post;Land\r\n" +
		"Ett AB;info@ett.example;Sverige\r\n" +
		"Två AB;INFO@ett.example;Sverige\r\n" +
		"Tre AB;" + strings.ToUpper(known.Email) + ";\r\n" +
		";;Swedne\r\n" +
		"Fem; AB;info@fem.example;Sverige;x\r\n")
	r.wantRows(id, "ready", "left email: Same e-mail as row 1", "left email: Already a customer: "+known.Company,
		"wrong company: Enter the company's name. email: Enter an e-mail address. country: This is no country that frontdesk knows. Is it Sweden?",
		"wrong email: Enter a whole e-mail address, such as ana@example.com. country: This is no country that frontdesk knows. "+
			"row: This row has 5 cells, and the header 3. A cell may hold a delimiter that is not quoted.")
	i, err := r.Store.Import(ctx, id)
	if err != nil || i.State != store.ImportDraft || i.Busy != "" || i.Format != "UTF-8, semicolon" || i.Columns["country"] != 2 || i.StaffID != r.mia.Staff.ID {
		t.Errorf("%+v, %v", i, err)
	}
	e := r.newest(1)[0]
	if e.What != WhatReadImport || e.On != (audit.Subject{ID: "import:" + id, Name: "new.csv"}) || e.Detail != "UTF-8, semicolon; 5 rows, 1 ready, 2 to be mended, 2 left out" || e.Who.StaffID != r.mia.Staff.ID {
		t.Errorf("%+v", e)
	}
	if n := len(r.calls()); n != calls {
		t.Errorf("%d calls were made", n-calls)
	}
	if _, err := r.ReadImport(ctx, r.victor, "new.csv", []byte("a,b\n1,2\n")); r.problem(err).Kind != Forbidden {
		t.Error("a viewer brought in a file")
	}
	p := r.problem(errorOf(r.ReadImport(ctx, r.mia, "new.xlsx", []byte("PK\x03\x04"))))
	if p.Kind != Invalid || !strings.Contains(p.Fields["file"].String(), "Excel") {
		t.Errorf("%+v", p)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// TestUploadIsReadOnce: the same form leads to the same import, also when it comes
// twice at once; another person's receipt, or none, to another.
func TestUploadIsReadOnce(t *testing.T) {
	r := newRig(t)
	content := []byte("Company,E-mail\n" + strings.Repeat("A,a@a.example\n", 2000))
	type answer struct {
		id  string
		err error
	}
	answers := make(chan answer)
	for range 4 {
		go func() {
			id, err := r.UploadImport(ctx, r.mia, "receipt", "new.csv", content)
			answers <- answer{id, err}
		}()
	}
	first := <-answers
	for range 3 {
		if a := <-answers; a.err != nil || a.id != first.id {
			t.Errorf("%+v, want %+v", a, first)
		}
	}
	if counts, err := r.Store.ImportCounts(ctx, first.id); err != nil || counts[store.RowLeft] != 1999 || counts[store.RowReady] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	other, err := r.UploadImport(ctx, r.alice, "receipt", "new.csv", content)
	if err != nil || other == first.id {
		t.Errorf("%s, %v", other, err)
	}
	again, err := r.UploadImport(ctx, r.mia, "", "new.csv", content)
	if err != nil || again == first.id {
		t.Errorf("%s, %v", again, err)
	}
}

// TestDraftsAreFew: a person has five at most, and a week for each.
func TestDraftsAreFew(t *testing.T) {
	r := newRig(t)
	var ids []string
	for range MaxDrafts {
		ids = append(ids, r.imported("Company,E-mail\nA,a@a.example\n"))
	}
	p := r.problem(errorOf(r.ReadImport(ctx, r.mia, "new.csv", []byte("Company,E-mail\nA,a@a.example\n"))))
	if p.Kind != Invalid || !strings.Contains(p.Fields["file"].String(), "5 imports") {
		t.Errorf("%+v", p)
	}
	r.clock.Add(importDraftHolds + time.Minute)
	r.imported("Company,E-mail\nA,a@a.example\n")
	for _, id := range ids {
		if _, err := r.Store.Import(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an old draft is still there: %v", err)
		}
	}
}

// TestKilledDrafts: what a kill left half stored goes, what it left half checked is
// checked; meanwhile neither can be started.
func TestKilledDrafts(t *testing.T) {
	r := newRig(t)
	half, checked, mine := r.imported("Company,E-mail\nA,a@a.example\n"), r.imported("Company,E-mail,x\nA,no,b@b.example\n"), r.imported("Company,E-mail\nC,c@c.example\n")
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SetImportBusy(ctx, half, store.ImportReading), tx.SetImportBusy(ctx, mine, store.ImportReading),
			tx.SetImportColumns(ctx, checked, map[string]int{"company": 0, "email": 2}), tx.SetImportBusy(ctx, checked, store.ImportChecking))
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{half, checked} {
		if moved := r.move(id, store.ImportDraft, store.ImportRunning); moved {
			t.Error("an import was started while it is worked on")
		}
	}
	r.drafts.begin(mine)
	if err := r.sweepImports(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Store.Import(ctx, half); !errors.Is(err, store.ErrNotFound) {
		t.Error("half an import is there:", err)
	}
	if _, err := r.Store.Import(ctx, mine); err != nil {
		t.Error("an import that is being read was removed:", err)
	}
	r.wantRows(checked, "ready")
	if !r.move(checked, store.ImportDraft, store.ImportRunning) {
		t.Error("it cannot be started")
	}
}

func (r *rig) move(id string, from, to store.ImportState) (moved bool) {
	r.Helper()
	if err := r.Store.Write(ctx, func(tx *store.Tx) (err error) { moved, err = tx.MoveImport(ctx, id, from, to, ""); return err }); err != nil {
		r.Fatal(err)
	}
	return moved
}

// TestMapImport: other columns are other rows, checked anew; what was mended wins.
func TestMapImport(t *testing.T) {
	r := newRig(t)
	id := r.imported("x;y;z\nA;a@a.example;b@b.example\nB;c@c.example;\n")
	if err := r.MapImport(ctx, r.mia, id, map[string]int{"company": 0, "email": 2}); err != nil {
		t.Fatal(err)
	}
	r.wantRows(id, "ready", "wrong email: Enter an e-mail address.")
	if err := r.MendImportRow(ctx, r.mia, id, 2, map[string]string{"email": "d@d.example"}); err != nil {
		t.Fatal(err)
	}
	if err := r.MapImport(ctx, r.alice, id, map[string]int{"company": 0, "email": 1}); err != nil {
		t.Fatal(err)
	}
	r.wantRows(id, "ready", "ready")
	row, err := r.Store.ImportRow(ctx, id, 2)
	if err != nil || row.EmailKey != "d@d.example" {
		t.Errorf("%+v, %v", row, err)
	}
	if e := r.newest(1)[0]; e.What != WhatMapImport || e.Detail != "company from x, email from y; 2 rows ready, 0 to be mended" {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		columns map[string]int
		field   string
	}{
		{map[string]int{"email": 1}, "company"}, {map[string]int{"company": 0}, "email"}, {map[string]int{"company": 1, "email": 1}, "email"},
		{map[string]int{"company": 0, "email": 3}, "email"}, {map[string]int{"company": -1, "email": 1}, "company"},
	} {
		if p := r.problem(r.MapImport(ctx, r.mia, id, c.columns)); p.Kind != Invalid || p.Fields[c.field] == "" {
			t.Errorf("%v: %+v", c.columns, p)
		}
	}
	r.move(id, store.ImportDraft, store.ImportRunning)
	if p := r.problem(r.MapImport(ctx, r.mia, id, map[string]int{"company": 0, "email": 1})); p.Kind != Invalid {
		t.Errorf("%+v", p)
	}
}

// TestMendImportRow: a row is checked anew with what was typed, which is kept right
// or wrong; the log says which fields, and not what.
func TestMendImportRow(t *testing.T) {
	r := newRig(t)
	known := r.customer()
	id := r.imported("Company,E-mail,Phone\nA,a@a.example,08 1\nB,a@a.example,\nC,a@a.example,\nD,d,e,f,g\n")
	mend := func(n int, fields map[string]string) error { return r.MendImportRow(ctx, r.mia, id, n, fields) }

	if p := r.problem(mend(1, map[string]string{"phone": "08 12"})); p.Kind != Invalid || p.Fields["phone"] == "" || len(p.Fields) != 1 {
		t.Errorf("%+v", p)
	}
	row, err := r.Store.ImportRow(ctx, id, 1)
	if err != nil || row.Mended["phone"] != "08 12" || len(row.Mended) != 1 || row.Cells[2] != "08 1" {
		t.Errorf("%+v, %v", row, err)
	}
	// Once the first has another e-mail, the next has it to itself.
	if err := mend(1, map[string]string{"phone": "", "email": " b@b.example "}); err != nil {
		t.Fatal(err)
	}
	if e := r.newest(1)[0]; e.What != WhatMendRow || e.Detail != "row 1: email, phone" {
		t.Errorf("%+v", e)
	}
	r.wantRows(id, "ready", "ready", "left email: Same e-mail as row 2", r.outcome(id)[3])
	// It must not be taken from who has it, nor from a customer.
	for _, taken := range []struct{ email, says string }{{"B@b.example", "Same e-mail as row 1"}, {known.Email, "Already a customer: " + known.Company}} {
		if p := r.problem(mend(2, map[string]string{"email": taken.email})); p.Fields["email"].String() != taken.says {
			t.Errorf("%s: %+v", taken.email, p)
		}
	}
	// A row with too many cells is right once it was looked through.
	if err := mend(4, map[string]string{"company": "D", "email": "d@d.example", "phone": ""}); err != nil {
		t.Error(err)
	}
	r.wantRows(id, "ready", "left email: Already a customer: "+known.Company, "ready", "ready")

	if log := fmt.Sprintf("%+v", r.newest(10)); strings.Contains(log, "b@b.example") {
		t.Error("the log has what was typed")
	}
	for n, by := range []Actor{r.actorLike(r.mia), r.victor} {
		if err := r.MendImportRow(ctx, by, id, 1, nil); err == nil {
			t.Errorf("%d: another person mended a row", n)
		}
	}
	if err := r.MendImportRow(ctx, r.alice, id, 1, nil); err != nil {
		t.Error(err)
	}
	if err := mend(99, nil); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// actorLike is somebody else of the same role.
func (r *rig) actorLike(a Actor) Actor {
	a.Staff.ID += 100
	return a
}

// TestSentRowsAreNotMended: what went to ATOM stays as it is; what failed there can
// be corrected.
func TestSentRowsAreNotMended(t *testing.T) {
	r := newRig(t)
	id := r.imported("Company,E-mail\nA,a@a.example\nB,b@b.example\nC,c@c.example\nD,d@d.example\n")
	ends := []store.RowState{store.RowSending, store.RowCreated, store.RowUnknown, store.RowFailed}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.MoveImport(ctx, id, store.ImportDraft, store.ImportRunning, "")
		for n, end := range ends {
			_, took := tx.TakeImportRow(ctx, id, n+1, fmt.Sprint("act", n))
			if err = errors.Join(err, took); end != store.RowSending {
				err = errors.Join(err, tx.EndImportRow(ctx, fmt.Sprint("act", n), end, "", "ATOM said so"))
			}
		}
		_, moved := tx.MoveImport(ctx, id, store.ImportRunning, store.ImportPaused, "")
		return errors.Join(err, moved)
	}); err != nil {
		t.Fatal(err)
	}
	for n, state := range ends {
		err := r.MendImportRow(ctx, r.mia, id, n+1, map[string]string{"company": "Other"})
		row, readErr := r.Store.ImportRow(ctx, id, n+1)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if state == store.RowFailed {
			if err != nil || row.State != store.RowReady || row.Message != "" || row.Value("company", nil) != "Other" {
				t.Errorf("%+v, %v", row, err)
			}
		} else if r.problem(err).Kind != Invalid || row.State != state || len(row.Mended) > 0 {
			t.Errorf("%+v, %v", row, err)
		}
	}
}
