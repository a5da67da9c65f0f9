package desk

import (
	"context"

	"frontdesk/store"
)

// lostTries is how often a row is sent whose answer is lost each time, without
// anything having been created.
const lostTries = 3

// What such rows say.
const (
	foundInList  Text = "The answer was lost; the customer was found in ATOM's list."
	lostTooOften Text = "The answer was lost three times, and each time nothing had been created."
)

// settleImports brings the rows in line whose acts a sync has settled: they are
// created, or may be sent again. It belongs into the sync's transaction.
func (d *Desk) settleImports(ctx context.Context, tx *store.Tx, settled []store.OpenCreate) error {
	for _, c := range settled {
		var err error
		switch c.State {
		case "created":
			err = tx.EndImportRow(ctx, c.Act, store.RowCreated, c.CUID, string(foundInList))
		case "not created":
			err = tx.ReturnLostRow(ctx, c.Act, lostTries, string(lostTooOften))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
