package desk

import (
	"context"
	"errors"
	"time"

	"frontdesk/store"
)

// Rotation tells whether the key and token that ATOM gave are new ones: its
// answer alone does not say whether it replaced any.
type Rotation struct {
	NewKey, NewToken bool
	Known            bool      // frontdesk held earlier ones to compare with
	StoredAt         time.Time // when those came in
	StoredBy         string
}

// rotation compares what ATOM gave with what is stored, before that is
// overwritten.
func rotation(ctx context.Context, tx *store.Tx, cuid string, got store.Credentials) (Rotation, error) {
	r := Rotation{NewKey: true, NewToken: true}
	former, err := tx.Credentials(ctx, cuid)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrClosed) { // the new ones must be kept all the same
		return r, nil
	}
	if err != nil {
		return r, err
	}
	about, err := tx.StoredCredentials(ctx, cuid)
	if err != nil {
		return r, err
	}
	return Rotation{Known: true, NewKey: got.Key != former.Key, NewToken: got.Token != former.Token, StoredAt: about.StoredAt, StoredBy: about.StoredBy}, nil
}

// note is the rotation as the log keeps it. The fingerprints are keyed, so that
// they tell whether two are the same, and nothing else about them: somebody who
// has the log alone can follow a key from entry to entry.
func (d *Desk) note(r Rotation, cuid string, got store.Credentials) string {
	words := func(isNew bool) string {
		switch {
		case !r.Known:
			return "no earlier one known"
		case isNew:
			return "new"
		}
		return "the same as before"
	}
	return "key " + words(r.NewKey) + ", " + d.Store.Fingerprint("credentials", cuid, "key", got.Key) +
		"; token " + words(r.NewToken) + ", " + d.Store.Fingerprint("credentials", cuid, "token", got.Token)
}
