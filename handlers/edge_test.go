package handlers

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/web/sandbox"
)

// TestHost: only requests that were meant for frontdesk's own address.
func TestHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	for base, hosts := range map[string]map[string]bool{
		"https://desk.example.com": {
			"desk.example.com": true, "DESK.example.COM": true, "desk.example.com:443": true,
			"desk.example.com:80": false, "desk.example.com:8443": false, "desk.example.com.": false, "evil.example": false, "desk.example.com.evil.example": false,
			"evildesk.example.com": false, "example.com": false, "localhost": false, "127.0.0.1": false, "192.0.2.7": false, "": false,
			"desk.example.com:443:443": false, "user@desk.example.com": false, "desk.example.com, evil.example": false,
		},
		"http://desk.example.com:8080": {"desk.example.com:8080": true, "desk.example.com": false, "desk.example.com:80": false, "localhost:8080": false},
		"http://desk.example.com":      {"desk.example.com": true, "desk.example.com:80": true, "desk.example.com:443": false},
		"http://192.0.2.7:8080":        {"192.0.2.7:8080": true, "192.0.2.7": false, "192.0.2.8:8080": false},
		"http://localhost:8080": {
			"localhost:8080": true, "LocalHost": true, "localhost:9000": true, "127.0.0.1:8080": true, "127.1.2.3": true, "[::1]:8080": true, "[::1]": true,
			"evil.example:8080": false, "evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8080": false, "192.0.2.7:8080": false,
			"[2001:db8::1]:8080": false, "localhost:evil": false,
		},
		"http://127.0.0.1:8080": {"localhost:8080": true, "[::1]:8080": true, "127.0.0.1": true, "evil.example:8080": false},
		"http://[::1]:8080":     {"localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "[::2]:8080": false},
	} {
		c := w.h.Config
		var err error
		if c.BaseURL, err = url.Parse(base); err != nil {
			t.Fatal(err)
		}
		h, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		for host, ours := range hosts {
			for _, path := range []string{"/login", "/none", "/static/none.js", "/healthz", "/readyz"} {
				r, rec := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
				r.Host = host
				h.ServeHTTP(rec, r)
				if refused := rec.Code == http.StatusMisdirectedRequest; refused != (!ours && path != "/healthz" && path != "/readyz") {
					t.Errorf("%s asked for %s as %q: status %d", base, path, host, rec.Code)
				} else if refused {
					text := rec.Body.String()
					if !strings.Contains(text, "Open "+base+" instead") || !strings.Contains(text, "proxy") || (host != "" && strings.Contains(text, "evil")) {
						t.Errorf("%s asked for as %q says: %s", base, host, text)
					}
					if rec.Header().Get("Set-Cookie") != "" || rec.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
						t.Errorf("%s asked for as %q: %v", base, host, rec.Header())
					}
				}
			}
		}
	}

	// Over HTTP, with the cookies of somebody who is signed in: nothing is done, and nothing is noted.
	b := w.signedIn("mia")
	seen, cookie := w.sessionOf("mia").SeenAt, "session="+b.jarCookie("session").Value
	w.clock.advance(5 * time.Minute)
	mark := w.mark()
	for _, p := range []*page{
		b.get("/", "Cookie", cookie, "Host", "evil.example"),
		b.post("/sms", url.Values{"phone": {"+46701740605"}}, "Cookie", cookie, "Host", "evil.example", "Origin", "http://evil.example"),
		b.post("/logout", nil, "Cookie", cookie, "Host", "evil.example", "Sec-Fetch-Site", "same-origin"),
	} {
		p.wantStatus(http.StatusMisdirectedRequest)
		p.wantNo("Mia")
	}
	if got := w.sessionOf("mia").SeenAt; !got.Equal(seen) || len(w.calls(mark)) > 0 {
		t.Errorf("the session was used at %v, before that %v; called %v", got, seen, w.calls(mark))
	}
	b.get("/", "Cookie", cookie, "Host", "localhost").wantStatus(http.StatusOK)
}

// TestIsolation: other sites may link to pages, and load nothing.
func TestIsolation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	link := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	for _, c := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"our own page", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"typed into the address bar", append([]string{"Sec-Fetch-Site", "none"}, link...), false},
		{"an old browser", nil, false},
		{"a CRM's link", append([]string{"Sec-Fetch-Site", "cross-site"}, link...), false},
		{"a sibling's link", append([]string{"Sec-Fetch-Site", "same-site"}, link...), false},
		{"fetched elsewhere", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, true},
		{"fetched by a sibling", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty"}, true},
		{"an image elsewhere", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, true},
		{"a script elsewhere", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, true},
		{"a frame elsewhere", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, true},
		{"an object elsewhere", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, true},
		{"elsewhere, and no more is told", []string{"Sec-Fetch-Site", "cross-site"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.in(t)
			w.clock.advance(2 * time.Minute)
			seen, mark, log := w.sessionOf("mia").SeenAt, w.mark(), len(w.entries(audit.Filter{}))
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				for _, path := range []string{"/customers?q=a", "/sso?email=" + emailFirst, "/audit/checkpoint", "/session", "/sms?refresh=1", "/login", "/none"} {
					p := b.do(method, path, nil, c.headers...)
					if refused := p.status == http.StatusForbidden; refused != c.refused {
						t.Errorf("%s %s: status %d", method, path, p.status)
					}
					if c.refused && method == http.MethodGet {
						p.want("This came from another site", "Nothing was done.")
						p.wantNo("Mia Moreau")
					}
				}
			}
			if c.refused && (!w.sessionOf("mia").SeenAt.Equal(seen) || len(w.calls(mark)) > 0 || len(w.entries(audit.Filter{})) != log) {
				t.Errorf("something was done: seen %v, calls %v", w.sessionOf("mia").SeenAt.Sub(seen), w.calls(mark))
			}
			if p := b.do(http.MethodOptions, "/customers", nil, c.headers...); c.refused && p.status != http.StatusForbidden {
				t.Errorf("a preflight answers %d", p.status)
			}
			// Nobody's secrets, and for everybody.
			for path, want := range map[string]int{"/healthz": 200, "/static/none.js": 404} {
				if p := b.get(path, c.headers...); p.status != want {
					t.Errorf("%s: status %d, want %d", path, p.status, want)
				}
			}
		})
	}
}

// TestLongAddresses are refused before anything is looked up.
func TestLongAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	b := w.signedIn("mia")
	b.get("/customers?q=" + strings.Repeat("x", maxQuery-2)).wantStatus(http.StatusOK)
	for _, p := range []*page{b.get("/customers?q=" + strings.Repeat("x", maxQuery-1)), b.post("/theme?q="+strings.Repeat("x", maxQuery), nil)} {
		p.wantStatus(http.StatusRequestURITooLong)
		p.want("too long")
	}
}

// dial opens a connection to the server as it is, without a client's help.
func (w *world) dial() net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestSlowBody: a form that trickles in is cut off, and says so.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	w.h.bodyLimit = 400 * time.Millisecond
	conn := w.dial()
	began := time.Now()
	head := "POST /login HTTP/1.1\r\nHost: " + w.server.Listener.Addr().String() + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	go func() {
		for _, err := io.WriteString(conn, "x"); err == nil; _, err = io.WriteString(conn, "x") {
			time.Sleep(20 * time.Millisecond)
		}
	}()
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), "came too slowly") || err != nil {
		t.Errorf("status %d, %v: %s", res.StatusCode, err, text)
	}
	if _, err := in.ReadByte(); err == nil || !res.Close {
		t.Error("the connection goes on")
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}

	// An act may take longer than its form.
	w.fault(`{"service": "portal", "latency": "900ms"}`)
	w.browser().signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
}

// TestSlowReader: who asks and does not read loses the connection.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	w.h.answerLimit = 400 * time.Millisecond
	conn := w.dial()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	// More answers than the buffers of both sides can hold.
	ask := "GET /login HTTP/1.1\r\nHost: " + w.server.Listener.Addr().String() + "\r\n\r\n"
	began := time.Now()
	var err error
	for err == nil && time.Since(began) < 20*time.Second {
		if err = conn.SetWriteDeadline(time.Now().Add(20 * time.Second)); err == nil {
			_, err = io.WriteString(conn, strings.Repeat(ask, 50))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if timeout, ok := err.(net.Error); err == nil || (ok && timeout.Timeout()) {
		t.Fatalf("the connection goes on: %v", err)
	}

	// The time begins when the answer is there, however long it took to make.
	w.fault(`{"service": "portal", "latency": "900ms"}`)
	w.browser().signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
}
