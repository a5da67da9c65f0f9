package handlers

import (
	"net/http"
	"strings"
	"testing"

	"frontdesk/views"
)

// Where no key and token are stored ATOM is not asked, and the page says what to do.
func TestLiveRecordOfNobodyStored(t *testing.T) {
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	path := views.CustomerPath(w.file("cknostored", "Without Key AB", ""))
	page := b.get(path + "/live")
	page.wantStatus(http.StatusOK)
	page.want("No key and token are stored", "E-mail passcode")
	page.wantNo("Asked from ATOM just now")
	if body := page.body; !strings.Contains(body, path+"/passcode") || strings.Contains(body, "alert-error") {
		t.Error("it looks like an error, or leads nowhere")
	}
}
