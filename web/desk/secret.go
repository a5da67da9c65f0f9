package desk

import (
	"context"
	"errors"
	"fmt"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// ChangeSecret seals with the present FRONTDESK_SECRET what the former one has
// sealed, and puts that on record. It belongs after Start and before the first
// request is served. When the database cannot be written, both secrets go on
// opening it, and the next start tries again.
func (d *Desk) ChangeSecret(ctx context.Context) (store.Resealed, error) {
	r, err := d.Store.Reseal(ctx, func(tx *store.Tx, r store.Resealed) error {
		detail := fmt.Sprintf("%d values re-encrypted", r.Values)
		if r.Closed > 0 {
			detail += fmt.Sprintf(", %d open with neither secret", r.Closed)
		}
		return tx.Append(ctx, &audit.Entry{Phase: audit.Event, Who: frontdesk, What: WhatSecret, Result: audit.Done, Detail: detail})
	})
	var unwritable *store.Unwritable
	switch {
	case errors.As(err, &unwritable):
		d.Log.Error("what the former secret has sealed could not all be re-encrypted: keep FRONTDESK_SECRET_OLD; the next start tries again", "error", err)
		return store.Resealed{}, nil
	case err != nil:
		return r, err
	}
	if r.Closed > 0 {
		d.Log.Warn("sealed values open with neither secret, and were left as they are", "count", r.Closed)
	}
	if r.Changed {
		d.Log.Info("the secret was changed; FRONTDESK_SECRET_OLD can be removed now", "re-encrypted", r.Values)
	} else {
		d.Log.Info("nothing is sealed with the former secret; FRONTDESK_SECRET_OLD can be removed")
	}
	return r, nil
}
