package handlers

import (
	"net/http"

	"frontdesk/views"
	"frontdesk/views/lang"
)

// language is what the reader has chosen, or else what their browser asks for.
func (h *Handlers) language(r *http.Request, v *visit) *lang.Language {
	return h.texts.Choose(v.Prefs.Lang, r.Header.Get("Accept-Language"))
}

// languages are the choices in the menu.
func (h *Handlers) languages() []views.Option {
	all := make([]views.Option, len(h.texts.Languages))
	for i, l := range h.texts.Languages {
		all[i] = views.Option{Value: l.Code, Label: l.Name}
	}
	return all
}

// languageSet keeps the chosen language.
func (h *Handlers) languageSet(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	for _, l := range h.texts.Languages {
		if l.Code == r.PostForm.Get("language") {
			v.Prefs.Lang, v.Prefs.changed = l.Code, true
		}
	}
	h.redirect(w, r, localPath(r.PostForm.Get("back")))
	return nil
}
