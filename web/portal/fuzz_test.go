package portal_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"frontdesk/web/call"
	"frontdesk/web/portal"
)

// FuzzAnswer: what a portal answers is a token that prints, or a typed error, and
// the error holds neither the password nor the token.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"token":"fFkq..."}`, `{"TOKEN":"eyJh.PLANTED-token.x"}`, `{"token":""}`, `{"token":7}`, `{"token":"a\u0000b"}`, `{"token":"\ud800"}`, "{\"token\":\"\xff\"}", `[{"token":"a"}]`,
		`{"token":"PLANTED-token"`, `{"code":401,"error":"Unauthorized"}`, `{"error":"No API access for pa55-word-planted"}`, "", `{"token":"` + strings.Repeat("x", 4097) + `"}`, `<html>`,
	} {
		f.Add(200, []byte(body))
		f.Add(401, []byte(body))
	}
	type answer struct {
		status int
		body   []byte
	}
	next := make(chan answer, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := <-next
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // some statuses have none
	}))
	f.Cleanup(server.Close)
	c, err := portal.New(portal.Customer, server.URL, call.New("portal", call.Limits{Act: 30 * time.Second, Failures: -1}, nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		next <- answer{status, body}
		token, err := c.Authenticate(t.Context(), "alice", password)
		if err == nil {
			if status/100 != 2 || strings.TrimSpace(token) == "" || len(token) > 4<<10 || !utf8.ValidString(token) || strings.ContainsFunc(token, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("status %d with %q gives the token %q", status, body, token)
			}
			return
		}
		var e *call.Error
		if !errors.As(err, &e) || token != "" || e.Kind != call.Refused && e.Kind != call.Unanswered {
			t.Fatalf("%q, %T: %v", token, err, err)
		}
		if strings.Contains(err.Error(), password) || status/100 == 2 && strings.Contains(err.Error(), "PLANTED-token") {
			t.Fatalf("the error holds a secret: %v", err)
		}
	})
}
