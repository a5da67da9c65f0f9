package desk

import (
	"context"
	"errors"
	"fmt"

	"frontdesk/store"
)

// WhatRemoveImport is what frontdesk does with an import that was not started in a
// week, as the log shows it.
const WhatRemoveImport = "remove import"

// dropUnstarted removes the imports that were not started in a week. It goes on
// when whoever happens to be waiting for it has left: no draft is to stay behind
// with a part of its rows.
func (d *Desk) dropUnstarted(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx)
	old, err := d.Store.UnstartedImports(lasting, d.Now().Add(-importDraftHolds))
	for _, i := range old {
		err = errors.Join(err, d.removeImport(lasting, i))
	}
	return err
}

// removeImport marks an import first, so that it cannot be started any more.
func (d *Desk) removeImport(ctx context.Context, i store.Import) error {
	var marked, gone bool
	err := d.Store.Write(ctx, func(tx *store.Tx) (err error) {
		gone = false
		if marked, err = tx.MarkImportRemoved(ctx, i.ID); err != nil || !marked {
			return err
		}
		counts, err := tx.ImportCounts(ctx, i.ID)
		if err != nil {
			return err
		}
		rows := 0
		for _, n := range counts {
			rows += n
		}
		if err := tx.Append(ctx, importEvent(frontdesk, WhatRemoveImport, i, fmt.Sprintf("not started within a week; %s", countRows(rows)))); err != nil {
			return err
		}
		gone, err = tx.DropImport(ctx, i.ID, removedAtOnce)
		return err
	})
	if err != nil || !marked || gone {
		return err
	}
	return d.dropImport(ctx, i.ID)
}

// removedAtOnce is how many rows are removed by one transaction.
const removedAtOnce = 4 * rowsAtOnce

// dropImport removes an import that is marked as busy, with its rows.
func (d *Desk) dropImport(ctx context.Context, id string) error {
	return d.dropSome(ctx, func(tx *store.Tx) (bool, error) { return tx.DropImport(ctx, id, removedAtOnce) })
}

// dropDiscarded removes the rows of an import that was discarded. That it was there
// can be seen for a week.
func (d *Desk) dropDiscarded(ctx context.Context, id string) error {
	return d.dropSome(ctx, func(tx *store.Tx) (bool, error) {
		gone, err := tx.DropImportRows(ctx, id, removedAtOnce)
		if err != nil || !gone {
			return false, err
		}
		return true, tx.SetImportBusy(ctx, id, "")
	})
}

func (d *Desk) dropSome(ctx context.Context, some func(tx *store.Tx) (gone bool, err error)) error {
	for gone := false; !gone; {
		err := d.Store.Write(ctx, func(tx *store.Tx) (err error) { gone, err = some(tx); return err })
		if err != nil {
			return err
		}
	}
	return nil
}
