package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// fill appends n events to the log.
func (r *rig) fill(n int) {
	r.Helper()
	const together = 2000 // in one transaction
	for done := 0; done < n; done += together {
		if err := r.Store.Write(ctx, func(tx *store.Tx) error {
			for i := range min(together, n-done) {
				if err := tx.Append(ctx, &audit.Entry{
					Act: store.NewID(), Phase: audit.Event, Who: r.mia.Who(), What: "filled", Result: audit.Done, Detail: fmt.Sprintf("number %d", done+i),
				}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			r.Fatal(err)
		}
	}
}

// taken collects an export's pages.
type taken struct {
	pages   int
	entries []audit.Entry
}

func (c *taken) page(entries []audit.Entry) error {
	c.pages++
	c.entries = append(c.entries, entries...)
	return nil
}

func TestExportAuditTakesWhatTheFilterLetsThrough(t *testing.T) {
	r := newRig(t)
	r.fill(510)
	log := r.newest(10_000) // what the page would show
	for _, tt := range []struct {
		x     AuditExport
		about string
		want  func(audit.Entry) bool
	}{
		{AuditExport{Format: "JSONL"}, "JSONL, the whole log", func(audit.Entry) bool { return true }},
		{AuditExport{Format: "CSV (tab)", Query: "what=filled", Filter: audit.Filter{What: "filled"}}, "CSV (tab), filter what=filled",
			func(e audit.Entry) bool { return e.What == "filled" }},
		{AuditExport{Format: "JSONL", Query: "q=none", Filter: audit.Filter{Text: "none such"}}, "JSONL, filter q=none", func(audit.Entry) bool { return false }},
	} {
		var got taken
		tt.x.Page = func(entries []audit.Entry) error {
			if got.pages == 0 {
				if e := r.newest(1)[0]; e.What != WhatExport || e.Phase != audit.Intent || e.Detail != tt.about || e.Who != r.alice.Who() {
					t.Errorf("%s: begun before the intent was recorded: %+v", tt.about, e)
				}
			}
			r.fill(1) // what is appended meanwhile is not part of it
			return got.page(entries)
		}
		sent, err := r.ExportAudit(ctx, r.alice, tt.x)
		if err != nil || sent != len(got.entries) || got.pages < 1 {
			t.Errorf("%s: %d sent of %d on %d pages, %v", tt.about, sent, len(got.entries), got.pages, err)
		}
		var want []int64
		for _, e := range log {
			if tt.want(e) {
				want = append(want, e.ID)
			}
		}
		var ids []int64
		for _, e := range got.entries {
			ids = append(ids, e.ID)
		}
		if fmt.Sprint(ids) != fmt.Sprint(want) {
			t.Errorf("%s: exported %d entries, want %d:\n%v\n%v", tt.about, len(ids), len(want), ids, want)
		}
		act := r.entries(r.newest(1)[0].Act)
		if len(act) != 2 || act[1].Phase != audit.Outcome || act[1].Result != audit.Done || act[1].Detail != countEntries(sent)+" as "+tt.about || act[1].Who != r.alice.Who() {
			t.Errorf("%s: recorded %+v", tt.about, act)
		}
		log = r.newest(10_000)
	}
}

func TestExportAuditEnds(t *testing.T) {
	r := newRig(t)
	r.fill(1000)
	for _, tt := range []struct {
		name   string
		page   func(cancel func(), n int) error // on its nth page
		result audit.Result
		detail string
	}{
		{"the reader leaves", func(cancel func(), n int) error {
			if n < 2 {
				return nil
			}
			cancel()
			return context.Canceled
		}, audit.Unknown, "the reader left after 500 entries as JSONL, the whole log"},
		{"the reader leaves between two pages", func(cancel func(), _ int) error { cancel(); return nil }, audit.Unknown, "the reader left after 500 entries"},
		{"it cannot be written", func(func(), int) error { return errors.New("odd") }, audit.Refused, "broke off after 0 entries"},
		{"frontdesk is stopped", func(func(), int) error { r.Stop(); r.Stop(); return nil }, audit.Refused,
			"broke off after 500 entries as JSONL, the whole log: frontdesk was stopped"},
	} {
		reading, cancel := context.WithCancel(ctx)
		n := 0
		_, err := r.ExportAudit(reading, r.alice, AuditExport{Format: "JSONL", Page: func([]audit.Entry) error { n++; return tt.page(cancel, n) }})
		cancel()
		if err == nil || n > 2 {
			t.Errorf("%s: it went on for %d pages, %v", tt.name, n, err)
		}
		act := r.entries(r.newest(1)[0].Act)
		if len(act) != 2 || act[1].Result != tt.result || !strings.HasPrefix(act[1].Detail, tt.detail) {
			t.Errorf("%s: recorded %+v", tt.name, act)
		}
	}
	if err := r.Drain(ctx); err != nil {
		t.Error(err)
	}
}

func TestExportAuditIsRefused(t *testing.T) {
	r := newRig(t)
	nothing := func([]audit.Entry) error { t.Error("something was exported"); return nil }
	for _, by := range []Actor{r.mia, r.victor} {
		if _, err := r.ExportAudit(ctx, by, AuditExport{Page: nothing}); r.problem(err).Kind != Forbidden {
			t.Errorf("%s: %v", by.Staff.Username, err)
		}
	}
	mend := r.breakLog()
	if _, err := r.ExportAudit(ctx, r.alice, AuditExport{Page: nothing}); r.problem(err).Kind != Unrecorded {
		t.Errorf("off the record: %v", err)
	}
	mend()
	if err := r.Drain(ctx); err != nil {
		t.Error(err)
	}
	for _, e := range r.newest(100) {
		if e.What == WhatExport {
			t.Errorf("recorded %+v", e)
		}
	}

	// The outcome cannot be recorded: that is said, though all has gone out.
	r.fill(1)
	_, err := r.ExportAudit(ctx, r.alice, AuditExport{Page: func([]audit.Entry) error { mend = r.breakLog(); return nil }})
	mend()
	if err == nil || !strings.Contains(r.log.String(), "record an outcome") {
		t.Errorf("unrecorded, and done: %v", err)
	}
	r.startsAfterAKill(r.Desk)
	closed := slices.ContainsFunc(r.newest(2), func(e audit.Entry) bool { return e.What == WhatExport && e.Result == audit.Unknown })
	if !closed {
		t.Errorf("closed as %+v", r.newest(2))
	}
}
