package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
)

// TestEveryRouteForEveryRole walks the route list: a route without a row here
// fails.
func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	admin := w.signedIn("alice")
	sent := admin.submit(admin.get("/sms"), "/sms", url.Values{"phone": {"+46701740605"}})
	sent.wantStatus(http.StatusSeeOther)
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	ready := http.StatusOK
	if w.h.Assets.Ready() != nil {
		ready = http.StatusServiceUnavailable // make test builds the assets first; go test alone need not
	}

	const out = http.StatusSeeOther // to the sign-in page
	rows := map[string]struct {
		path                           string
		signedOut, viewer, manager, by int // by: admin
		ends                           bool
	}{
		"GET /login":           {"/login", 200, 303, 303, 303, false},
		"POST /login":          {"/login", 422, 422, 422, 422, true},
		"POST /logout":         {"/logout", 303, 303, 303, 303, true},
		"POST /theme":          {"/theme", 303, 303, 303, 303, false},
		"POST /keys":           {"/keys", 303, 303, 303, 303, false},
		"POST /language":       {"/language", 303, 303, 303, 303, false},
		"GET /healthz":         {"/healthz", 200, 200, 200, 200, false},
		"GET /readyz":          {"/readyz", ready, ready, ready, ready, false},
		"GET /{$}":             {"/", out, 200, 200, 200, false},
		"GET /palette":         {"/palette?q=a", out, 200, 200, 200, false},
		"GET /shortcuts":       {"/shortcuts", out, 200, 200, 200, false},
		"GET /session":         {"/session", out, 200, 200, 200, false},
		"POST /session/active": {"/session/active", out, 204, 204, 204, false},
		"POST /session/renew":  {"/session/renew", out, 422, 422, 422, false},

		"GET /customers":                            {"/customers", out, 200, 200, 200, false},
		"GET /customers/new":                        {"/customers/new", out, 403, 200, 200, false},
		"POST /customers/new/fill":                  {"/customers/new/fill", out, 403, 422, 422, false},
		"POST /customers/new/check":                 {"/customers/new/check", out, 403, 200, 200, false},
		"POST /customers":                           {"/customers", out, 403, 422, 422, false},
		"GET /creates/{act}":                        {"/creates/none", out, 403, 404, 404, false},
		"POST /customers/refresh":                   {"/customers/refresh", out, 403, 303, 303, false},
		"GET /customers/export.csv":                 {"/customers/export.csv", out, 403, 200, 200, false},
		"GET /customers/export.jsonl":               {"/customers/export.jsonl", out, 403, 200, 200, false},
		"POST /customers/views":                     {"/customers/views", out, 422, 422, 422, false},
		"POST /customers/views/{id}/remove":         {"/customers/views/999/remove", out, 404, 404, 404, false},
		"POST /customers/{cuid}/pin":                {customer + "/pin", out, 303, 303, 303, false},
		"GET /customers/refresh/events":             {"/customers/refresh/events", out, 200, 200, 200, false},
		"GET /outside":                              {"/outside", out, 403, 200, 200, false},
		"POST /outside/known":                       {"/outside/known", out, 403, 403, 303, false},
		"POST /novelties/seen":                      {"/novelties/seen", out, 403, 403, 303, false},
		"GET /customers/{cuid}":                     {customer, out, 200, 200, 200, false},
		"GET /customers/{cuid}/events":              {"/customers/none/events", out, 404, 404, 404, false},
		"GET /customers/{cuid}/live":                {customer + "/live", out, 200, 200, 200, false},
		"GET /customers/{cuid}/answers/{act}":       {customer + "/answers/none", out, 403, 404, 404, false},
		"POST /customers/{cuid}/sso":                {customer + "/sso", out, 403, 303, 303, false},
		"GET /customers/{cuid}/passcode":            {customer + "/passcode", out, 403, 200, 200, false},
		"POST /customers/{cuid}/passcode":           {customer + "/passcode", out, 403, 303, 303, false},
		"POST /customers/{cuid}/passcode/redeem":    {customer + "/passcode/redeem", out, 403, 422, 422, false},
		"POST /customers/{cuid}/credentials":        {customer + "/credentials", out, 403, 403, 422, false},
		"POST /customers/{cuid}/credentials/reveal": {customer + "/credentials/reveal", out, 403, 422, 422, false},
		"GET /sso":                          {"/sso?email=" + emailFirst, out, 403, 200, 200, false},
		"GET /customers/import":             {"/customers/import", out, 403, 200, 200, false},
		"POST /customers/import":            {"/customers/import", out, 403, 422, 422, false},
		"GET /customers/import/example.csv": {"/customers/import/example.csv", out, 403, 200, 200, false},
		"GET /imports":                      {"/imports", out, 403, 200, 200, false},
		"GET /imports/{id}":                 {"/imports/none", out, 403, 404, 404, false},
		"GET /imports/{id}/events":          {"/imports/none/events", out, 403, 404, 404, false},
		"GET /imports/{id}/results.csv":     {"/imports/none/results.csv", out, 403, 404, 404, false},
		"POST /imports/{id}/columns":        {"/imports/none/columns", out, 403, 404, 404, false},
		"POST /imports/{id}/start":          {"/imports/none/start", out, 403, 404, 404, false},
		"POST /imports/{id}/pause":          {"/imports/none/pause", out, 403, 404, 404, false},
		"POST /imports/{id}/cancel":         {"/imports/none/cancel", out, 403, 404, 404, false},
		"POST /imports/{id}/retry":          {"/imports/none/retry", out, 403, 404, 404, false},
		"POST /imports/{id}/pace":           {"/imports/none/pace", out, 403, 404, 404, false},
		"GET /imports/{id}/rows/{n}":        {"/imports/none/rows/1", out, 403, 404, 404, false},
		"POST /imports/{id}/rows/{n}":       {"/imports/none/rows/1", out, 403, 404, 404, false},
		"GET /sms":                          {"/sms", out, 403, 200, 200, false},
		"POST /sms":                         {"/sms", out, 403, 422, 422, false},
		"GET /sms/{id}":                     {sent.location(), out, 403, 200, 200, false},
		"POST /sms/{id}/verify":             {sent.location() + "/verify", out, 403, 422, 422, false},
		"GET /sms/settings":                 {"/sms/settings", out, 403, 403, 200, false},
		"POST /sms/settings":                {"/sms/settings", out, 403, 403, 303, false},
		"GET /sms/country":                  {"/sms/country?phone=%2B46701740605", out, 403, 200, 200, false},
		"GET /audit":                        {"/audit", out, 200, 200, 200, false},
		"GET /audit/export.csv":             {"/audit/export.csv", out, 403, 403, 200, false},
		"GET /audit/export.jsonl":           {"/audit/export.jsonl", out, 403, 403, 200, false},
		"GET /audit/proof":                  {"/audit/proof", out, 200, 200, 200, false},
		"GET /audit/checkpoint":             {"/audit/checkpoint", out, 200, 200, 200, false},
		"POST /audit/verify":                {"/audit/verify", out, 403, 403, 303, false},
		"POST /audit/views":                 {"/audit/views", out, 422, 422, 422, false},
		"POST /audit/views/{id}/remove":     {"/audit/views/999/remove", out, 404, 404, 404, false},
		"GET /audit/{id}/proof":             {"/audit/1/proof", out, 403, 403, 200, false},
		"GET /audit/{id}":                   {"/audit/1", out, 403, 403, 200, false}, // the start of the staff list: nobody's own
		"GET /tokens":                       {"/tokens", out, 200, 200, 200, false},
		"POST /tokens/reveal":               {"/tokens/reveal", out, 422, 422, 422, false},
		"POST /tokens/cpaas":                {"/tokens/cpaas", out, 303, 303, 303, false},
		"GET /sessions":                     {"/sessions", out, 200, 200, 200, false},
		"POST /sessions/{id}/revoke":        {"/sessions/none/revoke", out, 404, 404, 404, false},
		"POST /sessions/others/revoke":      {"/sessions/others/revoke", out, 303, 303, 303, false},
		"GET /staff":                        {"/staff", out, 403, 403, 200, false},
		"POST /staff":                       {"/staff", out, 403, 403, 422, false},
		"POST /staff/{id}":                  {"/staff/999", out, 403, 403, 404, false},
		"POST /staff/throttle/lift":         {"/staff/throttle/lift", out, 403, 403, 303, false},
	}
	people := []struct {
		name string
		b    *browser
		who  string
	}{{"signed out", w.browser(), ""}, {"viewer", w.signedIn("victor"), "victor"}, {"manager", w.signedIn("mia"), "mia"}, {"admin", admin, "alice"}}

	each, err := w.db.FindCustomers(t.Context(), store.CustomerQuery{Limit: len(people)})
	if err != nil {
		t.Fatal(err)
	}
	walked, denied := 0, 0
	for _, rt := range w.h.routes {
		row, ok := rows[rt.Pattern]
		if !ok {
			t.Errorf("%s has no row in this table", rt.Pattern)
			continue
		}
		walked++
		method, _, _ := strings.Cut(rt.Pattern, " ")
		for i, person := range people {
			want := []int{row.signedOut, row.viewer, row.manager, row.by}[i]
			b := person.b
			if row.ends && person.who != "" {
				b = w.signedIn(person.who)
			}
			// A customer for each: the same act on the same one by two would collide.
			path := strings.Replace(row.path, customer, views.CustomerPath(each.Customers[i].CUID), 1)
			mark := w.mark()
			var form url.Values
			if method == http.MethodPost {
				form = url.Values{}
			}
			p := b.do(method, path, form)
			if p.status != want {
				t.Errorf("%s as %s: status %d, want %d; %s", rt.Pattern, person.name, p.status, want, p.problem())
			}
			if rt.Needs != public && person.who == "" && p.location() != "/login" {
				t.Errorf("%s as %s leads to %q, want /login", rt.Pattern, person.name, p.location())
			}
			refused := p.status == http.StatusForbidden
			if refused || person.who == "" {
				if calls := w.calls(mark); len(calls) > 0 {
					t.Errorf("%s as %s was refused, and called %v", rt.Pattern, person.name, calls)
				}
			}
			log := w.entries(audit.Filter{Result: audit.Denied})
			switch {
			case refused && method == http.MethodPost:
				if len(log) != denied+1 || log[0].What != rt.Pattern || log[0].Who.Username != person.who {
					t.Errorf("%s as %s: no entry says that it was denied", rt.Pattern, person.name)
				}
				p.want("Not allowed")
			case len(log) != denied:
				t.Errorf("%s as %s: an entry says denied: %+v", rt.Pattern, person.name, log[0])
			}
			denied = len(log)
		}
	}
	if walked != len(rows) {
		t.Errorf("%d rows, and %d routes with one: a row has no route", len(rows), walked)
	}
}

// TestNoSuchPage: what is no route is a page of its own, in every method.
func TestNoSuchPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	out, in := w.browser(), w.signedIn("victor")
	for _, path := range []string{"/none", "/customers/x/y/z", "/logout", "/static/none.js", "/sms/x/y", "/audit/", "/staff/1"} {
		for _, b := range []*browser{out, in} {
			if p := b.get(path); p.status != http.StatusNotFound {
				t.Errorf("GET %s: %d, want 404", path, p.status)
			}
		}
	}
	for _, path := range []string{"/customers/none", "/audit/999999", "/audit/x", "/customers/~zz", "/customers/~"} {
		p := in.get(path)
		p.wantStatus(http.StatusNotFound)
		p.want("Nothing here", "Request")
	}
	if p := in.do(http.MethodDelete, "/customers", nil); p.status != http.StatusNotFound {
		t.Errorf("DELETE /customers: %d, want 404", p.status)
	}
}

// TestOnlyWhatTheRoleMayDo: nothing that a page links to or posts to is
// refused to the reader or missing.
func TestOnlyWhatTheRoleMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 60}) // two pages of customers
	for _, object := range oddCustomers[len(oddCUIDs):] {
		if err := w.box.AddCustomer(object); err != nil {
			t.Fatal(err)
		}
	}
	w.refresh()
	admin, manager := w.signedIn("alice"), w.signedIn("mia")
	customer := w.customer(emailFirst)
	path := customer.CUID
	path = views.CustomerPath(path)

	// Something of everything in the log, refusals too.
	manager.post(path+"/passcode", nil).wantStatus(http.StatusSeeOther)
	redeemed := manager.post(path+"/passcode/redeem", url.Values{"passcode": {w.lastCode(emailFirst)}})
	redeemed.wantStatus(http.StatusSeeOther)
	manager.follow(redeemed).wantStatus(http.StatusOK)
	manager.post(path+"/credentials", nil).wantStatus(http.StatusForbidden)
	w.signedIn("victor").post(path+"/sso", nil).wantStatus(http.StatusForbidden)
	admin.post("/sms", url.Values{"phone": {"+46701740605"}}).wantStatus(http.StatusSeeOther)
	manager.post("/sms", url.Values{"phone": {"+46701740606"}}).wantStatus(http.StatusSeeOther)
	w.fault(`{"service": "atom", "lose_answer": true}`)
	manager.post("/customers", url.Values{"company": {"Lost AB"}, "email": {"lost@lost.example"}}).wantStatus(http.StatusBadGateway)
	w.calm()
	w.refresh()

	for _, who := range []string{"victor", "mia", "alice"} {
		b := w.signedIn(who)
		staff, err := w.db.StaffByLogin(t.Context(), "customer", who)
		if err != nil {
			t.Fatal(err)
		}
		seen, queue := map[string]string{}, []string{"/", path, "/audit?on=" + url.QueryEscape(customer.CUID)}
		kinds := map[string]int{}
		for len(queue) > 0 {
			at := queue[0]
			queue = queue[1:]
			// A few of each kind say as much as all of them.
			kind := w.patternOf(http.MethodGet, at)
			if kinds[kind]++; kinds[kind] > 6 {
				continue
			}
			p := b.get(at)
			if p.status != http.StatusOK && p.status != http.StatusSeeOther {
				t.Errorf("%s: %s, which is linked from %s, answers %d: %s", who, at, seen[at], p.status, p.problem())
			}
			for _, href := range p.links() {
				href, _, _ = strings.Cut(href, "#")
				if _, ok := seen[href]; !ok && href != "" {
					seen[href] = at
					queue = append(queue, href)
				}
			}
			for _, f := range p.forms() {
				method := http.MethodGet
				if f.method == "post" {
					method = http.MethodPost
				}
				pattern := w.patternOf(method, f.action)
				i := slices.IndexFunc(w.h.routes, func(rt route) bool { return rt.Pattern == pattern })
				if i < 0 {
					t.Errorf("%s: %s has a form to %s %s, which is no route", who, at, method, f.action)
				} else if !staff.Role.Includes(w.h.routes[i].Needs) {
					t.Errorf("%s: %s offers a form to %s, which the role may not post", who, at, pattern)
				}
			}
		}
		// The walk must have got somewhere.
		least := map[string]int{"GET /customers/{cuid}": 50, "GET /audit/{id}": 2}
		if who == "alice" {
			least["GET /staff"], least["GET /sms/{id}"] = 1, 2
		}
		for kind, n := range least {
			if kinds[kind] < n {
				t.Errorf("%s reached %d pages of %s, want %d or more", who, kinds[kind], kind, n)
			}
		}
		// The menu is what the route list says for the role.
		var menu []string
		for n := range b.get("/").all("nav") {
			for a := range nodes(n) {
				if a.Data == "a" {
					menu = append(menu, attr(a, "href"))
				}
			}
			break
		}
		want := map[string][]string{
			"victor": {"/", "/customers", "/audit", "/tokens", "/sessions"},
			"mia":    {"/", "/customers", "/imports", "/sms", "/audit", "/tokens", "/sessions"},
			"alice":  {"/", "/customers", "/imports", "/sms", "/audit", "/tokens", "/sessions", "/staff"},
		}[who]
		if !slices.Equal(menu, want) {
			t.Errorf("%s's menu is %q, want %q", who, menu, want)
		}
	}
}

// patternOf is the route that a request would take.
func (w *world) patternOf(method, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.patterns == nil {
		w.patterns = http.NewServeMux()
		for _, rt := range w.h.routes {
			w.patterns.Handle(rt.Pattern, http.NotFoundHandler())
		}
	}
	_, pattern := w.patterns.Handler(&http.Request{Method: method, URL: u, Host: "frontdesk"})
	return pattern
}

// oddCustomers are objects whose cuid a path could trip over.
var oddCustomers = func() []string {
	var all []string
	for i, cuid := range oddCUIDs {
		all = append(all, fmt.Sprintf(`{"cuid": %q, "company": "Odd %d", "email": "odd%d@odd.example", "website": "javascript:alert(1)"}`, cuid, i, i))
	}
	return append(all,
		`{"cuid": 12345678901234567890123, "company": "A number", "email": "number@odd.example"}`,
		`{"cuid": "no-email", "company": "No e-mail"}`,
		`{"cuid": "bare"}`,
		`{"cuid": "<script>alert(1)</script>", "company": "<img src=x onerror=alert(1)>", "email": "\"><b>@odd.example", "name": null}`)
}()

var oddCUIDs = []string{
	"a/b", "a//b", "a/../b", "..", ".", "...", "new", "import", "refresh", "export.csv", "?", "a?b=c", "#", "a#b", "%2F", "%", "100%", "~", "~6e6577", "~zz",
	"a b", "a+b", "åäö", "客户", "a\\b", "sso", "live", "passcode", "a/passcode", "credentials", "a;b", "a&b", "'", "a:b", "💼",
}

// TestOddCUIDs: whatever ATOM calls its customers, their pages and acts are
// reached through the links that the pages render.
func TestOddCUIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: -1})
	for _, object := range oddCustomers {
		if err := w.box.AddCustomer(object); err != nil {
			t.Fatal(err)
		}
	}
	w.refresh()
	b := w.signedIn("alice")
	list := b.get("/customers")
	list.wantStatus(http.StatusOK)
	byName := map[string]string{}
	for n := range list.all("a") {
		byName[text(n)] = attr(n, "href")
	}
	for i, cuid := range oddCUIDs {
		t.Run(cuid, func(t *testing.T) {
			b := b.in(t)
			href := byName[fmt.Sprintf("Odd %d", i)]
			if href == "" {
				t.Fatalf("customer %q is not in the list", cuid)
			}
			p := b.get(href)
			p.wantStatus(http.StatusOK)
			if got := p.byID("cuid"); got != strings.Join(strings.Fields(cuid), " ") {
				t.Fatalf("the link %s opens the customer %q, want %q", href, got, cuid)
			}
			if p.hasForm("javascript:alert(1)") || slices.Contains(p.links(), "javascript:alert(1)") {
				t.Error("a website of ATOM's became a script")
			}
			sso := b.submit(p, href+"/sso", nil)
			sso.wantStatus(http.StatusSeeOther)
			if !slices.Contains([]string{"a/../b", "..", "new", "%2F", "a?b=c", "åäö"}, cuid) {
				return
			}
			// A failed form leads back to a page: the theme switch on it says where.
			failed := b.post(href+"/passcode/redeem", nil)
			failed.wantStatus(http.StatusUnprocessableEntity)
			b.follow(b.submit(failed, "/theme", nil)).wantStatus(http.StatusOK)
			pass := b.get(href + "/passcode")
			back := b.follow(b.submit(pass, href+"/passcode", nil))
			back.wantStatus(http.StatusOK)
			redeemed := b.submit(back, href+"/passcode/redeem", url.Values{"passcode": {w.lastCode(fmt.Sprintf("odd%d@odd.example", i))}})
			answer := b.follow(redeemed)
			answer.wantStatus(http.StatusOK)
			if answer.byID("key") == "" {
				t.Error("no key on the answer page")
			}
			b.get(href + "/live").wantStatus(http.StatusOK)
			log := w.entries(audit.Filter{OnID: cuid, Result: audit.Done})
			if len(log) != 4 {
				t.Errorf("%d entries on %q, want 4: passcode, redeem, live, SSO", len(log), cuid)
			}
		})
	}
	// The same for a session that ended: one comes back to the page.
	out := w.browser()
	out.post(views.CustomerPath("a/b")+"/sso", url.Values{"reason": {"ticket 7"}}).wantStatus(http.StatusSeeOther)
	out.follow(out.signIn("mia", "demo")).wantStatus(http.StatusOK)
	// And what is refused is on record under the customer's own cuid.
	w.signedIn("victor").post(views.CustomerPath("new")+"/sso", nil).wantStatus(http.StatusForbidden)
	if len(w.entries(audit.Filter{OnID: "new", Result: audit.Denied})) != 1 {
		t.Error("the denial names the customer otherwise than by the cuid")
	}
}

// TestLocalPath: the way back after signing in stays on this site.
func TestLocalPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/":                        "/",
		"/customers?q=a%26b&x=1#f": "/customers?q=a%26b&x=1#f",
		"/customers/a%2Fb":         "/customers/a%2Fb",
		"":                         "/",
		"customers":                "/",
		"//evil":                   "/",
		"///evil":                  "/",
		`/\evil`:                   "/",
		`\\evil`:                   "/",
		"https://evil":             "/",
		"https:/evil":              "/",
		"javascript:alert(1)":      "/",
		"/a\nb":                    "/",
		"/a\r\nSet-Cookie: x=1":    "/",
		"/\t/evil":                 "/",
		"/%zz":                     "/",
		" /x":                      "/",
		"?q=1":                     "/",
		"/a\\b":                    "/",
		"/x?next=//evil":           "/x?next=//evil",
	} {
		if got := localPath(path); got != want {
			t.Errorf("localPath(%q) = %q, want %q", path, got, want)
		}
	}
}

// TestBackToWhereOneWasGoing, over HTTP.
func TestBackToWhereOneWasGoing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, c := range []struct {
		name, going string
		header      []string
		want        string
	}{
		{"a page", "/customers?q=a%26b&sort=-email", nil, "/customers?q=a%26b&sort=-email"},
		{"a CRM's link", "/sso?email=" + emailFirst, nil, "/sso?email=" + emailFirst},
		{"home", "/", nil, "/"},
		{"an address of another site", "//evil.example/customers", nil, "/"},
		{"a page that one may not see", "/staff", nil, "/staff"},
		{"far too long for a cookie", "/customers?q=" + strings.Repeat("x", 6000), nil, "/customers"},
		// A part of a page is nowhere to go to: the page that asked for it is.
		{"a fragment", "/sms/country?phone=1", []string{"HX-Request", "true", "HX-Current-URL", "BASE/sms?phone=1"}, "/sms?phone=1"},
		{"a fragment from elsewhere", "/sms/country?phone=1", []string{"HX-Request", "true", "HX-Current-URL", "https://evil.example//evil"}, "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.browser().in(t)
			for i := range c.header {
				c.header[i] = strings.Replace(c.header[i], "BASE", w.server.URL, 1)
			}
			p := b.get(w.server.URL+c.going, c.header...)
			switch {
			case c.header != nil:
				if p.status != http.StatusNoContent || p.res.Header.Get("HX-Redirect") != "/login" {
					t.Errorf("status %d, HX-Redirect %q", p.status, p.res.Header.Get("HX-Redirect"))
				}
			case !strings.HasPrefix(c.going, "//"):
				p.wantStatus(http.StatusSeeOther)
			}
			if got := b.signIn("mia", "demo"); got.location() != c.want {
				t.Errorf("after signing in to %q, want %q", got.location(), c.want)
			}
		})
	}
	// The theme's way back is a local one too.
	for back, want := range map[string]string{"/customers?q=x": "/customers?q=x", "//evil": "/", `/\evil`: "/", "https://evil": "/"} {
		if got := w.browser().post("/theme", url.Values{"theme": {"dark"}, "back": {back}}); got.location() != want {
			t.Errorf("theme from %q leads to %q, want %q", back, got.location(), want)
		}
	}
}
