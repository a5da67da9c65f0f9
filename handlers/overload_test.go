package handlers

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/call"
	"frontdesk/web/desk"
)

// slowATOM lets SSO calls wait until release, and counts those that do.
func slowATOM() (wrap func(http.Handler) http.Handler, inside *atomic.Int64, release func()) {
	inside, let := new(atomic.Int64), make(chan struct{})
	wrap = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/sso") {
				inside.Add(1)
				<-let
			}
			next.ServeHTTP(w, r)
		})
	}
	return wrap, inside, sync.OnceFunc(func() { close(let) })
}

// until waits for a condition.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("waited in vain for " + what)
		}
	}
}

// customersOf are so many customers with an e-mail address of their own.
func (w *world) customersOf(n int) (all []store.Customer) {
	w.t.Helper()
	page, err := w.db.FindCustomers(w.t.Context(), store.CustomerQuery{Limit: 20, Whole: true})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range page.Customers {
		if c.Email != "" && c.Email != emailShared && len(all) < n {
			all = append(all, c.Customer)
		}
	}
	if len(all) < n {
		w.t.Fatalf("only %d customers", len(all))
	}
	return all
}

// TestOverloadIsTurnedAway: while as many requests as there are places wait for a slow
// service, one more gets a short 503 and nothing of it is begun; what is exempt goes
// on, and so does everything afterwards.
func TestOverloadIsTurnedAway(t *testing.T) {
	t.Parallel()
	wrap, inside, release := slowATOM()
	w := newWorld(t, setup{wrap: wrap, act: 30 * time.Second})
	defer release()
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	all := w.customersOf(4)
	path := views.CustomerPath(all[3].CUID)
	streams := w.listen(alice, path+"/events")
	w.h.crowd = newCrowd(3, 9, 0, time.Second)
	var acts sync.WaitGroup
	for _, c := range all[:3] {
		acts.Go(func() {
			if p := mia.post(views.CustomerPath(c.CUID)+"/sso", url.Values{"receipt": {receipt()}}); p.status != http.StatusSeeOther {
				t.Errorf("an act that waited: status %d, %s", p.status, p.problem())
			}
		})
	}
	w.until("three acts", func() bool { return inside.Load() == 3 })
	entries, calls := len(w.entries(audit.Filter{})), w.mark()

	const title = "frontdesk has too much to do right now"
	html := []string{"Accept", "text/html,*/*;q=0.8"}
	for name, p := range map[string]*page{
		"a page":               alice.get("/customers", html...),
		"an act":               alice.post(path+"/sso", url.Values{"receipt": {receipt()}}, html...),
		"a part of a page":     alice.get("/customers", append(html, "HX-Request", "true")...),
		"no page":              alice.get("/customers"),
		"a stream":             alice.get(path+"/events", "Accept", "text/event-stream"),
		"what is not there":    alice.get("/none", html...),
		"somebody unknown":     w.browser().post("/login", url.Values{"portal": {"customer"}, "username": {"mia"}, "password": {"x"}}, html...),
		"a page fetched ahead": alice.get("/customers", append(html, "Sec-Purpose", "prefetch")...),
	} {
		kind := "text/plain"
		if name == "a page" || name == "an act" || name == "what is not there" || name == "somebody unknown" {
			kind = "text/html"
		}
		again := p.res.Header.Get("Retry-After")
		if p.status != http.StatusServiceUnavailable || again != "5" || !strings.HasPrefix(p.res.Header.Get("Content-Type"), kind) || len(p.body) > 1000 {
			t.Errorf("%s: status %d, Retry-After %q, %s, %d bytes", name, p.status, again, p.res.Header.Get("Content-Type"), len(p.body))
		}
		if name != "a page fetched ahead" && (!strings.Contains(p.body, title) || !strings.Contains(p.body, "Nothing of what you asked for was begun")) {
			t.Errorf("%s: %s", name, p.body)
		}
		if len(p.res.Cookies()) != 0 {
			t.Errorf("%s: a cookie is set", name)
		}
	}
	for accepted, want := range map[string]string{"sv": "för mycket att göra", "fr": "trop à faire", "es": "demasiado que hacer"} {
		if p := w.browser().get("/login", append(html, "Accept-Language", accepted)...); !strings.Contains(p.body, want) || !strings.Contains(p.body, `lang="`+accepted+`"`) {
			t.Errorf("in %s: %s", accepted, p.body)
		}
	}
	for _, at := range []string{"/healthz", "/readyz"} {
		alice.get(at).wantStatus(http.StatusOK)
	}
	if n := len(w.entries(audit.Filter{})); n != entries || w.mark() != calls {
		t.Errorf("%d entries and %d calls of what was turned away", n-entries, w.mark()-calls)
	}
	select {
	case _, open := <-streams:
		if !open {
			t.Error("a stream that was open has ended")
		}
	case <-time.After(30 * time.Second):
		t.Error("a stream that was open said nothing")
	}

	release()
	acts.Wait()
	alice.get("/customers", html...).wantStatus(http.StatusOK)
	alice.submit(alice.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	w.until("no request under way", func() bool { return w.h.crowd.under.Load() == 0 })
}

// TestRequestsWaitBrieflyForAPlace: as many as may, and none keeps all others out.
func TestRequestsWaitBrieflyForAPlace(t *testing.T) {
	t.Parallel()
	wrap, inside, release := slowATOM()
	w := newWorld(t, setup{wrap: wrap, act: 30 * time.Second, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer release()
	mia := w.signedIn("mia")
	of := func(address string) []string {
		return []string{"X-Forwarded-For", address, "Accept", "text/html"}
	}
	act := func(c store.Customer) {
		if p := mia.post(views.CustomerPath(c.CUID)+"/sso", url.Values{"receipt": {receipt()}}, of("192.0.2.1")...); p.status != http.StatusSeeOther {
			t.Errorf("an act that waited: status %d, %s", p.status, p.problem())
		}
	}
	all := w.customersOf(2)

	// Of two places one address may have one.
	w.h.crowd = newCrowd(2, 1, 0, time.Second)
	var acts sync.WaitGroup
	acts.Go(func() { act(all[0]) })
	w.until("an act", func() bool { return inside.Load() == 1 })
	w.browser().get("/login", of("192.0.2.1")...).wantStatus(http.StatusServiceUnavailable)
	w.browser().get("/login", of("192.0.2.2")...).wantStatus(http.StatusOK)

	// There is one place, and one may wait for it.
	w.h.crowd = newCrowd(1, 9, 1, 30*time.Second)
	acts.Go(func() { act(all[1]) })
	w.until("another act", func() bool { return inside.Load() == 2 })
	var waits sync.WaitGroup
	waits.Go(func() { w.browser().get("/login", of("192.0.2.2")...).wantStatus(http.StatusOK) })
	w.until("one that waits", func() bool { return w.h.crowd.waiting.Load() == 1 })
	w.browser().get("/login", of("192.0.2.3")...).wantStatus(http.StatusServiceUnavailable)
	release()
	waits.Wait()
	acts.Wait()
}

// TestStreamsTakeNoPlaceOfPages: pages that are open and kept up to date leave the only
// place to those that are asked for.
func TestStreamsTakeNoPlaceOfPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia := w.signedIn("mia")
	w.h.crowd = newCrowd(1, 1, 0, 0)
	for _, c := range w.customersOf(3) {
		if first := <-w.listen(mia, views.CustomerPath(c.CUID)+"/events"); !strings.HasPrefix(first, "part: ") {
			t.Errorf("a stream begins with %q", first)
		}
		w.until("its place to be free", func() bool { return w.h.crowd.under.Load() == 0 })
	}
	mia.get("/customers").wantStatus(http.StatusOK)
	if n := w.h.listeners.Load(); n != 3 {
		t.Errorf("%d streams are open", n)
	}
}

// TestOneServiceThatHangs: acts at the others are as quick as ever meanwhile; then
// its own are held back, home says so in every language, and the first after that
// tries again.
func TestOneServiceThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{act: 25 * time.Second, rest: 10 * time.Second})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	all := w.customersOf(7)
	mark := w.mark()
	w.fault(`{"service": "atom", "hang": true}`)
	var hanging atomic.Int64
	var acts sync.WaitGroup
	for _, c := range all[:5] {
		hanging.Add(1)
		acts.Go(func() {
			p := mia.post(views.CustomerPath(c.CUID)+"/sso", url.Values{"receipt": {receipt()}})
			hanging.Add(-1)
			if p.status != http.StatusBadGateway {
				t.Errorf("an act that hangs: status %d, %s", p.status, p.problem())
			}
		})
	}
	w.until("five calls that hang", func() bool { return len(w.calls(mark)) == 5 })
	alice.post("/sms", url.Values{"phone": {"+46701740605"}}).wantStatus(http.StatusSeeOther)
	w.signedIn("mia")
	alice.get("/customers").wantStatus(http.StatusOK)
	if hanging.Load() != 5 {
		t.Error("iP1, the portal or the list waited for ATOM")
	}
	w.calm() // calls that hang are dropped
	acts.Wait()

	mark = w.mark()
	path := views.CustomerPath(all[5].CUID)
	held := mia.submit(mia.get(path), path+"/sso", nil)
	if held.status != http.StatusBadGateway || !strings.Contains(held.problem(), "ATOM is in trouble, and is not asked for a moment") ||
		!strings.Contains(held.problem(), "Nothing was sent") || !strings.Contains(held.problem(), "You can try again in") || len(w.calls(mark)) != 0 {
		t.Errorf("held back: status %d, %s; calls %q", held.status, held.problem(), w.calls(mark))
	}
	for language, want := range map[string][2]string{
		"en": {"held back", "Several calls in a row have failed, and acts are held back."}, "sv": {"hålls tillbaka", "Flera anrop i rad"},
		"fr": {"retenu", "Plusieurs appels de suite"}, "es": {"retenido", "Varias llamadas seguidas"},
	} {
		alice.get("/", "Accept-Language", language).want(want[:]...)
	}
	w.until("the end of the rest", func() bool { return w.desk.Health("atom").Acts.Until.IsZero() })
	home := mia.get("/")
	home.want("The next act tries again.")
	home.wantNo("acts are held back")
	if n := len(w.calls(mark)); n != 0 {
		t.Errorf("%d calls that nobody made", n)
	}
	path = views.CustomerPath(all[6].CUID)
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	mia.get("/").wantNo("in a row have failed")
}

// TestHomeTellsOfAListThatIsHeldBack: acts go on meanwhile.
func TestHomeTellsOfAListThatIsHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{rest: time.Minute})
	mia := w.signedIn("mia")
	w.fault(`{"service": "atom", "status": 500, "body": "html"}`)
	by := desk.Actor{Staff: store.Staff{Role: store.Admin, Active: true}}
	var err error
	for n := 0; n < 6 && !errors.Is(err, call.ErrHeld); n++ { // a sync of its own accord may come between
		if _, err = w.desk.Mirror.Refresh(t.Context(), by, false); err == nil || errors.Is(err, call.ErrHeld) && n == 0 {
			t.Errorf("refresh %d: %v", n+1, err)
		}
	}
	if !errors.Is(err, call.ErrHeld) {
		t.Error(err)
	}
	w.calm()
	mia.get("/").want("Its list has failed several times in a row, and may be asked for again in")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
}
