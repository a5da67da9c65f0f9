// Package handlers faces browsers: the list of routes with their roles, the
// middleware, the sessions, and one file per handler, which parses, makes one
// call, renders or redirects, and returns an error.
package handlers

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	gorilla "github.com/gorilla/sessions"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"frontdesk/static"
	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// Config is what the handlers work with.
type Config struct {
	Desk      *desk.Desk
	Store     *store.DB
	Assets    *static.Assets
	Log       *slog.Logger
	Now       func() time.Time
	BaseURL   *url.URL // https turns on Secure __Host- cookies and HSTS
	Secret    []byte
	OldSecret []byte         // nil: none
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed
	Portals   []string       // offered at sign-in, in this order
	PortalURL map[string]string
	Demo      *Demo // nil: not the demo

	Traces     trace.TracerProvider          // collects a span of each request; nil: none does
	Propagator propagation.TextMapPropagator // reads which trace a request belongs to; nil: none is believed
}

// Demo is what the demo's sign-in page says.
type Demo struct {
	People   []views.DemoPerson
	Password string
}

// Handlers serves every page. Make it with New.
type Handlers struct {
	Config
	sessions *scs.SessionManager
	cookies  *gorilla.CookieStore
	texts    *lang.Catalogue
	routes   []route
	early    map[store.Role]*views.Ahead // which pages a browser may fetch ahead
	menus    map[store.Role][]views.MenuItem
	patterns *http.ServeMux // the routes' patterns alone, to look them up
	handler  http.Handler

	compression func(http.Handler) http.HandlerFunc

	alike   views.Alike
	metrics metrics
	tracer  trace.Tracer // nil: no request has a span
	crowd   *crowd

	listeners atomic.Int64 // pages that are kept up to date
	listening share        // the same by session

	uploads   chan struct{} // one for each upload being read
	uploading share         // uploads by session, those that wait left aside

	bodyLimit, answerLimit, uploadLimit, uploadWait, refreshWait time.Duration // fields, so that tests need not wait for them
}

// New returns the whole web application as one handler.
func New(c Config) (*Handlers, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &Handlers{Config: c, sessions: newSessions(c), bodyLimit: bodyLimit, answerLimit: answerLimit, uploadLimit: uploadLimit, uploadWait: uploadWaits,
		refreshWait: refreshWait, uploads: make(chan struct{}, uploadsMost)}
	var err error
	if h.texts, err = lang.New(); err != nil {
		return nil, err
	}
	if h.cookies, err = newCookies(c); err != nil {
		return nil, fmt.Errorf("derive the cookie keys: %w", err)
	}
	if h.compression, err = newCompression(); err != nil {
		return nil, fmt.Errorf("set up the compression of pages: %w", err)
	}
	h.crowd = newCrowd(requestsMost, requestsEach, requestsQueue, requestsWait)
	h.metrics = newMetrics(h)
	if c.Traces != nil {
		h.tracer = c.Traces.Tracer("frontdesk/handlers")
	}
	h.routes = h.allRoutes()
	h.early, h.menus = map[store.Role]*views.Ahead{}, map[store.Role][]views.MenuItem{}
	for _, role := range []store.Role{store.Viewer, store.Manager, store.Admin} {
		h.early[role], h.menus[role] = h.rules(role), h.menuOf(role)
	}
	h.handler = h.wrap(h.mux())
	return h, nil
}

func (h *Handlers) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

func (h *Handlers) secure() bool { return h.BaseURL.Scheme == "https" }
