package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// secrets are what must not leak, by what they are.
type secrets struct {
	mu   sync.Mutex
	all  map[string]string // secret → what it is
	echo string            // the service that answers with what it was sent
}

// echoes makes a service do so; "" none.
func (s *secrets) echoes(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echo = service
}

func (s *secrets) plant(what, secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[secret] = what
}

// found names the secrets that occur in text.
func (s *secrets) found(text string) []string {
	return s.foundAs(text, func(secret string) []string { return []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} })
}

// hidden names those that occur in any of the forms in which one could be written
// and not be seen.
func (s *secrets) hidden(text string) []string { return s.foundAs(text, formsOf) }

// foundAs looks for each secret's forms. Digits must stand alone: longer numbers
// hold any six of them sooner or later.
func (s *secrets) foundAs(text string, forms func(secret string) []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for secret, what := range s.all {
		for _, form := range forms(secret) {
			if !strings.Contains(text, form) {
				continue
			}
			if strings.Trim(form, "0123456789") == "" && !regexp.MustCompile(`(^|[^0-9])`+form+`($|[^0-9])`).MatchString(text) {
				continue
			}
			found = append(found, what)
			break
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// formsOf are a secret as it is, escaped, in hexadecimal, backwards, and in base64
// wherever in a longer text it stands.
func formsOf(secret string) []string {
	backwards := []byte(secret)
	slices.Reverse(backwards)
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret), string(backwards)}
	for before := range 3 {
		padded := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)[(before*8+5)/6:] // without what the bytes before have a part in
			if len(padded)%3 != 0 {
				text = text[:len(text)-1] // nor those behind
			}
			forms = append(forms, text)
		}
	}
	return forms
}

const portalPassword = "planted-portal-password"

// listen stands between frontdesk and the sandbox: it gives the portal a
// password that can be told from other words, and notes each secret that a
// service gives out. A service that echoes refuses everything with it.
func (s *secrets) listen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		echo := s.echo
		s.mu.Unlock()
		if echo != "" && strings.HasPrefix(r.URL.Path, "/"+echo+"/") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			text, err := json.Marshal(fmt.Sprint("Refused ", r.URL.RawQuery, r.Header["X-Access-Superkey"], r.Header["X-Access-Supertoken"],
				r.Header["X-Access-Key"], r.Header["X-Access-Token"], r.Header["Authorization"], string(body)))
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"message": %s, "error": %[1]s}`, text)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/portal/") {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			body = bytes.Replace(body, []byte(portalPassword), []byte(sandbox.Password), 1)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		got := httptest.NewRecorder() // it cannot be hijacked: a fault that drops the connection panics, which drops it
		next.ServeHTTP(got, r)
		var answer struct{ Key, Token string }
		if json.Unmarshal(got.Body.Bytes(), &answer) == nil {
			s.plant("a key from "+r.URL.Path, answer.Key)
			s.plant("a token from "+r.URL.Path, answer.Token)
		}
		if to := got.Header().Get("Location"); to != "" {
			_, token, _ := strings.Cut(to, "token=")
			s.plant("the SSO link", token)
		}
		maps.Copy(w.Header(), got.Header())
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes()) // the caller may have gone
	})
}

// TestLeaks does every act, with faults too, walks every page, and looks for
// the secrets in pages, headers, log, audit log and the database's bytes.
func TestLeaks(t *testing.T) {
	t.Parallel()
	s := &secrets{all: map[string]string{}}
	superKey, superToken, ip1Key := "planted-super-key", "planted-super-token", "planted-ip1-key"
	w := newWorld(t, setup{super: [2]string{superKey, superToken}, box: sandbox.Config{IP1Key: ip1Key}, wrap: s.listen, act: time.Second})
	s.plant("the super key", superKey)
	s.plant("the super token", superToken)
	s.plant("the iP1 key", ip1Key)
	s.plant("the portal password", portalPassword)
	s.plant("a wrong password", "planted-wrong-password")
	s.plant("the CPaaS token", "planted-cpaas-token")
	s.plant("a wrong passcode", "planted-wrong-passcode")
	s.plant("a wrong SMS code", "planted-wrong-code")

	// What the next answer is meant to show; everything else is a leak.
	var mayShow []string
	var saw = map[string]bool{}
	w.watch = func(r *http.Request, p *page) {
		for _, m := range w.box.Outbox() {
			s.plant("a code sent to "+m.To, m.Code)
		}
		head := p.res.Header.Clone()
		if p.status == http.StatusSeeOther && strings.HasPrefix(p.location(), w.boxURL+"/platform?token=") {
			head.Del("Location") // the one place where the link goes
			saw["the SSO link"] = true
		}
		for _, what := range s.found(fmt.Sprint(head)) {
			t.Errorf("%s: %s is in the headers: %v", p.what, what, head)
		}
		for _, what := range s.found(p.body) {
			if slices.ContainsFunc(mayShow, func(prefix string) bool { return strings.HasPrefix(what, prefix) }) {
				saw[what] = true
				continue
			}
			t.Errorf("%s: %s is on the page", p.what, what)
		}
	}
	showing := func(what ...string) func() {
		mayShow = what
		return func() { mayShow = nil }
	}

	b := w.browser()
	b.signIn("alice", "planted-wrong-password").wantStatus(http.StatusUnauthorized)
	b.signIn("alice", portalPassword).wantStatus(http.StatusSeeOther)
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	faults := []string{`"status": 500, "body": "html"`, `"body": "truncated"`, `"lose_answer": true`, `"refuse_credentials": true`}
	const echo = "echo" // a fault that only these tests have
	faults = append(faults, echo)
	set := func(service, fault string) {
		if fault == echo {
			s.echoes(service)
		} else {
			w.fault(`{"service": "` + service + `", ` + fault + `}`)
		}
	}
	calm := func() { s.echoes(""); w.calm() }
	n := 0
	for _, c := range []struct {
		name, service, page, action string
		typed                       func() url.Values
		shows                       []string // on the page that success leads to
	}{
		{"renew", "portal", "/tokens", "/session/renew", func() url.Values { return url.Values{"password": {portalPassword}} }, nil},
		{"renew, wrong", "", "/tokens", "/session/renew", func() url.Values { return url.Values{"password": {"planted-wrong-password"}} }, nil},
		{"create", "atom", "/customers/new", "/customers", func() url.Values {
			n++
			return url.Values{"company": {"Leak AB"}, "email": {fmt.Sprintf("leak%d@leak.example", n)}}
		}, []string{"a key from /atom/customer", "a token from /atom/customer"}},
		{"SSO", "atom", path, path + "/sso", nil, nil},
		{"passcode", "atom", path + "/passcode", path + "/passcode", nil, nil},
		{"redeem, wrong", "atom", path + "/passcode", path + "/passcode/redeem", func() url.Values { return url.Values{"passcode": {"planted-wrong-passcode"}} }, nil},
		{"redeem", "atom", path + "/passcode", path + "/passcode/redeem", func() url.Values { return url.Values{"passcode": {w.lastCode(emailFirst)}} }, []string{"a key from", "a token from /atom"}},
		{"issue", "atom", path, path + "/credentials", func() url.Values {
			return url.Values{"reason": {"ticket"}, "method": {"cuid"}, "password": {portalPassword}}
		}, []string{"a key from", "a token from /atom"}},
		{"issue, nopasscode", "atom", path, path + "/credentials", func() url.Values {
			return url.Values{"reason": {"ticket"}, "method": {"nopasscode"}, "password": {portalPassword}}
		}, []string{"a key from", "a token from /atom"}},
		{"reveal", "portal", path, path + "/credentials/reveal", func() url.Values { return url.Values{"password": {portalPassword}} }, []string{"a key from", "a token from /atom"}},
		{"SMS", "ip1", "/sms", "/sms", func() url.Values {
			return url.Values{"phone": {"+46701740605"}, "length": {"14"}, "expiration_time": {"30"}}
		}, nil},
		{"settings", "ip1", "/sms/settings", "/sms/settings", func() url.Values { return url.Values{"length": {"14"}} }, nil},
		{"CPaaS token", "", "/tokens", "/tokens/cpaas", func() url.Values { return url.Values{"token": {"planted-cpaas-token"}} }, nil},
		{"token", "", "/tokens", "/tokens/reveal", func() url.Values { return url.Values{"password": {sandbox.Password}} }, []string{"a token from /portal"}},
	} {
		form := func() url.Values {
			var typed url.Values
			if c.typed != nil {
				typed = c.typed()
			}
			w.clock.advance(16 * time.Minute) // the password is asked for anew, and no SMS code is active
			return b.get(c.page).form(c.action).filled(typed)
		}
		for _, fault := range faults {
			if c.service == "" {
				break
			}
			f := form()
			set(c.service, fault)
			b.post(c.action, f)
			calm()
		}
		if c.name == "redeem" {
			w.clock.advance(16 * time.Minute)
			b.post(path+"/passcode", url.Values{"receipt": {"fresh"}}).wantStatus(http.StatusSeeOther)
		}
		f := b.get(c.page).form(c.action).filled(nil)
		if c.typed != nil {
			for name, v := range c.typed() {
				f[name] = v
			}
		}
		p := b.post(c.action, f)
		if strings.HasSuffix(c.name, "wrong") {
			p.wantStatus(http.StatusUnprocessableEntity)
			continue
		}
		p.wantStatus(http.StatusSeeOther)
		if strings.HasPrefix(p.location(), "/") {
			done := showing(c.shows...)
			shown := b.follow(p)
			shown.wantStatus(http.StatusOK)
			done()
		}
	}
	// An SMS code, wrong, then right.
	sms := b.post("/sms", url.Values{"phone": {"+46701740608"}, "length": {"14"}}).location()
	b.post(sms+"/verify", url.Values{"code": {"planted-wrong-code"}}).wantStatus(http.StatusUnprocessableEntity)
	for _, fault := range faults {
		set("ip1", fault)
		b.post(sms+"/verify", url.Values{"code": {w.lastCode("+46701740608")}, "receipt": {fault}})
		calm()
	}
	sms = b.post("/sms", url.Values{"phone": {"+46701740609"}, "length": {"14"}}).location()
	b.post(sms+"/verify", url.Values{"code": {w.lastCode("+46701740609")}}).wantStatus(http.StatusSeeOther)
	// The customer's own record, well and with faults.
	b.get(path + "/live").wantStatus(http.StatusOK)
	for _, fault := range faults {
		set("atom", fault)
		b.get(path + "/live")
		calm()
	}
	b.get("/tokens?answer=none")

	// Signed out, with every secret in the form: it waits in a cookie, without them.
	b.post("/logout", nil)
	b.post(path+"/credentials", url.Values{"reason": {"r"}, "password": {portalPassword}})
	b.post(path+"/passcode/redeem", url.Values{"passcode": {"planted-wrong-passcode"}})
	b.post("/tokens/cpaas", url.Values{"token": {"planted-cpaas-token"}})
	s.echoes("portal")
	b.signIn("alice", portalPassword).wantStatus(http.StatusUnauthorized)
	calm()
	b.signIn("alice", portalPassword).wantStatus(http.StatusSeeOther)

	// Every page, for everybody; acts' answers are pages that others could guess.
	var walk []string
	seen := map[string]bool{}
	for _, e := range w.entries(audit.Filter{}) { // one of each kind and end
		if kind := e.What + string(e.Result); !seen[kind] {
			seen[kind] = true
			walk = append(walk, fmt.Sprintf("/audit/%d", e.ID))
		}
	}
	if len(walk) < 30 {
		t.Errorf("only %d kinds of act and end are in the log", len(walk))
	}
	walk = append(walk, "/", "/customers", "/customers?q=leak", path, path+"/passcode", "/sms", sms, "/sms/settings", "/tokens", "/sessions", "/staff", "/audit",
		"/customers/new", "/sso?email="+emailFirst, "/nowhere")
	for _, at := range walk {
		b.get(at)
	}
	mia := w.browser()
	mia.signIn("mia", portalPassword).wantStatus(http.StatusSeeOther)
	for _, at := range walk[len(walk)-15:] {
		mia.get(at)
	}

	for _, what := range []string{"the SSO link", "a key from /atom/customer", "a token from /atom/customer"} {
		if !saw[what] {
			t.Errorf("%s was never shown where it belongs: the test looks for the wrong thing", what)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(saw)), func(what string) bool { return strings.HasPrefix(what, "a token from /portal") }) {
		t.Error("the portal token was never shown where it belongs")
	}
	if len(s.all) < 25 {
		t.Errorf("only %d secrets were planted", len(s.all))
	}
	for _, what := range s.hidden(w.log.String()) {
		t.Errorf("%s is in the log", what)
	}
	for _, e := range w.entries(audit.Filter{}) {
		for _, what := range s.hidden(fmt.Sprintf("%+v", e)) { // intents are found in the database's bytes below
			t.Errorf("%s is in the audit log: %+v", what, e)
		}
	}
	w.atRest(s, "while signed in")
	b.post("/logout", nil)
	mia.post("/logout", nil)
	w.atRest(s, "signed out")
	w.clock.advance(8 * 24 * time.Hour)
	w.restart() // what has expired is swept
	w.atRest(s, "expired")
}

// atRest looks for the secrets in what the database holds, and in a backup of it.
func (w *world) atRest(s *secrets, when string) {
	w.t.Helper()
	for name, b := range w.stored() {
		for _, what := range s.hidden(string(b)) {
			w.t.Errorf("%s: %s is in %s", when, what, name)
		}
	}
}

// The forms in which secrets are looked for are those in which they occur.
func TestHiddenSecretsAreFound(t *testing.T) {
	t.Parallel()
	const secret = "pl?nted secret"
	s := &secrets{all: map[string]string{secret: "it", "123456": "a code"}}
	for before := range 4 {
		for behind := range 4 {
			text := strings.Repeat("x", before) + secret + strings.Repeat("y", behind)
			for _, hidden := range []string{
				text, base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
				hex.EncodeToString([]byte(text)), fmt.Sprintf("%X", text), url.QueryEscape(text), url.PathEscape(text),
			} {
				if got := s.hidden("before " + hidden + " behind"); !slices.Equal(got, []string{"it"}) {
					t.Errorf("%q in %q: found %q", text, hidden, got)
				}
			}
		}
	}
	if got := s.hidden("terces detn?lp, code 123456."); !slices.Equal(got, []string{"a code", "it"}) {
		t.Errorf("found %q", got)
	}
	if got := s.hidden("planted secret, number 0123456"); len(got) != 0 {
		t.Errorf("found %q", got)
	}
}
