// Package sandbox simulates the three remote services that frontdesk works
// with: the IntelePeer portals, ATOM and iP1. It is used by tests, by
// `frontdesk demo` and by `frontdesk sandbox`.
//
// It is strict on purpose. Headers, methods, paths, field types and the order
// of events are checked as the vendors' documents have them, so that a client
// which passes here works against the real services. Where nobody documents
// what happens, the choice made is the one that is harder on the client.
//
// It imports nothing of frontdesk's: a mistake in a client must not be
// mirrored in its test double.
package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// Config says how a sandbox is set up. The zero value is usable.
type Config struct {
	// BaseURL is the public address of the sandbox itself, such as
	// "http://127.0.0.1:8081", used in the Location of an SSO answer.
	// When empty it is derived from the request's Host.
	BaseURL string

	// Customers is how many customers are seeded: 250 when 0, none when negative.
	Customers int

	// SuperKey and SuperToken open ATOM's App level; they default to
	// sandbox-superkey and sandbox-supertoken.
	SuperKey, SuperToken string

	// IP1Account and IP1Key are iP1's Basic credentials and default to
	// ip1-00000 and sandbox-key. IP1Token is accepted as Bearer when set.
	IP1Account, IP1Key, IP1Token string

	// Now is the clock; time.Now when nil.
	Now func() time.Time `json:"-"`
}

// The three simulated services, as the control and the journal name them.
const (
	servicePortal = "portal"
	serviceATOM   = "atom"
	serviceIP1    = "ip1"
)

const defaultCustomers = 250

// Server is the whole sandbox behind one http.Handler. It is safe for
// concurrent use and keeps everything in memory.
type Server struct {
	baseURL string
	now     func() time.Time

	control *control
	journal *journal
	outbox  *outbox
	portal  *portal
	atom    *atom
	ip1     *ip1
}

// New returns a seeded sandbox.
func New(cfg Config) *Server {
	or := func(v, fallback string) string {
		if v == "" {
			return fallback
		}
		return v
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	count := cfg.Customers
	if count == 0 {
		count = defaultCustomers
	}
	s := &Server{
		baseURL: strings.TrimRight(cfg.BaseURL, "/"),
		now:     now,
		control: newControl(),
		journal: &journal{},
		outbox:  &outbox{},
	}
	s.portal = &portal{now: s.control.clock(servicePortal, now), control: s.control, tokens: map[string]portalToken{}}
	s.atom = &atom{
		now: s.control.clock(serviceATOM, now), control: s.control, outbox: s.outbox,
		superKey:   or(cfg.SuperKey, "sandbox-superkey"),
		superToken: or(cfg.SuperToken, "sandbox-supertoken"),
	}
	s.atom.reseed(count)
	s.ip1 = &ip1{
		now: s.control.clock(serviceIP1, now), control: s.control, outbox: s.outbox,
		account: or(cfg.IP1Account, "ip1-00000"),
		key:     or(cfg.IP1Key, "sandbox-key"),
		token:   cfg.IP1Token,
		nextID:  1001,
	}
	return s
}

// ServeHTTP serves every mount of the sandbox. It takes the escaped path apart
// itself: http.ServeMux cleans and redirects paths, and a cuid may hold
// slashes, dots and percent signs that must arrive as they were sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	mount, rest := strings.TrimPrefix(path, "/"), ""
	if i := strings.IndexByte(mount, '/'); i >= 0 {
		mount, rest = mount[:i], mount[i:]
	}
	switch mount {
	case servicePortal:
		s.serveService(w, r, servicePortal, rest, s.portal.answer)
		return
	case serviceATOM:
		s.serveService(w, r, serviceATOM, rest, s.atom.answer)
		return
	case serviceIP1:
		s.serveService(w, r, serviceIP1, rest, s.ip1.answer)
		return
	}
	switch path {
	case "/platform":
		s.servePlatform(w, r)
	case "/outbox":
		s.serveOutbox(w, r)
	case "/outbox.json":
		s.serveOutboxJSON(w, r)
	case "/control":
		s.serveControl(w, r)
	case "/journal":
		s.serveJournal(w, r)
	case "/":
		s.serveIndex(w, r)
	default:
		writeReply(w, jsonReply(http.StatusNotFound, message{"The sandbox has no such page; see /."}))
	}
}

// Journal returns every call that the services received, oldest first.
func (s *Server) Journal() []Call { return s.journal.list() }

// Outbox returns the e-mails and SMS that "went out", oldest first.
func (s *Server) Outbox() []Message { return s.outbox.list() }

// Control applies a change written as for POST /control and returns the error
// that would have been answered.
func (s *Server) Control(change string) error { return s.change([]byte(change)) }

// TokenOwner returns the username that a portal token belongs to, and false
// for a token that is unknown or has expired.
func (s *Server) TokenOwner(token string) (username string, ok bool) {
	return s.portal.owner(token)
}

// AddCustomer adds a JSON object to ATOM's list exactly as it is given, so that
// a test can plant objects that the seed does not have. Its "cuid", "email" and
// "company" take part in the calls when they are there.
func (s *Server) AddCustomer(object string) error { return s.atom.addRaw([]byte(object)) }

// publicURL is the address under which the caller reaches the sandbox.
func (s *Server) publicURL(r *http.Request) string {
	if s.baseURL != "" {
		return s.baseURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// wait sleeps for d, or until the caller has gone away.
func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// prng is SplitMix64: small, and the same on every machine and Go version,
// which the seed and the rates of faults promise.
type prng uint64

func (p *prng) next() uint64 {
	*p += 0x9e3779b97f4a7c15
	z := uint64(*p)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n returns a number in [0, max).
func (p *prng) n(max int) int { return int(p.next() % uint64(max)) }

// fraction returns a number in [0, 1).
func (p *prng) fraction() float64 { return float64(p.next()>>11) / (1 << 53) }
