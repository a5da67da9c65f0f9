package handlers

import (
	"net/http"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// customerPin keeps a customer at hand for the reader alone, or no longer. It is
// no act: nobody else sees it, and nothing happens to the customer.
func (h *Handlers) customerPin(w http.ResponseWriter, r *http.Request) error {
	ctx, v, cuid := r.Context(), visitOf(r), cuidOf(r)
	if _, err := h.Store.Customer(ctx, cuid); err != nil {
		return err
	}
	room := true
	err := h.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if r.PostForm.Get("pinned") == "" {
			return tx.Unpin(ctx, v.Actor.Staff.ID, cuid)
		}
		room, err = tx.Pin(ctx, v.Actor.Staff.ID, cuid)
		return err
	})
	if err != nil {
		return err
	}
	if !room {
		return &desk.Problem{Kind: desk.Invalid, Title: "You have pinned 50 customers already", Text: "This one was not pinned.", Advice: "Take a pin away first."}
	}
	h.redirect(w, r, views.CustomerPath(cuid))
	return nil
}
