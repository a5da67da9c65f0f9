package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"frontdesk/static"
	"frontdesk/web/sandbox"
)

// startChromium runs Chromium until the test's end.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("CHROME")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	if path == "" {
		t.Fatal("no Chromium found: run the tests with `make test`, which installs it, or name one in CHROME")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true), chromedp.Flag("lang", "en-GB"),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, quit := chromedp.NewContext(allocated, chromedp.WithErrorf(func(string, ...any) {})) // events younger than the library
	t.Cleanup(func() { chromedp.Cancel(ctx); quit(); stop() })
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// screen is a tab with cookies of its own. Whatever goes wrong on its pages,
// from console errors to violations of the CSP, fails the test.
type screen struct {
	t       *testing.T
	ctx     context.Context
	base    string
	who     string // in the names of what is reported
	cookies cdp.BrowserContextID

	report func(format string, args ...any) // says what is wrong

	mu      sync.Mutex
	refused []string // paths whose 4xx is meant
	asked   []string // which pages were asked for lately, and what became of it
	seen    map[string]bool
}

// onEveryPage makes what the CSP stops an error on the console, and keeps what was
// pressed last for the report of a failure.
const onEveryPage = `document.addEventListener("securitypolicyviolation", e =>
	console.error("CSP: " + e.effectiveDirective + " stopped " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber + " " + e.sample));
	window.pressed = [];
	for (const name of ["pointerdown", "pointerup", "click", "submit"]) addEventListener(name, e => pressed.push(
		name + " on " + e.target.tagName + " " + (e.target.textContent ?? "").trim().slice(0, 20) + " at " + [e.clientX, e.clientY, Math.round(e.timeStamp)]), true)`

func openScreen(t *testing.T, chromium context.Context, base, who string) *screen {
	t.Helper()
	b := &screen{t: t, base: base, who: who, seen: map[string]bool{}}
	var over atomic.Bool // the last events may come when the test has ended
	t.Cleanup(func() { over.Store(true) })
	b.report = func(format string, args ...any) {
		if !over.Load() {
			t.Errorf(format, args...)
		}
	}
	whole := cdp.WithExecutor(chromium, chromedp.FromContext(chromium).Browser)
	var tab target.ID
	var err error
	if b.cookies, err = target.CreateBrowserContext().Do(whole); err == nil {
		tab, err = target.CreateTarget("about:blank").WithBrowserContextID(b.cookies).WithNewWindow(true).Do(whole)
	}
	if err != nil {
		t.Fatalf("open a window: %v", err)
	}
	var closeTab context.CancelFunc
	b.ctx, closeTab = chromedp.NewContext(chromium, chromedp.WithTargetID(tab))
	t.Cleanup(closeTab)
	b.attach()
	b.run("open a tab", emulation.SetFocusEmulationEnabled(true),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(onEveryPage).Do(ctx)
			return err
		}))
	b.look(1280, "light")
	return b
}

// attach begins to listen to the tab. The first run of a context in chromedp
// ends the tab with its time limit, so it must have none.
func (b *screen) attach() {
	b.t.Helper()
	chromedp.ListenTarget(b.ctx, b.listen)
	if err := chromedp.Run(b.ctx); err != nil {
		b.t.Fatalf("%s: attach to the tab: %v", b.who, err)
	}
}

func (b *screen) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
			var words []string
			for _, a := range e.Args {
				words = append(words, strings.Trim(string(a.Value), `"`)+a.Description)
			}
			b.report("%s: console error: %s", b.who, strings.Join(words, " "))
		}
	case *runtime.EventExceptionThrown:
		b.report("%s: exception: %s", b.who, e.ExceptionDetails.Error())
	case *browserlog.EventEntryAdded:
		b.mu.Lock()
		meant := strings.HasPrefix(e.Entry.Text, "Failed to load resource") && slices.Contains(b.refused, strings.TrimPrefix(e.Entry.URL, b.base))
		b.mu.Unlock()
		if e.Entry.Level == browserlog.LevelError && !meant {
			b.report("%s: console error: %s %s", b.who, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument || e.Type == network.ResourceTypePrefetch {
			b.note("%s: %s %s %s", e.RequestID, e.Type, e.Request.Method, e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument || e.Type == network.ResourceTypePrefetch {
			b.note("%s: status %d", e.RequestID, e.Response.Status)
		}
	case *network.EventLoadingFailed:
		b.note("%s: %s: %s %s", e.RequestID, e.Type, e.ErrorText, e.BlockedReason)
	case *page.EventFrameStartedNavigating:
		b.note("navigating to %s: %s", e.URL, e.NavigationType)
	case *page.EventFrameNavigated:
		b.note("at %s", e.Frame.URL)
	}
}

// note keeps the last of what the tab did, for the report of a failure.
func (b *screen) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked[max(0, len(b.asked)-15):], time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// refuses says that this path will answer 4xx, which Chromium logs.
func (b *screen) refuses(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, path)
}

func (b *screen) run(what string, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %s: %v", b.who, what, err)
	}
}

// eval runs JavaScript in the page; a promise is awaited.
func (b *screen) eval(script string, result any) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate(script, result, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
}

// until waits until the JavaScript condition holds. A page that is just being
// replaced counts as not yet.
func (b *screen) until(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for holds := false; ; time.Sleep(20 * time.Millisecond) {
		err := b.eval("!!("+condition+")", &holds)
		if err == nil && holds {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: waited in vain: %s (%v)%s", b.who, what, err, b.shown())
		}
	}
}

// shown is what is on the screen, for the report of a failure.
func (b *screen) shown() string {
	var where, body, pressed string
	b.eval("location.href", &where)
	b.eval("document.body.innerText", &body)
	b.eval(`pressed.join("\n") + "\nnow: " + performance.now()`, &pressed)
	b.mu.Lock()
	defer b.mu.Unlock()
	return "\nat " + where + " (" + time.Now().Format("05.000") + "):\n" + strings.Join(b.asked, "\n") + "\n" + pressed + "\n" + body[:min(len(body), 3000)]
}

// visit opens a page of the dashboard.
func (b *screen) visit(path string) {
	b.t.Helper()
	b.run("visit "+path, chromedp.Navigate(b.base+path))
}

// at waits until the address matches a regular expression and the page is there.
func (b *screen) at(path string) {
	b.t.Helper()
	b.until("at "+path, fmt.Sprintf(`document.readyState === "complete" && new RegExp("^" + %s + "$").test(location.pathname)`, quote(path)))
}

// see waits until the page shows all of these.
func (b *screen) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.until("see "+text, fmt.Sprintf(`document.body.innerText.toLowerCase().includes(%s)`, quote(strings.ToLower(text))))
	}
}

// row waits until a row of a table shows all of these.
func (b *screen) row(texts ...string) {
	b.t.Helper()
	all, _ := json.Marshal(texts)
	b.until("a row with "+string(all), fmt.Sprintf(`[...document.querySelectorAll("tbody tr")].some(r => %s.every(text => r.innerText.includes(text)))`, all))
}

// text is what an element shows, once it is there.
func (b *screen) text(selector string) string {
	b.t.Helper()
	b.until("an element "+selector, fmt.Sprintf(`document.querySelector(%s)`, quote(selector)))
	var text string
	if err := b.eval(fmt.Sprintf(`document.querySelector(%s).innerText.trim()`, quote(selector)), &text); err != nil {
		b.t.Fatal(err)
	}
	return text
}

// byNameScript finds the first visible element of a kind whose accessible name is, or
// else begins with, or else holds the given one. It is what a person would look for.
const byNameScript = `((kinds, name) => {
	const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled;
	const clean = s => (s ?? "").replace(/\s+/g, " ").trim().toLowerCase();
	const nameOf = e => clean(e.getAttribute("aria-label") || e.textContent);
	const all = [...document.querySelectorAll(kinds)].filter(shown);
	name = clean(name);
	return all.find(e => nameOf(e) === name) ?? all.find(e => nameOf(e).startsWith(name)) ?? all.find(e => nameOf(e).includes(name));
})`

func byName(kinds, name string) string {
	return fmt.Sprintf("%s(%s, %s)", byNameScript, quote(kinds), quote(name))
}

// field finds the visible form field with a name, in the page's own part first.
func field(name string) string {
	return fmt.Sprintf(`["main ", ""].flatMap(part => [...document.querySelectorAll(part + "[name='%s']:not([type=hidden])")]).find(e => e.checkVisibility({visibilityProperty: true}))`, name)
}

// click presses the mouse on a button, link or summary with this name.
func (b *screen) click(name string) {
	b.t.Helper()
	b.press(name, byName("button, a[href], summary, input[type=submit]", name))
}

// press puts the mouse where the element is, and clicks when the page has been painted,
// its view transition is over, nothing covers the element, and it has come to rest. What
// a transition moves takes no click meanwhile.
func (b *screen) press(what, element string) {
	b.t.Helper()
	point := fmt.Sprintf(`(() => {
		if (document.readyState !== "complete" || !performance.getEntriesByName("first-contentful-paint").length) return null;
		if (document.getAnimations().some(a => a.effect?.pseudoElement?.startsWith("::view-transition"))) return null;
		const e = %s;
		if (!e) return null;
		e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getClientRects()[0], x = r.x + r.width / 2, y = r.y + r.height / 2;
		return e.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
	})()`, element)
	var at, before []float64
	deadline := time.Now().Add(patience)
	for ; len(at) != 2 || !slices.Equal(at, before); time.Sleep(20 * time.Millisecond) {
		before, at = at, nil
		err := b.eval(point, &at)
		if len(at) != 2 && time.Now().After(deadline) {
			b.t.Fatalf("%s: nothing to click: %s (%v)%s", b.who, what, err, b.shown())
		}
	}
	b.run("click "+what, chromedp.MouseClickXY(at[0], at[1]))
}

// fill types into the field with this name, in place of what is there.
func (b *screen) fill(name, value string) {
	b.t.Helper()
	b.until("a field "+name, fmt.Sprintf(`(() => { const e = %s; e?.focus(); e?.select?.(); return e && e === document.activeElement })()`, field(name)))
	b.run("fill "+name, input.InsertText(value))
}

// choose picks an option of a select.
func (b *screen) choose(name, value string) {
	b.t.Helper()
	b.until("an option "+value, fmt.Sprintf(`(() => { const e = %s; if (!e) return false; e.value = %s; e.dispatchEvent(new Event("change", {bubbles: true})); return e.value === %[2]s })()`, field(name), quote(value)))
}

// keys presses keys as on a keyboard. The text goes with the key, not after it
// as chromedp sends it: a key that the page takes for itself must type nothing.
func (b *screen) keys(keys string) {
	b.t.Helper()
	for _, key := range keys {
		events := kb.Encode(key)
		down, up := events[0], events[len(events)-1]
		if len(events) == 3 {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		b.run("press "+string(key), down, up)
	}
}

// paste puts what is in the clipboard into the field with this name.
func (b *screen) paste(name string) {
	b.t.Helper()
	b.fill(name, "")
	b.run("paste into "+name, input.DispatchKeyEvent(input.KeyRawDown).WithKey("v").WithCode("KeyV").WithModifiers(input.ModifierCtrl).WithCommands([]string{"paste"}))
}

// tabTo presses Tab until the element that the condition (on e) describes has
// the focus, and shows that it has.
func (b *screen) tabTo(what, condition string) {
	b.t.Helper()
	for range 150 {
		b.keys(kb.Tab)
		var found, visible bool
		if err := b.eval(fmt.Sprintf(`(e => !!(%s))(document.activeElement)`, condition), &found); err != nil {
			b.t.Fatal(err)
		}
		if found {
			if b.eval(`(e => e.matches(":focus-visible") && (s => s.outlineStyle !== "none" || s.boxShadow !== "none")(getComputedStyle(e)))(document.activeElement)`, &visible); !visible {
				b.t.Errorf("%s: %s has the focus and does not show it", b.who, what)
			}
			return
		}
	}
	b.t.Fatalf("%s: Tab never reaches %s%s", b.who, what, b.shown())
}

// newTab waits for a tab that this one opened, at an address that begins so,
// reads it, and closes it. A page behind it would be drawn too seldom.
func (b *screen) newTab(prefix string) (text string) {
	b.t.Helper()
	var id target.ID
	eventually(b.t, "a new tab at "+prefix, func() bool {
		all, err := chromedp.Targets(b.ctx)
		for _, info := range all {
			if err == nil && info.Type == "page" && info.BrowserContextID == b.cookies && strings.HasPrefix(info.URL, prefix) {
				id = info.TargetID
			}
		}
		return id != ""
	})
	tab := &screen{t: b.t, base: b.base, who: b.who + "'s new tab", report: b.report}
	var closeTab context.CancelFunc
	tab.ctx, closeTab = chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
	tab.attach()
	tab.until("the new tab has loaded", `document.readyState === "complete" && document.body?.innerText`)
	text = tab.text("body")
	closeTab()
	b.run("go back to the first tab", page.BringToFront())
	return text
}

// look gives the window a width and the colours that its reader prefers. Chromium says
// done before its pages know of it, and on a busy machine that may take its time.
func (b *screen) look(width int, scheme string) {
	b.t.Helper()
	b.run("change the looks", emulation.SetDeviceMetricsOverride(int64(width), 800, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}))
	b.until("the page is so wide and of these colours", fmt.Sprintf(`innerWidth === %d && matchMedia("(prefers-color-scheme: %s)").matches`, width, scheme))
	var drawn bool // until then some rules are still those of the width before
	if err := b.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`, &drawn); err != nil {
		b.t.Fatalf("%s: draw the page: %v", b.who, err)
	}
}

// still holds when nothing on the page is loading or changing colour.
const still = `document.readyState === "complete" && !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling") &&
	!document.getAnimations().some(a => a instanceof CSSTransition)`

// tooWide names the elements that stick out of the page.
const tooWide = `(() => {
	const page = document.documentElement;
	if (page.scrollWidth <= page.clientWidth) return [];
	const scrolls = e => { for (; e && e !== document.body; e = e.parentElement) if (getComputedStyle(e).overflowX !== "visible") return true; return false };
	return ["page is " + page.scrollWidth + " px wide"].concat([...document.querySelectorAll("body *")]
		.filter(e => e.getBoundingClientRect().right > page.clientWidth + 0.5 && !scrolls(e.parentElement)).slice(0, 5)
		.map(e => e.tagName.toLowerCase() + "." + e.className + " " + e.textContent.trim().slice(0, 40)));
})()`

// misfits names the texts that are cut without an ellipsis, and what is lower or narrower
// than a finger or an unsteady hand needs. A link within a sentence is as high as its line.
const misfits = `(() => {
	const found = new Set(), root = document.querySelector("dialog:modal") ?? document.body;
	const say = (what, e) => found.size < 8 && found.add(what + ": " + e.tagName.toLowerCase() + "." + (e.className.baseVal ?? e.className) + " " + (e.textContent || e.value || "").trim().replace(/\s+/g, " ").slice(0, 40));
	const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.closest(".skip-link, .sr-only, svg, option");
	const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), range = document.createRange();
	for (let n; n = walk.nextNode();) {
		const parent = n.parentElement;
		if (!n.data.trim() || !shown(parent)) continue;
		range.selectNodeContents(n);
		const lines = [...range.getClientRects()];
		for (let e = parent; e !== document.body; e = e.parentElement) {
			const s = getComputedStyle(e), box = e.getBoundingClientRect();
			if (s.display === "inline" || s.overflowX === "visible") continue;
			if (/hidden|clip/.test(s.overflowX) && box.width > 1 && s.textOverflow !== "ellipsis" && lines.some(l => l.right > box.right + 1.5 || l.left < box.left - 1.5)) say("cut", parent);
			break;
		}
	}
	for (const e of root.querySelectorAll("a[href], button, summary, select, input:not([type=hidden]), textarea")) {
		if (!shown(e) || e.disabled || getComputedStyle(e).display === "inline" && !e.matches(":is(td, th, dd, nav) > *, td > .truncate > *")) continue;
		const box = (e.closest("label") ?? e).getBoundingClientRect();
		if (box.width && (box.height < 23.5 || box.width < 23.5)) say("small, " + Math.round(box.width) + " by " + Math.round(box.height), e);
	}
	return [...found];
})()`

// axe returns what is seriously wrong for those who cannot see or point.
func axe(options string) string {
	return fmt.Sprintf(`axe.run(document, {resultTypes: ["violations"], %s}).then(r => r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.flatMap(v => v.nodes.slice(0, 4).map(n => v.impact + " " + v.id + ": " + n.target.join(" ") + ": " +
			n.any.concat(n.all, n.none).map(c => c.message).join("; "))))`, options)
}

// looks are how every page is seen: its width, its colours, and what axe-core
// is asked. A theme changes colours only, so the second one is asked about those.
var looks = []struct {
	width  int
	scheme string
	ask    string
}{
	{1280, "light", ""},
	{1280, "dark", `runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}`},
	{390, "dark", ""},
	{390, "light", `runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}`},
}

// between are widths where a page is laid out otherwise than at those of looks.
var between = []int{768, 1024, 1920}

// fits holds that nothing sticks out at the side, is cut, or is too small to press.
func (b *screen) fits(where string) {
	b.t.Helper()
	var found []string
	if err := b.eval(tooWide, &found); err != nil {
		b.t.Fatal(err)
	}
	if len(found) > 0 {
		b.report("%s: wider than the screen: %s", where, strings.Join(found, "\n\t"))
	}
	if err := b.eval(misfits, &found); err != nil {
		b.t.Fatal(err)
	}
	if len(found) > 0 {
		b.report("%s: does not fit: %s", where, strings.Join(found, "\n\t"))
	}
}

// audit holds the page that is shown to what every page promises: no serious
// finding of axe-core, light and dark, wide and narrow, and that it fits the
// screen. It also takes the page's pictures.
func (b *screen) audit(name string) {
	b.t.Helper()
	if b.seen[name] {
		b.t.Fatalf("the page %s was audited before", name)
	}
	b.seen[name] = true
	b.until("the page is still", still)
	b.run("load axe-core", chromedp.Evaluate(axeSource(b.t), nil))
	for _, look := range looks {
		b.look(look.width, look.scheme)
		b.until("the page is still", still)
		where := fmt.Sprintf("%s-%d-%s", name, look.width, look.scheme)
		var found []string
		if err := b.eval(axe(look.ask), &found); err != nil {
			b.t.Fatalf("%s: axe: %v", where, err)
		}
		for _, f := range found {
			b.report("%s: axe: %s", where, f)
		}
		b.fits(where)
		b.picture(where, true)
	}
	for _, width := range between {
		b.look(width, "light")
		b.fits(fmt.Sprintf("%s-%d", name, width))
	}
	b.look(1280, "light")
}

// picture writes a PNG to the folder in FRONTDESK_SCREENSHOTS, if there is one.
func (b *screen) picture(name string, whole bool) {
	b.t.Helper()
	dir := os.Getenv("FRONTDESK_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	b.run("take a picture", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(whole).Do(ctx)
		return err
	}))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../../static/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is not installed, run `make build`: %v", err)
	}
	return string(source) + ";0"
}

func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func (b *screen) signIn(username string) {
	b.t.Helper()
	b.choose("portal", "customer")
	b.fill("username", username)
	b.fill("password", sandbox.Password)
	b.click("Sign in")
	b.see("Good to see you")
}

// TestBrowser does the main job in Chromium with the real binary, configured
// only, against the sandbox.
func TestBrowser(t *testing.T) {
	assets, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	assets.Path("app.css")
	if err := assets.Ready(); err != nil {
		t.Fatalf("no /static/app.css in the binary: %v", err)
	}
	s := startServices(t)
	d := startDashboard(t, s.against(t))
	hire(t, d)
	mia := visit(t, d, "mia")
	for _, customer := range mia.customers()[:5] { // a morning's work, so that home has something to show
		mia.post(customer+"/sso", url.Values{"receipt": {mia.receipt(customer, customer+"/sso")}})
	}
	chromium := startChromium(t)

	t.Run("at work", func(t *testing.T) {
		for name, work := range map[string]func(*testing.T, context.Context, services, dashboard){
			"manager": managerAtWork, "looking around": managerLooksAround, "admin": adminAtWork, "keyboard": keyboardOnly, "without JavaScript": withoutScripts, "away": managerAway,
			"import": managerImports, "on the phone": beside, "palette": managerInAHurry,
			"keys counted": keysCounted,
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); work(t, chromium, s, d) })
		}
	})
	t.Run("style guide", func(t *testing.T) { styleGuide(t, chromium) })
	t.Run("ATOM down", func(t *testing.T) { atomDown(t, chromium, s, d) })
	t.Run("faults are found", func(t *testing.T) { faultsAreFound(t, chromium, d) })
}

func managerAtWork(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia")

	// Sign in, at first with a wrong password.
	b.visit("/customers?country=Sweden")
	b.at("/login")
	b.audit("login")
	b.refuses("/login")
	b.fill("username", "mia")
	b.fill("password", "wrong")
	b.click("Sign in")
	b.until("a message", `document.querySelector("[data-problem], [data-error]")`)
	b.audit("login-refused")
	b.fill("password", sandbox.Password)
	b.click("Sign in")
	b.at("/customers") // where she was going
	b.visit("/")
	b.see("Good to see you")

	// Search as she types, on the same page.
	b.visit("/customers")
	if err := b.eval(`document.querySelector("#idle-notice").hidden = false`, nil); err != nil {
		t.Fatal(err)
	}
	b.audit("idle-notice")
	b.look(390, "light")
	b.until("nothing covers the notice", `(e => (r => e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + 2)))(e.getBoundingClientRect()))(document.querySelector("#idle-notice .alert"))`)
	b.look(1280, "light")
	b.visit("/customers")
	b.audit("customers")
	var company string
	if err := b.eval(`[...document.querySelectorAll("#results tbody a")].at(20).innerText.trim()`, &company); err != nil {
		t.Fatal(err)
	}
	b.until("the search field has the focus", `(window.stayed = true, document.querySelector("#q").focus(), document.activeElement.id === "q")`)
	b.keys(company)
	b.until("the results are replaced", fmt.Sprintf(`new URLSearchParams(location.search).get("q") === %s &&
		document.querySelector("#results tbody a")?.innerText.trim() === %[1]s && document.querySelectorAll("#results tbody tr").length < 10`, quote(company)))
	b.until("the page was not loaded again", `window.stayed`)
	// Create a customer; a mistake first.
	b.click("New customer")
	b.at("/customers/new")
	b.audit("customer-new")
	b.refuses("/customers")
	b.fill("company", "Quince & Plum Orchards Ltd")
	b.fill("email", "not an address")
	b.click("Create customer")
	b.until("a message at the field", `document.querySelector("[name=email][aria-invalid]")`)
	b.audit("customer-new-refused")
	b.fill("email", "orchards@quince.example")
	b.fill("city", "Malmö")
	b.click("Create customer")
	b.at("/customers/[^/]+/answers/[^/]+")
	b.see("Customer created", "Quince & Plum Orchards Ltd")
	b.audit("customer-created")
	key := b.text("#key")

	// Copy the key with its button.
	b.run("allow the clipboard", chromedp.ActionFunc(func(ctx context.Context) error {
		c := chromedp.FromContext(ctx)
		return browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite}).
			WithOrigin(d.URL).WithBrowserContextID(b.cookies).Do(cdp.WithExecutor(ctx, c.Browser))
	}))
	b.press("copy the key", `document.querySelector("button[data-copy='#key']")`)
	b.see("Copied")
	var copied string
	if b.paste("q"); b.eval(field("q")+".value", &copied) != nil || copied != key || key == "" {
		t.Errorf("the clipboard has %q, want the key %q", copied, key)
	}

	// A copied secret leaves the page, here after a second; the other stays.
	token := b.text("#token")
	b.until("the key is there for a minute yet", `document.querySelector("#key").dataset.clear === "60"`)
	if err := b.eval(`document.querySelector("#key").dataset.clear = "1"`, nil); err != nil {
		t.Fatal(err)
	}
	b.press("copy the key", `document.querySelector("button[data-copy='#key']")`)
	b.see("Cleared from this page. Reload it to see this again until")
	b.until("it is announced", `document.querySelector("#live").textContent === "Cleared from this page: Key."`)
	b.until("the button is off", `document.querySelector("button[data-copy='#key']").disabled`)
	if text := b.text("body"); strings.Contains(text, key) || !strings.Contains(text, token) {
		t.Errorf("the key is there: %v, the token: %v", strings.Contains(text, key), strings.Contains(text, token))
	}
	b.audit("customer-created-cleared")
	b.run("reload", chromedp.Reload())
	if again := b.text("#key"); again != key {
		t.Errorf("after a reload the key is %q, want %q", again, key)
	}
	// When its time is over, too, copied or not.
	if err := b.eval(`(e => { const copy = e.cloneNode(true); copy.id = "over"; copy.dataset.until = new Date(Date.now() + 500).toISOString(); e.after(copy);
		copy.dispatchEvent(new Event("htmx:load", {bubbles: true})) })(document.querySelector("#token"))`, nil); err != nil {
		t.Fatal(err)
	}
	b.until("what may no longer be shown is gone", `document.querySelector("#over").textContent === "Cleared from this page."`)

	// Open the platform as that customer.
	b.click("Go to the customer")
	b.at("/customers/[^/]+")
	b.see("orchards@quince.example")
	if strings.Contains(b.text("body"), key) {
		t.Error("the customer's page shows the key")
	}
	b.audit("customer")
	var customer string
	if err := b.eval("location.pathname", &customer); err != nil {
		t.Fatal(err)
	}
	b.fill("reason", "asked by phone")
	b.click("Open as customer")
	if platform := b.newTab(s.URL + "/platform"); !strings.Contains(platform, "Signed in as Quince & Plum Orchards Ltd (orchards@quince.example)") {
		t.Errorf("the platform shows:\n%s", platform)
	}

	// The e-mailed passcode.
	b.visit(customer + "/passcode")
	b.audit("passcode")
	b.click("E-mail passcode")
	b.see("E-mail another passcode")
	b.audit("passcode-sent")
	passcode := s.code(t, "email", "orchards@quince.example")
	b.refuses(customer + "/passcode/redeem")
	b.fill("passcode", "000000")
	b.click("Get key and token")
	b.until("a message", `document.querySelector("[data-problem], [data-error]")`)
	b.audit("passcode-refused")
	b.fill("passcode", passcode)
	b.click("Get key and token")
	b.at("/customers/[^/]+/answers/[^/]+")
	b.see("Passcode redeemed")
	b.audit("passcode-redeemed")
	token = b.text("#token")
	b.visit(customer + "/live")
	b.see("orchards@quince.example")
	b.audit("live")

	// An SMS code.
	b.visit("/sms")
	b.audit("sms")
	b.refuses("/sms")
	b.fill("phone", "12")
	b.click("Send SMS code")
	b.until("a message at the field", `document.querySelector("[name=phone][aria-invalid]")`)
	b.audit("sms-refused")
	b.fill("phone", "+46 70 123 45 67")
	b.click("Send SMS code")
	b.at("/sms/[0-9]+")
	b.see("active")
	b.until("another code waits for the pause to end", `document.querySelector("form[data-cooldown] button").disabled && document.querySelector("[data-cooldown-left]").checkVisibility()`)
	b.audit("sms-code")
	code := s.code(t, "sms", "01234567")
	b.fill("code", code)
	b.click("Verify code")
	b.see("verified")
	b.audit("sms-verified")
	b.visit("/sms")
	b.audit("sms-list")

	// All of it is on record.
	b.visit("/audit")
	const hers = "Quince & Plum Orchards Ltd"
	b.row("sign in", "done", "Mia Moreau")
	b.row("create customer", "done", hers)
	b.row("open as customer", "done", hers, "asked by phone")
	b.row("e-mail passcode", "done", hers)
	b.row("redeem passcode", "refused", hers)
	b.row("redeem passcode", "done", hers)
	b.row("read live record", "done", hers)
	b.row("send SMS code", "done", "01234567")
	b.row("verify SMS code", "done", "01234567")
	b.audit("audit")
	for _, secret := range []string{key, token, passcode, code} {
		if strings.Contains(b.text("body"), secret) {
			t.Errorf("the log shows the secret %q", secret)
		}
	}
	b.click("create customer")
	b.at("/audit/[0-9]+")
	b.see("The whole act")
	b.audit("audit-entry")
	b.visit(customer)
	b.see("redeem passcode")
	b.audit("customer-timeline")
	b.visit("/")
	b.see("Quince & Plum Orchards Ltd")
	b.picture("screenshot", false)
	b.audit("home")

	b.click("Sign out")
	b.at("/login")
	b.see("You are signed out")
	b.audit("signed-out")
	d.keepsQuietAbout(t, key, token, passcode, code)
}

// managerLooksAround visits the pages that the day's work does not pass.
func managerLooksAround(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia looking around")
	b.visit("/login")
	b.signIn("mia")
	b.visit("/customers?q=nobody-is-called-so")
	b.see("Nobody found")
	b.audit("customers-none")
	// What was found in a field is said where there is no room for its column, and only there.
	b.visit("/customers?q=" + url.QueryEscape("Göteborg"))
	for _, c := range []struct {
		width int
		said  bool
	}{{390, true}, {1280, false}} {
		b.look(c.width, "light")
		b.until(fmt.Sprintf("at %d the city is said once", c.width), fmt.Sprintf(`(row => row.querySelector("[data-in~=city]").checkVisibility() === %v &&
			row.querySelector("td[data-col=city]").checkVisibility() === %v)(document.querySelector("#results [data-in~=city]").closest("tr"))`, c.said, !c.said))
	}
	// The bar stays one line, and the age of the list is whole in it.
	b.visit("/")
	for _, width := range append([]int{640}, between...) {
		b.look(width, "light")
		b.until(fmt.Sprintf("at %d the bar is one line", width), `(bar => bar.offsetHeight < 60 && (age => age.scrollWidth <= age.clientWidth)(bar.querySelector("[data-cut]")))(document.querySelector(".topbar"))`)
	}
	b.look(1280, "light")
	b.visit("/audit?q=nothing-like-it")
	b.see("No entry matches")
	b.audit("audit-none")
	mia := visit(t, d, "mia")
	if made := mia.post("/customers", newCustomer(mia, "Marked In The CRM BV", "crm@mark.example")); made.status != 303 {
		t.Fatalf("create: status %d", made.status)
	}
	b.visit("/sso?email=crm%40mark.example")
	b.see("Open as customer")
	b.audit("sso")
	b.visit("/sso?email=nobody%40nowhere.example")
	b.audit("sso-none")
	b.visit("/sso")
	b.audit("sso-ask")
	b.visit("/sessions")
	b.audit("sessions-own")
	b.refuses("/staff")
	b.visit("/staff")
	b.see("Not allowed")
	b.audit("forbidden")
	b.refuses("/no/such/page")
	b.visit("/no/such/page")
	b.audit("not-found")
}

// managerImports finds customers by filter, and brings new ones in from a
// spreadsheet as Excel writes it in Sweden.
func managerImports(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia importing")
	b.visit("/login")
	b.signIn("mia")
	b.visit("/customers?q=berg&country=Sweden&stored=no&cols=phone,state&density=compact")
	b.until("what was found is marked", `document.querySelector("#results mark")`)
	b.audit("customers-filtered")
	b.refuses("/customers?from=yesterday")
	b.visit("/customers?from=yesterday")
	b.audit("customers-filter-wrong")

	b.visit("/imports")
	b.audit("imports-none")
	b.visit("/customers/import")
	b.audit("import-new")
	rows := "\uFEFFFöretag;E-post;Telefon;Land\r\n"
	for i := range 12 {
		rows += fmt.Sprintf("\"Import; %d AB\";import%[1]d@spreadsheet.example;070-123 45 %02[1]d;Sverige\r\n", i)
	}
	rows += "Slarvig AB;ingen adress;;Sverige\r\n"
	file := filepath.Join(t.TempDir(), "nya kunder.csv")
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run("choose the file", chromedp.SetUploadFiles("input[type=file]", []string{file}, chromedp.ByQuery))
	b.click("Read and check")
	b.at("/imports/[^/]+")
	b.see("12", "Enter a whole e-mail address")
	b.audit("import-draft")
	b.press("mend", `document.querySelector("#rows tbody a[href*='/rows/']")`)
	b.at("/imports/[^/]+/rows/[0-9]+")
	b.audit("import-row")
	b.fill("email", "slarvig@spreadsheet.example")
	b.click("Save")
	b.at("/imports/[^/]+")
	b.click("Create 13 customers in ATOM")
	b.until("all are created", `document.querySelector("#all") && document.querySelector("h1").parentElement.parentElement.innerText.includes("done")`)
	b.audit("import-done")
	b.visit("/imports")
	b.see("nya kunder.csv", "13 created")
	b.audit("imports")
	b.visit("/customers?q=" + url.QueryEscape("slarvig@spreadsheet"))
	b.see("Slarvig AB")
}

func adminAtWork(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "alice")
	b.visit("/login")
	b.signIn("alice")
	b.audit("home-admin")

	b.visit("/staff")
	b.audit("staff")
	b.refuses("/staff")
	b.fill("username", "")
	b.click("Add to staff")
	b.until("a message at the field", `document.querySelector("[name=username][aria-invalid]")`)
	b.audit("staff-refused")
	b.choose("portal", "atmosphere")
	b.fill("username", "nina")
	b.fill("name", "Nina Newcomer")
	b.click("Add to staff")
	b.see("Nina Newcomer")
	b.audit("staff-added")

	b.visit("/sessions")
	b.see("this one")
	b.audit("sessions")

	b.visit("/sms/settings")
	b.audit("sms-settings")
	b.fill("length", "6")
	b.click("Save defaults")
	b.until("the defaults are kept", `location.pathname === "/sms/settings" && document.querySelector("[name=length]")?.value === "6" && !document.querySelector("[data-problem]")`)
	b.audit("sms-settings-saved")

	b.visit("/tokens")
	b.audit("tokens")
	b.click("Reveal")
	b.until("the token is shown", `document.querySelector("#shown-token")?.innerText.trim().length > 10 && document.querySelector("#shown-curl")?.innerText.includes("curl")`)
	b.audit("tokens-revealed")
	d.keepsQuietAbout(t, b.text("#shown-token"))
	b.visit("/tokens")
	b.fill("token", "cpaas-token-of-alice")
	b.click("Save")
	b.until("the CPaaS token is kept", `location.pathname === "/tokens" && [...document.querySelectorAll("button")].filter(e => e.innerText.trim() === "Reveal").length > 0 && document.body.innerText.includes("Stored")`)
	b.audit("tokens-cpaas")

	b.visit(visit(t, d, "alice").customers()[0])
	b.click("Issue without a passcode")
	b.audit("customer-admin")
	b.visit("/audit?outcome=refused")
	b.audit("audit-refused")
	b.click("Save this view")
	b.audit("audit-view")
	b.refuses("/audit/views")
	b.click("Save")
	b.until("a message at the field", `document.querySelector("main [name=name][aria-invalid]")`)
	b.audit("audit-view-refused")
	b.fill("name", "What was refused")
	b.click("Save")
	b.see("What was refused is saved", "Remove this view")
	b.audit("audit-view-saved")
	b.refuses("/audit?from=yesterday&outcome=good")
	b.visit("/audit?from=yesterday&outcome=good")
	b.audit("audit-wrong")
	b.visit("/audit?from=" + time.Now().UTC().AddDate(0, 0, -6).Format(time.DateOnly)) // long enough for a chart
	b.click("Export")
	b.see("JSON Lines")
	b.click("As a table")
	b.audit("audit-admin")
	b.press("a bar of the chart", `document.querySelector("main svg a")`)
	b.until("the bar's slice of time", `location.search.includes("from=") && document.querySelector("tr[id] a")`)
	b.press("the newest entry", `document.querySelector("tr[id] a")`)
	b.at("/audit/[0-9]+")
	b.see("Place in the log", "Download the proof")
	b.audit("audit-entry-admin")
	b.click("Around this entry")
	b.until("the entry is in sight", `location.hash && (r => r && r.top >= 0 && r.bottom <= innerHeight)(document.querySelector("tr[aria-current]")?.getBoundingClientRect())`)
	b.audit("audit-around")
	b.visit("/audit/proof")
	b.see("How this log proves itself", "Streams")
	b.audit("audit-proof")

	b.click("Sign out")
	b.at("/login")
}

// managerAway types, goes away and comes back, with an idle limit of seconds.
func managerAway(t *testing.T, chromium context.Context, s services, _ dashboard) {
	const limit = 12 * time.Second
	d := startDashboard(t, s.against(t).with(env{"FRONTDESK_IDLE_TIMEOUT": limit.String()}))
	hire(t, d)
	b := openScreen(t, chromium, d.URL, "mia, now and then away")
	b.visit("/login")
	b.signIn("mia")
	const notice = `document.querySelector("#idle-notice").checkVisibility()`

	// Typing keeps the session alive, though nothing is sent.
	b.visit("/customers/new")
	b.until("the page stays", `(window.stayed = true)`)
	b.fill("company", "")
	typed := ""
	for began := time.Now(); time.Since(began) < limit+5*time.Second; time.Sleep(500 * time.Millisecond) {
		b.keys("y")
		typed += "y"
	}
	b.until("the page is still there", `window.stayed && !`+notice)

	// Then she is away. The notice comes, is announced, and one press keeps her signed in.
	b.until("the notice", notice)
	b.see("You will be signed out in a minute")
	b.until("it is announced", `document.querySelector("#live").textContent.startsWith("You will be signed out in a minute")`)
	b.click("Stay signed in")
	b.until("the notice is gone", `window.stayed && !`+notice)

	// Another tab keeps it alive as well.
	b.until("the notice", notice)
	if err := b.eval(`fetch("/session/active", {method: "POST"}).then(r => r.status)`, nil); err != nil {
		t.Fatal(err)
	}
	b.until("the notice is gone", `window.stayed && !`+notice)

	// Nobody comes. The page leaves the screen; signing in leads back to it, with what was typed.
	b.at("/login")
	b.see("nothing happened for a while")
	if strings.Contains(b.text("body"), "Mia Moreau") {
		t.Error("the sign-in page says who was here")
	}
	b.signInAgain("mia")
	b.at("/customers/new")
	b.see("What you typed is still here")
	b.until("what was typed is there", field("company")+`.value === `+quote(typed))
	b.run("reload", chromedp.Reload())
	b.until("it came once", field("company")+`.value === ""`)

	// What failed and was left is kept too, and the way back is to its page.
	b.refuses("/customers")
	b.fill("company", "Left Alone AB")
	b.click("Create customer")
	b.until("a message at the field", `document.querySelector("[name=email][aria-invalid]")`)
	b.at("/login")
	b.signInAgain("mia")
	b.at("/customers/new")
	b.until("what was typed is there", field("company")+`.value === "Left Alone AB"`)

	// What was sent is no draft.
	b.fill("email", "left@alone.example")
	b.until("it is kept", `new Promise(done => setTimeout(() => done(true), 2500))`)
	b.click("Create customer")
	b.see("Customer created")
	b.visit("/customers/new")

	// An admin ends the session: the next key shows it, and is not lost.
	b.fill("company", "Interrup")
	alice := visit(t, d, "alice")
	for _, found := range regexp.MustCompile(`action="(/sessions/[^"]+/revoke)"`).FindAllStringSubmatch(alice.get("/sessions").body, -1) {
		alice.post(found[1], nil)
	}
	b.keys("ted")
	b.at("/login")
	b.signInAgain("mia")
	b.at("/customers/new")
	b.until("what was typed is there", field("company")+`.value === "Interrupted"`)
}

// signInAgain signs in on the page that shows, and leads wherever it leads.
func (b *screen) signInAgain(username string) {
	b.t.Helper()
	b.fill("username", username)
	b.fill("password", sandbox.Password)
	b.click("Sign in")
}

// atomDown looks at the pages while ATOM is in trouble.
func atomDown(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "alice with ATOM down")
	b.visit("/login")
	b.signIn("alice")
	s.control(t, `{"service": "atom", "status": 503}`)
	defer s.control(t, `{"service": "atom", "reset_faults": true}`)
	b.visit("/customers")
	b.refuses("/customers/refresh")
	b.click("Refresh")
	b.until("it says so", `document.querySelector("[data-problem]")`)
	b.audit("customers-atom-down")
	b.visit("/")
	b.see("trouble")
	b.audit("home-atom-down")
}

// faultsAreFound plants what the other tests look for, to see that they would
// have seen it.
func faultsAreFound(t *testing.T, chromium context.Context, d dashboard) {
	b := openScreen(t, chromium, d.URL, "the tester")
	var mu sync.Mutex
	var found string
	b.report = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		found += fmt.Sprintf(format, args...) + "\n"
	}
	b.visit("/login")
	if err := b.eval(`(() => {
		const main = document.querySelector("main");
		const plant = (kind, properties) => main.appendChild(Object.assign(document.createElement(kind), properties));
		plant("img", {src: "/static/planted.svg"});
		plant("img", {src: "https://elsewhere.example/planted.png", alt: "from elsewhere"});
		plant("p", {textContent: "faint"}).style.cssText = "color: #888; background: #999";
		plant("div", {textContent: "wide"}).style.minWidth = "2000px";
		plant("div", {textContent: "cut short"}).style.cssText = "width: 3em; overflow: hidden; white-space: nowrap";
		plant("button", {textContent: "low"}).style.cssText = "display: block; height: 20px";
		plant("p", {}).setAttribute("style", "color: red");
		plant("style", {textContent: "main { color: red }"});
		plant("link", {rel: "preload", as: "script", href: document.querySelector("script").src + "?without-a-nonce"});
		for (const injected of [
			() => { plant("div", {}).innerHTML = "<img>" },
			() => main.insertAdjacentHTML("beforeend", "<img>"),
			() => plant("script", {textContent: "1"}),
			() => plant("script", {src: document.querySelector("script").src}),
			() => trustedTypes.createPolicy("another", {createHTML: text => text}),
			() => trustedTypes.createPolicy("default", {createHTML: text => text}),
		]) {
			try { injected(); console.error("allowed: " + injected) } catch (e) { console.error("refused: " + injected) }
		}
		navigator.clipboard.readText().then(() => console.error("allowed: reading the clipboard"), () => console.error("refused: reading the clipboard"));
		console.error("planted");
		setTimeout(() => { throw new Error("thrown") });
	})()`, nil); err != nil {
		t.Fatal(err)
	}
	b.audit("faults")
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		"console error: planted", "exception: ", "thrown", "CSP: img-src stopped https://elsewhere.example", "CSP: style-src-attr", "CSP: style-src-elem",
		"CSP: script-src-elem", "CSP: require-trusted-types-for", "CSP: trusted-types", "Failed to load resource", "/static/planted.svg",
		"faults-1280-light: axe: critical image-alt", "faults-390-dark: axe: serious color-contrast", "faults-390-light: wider than the screen",
		"faults-1920: wider than the screen", "faults-768: does not fit", "cut: div. cut short", "small, ", "button. low",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("not found: %s, among:\n%s", want, found)
		}
	}
	// No text becomes an element or a script, whoever wrote it, and the clipboard is written only.
	if n := strings.Count(found, "refused: "); n != 7 || strings.Contains(found, "allowed: ") {
		t.Errorf("%d of these were refused, want all 7:\n%s", n, found)
	}
}

// keyboardOnly signs in and opens a customer without a mouse.
func keyboardOnly(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia's keyboard")
	email := "keys@board.example"
	mia := visit(t, d, "mia")
	if made := mia.post("/customers", newCustomer(mia, "Keyboard Instruments GmbH", email)); made.status != 303 {
		t.Fatalf("create: status %d", made.status)
	}
	b.visit("/login")
	named := func(name string) string { return fmt.Sprintf("e.name === %s", quote(name)) }
	b.until("the username has the focus", `document.activeElement.name === "username"`)
	b.keys("mia")
	b.tabTo("the password", named("password"))
	b.keys(sandbox.Password)
	b.keys(kb.Enter)
	b.see("Good to see you")
	b.at("/") // with its scripts

	b.tabTo("the way past the menu", `e.getAttribute("href") === "#main"`)
	b.keys("/")
	b.until("the search has the focus", `document.activeElement.matches("[type=search][name=q]")`)
	b.keys("Keyboard Instr")
	b.keys(kb.Enter)
	b.at("/customers")
	b.tabTo("the customer", `e.matches("#results tbody a") && e.innerText.includes("Keyboard Instruments")`)
	b.keys(kb.Enter)
	b.at("/customers/[^/]+")
	b.tabTo("the button", `e.tagName === "BUTTON" && e.innerText.includes("Open as customer")`)
	b.keys(kb.Enter)
	if platform := b.newTab(s.URL + "/platform"); !strings.Contains(platform, email) {
		t.Errorf("the platform shows:\n%s", platform)
	}
	// From the passcode to key and token and back: Enter, the passcode, Enter, Enter.
	var customer string
	if err := b.eval("location.pathname", &customer); err != nil {
		t.Fatal(err)
	}
	b.visit(customer + "/passcode")
	b.until("the page begins at the passcode", `document.activeElement.id === "act-passcode"`)
	b.keys(kb.Enter)
	b.until("the field for the passcode has the focus", `document.activeElement.id === "passcode"`)
	b.keys(s.code(t, "email", email))
	b.keys(kb.Enter)
	b.at("/customers/[^/]+/answers/[^/]+")
	b.until("the key is there, and Enter leads back", `document.querySelector("#key") && document.activeElement.innerText.includes("Go to the customer")`)
	b.keys(kb.Enter)
	b.at(customer)

	b.keys("ga")
	b.at("/audit")
	b.row("open as customer", "done", "Keyboard Instruments GmbH")
	b.row("redeem passcode", "done", "Keyboard Instruments GmbH")
}

// beside holds the phone in one hand: the caller is verified beside the customer's
// details, and what colleagues do comes by itself without touching what is typed.
func beside(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia on the phone")
	mia, alice := visit(t, d, "mia"), visit(t, d, "alice")
	form := newCustomer(mia, "Party Line Telephones", "line@party.example")
	form.Set("phone", "+46 70 174 06 33")
	made := mia.post("/customers", form)
	if made.status != 303 {
		t.Fatalf("create: status %d", made.status)
	}
	customer, _, _ := strings.Cut(made.location, "/answers/")
	b.visit("/login")
	b.signIn("mia")
	b.visit(customer)
	b.fill("reason", "ticket 12")
	acted := alice.post(customer+"/sso", url.Values{"receipt": {alice.receipt(customer, customer+"/sso")}})
	if acted.status != 303 {
		t.Fatalf("open as customer: status %d", acted.status)
	}
	b.see("open as customer", "alice ·")
	b.until("what is being typed is as it was", field("reason")+`.value === "ticket 12" && document.activeElement.name === "reason"`)

	b.click("Send SMS code")
	b.see("A code is on its way to the caller")
	b.until("the focus is where the caller's answer goes", `document.activeElement.name === "code"`)
	b.audit("customer-code")
	b.at(customer)
	var verify string
	if err := b.eval(`document.querySelector("[name=code]").form.getAttribute("action")`, &verify); err != nil {
		t.Fatal(err)
	}
	b.refuses(verify)
	b.fill("reason", "ticket 13")
	b.fill("code", "00000")
	b.click("Verify code")
	b.see("That is not the code")
	b.until("the focus is in the field, and what was typed elsewhere is there", `document.activeElement.name === "code" && `+field("reason")+`.value === "ticket 13"`)
	b.audit("customer-code-refused")

	// A colleague whom the caller read it to enters it; it is said here too.
	b.visit(customer)
	code := s.code(t, "sms", "01740633")
	verified := alice.post(verify, url.Values{"receipt": {alice.receipt(customer, verify)}, "code": {code}})
	if verified.status != 303 {
		t.Fatalf("verify: status %d", verified.status)
	}
	b.see("The caller is verified", "Caller verified by")
	b.until("the field for the code is gone", `!document.querySelector("[name=code]").checkVisibility()`)
	b.until("it is announced", `document.querySelector("#live").textContent === "The caller is verified"`)
	b.audit("customer-verified")
	d.keepsQuietAbout(t, code)
}

// withoutScripts does the main job in a browser that runs none of ours.
func withoutScripts(t *testing.T, chromium context.Context, s services, d dashboard) {
	b := openScreen(t, chromium, d.URL, "mia without scripts")
	b.run("turn JavaScript off", emulation.SetScriptExecutionDisabled(true))
	b.visit("/login")
	b.signIn("mia")
	b.until("no script ran", `typeof htmx === "undefined"`)

	b.visit("/customers")
	b.fill("q", "nobody-is-called-so")
	b.click("Find")
	b.see("Nobody found")
	b.click("New customer")
	b.at("/customers/new")
	b.fill("company", "Plain Paper Oy")
	b.fill("email", "plain@paper.example")
	b.click("Create customer")
	b.see("Customer created")
	b.click("Go to the customer")
	b.click("Open as customer")
	if platform := b.newTab(s.URL + "/platform"); !strings.Contains(platform, "plain@paper.example") {
		t.Errorf("the platform shows:\n%s", platform)
	}
	b.click("E-mail passcode")
	b.see("E-mail another passcode")
	b.fill("passcode", s.code(t, "email", "plain@paper.example"))
	b.click("Get key and token")
	b.see("Passcode redeemed")
	if b.text("#key") == "" || b.text("#token") == "" {
		t.Error("no key or token is shown")
	}
	b.visit("/sms")
	b.fill("phone", "+46 70 765 43 21")
	b.click("Send SMS code")
	b.at("/sms/[0-9]+")
	b.see("active")
	b.fill("code", s.code(t, "sms", "7654321"))
	b.click("Verify code")
	b.see("The code is right")
	b.click("Sign out")
	b.see("You are signed out")
}
