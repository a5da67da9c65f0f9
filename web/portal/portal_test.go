package portal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/web/call"
	"frontdesk/web/portal"
)

const password = "pa55-word-planted"

func TestUnknownPortal(t *testing.T) {
	if c, err := portal.New("nowhere", portal.DefaultCustomerURL, nil); err == nil || c != nil {
		t.Error("an unknown portal has a client")
	}
}

func TestRequest(t *testing.T) {
	paths := map[string]string{
		portal.Customer:   "/_rest/v4/authenticate",
		portal.Atmosphere: "/_rest/v4/authenticate",
		portal.Messaging:  "/_rest/v4/app/sms/authenticate/get_portal_auth_token",
	}
	for name, path := range paths {
		for base, prefix := range map[string]string{"": "", "/": "", "/portal/x": "/portal/x", "/portal/x/": "/portal/x"} {
			var calls atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.Method != "POST" || r.RequestURI != prefix+path {
					t.Errorf("%s %s, want POST %s", r.Method, r.RequestURI, prefix+path)
				}
				for _, h := range []string{"Content-Type", "Accept"} {
					if r.Header.Get(h) != "application/json" {
						t.Errorf("%s is %q", h, r.Header.Get(h))
					}
				}
				body, _ := io.ReadAll(r.Body)
				var got map[string]string
				if err := json.Unmarshal(body, &got); err != nil || len(got) != 2 || got["username"] != `al"ice<` || got["password"] != password {
					t.Errorf("body %s", body)
				}
				io.WriteString(w, `{"token":"fFkq.t0ken"}`)
			}))
			c, err := portal.New(name, s.URL+base, call.New("portal", call.Limits{}, nil))
			if err != nil {
				t.Fatal(err)
			}
			token, err := c.Authenticate(t.Context(), `al"ice<`, password)
			s.Close()
			if err != nil || token != "fFkq.t0ken" || calls.Load() != 1 || c.Name() != name {
				t.Errorf("%s: %q, %v, %d calls", name, token, err, calls.Load())
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   call.Kind // 0 is success
		reason call.Reason
	}{
		{"longest token", 200, `{"token":"` + strings.Repeat("t", 4096) + `"}`, 0, 0},
		{"more fields", 200, ` {"code":200,"token":"a b","x":{}} `, 0, 0},
		{"token too long", 200, `{"token":"` + strings.Repeat("t", 4097) + `"}`, call.Unanswered, 0},
		{"token with a line break", 200, `{"token":"a\nb"}`, call.Unanswered, 0},
		{"token empty", 200, `{"token":""}`, call.Unanswered, 0},
		{"token blank", 200, `{"token":"  "}`, call.Unanswered, 0},
		{"token null", 200, `{"token":null}`, call.Unanswered, 0},
		{"token a number", 200, `{"token":123}`, call.Unanswered, 0},
		{"no token", 200, `{}`, call.Unanswered, 0},
		{"empty", 200, ``, call.Unanswered, 0},
		{"HTML", 200, `<html>hello</html>`, call.Unanswered, 0},
		{"truncated", 200, `{"token":"fF`, call.Unanswered, 0},
		{"array", 200, `["t"]`, call.Unanswered, 0},
		{"null", 200, `null`, call.Unanswered, 0},
		{"garbage after", 200, `{"token":"t"}x`, call.Unanswered, 0},
		{"too large", 200, `{"token":"t","x":"` + strings.Repeat("x", 2<<20) + `"}`, call.Unanswered, 0},
		{"no content", 204, ``, call.Unanswered, 0},
		{"redirect", 302, ``, call.Unanswered, 0},
		{"refused", 401, `{"code":401,"error":"Unauthorized"}`, call.Refused, call.ReasonSignIn},
		{"refused without a body", 401, ``, call.Refused, call.ReasonSignIn},
		{"bad request", 400, `{"error":"Bad ` + password + `"}`, call.Refused, call.ReasonInvalid},
		{"forbidden", 403, `{"error":"Forbidden"}`, call.Refused, 0},
		{"throttled", 429, ``, call.Refused, call.ReasonLimit},
		{"failed with a message", 500, `{"message":"Sorry"}`, call.Refused, 0},
		{"failed", 500, ``, call.Unanswered, 0},
		{"bad gateway", 502, `<html>502</html>`, call.Unanswered, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer s.Close()
			check(t, s.URL, tt.kind, tt.reason, tt.status)
		})
	}
}

func TestNoAnswer(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	t.Run("connection refused", func(t *testing.T) { check(t, gone.URL, call.Unreachable, 0, 0) })

	hang := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(3 * time.Second) }))
	defer hang.Close()
	t.Run("hangs", func(t *testing.T) { check(t, hang.URL, call.Unanswered, 0, 0) })

	var calls atomic.Int64
	drop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer drop.Close()
	t.Run("dropped", func(t *testing.T) { check(t, drop.URL, call.Unanswered, 0, 0) })
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
}

func check(t *testing.T, url string, kind call.Kind, reason call.Reason, status int) {
	t.Helper()
	c, err := portal.New(portal.Customer, url, call.New("portal", call.Limits{Act: 2 * time.Second}, nil))
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Authenticate(t.Context(), "alice", password)
	if kind == 0 {
		if err != nil || token == "" {
			t.Errorf("%q, %v", token, err)
		}
		return
	}
	var e *call.Error
	if !errors.As(err, &e) || token != "" {
		t.Fatalf("%q, %v", token, err)
	}
	if e.Kind != kind || e.Reason != reason || e.Status != status || e.Service != "portal" {
		t.Errorf("%#v", e)
	}
	for _, no := range []string{password, "http://", "<"} {
		if strings.Contains(fmt.Sprintf("%v %q", e, e.Message), no) {
			t.Errorf("%q contains %q", e, no)
		}
	}
}
