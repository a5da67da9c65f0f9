package call_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/web/call"
)

const secret = "s3cret-in-the-query"

// short limits keep the tests quick; the hanging cases wait for them.
var short = call.Limits{Connect: time.Second, Act: 2 * time.Second, List: 2 * time.Second}

// raw serves connections by hand: serve gets each one with the request read.
// It returns the base URL and the number of requests seen.
func raw(t *testing.T, serve func(conn net.Conn, n int)) (string, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	seen := new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					serve(conn, int(seen.Add(1)))
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), seen
}

func typed(t *testing.T, err error) *call.Error {
	t.Helper()
	var e *call.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want *call.Error", err, err)
	}
	text := err.Error() + fmt.Sprintf("%+v %v", e.Err, e.Message)
	for _, no := range []string{secret, "http://", "https://"} {
		if strings.Contains(text, no) {
			t.Errorf("error %q contains %q", text, no)
		}
	}
	return e
}

func TestTransportFailures(t *testing.T) {
	reset := func(conn net.Conn) {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	closed.Close()
	plain, _ := raw(t, func(conn net.Conn, _ int) { fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") })
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never speaks
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	self := httptest.NewUnstartedServer(http.NotFoundHandler())
	self.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs our refusal of its certificate
	self.StartTLS()
	t.Cleanup(self.Close)

	served := func(f func(net.Conn)) string {
		base, _ := raw(t, func(conn net.Conn, _ int) { f(conn) })
		return base
	}
	tests := []struct {
		name    string
		url     string
		kind    call.Kind
		status  int
		timeout bool
	}{
		{"connection refused", "http://" + closed.Addr().String(), call.Unreachable, 0, false},
		{"no such host", "http://no-such-host.invalid", call.Unreachable, 0, false},
		{"TLS to a plain server", strings.Replace(plain, "http:", "https:", 1), call.Unreachable, 0, false},
		{"TLS handshake never answered", "https://" + silent.Addr().String(), call.Unreachable, 0, true},
		{"certificate unknown", self.URL, call.Unreachable, 0, false},
		{"URL that cannot be read", "http://a b/%zz", call.Unreachable, 0, false},
		{"no scheme", "host-only", call.Unreachable, 0, false},
		{"reset before the answer", served(reset), call.Unanswered, 0, false},
		{"closed before the answer", served(func(c net.Conn) { c.Close() }), call.Unanswered, 0, false},
		{"never answered", served(func(net.Conn) { time.Sleep(4 * time.Second) }), call.Unanswered, 0, true},
		{"not HTTP, quoting secrets", served(func(c net.Conn) { fmt.Fprint(c, "SSH-2.0 "+secret+"\r\n\r\n"); c.Close() }), call.Unanswered, 0, false},
		{"bad header, quoting secrets", served(func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\n"+secret+"\r\n\r\n"); c.Close() }), call.Unanswered, 0, false},
		{"header too large", served(func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 2\r\n\r\n{}", strings.Repeat("x", 200<<10))
		}), call.Unanswered, 0, false},
		{"body cut", served(func(c net.Conn) { fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"); c.Close() }), call.Unanswered, 200, false},
		{"body never ends", served(func(c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}")
			time.Sleep(4 * time.Second)
		}), call.Unanswered, 200, true},
		{"body too large", served(func(c net.Conn) {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 2<<20, strings.Repeat("x", 2<<20))
		}), call.Unanswered, 200, false},
	}
	for _, tt := range tests {
		for _, acts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, acts %v", tt.name, acts), func(t *testing.T) {
				t.Parallel()
				stats := call.NewStats(nil)
				c := call.New("atom", short, stats)
				_, err := c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: tt.url + "/x?passcode=" + secret, Acts: acts})
				e := typed(t, err)
				if e.Kind != tt.kind || e.Status != tt.status || e.Timeout != tt.timeout {
					t.Errorf("got %v, status %d, timeout %v (%v)", e.Kind, e.Status, e.Timeout, e)
				}
				if tt.timeout != errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("cause %v, timeout %v", e.Err, tt.timeout)
				}
				if h := stats.Health("atom"); h.Calls != 1 || h.Failures != 1 || h.Last == nil || strings.Contains(h.Last.Error()+h.Last.Message, secret) {
					t.Errorf("health %+v", h)
				}
			})
		}
	}
}

func TestCallersContext(t *testing.T) {
	base, seen := raw(t, func(net.Conn, int) { time.Sleep(4 * time.Second) })
	stats := call.NewStats(nil)
	c := call.New("atom", call.Limits{}, stats)
	req := call.Request{Op: "try", Method: "GET", URL: base, Acts: true}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Do(ended, req)
	if e := typed(t, err); e.Kind != call.Unreachable || e.Timeout || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", e)
	}
	if seen.Load() != 0 {
		t.Error("a dead context sent a request")
	}

	late, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = c.Do(late, req)
	if e := typed(t, err); e.Kind != call.Unanswered || !e.Timeout {
		t.Errorf("expired during: %v", e)
	}
	if h := stats.Health("atom"); h.Calls != 1 || h.Failures != 1 {
		t.Errorf("a cancelled call counts in %+v", h)
	}
}

// A reused connection that drops before the answer makes net/http send a GET
// again; an acting call must not be.
func TestActsAreNeverResent(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT"} {
		// Answers the first request of every pair, and drops the second.
		base, seen := raw(t, func(conn net.Conn, n int) {
			if n == 2 {
				conn.Close()
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		})
		c := call.New("atom", short, nil)
		req := call.Request{Op: "try", Method: method, URL: base, Acts: true}
		if method != "GET" {
			req.Body = []byte("{}")
		}
		if _, err := c.Do(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		_, err := c.Do(t.Context(), req)
		if e := typed(t, err); e.Kind != call.Unanswered {
			t.Errorf("%s: %v", method, e)
		}
		if seen.Load() != 2 {
			t.Errorf("%s: %d requests seen for two calls", method, seen.Load())
		}
	}
}

// A service that has gone away is unreachable, also when a connection to it was kept
// and the transport finds out only by using it.
func TestReadingThatCannotConnectAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err == nil {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
		http.ReadRequest(r) // the second, which gets no answer
		l.Close()
	}()
	c := call.New("atom", short, nil)
	req := call.Request{Op: "try", Method: "GET", URL: "http://" + l.Addr().String()}
	if _, err := c.Do(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), req)
	if e := typed(t, err); e.Kind != call.Unreachable || e.Timeout {
		t.Errorf("%v", e)
	}
}

func TestActsNeverReuseAConnection(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("protocol %s", r.Proto)
		}
		io.WriteString(w, "{}")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := call.New("atom", call.Limits{}, nil)
	defer c.CloseIdle()
	for _, acts := range []bool{false, false, true, true, false} {
		if _, err := c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL, Acts: acts}); err != nil {
			t.Fatal(err)
		}
	}
	if opened.Load() != 3 { // one for the three reads, one for each act
		t.Errorf("%d connections", opened.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	}))
	defer s.Close()
	c := call.New("atom", call.Limits{}, nil)
	for _, method := range []string{"GET", "POST"} {
		r, err := c.Do(t.Context(), call.Request{Op: "try", Method: method, URL: s.URL})
		if err != nil || r.Status != 302 || r.Header.Get("Location") != "/elsewhere" {
			t.Errorf("%s: %+v, %v", method, r, err)
		}
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

// The status of a refusal counts, whatever becomes of its body.
func TestRefusalWithABrokenBody(t *testing.T) {
	for _, head := range []string{"401 No", "302 Found\r\nLocation: /x", "404 No"} {
		base, _ := raw(t, func(conn net.Conn, _ int) {
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 99\r\n\r\n{", head)
			conn.Close()
		})
		r, err := call.New("atom", short, nil).Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: base, Acts: true})
		if err != nil || fmt.Sprint(r.Status) != head[:3] || len(r.Body) != 0 {
			t.Errorf("%s: %+v, %v", head, r, err)
		}
	}
}

func TestStream(t *testing.T) {
	own := errors.New("the caller's own")
	tests := []struct {
		name, answer string
		read         func(*call.Response, io.Reader) error
		kind         call.Kind
		own          bool
	}{
		{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", nil, 0, false},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]", nil, call.Unanswered, false},
		{"cut, hidden by the reader", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",
			func(_ *call.Response, r io.Reader) error { io.ReadAll(r); return nil }, call.Unanswered, false},
		{"the caller's error", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
			func(*call.Response, io.Reader) error { return own }, 0, true},
		{"over the bound", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("[", 20), nil, call.Unanswered, false},
		{"not a 2xx", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
			func(r *call.Response, body io.Reader) error {
				if b, _ := io.ReadAll(body); len(b) != 0 || string(r.Body) != "{}" {
					return own
				}
				return r.Refusal()
			}, call.Unanswered, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, _ := raw(t, func(conn net.Conn, _ int) { fmt.Fprint(conn, tt.answer); conn.Close() })
			read := tt.read
			if read == nil {
				read = func(_ *call.Response, r io.Reader) error { _, err := io.ReadAll(r); return err }
			}
			err := call.New("atom", short, nil).Stream(t.Context(),
				call.Request{Op: "try", Method: "GET", URL: base, Long: true, MaxBytes: 10}, read)
			switch {
			case tt.own:
				if err != own {
					t.Errorf("got %v", err)
				}
			case tt.kind == 0:
				if err != nil {
					t.Error(err)
				}
			default:
				if e := typed(t, err); e.Kind != tt.kind {
					t.Error(e)
				}
			}
		})
	}
}

func TestBodyAtTheBound(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "12345") }))
	defer s.Close()
	c := call.New("atom", call.Limits{}, nil)
	for bound, ok := range map[int64]bool{4: false, 5: true, 6: true} {
		_, err := c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL, MaxBytes: bound})
		if (err == nil) != ok {
			t.Errorf("bound %d: %v", bound, err)
		}
	}
}
