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

// Call is a caller of a customer whom a member of staff is verifying, or has.
type Call struct {
	CUID  string
	Proof *store.Proof // nil: none that holds
	Code  *store.Code  // that is on its way; nil: none
}

// CallsOf returns whom a member of staff has on the phone, as far as codes tell: the
// customers whose caller they verified, or sent a code that may yet be read out. The
// latest is first.
func (d *Desk) CallsOf(ctx context.Context, staffID int64) ([]Call, error) {
	since := d.Now().Add(-ProofHolds)
	proofs, err := d.Store.ProofsBy(ctx, staffID, since)
	if err != nil {
		return nil, err
	}
	codes, err := d.Store.CodesBy(ctx, staffID, since)
	if err != nil {
		return nil, err
	}
	var calls []Call
	latest := map[string]time.Time{}
	of := func(cuid string, at time.Time) *Call {
		if at.After(latest[cuid]) {
			latest[cuid] = at
		}
		for i := range calls {
			if calls[i].CUID == cuid {
				return &calls[i]
			}
		}
		calls = append(calls, Call{CUID: cuid})
		return &calls[len(calls)-1]
	}
	for _, p := range proofs {
		if c := of(p.CUID, p.At); c.Proof == nil {
			c.Proof = &p
		}
	}
	last := map[string]bool{} // only the code sent last counts: it takes the place of those before
	for _, code := range codes {
		seen := last[code.CUID]
		last[code.CUID] = true
		if !seen && code.UsedAt.IsZero() && !code.Expired && (code.ExpiresAt.IsZero() || d.Now().Before(code.ExpiresAt)) {
			of(code.CUID, code.SentAt).Code = &code
		}
	}
	slices.SortStableFunc(calls, func(a, b Call) int { return latest[b.CUID].Compare(latest[a.CUID]) })
	return calls, nil
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
