package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"frontdesk/store"
)

// secretFields never go into a draft.
var secretFields = []string{"password", "passcode", "code", "token", "receipt"}

// maxDraft bounds a draft that a page sends while somebody types, in bytes.
const maxDraft = 16 << 10

// keepDraft stores what could not be sent because the session had ended, for
// the person who was last signed in here. Without such a person there is nobody
// to keep it for, and nothing is stored: a stranger's posts must not fill the disk.
func (h *Handlers) keepDraft(r *http.Request, v *visit, d store.Draft, typed url.Values) {
	d.ID, d.Person, d.Form = store.NewID(), v.Prefs.Person, withoutSecrets(typed)
	if d.Form == "" || d.Person == "" {
		return
	}
	err := h.Store.Write(r.Context(), func(tx *store.Tx) error { return tx.PutDraft(r.Context(), d) })
	if err != nil { // signing in goes on; what was typed is in the browser's history still
		h.Log.Error("keep a draft", "request", v.ID, "error", err)
	}
}

// keepTyped stores what is being typed in a form, as POST /session/active
// brings it: in the place of what the same session typed there before, to be
// given back should the session end. A form that is blank again takes its draft
// away. ok is false when it is too large to be kept.
func (h *Handlers) keepTyped(r *http.Request, v *visit) (ok bool) {
	f := r.PostForm
	d := store.Draft{Path: f.Get("path"), Post: f.Get("post"), Session: v.Actor.Session}
	if d.Path == "" {
		return true // nothing was typed
	}
	if len(f.Get("form")) > maxDraft {
		return false
	}
	typed, err := url.ParseQuery(f.Get("form"))
	// Only for a page of ours with a form that the person may send.
	if err != nil || localPath(d.Path) != d.Path || len(d.Path)+len(d.Post) > maxBack || !h.mayPost(v, d.Post) {
		return true
	}
	if !v.signedIn() {
		d.Session = "ended" // no session has this ID; "" would say that it was posted
		h.keepDraft(r, v, d, typed)
		return true
	}
	d.ID, d.Person, d.Form = store.NewID(), person(v.Actor.Staff), withoutSecrets(typed)
	ctx := r.Context()
	err = h.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropTyped(ctx, d); err != nil || d.Form == "" {
			return err
		}
		return tx.PutDraft(ctx, d)
	})
	if err != nil { // the next one may come through; the page has it still
		h.Log.Error("keep what is typed", "request", v.ID, "error", err)
	}
	return true
}

// mayPost tells whether a path is one that a form of ours posts to, and that
// the reader's role includes; who is signed out may be anybody.
func (h *Handlers) mayPost(v *visit, path string) bool {
	u, err := url.Parse(path)
	if err != nil || localPath(path) != path {
		return false
	}
	_, pattern := h.patterns.Handler(&http.Request{Method: http.MethodPost, URL: u})
	return slices.ContainsFunc(h.routes, func(rt route) bool {
		return rt.Pattern == pattern && rt.Needs != public && (!v.signedIn() || v.Actor.Staff.Role.Includes(rt.Needs))
	})
}

// withoutSecrets encodes what was typed without secrets; "" when nothing else
// was.
func withoutSecrets(typed url.Values) string {
	kept := url.Values{}
	blank := true
	for name, values := range typed {
		if slices.Contains(secretFields, name) {
			continue
		}
		kept[name] = values
		blank = blank && strings.TrimSpace(strings.Join(values, "")) == ""
	}
	if blank {
		return ""
	}
	return kept.Encode()
}

// takeDraft returns what the reader had typed on this page when their session
// ended, once, and only to the same person; post is where that was to be posted.
// v.Typed tells whether it was kept while they typed: only what was posted after
// the end is known not to have been sent. HEAD reads, and takes nothing away; a page
// with a draft is not given ahead.
func (h *Handlers) takeDraft(r *http.Request, v *visit) (typed url.Values, post string) {
	if !v.Drafts {
		return nil, ""
	}
	ctx, idleSince := r.Context(), h.Now().Add(-h.Desk.Idle)
	d, err := h.Store.Draft(ctx, person(v.Actor.Staff), r.URL.EscapedPath(), idleSince)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ""
	}
	if err != nil { // the page is worth more than what was typed
		h.Log.Error("read a draft", "request", v.ID, "error", err)
		return nil, ""
	}
	v.Taken = true
	if r.Method != http.MethodHead && !v.Ahead {
		if err := h.Store.Write(ctx, func(tx *store.Tx) error { return tx.DeleteDraft(ctx, d, idleSince) }); err != nil {
			h.Log.Error("remove a draft that is given back", "request", v.ID, "error", err) // it comes back once more
		}
	}
	v.Typed = d.Session != ""
	if typed, err = url.ParseQuery(d.Form); err != nil {
		return nil, ""
	}
	return typed, d.Post
}

// dropTyped removes what this session had typed in a form that has now been
// sent.
func (h *Handlers) dropTyped(r *http.Request, v *visit) {
	if !v.signedIn() {
		return
	}
	ctx := r.Context()
	d := store.Draft{Person: person(v.Actor.Staff), Post: r.URL.EscapedPath(), Session: v.Actor.Session}
	if d.Post == "/sms" {
		d.Path = formPage(r)
	}
	has, err := h.Store.HasTyped(ctx, d)
	if err == nil && has {
		err = h.Store.Write(ctx, func(tx *store.Tx) error { return tx.DropTyped(ctx, d) })
	}
	if err != nil { // it comes back when the session has ended; the form then shows what was sent already
		h.Log.Error("remove what was typed in a form that was sent", "request", v.ID, "error", err)
	}
}

func person(s store.Staff) string { return s.Portal + ":" + s.Username }
