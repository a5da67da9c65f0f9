package handlers

import (
	"net/http"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// importsShown is how many imports the list has.
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
	page := views.ImportsPage{Page: h.page(r, lang.T(r.Context(), "Imports")), All: whose == 0, Full: len(all) == importsShown}
	ids := make([]string, len(all))
	for n, i := range all {
		ids[n] = i.ID
	}
	counts, err := h.Store.ImportsCounts(r.Context(), ids)
	if err != nil {
		return err
	}
	for _, i := range all {
		page.Rows = append(page.Rows, importItem(i, counts[i.ID]))
	}
	return h.render(w, r, http.StatusOK, views.Imports(page))
}

func importItem(i store.Import, counts map[store.RowState]int) views.ImportItem {
	return views.ImportItem{
		ID: i.ID, FileName: i.FileName, By: i.StaffName, State: string(i.State), Busy: i.Busy != "" && i.State == store.ImportDraft, Started: !i.StartedAt.IsZero(), MadeAt: i.MadeAt,
		Counts: views.ImportCounts{
			Wrong: counts[store.RowWrong], Left: counts[store.RowLeft], Ready: counts[store.RowReady], Sending: counts[store.RowSending],
			Created: counts[store.RowCreated], Failed: counts[store.RowFailed], Unknown: counts[store.RowUnknown],
		},
	}
}
