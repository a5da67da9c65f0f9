package handlers

import (
	"net/http"

	"frontdesk/store"
	"frontdesk/views"
)

// importsShown is how many imports the list has: each is counted row by row.
const importsShown = 50

// importsList shows one's own imports; to admins everybody's.
func (h *Handlers) importsList(w http.ResponseWriter, r *http.Request) error {
	staff := visitOf(r).Actor.Staff
	whose := staff.ID
	if staff.Role == store.Admin {
		whose = 0
	}
	all, err := h.Store.Imports(r.Context(), whose, importsShown)
	if err != nil {
		return err
	}
	page := views.ImportsPage{Page: h.page(r, "Imports"), All: whose == 0, Full: len(all) == importsShown}
	for _, i := range all {
		counts, err := h.Store.ImportCounts(r.Context(), i.ID)
		if err != nil {
			return err
		}
		page.Rows = append(page.Rows, importItem(i, counts))
	}
	return h.render(w, r, http.StatusOK, views.Imports(page))
}

func importItem(i store.Import, counts map[store.RowState]int) views.ImportItem {
	return views.ImportItem{
		ID: i.ID, FileName: i.FileName, By: i.StaffName, State: string(i.State), Busy: i.Busy != "", Started: !i.StartedAt.IsZero(), MadeAt: i.MadeAt,
		Counts: views.ImportCounts{
			Wrong: counts[store.RowWrong], Ready: counts[store.RowReady], Sending: counts[store.RowSending],
			Created: counts[store.RowCreated], Failed: counts[store.RowFailed], Unknown: counts[store.RowUnknown],
		},
	}
}
