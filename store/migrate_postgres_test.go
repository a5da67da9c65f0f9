//go:build postgres

package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// sqliteRig is a rig whose database is a file.
func sqliteRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, clock: &clock{at: start}, path: filepath.Join(t.TempDir(), "frontdesk.db")}
	r.DB = r.open(secretA, nil)
	return r
}

// Everything of a file is in the copy, which goes on where the file was: the same log,
// sealed values that open, searches that find, and numbers that were not given yet.
func TestMigrateTo(t *testing.T) {
	t.Parallel()
	from := sqliteRig(t)
	check := from.sealed()
	for i := range 30 {
		from.upsert(Customer{CUID: fmt.Sprint("c", i), Company: fmt.Sprintf("Company \xff %d", i), Email: fmt.Sprintf("c%d@x.example", i), Fields: fields("i", "a\x00b")})
	}
	from.write(func(tx *Tx) error { _, err := tx.MarkGone(ctx, []string{"c3"}); return err })
	for range 3 {
		from.write(func(tx *Tx) error {
			for i := range 250 { // more than two tiles
				if err := tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done, Detail: fmt.Sprint("åäö\x00\xff ", i)}); err != nil {
					return err
				}
			}
			return tx.Append(ctx, &audit.Entry{Act: NewActID(from.Now()), Phase: audit.Intent, What: "sign in"})
		})
		from.clock.Add(time.Minute)
	}
	from.write(func(tx *Tx) error {
		if err := tx.AddImport(ctx, Import{ID: "import", StaffID: 1, FileName: "new.csv", State: ImportRunning, Concurrency: 4, Rate: 20, Columns: map[string]int{"email": 0}}); err != nil {
			return err
		}
		for n := range 5 {
			if err := tx.PutImportRow(ctx, "import", ImportRow{N: n + 1, Cells: []string{fmt.Sprint(n)}, State: RowReady}); err != nil {
				return err
			}
		}
		if _, err := tx.AddCode(ctx, Code{Act: "a", Phone: "+46701234567", StaffName: "Mia", SentAt: start}); err != nil {
			return err
		}
		return tx.AddOpenCreate(ctx, OpenCreate{Act: "lost", Email: "x@y.example", StartedAt: start})
	})
	tables, err := collect(ctx, from.reader, func(s scanner) (name string, err error) { return name, s.Scan(&name) },
		`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'river%' AND name NOT LIKE 'goose%'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		made := strings.HasPrefix(table, "customers_text") || strings.HasPrefix(table, "audit_text") ||
			slices.Contains([]string{"customer_places", "customers_waiting", "import_counts", "fill_indexes"}, table)
		if slices.Contains(copied, table) == made {
			t.Errorf("table %s is made anew: %v, and copied: %v", table, made, !made)
		}
	}
	before, err := from.Customer(ctx, "c7")
	if err != nil {
		t.Fatal(err)
	}
	from.Close()

	address := fresh(t)
	silent := func(string, int) {}
	if _, err := MigrateTo(ctx, from.path, address, secretB, nil, silent); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("with another secret: %v", err)
	}
	for _, stopAt := range []string{"meta", "audit_entries", "audit_marks"} {
		stopped, stop := context.WithCancel(ctx)
		if _, err := MigrateTo(stopped, from.path, address, secretA, nil, func(table string, _ int) {
			if table == stopAt {
				stop()
			}
		}); err == nil {
			t.Errorf("stopped at %s, it is done", stopAt)
		}
		stop()
	}
	m, err := MigrateTo(ctx, from.path, address, secretA, nil, silent)
	if err != nil || m.Size != 753 || m.Tables != len(copied) || m.Rows < 753+30 {
		t.Fatalf("%+v, %v", m, err)
	}
	again, err := MigrateTo(ctx, from.path, address, secretA, nil, silent)
	if err != nil || again.Rows != 0 || again.Note != m.Note {
		t.Errorf("again: %+v, %v", again, err)
	}

	r := &rig{T: t, clock: from.clock, path: address}
	r.DB = r.open(secretA, nil)
	if err := check(r.DB); err != nil {
		t.Error(err)
	}
	after, err := r.Customer(ctx, "c7")
	before.Company, before.Fields[0].Value = strings.ToValidUTF8(before.Company, "\uFFFD"), after.Fields[0].Value
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("%+v, %v\nwas %+v", after, err, before)
	}
	page, err := r.FindCustomers(ctx, CustomerQuery{Text: "company", Limit: 50})
	if err != nil || page.Total != 29 {
		t.Errorf("%d found, %v", page.Total, err)
	}
	for more := true; more; {
		if more, err = r.IndexText(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := r.Search(ctx, audit.Filter{Text: "åäö"}, audit.Page{Limit: 10}); err != nil || len(found.Entries) != 10 {
		t.Errorf("%d entries found, %v", len(found.Entries), err)
	}
	if n, err := r.ImportCounts(ctx, "import"); err != nil || n[RowReady] != 5 {
		t.Errorf("rows %v, %v", n, err)
	}
	if s := r.staff("new", Viewer); s.ID != 2 {
		t.Errorf("a new person has ID %d", s.ID)
	}
	r.write(func(tx *Tx) error {
		return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "test", Result: audit.Done})
	})
	if v, err := r.Verify(ctx, m.Head); err != nil || v.Size != 754 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := MigrateTo(ctx, from.path, address, secretA, nil, silent); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("into one that has gone on: %v", err)
	}
}
