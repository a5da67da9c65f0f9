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
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// answerLimit is how long a reader may take to fetch an answer; exports, which
// take longer, begin it anew with each part.
const answerLimit = 30 * time.Second

// wrap puts around the mux what every request but one for an asset passes: the
// compression, an ID and a log line, no crash without a page, the headers, the bound on
// how many are worked on, the checks of where it comes from and where it was meant to
// go, the session.
func (h *Handlers) wrap(next http.Handler) http.Handler {
	pages := h.sessions.LoadAndSave(h.identified(next))
	return h.asset(h.compressed(h.logged(h.headers(h.bounded(h.addressed(h.isolated(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isBare(r.URL.Path) { // no session is read for these
			next.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))))))))
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
	Idle   time.Time // when it ends if nothing happens
	Route  string
	Form   string        // what the page's CSP form-action admits beside 'self'
	Alarm  *desk.Problem // the audit log is not what this browser has seen
	Drafts bool          // the reader has drafts, of whatever page
	Typed  bool          // the draft that is given back was kept while it was typed: it may have been sent since
	File   *file         // that came with an upload; nil: none did
	Ahead  bool          // the browser fetches the page before anybody has asked for it: nothing may change
	Taken  bool          // the page shows what is given only once, so that it cannot be given ahead
	failed error         // for the log
	leave  func()        // gives the place among the requests back; nil: there is none
}

func (v *visit) signedIn() bool { return v.Actor.Staff.ID != 0 }

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// logged gives the request its ID and its span, writes one line when it is over,
// and turns a panic into an error page.
func (h *Handlers) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := h.Now()
		v := &visit{ID: store.NewID()[:12], Meta: &store.SessionMeta{}, Ahead: isAhead(r)}
		ctx, span := h.traced(r)
		// Both are filled in on the way; the session's row reads its part when scs commits.
		r = r.WithContext(store.WithSessionMeta(context.WithValue(ctx, visitKey{}, v), v.Meta))
		w.Header().Set("X-Request-Id", v.ID)
		sw := &statusWriter{ResponseWriter: w, limit: h.answerLimit}
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler {
					v.ended(span, r.Method, sw.status)
					panic(cause)
				}
				h.Log.Error("panic", "request", v.ID, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				if sw.status == 0 {
					h.fail(sw, r, errors.New("panic"))
				}
			}
			took := h.Now().Sub(began)
			h.metrics.answered(sw, r, v.Route, sw.status, took)
			v.ended(span, r.Method, sw.status)
			if isBare(r.URL.Path) {
				return
			}
			level, attrs := slog.LevelInfo, []any{"request", v.ID, "method", r.Method, "route", v.Route, "status", sw.status,
				"duration", took.Round(10 * time.Microsecond)}
			if v.Ahead {
				attrs = append(attrs, "ahead", true)
			}
			if v.signedIn() {
				attrs = append(attrs, "user", v.Actor.Staff.Portal+":"+v.Actor.Staff.Username)
			}
			if span != nil && span.SpanContext().IsSampled() { // what is not kept cannot be looked up
				attrs = append(attrs, "trace_id", span.SpanContext().TraceID().String())
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

// statusWriter remembers the status for the log, and gives the reader a limited
// time once the answer is there: a client that does not read must not hold a
// connection for as long as the slowest act may take.
type statusWriter struct {
	http.ResponseWriter
	limit  time.Duration
	status int
	closed bool // another answer has gone out in place of the handler's
}

func (w *statusWriter) WriteHeader(status int) {
	if w.closed {
		return
	}
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// begin is called with the status as soon as it is known.
func (w *statusWriter) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.limit)) // a test's recorder has none
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.closed {
		return len(b), nil
	}
	w.begin(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// permissions refuses what a browser could do for a page and none of ours asks
// for. Copying to the clipboard is left to our own pages.
const permissions = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), clipboard-read=(), clipboard-write=(self), compute-pressure=(), " +
	"display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), " +
	"idle-detection=(), keyboard-map=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), otp-credentials=(), payment=(), picture-in-picture=(), " +
	"publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), sync-xhr=(), usb=(), " +
	"window-management=(), xr-spatial-tracking=()"

// everyHeader is what every answer carries. render sets the CSP of pages, and the
// assets say themselves how long they may be kept. The values are made once for all
// answers: whoever wants another sets it, and changes none in its place.
var everyHeader = []struct {
	name  string
	value []string
}{
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"same-origin"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Embedder-Policy", []string{"require-corp"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Cache-Control", []string{"no-store"}},
}

var (
	secureHeader      = []string{"max-age=31536000; includeSubDomains"}
	permissionsHeader = []string{permissions} // of what may be a document, as no asset is
)

func (h *Handlers) setHeaders(head http.Header) {
	for _, one := range everyHeader {
		head[one.name] = one.value
	}
	if h.secure() {
		head["Strict-Transport-Security"] = secureHeader
	}
}

// headers sets what every answer carries.
func (h *Handlers) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.setHeaders(w.Header())
		w.Header()["Permissions-Policy"] = permissionsHeader
		next.ServeHTTP(w, r)
	})
}

// identified reads who is there from the session, and ends a session whose
// time or whose person's time is over.
func (h *Handlers) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		v.Prefs = h.readPrefs(r)
		r = r.WithContext(lang.With(r.Context(), h.language(r, v)))
		if v.Ahead {
			v.Prefs.changed = false // to be sealed anew, which has time
			if len(v.Prefs.Flashes) > 0 {
				h.later(w)
				return
			}
		}
		v.Actor = desk.Actor{Address: h.address(r), Agent: r.UserAgent(), Request: v.ID}
		if err := h.identify(r, v); errors.Is(err, errLater) {
			h.later(w)
			return
		} else if err != nil {
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
		case v.Ahead && (!rt.isAhead() || !v.signedIn() || isFragment(r)):
			h.later(w)
			return
		case rt.Needs == public:
		case !v.signedIn():
			h.askToSignIn(w, r)
			return
		case !v.Actor.Staff.Role.Includes(rt.Needs):
			h.deny(r, rt, "the role "+string(v.Actor.Staff.Role)+" does not include this")
			h.fail(w, r, &desk.Problem{Kind: desk.Forbidden, Title: "Not allowed",
				Text: desk.Say("Your role (%s) does not include this. Nothing was done.", roleTexts[v.Actor.Staff.Role]), Advice: "Ask an admin of frontdesk if you need it."})
			return
		}
		v.Actor.Despite = r.PostForm.Get("despite")
		err := rt.Handle(w, r)
		var p *desk.Problem
		if errors.As(err, &p) && p.Kind == desk.Forbidden { // what the route alone could not tell, such as whose session it is
			h.deny(r, rt, p.Text.String())
		}
		switch {
		case errors.Is(err, errLater), err != nil && !v.settled():
			h.later(w)
		case err != nil:
			h.fail(w, r, err)
		}
	})
}

// roleTexts are the roles' names.
var roleTexts = map[store.Role]desk.Text{
	store.Viewer: desk.Text(store.Viewer), store.Manager: desk.Text(store.Manager), store.Admin: desk.Text(store.Admin),
}

// deny records a post that was refused; reading somebody else's page is none.
func (h *Handlers) deny(r *http.Request, rt route, why string) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	h.Desk.Deny(r.Context(), visitOf(r).Actor.Who(), rt.Pattern, audit.Subject{ID: cuidOf(r)}, why)
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
		hop, err := parseHop(strings.TrimSpace(hops[i]))
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

// parseHop reads an entry of X-Forwarded-For. Some proxies add the port, and put
// IPv6 addresses in brackets.
func parseHop(text string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr(), nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	return netip.ParseAddr(text)
}

func (h *Handlers) isProxy(ip netip.Addr) bool {
	for _, p := range h.Proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
