package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// auditProof says how the log proves itself, and how far its streams are.
func (h *Handlers) auditProof(w http.ResponseWriter, r *http.Request) error {
	h.hear(r)
	page := views.AuditProofPage{Page: h.page(r, lang.T(r.Context(), "Proof of the audit log")), Key: h.Store.AuditKey()}
	head, err := h.Store.Head(r.Context())
	if err != nil && !errors.Is(err, audit.ErrAltered) { // which hear has put on the page
		return err
	}
	page.Head, page.Checkpoint = headView(head), head.Note
	if check := h.Desk.LastCheck(); check != nil {
		page.Checked, page.CheckedSize, page.Flaw = check.At, check.Verified.Size, check.Flaw
	}
	if page.Admin = visitOf(r).Actor.Staff.Role == store.Admin; page.Admin {
		for _, s := range h.Desk.Streams() {
			page.Streams = append(page.Streams, views.StreamRow{
				Name: s.Name, Target: s.Target, Behind: s.Behind, OldestAt: s.OldestAt, FailingSince: s.FailingSince, DeliveredAt: s.DeliveredAt, LastError: lang.Text(r.Context(), s.LastError),
			})
		}
	}
	return h.render(w, r, http.StatusOK, views.AuditProof(page))
}

// auditVerify verifies the whole log now; the page that it leads to says what
// was found.
func (h *Handlers) auditVerify(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.Desk.VerifyLog(r.Context()); err != nil {
		return err
	}
	h.redirect(w, r, "/audit/proof")
	return nil
}

// auditCheckpoint answers the newest signed head as it is.
func (h *Handlers) auditCheckpoint(w http.ResponseWriter, r *http.Request) error {
	head, err := h.Store.Head(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write([]byte(head.Note))
	return err
}

// auditEntryProof downloads an entry's proof, for whoever may see the entry.
func (h *Handlers) auditEntryProof(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if _, _, err := h.seenEntry(r, id); err != nil {
		return err
	}
	proof, err := h.Store.Prove(r.Context(), id)
	if err != nil {
		return err
	}
	body, err := json.Marshal(proof) // not indented: the entry's own bytes are what is proved
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="entry-%d.proof.json"`, id))
	_, err = w.Write(append(body, '\n'))
	return err
}

// entryProof is an entry's proof in figures; nil when it cannot be made, which
// must not keep anybody from reading the entry.
func (h *Handlers) entryProof(r *http.Request, e audit.Entry) *views.EntryProof {
	proof, err := h.Store.Prove(r.Context(), e.ID)
	if err != nil {
		h.Log.Error("prove an entry", "request", visitOf(r).ID, "entry", e.ID, "error", err)
		return nil
	}
	return &views.EntryProof{
		Place: proof.Index + 1, Hash: proof.Leaf().String(), Head: headView(proof.Head), Key: proof.Key, Hashes: len(proof.Hashes),
		Path: fmt.Sprintf("/audit/%d/proof", e.ID),
	}
}

func headView(h audit.Head) views.LogHead {
	return views.LogHead{Size: h.Size, Root: h.Root.String(), At: h.At}
}
