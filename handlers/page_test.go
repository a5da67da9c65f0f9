package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// page is an answer that a browser got.
type page struct {
	t      testing.TB
	what   string // "GET /customers", for messages
	res    *http.Response
	status int
	body   string
	doc    *html.Node
}

func newPage(t testing.TB, what string, res *http.Response, body string) *page {
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return &page{t, what, res, res.StatusCode, body, doc}
}

func (p *page) location() string { return p.res.Header.Get("Location") }

func (p *page) wantStatus(status int) {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s: status %d (to %q), want %d; problem: %s", p.what, p.status, p.location(), status, p.problem())
	}
}

// want looks for texts on the page, as a person reads it.
func (p *page) want(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			p.t.Errorf("%s: %q is not on the page:\n%s", p.what, text, p.text())
		}
	}
}

func (p *page) wantNo(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.t.Errorf("%s: %q is on the page, and must not be", p.what, text)
		}
	}
}

// wantErrors holds that these fields, and no others, have a message.
func (p *page) wantErrors(fields ...string) {
	p.t.Helper()
	var got []string
	for n := range p.all("input", "select", "textarea") {
		if name := attr(n, "name"); attr(n, "type") != "hidden" && p.errorAt(n) != "" && !slices.Contains(got, name) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	slices.Sort(fields)
	if !slices.Equal(got, fields) {
		p.t.Errorf("%s: messages at the fields %q, want %q; problem: %s", p.what, got, fields, p.problem())
	}
}

// errorAt is the message at a field: beside it, or named by it.
func (p *page) errorAt(field *html.Node) string {
	for n := range nodes(p.doc) {
		if !has(n, "data-error") {
			continue
		}
		if n.Parent == field.Parent || (attr(n, "id") != "" && slices.Contains(strings.Fields(attr(field, "aria-describedby")), attr(n, "id"))) {
			return text(n)
		}
	}
	return ""
}

// problem is what the page says went wrong.
func (p *page) problem() string {
	for n := range nodes(p.doc) {
		if has(n, "data-problem") {
			return text(n)
		}
	}
	return ""
}

// text is the page as read, without its head.
func (p *page) text() string {
	for n := range p.all("body") {
		return text(n)
	}
	return ""
}

func (p *page) byID(id string) string {
	for n := range nodes(p.doc) {
		if attr(n, "id") == id {
			return text(n)
		}
	}
	return ""
}

func (p *page) all(tags ...string) func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		for n := range nodes(p.doc) {
			if slices.Contains(tags, n.Data) && !yield(n) {
				return
			}
		}
	}
}

// links are where the page's links lead, without its own assets.
func (p *page) links() []string {
	seen := map[string]bool{}
	for n := range p.all("a") {
		if href := attr(n, "href"); strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "/static/") {
			seen[href] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// form is a form as a browser would send it untouched.
type form struct {
	action, method string
	values         url.Values
}

func (p *page) forms() []form {
	var all []form
	for n := range p.all("form") {
		f := form{action: attr(n, "action"), method: strings.ToLower(attr(n, "method")), values: url.Values{}}
		for field := range nodes(n) {
			name := attr(field, "name")
			if name == "" {
				continue
			}
			switch field.Data {
			case "input":
				if kind := attr(field, "type"); (kind == "radio" || kind == "checkbox") && !has(field, "checked") {
					continue
				}
				f.values.Add(name, attr(field, "value"))
			case "textarea":
				f.values.Add(name, text(field))
			case "select":
				var options []*html.Node
				chosen := ""
				for o := range nodes(field) {
					if o.Data == "option" {
						options = append(options, o)
						if has(o, "selected") {
							chosen = attr(o, "value")
						}
					}
				}
				if chosen == "" && len(options) > 0 && !slices.ContainsFunc(options, func(o *html.Node) bool { return has(o, "selected") }) {
					chosen = attr(options[0], "value")
				}
				f.values.Add(name, chosen)
			}
		}
		all = append(all, f)
	}
	return all
}

// form is the page's form that posts to action.
func (p *page) form(action string) form {
	p.t.Helper()
	for _, f := range p.forms() {
		if f.action == action && f.method == "post" {
			return f
		}
	}
	p.t.Fatalf("%s: there is no form to %s; problem: %s", p.what, action, p.problem())
	return form{}
}

func (p *page) hasForm(action string) bool {
	return slices.ContainsFunc(p.forms(), func(f form) bool { return f.action == action })
}

func (f form) filled(fill url.Values) url.Values {
	v := maps.Clone(f.values)
	for name, values := range fill {
		v[name] = values
	}
	return v
}

// The policies: of pages, where each has a nonce of its own, and of everything else.
var (
	pageCSP = regexp.MustCompile(`^default-src 'none'; script-src 'nonce-([A-Z2-7]{26})'; style-src 'nonce-([A-Z2-7]{26})'; img-src 'self' data:; font-src 'self'; ` +
		`connect-src 'self'; form-action 'self'( https:| https?://[^;' ]+)*; base-uri 'none'; frame-ancestors 'none'; ` +
		`require-trusted-types-for 'script'; trusted-types default$`)
	bareCSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

// isRendered tells pages and fragments from net/http's own redirect to the cleaned path.
func (p *page) isRendered() bool {
	busy := p.status == http.StatusServiceUnavailable && !strings.Contains(p.body, "<script") // a page to itself, with nothing that a nonce would let in
	return strings.HasPrefix(p.res.Header.Get("Content-Type"), "text/html") && p.status != http.StatusTemporaryRedirect && !busy
}

// checkHeaders holds what every answer must carry.
func (p *page) checkHeaders(w *world) {
	p.t.Helper()
	head := p.res.Header
	referrer := "same-origin"
	if p.status == http.StatusSeeOther && !strings.HasPrefix(p.location(), "/") {
		referrer = "no-referrer" // it leads off to the platform
	}
	cache := "no-store"
	if strings.HasPrefix(p.res.Request.URL.Path, "/static/") && p.status == http.StatusOK {
		cache = "public, max-age=31536000, immutable" // its name changes with its content
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": referrer, "X-Frame-Options": "DENY", "Cache-Control": cache,
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := head.Get(name); got != want {
			p.t.Errorf("%s: %s is %q, want %q", p.what, name, got, want)
		}
	}
	csp := head.Get("Content-Security-Policy")
	if p.isRendered() {
		nonces := pageCSP.FindStringSubmatch(csp)
		if nonces == nil || nonces[1] != nonces[2] {
			p.t.Errorf("%s: the page's CSP is %q", p.what, csp)
		} else if _, again := w.nonces.LoadOrStore(nonces[1], true); again {
			p.t.Errorf("%s: the nonce %s was used before", p.what, nonces[1])
		}
	} else if csp != bareCSP {
		p.t.Errorf("%s: the CSP is %q, want %q", p.what, csp, bareCSP)
	}
	permissions := strings.Split(head.Get("Permissions-Policy"), ", ")
	for _, want := range []string{
		"camera=()", "clipboard-read=()", "clipboard-write=(self)", "display-capture=()", "geolocation=()", "hid=()", "microphone=()", "midi=()",
		"payment=()", "publickey-credentials-create=()", "publickey-credentials-get=()", "serial=()", "usb=()",
	} {
		if !slices.Contains(permissions, want) {
			p.t.Errorf("%s: Permissions-Policy lacks %s: %q", p.what, want, permissions)
		}
	}
	for _, feature := range permissions {
		if !strings.HasSuffix(feature, "=()") && feature != "clipboard-write=(self)" {
			p.t.Errorf("%s: Permissions-Policy allows %s", p.what, feature)
		}
	}
	if got := head.Get("Strict-Transport-Security") != ""; got != w.setup.https {
		p.t.Errorf("%s: HSTS sent: %v, https: %v", p.what, got, w.setup.https)
	}
	if head.Get("X-Request-Id") == "" {
		p.t.Errorf("%s: no request ID", p.what)
	}
}

// checkHTML holds the basics of every page: what a browser, a screen reader
// and the CSP need of it.
func (p *page) checkHTML(fragment bool) {
	p.t.Helper()
	if p.status == http.StatusTemporaryRedirect {
		return // net/http's own, to the cleaned path
	}
	complain := func(format string, args ...any) {
		p.t.Helper()
		p.t.Errorf("%s: "+format, append([]any{p.what}, args...)...)
	}
	nonce := "none" // the header's, which checkHeaders holds to be there
	if found := pageCSP.FindStringSubmatch(p.res.Header.Get("Content-Security-Policy")); found != nil {
		nonce = found[1]
	}
	ids, labelled, h1 := map[string]bool{}, map[string]bool{}, 0
	for n := range nodes(p.doc) {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				complain("the id %q occurs twice", id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		if n.Data == "h1" {
			h1++
		}
	}
	if h1 != 1 && !fragment {
		complain("%d h1, want one", h1)
	}
	for n := range nodes(p.doc) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") {
				complain("<%s> has %s=%q, which the CSP refuses", n.Data, a.Key, a.Val)
			}
			if (a.Key == "aria-describedby" || a.Key == "aria-labelledby") && !fragment {
				for _, id := range strings.Fields(a.Val) {
					if !ids[id] {
						complain("<%s> names #%s, which is not there", n.Data, id)
					}
				}
			}
			if (a.Key == "href" || a.Key == "action") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				complain("<%s> leads to %q", n.Data, a.Val)
			}
		}
		switch n.Data {
		case "style":
			complain("an inline style sheet")
		case "script":
			// Rules for the browser and texts are no script; the former are held by TestPagesAreFetchedAheadByRole.
			if attr(n, "src") == "" && attr(n, "type") != "speculationrules" && attr(n, "type") != "application/json" {
				complain("an inline script")
			}
			if attr(n, "nonce") != nonce {
				complain("a script with the nonce %q, want %q", attr(n, "nonce"), nonce)
			}
		case "link":
			if attr(n, "rel") == "stylesheet" && attr(n, "nonce") != nonce {
				complain("a style sheet with the nonce %q, want %q", attr(n, "nonce"), nonce)
			}
		case "svg", "img":
			if attr(n, "aria-hidden") != "true" && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" && attr(n, "alt") == "" {
				complain("<%s> is neither hidden nor named", n.Data)
			}
		case "label":
			if id := attr(n, "for"); id != "" && !ids[id] {
				complain("a label is for #%s, which is not there", id)
			}
		case "input", "select", "textarea":
			// What may be remembered by the browser: passwords by its own manager, other secrets by nothing.
			if want, ok := map[string]string{"password": "current-password", "passcode": "off", "code": "off", "token": "off"}[attr(n, "name")]; ok {
				if attr(n, "autocomplete") != want {
					complain("<%s name=%q> has autocomplete=%q, want %q", n.Data, attr(n, "name"), attr(n, "autocomplete"), want)
				}
				if attr(n, "type") != "password" && !has(n, "data-secret") {
					complain("<%s name=%q> may end up in a draft", n.Data, attr(n, "name"))
				}
			}
			if attr(n, "type") == "hidden" || attr(n, "aria-label") != "" || within(n, "label") || (attr(n, "id") != "" && labelled[attr(n, "id")]) {
				continue
			}
			complain("<%s name=%q> has no label", n.Data, attr(n, "name"))
		case "a":
			if text(n) == "" && attr(n, "aria-label") == "" {
				complain("a link to %s without a text", attr(n, "href"))
			}
		case "button":
			if text(n) == "" && attr(n, "aria-label") == "" {
				complain("a button without a text")
			}
		}
	}
}

// nodes are the elements at and below n, in order.
func nodes(n *html.Node) func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		if n.Type == html.ElementNode && !yield(n) {
			return
		}
		for d := range n.Descendants() {
			if d.Type == html.ElementNode && !yield(d) {
				return
			}
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func within(n *html.Node, tag string) bool {
	for a := range n.Ancestors() {
		if a.Data == tag {
			return true
		}
	}
	return false
}

// text is what a reader sees or hears of n, its spaces folded.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
