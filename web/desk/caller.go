package desk

import (
	"context"
	"errors"
	"slices"
	"time"

	"frontdesk/store"
)

// ProofHolds is how long a caller counts as verified after a right SMS code.
const ProofHolds = 15 * time.Minute

// CallerVerified returns the latest proof that a caller of this customer holds
// a phone number; nil when there is none that still holds.
func (d *Desk) CallerVerified(ctx context.Context, cuid string) (*store.Proof, error) {
	p, err := d.Store.LastProof(ctx, cuid)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !d.Now().Before(p.At.Add(ProofHolds)):
		return nil, nil
	}
	return &p, nil
}

// citing are the acts that open a customer's account or give out its
// credentials: their entries cite the proof that the caller is who they say.
var citing = []string{WhatSSO, WhatRedeem, WhatByCUID, WhatNoPasscode, WhatReveal}

// cite notes the proof of the caller, if there is one that holds, on what is
// about to be done.
func (d *Desk) cite(ctx context.Context, in *intent) error {
	if !slices.Contains(citing, in.What) {
		return nil
	}
	proof, err := d.CallerVerified(ctx, in.On.ID)
	if err != nil || proof == nil {
		return err
	}
	in.Evidence = proof.EntryID
	note := "caller verified by " + proof.StaffName + " with " + proof.Phone
	if proof.OnFile != store.OnFileTheirs {
		note += ", a number that is not on the customer's file"
	}
	in.Note = joined(in.Note, note)
	return nil
}
