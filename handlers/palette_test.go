package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/views"
)

// choice is what the palette offers, as a person reads it.
type choice struct{ group, text, path string }

// choices asks the palette; on is the customer whose page it is opened on.
func (b *browser) choices(typed, on string) (all []choice) {
	b.t.Helper()
	p := b.get("/palette?"+url.Values{"q": {typed}, "on": {on}}.Encode(), "HX-Request", "true")
	p.wantStatus(http.StatusOK)
	for n := range p.all("div") {
		if attr(n, "role") != "group" {
			continue
		}
		label := p.byID(attr(n, "aria-labelledby"))
		for o := range nodes(n) {
			if attr(o, "role") == "option" {
				all = append(all, choice{label, text(o), attr(o, "href")})
			}
		}
	}
	return all
}

func paths(all []choice, group string) (paths []string) {
	for _, c := range all {
		if strings.HasPrefix(c.group, group) {
			paths = append(paths, c.path)
		}
	}
	return paths
}

// TestPaletteOffersWhatTheRoleMayDo walks the route list: every page that opens by
// its address alone, and every act on a customer, has a name in the palette, and
// each role is offered just those that it may use.
func TestPaletteOffersWhatTheRoleMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	admin, customer := w.signedIn("alice"), w.customer(emailFirst)
	for _, rt := range w.h.routes {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		switch {
		case method == http.MethodPost && strings.HasPrefix(path, "/customers/{cuid}/"):
			if rt.Find.Label == "" || rt.Find.Anchor == "" {
				t.Errorf("%s is an act on a customer, and no command leads to it", rt.Pattern)
			}
		case method == http.MethodGet && rt.Needs != public && (!strings.Contains(path, "{") || path == "/{$}") && !strings.HasSuffix(path, "/events"):
			p := admin.get(rt.address())
			isPage := strings.Contains(p.body, "<h1") && strings.HasPrefix(p.res.Header.Get("Content-Type"), "text/html")
			if named := rt.Find.Label != ""; named != isPage {
				t.Errorf("%s: it is a page: %v; a command leads there: %v", rt.Pattern, isPage, named)
			}
		}
	}
	for who, role := range map[string]store.Role{"victor": store.Viewer, "mia": store.Manager, "alice": store.Admin} {
		b := w.signedIn(who)
		var acts, pages []string
		for _, rt := range w.h.routes {
			switch {
			case rt.Find.Label == "" || !role.Includes(rt.Needs):
			case rt.Find.Anchor != "":
				acts = append(acts, views.CustomerPath(customer.CUID)+"#"+rt.Find.Anchor)
			default:
				pages = append(pages, rt.address())
			}
		}
		all := b.choices("", customer.CUID)
		if got := paths(all, "On "+customer.Company); !slices.Equal(got, acts) {
			t.Errorf("%s is offered the acts %q, want %q", who, got, acts)
		}
		if got := paths(all, "Pages"); !slices.Equal(got, pages) {
			t.Errorf("%s is offered the pages %q, want %q", who, got, pages)
		}
		for _, path := range pages {
			b.get(path).wantStatus(http.StatusOK)
		}
		if got := paths(b.choices("", ""), "On "); got != nil {
			t.Errorf("%s is offered acts on nobody: %q", who, got)
		}
	}
	if got := len(paths(w.signedIn("victor").choices("", customer.CUID), "On ")); got != 1 {
		t.Errorf("a viewer is offered %d acts, want 1: to pin", got)
	}
}

// TestPaletteFinds customers as the list does, and commands by their label and
// further words, best first.
func TestPaletteFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 60})
	b, first := w.signedIn("alice"), w.customer(emailFirst)
	open := views.CustomerPath(first.CUID) + "#act-open"
	for _, typed := range []string{"nordlicht", "NORDLICHT log", emailFirst, first.CUID, first.Phone, strings.ToUpper(first.Company)} {
		all := b.choices(typed, "")
		if len(all) == 0 || all[0].group != "Customers" || all[0].path != open || !strings.Contains(all[0].text, first.Company) || !strings.Contains(all[0].text, emailFirst) {
			t.Errorf("%q: the first choice is %+v", typed, all[:min(len(all), 1)])
		}
	}
	for typed, want := range map[string]string{
		"audit": "/audit", "PROOF": "/audit/proof", "new cust": "/customers/new", "merkle": "/audit/proof", "ip1": "/sms/settings", "spreadsheet": "/customers/import",
		"impersonate": open, "open as": open, "mail pass": views.CustomerPath(first.CUID) + "#act-passcode", "reveal": views.CustomerPath(first.CUID) + "#act-reveal",
	} {
		if all := b.choices(typed, first.CUID); len(all) == 0 || all[0].path != want {
			t.Errorf("%q leads to %+v, want first %s", typed, all, want)
		}
	}
	if all := b.choices("impersonate", ""); len(all) != 1 || all[0].path != "/sso" {
		t.Errorf("without a customer it leads to %+v", all)
	}
	// On a customer's page an act comes before customers who merely have what was typed, and after those who are
	// called so; a page by its name does so anywhere.
	if all := b.choices("sso", first.CUID); len(paths(all, "Customers")) == 0 || all[0].path != open {
		t.Errorf("sso leads to %+v, want first %s, and customers too", all, open)
	}
	if all := b.choices("nor", first.CUID); len(all) == 0 || all[0].group != "Customers" {
		t.Errorf("nor leads to %+v, want customers first", all)
	}
	// Where an act cannot be done, its command leads to what says so.
	said := false
	for n := range b.get(views.CustomerPath(first.CUID)).all("p") {
		if attr(n, "id") == "act-reveal" && strings.Contains(text(n), "has issued none yet") {
			said = true
		}
	}
	if !said {
		t.Error("nothing is stored, and the command to show it leads nowhere")
	}
	// What was typed is marked, in a field that is not shown too.
	p := b.get("/palette?q=nordlicht", "HX-Request", "true")
	if marked := slices.Collect(p.all("mark")); len(marked) == 0 || text(marked[0]) != "Nordlicht" {
		t.Errorf("what was typed is not marked: %s", p.body)
	}
	b.get("/palette?q="+url.QueryEscape(first.Phone), "HX-Request", "true").want("phone: " + first.Phone)
	// Of many the first few, and the way to the rest; of nobody a sentence, and the way to the list.
	p = b.get("/palette?q=example", "HX-Request", "true")
	if n := len(paths(b.choices("example", ""), "Customers")); n != paletteCustomers || !slices.Contains(p.links(), "/customers?q=example") {
		t.Errorf("of many %d are offered, want %d, and the list: %q", n, paletteCustomers, p.links())
	}
	p = b.get("/palette?q=xyzzy+%3Cb%3E", "HX-Request", "true")
	p.want("No customer, page or act here fits “xyzzy <b>”")
	if links := p.links(); !slices.Equal(links, []string{"/customers?q=xyzzy+%3Cb%3E"}) {
		t.Errorf("from nothing it leads to %q", links)
	}
	b.get("/palette?q=%00&on=%00", "HX-Request", "true").wantStatus(http.StatusOK)
}

// TestPaletteRecentFirst: before anything is typed, the customers acted on last,
// then the pinned ones, each once, without the one whose page is open.
func TestPaletteRecentFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	found, err := w.db.FindCustomers(t.Context(), store.CustomerQuery{Limit: 4, Uncounted: true})
	if err != nil {
		t.Fatal(err)
	}
	path := func(i int) string { return views.CustomerPath(found.Customers[i].CUID) }
	for _, i := range []int{0, 1} {
		b.submit(b.get(path(i)), path(i)+"/sso", nil).wantStatus(http.StatusSeeOther)
	}
	for _, i := range []int{1, 2, 3} {
		b.post(path(i)+"/pin", url.Values{"pinned": {"1"}}).wantStatus(http.StatusSeeOther)
	}
	want := []string{path(1) + "#act-open", path(0) + "#act-open", path(2) + "#act-open", path(3) + "#act-open"}
	if all := b.choices("", ""); !slices.Equal(paths(all, "Recent and pinned"), want) || all[0].path != want[0] {
		t.Errorf("%+v, want first %q", all, want)
	}
	if all := b.choices("", found.Customers[1].CUID); !slices.Equal(paths(all, "Recent and pinned"), want[1:]) || all[0].group != "On "+found.Customers[1].Company {
		t.Errorf("on the page of the first of them: %+v", all)
	}
	// Acts that it leads to are none of its own, and to look is none.
	mark := w.mark()
	b.choices("nordlicht", found.Customers[0].CUID)
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("it called %v", calls)
	}
}

// TestPaletteOfASessionThatEnded leads to the sign-in page, and from there back to
// the page that it was opened on.
func TestPaletteOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.browser()
	p := b.get("/palette?q=x", "HX-Request", "true", "HX-Current-URL", w.server.URL+"/sms")
	if p.status != http.StatusNoContent || p.res.Header.Get("HX-Redirect") != "/login" {
		t.Errorf("status %d, HX-Redirect %q", p.status, p.res.Header.Get("HX-Redirect"))
	}
	if at := b.signIn("mia", "demo").location(); at != "/sms" {
		t.Errorf("back at %q, want /sms", at)
	}
}

// TestShortcutsAreKept off or on, by cookie, through the sign-in; every page tells
// its script, the sheet and the palette what they need.
func TestShortcutsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	customer := w.customer(emailFirst)
	off := func(p *page) bool {
		for n := range p.all("html") {
			return attr(n, "data-keys") == "off"
		}
		return false
	}
	pressed := func(p *page) (value string) {
		for n := range p.all("button") {
			if attr(n, "name") == "keys" && attr(n, "aria-pressed") == "true" {
				value += attr(n, "value")
			}
		}
		return value
	}
	for _, c := range []struct {
		keys string
		off  bool
	}{{"off", true}, {"sideways", true}, {"on", false}, {"off", true}} {
		to := b.post("/keys", url.Values{"keys": {c.keys}})
		sheet := b.get("/shortcuts")
		sheet.form("/keys")
		if p := b.follow(to); to.location() != "/" || off(p) != c.off || (pressed(sheet) == "off") != c.off {
			t.Errorf("after %s: off %v, pressed %q, at %s", c.keys, off(p), pressed(sheet), to.location())
		}
	}
	b.submit(b.get("/"), "/logout", nil).wantStatus(http.StatusSeeOther)
	b.signIn("mia", "demo")
	if !off(b.get("/")) {
		t.Error("they are on again after a sign-in")
	}
	if to := b.post("/keys", url.Values{"keys": {"on"}, "back": {"//evil.example"}}).location(); to != "/" {
		t.Errorf("the way back leads to %q", to)
	}
	dialog := func(p *page) *html.Node {
		for n := range p.all("dialog") {
			if attr(n, "id") == "palette" {
				return n
			}
		}
		t.Fatal("there is no palette")
		return nil
	}
	for path, on := range map[string]string{"/": "", "/customers/new": "", views.CustomerPath(customer.CUID): customer.CUID, views.CustomerPath(customer.CUID) + "/passcode": customer.CUID} {
		if got := attr(dialog(b.get(path)), "data-on"); got != on {
			t.Errorf("%s is about %q, want %q", path, got, on)
		}
	}
	for agent, modifier := range map[string]string{"": "Ctrl", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15": "⌘"} {
		b.get("/shortcuts", "User-Agent", agent).want(modifier + " K")
		if home := b.get("/", "User-Agent", agent); !strings.Contains(home.body, ">"+modifier+"</kbd>") {
			t.Errorf("%s: the palette's button does not name %s", agent, modifier)
		}
	}
}
