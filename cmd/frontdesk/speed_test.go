package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"frontdesk/web/sandbox"
)

// What a page may weigh over the wire, with all that it loads and every header, in bytes.
const (
	firstVisit = 70 << 10
	laterPage  = 15 << 10
)

// TestBrowserSpeed holds in Chromium what one can feel: how little comes over the
// wire, and that a page is there when its link is clicked.
func TestBrowserSpeed(t *testing.T) {
	s := startServices(t)
	d := startDashboard(t, s.against(t))
	hire(t, d)
	mia := visit(t, d, "mia")
	for _, customer := range mia.customers()[:50] { // a day's work, so that every list is full
		mia.post(customer+"/sso", url.Values{"receipt": {mia.receipt(customer, customer+"/sso")}})
	}
	chromium := startChromium(t)
	t.Run("weights", func(t *testing.T) { weights(t, chromium, d) })
	t.Run("ahead", func(t *testing.T) { fetchedAhead(t, chromium, d) })
}

// scale weighs what a tab receives.
type scale struct {
	mu    sync.Mutex
	bytes map[network.RequestID]float64
	last  time.Time // something came
}

func (b *screen) scale() *scale {
	w := &scale{bytes: map[network.RequestID]float64{}}
	chromedp.ListenTarget(b.ctx, func(event any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.RedirectResponse != nil { // the same request goes on elsewhere
				w.bytes[e.RequestID+"-redirected"] += e.RedirectResponse.EncodedDataLength
			}
		case *network.EventResponseReceived: // so far its headers
			if !e.Response.FromDiskCache {
				w.bytes[e.RequestID] = e.Response.EncodedDataLength
			}
		case *network.EventDataReceived: // of a stream that does not end, too
			w.bytes[e.RequestID] += float64(e.EncodedDataLength)
		case *network.EventLoadingFinished:
			w.bytes[e.RequestID] = e.EncodedDataLength
		default:
			return
		}
		w.last = time.Now()
	})
	return w
}

// weigh is what came over the wire until nothing has come for a while.
func (w *scale) weigh(b *screen, do func()) (bytes, requests int) {
	b.t.Helper()
	w.mu.Lock()
	clear(w.bytes)
	w.mu.Unlock()
	do()
	eventually(b.t, "nothing more comes", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return time.Since(w.last) > 400*time.Millisecond
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.bytes {
		bytes += int(n)
		if n > 0 {
			requests++
		}
	}
	return bytes, requests
}

func weights(t *testing.T, chromium context.Context, d dashboard) {
	b := openScreen(t, chromium, d.URL, "alice, weighing")
	w := b.scale()
	hold := func(name string, most int, do func()) {
		t.Helper()
		bytes, requests := w.weigh(b, do)
		t.Logf("%-30s %5.1f KB of %d, %d requests", name, float64(bytes)/1024, most>>10, requests)
		if bytes > most || bytes == 0 {
			t.Errorf("%s weighs %d bytes, want %d at most", name, bytes, most)
		}
	}
	hold("sign-in, first visit", firstVisit, func() { b.visit("/login") })
	b.choose("portal", "customer")
	b.fill("username", "alice")
	b.fill("password", sandbox.Password)
	b.run("empty the cache", network.ClearBrowserCache())
	hold("home, after sign-in, no cache", firstVisit, func() { b.click("Sign in"); b.see("Good to see you") })
	var customer string
	if b.visit("/customers"); b.eval(`document.querySelector("#results tbody a").pathname`, &customer) != nil {
		t.Fatal("no customer")
	}
	var rows int
	if err := b.eval(`document.querySelectorAll("#results tbody tr").length`, &rows); err != nil || rows != 50 {
		t.Fatalf("a list of %d, %v", rows, err)
	}
	for _, page := range []struct{ name, path string }{
		{"home", "/"}, {"list of 50", "/customers"}, {"a customer", customer}, {"audit log", "/audit"}, {"SMS codes", "/sms"}, {"imports", "/imports"}, {"staff", "/staff"},
		{"tokens", "/tokens"},
	} {
		hold(page.name, laterPage, func() { b.visit(page.path) })
	}

	// What is cut says all of it when the pointer comes.
	b.visit("/customers")
	b.look(700, "light")
	var at []float64
	if err := b.eval(`(() => { const c = [...document.querySelectorAll("#results tbody td")].find(c => c.scrollWidth > c.clientWidth && c.clientWidth > 20);
		if (!c) return []; c.id = "cut"; c.scrollIntoView({block: "center"}); const r = c.getBoundingClientRect(); return [r.x + 8, r.y + r.height / 2] })()`, &at); err != nil || len(at) != 2 {
		t.Fatalf("no cell is cut: %v", err)
	}
	b.run("point at it", chromedp.MouseEvent(input.MouseMoved, at[0], at[1]))
	b.until("its title says all", `(c => c.title && c.title === c.textContent.trim())(document.querySelector("#cut"))`)
	b.look(1280, "light")
}

// fetchedAhead rests the pointer on a customer, and clicks.
func fetchedAhead(t *testing.T, chromium context.Context, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia, ahead")
	b.visit("/login")
	b.signIn("mia")
	b.visit("/customers")
	rest := func(selector string) {
		t.Helper()
		var at []float64
		if err := b.eval(fmt.Sprintf(`(r => [r.x + 10, r.y + r.height / 2])(document.querySelector(%s).getBoundingClientRect())`, quote(selector)), &at); err != nil {
			t.Fatal(err)
		}
		b.run("point at "+selector, chromedp.MouseEvent(input.MouseMoved, at[0], at[1]))
	}
	logged := func(text string) int { return strings.Count(d.stderr.String(), text) }
	ahead := func() int { return logged("ahead=true") }
	const link = "#results tbody tr:nth-child(3) a"
	var name string
	if err := b.eval(fmt.Sprintf(`document.querySelector(%s).textContent.trim()`, quote(link)), &name); err != nil {
		t.Fatal(err)
	}
	rest(link)
	eventually(t, "the page is fetched ahead", func() bool { return ahead() == 1 })
	b.press("the customer", fmt.Sprintf(`document.querySelector(%s)`, quote(link)))
	b.at("/customers/[^/]+")
	b.see(name)
	b.until("what was fetched is shown", `performance.getEntriesByType("navigation")[0].deliveryType === "navigational-prefetch"`)
	eventually(t, "the page tells that somebody is here", func() bool { return logged(`route="POST /session/active" status=204`) > 0 })

	// What is posted ends what was fetched before it: the page is asked for anew, ahead or not.
	before := ahead()
	rest(`nav a[href="/sms"]`)
	eventually(t, "the page is fetched ahead", func() bool { return ahead() == before+1 })
	b.until("a theme is chosen", `fetch("/theme", {method: "POST", body: new URLSearchParams({theme: "dark"}), redirect: "manual"}).then(() => true)`)
	b.press("SMS codes", `document.querySelector('nav a[href="/sms"]')`)
	b.at("/sms")
	b.until("the page is of now", `document.documentElement.dataset.theme === "frontdesk-dark"`)

	// What acts, and what does not only read, is not fetched however long one points at it.
	before = ahead()
	rest(`nav a[href="/tokens"]`)
	b.run("wait", chromedp.Sleep(700*time.Millisecond))
	b.visit("/customers")
	b.until("the link to a new customer is there", `document.querySelector('a[href="/customers/new"]')`)
	rest(`a[href="/customers/new"]`)
	b.run("wait", chromedp.Sleep(700*time.Millisecond))
	if n := ahead(); n != before {
		t.Errorf("%d pages more were fetched ahead", n-before)
	}
}
