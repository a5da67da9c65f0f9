package handlers

import (
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// concierge is what to say while a customer is waited for, whose last passcode was
// e-mailed at sent; nothing when they have no e-mail.
func (h *Handlers) concierge(customer store.Customer, sent time.Time) views.Concierge {
	known := h.Desk.Concierge(customer.Email)
	shown := views.Concierge{
		At: desk.DomainOf(customer.Email), Own: known.Domain != "", Flows: known.Flows, Usual: known.Usual, Longest: known.Longest, SentAt: sent,
	}
	if known.Measured {
		shown.Resent, shown.Helped = known.Resent, known.Helped
	}
	return shown
}
