package atom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// The planted secrets, none of which may come up in an error.
const (
	superKey   = "planted-superkey"
	superToken = "planted-supertoken"
	passcode   = "77+a/b %?#é"
	key        = "planted-key"
	token      = "planted-token"
)

// act is one method of the client, called with planted arguments.
type act struct {
	name string
	acts bool
	call func(context.Context, *atom.Client) (any, error)
	// method, uri and level are what the server must see.
	method, uri, level string
	// ok is a good answer.
	ok     int
	answer string
}

const email = `a+b/c%?#"é@x.com`
const emailPath = "a%2Bb%2Fc%25%3F%23%22%C3%A9%40x.com"

var credentialsJSON = fmt.Sprintf(`{"cuid":"c1","key":%q,"token":%q}`, key, token)

var calls = []act{
	{"create", true, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.CreateCustomer(ctx, atom.NewCustomer{Company: "A & B", Email: "a@b.c"})
	}, "POST", "/customer", "app", 200, credentialsJSON},
	{"list", false, func(ctx context.Context, c *atom.Client) (any, error) {
		n := 0
		_, err := c.Customers(ctx, func(atom.Element) error { n++; return nil })
		return n, err
	}, "GET", "/customer/", "app", 200, `[{"cuid":"c1"}]`},
	{"customer", false, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.Customer(ctx, "..", key, token)
	}, "GET", "/customer/%2E%2E", "customer", 200, `{"cuid":".."}`},
	{"sso", true, func(ctx context.Context, c *atom.Client) (any, error) {
		u, err := c.SSO(ctx, email)
		return u, err
	}, "GET", "/customer/" + emailPath + "/sso", "app", 302, ``},
	{"send", true, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.SendPasscode(ctx, email)
	}, "GET", "/customer/" + emailPath + "/passcode", "app", 200, `{"message":"We have emailed the passcode to: a@b.c"}`},
	{"redeem", true, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.RedeemPasscode(ctx, email, passcode)
	}, "GET", "/customer/" + emailPath + "/auth?passcode=77%2Ba%2Fb%20%25%3F%23%C3%A9", "app", 200, credentialsJSON},
	{"by cuid", true, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.CredentialsByCUID(ctx, ".")
	}, "GET", "/customer/%2E/auth", "app", 200, credentialsJSON},
	{"no passcode", true, func(ctx context.Context, c *atom.Client) (any, error) {
		return c.CredentialsNoPasscode(ctx, email)
	}, "GET", "/customer/" + emailPath + "/auth/nopasscode", "app", 200, credentialsJSON},
}

func named(t *testing.T, name string) act {
	t.Helper()
	i := slices.IndexFunc(calls, func(a act) bool { return a.name == name })
	if i < 0 {
		t.Fatalf("no call %q", name)
	}
	return calls[i]
}

// quick is short enough to wait for, and long enough for a busy machine.
var quick = call.Limits{Connect: 2 * time.Second, Act: 2 * time.Second, List: 2 * time.Second}

func client(base string) *atom.Client {
	return atom.New(base, superKey, superToken, call.New("atom", quick, nil))
}

// serve answers every request alike and counts them.
func serve(t *testing.T, h http.HandlerFunc) (string, *atomic.Int64) {
	n := new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, n
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/platform?signin=planted-link")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func typed(t *testing.T, err error) *call.Error {
	t.Helper()
	var e *call.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want *call.Error", err, err)
	}
	text := fmt.Sprintf("%v %q", e, e.Message)
	for _, no := range []string{superKey, superToken, passcode, "77%2B", key, token, "planted", "http://", "<"} {
		if strings.Contains(text, no) {
			t.Errorf("error %q contains %q", text, no)
		}
	}
	return e
}

func TestRequests(t *testing.T) {
	levels := map[string]map[string]string{
		"app":      {"X-Access-Superkey": superKey, "X-Access-Supertoken": superToken},
		"customer": {"X-Access-Key": key, "X-Access-Token": token},
	}
	for _, tt := range calls {
		for base, prefix := range map[string]string{"": "", "/": "", "/atom/v1": "/atom/v1", "/atom/v1/": "/atom/v1"} {
			t.Run(tt.name+base, func(t *testing.T) {
				var body string
				url, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Method != tt.method || r.RequestURI != prefix+tt.uri {
						t.Errorf("%s %s, want %s %s", r.Method, r.RequestURI, tt.method, prefix+tt.uri)
					}
					for level, headers := range levels {
						for name, value := range headers {
							if level != tt.level {
								value = ""
							}
							if r.Header.Get(name) != value {
								t.Errorf("%s is %q, want %q", name, r.Header.Get(name), value)
							}
						}
					}
					if r.Header.Get("Accept") != "application/json" {
						t.Errorf("Accept %q", r.Header.Get("Accept"))
					}
					b, _ := io.ReadAll(r.Body)
					body = string(b)
					answer(tt.ok, tt.answer)(w, r)
				})
				if _, err := tt.call(t.Context(), client(url+base)); err != nil {
					t.Fatal(err)
				}
				if n.Load() != 1 {
					t.Errorf("%d requests", n.Load())
				}
				if (body != "") != (tt.method == "POST") {
					t.Errorf("body %q", body)
				}
			})
		}
	}
}

func TestCreateSendsOnlyWhatIsFilledIn(t *testing.T) {
	full := atom.NewCustomer{Company: "1", Email: "2", Name: "3", Address: "4", Country: "5", City: "6", Zip: "7", State: "8", Phone: "9", Website: "10"}
	for want, n := range map[string]atom.NewCustomer{
		"company email": {Company: "A", Email: "b"},
		"address city company country email name phone state website zip": full,
	} {
		url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var got map[string]string
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			if names := strings.Join(slices.Sorted(maps.Keys(got)), " "); names != want {
				t.Errorf("sent %s, want %s", names, want)
			}
			if r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
			}
			io.WriteString(w, credentialsJSON)
		})
		if _, err := client(url).CreateCustomer(t.Context(), n); err != nil {
			t.Error(err)
		}
	}
}

// Each way in which no usable answer can come back, for each call.
func TestFailures(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	tests := []struct {
		name    string
		h       http.HandlerFunc // nil is a server that is gone
		kind    call.Kind
		status  int
		timeout bool
	}{
		{"connection refused", nil, call.Unreachable, 0, false},
		{"dropped after reading", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, call.Unanswered, 0, false},
		{"hangs", hang, call.Unanswered, 0, true},
		{"HTML 502", answer(502, "<html>planted</html>"), call.Unanswered, 502, false},
		{"500 with nothing", answer(500, ""), call.Unanswered, 500, false},
		{"500 with a message", answer(500, `{"message":"We broke"}`), call.Refused, 500, false},
		{"empty 200", answer(200, ""), call.Unanswered, 200, false},
		{"HTML 200", answer(200, "<html>planted</html>"), call.Unanswered, 200, false},
		{"truncated", answer(200, `[{"cuid":"c1","key":"planted`), call.Unanswered, 200, false},
		{"wrong type", answer(200, `"planted"`), call.Unanswered, 200, false},
		{"null", answer(200, `null`), call.Unanswered, 200, false},
		{"wrong field types", answer(200, `{"cuid":{},"key":{"planted":1},"token":[],"message":{}}`), call.Unanswered, 200, false},
		{"garbage after", answer(200, `[]`+credentialsJSON), call.Unanswered, 200, false},
		{"body cut", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9999")
			io.WriteString(w, credentialsJSON)
		}, call.Unanswered, 200, false},
		{"401 repeating secrets", answer(401, fmt.Sprintf(`{"message":"No %s %s %s %s %s"}`, superKey, superToken, key, token, passcode)), call.Refused, 401, false},
	}
	for _, tt := range tests {
		for _, a := range calls {
			if tt.status == 401 && a.name != "redeem" && a.name != "customer" {
				continue
			}
			t.Run(tt.name+", "+a.name, func(t *testing.T) {
				t.Parallel()
				base, n := gone.URL, new(atomic.Int64)
				if tt.h != nil {
					base, n = serve(t, tt.h)
				}
				var limits call.Limits
				if tt.timeout {
					limits = quick
				}
				_, err := a.call(t.Context(), atom.New(base, superKey, superToken, call.New("atom", limits, nil)))
				var e *call.Error
				if tt.status == 401 {
					if !errors.As(err, &e) || strings.Contains(e.Error(), superKey) && a.level == "app" || strings.Contains(e.Error(), key) && a.level == "customer" {
						t.Errorf("%v", err)
					}
					return
				}
				e = typed(t, err)
				if e.Kind != tt.kind || e.Status != tt.status || e.Timeout != tt.timeout || e.Service != "atom" || e.Op == "" {
					t.Errorf("%#v", e)
				}
				if tt.kind == call.Refused && e.Message != "We broke" {
					t.Errorf("message %q", e.Message)
				}
				if tt.h != nil && n.Load() != 1 {
					t.Errorf("%d requests", n.Load())
				}
			})
		}
	}
}

func TestHugeAnswerOfAnAct(t *testing.T) {
	url, _ := serve(t, answer(200, `{"x":"`+strings.Repeat("x", 2<<20)+`","key":"k","token":"t","message":"m"}`))
	for _, a := range calls {
		if a.name == "list" {
			continue
		}
		_, err := a.call(t.Context(), atom.New(url, superKey, superToken, call.New("atom", call.Limits{}, nil)))
		if e := typed(t, err); e.Kind != call.Unanswered {
			t.Errorf("%s: %v", a.name, e)
		}
	}
}

// Acts that follow one another on a server that drops every second request
// arrive once each.
func TestActsArriveOnce(t *testing.T) {
	for _, a := range calls {
		if !a.acts {
			continue
		}
		n := new(atomic.Int64)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1)%2 == 0 {
				panic(http.ErrAbortHandler)
			}
			answer(a.ok, a.answer)(w, r)
		}))
		c := client(s.URL)
		for i := range 6 {
			if _, err := a.call(t.Context(), c); (err != nil) != (i%2 == 1) {
				t.Errorf("%s, call %d: %v", a.name, i, err)
			}
		}
		s.Close()
		if n.Load() != 6 {
			t.Errorf("%s: %d requests for 6 calls", a.name, n.Load())
		}
	}
}

func TestReasons(t *testing.T) {
	tests := []struct {
		call   string
		status int
		body   string
		want   call.Reason
	}{
		{"redeem", 401, `{"message":"Expired or invalid passcode"}`, call.ReasonPasscode},
		{"redeem", 401, `{"message":"User not allowed for API access"}`, call.ReasonNotAllowed},
		{"redeem", 401, `{"message":"Invalid pass code, or user not allowed"}`, call.ReasonAmbiguous},
		{"redeem", 401, `{"message":"Unauthorized"}`, call.ReasonAmbiguous},
		{"redeem", 401, `<html>no</html>`, call.ReasonAmbiguous},
		{"redeem", 401, ``, call.ReasonAmbiguous},
		{"redeem", 401, `{"message":"Invalid token"}`, call.ReasonCredentials},
		{"redeem", 404, `{"message":"User not found"}`, call.ReasonNotFound},
		{"redeem", 404, `{"message":"No matching key"}`, call.ReasonCredentials},
		{"redeem", 404, `{"message":"Key not found"}`, call.ReasonCredentials},
		{"redeem", 404, `{"message":"No matching key for user"}`, call.ReasonAmbiguous},
		{"redeem", 404, `{"message":"Nope"}`, call.ReasonAmbiguous},
		{"redeem", 404, ``, call.ReasonAmbiguous},
		{"sso", 401, `{"message":"User not allowed for API access"}`, call.ReasonNotAllowed},
		{"sso", 404, `{"message":"User not found"}`, call.ReasonNotFound},
		{"send", 401, `{"message":"Passcode provisioning is off"}`, call.ReasonNotAllowed},
		{"send", 401, `{"message":"Unauthorized"}`, call.ReasonAmbiguous},
		{"no passcode", 401, `{"message":"Not provisioned"}`, call.ReasonNotAllowed},
		{"by cuid", 404, `{"message":"Customer not found"}`, call.ReasonNotFound},
		{"customer", 403, `{"message":"Invalid token"}`, call.ReasonCustomerKey},
		{"customer", 404, `{"message":"No matching key"}`, call.ReasonCustomerKey},
		{"customer", 404, `{"message":"User not found"}`, call.ReasonNotFound},
		{"list", 403, `{"message":"Missing key"}`, call.ReasonCredentials},
		{"list", 403, ``, call.ReasonCredentials},
		{"list", 404, `{"message":"No matching key"}`, call.ReasonCredentials},
		{"list", 404, `{"message":"Not found"}`, call.ReasonAmbiguous},
		{"list", 429, ``, call.ReasonLimit},
		{"create", 409, `{"message":"Customer already exists"}`, call.ReasonExists},
		{"create", 400, `{"message":"Email in use"}`, call.ReasonExists},
		{"create", 500, `{"message":"Duplicate entry"}`, call.ReasonExists},
		{"create", 400, `{"message":"Country does not exist"}`, call.ReasonInvalid},
		{"create", 400, `{"message":"zip is required"}`, call.ReasonInvalid},
		{"create", 422, ``, call.ReasonInvalid},
		{"create", 404, `{"message":"No matching key"}`, call.ReasonCredentials},
		{"sso", 409, `{"message":"Session already open"}`, call.ReasonInvalid},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.call, tt.status, tt.body), func(t *testing.T) {
			url, _ := serve(t, answer(tt.status, tt.body))
			_, err := named(t, tt.call).call(t.Context(), client(url))
			if e := typed(t, err); e.Kind != call.Refused || e.Reason != tt.want || e.Status != tt.status {
				t.Errorf("got %v %v", e.Reason, e)
			}
		})
	}
}

// Words in the address that was asked for are not the service's.
func TestReasonIgnoresTheIdentifier(t *testing.T) {
	url, _ := serve(t, answer(404, `{"message":"User Key@Example.com not found"}`))
	_, err := client(url).SSO(t.Context(), "key@example.com")
	if e := typed(t, err); e.Reason != call.ReasonNotFound {
		t.Errorf("%v", e.Reason)
	}
}

func TestSSO(t *testing.T) {
	tests := []struct {
		name, location string
		status         int
		want           string // "" is Unanswered
	}{
		{"absolute", "https://ads.example.com/in?t=1#x", 302, "https://ads.example.com/in?t=1#x"},
		{"relative to the root", "/in?t=1", 302, "BASE/in?t=1"},
		{"relative", "in", 303, "BASE/atom/customer/a%40b.c/in"},
		{"scheme-relative", "//ads.example.com/in", 302, "http://ads.example.com/in"},
		{"not judged", "javascript:alert(1)", 302, "javascript:alert(1)"},
		{"missing", "", 302, ""},
		{"unparsable", "http://[planted/%zz", 302, ""},
		{"control characters", "http://x/\x7fplanted", 302, ""},
		{"a 200 with a Location", "https://ads.example.com/in", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.location != "" {
					w.Header()["Location"] = []string{tt.location}
				}
				w.WriteHeader(tt.status)
			})
			u, err := client(url+"/atom").SSO(t.Context(), "a@b.c")
			if n.Load() != 1 {
				t.Errorf("%d requests", n.Load())
			}
			if tt.want == "" {
				if e := typed(t, err); u != nil || e.Kind != call.Unanswered {
					t.Errorf("%v, %v", u, e)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(tt.want, "BASE", url, 1); u.String() != want {
				t.Errorf("%s, want %s", u, want)
			}
		})
	}
}

func TestSendPasscodeMessage(t *testing.T) {
	url, _ := serve(t, answer(200, `{"message":"We have emailed\nthe passcode to: a@b.c"}`))
	got, err := client(url).SendPasscode(t.Context(), "a@b.c")
	if err != nil || got != "We have emailed the passcode to: a@b.c" {
		t.Errorf("%q, %v", got, err)
	}
	url, _ = serve(t, answer(200, `{}`))
	_, err = client(url).SendPasscode(t.Context(), "a@b.c")
	if e := typed(t, err); e.Kind != call.Unanswered {
		t.Error(e)
	}
}

func TestCredentials(t *testing.T) {
	long := strings.Repeat("x", 129)
	for body, want := range map[string]*atom.Credentials{
		`{"cuid":"c1","key":"k","token":"t"}`:                                 {CUID: "c1", Key: "k", Token: "t"},
		`{"CUID":12345678901234567890123,"Key":1.50,"TOKEN":"t"}`:             {CUID: "12345678901234567890123", Key: "1.50", Token: "t"},
		`{"key":"k","token":"t"}`:                                             {Key: "k", Token: "t"},
		`{"cuid":null,"key":"k","token":"t","more":[{}]}`:                     {Key: "k", Token: "t"},
		`{"cuid":"` + long + `","key":"k","token":"t"}`:                       {Key: "k", Token: "t"},
		`{"cuid":"c1","key":"","token":"t"}`:                                  nil,
		`{"cuid":"c1","key":"k"}`:                                             nil,
		`{"cuid":"c1","key":"k","token":null}`:                                nil,
		`{"cuid":"c1","key":"k","token":"a\nb"}`:                              nil,
		`{"cuid":"c1","key":" ","token":"t"}`:                                 nil,
		`{"cuid":"c1","key":"k","token":["t"]}`:                               nil,
		`[{"cuid":"c1","key":"k","token":"t"}]`:                               nil,
		`{"cuid":"c1","key":"k","token":"` + strings.Repeat("t", 5000) + `"}`: nil,
	} {
		url, _ := serve(t, answer(200, body))
		got, err := client(url).CredentialsByCUID(t.Context(), "c1")
		if want == nil {
			if e := typed(t, err); e.Kind != call.Unanswered || got != (atom.Credentials{}) {
				t.Errorf("%s: %v", body, e)
			}
		} else if err != nil || got != *want {
			t.Errorf("%s: %q %q %q, %v", body, got.CUID, got.Key, got.Token, err)
		}
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := atom.Credentials{CUID: "c1", Key: key, Token: token}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "c", c, "p", &c)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "c", c)
	fmt.Fprintf(&b, "%v %+v %#v %s %q %d %x %v", c, c, c, c, c, c, c, []any{&c, struct{ C atom.Credentials }{c}})
	for _, no := range []string{key, token, fmt.Sprintf("%x", key)} {
		if strings.Contains(b.String(), no) {
			t.Errorf("%q in %s", no, b.String())
		}
	}
}

// An empty identifier would make the path that of another call.
func TestNoIdentifier(t *testing.T) {
	url, n := serve(t, answer(200, `[]`))
	c := client(url)
	for name, f := range map[string]func() error{
		"customer": func() error { _, err := c.Customer(t.Context(), "", key, token); return err },
		"sso":      func() error { _, err := c.SSO(t.Context(), ""); return err },
		"send":     func() error { _, err := c.SendPasscode(t.Context(), ""); return err },
		"redeem":   func() error { _, err := c.RedeemPasscode(t.Context(), "", passcode); return err },
		"cuid":     func() error { _, err := c.CredentialsByCUID(t.Context(), ""); return err },
		"email":    func() error { _, err := c.CredentialsNoPasscode(t.Context(), ""); return err },
	} {
		if e := typed(t, f()); e.Kind != call.Unreachable {
			t.Errorf("%s: %v", name, e)
		}
	}
	if n.Load() != 0 {
		t.Errorf("%d requests", n.Load())
	}
}

func TestCustomer(t *testing.T) {
	url, _ := serve(t, answer(200, `{"cuid":7,"company":"A","token":"planted","plan":{"name":"pro","apiKey":"planted"}}`))
	got, err := client(url).Customer(t.Context(), "7", key, token)
	if err != nil {
		t.Fatal(err)
	}
	want := []atom.Field{{"cuid", "7"}, {"company", "A"}, {"plan", `{"name":"pro"}`}}
	if got.CUID != "7" || got.Company != "A" || !reflect.DeepEqual(got.Fields, want) {
		t.Errorf("%+v", got)
	}
}

// hang never answers. It reads the body first: until then the server does not
// notice that the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}
