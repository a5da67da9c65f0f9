package handlers

import (
	"errors"
	"net/http"
	"net/url"

	"frontdesk/store"
)

// secretFields never go into a draft.
var secretFields = []string{"password", "passcode", "code", "token", "receipt"}

// keepDraft stores what was posted after the session had ended, for the person
// who was last signed in here. Without such a person there is nobody to keep it
// for, and nothing is stored: a stranger's posts must not fill the disk.
func (h *Handlers) keepDraft(r *http.Request, v *visit, page string) {
	kept := url.Values{}
	for name, values := range r.PostForm {
		kept[name] = values
	}
	for _, name := range secretFields {
		kept.Del(name)
	}
	form := kept.Encode()
	if form == "" || v.Prefs.Person == "" {
		return
	}
	d := store.Draft{ID: store.NewID(), Person: v.Prefs.Person, Path: page, Post: r.URL.EscapedPath(), Form: form}
	err := h.Store.Write(r.Context(), func(tx *store.Tx) error { return tx.PutDraft(r.Context(), d) })
	if err != nil { // signing in goes on; what was typed is in the browser's history still
		h.Log.Error("keep a draft", "request", v.ID, "error", err)
	}
}

// takeDraft returns what the reader had typed on this page when their session
// ended, once, and only to the same person; post is where that was posted to.
func (h *Handlers) takeDraft(r *http.Request, v *visit) (typed url.Values, post string) {
	ctx := r.Context()
	d, err := h.Store.Draft(ctx, person(v.Actor.Staff), r.URL.EscapedPath())
	if errors.Is(err, store.ErrNotFound) {
		return nil, ""
	}
	if err != nil { // the page is worth more than what was typed
		h.Log.Error("read a draft", "request", v.ID, "error", err)
		return nil, ""
	}
	if err := h.Store.Write(ctx, func(tx *store.Tx) error { return tx.DeleteDraft(ctx, d.ID) }); err != nil {
		h.Log.Error("remove a draft that is given back", "request", v.ID, "error", err) // it comes back once more
	}
	if typed, err = url.ParseQuery(d.Form); err != nil {
		return nil, ""
	}
	return typed, d.Post
}

func person(s store.Staff) string { return s.Portal + ":" + s.Username }
