package handlers

import (
	"net/http"

	"frontdesk/views"
)

// styleGuide shows every component from made-up data, in both themes.
func (h *Handlers) styleGuide(w http.ResponseWriter, r *http.Request) error {
	return h.render(w, r, http.StatusOK, views.StyleGuide(views.NewStyleGuide(h.page(r, "Style guide"), h.Assets.Icons())))
}
