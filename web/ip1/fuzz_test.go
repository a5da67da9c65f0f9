package ip1

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"frontdesk/web/call"
)

// FuzzAnswers: whatever iP1 answers to an act becomes something with an ID, or a
// typed error; its messages are few, fit to show, always the same, and hold no
// credentials of ours.
func FuzzAnswers(f *testing.F) {
	const key = "PLANTED-Api-Key"
	for _, body := range []string{
		`{"ID":7,"Phone":"+4612345678","Created":"2024-05-06T07:08:09.1234567","Expires":"2024-05-06 07:28:09Z","HasExpired":false,"IsUsed":"True","Used":null}`, `{"id":"12"}`, `{"ID":0}`, `{"ID":1e3}`,
		`{"ID":1,"Created":"0001-01-01T00:00:00","Expires":7,"Used":"9999-12-31T23:59:59.9999999+14:00"}`, `{"Valid":"true","Authentication":{"ID":3}}`, `{"Length":"6","From":null}`,
		`{"Message":"The request is invalid.","ModelState":{"authentication.Phone":["Wrong PLANTED-Api-Key","b"],"Phone":"c","phone":["d"],"PLANTED-Api-Key":["e"]}}`,
		`{"errors":{"From":["too long"],"":[""]},"title":"One or more"}`, `{"Message":"Too many active codes"}`, "\ufeff{}", `[]`, "", `{"ModelState":[]}`, `<html>`, "{\"Message\":\"\xff\"}",
	} {
		f.Add(200, []byte(body))
		f.Add(400, []byte(body))
	}
	f.Add(401, []byte(`{"Message":"PLANTED-Api-Key aXAxLTAwMDAwOlBMQU5URUQtQXBpLUtleQ=="}`))
	f.Add(204, []byte(``))
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
	c := New(server.URL, Credentials{Account: "ip1-00000", Key: key}, call.New("ip1", call.Limits{Act: 30 * time.Second, Failures: -1}, nil))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		typed := func(err error) *call.Error {
			t.Helper()
			var e *call.Error
			if err != nil && (!errors.As(err, &e) || e.Kind != call.Refused && e.Kind != call.Unanswered) {
				t.Fatalf("%T: %v", err, err)
			}
			if e == nil {
				return nil
			}
			texts := []string{e.Error()}
			if len(e.Fields) > maxFields {
				t.Fatalf("%d fields", len(e.Fields))
			}
			for name, messages := range e.Fields {
				if texts = append(append(texts, name), messages...); len(messages) > maxFieldMessages || len(messages) == 0 {
					t.Fatalf("%d messages at %q", len(messages), name)
				}
			}
			for _, text := range texts {
				if strings.Contains(strings.ToLower(text), strings.ToLower(key)) && strings.Contains(string(body), key) || strings.Contains(text, "aXAxLTAwMDAwOlBMQU5URUQtQXBpLUtleQ") {
					t.Fatalf("%q holds a secret", text)
				}
			}
			for _, text := range texts[1:] {
				if call.Clean(text) != text && !strings.Contains(text, "<") {
					t.Fatalf("%q is not fit to show", text)
				}
			}
			return e
		}
		next <- answer{status, body}
		sent, err := c.Send(t.Context(), Send{Phone: "+4612345678"})
		e := typed(err)
		if err == nil && (sent.ID <= 0 || sent.Used != nil && sent.Used.IsZero()) {
			t.Fatalf("%q is taken for %+v", body, sent)
		}
		if e != nil {
			next <- answer{status, body}
			if _, err := c.Send(t.Context(), Send{Phone: "+4612345678"}); !reflect.DeepEqual(typed(err), e) {
				t.Fatalf("read as %+v, and then as %+v", e, err)
			}
		}
		next <- answer{status, body}
		_, err = c.Validate(t.Context(), "+4612345678", "83551")
		typed(err)
		next <- answer{status, body}
		_, err = c.Settings(t.Context())
		typed(err)
	})
}

// FuzzList: a list that is whole gives each code with an ID, whatever stands beside
// it; of one that breaks off, or has none, nothing is quoted.
func FuzzList(f *testing.F) {
	f.Add([]byte(`{"ID":1},`), []byte(`,{"ID":"x"},7`))
	f.Add([]byte(``), []byte(`,{"ID":3,"Created":{"a":[]},"HasExpired":null}`))
	f.Add([]byte(`[],"PLANTED",`), []byte(`,{"ID":"PLANTED`))
	f.Add([]byte("{\"Phone\":\"\xff\",\"ID\":5},"), []byte(`]x`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		list := "[" + string(before) + `{"ID":4711,"Phone":"+4670"}` + string(after) + "]"
		found := false
		err := eachAuthentication(&call.Response{Status: http.StatusOK}, strings.NewReader(list), func(w wireAuthentication) error {
			if w.ID <= 0 {
				t.Fatalf("%+v", w)
			}
			found = found || w.ID == 4711
			return nil
		})
		var all []json.RawMessage
		whole := json.Unmarshal([]byte(list), &all) == nil
		stands, readable := false, len(all) == 0 // by itself, and not within a text or another element
		for _, raw := range all {
			var code wireAuthentication
			readable = readable || json.Unmarshal(raw, &code) == nil && code.ID > 0
			stands = stands || bytes.Equal(raw, []byte(`{"ID":4711,"Phone":"+4670"}`))
		}
		if (whole && readable) != (err == nil) || whole && stands && !found {
			t.Fatalf("%s: whole %v, found %v, %v", list, whole, found, err)
		}
		if err != nil && strings.Contains(err.Error(), "PLANTED") {
			t.Fatal(err)
		}
	})
}

// FuzzTime: a time in any writing is one in UTC or none, and is read again from how
// it is written.
func FuzzTime(f *testing.F) {
	for _, text := range []string{"2024-05-06T07:08:09.1234567", "2024-05-06 07:08:09Z", "2024-05-06T07:08:09+0200", " 2024-05-06t07:08z ", "2024-05-06", "0001-01-01T00:00:00", "9999-12-31T23:59:59-12", "x", "\"\\"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at := parseTime(text)
		if at.Location() != time.UTC {
			t.Fatalf("%q is %v", text, at)
		}
		if again := parseTime(at.Format("2006-01-02T15:04:05.999999999Z07:00")); !again.Equal(at) && at.Year() >= 0 && at.Year() <= 9999 {
			t.Fatalf("%q is %v, and that is %v", text, at, again)
		}
		var d date
		raw, err := json.Marshal(text)
		if err != nil || json.Unmarshal(raw, &d) != nil {
			t.Fatalf("%s is not taken", raw)
		}
		if again := time.Time(d); !strings.ContainsAny(text, "\x00\ufffd") && !again.Equal(at) && len(text) < 60 {
			t.Fatalf("%q is %v, and %v in JSON", text, at, again)
		}
	})
}
