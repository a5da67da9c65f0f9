package handlers

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/securecookie"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
)

// hostile is frontdesk asked without a network between, by people who have signed in.
type hostile struct {
	*world
	cookies map[string]string // by person
	cuid    string
}

func newHostile(f *testing.F, people ...string) *hostile {
	f.Helper()
	h := &hostile{world: newWorld(f, setup{}), cookies: map[string]string{}}
	for _, who := range people {
		b := h.signedIn(who)
		h.cookies[who] = "session=" + b.jarCookie("session").Value + "; frontdesk=" + b.jarCookie("frontdesk").Value
	}
	h.cuid = h.customer(emailFirst).CUID
	return h
}

// ask sends a request as it would come over the wire; nil when net/http itself
// refuses it.
func (h *hostile) ask(t *testing.T, method, target string, body []byte, header ...string) *page {
	t.Helper()
	if strings.ContainsAny(target, "\r\n") {
		return nil
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: " + h.h.BaseURL.Host + "\r\n\r\n")))
	if err != nil {
		return nil
	}
	r.RemoteAddr = "192.0.2.7:4711"
	if method == http.MethodPost {
		r.Header.Set("Origin", h.server.URL)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Body, r.ContentLength = http.NoBody, int64(len(body))
		if len(body) > 0 {
			r.Body = nopCloser{bytes.NewReader(body)}
		}
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	rec := httptest.NewRecorder()
	h.h.ServeHTTP(rec, r.WithContext(t.Context()))
	res := rec.Result()
	res.Request = r
	p := newPage(t, method+" "+target, res, rec.Body.String())
	if p.status >= 500 {
		t.Fatalf("%s with %q: status %d: %s", p.what, body, p.status, p.text())
	}
	p.checkHeaders(h.world)
	if p.isRendered() {
		p.checkHTML(r.Header.Get("HX-Request") == "true" || r.URL.Path == "/sms/country" || r.URL.Path == "/palette" || r.URL.Path == "/shortcuts")
		if !utf8.ValidString(p.body) {
			t.Fatalf("%s: the page is no text", p.what)
		}
	}
	for _, name := range []string{"Location", "HX-Redirect", "HX-Push-Url"} {
		if to := res.Header.Get(name); to != "" && !staysHere(to) && !strings.HasPrefix(to, h.boxURL+"/platform") {
			t.Fatalf("%s: %s is %q", p.what, name, to)
		}
	}
	return p
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// staysHere tells whether a browser takes an address for one of the site that it is
// on: it drops tabs and line ends, and takes a backslash for a slash.
func staysHere(to string) bool {
	to = strings.TrimLeftFunc(to, func(r rune) bool { return r <= ' ' })
	to = strings.ReplaceAll(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(to), `\`, "/")
	u, err := url.Parse("https://desk.example/login")
	if err == nil {
		u, err = u.Parse(to)
	}
	return err == nil && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && u.Host == "desk.example" && u.User == nil
}

// FuzzPages: whatever stands in the address of a page, it is shown, or it is said
// what is wrong; and nothing leads off to another site.
func FuzzPages(f *testing.F) {
	h := newHostile(f, "mia")
	var paths []string
	for _, rt := range h.h.routes {
		if path, ok := strings.CutPrefix(rt.Pattern, "GET "); ok && !strings.HasSuffix(path, "/events") && path != "/readyz" {
			paths = append(paths, strings.ReplaceAll(path, "{$}", ""))
		}
	}
	for i, path := range paths {
		f.Add(i, "1", "q=a&cursor=x&sort=-created", path, false)
		f.Add(i, h.cuid, "q=%ff%00&size=1e9&cols=%22%3E%3Cscript%3E", "//evil.example", true)
	}
	list := slices.Index(paths, "/customers")
	for _, q := range []string{
		"from=2026-13-01", "from=9999-12-31&to=0000-01-01", "cursor=bnVsbA", "cursor=eyJzIjoiIiwiayI6IlwudTAwMDAifQ&gone=1", "sort=company;DROP", "q=" + strings.Repeat("%F0%9F%98%80", 300),
		"cols=cuid&cols=company&cols=x", "%zz", "q", "country=%00&state=%0a", "q=a;b", "stored=maybe&outside=1&density=%22onload",
	} {
		f.Add(list, "", q, "", false)
		f.Add(list, "", q, "https://desk/customers?x\\", true)
	}
	f.Fuzz(func(t *testing.T, which int, segment, query, from string, fragment bool) {
		if which < 0 {
			return
		}
		path := paths[which%len(paths)]
		for _, name := range []string{"{cuid}", "{id}", "{act}", "{n}"} {
			path = strings.ReplaceAll(path, name, url.PathEscape(segment))
		}
		header := []string{"Cookie", h.cookies["mia"]}
		if fragment {
			header = append(header, "HX-Request", "true", "HX-Current-URL", from)
		}
		h.ask(t, http.MethodGet, path+"?"+query, nil, header...)
		if out := h.ask(t, http.MethodGet, path+"?"+query, nil, header[2:]...); out != nil && out.status == http.StatusOK && !slices.Contains([]string{"/login", "/healthz"}, path) {
			t.Fatalf("%s is open to everybody", out.what)
		}
	})
}

// FuzzAudit: whatever is asked of the log, its pages list only what the reader may
// see.
func FuzzAudit(f *testing.F) {
	h := newHostile(f, "mia", "victor", "alice")
	staff := map[string]store.Staff{}
	for _, who := range []string{"mia", "victor", "alice"} {
		s, err := h.db.StaffByLogin(f.Context(), "customer", who)
		if err != nil {
			f.Fatal(err)
		}
		staff[who] = s
	}
	for i := range 120 {
		by := staff[[]string{"mia", "victor", "alice"}[i%3]]
		e := audit.Entry{Act: fmt.Sprint("act", i), Phase: audit.Event, Who: audit.Who{StaffID: by.ID, Name: by.Name, Portal: by.Portal, Username: by.Username}, What: "sign in", Result: audit.Done}
		if i%5 == 0 {
			e.On = audit.Subject{ID: h.cuid, Name: "Nordlicht"}
		}
		if err := h.db.Write(f.Context(), func(tx *store.Tx) error { return tx.Append(f.Context(), &e) }); err != nil {
			f.Fatal(err)
		}
	}
	for _, q := range []string{
		"", "who=alice", "cursor=50", "after=3", "cursor=-1&after=9", "cursor=9223372036854775807", "after=9223372036854775807", "cursor=4294967297", "around=7", "around=8", "around=9", "around=99999", "staff=1&StaffID=3",
		"on=" + h.cuid, "on=" + h.cuid + "&cursor=90", "q=Alice&after=1", "what=sign+in&outcome=done", "cursor=%2b60", "cursor=6_0", "cursor=０", "who=&on=x", "from=2026-01-01&to=2999-01-01", "on=" + h.cuid + "%00",
	} {
		f.Add(q, false)
		f.Add(q, true)
	}
	f.Fuzz(func(t *testing.T, query string, manager bool) {
		who := "victor"
		if manager {
			who = "mia"
		}
		p := h.ask(t, http.MethodGet, "/audit?"+query, nil, "Cookie", h.cookies[who])
		if p == nil {
			return
		}
		for n := range p.all("a") {
			id, err := strconv.ParseInt(strings.TrimPrefix(attr(n, "href"), "/audit/"), 10, 64)
			if err != nil {
				continue
			}
			e, err := h.db.Entry(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			act, err := h.db.EntriesOfAct(t.Context(), e.Act)
			if err != nil {
				t.Fatal(err)
			}
			mine := slices.ContainsFunc(act, func(e audit.Entry) bool { return e.Who.StaffID == staff[who].ID })
			if !mine && !(manager && e.On.ID == h.cuid) {
				t.Fatalf("%s sees entry %d of %s by %q", who, id, e.Who.Name, query)
			}
		}
	})
}

// FuzzCookies: whatever cookies come, nobody is signed in by them, and the sign-in
// page is there; preferences of any content, even sealed by us, break no page.
func FuzzCookies(f *testing.F) {
	h := newHostile(f, "mia")
	f.Add("session=; frontdesk=", `{"Theme":"dark","Back":"//evil.example"}`)
	f.Add("session=x; session=y; frontdesk=MTc=", `{"Flashes":[{"Tone":"\"><script>","Text":"<b>"}],"Lang":"xx","Portal":"\u0000"}`)
	f.Add("session=\"a b\"; frontdesk=\"", `{"Seen":{"Size":-1},"Person":"customer:alice"}`)
	f.Add("session=%00;;=;,", `{"Flashes":null`)
	f.Add(strings.Repeat("a=b;", 3000)+"\xff=\xfe", `[]`)
	f.Add("frontdesk="+strings.Repeat("A", 5000), "\x0e\xff\x81")
	f.Fuzz(func(t *testing.T, cookies, preferences string) {
		if strings.Contains(cookies, strings.TrimPrefix(strings.Split(h.cookies["mia"], ";")[0], "session=")) {
			return
		}
		for path, want := range map[string]int{"/": http.StatusSeeOther, "/customers": http.StatusSeeOther, "/login": http.StatusOK} {
			if p := h.ask(t, http.MethodGet, path, nil, "Cookie", cookies); p != nil && p.status != want {
				t.Fatalf("%s with %q: status %d", path, cookies, p.status)
			}
		}
		sealed, err := securecookie.EncodeMulti("frontdesk", map[any]any{prefsKey: preferences}, h.h.cookies.Codecs...)
		if err != nil || len(preferences) == 0 || preferences[0] != '{' {
			return
		}
		if p := h.ask(t, http.MethodGet, "/login", nil, "Cookie", "frontdesk="+sealed); p != nil && p.status != http.StatusOK {
			t.Fatalf("with the preferences %q: status %d", preferences, p.status)
		}
		h.ask(t, http.MethodGet, "/", nil, "Cookie", strings.Split(h.cookies["mia"], ";")[0]+"; frontdesk="+sealed)
	})
}

// FuzzForms: whatever is posted to whatever form, in whatever encoding, it is done
// or it is said what is wrong with it: never a failure of frontdesk's own.
func FuzzForms(f *testing.F) {
	h := newHostile(f, "mia")
	var paths []string
	for _, rt := range h.h.routes {
		path, ok := strings.CutPrefix(rt.Pattern, "POST ")
		if !ok || rt.Pattern == upload || slices.Contains([]string{"/login", "/logout", "/sessions/{id}/revoke", "/sessions/others/revoke"}, path) { // which end the session, or are refused for a while
			continue
		}
		paths = append(paths, strings.NewReplacer("{cuid}", url.PathEscape(h.cuid), "{id}", "1", "{n}", "1").Replace(path))
	}
	const form = "application/x-www-form-urlencoded"
	for i := range paths {
		f.Add(i, form, []byte("receipt=r1&reason=t&company=A&email=a%40b.example&phone=%2B46701740605&name=x&query=q%3Da&text=A%09b%40c.example&back=%2F%2Fevil.example&passcode=1&password=x"))
		f.Add(i, form+"; charset=utf-16", []byte("receipt=%00%ff&reason=%u0041&company=%ff%fe&email=%00@&phone=%2B&from=%0d%0a&message=%7b0%7d&length=-1&expiration=1e9&id=1&id=x&column.company=99999999999999999999"))
	}
	f.Add(0, "multipart/form-data; boundary=x", []byte("--x\r\n\r\n--x--"))
	f.Add(1, form, []byte("%zz=%&;=;&"+strings.Repeat("a=b&", 101)))
	f.Add(2, "text/plain", []byte("{}"))
	active := slices.Index(paths, "/session/active")
	f.Add(active, form, []byte("path=%2Fcustomers%2Fnew&post=%2Fcustomers&form=company%3DA%26password%3DPLANTED"))
	f.Add(active, form, []byte("path=%2F%2Fevil.example&post=%2F%5Cevil&form=%25zz"))
	f.Fuzz(func(t *testing.T, which int, kind string, body []byte) {
		if which < 0 {
			return
		}
		path := paths[which%len(paths)]
		h.ask(t, http.MethodPost, path, body, "Cookie", h.cookies["mia"], "Content-Type", kind)
		if p := h.ask(t, http.MethodPost, path, body, "Content-Type", kind); p != nil && p.status == http.StatusOK {
			t.Fatalf("%s is open to everybody", p.what)
		}
		if p := h.ask(t, http.MethodGet, "/session", nil, "Cookie", h.cookies["mia"]); p.status != http.StatusOK {
			t.Fatalf("after %s with %q the session is over", path, body)
		}
	})
}

// FuzzUpload: whatever is sent in the place of a file is brought in or refused.
func FuzzUpload(f *testing.F) {
	h := newHostile(f, "mia")
	const kind = "multipart/form-data; boundary=x"
	part := func(head, content string) string { return "--x\r\n" + head + "\r\n\r\n" + content + "\r\n" }
	file := part(`Content-Disposition: form-data; name="file"; filename="a.csv"`, "Company;E-mail\r\nA;a@b.example\r\n")
	f.Add(kind, []byte(file+part(`Content-Disposition: form-data; name="receipt"`, "r")+"--x--\r\n"))
	f.Add(kind, []byte(part(`Content-Disposition: form-data; name="file"; filename="../..\`+"\xff\x00"+`.csv"`, "\xff\xfeC\x00")+file+"--x--"))
	f.Add(kind, []byte(part(`Content-Disposition: form-data; name="file"; filename*=UTF-8''%ff%e2%80%ae`, "PK\x03\x04")+"--x--"))
	f.Add(kind+`"; boundary="`, []byte(file))
	f.Add("multipart/form-data", []byte("--\r\n\r\n"))
	f.Add(kind, []byte(strings.Repeat(part(`Content-Disposition: form-data; name="a"`, ""), 102)))
	f.Add(kind, []byte(part("Content-Disposition: form-data; name=\"file\"; filename=\"b\"\r\nContent-Transfer-Encoding: quoted-printable", "a=3D=")+"--x--"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		p := h.ask(t, http.MethodPost, "/customers/import", body, "Cookie", h.cookies["mia"], "Content-Type", kind)
		if p == nil || p.status != http.StatusSeeOther {
			return
		}
		if at := p.location(); !strings.HasPrefix(at, "/imports/") {
			t.Fatalf("it leads to %q", at)
		} else if shown := h.ask(t, http.MethodGet, at, nil, "Cookie", h.cookies["mia"]); shown.status != http.StatusOK {
			t.Fatalf("the import is shown with status %d", shown.status)
		}
	})
}

// FuzzLocalPath: a way back leads to a page of ours or to the first one, however a
// browser reads it.
func FuzzLocalPath(f *testing.F) {
	for _, path := range []string{"/customers?q=a", "//evil.example", "/\\evil.example", "/\t/evil.example", "\\\\evil", "https://evil.example", "/%0d%0aX: y", "/a\x00", "/é", "/%zz", "/a//b", "", "/\u2028/", "/ /x", "/.//evil.example"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := localPath(path)
		if got != "/" && got != path || !staysHere(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r < 0x80 }) {
			t.Fatalf("%q leads to %q", path, got)
		}
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Current-URL", path)
		if back := wayBack(r); !staysHere(back) || len(back) > maxBack {
			t.Fatalf("on %q the way back is %q", path, back)
		}
		if post := formPath(got); !staysHere(post) {
			t.Fatalf("the form of %q is at %q", got, post)
		}
	})
}

// FuzzAddress: an address is that of the connection or one that a trusted proxy
// names, and what a client writes before it never counts.
func FuzzAddress(f *testing.F) {
	for _, forwarded := range []string{"", "203.0.113.9", "203.0.113.9, 10.0.0.2", "unknown", "[2001:db8::1]:443", "::ffff:203.0.113.9", "1.2.3.4:", "\xff", ",,", "fe80::1%eth0", "203.0.113.9\t,10.0.0.3"} {
		f.Add("10.0.0.1:99", forwarded)
		f.Add("198.51.100.4:99", forwarded)
		f.Add("[::ffff:10.0.0.1]:99", forwarded)
	}
	h := &Handlers{Config: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	address := func(remote string, forwarded ...string) string {
		return h.address(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": forwarded}})
	}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		got, plain := address(remote, forwarded), address(remote)
		ip, err := netip.ParseAddr(got)
		if err != nil {
			if got != plain {
				t.Fatalf("%q by %q is %q", remote, forwarded, got)
			}
			return
		}
		if ip.Zone() != "" || ip.Is4In6() || ip.String() != got {
			t.Fatalf("%q by %q is %q", remote, forwarded, got)
		}
		if !h.isProxy(netip.MustParseAddr(plain)) && got != plain {
			t.Fatalf("%q is no proxy, and %q makes it %q", remote, forwarded, got)
		}
		if got := address("10.0.0.1:1", forwarded, "198.51.100.4, 10.0.0.7"); got != "198.51.100.4" {
			t.Fatalf("behind %q the proxies' word is %q", forwarded, got)
		}
	})
}

// FuzzHost: only frontdesk's own name is its own, in any case and with its port or
// none.
func FuzzHost(f *testing.F) {
	for _, host := range []string{"desk.example", "DESK.example:443", "desk.example:80", "desk.example.", "evil.example", "desk.example@evil.example", "desk.example:443@x", "[desk.example]", "desk.example:", "", "a:b:443"} {
		f.Add(host)
	}
	h := &Handlers{Config: Config{BaseURL: &url.URL{Scheme: "https", Host: "desk.example"}}}
	local := &Handlers{Config: Config{BaseURL: &url.URL{Scheme: "http", Host: "localhost:8080"}}}
	f.Fuzz(func(t *testing.T, host string) {
		bare := strings.NewReplacer("[", "", "]", "").Replace(strings.ToLower(host)) // no browser asks so
		if h.isOwnHost(host) && !slices.Contains([]string{"desk.example", "desk.example:443", "desk.example:"}, bare) {
			t.Fatalf("%q is taken for its own", host)
		}
		if !local.isOwnHost(host) {
			return
		}
		names := []string{bare} // with or without what may be a port
		if end := strings.LastIndex(bare, ":"); end >= 0 {
			names = append(names, bare[:end])
		}
		if !slices.ContainsFunc(names, func(name string) bool {
			ip, err := netip.ParseAddr(name)
			return name == "localhost" || err == nil && ip.Unmap().IsLoopback()
		}) {
			t.Fatalf("%q is taken for this machine", host)
		}
	})
}

// FuzzMarks: what a search looked for is marked in a text that stays as it is.
func FuzzMarks(f *testing.F) {
	for _, looked := range []string{"an", "åsa öberg", "070-123 45 67", "\xff", "i̇", "ß ss", "\x00", "a b c"} {
		f.Add(looked, "Anna ÅSA Öberg İstanbul Straße ﬁ +46 70 123 45 67")
		f.Add(looked, "\xffa\u0301\u0301\x00")
	}
	f.Fuzz(func(t *testing.T, looked, text string) {
		m := newMarks(looked)
		for _, pieces := range [][]views.Piece{m.pieces(text), m.phone(text)} {
			whole := ""
			for _, piece := range pieces {
				whole += piece.Text
			}
			if whole != text {
				t.Fatalf("%q looked for in %q gives %+v", looked, text, pieces)
			}
			if utf8.ValidString(text) && slices.ContainsFunc(pieces, func(p views.Piece) bool { return !utf8.ValidString(p.Text) }) {
				t.Fatalf("%q looked for in %q cuts a letter: %+v", looked, text, pieces)
			}
		}
	})
}

// FuzzDraft: of what is typed everything is kept but secrets.
func FuzzDraft(f *testing.F) {
	f.Add("company=A&password=PLANTED&email=a%40b")
	f.Add("code=PLANTED&passcode=PLANTED&token=PLANTED&receipt=PLANTED")
	f.Add("a=1&a=2&%00=%ff&password=PLANTED;x")
	f.Fuzz(func(t *testing.T, form string) {
		typed, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		want := url.Values{}
		for name, values := range typed {
			if !slices.Contains(secretFields, name) {
				want[name] = values
			}
		}
		kept := withoutSecrets(typed)
		got, err := url.ParseQuery(kept)
		if err != nil || kept != "" && !reflect.DeepEqual(got, want) || kept == "" && strings.TrimSpace(strings.Join(slices.Concat(mapValues(want)...), "")) != "" {
			t.Fatalf("%q is kept as %q", form, kept)
		}
	})
}

func mapValues(v url.Values) (all [][]string) {
	for _, values := range v {
		all = append(all, values)
	}
	return all
}

// FuzzSessionCodec: what a session holds comes back as it was, and what it never
// wrote is refused or read without harm.
func FuzzSessionCodec(f *testing.F) {
	f.Add(int64(1), "token", "a \u2028 \x00", []byte(`{"deadline":1,"numbers":{"staff":1e99}}`))
	f.Add(int64(-1)<<62, "", "", []byte("\x0e\xff\x81\x02\x01"))
	f.Fuzz(func(t *testing.T, n int64, name, text string, odd []byte) {
		name, text = strings.ToValidUTF8(name, ""), strings.ToValidUTF8(text, "")
		deadline := time.UnixMilli(n % 1e14).UTC()
		values := map[string]any{"n" + name: n, "t" + name: text}
		b, err := sessionCodec{}.Encode(deadline, values)
		if err != nil {
			t.Fatal(err)
		}
		at, got, err := sessionCodec{}.Decode(b)
		if err != nil || !at.Equal(deadline) || !reflect.DeepEqual(got, values) {
			t.Fatalf("%v comes back as %v, %v, %v", values, got, at, err)
		}
		if _, values, err := (sessionCodec{}).Decode(odd); err == nil && len(odd) > 0 && odd[0] == '{' {
			for name, value := range values {
				if _, number := value.(int64); !number {
					if _, ok := value.(string); !ok {
						t.Fatalf("%s is %T", name, value)
					}
				}
			}
		}
	})
}

// FuzzFileName: a file's name is shown as a line of text.
func FuzzFileName(f *testing.F) {
	for _, name := range []string{"a.csv", "\xff", "a\r\nb", "\u202ecsv.exe", strings.Repeat("å", 300), " ", "<b>"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		shown := shownName(name)
		if shown == "" || !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 200 || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is shown as %q", name, shown)
		}
	})
}
