package handlers

import (
	"encoding/json"
	"net/http"
	"time"

	"frontdesk/web/desk"
)

// sessionState tells a page how long its session has, in seconds: until it is
// idle for too long, and at the most. Asking is no activity.
func (h *Handlers) sessionState(w http.ResponseWriter, r *http.Request) error {
	v, now := visitOf(r), h.Now()
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(struct {
		Idle int `json:"idle"`
		Ends int `json:"ends"`
	}{wholeSeconds(v.Idle.Sub(now)), wholeSeconds(v.Ends.Sub(now))})
}

// sessionActive is how a page tells that somebody types or clicks in it, which
// identify has noted, and what was typed so far in one of its forms.
func (h *Handlers) sessionActive(w http.ResponseWriter, r *http.Request) error {
	if !h.keepTyped(r, visitOf(r)) {
		h.refuse(w, r, http.StatusRequestEntityTooLarge, &desk.Problem{Title: "Too much to keep",
			Text: "What is typed in a form is kept for the case that the session ends, up to 16 KiB.", Advice: "Send the form before you leave it."})
		return nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// wholeSeconds rounds up: a page that waits so long comes after the end.
func wholeSeconds(d time.Duration) int { return max(0, int((d+time.Second-1)/time.Second)) }
