package handlers

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"frontdesk/static"
	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/desk"
	"frontdesk/web/ip1"
	"frontdesk/web/portal"
	"frontdesk/web/sandbox"
	"frontdesk/web/sandbox/boxtest"
)

// TestMain runs the tests, or is the sandbox that a benchmark has started.
func TestMain(m *testing.M) {
	boxtest.Serve()
	os.Exit(runTests(m))
}

// Customers that every sandbox is seeded with: the first, and the two who
// share an e-mail address.
const (
	emailFirst  = "jonas.brandt@nordlicht-logistik.example"
	emailShared = "ekonomi@sundqvist.example"
	emailPlus   = "o'neill+events@oneill-catering.example"
)

// setup is what a world differs in from an ordinary one.
type setup struct {
	https     bool
	hosts     string // FRONTDESK_SSO_HOSTS
	noSMS     bool
	sms       smsLimits
	reason    bool
	customers int           // 20 when 0
	act       time.Duration // limit of an acting call
	rest      time.Duration // of a service that has failed several times in a row
	never     bool          // is a call held back
	box       sandbox.Config
	list      time.Duration                   // limit of a call whose answer is long
	wrap      func(http.Handler) http.Handler // around the sandbox
	via       func(services string) string    // the address under which frontdesk reaches the sandbox
	super     [2]string
	portals   []string
	proxies   []netip.Prefix
	demo      bool
	still     bool // the clock stands, but for what a test puts it forward
}

// smsLimits are the desk's limits on SMS codes.
type smsLimits struct {
	countries           []string
	perStaff, perNumber int
	cooldown            time.Duration
}

// world is frontdesk with real HTTP, a real database and the three services
// simulated.
type world struct {
	t     testing.TB
	setup setup
	clock *clock
	log   *lockedBuffer
	path  string // of the database

	secret, oldSecret []byte

	box    *sandbox.Server
	boxURL string

	db   *store.DB
	desk *desk.Desk
	h    *Handlers
	stop func()

	server   *httptest.Server
	patterns *http.ServeMux // the routes' patterns
	serves   atomic.Pointer[Handlers]
	nonces   sync.Map // of the pages' CSP; none may come twice

	// watch, when set, sees every answer that a browser got.
	watch func(r *http.Request, p *page)
}

// clock runs with the real one, some way ahead of it, or from a time at which it stands.
type clock struct {
	ahead atomic.Int64
	still time.Time // zero: it runs
}

func (c *clock) Now() time.Time {
	now := c.still
	if now.IsZero() {
		now = time.Now()
	}
	return now.Add(time.Duration(c.ahead.Load()))
}
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const worldSecret = "a secret of at least 32 bytes, for tests only"

func newWorld(t testing.TB, s setup) *world {
	t.Helper()
	w := &world{t: t, setup: s, clock: &clock{}, log: &lockedBuffer{}, path: freshDatabase(t), secret: []byte(worldSecret)}
	if s.still {
		w.clock.still = time.Now().Truncate(time.Millisecond)
	}
	s.box.Now = w.clock.Now
	if s.box.Customers = s.customers; s.box.Customers == 0 {
		s.box.Customers = 20
	}
	s.box.SuperKey, s.box.SuperToken = s.super[0], s.super[1]
	w.box = sandbox.New(s.box)
	var services http.Handler = w.box
	if s.wrap != nil {
		services = s.wrap(services)
	}
	boxServer := httptest.NewServer(services)
	if w.boxURL = boxServer.URL; s.via != nil {
		w.boxURL = s.via(boxServer.URL)
	}
	serve := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serves.Load().ServeHTTP(rw, r) })
	if s.https {
		w.server = httptest.NewTLSServer(serve)
	} else {
		w.server = httptest.NewServer(serve)
	}
	w.start()
	t.Cleanup(func() {
		w.calm()
		w.server.Close()
		w.stop()
		boxServer.CloseClientConnections()
		boxServer.Close()
	})
	ctx := context.Background()
	err := w.desk.SeedStaff(ctx, []store.Staff{
		{Portal: "customer", Username: "alice", Name: "Alice Andersson", Role: store.Admin},
		{Portal: "customer", Username: "mia", Name: "Mia Moreau", Role: store.Manager},
		{Portal: "customer", Username: "victor", Name: "Victor Vance", Role: store.Viewer},
		{Portal: "atmosphere", Username: "mia", Name: "Mia Other", Role: store.Manager},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.refresh()
	return w
}

// asksForWhatThereIs fails a test in which a text is asked for that one of the
// languages does not have.
func asksForWhatThereIs(t *testing.T, h *Handlers) {
	translated, asked := h.texts, &sync.Map{}
	h.texts = translated.Watched(func(form string) { asked.Store(form, true) })
	t.Cleanup(func() {
		for form := range asked.Range {
			if form := form.(string); strings.ContainsFunc(strings.ReplaceAll(form, "%s", ""), unicode.IsLetter) && !translated.Has(form) {
				t.Errorf("there is no translation of %q", form)
			}
		}
	})
}

// start opens the database and serves from it, as the program does; a second
// one after stop is a restart.
func (w *world) start() {
	w.t.Helper()
	s := w.setup
	db, err := store.Open(context.Background(), store.Options{Path: w.path, Secret: w.secret, OldSecret: w.oldSecret, Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	limits := call.Limits{Connect: 2 * time.Second, Act: 5 * time.Second, List: 5 * time.Second, Rest: s.rest}
	if s.act != 0 {
		limits.Act = s.act
	}
	if s.never {
		limits.Failures = -1
	}
	if s.list != 0 {
		limits.List = s.list
	}
	stats := call.NewStats(w.clock.Now)
	names := s.portals
	if names == nil {
		names = []string{portal.Customer, portal.Atmosphere}
	}
	portals := map[string]*portal.Client{}
	for _, name := range names {
		if portals[name], err = portal.New(name, w.boxURL+"/portal/"+name, call.New("portal", limits, stats)); err != nil {
			w.t.Fatal(err)
		}
	}
	hosts, err := desk.ParseSSOHosts(s.hosts, w.boxURL+"/atom")
	if err != nil {
		w.t.Fatal(err)
	}
	// Times and durations are left out: their digits could look like a code.
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{}
		}
		return a
	}}))
	or := func(v, fallback string) string {
		if v == "" {
			return fallback
		}
		return v
	}
	c := desk.Config{
		Store: db, Portals: portals, Hosts: hosts, Stats: stats, Log: log, Now: w.clock.Now,
		Atom: atom.New(w.boxURL+"/atom", or(s.super[0], "sandbox-superkey"), or(s.super[1], "sandbox-supertoken"), call.New("atom", limits, stats)),
		Sync: time.Hour, Act: limits.Act, Idle: 30 * time.Minute, Reason: s.reason,
		SMSCountries: s.sms.countries, SMSPerStaff: s.sms.perStaff, SMSPerNumber: s.sms.perNumber, SMSCooldown: s.sms.cooldown,
	}
	if !s.noSMS {
		c.IP1 = ip1.New(w.boxURL+"/ip1", ip1.Credentials{Account: or(s.box.IP1Account, "ip1-00000"), Key: or(s.box.IP1Key, "sandbox-key")}, call.New("ip1", limits, stats))
	}
	d := desk.New(c)
	if len(w.oldSecret) > 0 {
		if _, err := d.ChangeSecret(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	assets, err := static.New()
	if err != nil {
		w.t.Fatal(err)
	}
	base, err := url.Parse(w.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	config := Config{Desk: d, Store: db, Assets: assets, Log: log, Now: w.clock.Now, BaseURL: base, Secret: w.secret, OldSecret: w.oldSecret, Portals: names, Proxies: s.proxies}
	if s.demo {
		config.Demo = &Demo{Password: sandbox.Password}
	}
	h, err := New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	h.refreshWait = 30 * time.Second   // tests of the wait set their own
	if t, ok := w.t.(*testing.T); ok { // a benchmark has no time for it
		asksForWhatThereIs(t, h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var jobs sync.WaitGroup
	jobs.Go(func() { d.Run(ctx) })
	w.db, w.desk, w.h = db, d, h
	w.serves.Store(h)
	w.stop = sync.OnceFunc(func() {
		cancel()
		jobs.Wait()
		drain, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		if err := d.Drain(drain); err != nil {
			w.t.Error("acts under way at the end:", err)
		}
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// restartWith is a restart with other secrets; old is nil once it was removed.
func (w *world) restartWith(secret, old string) {
	w.t.Helper()
	w.stop()
	w.secret, w.oldSecret = []byte(secret), []byte(old)
	w.start()
}

// refresh reads ATOM's list as a manager would.
func (w *world) refresh() {
	w.t.Helper()
	by := desk.Actor{Staff: store.Staff{Role: store.Admin, Active: true}}
	if _, err := w.desk.Mirror.Refresh(context.Background(), by, true); err != nil {
		w.t.Fatal("refresh the mirror:", err)
	}
}

// fault sets a fault of the sandbox; calm clears them all.
func (w *world) fault(change string) {
	w.t.Helper()
	if err := w.box.Control(change); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) calm() {
	for _, service := range []string{"portal", "atom", "ip1"} {
		w.fault(`{"service": "` + service + `", "reset_faults": true}`)
	}
}

// customer is the first customer with this e-mail.
func (w *world) customer(email string) store.Customer {
	w.t.Helper()
	all, err := w.db.CustomersByEmail(context.Background(), email)
	if err != nil || len(all) == 0 {
		w.t.Fatalf("customer %s: %d found, %v", email, len(all), err)
	}
	return all[0]
}

// calls are the service calls since mark, without the lists that are also read in
// the background.
func (w *world) calls(mark int) []string {
	var all []string
	for _, c := range w.box.Journal()[mark:] {
		if c.Service == "atom" && strings.HasSuffix(c.Path, "/customer/") || c.Method == http.MethodGet && c.Path == "/ip1/api/authentications" {
			continue
		}
		all = append(all, c.Method+" "+c.Path)
	}
	return all
}

func (w *world) mark() int { return len(w.box.Journal()) }

// entries lists the log, newest first.
func (w *world) entries(f audit.Filter) []audit.Entry {
	w.t.Helper()
	found, err := w.db.Search(context.Background(), f, audit.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Entries
}

// lastCode is the code in the newest message to somebody.
func (w *world) lastCode(to string) string {
	w.t.Helper()
	out := w.box.Outbox()
	for _, m := range slices.Backward(out) {
		if m.To == to {
			return m.Code
		}
	}
	w.t.Fatalf("nothing was sent to %s: %v", to, out)
	return ""
}

// browser is one person's: it keeps cookies and does not follow redirects.
type browser struct {
	t testing.TB
	w *world
	c *http.Client
}

// in is the same browser, in a subtest.
func (b *browser) in(t testing.TB) *browser { return &browser{t, b.w, b.c} }

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: w.server.Client().Transport}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{w.t, w, c}
}

// signedIn is a browser in which somebody has signed in: "mia", or
// "atmosphere:mia" at another portal.
func (w *world) signedIn(who string) *browser {
	w.t.Helper()
	b := w.browser()
	p := b.signIn(who, sandbox.Password)
	p.wantStatus(http.StatusSeeOther)
	return b
}

func (b *browser) signIn(who, password string) *page {
	b.t.Helper()
	at, name, ok := strings.Cut(who, ":")
	if !ok {
		at, name = "customer", who
	}
	return b.post("/login", url.Values{"portal": {at}, "username": {name}, "password": {password}})
}

func (b *browser) do(method, target string, form url.Values, header ...string) *page {
	t := b.t
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.w.server.URL + target
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.w.server.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	res, err := b.c.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	p := newPage(t, method+" "+r.URL.RequestURI(), res, string(text))
	p.checkHeaders(b.w)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && method != http.MethodHead {
		p.checkHTML(r.Header.Get("HX-Request") == "true" || r.URL.Path == "/sms/country" || r.URL.Path == "/palette" || r.URL.Path == "/shortcuts")
	}
	if b.w.watch != nil {
		b.w.watch(r, p)
	}
	return p
}

func (b *browser) get(path string, header ...string) *page {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, form url.Values, header ...string) *page {
	b.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return b.do(http.MethodPost, path, form, header...)
}

// submit fills in a page's form and sends it, as a person would: hidden
// fields and choices go with it.
func (b *browser) submit(p *page, action string, fill url.Values) *page {
	b.t.Helper()
	return b.post(action, p.form(action).filled(fill))
}

// follow goes where a 303 leads.
func (b *browser) follow(p *page) *page {
	b.t.Helper()
	p.wantStatus(http.StatusSeeOther)
	return b.get(p.location())
}

// cookie is the cookie that an answer sets; nil when it sets none.
func (p *page) cookie(name string) *http.Cookie {
	for _, c := range p.res.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
