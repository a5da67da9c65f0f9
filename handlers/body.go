package handlers

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// What a posted form may be: its bytes, its fields, and how long it may take to
// arrive.
const (
	maxForm   = 64 << 10
	maxFields = 100
	bodyLimit = 10 * time.Second
)

// posted refuses state-changing requests from other origins, and bodies that no
// form of ours sends. The form is parsed here, once; for uploads see uploaded.
func (h *Handlers) posted(rt route) http.Handler {
	next := h.checked(rt)
	if rt.Pattern == upload { // who may not send a file is told before it is read
		handle := rt.Handle
		rt.Handle = func(w http.ResponseWriter, r *http.Request) error { return h.uploaded(w, r, handle) }
		next = h.checked(rt)
	}
	origins := http.NewCrossOriginProtection()
	origin := h.BaseURL.Scheme + "://" + h.BaseURL.Host
	if err := origins.AddTrustedOrigin(origin); err != nil {
		panic(err) // the configuration has checked that it is a URL with a host
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rt.Pattern != "POST /session/active" { // what was fetched ahead may be otherwise after this
			w.Header().Set("Clear-Site-Data", `"prefetchCache"`)
		}
		control := http.NewResponseController(w)
		// Also for what is refused: net/http reads on for a while before it answers.
		// Whoever cannot set it (a test's recorder) has the whole body already.
		_ = control.SetReadDeadline(time.Now().Add(h.bodyLimit))
		if err := origins.Check(r); err != nil {
			if v := visitOf(r); v.signedIn() { // a stranger's posts must not fill the log
				h.Desk.Deny(r.Context(), v.Actor.Who(), "post from another site", audit.Subject{}, r.Method+" "+r.URL.Path)
			}
			h.fail(w, r, &desk.Problem{Kind: desk.Forbidden, Title: "This came from another site",
				Text: "frontdesk takes forms from its own pages only. Nothing was done.", Advice: "Open frontdesk itself and do it there.", Err: err})
			return
		}
		if rt.Pattern == upload {
			next.ServeHTTP(w, r)
			return
		}
		if !isForm(r) {
			w.Header().Set("Connection", "close") // the body is not worth reading
			h.refuse(w, r, http.StatusUnsupportedMediaType, &desk.Problem{Title: "This is not a form",
				Text:   "frontdesk takes forms as its own pages send them, of the kind application/x-www-form-urlencoded. Nothing was done.",
				Advice: "Do it on frontdesk's own page."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if status, p := readForm(r); p != nil {
			if status != http.StatusUnprocessableEntity {
				w.Header().Set("Connection", "close")
			}
			// A body that came too slowly has cancelled the context, and with it whatever is rendered.
			h.refuse(w, r.WithContext(context.WithoutCancel(r.Context())), status, p)
			return
		}
		_ = control.SetReadDeadline(time.Time{}) // the act may take longer than the form did
		next.ServeHTTP(w, r)
	})
}

// isForm tells whether a body is of the kind that our pages send; no body is
// an empty form.
func isForm(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// readForm parses the form, or says what is wrong with it and the status for that.
func readForm(r *http.Request) (status int, p *desk.Problem) {
	err := r.ParseForm()
	n, garbled := 0, false
	for name, values := range r.PostForm {
		n += len(values)
		garbled = garbled || !utf8.ValidString(name) || slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) })
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || n > maxFields:
		return http.StatusRequestEntityTooLarge, &desk.Problem{Title: "The form is too large",
			Text: "frontdesk takes at most 64 KiB in 100 fields. Nothing was done.", Advice: "Go back, shorten what you typed and send it again.", Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, &desk.Problem{Title: "The form came too slowly",
			Text: desk.Say("It was not complete after %s. Nothing was done.", views.Span(r.Context(), bodyLimit)), Advice: "Check your connection, go back and send it again.", Err: err}
	case err != nil || garbled:
		return http.StatusUnprocessableEntity, &desk.Problem{Title: "The form could not be read",
			Text: "It was cut or garbled on its way. Nothing was done.", Advice: "Go back and send it again.", Err: err}
	}
	return 0, nil
}
