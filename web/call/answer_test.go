package call_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"frontdesk/web/call"
)

func TestRefusal(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		kind    call.Kind
		reason  call.Reason
		message string
	}{
		{"4xx with a message", 400, `{"message":"No zip"}`, call.Refused, call.ReasonInvalid, "No zip"},
		{"any case", 422, `{"Message":"No zip"}`, call.Refused, call.ReasonInvalid, "No zip"},
		{"byte order mark", 422, "\ufeff{\"Message\":\"No zip\"}", call.Refused, call.ReasonInvalid, "No zip"},
		{"portal's error", 401, `{"code":401,"error":"Unauthorized"}`, call.Refused, 0, "Unauthorized"},
		{"list of messages", 400, `{"message":["a","b"]}`, call.Refused, call.ReasonInvalid, "a; b"},
		{"nested message", 400, `{"error":{"message":"deep"}}`, call.Refused, call.ReasonInvalid, "deep"},
		{"message before error", 400, `{"error":"Bad Request","message":"No zip"}`, call.Refused, call.ReasonInvalid, "No zip"},
		{"4xx with HTML", 404, `<html>gone</html>`, call.Refused, 0, ""},
		{"4xx with nothing", 403, ``, call.Refused, 0, ""},
		{"4xx with a number", 403, `{"message":7}`, call.Refused, 0, ""},
		{"429", 429, `{}`, call.Refused, call.ReasonLimit, ""},
		{"5xx with a message", 500, `{"message":"Database is away"}`, call.Refused, 0, "Database is away"},
		{"5xx with an empty message", 500, `{"message":" "}`, call.Unanswered, 0, ""},
		{"5xx with a gateway's words", 502, `{"error":"Bad Gateway"}`, call.Unanswered, 0, "Bad Gateway"},
		{"5xx with HTML", 502, `<html>Bad gateway</html>`, call.Unanswered, 0, ""},
		{"5xx with nothing", 503, ``, call.Unanswered, 0, ""},
		{"redirect", 302, ``, call.Unanswered, 0, ""},
		{"HTML in the message", 400, `{"message":"<b>No</b> <script src=x>zip"}`, call.Refused, call.ReasonInvalid, "No zip"},
		{"a page in the message", 400, `{"message":"<!DOCTYPE html><p>No"}`, call.Refused, call.ReasonInvalid, ""},
		{"control characters", 400, `{"message":"a\u0000b\r\nc\u001b[1m\u202ed"}`, call.Refused, call.ReasonInvalid, "ab c[1md"},
		{"less-than stays", 400, `{"message":"length < 5 > 3"}`, call.Refused, call.ReasonInvalid, "length < 5 > 3"},
		{"secret repeated", 400, `{"message":"Wrong ` + secret + ` for 123, not 41234"}`, call.Refused, call.ReasonInvalid, "Wrong ••• for •••, not 41234"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer s.Close()
			r, err := call.New("atom", call.Limits{}, nil).Do(t.Context(),
				call.Request{Op: "try", Method: "GET", URL: s.URL, Secrets: []string{secret, "123", "1", ""}})
			if err != nil {
				t.Fatal(err)
			}
			e := r.Refusal()
			typed(t, e)
			if e.Kind != tt.kind || e.Reason != tt.reason || e.Message != tt.message || e.Status != tt.status || e.Service != "atom" || e.Op != "try" {
				t.Errorf("got %#v", e)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999": 0,
		time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):  time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(429)
		}))
		r, err := call.New("atom", call.Limits{}, nil).Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL})
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Refusal().RetryAfter; (got - want).Abs() > 5*time.Second {
			t.Errorf("Retry-After %q: %v, want %v", value, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	long := call.Clean(strings.Repeat("ä", 1000))
	if n := utf8.RuneCountInString(long); n != 300 {
		t.Errorf("%d runes", n)
	}
	if got := call.Clean(" a\t\u00a0b\u200b\xff \n"); got != "a b" {
		t.Errorf("%q", got)
	}
	if got := call.Clean("a <!-- b --> c <i"); got != "a c" {
		t.Errorf("%q", got)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`"a"`: "a", `null`: "", `12345678901234567890123`: "12345678901234567890123",
		`1.50`: "1.50", `true`: "true", `"a\u0000b"`: "ab",
	} {
		var got call.Text
		if err := json.Unmarshal([]byte(in), &got); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{`{}`, `[]`} {
		var got call.Text
		if json.Unmarshal([]byte(in), &got) == nil {
			t.Errorf("%s is taken for text", in)
		}
	}
}
