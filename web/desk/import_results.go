package desk

import (
	"context"
	"fmt"
	"slices"

	"frontdesk/store"
)

// WhatExportImport is the act of taking an import's results away.
const WhatExportImport = "export import results"

// resultsAtOnce is how many rows of a results file are read at once.
const resultsAtOnce = 500

// ExportImport hands all rows of an import, in their order, to page, and returns
// how many were taken. page is called once or more, not before the intent is
// recorded; its error ends the export.
func (d *Desk) ExportImport(ctx context.Context, by Actor, i store.Import, page func(rows []store.ImportRow) error) (sent int, err error) {
	if _, err := d.OpenImport(ctx, by, i.ID); err != nil {
		return 0, err
	}
	return d.export(ctx, exporting{Who: by.Who(), What: WhatExportImport, On: importSubject(i), Count: countRows},
		func(int64) (int, error) { return d.resultPages(ctx, i.ID, page) })
}

// resultPages hands on an import's rows, page by page, until frontdesk is stopped.
func (d *Desk) resultPages(ctx context.Context, id string, page func(rows []store.ImportRow) error) (sent int, err error) {
	after := 0
	for {
		rows, err := d.Store.ImportRows(ctx, id, after, resultsAtOnce)
		if err != nil {
			return sent, err
		}
		select {
		case <-d.stopping:
			return sent, errStopping
		default:
		}
		if err := page(rows); err != nil {
			return sent, err
		}
		if sent += len(rows); len(rows) < resultsAtOnce {
			return sent, nil
		}
		after = rows[len(rows)-1].N
	}
}

func countRows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// RowOutcome is how a row has ended, in words.
func RowOutcome(s store.RowState) Text {
	switch s {
	case store.RowReady:
		return "not sent"
	case store.RowSending:
		return "being sent"
	case store.RowLeft:
		return "left out"
	case store.RowCreated:
		return "created"
	case store.RowFailed:
		return "failed"
	case store.RowUnknown:
		return "unknown"
	}
	return "wrong"
}

// RowMessages are what there is to say of a row: what is wrong with it, or how its
// last sending ended.
func RowMessages(r store.ImportRow) []Text {
	if !NotReady(r.State) {
		return []Text{Text(r.Message)}
	}
	var all []Text
	for _, field := range append(slices.Clone(CustomerFields), rowField) {
		if message := r.Errors[field]; message != "" {
			all = append(all, Say("%s: %s", field, Text(message)))
		}
	}
	return all
}
