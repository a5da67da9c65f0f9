package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/securecookie"
	gorilla "github.com/gorilla/sessions"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// What the signed-in session holds, on the server.
const (
	keyStaff    = "staff"    // int64
	keySession  = "session"  // public ID
	keyToken    = "token"    // the portal's
	keyEnds     = "ends"     // when the portal token runs out, in Unix milliseconds
	keyPassword = "password" // when the password was last given, likewise
)

// touchEvery is how often a session in use is noted as such.
const touchEvery = time.Minute

// endsSoon is how long before its end a page offers to renew the session.
const endsSoon = 30 * time.Minute

// newSessions returns scs over the database: the signed-in session.
func newSessions(c Config) *scs.SessionManager {
	s := scs.New()
	s.Store = c.Store.Sessions()
	s.Codec = sessionCodec{}
	s.HashTokenInStore = true // a copied database signs nobody in
	s.Lifetime = 24 * time.Hour
	s.Cookie.Name = "session"
	s.Cookie.HttpOnly = true
	s.Cookie.SameSite = http.SameSiteLaxMode
	s.Cookie.Path = "/"
	if c.BaseURL.Scheme == "https" {
		s.Cookie.Name, s.Cookie.Secure = "__Host-session", true
	}
	s.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.Log.Error("session", "error", err, "request", visitOf(r).ID)
		w.Header().Del("Location")
		w.Header().Del("Content-Length")
		http.Error(w, "frontdesk cannot read its sessions right now. Tell your operator, with request "+visitOf(r).ID+".", http.StatusServiceUnavailable)
		if sw, ok := w.(*statusWriter); ok {
			sw.closed = true // the answer that was to go out does not
		}
	}
	return s
}

// newCookies returns gorilla's signed and encrypted cookie: what must outlive
// the signed-in session.
func newCookies(c Config) (*gorilla.CookieStore, error) {
	var keys [][]byte
	for _, secret := range [][]byte{c.Secret, c.OldSecret} {
		if len(secret) == 0 {
			continue
		}
		for _, purpose := range []string{"cookie signing", "cookie encryption"} {
			key, err := store.DeriveKey(secret, purpose)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
	}
	s := gorilla.NewCookieStore(keys...)
	for _, codec := range s.Codecs {
		codec.(*securecookie.SecureCookie).SetSerializer(prefsCodec{})
	}
	s.Options = &gorilla.Options{Path: "/", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.BaseURL.Scheme == "https"}
	s.MaxAge(s.Options.MaxAge)
	return s, nil
}

func (h *Handlers) prefsName() string {
	if h.secure() {
		return "__Host-frontdesk"
	}
	return "frontdesk"
}

// prefs is what outlives the session: flash messages, theme, language, shortcuts, last
// portal, who it was, and the way back.
type prefs struct {
	Flashes []views.Flash
	Theme   string
	KeysOff bool   `json:",omitempty"`
	Lang    string `json:",omitempty"` // chosen; "": what the browser asks for
	Portal  string
	Person  string // who was last signed in, as portal:username
	Back    string
	Seen    desk.Witness // of the audit log

	cookie  *gorilla.Session
	changed bool
}

// What the cookie may hold, in bytes. Encrypted, signed and encoded it grows by
// four fifths, and browsers take 4096.
const (
	maxPrefs = 2200
	maxBack  = 1000
)

func (h *Handlers) readPrefs(r *http.Request) *prefs {
	// An unreadable cookie (a changed secret, a forged one) counts as none.
	cookie, _ := h.cookies.Get(r, h.prefsName())
	p := &prefs{cookie: cookie}
	// What opens with the former secret alone is saved again, with the present one.
	if codecs := h.cookies.Codecs; len(codecs) > 1 && !cookie.IsNew {
		if c, err := r.Cookie(h.prefsName()); err == nil {
			var values map[any]any
			p.changed = codecs[0].Decode(h.prefsName(), c.Value, &values) != nil
		}
	}
	if text, ok := cookie.Values[prefsKey].(string); ok {
		if err := json.Unmarshal([]byte(text), p); err != nil {
			return &prefs{cookie: cookie}
		}
	}
	return p
}

// savePrefs sets the cookie when something has changed. It belongs before the
// answer's header.
func (h *Handlers) savePrefs(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.Prefs == nil || !v.Prefs.changed || v.Ahead {
		return nil
	}
	text, err := json.Marshal(v.Prefs)
	if err != nil {
		return err
	}
	if len(text) > maxPrefs { // browsers would drop the whole cookie: what is long goes first
		v.Prefs.Flashes, v.Prefs.Back = nil, ""
		if text, err = json.Marshal(v.Prefs); err != nil {
			return err
		}
	}
	v.Prefs.cookie.Values[prefsKey] = string(text)
	v.Prefs.changed = false
	return v.Prefs.cookie.Save(r, w)
}

func (p *prefs) flash(tone, text string) {
	p.Flashes = append(p.Flashes, views.Flash{Tone: tone, Text: text})
	p.changed = true
}

// identify fills v in from the session.
func (h *Handlers) identify(r *http.Request, v *visit) error {
	ctx := r.Context()
	id, _ := h.sessions.Get(ctx, keyStaff).(int64)
	if id == 0 {
		return nil
	}
	session, staff, err := store.SignedIn(ctx, h.sessions.GetString(ctx, keySession))
	switch {
	case v.Ahead && errors.Is(err, store.ErrNotFound):
		return errLater
	case errors.Is(err, store.ErrNotFound):
		return h.sessions.Destroy(ctx)
	}
	if err != nil {
		return err
	}
	now, ends := h.Now(), h.sessionTime(ctx, keyEnds)
	switch {
	case v.Ahead && (!staff.Active || now.Sub(session.SeenAt) > h.Desk.Idle || !now.Before(ends)):
		return errLater // to be ended, and told so, when a page is asked for
	case !staff.Active:
		return h.sessions.Destroy(ctx)
	case now.Sub(session.SeenAt) > h.Desk.Idle:
		v.Prefs.flash("info", lang.T(r.Context(), "You were signed out because nothing happened for a while."))
		return h.sessions.Destroy(ctx)
	case !now.Before(ends):
		v.Prefs.flash("info", lang.T(r.Context(), "Your portal token ran out after 24 hours, and your session with it."))
		return h.sessions.Destroy(ctx)
	}
	v.Idle = session.SeenAt.Add(h.Desk.Idle)
	if now.Sub(session.SeenAt) > min(touchEvery, h.Desk.Idle/4) && !isPoll(r) && !v.Ahead {
		if err := h.Store.TouchSession(ctx, session.ID); err != nil {
			h.Log.Warn("note a session's use", "error", err, "request", v.ID) // reading goes on when the database cannot be written
		} else {
			v.Idle = now.Add(h.Desk.Idle)
		}
	}
	v.Drafts = session.Drafts
	v.Token, v.Ends = h.sessions.GetString(ctx, keyToken), ends
	*v.Meta = store.SessionMeta{ID: session.ID, StaffID: id, Address: session.Address, Agent: session.Agent}
	v.Actor.Staff, v.Actor.Session, v.Actor.PasswordAt = staff, session.ID, h.sessionTime(ctx, keyPassword)
	return nil
}

// isPoll tells whether the page asked by itself: that nobody does, so it does
// not keep the session alive. Such elements have an ID that begins with "poll-";
// GET /session is how a page asks whether it is still signed in, and streams of
// events are asked for by scripts alone.
func isPoll(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("HX-Trigger"), "poll-") || (r.URL.Path == "/session" && r.Method != http.MethodPost) ||
		r.Header.Get("Accept") == "text/event-stream"
}

// sessionTime reads a time of the session; the zero time when it has none.
func (h *Handlers) sessionTime(ctx context.Context, key string) time.Time {
	ms, ok := h.sessions.Get(ctx, key).(int64)
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// begin makes the session of somebody who has just signed in or renewed, with
// a new token in the cookie.
func (h *Handlers) begin(r *http.Request, v *visit, in desk.SignedIn) error {
	ctx := r.Context()
	id := v.Actor.Session
	if id != "" {
		store.RenewSession(ctx)
	} else {
		id = store.NewID()
	}
	if err := h.sessions.RenewToken(ctx); err != nil {
		return err
	}
	*v.Meta = store.SessionMeta{ID: id, StaffID: in.Staff.ID, Address: v.Actor.Address, Agent: v.Actor.Agent}
	h.sessions.Put(ctx, keyStaff, in.Staff.ID)
	h.sessions.Put(ctx, keySession, id)
	h.sessions.Put(ctx, keyToken, in.Token)
	h.sessions.Put(ctx, keyEnds, in.TokenExpires.UnixMilli())
	h.sessions.Put(ctx, keyPassword, h.Now().UnixMilli())
	h.sessions.SetDeadline(ctx, in.TokenExpires)
	v.Actor.Staff, v.Actor.Session, v.Actor.PasswordAt = in.Staff, id, h.Now()
	v.Token, v.Ends, v.Idle = in.Token, in.TokenExpires, h.Now().Add(h.Desk.Idle)
	return nil
}

// stepUp takes the password in the form to the portal, unless it was given
// lately. The act itself refuses when it was not (Confirmed). A session that can
// do more has a new token in its cookie.
func (h *Handlers) stepUp(r *http.Request, v *visit) error {
	if h.Desk.Confirmed(v.Actor) {
		return nil
	}
	password := r.PostForm.Get("password")
	if password == "" {
		return nil // the act says so, with whatever else is missing
	}
	if _, err := h.Desk.Confirm(r.Context(), v.Actor, desk.WhatConfirm, password); err != nil {
		return err
	}
	store.RenewSession(r.Context())
	if err := h.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	h.sessions.SetDeadline(r.Context(), v.Ends) // which the new token would put off
	v.Actor.PasswordAt = h.Now()
	h.sessions.Put(r.Context(), keyPassword, v.Actor.PasswordAt.UnixMilli())
	return nil
}

// askToSignIn sends somebody who is signed out to the sign-in page, and
// remembers where they were going and what they had typed.
func (h *Handlers) askToSignIn(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r)
	switch {
	case r.URL.Path == "/session":
		// The page asked by itself. It now opens itself again, and that is the way back.
	case r.URL.Path == "/session/active":
		h.keepTyped(r, v)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		v.Prefs.Back, v.Prefs.changed = wayBack(r), true
		if _, err := r.Cookie(h.sessions.Cookie.Name); err == nil && len(v.Prefs.Flashes) == 0 { // it came with a session, and that is no more
			v.Prefs.flash("info", lang.T(r.Context(), "Your session has ended. Sign in to go on."))
		}
	default:
		v.Prefs.Back = formPage(r)
		post := r.URL.EscapedPath()
		if post == "/customers/new/fill" || post == "/customers/new/check" { // on the way to sending the form
			post = "/customers"
		}
		h.keepDraft(r, v, store.Draft{Path: v.Prefs.Back, Post: post}, r.PostForm)
		v.Prefs.flash("info", lang.T(r.Context(), "Your session had ended, so nothing was sent. Sign in to go on."))
	}
	if isFragment(r) {
		w.Header().Set("HX-Redirect", "/login") // a fragment cannot hold the sign-in page
		h.redirect(w, r, "")
		return
	}
	h.redirect(w, r, "/login")
}

// wayBack is the page that was asked for; for a part of a page, the page that
// asked for it.
func wayBack(r *http.Request) string {
	back := r.URL.RequestURI()
	if isFragment(r) {
		u, err := url.Parse(r.Header.Get("HX-Current-URL"))
		if err != nil {
			return "/"
		}
		back = localPath(u.RequestURI())
	}
	if len(back) > maxBack {
		back, _, _ = strings.Cut(back, "?")
	}
	if len(back) > maxBack {
		return "/"
	}
	return back
}

// formPath is the page whose form posts to path.
func formPath(path string) string {
	switch {
	case path == "/customers":
		return "/customers/new"
	case path == "/customers/refresh":
		return "/customers"
	case strings.HasPrefix(path, "/imports/"):
		parts := strings.Split(path, "/") // "", "imports", the ID, the act or "rows" and the row's number
		if len(parts) > 4 && parts[3] == "rows" {
			return path
		}
		return strings.Join(parts[:3], "/")
	case strings.HasPrefix(path, "/customers/"):
		parts := strings.Split(path, "/") // "", "customers", the cuid, the act …
		if len(parts) > 3 && parts[3] == "passcode" {
			return strings.Join(parts[:4], "/")
		}
		return strings.Join(parts[:3], "/")
	case strings.HasPrefix(path, "/tokens"):
		return "/tokens"
	case strings.HasPrefix(path, "/staff"):
		return "/staff"
	case strings.HasPrefix(path, "/sessions"):
		return "/sessions"
	case strings.HasPrefix(path, "/audit"):
		return "/audit"
	case path == "/sms/settings":
		return path
	case strings.HasPrefix(path, "/sms/"):
		return strings.TrimSuffix(path, "/verify")
	case path == "/sms":
		return path
	}
	return "/"
}

// localPath returns path when it is one of ours, otherwise "/". Browsers take
// a backslash for a slash, and "//host" for another site.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.Contains(path, `\`) || strings.ContainsFunc(path, unicode.IsControl) { // url.Parse takes these behind a #
		return "/"
	}
	return path
}
