package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// maxForm bounds a posted form, in bytes.
const maxForm = 64 << 10

// wrap puts around the mux what every request passes: an ID and a log line, no
// crash without a page, the headers, the session.
func (h *Handlers) wrap(next http.Handler) http.Handler {
	pages := h.sessions.LoadAndSave(h.identified(next))
	return h.logged(h.headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isBare(r.URL.Path) { // no session is read for these
			next.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})))
}

// isBare tells the paths that are asked for often and are nobody's.
func isBare(path string) bool {
	return strings.HasPrefix(path, "/static/") || path == "/healthz" || path == "/readyz"
}

// visit is what is known of one request beside itself.
type visit struct {
	ID     string // request ID
	Actor  desk.Actor
	Meta   *store.SessionMeta
	Prefs  *prefs
	Token  string    // the portal token, when signed in
	Ends   time.Time // of the session at the latest
	Route  string
	Form   string        // what the page's CSP form-action admits beside 'self'
	Alarm  *desk.Problem // the audit log is not what this browser has seen
	failed error         // for the log
}

func (v *visit) signedIn() bool { return v.Actor.Staff.ID != 0 }

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// logged gives the request its ID, writes one line when it is over, and turns
// a panic into an error page.
func (h *Handlers) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := h.Now()
		v := &visit{ID: store.NewID()[:12], Meta: &store.SessionMeta{}}
		// Both are filled in on the way; the session's row reads its part when scs commits.
		r = r.WithContext(store.WithSessionMeta(context.WithValue(r.Context(), visitKey{}, v), v.Meta))
		w.Header().Set("X-Request-Id", v.ID)
		sw := &statusWriter{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					panic(cause)
				}
				h.Log.Error("panic", "request", v.ID, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if sw.status == 0 {
					h.fail(sw, r, errors.New("panic"))
				}
			}
			if isBare(r.URL.Path) {
				return
			}
			level, attrs := slog.LevelInfo, []any{"request", v.ID, "method", r.Method, "route", v.Route, "status", sw.status,
				"duration", h.Now().Sub(began).Round(10 * time.Microsecond)}
			if v.signedIn() {
				attrs = append(attrs, "user", v.Actor.Staff.Portal+":"+v.Actor.Staff.Username)
			}
			if v.failed != nil {
				level = slog.LevelWarn
				attrs = append(attrs, "error", v.failed.Error())
			}
			h.Log.Log(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(sw, r)
	})
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
	closed bool // another answer has gone out in place of the handler's
}

func (w *statusWriter) WriteHeader(status int) {
	if w.closed {
		return
	}
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.closed {
		return len(b), nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// headers sets what every answer carries. render sets the CSP of pages.
func (h *Handlers) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=(), interest-cohort=()")
		if h.secure() {
			head.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// identified reads who is there from the session, and ends a session whose
// time or whose person's time is over.
func (h *Handlers) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		v.Prefs = h.readPrefs(r)
		v.Actor = desk.Actor{Address: h.address(r), Agent: r.UserAgent(), Request: v.ID}
		if err := h.identify(r, v); err != nil {
			h.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checked lets a request through to the route's handler when the reader's role
// includes what the route needs.
func (h *Handlers) checked(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		v.Route = rt.Pattern
		switch {
		case rt.Needs == public:
		case !v.signedIn():
			h.askToSignIn(w, r)
			return
		case !v.Actor.Staff.Role.Includes(rt.Needs):
			h.deny(r, rt, "the role "+string(v.Actor.Staff.Role)+" does not include this")
			h.fail(w, r, &desk.Problem{Kind: desk.Forbidden, Title: "Not allowed",
				Text: "Your role (" + string(v.Actor.Staff.Role) + ") does not include this. Nothing was done.", Advice: "Ask an admin of frontdesk if you need it."})
			return
		}
		v.Actor.Despite = r.PostForm.Get("despite")
		err := rt.Handle(w, r)
		var p *desk.Problem
		if errors.As(err, &p) && p.Kind == desk.Forbidden { // what the route alone could not tell, such as whose session it is
			h.deny(r, rt, p.Text)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	})
}

// deny records a post that was refused; reading somebody else's page is none.
func (h *Handlers) deny(r *http.Request, rt route, why string) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	h.Desk.Deny(r.Context(), visitOf(r).Actor.Who(), rt.Pattern, audit.Subject{ID: cuidOf(r)}, why)
}

// posted refuses state-changing requests from other origins and bounds the
// form, which is parsed here, once.
func (h *Handlers) posted(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origin := h.BaseURL.Scheme + "://" + h.BaseURL.Host
	if err := origins.AddTrustedOrigin(origin); err != nil {
		panic(err) // the configuration has checked that it is a URL with a host
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := origins.Check(r); err != nil {
			if v := visitOf(r); v.signedIn() { // a stranger's posts must not fill the log
				h.Desk.Deny(r.Context(), v.Actor.Who(), "post from another site", audit.Subject{}, r.Method+" "+r.URL.Path)
			}
			h.fail(w, r, &desk.Problem{Kind: desk.Forbidden, Title: "This came from another site",
				Text: "frontdesk takes forms from its own pages only. Nothing was done.", Advice: "Open frontdesk itself and do it there.", Err: err})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			h.fail(w, r, &desk.Problem{Kind: desk.Invalid, Title: "The form could not be read", Text: "It is too large, or was cut on its way. Nothing was done.",
				Advice: "Go back and send it again.", Err: err})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// address is the reader's IP address. X-Forwarded-For is believed only from
// trusted proxies: the last address in it that is not one of theirs counts.
func (h *Handlers) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if !h.isProxy(ip) {
		return ip.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap().WithZone("")
		if !h.isProxy(ip) {
			break
		}
	}
	return ip.String()
}

func (h *Handlers) isProxy(ip netip.Addr) bool {
	for _, p := range h.Proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
