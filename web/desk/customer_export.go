package desk

import (
	"context"
	"fmt"

	"frontdesk/store"
)

// WhatExportCustomers is the act of taking customers away.
const WhatExportCustomers = "export customers"

// exportBatch is how many customers are read and handed on at once.
const exportBatch = 500

// CustomerExport is what to take away, and how.
type CustomerExport struct {
	Query  store.CustomerQuery
	Format string // "CSV (comma)", for the record
	Filter string // as FilterQuery has it, for the record
	// Page takes the next customers, in the listing's order. It is called once or
	// more, not before the intent is recorded; its error ends the export.
	Page func(customers []store.ListedCustomer) error
}

// ExportCustomers hands the customers that a filter lets through to x.Page and
// returns how many were taken. Those who come, go or move in its order meanwhile
// are in it as they were or as they are.
func (d *Desk) ExportCustomers(ctx context.Context, by Actor, x CustomerExport) (sent int, err error) {
	if err := by.may(store.Manager); err != nil {
		return 0, err
	}
	about := x.Format + ", all customers"
	if x.Filter != "" {
		about = x.Format + ", filter " + x.Filter
	}
	count := func(n int) string {
		if n == 1 {
			return "1 customer"
		}
		return fmt.Sprintf("%d customers", n)
	}
	return d.export(ctx, exporting{Who: by.Who(), What: WhatExportCustomers, About: about, Count: count}, func(int64) (sent int, err error) {
		q := x.Query
		q.Whole, q.Limit, q.Cursor = true, exportBatch, ""
		for first := true; first || q.Cursor != ""; first = false {
			select {
			case <-d.stopping:
				return sent, errStopping
			default:
			}
			page, err := d.Store.FindCustomers(ctx, q)
			if err != nil {
				return sent, err
			}
			if err := x.Page(page.Customers); err != nil {
				return sent, err
			}
			sent, q.Cursor = sent+len(page.Customers), page.Next
		}
		return sent, nil
	})
}
