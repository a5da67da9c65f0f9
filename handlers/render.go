package handlers

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzhttp"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// page is the base of every page struct.
func (h *Handlers) page(r *http.Request, title string) views.Page {
	v := visitOf(r)
	p := views.Page{Title: title, Path: strings.ToValidUTF8(r.URL.RequestURI(), "\uFFFD"), Assets: h.Assets, Alike: &h.alike, RequestID: v.ID, Now: h.Now(), Theme: "system",
		Language: lang.Of(r.Context()), Languages: h.languages(), Demo: h.Demo != nil, Typed: v.Typed}
	if v.Prefs != nil {
		if v.Prefs.Theme != "" {
			p.Theme = v.Prefs.Theme
		}
		p.KeysOff = v.Prefs.KeysOff
		if len(v.Prefs.Flashes) > 0 {
			p.Flashes, v.Prefs.Flashes, v.Prefs.changed = v.Prefs.Flashes, nil, true
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.Path, p.Posted = formPage(r), true // a way back must be a page
	}
	if v.signedIn() {
		s := v.Actor.Staff
		p.User = &views.User{Name: s.Name, Username: s.Username, Portal: s.Portal, Role: string(s.Role)}
		p.Menu, p.On, p.Modifier = h.menuFor(s.Role, r.URL.Path), cuidOf(r), "Ctrl"
		if strings.Contains(r.UserAgent(), "Mac OS X") {
			p.Modifier = "⌘"
		}
		p.Ahead = h.early[s.Role]
		p.SessionEnd, p.EndsSoon, p.IdleEnd = v.Ends, v.Ends.Sub(h.Now()) < endsSoon, v.Idle
	}
	if v.Alarm != nil {
		p.Alarm = h.problem(r, v.Alarm)
	}
	if u := h.Store.Trouble(); u != nil && v.signedIn() {
		p.ReadOnly = lang.Text(r.Context(), desk.Cause(u))
	}
	return p
}

// mirrorPage is page for what is read from the mirror: it says how old that is.
func (h *Handlers) mirrorPage(r *http.Request, title string) (views.Page, error) {
	p := h.page(r, title)
	age, err := h.mirrorAge(r)
	p.MirrorAge = age
	return p, err
}

func (h *Handlers) mirrorAge(r *http.Request) (*views.MirrorAge, error) {
	role := visitOf(r).Actor.Staff.Role
	age := &views.MirrorAge{CanSync: role.Includes(store.Manager), CanForce: role.Includes(store.Admin)}
	last, good, err := h.Store.LastSyncs(r.Context())
	if err != nil {
		return nil, err
	}
	age.SyncedAt, age.Sync = good.EndedAt, h.syncUnderWay(r.Context())
	switch last.Outcome {
	case "failed":
		age.Failing = lang.Text(r.Context(), desk.Text(last.Detail))
	case "doubted":
		age.Doubted = lang.Text(r.Context(), desk.Text(last.Detail))
	}
	return age, nil
}

// found takes "not found" for a zero value.
func found[T any](v T, err error) (T, error) {
	if err == store.ErrNotFound {
		return v, nil
	}
	return v, err
}

// rendered are buffers for pages; one that has grown beyond keptBuffer, for an odd
// page, is not kept.
var rendered = sync.Pool{New: func() any { return &bytes.Buffer{} }}

const keptBuffer = 256 << 10

// render shows a page. It is rendered whole before the status goes out, so
// that one which fails half-way never leaves half a 200.
func (h *Handlers) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	body := rendered.Get().(*bytes.Buffer)
	body.Reset()
	defer func() {
		if body.Cap() <= keptBuffer {
			rendered.Put(body)
		}
	}()
	nonce := rand.Text() // 130 bits, for this page alone
	var held views.Held
	if err := c.Render(views.WithHeld(templ.WithNonce(r.Context(), nonce), &held), body); err != nil {
		return err
	}
	v := visitOf(r)
	if !v.settled() {
		return errLater
	}
	if err := h.savePrefs(w, r, v); err != nil {
		return err
	}
	form := "'self'"
	if v.Form != "" {
		form += " " + v.Form
	}
	head := w.Header()
	// Scripts and styles are those that the layout names, and no others of ours either. Only the policy in
	// static/js/trusted.js, which htmx needs, may turn text into elements.
	head.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+"'; "+
		"img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action "+form+"; base-uri 'none'; frame-ancestors 'none'; "+
		"require-trusted-types-for 'script'; trusted-types default")
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Vary", "Accept-Encoding, Accept-Language, HX-Request")
	if held.Secret {
		head.Set(gzhttp.HeaderNoCompression, "secret")
	}
	head.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, err := body.WriteTo(w)
	if err != nil { // the reader left
		v.failed = err
	}
	return nil
}

// redirect sends the reader to a page of ours; to "" only the headers are sent.
func (h *Handlers) redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.Method == http.MethodPost { // the browser takes along that its act is on record
		h.hear(r)
		h.dropTyped(r, visitOf(r))
	}
	if err := h.savePrefs(w, r, visitOf(r)); err != nil {
		h.Log.Error("save the preferences cookie", "error", err, "request", visitOf(r).ID)
	}
	if to == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// isFragment tells whether htmx asks for a part of the page.
func isFragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// receipt is a new one-time mark for a form.
func receipt() string { return store.NewID() }

func (h *Handlers) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// readyz tells whether pages can be served: the database answers and the
// assets are built.
func (h *Handlers) readyz(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text, status := "", http.StatusOK
	for _, part := range []struct {
		name string
		err  error
	}{{"database", h.Store.Ping(r.Context())}, {"assets", h.Assets.Ready()}} {
		if part.err != nil {
			status = http.StatusServiceUnavailable
			h.Log.Error("not ready", "part", part.name, "error", part.err)
			text += part.name + ": not ready\n"
			continue
		}
		text += part.name + ": ok\n"
	}
	w.WriteHeader(status)
	_, err := w.Write([]byte(text))
	return err
}

// themeSet keeps the chosen theme.
func (h *Handlers) themeSet(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	switch theme := r.PostForm.Get("theme"); theme {
	case "system", "light", "dark":
		v.Prefs.Theme, v.Prefs.changed = theme, true
	}
	h.redirect(w, r, localPath(r.PostForm.Get("back")))
	return nil
}

// keysSet keeps whether single keys are shortcuts in this browser.
func (h *Handlers) keysSet(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	switch keys := r.PostForm.Get("keys"); keys {
	case "on", "off":
		v.Prefs.KeysOff, v.Prefs.changed = keys == "off", true
	}
	h.redirect(w, r, localPath(r.PostForm.Get("back")))
	return nil
}

// seconds rounds a wait up, for Retry-After.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
