package handlers

import (
	"fmt"
	"net/http"
)

// customersRefresh reads ATOM's list now and waits for it.
func (h *Handlers) customersRefresh(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	report, err := h.Desk.Mirror.Refresh(r.Context(), v.Actor, r.PostForm.Get("believe") != "")
	if p, ok := h.formFailed(w, r, err); ok {
		return h.showCustomers(w, r, p.Status(), p)
	}
	if err != nil {
		return err
	}
	if report.Outcome == "doubted" {
		v.Prefs.flash("warning", "The list was read, and is not believed yet.")
	} else {
		v.Prefs.flash("success", fmt.Sprintf("The list is fresh: %d customers, %d new, %d changed, %d gone.", report.Total, report.Added, report.Changed, report.Gone))
	}
	h.redirect(w, r, "/customers")
	return nil
}
