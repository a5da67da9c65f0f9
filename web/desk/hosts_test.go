package desk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
)

func TestSSOHosts(t *testing.T) {
	const patterns = " *.Atom.works , ads.example.com:8443,one.example. ,,*.deep.example:444"
	const https, loopback = "https://atom.example/api", "http://127.0.0.1:8081/atom"
	for _, tt := range []struct {
		list, atom, link string
		want             bool
	}{
		{"", https, "https://anything.example/x?token=1", true},
		{"", https, "https://anything.example:8443/", true},
		{"", https, "http://anything.example/", false},
		{"", https, "http://localhost/", false},
		{"", https, "http://127.0.0.1:8081/", false},
		{"", loopback, "http://127.0.0.1:8081/platform", true},
		{"", loopback, "http://localhost:9/", true},
		{"", loopback, "http://LOCALHOST./", true},
		{"", loopback, "http://[::1]:8081/", true},
		{"", loopback, "http://127.9.9.9/", true},
		{"", loopback, "http://localhost.example.com/", false},
		{"", loopback, "http://127.0.0.1.example.com/", false},
		{"", loopback, "http://10.0.0.1/", false},
		{"", loopback, "http://user@localhost/", false},
		{"", "https://127.0.0.1:8081", "http://127.0.0.1:8081/", false}, // ATOM itself must be http
		{"", "http://atom.example", "http://127.0.0.1:8081/", false},    // and on loopback
		{"", https, "https://user@anything.example/", false},
		{"", https, "https://user:secret@anything.example/", false},
		{"", https, "https:///nowhere", false},
		{"", https, "https:opaque.example", false},
		{"", https, "//no.scheme.example/", false},
		{"", https, "javascript:alert(1)", false},
		{"", https, "data:text/html,x", false},
		{"", https, "ftp://anything.example/", false},
		{"", https, "HTTPS://anything.example/", true},
		{patterns, https, "https://a.atom.works/", true},
		{patterns, https, "https://A.B.C.ATOM.Works/", true},
		{patterns, https, "https://a.atom.works./", true},
		{patterns, https, "https://a.atom.works:443/", true},
		{patterns, https, "https://atom.works/", false},
		{patterns, https, "https://xatom.works/", false},
		{patterns, https, "https://.atom.works/", false},
		{patterns, https, "https://a.atom.works.evil.example/", false},
		{patterns, https, "https://a.atom.works:8443/", false},
		{patterns, https, "https://evil.example/.atom.works", false},
		{patterns, https, "https://evil.example?a.atom.works", false},
		{patterns, https, "https://evil.example#a.atom.works", false},
		{patterns, https, "https://a.atom.works@evil.example/", false},
		{patterns, https, "http://a.atom.works/", false},
		{patterns, https, "https://ads.example.com:8443/x", true},
		{patterns, https, "https://ads.example.com/", false},
		{patterns, https, "https://x.ads.example.com:8443/", false},
		{patterns, https, "https://one.example/", true},
		{patterns, https, "https://a.b.deep.example:444/", true},
		{patterns, https, "https://a.b.deep.example/", false},
		{patterns, loopback, "http://127.0.0.1:8081/", true},
		{patterns, loopback, "https://127.0.0.1:8081/", false},
		{patterns, loopback, "https://evil.example/", false},
	} {
		h, err := ParseSSOHosts(tt.list, tt.atom)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(tt.link)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Allows(u); (err == nil) != tt.want {
			t.Errorf("%q with ATOM at %s: %s is %v, want allowed %v", tt.list, tt.atom, tt.link, err, tt.want)
		}
	}
	for _, bad := range []string{"*", "*.", "*.*.example", "a.*.example", "https://a.example", "a.example/x", "a example", "a.example:https", "a.example:", "u@a.example",
		"a.example;", "'self'", "a.example, *", ":443", "a\"b.example"} {
		if h, err := ParseSSOHosts(bad, https); err == nil {
			t.Errorf("%q was taken for %+v", bad, h)
		}
	}
}

func TestFormActionAdmitsWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct{ list, atom, want string }{
		{"", "https://atom.example", "https:"},
		{"", "http://localhost:8081/atom", "https: http://localhost:* http://127.0.0.1:*"},
		{"*.atom.works,ads.example.com:8443", "https://atom.example", "https://*.atom.works https://ads.example.com:8443"},
		{"ads.example.com", "http://127.0.0.1:1", "https://ads.example.com http://localhost:* http://127.0.0.1:*"},
	} {
		h, err := ParseSSOHosts(tt.list, tt.atom)
		if err != nil || h.FormAction() != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.list, h.FormAction(), err, tt.want)
		}
	}
}

// odd is a desk whose ATOM is this handler.
func (r *rig) odd(f http.HandlerFunc) *Desk {
	r.Helper()
	d := r.desk(r.Store, r.server.URL, call.Limits{})
	d.Atom = atom.New(r.fake(f)+"/base", superKey, superToken, call.New("atom", call.Limits{}, d.Stats))
	return d
}

func TestSSOGoesOnlyWhereItMay(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	var location string
	d := r.odd(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", location); w.WriteHeader(302) })
	for _, tt := range []struct {
		location, link, host string
		refused              bool
	}{
		{"https://platform.example/in?token=PLANTED-link", "https://platform.example/in?token=PLANTED-link", "platform.example", false},
		{"/relative?token=PLANTED-link", "", "127.0.0.1", false}, // resolved against ATOM's own address, loopback here
		{"http://evil.example/?token=PLANTED-link", "", "evil.example", true},
		{"https://a:PLANTED-link@evil.example/", "", "evil.example", true},
	} {
		location = tt.location
		r.clock.Add(ssoRepeats)
		answer, err := d.OpenSSO(ctx, r.mia, "x", c.CUID, "")
		entries := r.entries(answer.Act)
		out := entries[len(entries)-1]
		if !strings.Contains(out.Detail, tt.host) || strings.Contains(out.Detail, "PLANTED") {
			t.Errorf("%s: the log says %q; want the host and nothing of the link", tt.location, out.Detail)
		}
		if tt.refused {
			if p := r.problem(err); p.Kind != Trouble || p.Status() != 502 || answer.Secret.Link != "" || out.Result != audit.Refused || strings.Contains(p.Error()+p.Text.String(), "PLANTED") {
				t.Errorf("%s: %+v, link %q, %s", tt.location, p, answer.Secret.Link, out.Result)
			}
			continue
		}
		if err != nil || !strings.HasSuffix(answer.Secret.Link, "?token=PLANTED-link") || tt.link != "" && answer.Secret.Link != tt.link {
			t.Errorf("%s: %q, %v", tt.location, answer.Secret.Link, err)
		}
	}
	if strings.Contains(r.everything(), "PLANTED") {
		t.Error("a link is at rest in plain text")
	}
}
