package desk

import (
	"context"
	"fmt"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// WhatExport is the act of taking the audit log, or a part of it, away.
const WhatExport = "export audit log"

// AuditExport is what to take away, and how.
type AuditExport struct {
	Filter audit.Filter
	Format string // "CSV (comma)", for the record
	Query  string // the filter as FilterQuery has it, for the record
	// Page takes the next entries, newest first. It is called once or more,
	// not before the intent is recorded; its error ends the export.
	Page func(entries []audit.Entry) error
}

// ExportAudit hands the entries that a filter lets through to x.Page, newest
// first, and returns how many were taken. What is appended from its own intent
// on is not among them.
func (d *Desk) ExportAudit(ctx context.Context, by Actor, x AuditExport) (sent int, err error) {
	if err := by.may(store.Admin); err != nil {
		return 0, err
	}
	return d.ExportAuditAs(ctx, by.Who(), x)
}

// ExportAuditAs is ExportAudit for whoever runs a command on the machine.
func (d *Desk) ExportAuditAs(ctx context.Context, who audit.Who, x AuditExport) (sent int, err error) {
	about := x.Format + ", the whole log"
	if x.Query != "" {
		about = x.Format + ", filter " + x.Query
	}
	return d.export(ctx, exporting{Who: who, What: WhatExport, About: about, Count: countEntries}, func(intent int64) (int, error) { return d.exportPages(ctx, x, intent) })
}

// exportPages hands on the log from before an ID, page by page, until
// frontdesk is stopped.
func (d *Desk) exportPages(ctx context.Context, x AuditExport, before int64) (sent int, err error) {
	return d.Store.Pages(ctx, x.Filter, before, func(entries []audit.Entry) error {
		select {
		case <-d.stopping:
			return errStopping
		default:
			return x.Page(entries)
		}
	})
}

func countEntries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
