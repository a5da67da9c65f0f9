package handlers

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"frontdesk/store"
	"frontdesk/views"
)

// customerEvents keeps a customer's page up to date while somebody looks at it: the
// timeline, and for who may act, where the proof of the caller stands. "code" is the
// code that the page has a field for.
func (h *Handlers) customerEvents(w http.ResponseWriter, r *http.Request) error {
	customer, err := h.Store.Customer(r.Context(), cuidOf(r))
	if err != nil || r.Method == http.MethodHead { // asks what it would be, and listens to nothing
		return err
	}
	reader, asked := visitOf(r).Actor.Staff, r.URL.Query().Get("code")
	// One time for all of it: a part is sent again when something happened, and not because time passed.
	base := views.Page{Assets: h.Assets, Now: h.Now()}
	return h.events(w, r, func(ctx context.Context) (templ.Component, bool, error) {
		past, err := h.pastOf(ctx, reader, customer.CUID)
		timeline := past.timeline(ctx)
		if err != nil || !reader.Role.Includes(store.Manager) || !h.Desk.SMS() {
			return views.CustomerNow(base, timeline, nil), false, err
		}
		state, err := h.callerState(ctx, customer.CUID)
		if c := state.Code; c == nil || strconv.FormatInt(c.ID, 10) != asked {
			state.Over = asked != ""
			if c != nil {
				state.Enter = views.CustomerPath(customer.CUID)
			}
		}
		return views.CustomerNow(base, timeline, &state), false, err
	})
}
