package ip1_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/web/call"
	"frontdesk/web/ip1"
)

const (
	apiKey = "planted-api-key"
	bearer = "planted-bearer"
	code   = "83551"
)

func ptr[T any](v T) *T { return &v }

type act struct {
	name         string
	acts         bool
	call         func(context.Context, *ip1.Client) (any, error)
	method, path string
	body, answer string
}

const sent = `{"ID":7,"Phone":"+4612345678","Created":"2024-05-06T07:08:09.1234567","Expires":"2024-05-06T07:28:09Z","HasExpired":false,"IsUsed":false}`

var calls = []act{
	{"send", true, func(ctx context.Context, c *ip1.Client) (any, error) {
		return c.Send(ctx, ip1.Send{Phone: "+4612345678"})
	}, "POST", "/api/authentications", `{"Phone":"+4612345678"}`, sent},
	{"send all", true, func(ctx context.Context, c *ip1.Client) (any, error) {
		return c.Send(ctx, ip1.Send{Phone: "+46", From: ptr("Me"), MessageFormat: ptr("Hi {0}"), Length: ptr(6), ExpirationTime: ptr(60), NumericOnly: ptr(false)})
	}, "POST", "/api/authentications", `{"Phone":"+46","From":"Me","MessageFormat":"Hi {0}","Length":6,"ExpirationTime":60,"NumericOnly":false}`, sent},
	{"list", false, func(ctx context.Context, c *ip1.Client) (any, error) { return c.List(ctx) },
		"GET", "/api/authentications", ``, `[` + sent + `]`},
	{"get", false, func(ctx context.Context, c *ip1.Client) (any, error) { return c.Get(ctx, 7) },
		"GET", "/api/authentications/7", ``, sent},
	{"validate", true, func(ctx context.Context, c *ip1.Client) (any, error) { return c.Validate(ctx, "+46", code) },
		"POST", "/api/authentications/validate", `{"Phone":"+46","Code":"83551"}`, `{"Valid":true}`},
	{"settings", false, func(ctx context.Context, c *ip1.Client) (any, error) { return c.Settings(ctx) },
		"GET", "/api/authentications/settings", ``, `{}`},
	{"put settings", true, func(ctx context.Context, c *ip1.Client) (any, error) {
		return c.PutSettings(ctx, ip1.Settings{Length: ptr(6), From: ptr("")})
	}, "PUT", "/api/authentications/settings",
		`{"ConcurrentLimit":null,"From":"","MessageFormat":null,"Length":6,"ExpirationTime":null,"NumericOnly":null}`, `{}`},
}

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
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func client(base string, limits call.Limits) *ip1.Client {
	return ip1.New(base, ip1.Credentials{Account: "ip1-1", Key: apiKey}, call.New("ip1", limits, nil))
}

func typed(t *testing.T, err error) *call.Error {
	t.Helper()
	var e *call.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), want *call.Error", err, err)
	}
	text := fmt.Sprintf("%v %q %q", e, e.Message, e.Fields)
	for _, no := range []string{apiKey, bearer, code, base64.StdEncoding.EncodeToString([]byte("ip1-1:" + apiKey)), "http://", "<"} {
		if strings.Contains(text, no) {
			t.Errorf("error %q contains %q", text, no)
		}
	}
	return e
}

func TestRequests(t *testing.T) {
	for _, tt := range calls {
		for authorization, creds := range map[string]ip1.Credentials{
			"Basic " + base64.StdEncoding.EncodeToString([]byte("ip1-1:"+apiKey)): {Account: "ip1-1", Key: apiKey},
			"Bearer " + bearer: {Account: "ip1-1", Key: apiKey, Token: bearer},
		} {
			t.Run(tt.name+authorization[:6], func(t *testing.T) {
				url, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					if r.Method != tt.method || r.RequestURI != "/ip1"+tt.path || string(body) != tt.body {
						t.Errorf("%s %s %s", r.Method, r.RequestURI, body)
					}
					if got := r.Header.Get("Authorization"); got != authorization {
						t.Errorf("Authorization %q", got)
					}
					if json := r.Header.Get("Content-Type") == "application/json"; json != (tt.body != "") {
						t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
					}
					io.WriteString(w, tt.answer)
				})
				if _, err := tt.call(t.Context(), ip1.New(url+"/ip1/", creds, call.New("ip1", call.Limits{}, nil))); err != nil {
					t.Error(err)
				}
				if n.Load() != 1 {
					t.Errorf("%d requests", n.Load())
				}
			})
		}
	}
}

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
		{"HTML 502", answer(502, "<html>no</html>"), call.Unanswered, 502, false},
		{"500 with nothing", answer(500, ""), call.Unanswered, 500, false},
		{"500 with a message", answer(500, `{"Message":"An error has occurred."}`), call.Refused, 500, false},
		{"redirect", answer(302, ""), call.Unanswered, 302, false},
		{"empty 200", answer(200, ""), call.Unanswered, 200, false},
		{"HTML 200", answer(200, "<html>no</html>"), call.Unanswered, 200, false},
		{"truncated", answer(200, `{"ID":7,"Pho`), call.Unanswered, 200, false},
		{"wrong type", answer(200, `"x"`), call.Unanswered, 200, false},
		{"null", answer(200, `null`), call.Unanswered, 200, false},
		{"wrong field types", answer(200, `{"ID":{},"Valid":[],"Length":{}}`), call.Unanswered, 200, false},
		{"huge", answer(200, `{"ID":7,"Valid":true,"x":"`+strings.Repeat("x", 2<<20)+`"}`), call.Unanswered, 200, false},
	}
	for _, tt := range tests {
		for _, a := range calls {
			t.Run(tt.name+", "+a.name, func(t *testing.T) {
				t.Parallel()
				base, n := gone.URL, new(atomic.Int64)
				if tt.h != nil {
					base, n = serve(t, tt.h)
				}
				var limits call.Limits
				if tt.timeout {
					limits = call.Limits{Act: time.Second, List: time.Second}
				}
				_, err := a.call(t.Context(), client(base, limits))
				e := typed(t, err)
				if e.Kind != tt.kind || e.Status != tt.status || e.Timeout != tt.timeout || e.Service != "ip1" || e.Op == "" {
					t.Errorf("%#v", e)
				}
				if tt.h != nil && n.Load() != 1 {
					t.Errorf("%d requests", n.Load())
				}
			})
		}
	}
}

func TestActsArriveOnce(t *testing.T) {
	for _, a := range calls {
		if !a.acts {
			continue
		}
		drop := new(atomic.Bool)
		url, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if drop.Load() {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, a.answer)
		})
		c := client(url, call.Limits{})
		if _, err := a.call(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		drop.Store(true)
		if _, err := a.call(t.Context(), c); typed(t, err).Kind != call.Unanswered {
			t.Error(err)
		}
		if n.Load() != 2 {
			t.Errorf("%s: %d requests for two calls", a.name, n.Load())
		}
	}
}

func TestRefusals(t *testing.T) {
	send, put, validate := calls[0], calls[6], calls[4]
	tests := []struct {
		name    string
		a       act
		status  int
		body    string
		reason  call.Reason
		message string
		fields  map[string][]string
	}{
		{"ModelState", send, 400, `{"Message":"The request is invalid.","ModelState":{"authentication.Phone":["Not a <b>number</b>","No"],"Length":["3-25"]}}`,
			call.ReasonInvalid, "The request is invalid.", map[string][]string{"phone": {"Not a number", "No"}, "length": {"3-25"}}},
		{"one string per field", send, 400, `{"Message":"No","modelstate":{"FROM":"Too long"}}`, call.ReasonInvalid, "No", map[string][]string{"from": {"Too long"}}},
		{"errors", send, 400, `{"title":"Invalid","errors":{"x.y.MessageFormat":["No {0}"]}}`, call.ReasonInvalid, "Invalid", map[string][]string{"messageformat": {"No {0}"}}},
		{"a field's own limit", send, 400, `{"Message":"Too many","ModelState":{"Length":["over the limit"]}}`, call.ReasonInvalid, "Too many", map[string][]string{"length": {"over the limit"}}},
		{"odd ModelState", send, 400, `{"Message":"No","ModelState":[1]}`, call.ReasonInvalid, "No", nil},
		{"small message", send, 400, `{"message":"Bad phone"}`, call.ReasonInvalid, "Bad phone", nil},
		{"nothing", send, 400, ``, call.ReasonInvalid, "", nil},
		{"HTML", send, 400, `<html>`, call.ReasonInvalid, "", nil},
		{"too many", send, 400, `{"Message":"Too many active codes"}`, call.ReasonLimit, "Too many active codes", nil},
		{"limit", send, 400, `{"Message":"ConcurrentLimit reached"}`, call.ReasonLimit, "ConcurrentLimit reached", nil},
		{"a limit in the settings", put, 400, `{"Message":"ConcurrentLimit must be 1 or more"}`, call.ReasonInvalid, "ConcurrentLimit must be 1 or more", nil},
		{"429", send, 429, ``, call.ReasonLimit, "", nil},
		{"401", send, 401, `{"Message":"Authorization has been denied for this request."}`, call.ReasonCredentials, "Authorization has been denied for this request.", nil},
		{"404", calls[3], 404, `{"Message":"None"}`, call.ReasonNotFound, "None", nil},
		{"the code repeated", validate, 400, `{"Message":"83551 is no code","ModelState":{"Code":["83551?"]}}`, call.ReasonInvalid, "••• is no code", map[string][]string{"code": {"•••?"}}},
		{"the key repeated", send, 401, `{"Message":"Bad key ` + apiKey + `"}`, call.ReasonCredentials, "Bad key •••", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, _ := serve(t, answer(tt.status, tt.body))
			_, err := tt.a.call(t.Context(), client(url, call.Limits{}))
			e := typed(t, err)
			if e.Kind != call.Refused || e.Status != tt.status || e.Reason != tt.reason || e.Message != tt.message || !reflect.DeepEqual(e.Fields, tt.fields) {
				t.Errorf("%#v", e)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for value, want := range map[string]time.Time{
		`"2024-05-06T07:08:09"`:               at,
		`"2024-05-06T07:08:09Z"`:              at,
		`"2024-05-06T07:08:09.1"`:             at.Add(100 * time.Millisecond),
		`"2024-05-06T07:08:09.1234567"`:       at.Add(123456700),
		`"2024-05-06T07:08:09.1234567Z"`:      at.Add(123456700),
		`"2024-05-06T07:08:09.123456789012Z"`: at.Add(123456789),
		`"2024-05-06T09:08:09.5+02:00"`:       at.Add(500 * time.Millisecond),
		`"2024-05-06T09:08:09+0200"`:          at,
		`"2024-05-06 07:08:09"`:               at,
		`"2024-05-06t07:08:09z"`:              at,
		`"2024-05-06"`:                        at.Truncate(24 * time.Hour),
		`null`:                                {},
		`""`:                                  {},
		`"soon"`:                              {},
		`17`:                                  {},
		`{}`:                                  {},
		`"0001-01-01T00:00:00"`:               {},
	} {
		url, _ := serve(t, answer(200, `{"ID":7,"Created":`+value+`,"Used":`+value+`}`))
		a, err := client(url, call.Limits{}).Get(t.Context(), 7)
		if err != nil || !a.Created.Equal(want) || a.Created.Location() != time.UTC || !a.Expires.IsZero() {
			t.Errorf("%s: %+v, %v", value, a, err)
		}
		if want.IsZero() != (a.Used == nil) || a.Used != nil && !a.Used.Equal(want) {
			t.Errorf("%s: used %v", value, a.Used)
		}
	}
}

func TestAuthentications(t *testing.T) {
	for body, id := range map[string]int64{
		sent: 7, `{"id":"8","phone":46}`: 8, `{"ID":9007199254740993,"IsUsed":"true"}`: 9007199254740993,
		`{}`: 0, `{"ID":0}`: 0, `{"ID":null}`: 0, `{"ID":-1}`: 0, `{"ID":"x"}`: 0, `{"ID":1.5}`: 0, `{"ID":7,"IsUsed":"maybe"}`: 0,
	} {
		url, _ := serve(t, answer(200, body))
		a, err := client(url, call.Limits{}).Send(t.Context(), ip1.Send{Phone: "+46"})
		if id == 0 {
			if e := typed(t, err); e.Kind != call.Unanswered {
				t.Errorf("%s: %v", body, e)
			}
		} else if err != nil || a.ID != id {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
	}

	url, _ := serve(t, answer(200, `[`+sent+`,null,7,{},{"ID":"x"},{"ID":9,"IsUsed":true,"HasExpired":true,"Used":"2024-05-06T07:08:09"}]`))
	got, err := client(url, call.Limits{}).List(t.Context())
	if err != nil || len(got) != 2 || got[0].ID != 7 || got[1].ID != 9 || !got[1].IsUsed || !got[1].HasExpired || got[1].Used == nil {
		t.Errorf("%+v, %v", got, err)
	}

	// A list of which nothing can be read says nothing; an empty one says that there are none.
	for body, none := range map[string]bool{`[]`: true, `[null,{"ID":["7"]}]`: false} {
		url, _ := serve(t, answer(200, body))
		got, err := client(url, call.Limits{}).List(t.Context())
		if none && (err != nil || len(got) != 0) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if !none && typed(t, err).Kind != call.Unanswered {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for body, want := range map[string]struct {
		valid bool
		id    int64
		bad   bool
	}{
		`{"Valid":true,"Authentication":` + sent + `,"Phone":"+46","Code":"83551"}`: {true, 7, false},
		`{"Valid":false}`:                           {},
		`{"valid":false,"authentication":null}`:     {},
		`{"Valid":true,"Authentication":"odd"}`:     {valid: true},
		`{"Valid":true,"Authentication":{"ID":{}}}`: {valid: true},
		`{"Phone":"+46"}`:                           {bad: true},
		`{"Valid":"perhaps"}`:                       {bad: true},
		`{"Valid":null}`:                            {bad: true},
	} {
		url, _ := serve(t, answer(200, body))
		got, err := client(url, call.Limits{}).Validate(t.Context(), "+46", code)
		if want.bad {
			if e := typed(t, err); e.Kind != call.Unanswered {
				t.Errorf("%s: %v", body, e)
			}
			continue
		}
		var id int64
		if got.Authentication != nil {
			id = got.Authentication.ID
		}
		if err != nil || got.Valid != want.valid || id != want.id {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestSettings(t *testing.T) {
	full := ip1.Settings{ConcurrentLimit: ptr(5), From: ptr("iP1"), MessageFormat: ptr("{0}"), Length: ptr(5), ExpirationTime: ptr(1200), NumericOnly: ptr(true)}
	for body, want := range map[string]ip1.Settings{
		`{}`: {},
		`{"ConcurrentLimit":null,"From":null,"MessageFormat":null,"Length":null,"ExpirationTime":null,"NumericOnly":null}`:     {},
		`{"ConcurrentLimit":5,"From":"iP1","MessageFormat":"{0}","Length":5,"ExpirationTime":1200,"NumericOnly":true}`:         full,
		`{"concurrentLimit":"5","from":"iP1","messageFormat":"{0}","length":"5","expirationTime":"1200","numericOnly":"True"}`: full,
	} {
		url, _ := serve(t, answer(200, body))
		c := client(url, call.Limits{})
		if got, err := c.Settings(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if got, err := c.PutSettings(t.Context(), ip1.Settings{Length: ptr(9)}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("put, %s: %+v, %v", body, got, err)
		}
	}
	url, _ := serve(t, answer(204, ``))
	c := client(url, call.Limits{})
	if got, err := c.PutSettings(t.Context(), full); err != nil || !reflect.DeepEqual(got, full) {
		t.Errorf("204: %+v, %v", got, err)
	}
	if _, err := c.Settings(t.Context()); typed(t, err).Kind != call.Unanswered {
		t.Errorf("204: %v", err)
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := ip1.Credentials{Account: "ip1-1", Key: apiKey, Token: bearer}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v", c, c, c, c, c, c, []any{&c, struct{ C ip1.Credentials }{c}})
	if strings.Contains(text, apiKey) || strings.Contains(text, bearer) {
		t.Error(text)
	}
	if !c.Set() || (ip1.Credentials{Account: "a"}).Set() {
		t.Error("Set is wrong")
	}
}

// hang never answers. It reads the body first: until then the server does not
// notice that the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}
