//go:build !postgres

package store

import (
	"slices"
	"strings"
	"testing"

	"frontdesk/store/audit"
)

// A database of the version before entries could cite others: its log holds as
// it was signed, and new entries cite.
func TestALogFromBeforeCitationsHolds(t *testing.T) {
	r := newRig(t)
	r.write(func(tx *Tx) error { return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "as of old"}) })
	r.Close()
	raw := r.raw()
	for _, undo := range append(slices.Clone(undoNewer),
		`ALTER TABLE codes DROP COLUMN length`, `DROP TABLE sms_tries`, `ALTER TABLE audit_entries DROP COLUMN evidence`, `DROP INDEX codes_customer`,
		`DELETE FROM goose_db_version WHERE version_id >= 7`,
	) {
		if _, err := raw.Exec(undo); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenToRead(ctx, r.path, ""); err == nil || !strings.Contains(err.Error(), "start frontdesk on it once") {
		t.Errorf("read without having been brought up to date: %v", err)
	}

	db := r.open(secretA, nil)
	if err := db.Write(ctx, func(tx *Tx) error {
		return tx.Append(ctx, &audit.Entry{Phase: audit.Event, What: "as of now", Evidence: 1})
	}); err != nil {
		t.Fatal(err)
	}
	if e, err := db.Entry(ctx, 2); err != nil || e.Evidence != 1 {
		t.Errorf("entry 2 cites %d, %v", e.Evidence, err)
	}
	r.verified(db, 2)
}
