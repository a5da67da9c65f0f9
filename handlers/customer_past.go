package handlers

import (
	"context"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
)

// pastShown is how many of a customer's acts their page shows.
const pastShown = 20

// past is the last of what happened to a customer, newest first.
type past struct {
	cuid    string
	entries []audit.Entry
	whole   bool // there is no more of it
}

// pastOf reads a customer's past, as far as the reader may see it.
func (h *Handlers) pastOf(ctx context.Context, reader store.Staff, cuid string) (past, error) {
	about := audit.Filter{OnID: cuid}
	if reader.Role == store.Viewer {
		about.StaffID = reader.ID
	}
	acts, err := h.Store.Search(ctx, about, audit.Page{Limit: pastShown})
	return past{cuid, acts.Entries, about.StaffID == 0 && len(acts.Entries) < pastShown}, err
}

// timeline is the past as the customer's page shows it.
func (p past) timeline(ctx context.Context) []views.AuditRow {
	rows := auditRows(ctx, p.entries)
	for i := range rows {
		rows[i].OnName = "" // it is this customer
	}
	return rows
}

// among are the last of the customer's acts that f lets through. The log is asked
// only when there is more than what was read of it.
func (h *Handlers) among(ctx context.Context, p past, f audit.Filter) ([]audit.Entry, error) {
	if f.OnID = p.cuid; !p.whole {
		found, err := h.Store.Search(ctx, f, audit.Page{Limit: pastShown})
		return found.Entries, err
	}
	var found []audit.Entry
	for _, e := range p.entries {
		if f.Match(&e, store.Fold) {
			found = append(found, e)
		}
	}
	return found, nil
}
