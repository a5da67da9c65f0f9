package handlers

import (
	"context"

	"frontdesk/views"
)

// callersShown is how many callers home shows: one is on the phone, another may be
// on hold.
const callersShown = 3

// callers are whom the reader has on the phone; nobody else sees them on home.
func (h *Handlers) callers(ctx context.Context, staffID int64) ([]views.HomeCaller, error) {
	if !h.Desk.SMS() {
		return nil, nil
	}
	calls, err := h.Desk.CallsOf(ctx, staffID)
	if err != nil {
		return nil, err
	}
	var all []views.HomeCaller
	for _, c := range calls[:min(len(calls), callersShown)] {
		customer, err := found(h.Store.Customer(ctx, c.CUID))
		if err != nil {
			return nil, err
		}
		if customer.CUID == "" {
			continue
		}
		caller := views.HomeCaller{CustomerRow: customerRow(customer)}
		if c.Proof != nil {
			caller.Proof = callerProof(*c.Proof)
		}
		if c.Code != nil {
			code := codeRow(ctx, *c.Code, h.Now())
			caller.Code = &code
		}
		all = append(all, caller)
	}
	return all, nil
}
