package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig is a sandbox on a real listener with a clock that tests can move.
type rig struct {
	*testing.T
	sb  *Server
	url string

	mu  sync.Mutex
	now time.Time
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{T: t, now: time.Date(2026, 11, 22, 2, 13, 56, 123456700, time.UTC)}
	cfg.Now = func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.now
	}
	r.sb = New(cfg)
	srv := httptest.NewServer(r.sb)
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) control(change string) {
	r.Helper()
	if err := r.sb.Control(change); err != nil {
		r.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("decoding %q: %v", a.body, err)
	}
}

// newClient opens a connection for every call, so that net/http re-sends nothing,
// and follows no redirect.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
}

// do makes a call; headers come as "Name: value".
func (r *rig) do(method, path, body string, headers ...string) answer {
	r.Helper()
	return r.doWith(newClient(), method, path, body, headers...)
}

func (r *rig) doWith(c *http.Client, method, path, body string, headers ...string) answer {
	r.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, res.Body)
	return answer{res.StatusCode, res.Header, b.String(), err}
}

var (
	jsonHeaders = []string{"Content-Type: application/json", "Accept: application/json"}
	super       = []string{"x-access-superkey: sandbox-superkey", "x-access-supertoken: sandbox-supertoken"}
	basic       = "Authorization: Basic aXAxLTAwMDAwOnNhbmRib3gta2V5" // ip1-00000:sandbox-key
)

// app makes a call of ATOM's App level.
func (r *rig) app(method, path, body string) answer {
	r.Helper()
	return r.do(method, "/atom"+path, body, append([]string{"Content-Type: application/json"}, super...)...)
}

// sms makes a call to iP1.
func (r *rig) sms(method, path, body string) answer {
	r.Helper()
	return r.do(method, "/ip1/api/authentications"+path, body, "Content-Type: application/json", basic)
}

func (r *rig) wantStatus(a answer, status int, contains string) {
	r.Helper()
	if a.err != nil {
		r.Fatalf("call failed: %v", a.err)
	}
	if a.status != status || !strings.Contains(a.body, contains) {
		r.Fatalf("got %d %.300s, want %d with %q", a.status, a.body, status, contains)
	}
}

func TestPagesOfItsOwn(t *testing.T) {
	r := newRig(t, Config{})
	for _, tt := range []struct {
		method, path string
		status       int
		contains     string
	}{
		{"GET", "/", 200, "/portal/atmosphere"},
		{"POST", "/", 405, "GET"},
		{"GET", "/outbox", 200, "Nothing has been sent yet"},
		{"POST", "/outbox", 405, ""},
		{"GET", "/outbox.json", 200, "[]"},
		{"POST", "/outbox.json", 405, ""},
		{"GET", "/control", 200, `"customers":250`},
		{"PUT", "/control", 405, ""},
		{"GET", "/journal", 200, "[]"},
		{"POST", "/journal", 405, ""},
		{"DELETE", "/journal", 204, ""},
		{"GET", "/platform", 403, "does not work"},
		{"POST", "/platform", 405, ""},
		{"GET", "/nothing", 404, "no such page"},
		{"GET", "/outbox/", 404, ""},
	} {
		a := r.do(tt.method, tt.path, "")
		if a.err != nil || a.status != tt.status || !strings.Contains(a.body, tt.contains) {
			t.Errorf("%s %s: %d %v %.200s", tt.method, tt.path, a.status, a.err, a.body)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	r := newRig(t, Config{})
	huge := `{"company":"` + strings.Repeat("x", maxBody) + `"}`
	for _, path := range []string{"/atom/customer", "/portal/customer/_rest/v4/authenticate", "/ip1/api/authentications"} {
		if a := r.do("POST", path, huge, jsonHeaders...); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %v", path, a.status, a.err)
		}
	}
	if a := r.do("POST", "/control", huge); a.status != http.StatusBadRequest {
		t.Errorf("control: %d %v", a.status, a.err)
	}
}

func TestConcurrentUse(t *testing.T) {
	r := newRig(t, Config{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				switch (i + j) % 5 {
				case 0:
					r.app("GET", "/customer/", "")
				case 1:
					r.app("GET", "/customer/jonas.brandt@nordlicht-logistik.example/passcode", "")
				case 2:
					r.sms("POST", "", `{"Phone":"+46701740605"}`)
				case 3:
					if err := r.sb.Control(`{"service":"atom","customers":50,"hang":false,"latency":"1ms"}`); err != nil {
						t.Error(err)
					}
				default:
					r.do("GET", "/control", "")
					r.do("GET", "/journal", "")
					r.do("GET", "/outbox", "")
				}
			}
		})
	}
	wg.Wait()
}
