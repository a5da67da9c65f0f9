package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// thorough tells many long stories; "make prove" does.
var thorough = os.Getenv("FRONTDESK_THOROUGH") != ""

// unlessGiven sets one of rapid's flags, unless the command line has set it.
func unlessGiven(t *testing.T, name string, value int) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	if err := flag.Set(name, strconv.Itoa(value)); err != nil {
		t.Fatal(err)
	}
}

// TestStories has several people do whatever staff can do, in random order and in
// simulated time, and holds a small model of what must come of it against the pages,
// the log, the vault and the services. What fails shrinks to a short story, which is
// printed; -rapid.seed or -rapid.failfile tells it again.
func TestStories(t *testing.T) {
	t.Parallel()
	stories, steps := 8, 40
	if thorough {
		stories, steps = 500, 60
	}
	unlessGiven(t, "rapid.checks", stories)
	unlessGiven(t, "rapid.steps", steps)
	began := time.Now()
	var told, done, acts, pages atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		m := newModel(t, r)
		r.Repeat(map[string]func(*rapid.T){
			"":                    m.holds,
			"time passes":         m.timePasses,
			"sign in":             m.signIn,
			"sessions":            m.oneOf(m.wrongPassword, m.signOut, m.renew, m.endSession),
			"staff":               m.oneOf(m.changeStaff, m.addStaff),
			"restart":             m.restart,
			"look":                m.look,
			"look at an answer":   m.lookAtAnswer,
			"open":                m.open,
			"create":              m.create,
			"create, answer lost": m.createLost,
			"e-mail passcode":     m.sendPasscode,
			"redeem passcode":     m.redeem,
			"issue":               m.issue,
			"reveal":              m.reveal,
			"send code":           m.sendCode,
			"verify code":         m.verify,
			"limit codes":         m.limitCodes,
			"one's own":           m.oneOf(m.pin, m.saveView, m.removeView),
			"import":              m.importRows,
			"post again":          m.postAgain,
			"at once":             m.oneOf(m.createAtOnce, m.redeemAtOnce, m.sendCodesAtOnce, m.actAtOnce, m.clickTwice),
			"go on":               m.goOn,
		})
		m.ends()
		told.Add(1)
		done.Add(int64(m.steps))
		acts.Add(int64(m.acts))
		pages.Add(m.pages.Load())
	})
	t.Logf("result: %d stories of %d steps with %d acts and %d pages in %s", told.Load(), done.Load(), acts.Load(), pages.Load(), time.Since(began).Round(time.Second))
}

// storyTB lets a world live as long as one story.
type storyTB struct {
	testing.TB // what rapid has none of is the test's
	r          *rapid.T
}

func (s storyTB) Helper()                           { s.r.Helper() }
func (s storyTB) Error(args ...any)                 { s.r.Helper(); s.r.Error(args...) }
func (s storyTB) Errorf(format string, args ...any) { s.r.Helper(); s.r.Errorf(format, args...) }
func (s storyTB) Fatal(args ...any)                 { s.r.Helper(); s.r.Fatal(args...) }
func (s storyTB) Fatalf(format string, args ...any) { s.r.Helper(); s.r.Fatalf(format, args...) }
func (s storyTB) Fail()                             { s.r.Fail() }
func (s storyTB) FailNow()                          { s.r.FailNow() }
func (s storyTB) Failed() bool                      { return s.r.Failed() }
func (s storyTB) Log(args ...any)                   { s.r.Helper(); s.r.Log(args...) }
func (s storyTB) Logf(format string, args ...any)   { s.r.Helper(); s.r.Logf(format, args...) }
func (s storyTB) Cleanup(f func())                  { s.r.Cleanup(f) }
func (s storyTB) Context() context.Context          { return s.r.Context() }

func (s storyTB) TempDir() string {
	dir, err := os.MkdirTemp("", "story")
	if err != nil {
		s.r.Fatal(err)
	}
	s.r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// login is a portal user, staff or not.
type login struct {
	name, portal, username string
	id                     int64 // 0: not on the staff list
	role                   store.Role
	active                 bool
	refused                int // sign-ins since the last that was not
}

// seat is a browser at which one person sits.
type seat struct {
	*login
	name     string
	b        *browser
	in       bool
	n        int       // of the session, told apart by it
	seen     time.Time // as the session has it
	ends     time.Time // of the portal token
	password time.Time // when it was last given
}

// customer is one whom the story is about.
type customer struct {
	cuid, email string
	given       *keys // stored; nil: none are
	passcode    string
	until       time.Time // the passcode is good
}

// keys are a customer's.
type keys struct{ key, token string }

// code is one that was sent by SMS.
type code struct {
	id          string // its page
	phone, text string
	at          time.Time
	used        bool
	tries       int // wrong ones
}

// earlier is an act that may collide with a colleague's.
type earlier struct {
	kind, on string
	by       *login
	at       time.Time
}

// posted is a form that was sent and led to an act.
type posted struct {
	s       *seat
	session int
	what    string
	action  string
	form    url.Values
	status  int
	to      string
	at      time.Time
	earlier int // acts that could be in the way by then
}

// answer is a page with a key and a token.
type shown struct {
	path    string
	s       *seat
	session int
	keys    keys
	at      time.Time
}

// view is a saved one.
type view struct {
	id     int64
	name   string
	owner  *login
	shared bool
}

// model is what must hold, beside the world in which it must.
type model struct {
	w         *world
	r         *rapid.T
	logins    []*login
	seats     []*seat
	customers []*customer
	before    int // customers that there were when the story began
	earlier   []earlier
	sent      map[string][]earlier // codes that count, by number
	codes     []*code
	wrong     map[string][]time.Time // wrong codes that were tried, by number
	limit     int                    // of active codes to one number
	posted    []*posted
	shown     []*shown
	warned    *posted // was refused because of a colleague, and can be sent all the same
	pins      map[int64]map[string]bool
	views     []*view

	next     int   // for names that are there once
	entry    int64 // the log's last that was looked at
	mark     int   // the same of the services' journal
	acts     int
	steps    int
	story    []string
	pages    atomic.Int64
	secretMu sync.Mutex
	secrets  map[string]string // what must not leak → what it is
	may      map[string]bool   // what the next page may show of it
	given    map[string]keys   // the newest that ATOM gave, by cuid
}

// Limits that a story comes up against.
const (
	modelPerStaff  = 6
	modelPerNumber = 4
	modelCooldown  = 30 * time.Second
	modelShield    = 2 * time.Minute
	codeHolds      = 20 * time.Minute
	passcodeHolds  = 15 * time.Minute
)

var modelPhones = []string{"+46701740695", "+46701740696"}

func newModel(t *testing.T, r *rapid.T) *model {
	m := &model{r: r, sent: map[string][]earlier{}, wrong: map[string][]time.Time{}, limit: desk.SMSDefaultLimit, pins: map[int64]map[string]bool{}, secrets: map[string]string{}, given: map[string]keys{}}
	r.Cleanup(func() {
		if r.Failed() {
			r.Logf("the story:\n%s", strings.Join(m.story, "\n"))
		}
	})
	m.w = newWorld(storyTB{t, r}, setup{
		still: true, never: true, wrap: m.listen,
		sms: smsLimits{perStaff: modelPerStaff, perNumber: modelPerNumber, cooldown: modelCooldown},
	})
	m.w.watch = m.watch
	for _, l := range []login{
		{name: "Alice", portal: "customer", username: "alice"}, {name: "Mia", portal: "customer", username: "mia"}, {name: "Victor", portal: "customer", username: "victor"},
		{name: "Other-Mia", portal: "atmosphere", username: "mia"}, {name: "Mallory", portal: "customer", username: "mallory"},
	} {
		m.logins = append(m.logins, &l)
	}
	staff, err := m.w.db.AllStaff(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range staff {
		for _, l := range m.logins {
			if l.portal == s.Portal && l.username == s.Username {
				l.id, l.role, l.active = s.ID, s.Role, s.Active
				m.pins[l.id] = map[string]bool{}
			}
		}
	}
	for i, l := range []int{0, 1, 1, 2, 3, 4} {
		s := &seat{login: m.logins[l], name: m.logins[l].name, b: m.w.browser()}
		if i == 2 {
			s.name = "Mia-at-home"
		}
		m.seats = append(m.seats, s)
	}
	for _, email := range []string{emailFirst, emailPlus} {
		m.customers = append(m.customers, &customer{cuid: m.w.customer(email).CUID, email: email})
	}
	m.before = len(m.present())
	m.mark, m.entry = m.w.mark(), m.lastEntry()
	m.tell("all but Mallory sign in")
	for _, s := range m.seats[:5] {
		m.signsIn(s)
	}
	return m
}

// tell adds a sentence to the story.
func (m *model) tell(format string, args ...any) {
	m.steps++
	m.story = append(m.story, fmt.Sprintf("%3d. ", m.steps)+fmt.Sprintf(format, args...))
}

// so adds to the last sentence what came of it.
func (m *model) so(format string, args ...any) {
	m.story[len(m.story)-1] += fmt.Sprintf(format, args...)
}

func (m *model) name(prefix string) string {
	m.next++
	return fmt.Sprintf("%s%d", prefix, m.next)
}

func (m *model) now() time.Time { return m.w.clock.Now() }

// listen stands before the sandbox and notes each key and token that ATOM gives.
func (m *model) listen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/atom/customer") || r.URL.Path == "/atom/customer/" {
			next.ServeHTTP(w, r)
			return
		}
		got := httptest.NewRecorder() // it cannot be hijacked: a fault that drops the connection panics, which drops it
		next.ServeHTTP(got, r)
		var answer struct{ CUID, Key, Token string }
		m.secretMu.Lock()
		if json.Unmarshal(got.Body.Bytes(), &answer) == nil && answer.Key != "" {
			m.given[answer.CUID] = keys{answer.Key, answer.Token}
			m.secrets[answer.Key], m.secrets[answer.Token] = "the key of "+answer.CUID, "the token of "+answer.CUID
		}
		if _, token, ok := strings.Cut(got.Header().Get("Location"), "token="); ok {
			m.secrets[token] = "a sign-in link"
		}
		m.secretMu.Unlock()
		maps.Copy(w.Header(), got.Header())
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes()) // the caller may have gone
	})
}

// watch holds that no page shows what it must not.
func (m *model) watch(r *http.Request, p *page) {
	m.pages.Add(1)
	m.secretMu.Lock()
	defer m.secretMu.Unlock()
	for _, sent := range m.w.box.Outbox() {
		m.secrets[sent.Code] = "a code sent to " + sent.To
	}
	head := p.res.Header.Clone()
	if strings.HasPrefix(p.location(), m.w.boxURL+"/platform?token=") {
		head.Del("Location") // the one place where a link goes
	}
	headers := fmt.Sprint(head)
	for secret, what := range m.secrets {
		if strings.Contains(p.body, secret) && !m.may[secret] && isWord(p.body, secret) {
			m.r.Errorf("%s shows %s", p.what, what)
		}
		if strings.Contains(headers, secret) && isWord(headers, secret) {
			m.r.Errorf("%s has %s in its headers", p.what, what)
		}
	}
}

// isWord tells whether a short secret stands alone somewhere: longer texts hold it
// sooner or later.
func isWord(text, secret string) bool {
	return len(secret) > 12 || regexp.MustCompile(`(^|[^0-9A-Za-z])`+regexp.QuoteMeta(secret)+`($|[^0-9A-Za-z])`).MatchString(text)
}

// allow lets the next pages show a customer's keys.
func (m *model) allow(k *keys) func() {
	m.secretMu.Lock()
	defer m.secretMu.Unlock()
	m.may = map[string]bool{}
	if k != nil {
		m.may[k.key], m.may[k.token] = true, true
	}
	return func() {
		m.secretMu.Lock()
		defer m.secretMu.Unlock()
		m.may = nil
	}
}

// newest are the keys that ATOM gave last.
func (m *model) newest(cuid string) *keys {
	m.secretMu.Lock()
	defer m.secretMu.Unlock()
	k, ok := m.given[cuid]
	if !ok {
		return nil
	}
	return &k
}

func (m *model) lastEntry() int64 {
	found, err := m.w.db.Search(m.r.Context(), audit.Filter{Whole: true}, audit.Page{Limit: 1})
	if err != nil {
		m.r.Fatal(err)
	}
	if len(found.Entries) == 0 {
		return 0
	}
	return found.Entries[0].ID
}

// came is what came of a step: acts in the log, as "act: outcome", refusals that are
// on record, and calls that act.
type came struct {
	acts   []string
	denied int
	calls  []string
}

// since is what has come since it was last asked for, in the name of by.
func (m *model) since(by *login) came {
	var c came
	for _, call := range m.w.calls(m.mark) {
		if !strings.HasPrefix(call, "GET /ip1/") { // a code's state, and the account's defaults
			plain, err := url.PathUnescape(call)
			if err != nil {
				m.r.Fatal(err)
			}
			c.calls = append(c.calls, plain)
		}
	}
	m.mark = m.w.mark()
	intents, outcomes := map[string]audit.Entry{}, map[string]bool{}
	entries := m.w.entries(audit.Filter{Whole: true})
	slices.Reverse(entries)
	for _, e := range entries {
		if e.ID <= m.entry {
			continue
		}
		m.entry = e.ID
		m.discreet(e)
		if e.Phase == audit.Event && e.Result != audit.Denied || by == nil {
			continue
		}
		if e.Who.Portal != by.portal || e.Who.Username != by.username {
			m.r.Errorf("entry %d (%s) is in the name of %s:%s, and it was %s", e.ID, e.What, e.Who.Portal, e.Who.Username, by.name)
		}
		switch e.Phase {
		case audit.Event:
			c.denied++
		case audit.Intent:
			intents[e.Act] = e
		case audit.Outcome:
			if _, ok := intents[e.Act]; !ok || outcomes[e.Act] {
				m.r.Errorf("entry %d (%s) is an outcome without an intent, or the second one", e.ID, e.What)
			}
			outcomes[e.Act] = true
			c.acts = append(c.acts, e.What+": "+string(e.Result))
		}
	}
	if len(intents) != len(outcomes) {
		m.r.Errorf("%d intents have %d outcomes", len(intents), len(outcomes))
	}
	m.acts += len(outcomes)
	slices.Sort(c.acts)
	slices.Sort(c.calls)
	return c
}

// discreet holds that an entry of the log has no secret in it.
func (m *model) discreet(e audit.Entry) {
	m.secretMu.Lock()
	defer m.secretMu.Unlock()
	text := strings.Join([]string{e.Detail, e.Reason, e.Changes, e.On.ID, e.On.Name, e.Who.Session, e.Who.Agent}, "\n")
	for secret, what := range m.secrets {
		if strings.Contains(text, secret) && isWord(text, secret) {
			m.r.Errorf("entry %d (%s) has %s in it", e.ID, e.What, what)
		}
	}
}

// wants holds what must have come of a step, and nothing else.
func (m *model) wants(by *login, status, want int, expected came) {
	m.r.Helper()
	m.so(" → %d", status)
	if status != want {
		m.r.Errorf("answered %d, want %d", status, want)
	}
	got := m.since(by)
	slices.Sort(expected.acts)
	slices.Sort(expected.calls)
	if !slices.Equal(got.acts, expected.acts) {
		m.r.Errorf("on record are the acts %q, want %q", got.acts, expected.acts)
	}
	if got.denied != expected.denied {
		m.r.Errorf("%d refusals are on record, want %d", got.denied, expected.denied)
	}
	if !slices.Equal(got.calls, expected.calls) {
		m.r.Errorf("the services got the calls %q, want %q", got.calls, expected.calls)
	}
}

// holds is looked at after every step.
func (m *model) holds(r *rapid.T) {
	ctx := r.Context()
	for _, c := range m.customers {
		stored, err := m.w.db.Credentials(ctx, c.cuid)
		switch {
		case c.given == nil && !errors.Is(err, store.ErrNotFound):
			r.Errorf("the vault has keys of %s, and none were given: %v", c.email, err)
		case c.given != nil && (err != nil || stored.Key != c.given.key || stored.Token != c.given.token):
			r.Errorf("the vault has not the newest keys of %s: %v", c.email, err)
		}
		for _, l := range m.logins {
			pinned, err := m.w.db.IsPinned(ctx, l.id, c.cuid)
			if err != nil || pinned != m.pins[l.id][c.cuid] {
				r.Errorf("%s pinned by %s: %v, %v", c.email, l.name, pinned, err)
			}
		}
	}
	for _, l := range m.logins {
		if l.id == 0 {
			continue
		}
		all, err := m.w.db.Views(ctx, store.PageCustomers, l.id)
		if err != nil {
			r.Fatal(err)
		}
		var got, want []string
		for _, v := range all {
			got = append(got, v.Name)
		}
		for _, v := range m.views {
			if v.owner == l || v.shared {
				want = append(want, v.name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			r.Errorf("%s sees the views %q, want %q", l.name, got, want)
		}
	}
}

// ends holds what must be so when a story is over.
func (m *model) ends() {
	ctx := m.r.Context()
	got, err := m.w.db.Verify(ctx)
	if err != nil || got.Open != 0 {
		m.r.Errorf("the log has %d open acts: %v", got.Open, err)
	}
	m.w.refresh()
	found := m.present()
	n := map[string]int{}
	for _, c := range found {
		n[c.Email]++
	}
	for _, c := range m.customers {
		if n[c.email] != 1 {
			m.r.Errorf("%s is a customer %d times", c.email, n[c.email])
		}
	}
	if created := len(m.customers) - 2; len(found) != m.before+created {
		m.r.Errorf("there are %d customers, want the %d of before and the %d of the story", len(found), m.before, created)
	}
}

// present are the customers that the list shows.
func (m *model) present() []store.ListedCustomer {
	found, err := m.w.db.FindCustomers(m.r.Context(), store.CustomerQuery{Limit: 1000})
	if err != nil {
		m.r.Fatal(err)
	}
	return found.Customers
}

// one draws one of several.
func one[T any](m *model, what string, all []T) T {
	return all[rapid.IntRange(0, len(all)-1).Draw(m.r, what)]
}

func (m *model) flip(what string) bool { return rapid.Bool().Draw(m.r, what) }

// oneOf is any of several things that people do less often.
func (m *model) oneOf(some ...func(*rapid.T)) func(*rapid.T) {
	return func(r *rapid.T) { one(m, "which", some)(r) }
}

// alive tells whether a seat is signed in, should it ask for something now.
func (m *model) alive(s *seat) bool {
	now := m.now()
	if s.in && (!s.active || now.Sub(s.seen) > 30*time.Minute || !now.Before(s.ends)) {
		s.in = false
	}
	return s.in
}

// asks is noted whenever a seat asks for something: its session goes on.
func (m *model) asks(s *seat) {
	if m.alive(s) && m.now().Sub(s.seen) > touchEvery {
		s.seen = m.now()
	}
}

// get reads a page as a seat.
func (m *model) get(s *seat, path string) *page {
	m.asks(s)
	return s.b.get(path, "User-Agent", s.name)
}

func (m *model) post(s *seat, action string, form url.Values) *page {
	m.asks(s)
	return s.b.post(action, form, "User-Agent", s.name)
}

// may tells whether a seat can send a form that needs a role; where it cannot, the
// form is sent all the same, and must come to nothing.
func (m *model) mayPost(s *seat, needs store.Role, action string, form url.Values) bool {
	m.r.Helper()
	switch {
	case !m.alive(s):
		p := m.post(s, action, form)
		m.wants(s.login, p.status, http.StatusSeeOther, came{})
		if p.location() != "/login" {
			m.r.Errorf("signed out, and led to %q", p.location())
		}
		return false
	case !s.role.Includes(needs):
		p := m.post(s, action, form)
		m.wants(s.login, p.status, http.StatusForbidden, came{denied: 1})
		return false
	}
	return true
}

// form is the form to action on a page, filled in; where the page does not offer it,
// it is sent all the same.
func (m *model) form(s *seat, at, action string, fill url.Values) url.Values {
	if p := m.get(s, at); p.hasForm(action) {
		return p.form(action).filled(fill)
	}
	form := maps.Clone(fill)
	if form == nil {
		form = url.Values{}
	}
	form.Set("receipt", m.name("receipt-"))
	return form
}

// keep remembers a form that led to an act.
func (m *model) keep(s *seat, what, action string, form url.Values, p *page) {
	m.posted = append(m.posted, &posted{s: s, session: s.n, what: what, action: action, form: form, status: p.status, to: p.location(), at: m.now()})
}

// collides tells whether a colleague has just done an act of this kind.
func (m *model) collides(s *seat, kind, on string) bool {
	return slices.ContainsFunc(m.earlier, func(e earlier) bool {
		return e.kind == kind && e.on == on && e.by != s.login && m.now().Sub(e.at) < modelShield
	})
}

// warns holds that an act was refused because of a colleague's, and keeps the form.
func (m *model) warns(s *seat, what, action string, form url.Values, p *page) {
	m.wants(s.login, p.status, http.StatusUnprocessableEntity, came{})
	m.so(", since a colleague just did it")
	if !p.hasForm(action) || p.form(action).values.Get("despite") == "" {
		m.r.Errorf("the page does not offer to go on: %s", p.problem())
		return
	}
	next := p.form(action).values
	for name, values := range form {
		if next.Get(name) == "" {
			next[name] = values
		}
	}
	m.warned = &posted{s: s, session: s.n, what: what, action: action, form: next, at: m.now(), earlier: len(m.earlier)}
}

func (m *model) did(s *seat, kind, on string) {
	m.earlier = append(m.earlier, earlier{kind, on, s.login, m.now()})
}

// atOnce posts several forms at the same moment.
func (m *model) atOnce(forms ...*posted) []int {
	status := make([]int, len(forms))
	errs := make([]error, len(forms))
	var all sync.WaitGroup
	for i, f := range forms {
		m.asks(f.s)
		all.Go(func() {
			r, err := http.NewRequest(http.MethodPost, m.w.server.URL+f.action, strings.NewReader(f.form.Encode()))
			if err != nil {
				errs[i] = err
				return
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("User-Agent", f.s.name)
			res, err := f.s.b.c.Do(r)
			if err != nil {
				errs[i] = err
				return
			}
			defer res.Body.Close()
			_, errs[i] = io.Copy(io.Discard, res.Body)
			status[i], f.status, f.to, f.at = res.StatusCode, res.StatusCode, res.Header.Get("Location"), m.now()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		m.r.Fatal(err)
	}
	return status
}

// path is of a customer's page.
func (c *customer) path() string { return views.CustomerPath(c.cuid) }

const password = sandbox.Password
