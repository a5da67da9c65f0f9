package handlers

import (
	"net/http"

	"frontdesk/views/lang"
)

// hear checks what this browser has seen of the audit log against the log as it
// is, and lets the browser take along what it sees now. What does not fit is
// shown on the page, or after a redirect on the next.
func (h *Handlers) hear(r *http.Request) {
	v := visitOf(r)
	if v.Prefs == nil || !v.signedIn() {
		return
	}
	if v.Ahead { // an alarm is for when the page is asked for
		v.Taken = v.Taken || !h.Desk.Holds(r.Context(), v.Prefs.Seen)
		return
	}
	seen, alarm := h.Desk.Hear(r.Context(), v.Actor, v.Prefs.Seen)
	if seen != v.Prefs.Seen {
		v.Prefs.Seen, v.Prefs.changed = seen, true
	}
	if v.Alarm = alarm; alarm != nil && r.Method == http.MethodPost {
		v.Prefs.flash("error", lang.T(r.Context(), "%s: %s %s", alarm.Title, alarm.Text, alarm.Advice))
	}
}
