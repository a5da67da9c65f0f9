package atom

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
	"unicode"
	"unicode/utf8"

	"frontdesk/web/call"
)

// FuzzCustomers: a list that is whole JSON gives each of its customers with a usable
// cuid, whatever stands around them; any other list is Unanswered, and its error
// quotes nothing of it.
func FuzzCustomers(f *testing.F) {
	for _, list := range []string{
		`[{"cuid":"c1","company":"A"},{"cuid":2},7,null,{"cuid":null},{"CUID":"x","cuid":"y"}]`, `[{"cuid":1,"Company":"A","company":["B"],"COMPANY":"C"},{"company":"A","cuid":"c","company":"\u0000B","Company":"C"}]`, "\ufeff [ ]\n", `[{"cuid":"a\u0000"},{"cuid":"a\\u0000"},{"cuid":" "}]`,
		`[{"cuid":"c1"}`, `[{"cuid":"c1"}]x`, `{"PLANTED":1}`, `["PLANTED`, "[{\"cuid\":\"\xff\",\"a\":\"\xff\xfe\"}]", `[[{"cuid":"deep"}],{"a":{"cuid":"deep"}},{"cuid":-0.10e3}]`,
		`[{"cu\u0069d":"c"},{"Cuid":"` + strings.Repeat("å", 128) + `"},{"cuid":"` + strings.Repeat("å", 129) + `"}]`, "",
	} {
		f.Add([]byte(list))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		var got []string
		skipped, err := readCustomers(&call.Response{Status: http.StatusOK}, bytes.NewReader(list), func(e Element) error {
			if !json.Valid(e.Raw) {
				t.Fatalf("not JSON: %q", e.Raw)
			}
			cuid, company, odd := e.Head()
			c, oddToo := e.Customer()
			if odd != oddToo || cuid != c.CUID || company != c.Company {
				t.Fatalf("%q is %q of %q, %v alone, and %q of %q, %v whole", e.Raw, cuid, company, odd, c.CUID, c.Company, oddToo)
			}
			if odd != nil {
				return odd
			}
			for _, text := range []string{c.CUID, c.Company, c.Email, c.Name, c.Address, c.Country, c.City, c.Zip, c.State, c.Phone, c.Website, c.Created} {
				if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
					t.Fatalf("%q has the field %q", e.Raw, text)
				}
			}
			if !json.Valid(c.JSON) || !utf8.Valid(c.JSON) {
				t.Fatalf("%q is kept as %q", e.Raw, c.JSON)
			}
			got = append(got, cuid)
			return nil
		})
		var all []json.RawMessage
		whole := json.Unmarshal(bytes.TrimPrefix(list, []byte("\ufeff")), &all) == nil && all != nil
		if whole != (err == nil) {
			t.Fatalf("whole: %v, and read with %v", whole, err)
		}
		if err != nil {
			var e *call.Error
			if !errors.As(err, &e) || e.Kind != call.Unanswered || strings.Contains(err.Error(), "PLANTED") {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		var want []string
		for _, raw := range all {
			if cuid, ok := plainCUID(raw); ok {
				want = append(want, cuid)
			}
		}
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) || skipped != len(all)-len(want) {
			t.Fatalf("got %q and skipped %d, want %q of %d", got, skipped, want, len(all))
		}
	})
}

// plainCUID is the cuid of an element, read the slow way.
func plainCUID(raw []byte) (cuid string, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(raw, []byte("\ufffd"))))
	dec.UseNumber()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return "", false
	}
	var found any
	exact := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return "", false
		}
		var value any
		if dec.Decode(&value) != nil {
			return "", false
		}
		if name == "cuid" || !exact && strings.ToLower(name.(string)) == "cuid" {
			found, exact = value, name == "cuid"
		}
	}
	switch found := found.(type) {
	case string:
		cuid = found
	case json.Number:
		cuid = found.String()
	}
	return cuid, strings.TrimSpace(cuid) != "" && utf8.RuneCountInString(cuid) <= maxCUID && !strings.Contains(cuid, "\x00")
}

// FuzzRedact: of a customer everything is kept but what is named like a
// credential, at any depth and whatever stands beside it.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`"a":"}\\\"",`), []byte(`"b":[1,{"c":null}]`), []byte("apiKey"))
	f.Add([]byte(` "k\u0065y" : -0.1e-7 ,`), []byte("\"\xff\" : [ ] \n"), []byte(`access_tok\u0065n`))
	f.Add([]byte(`"keyContact":"Anna",`), []byte(`"TOKEN":{"a":[{"b":1}]},"turkey":true`), []byte("x-access-key"))
	f.Add([]byte(`"":{"":{"":""}},`), []byte(`"\ud800":"\ud800"`), []byte("пароль"))
	f.Fuzz(func(t *testing.T, before, after, name []byte) {
		if bytes.Contains(before, []byte("PLANTED")) || bytes.Contains(after, []byte("PLANTED")) || bytes.Contains(name, []byte("PLANTED")) {
			return
		}
		doc := []byte(`{` + string(before) + `"key":"PLANTED-key","list":[{"superToken":{"a":["PLANTED-token"]}},"x"],"` + string(name) + `":"v",` + string(after) + `}`)
		if !json.Valid(doc) {
			return
		}
		doc = bytes.ToValidUTF8(doc, []byte("\ufffd"))
		got := names{}.redact(nil, doc)
		if bytes.Contains(got, []byte("PLANTED")) {
			t.Fatalf("%s\nbecame %s", doc, got)
		}
		if have, want := decoded(t, got), withoutCredentials(decoded(t, doc)); !reflect.DeepEqual(have, want) {
			t.Fatalf("%s\nbecame %s,\nwant %v", doc, got, want)
		}
	})
}

func decoded(t *testing.T, doc []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return v
}

func withoutCredentials(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if credentialName(name) {
				delete(v, name)
			} else {
				v[name] = withoutCredentials(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutCredentials(v[i])
		}
	}
	return v
}

// FuzzAnswers: each call that ATOM can answer with any status, Location and body
// ends with something usable or with a typed error, and neither holds our own
// credentials.
func FuzzAnswers(f *testing.F) {
	const superKey, superToken, passcode = "PLANTED-superkey", "PLANTED-supertoken", "PLANTED+pass/code"
	for _, a := range []struct {
		status         int
		location, body string
	}{
		{200, "", `{"cuid":"c1","key":"k","token":"t"}`}, {200, "", `{"cuid":7,"key":8,"token":-0.5}`}, {200, "", `{"key":"a\r\nb","token":"t"}`}, {200, "", `{"message":"We have e-mailed it"}`},
		{200, "", `{"key":"k","token":["t"]}`}, {302, "https://x.example/?t=1", ""}, {302, "/\\evil.example", ""}, {303, "%zz://PLANTED", ""}, {302, "//[::1%25x]:9/", ""},
		{401, "", `{"message":"Expired or invalid passcode PLANTED+pass/code"}`}, {404, "", `{"message":"No matching key PLANTED-superkey"}`}, {500, "", `<html>PLANTED-supertoken`},
		{403, "", "{\"message\":\"\xff\x00\u202e\"}"}, {409, "", `{"message":"exists already"}`}, {204, "", ""}, {200, "", `{"cuid":"c","name":{"a":1},"key":"x"}`},
	} {
		f.Add(a.status, a.location, []byte(a.body))
	}
	type answer struct {
		status   int
		location string
		body     []byte
	}
	next := make(chan answer, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := <-next
		if a.location != "" {
			w.Header().Set("Location", a.location)
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // some statuses have none
	}))
	f.Cleanup(server.Close)
	c := New(server.URL, superKey, superToken, call.New("atom", call.Limits{Act: 30 * time.Second, Failures: -1}, nil))
	f.Fuzz(func(t *testing.T, status int, location string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		usable := func(err error, holds bool) {
			t.Helper()
			var e *call.Error
			switch {
			case err == nil && !holds:
				t.Fatalf("status %d with %q is taken", status, body)
			case err != nil && !errors.As(err, &e), err != nil && e.Kind != call.Refused && e.Kind != call.Unanswered:
				t.Fatalf("%T: %v", err, err)
			case err != nil && (strings.Contains(err.Error(), superKey) || strings.Contains(err.Error(), superToken)):
				t.Fatalf("the error holds a secret: %v", err)
			}
		}
		credentials := func(got Credentials, err error) {
			t.Helper()
			for _, secret := range []string{got.Key, got.Token} {
				usable(err, strings.TrimSpace(secret) != "" && len(secret) <= maxCredential && !strings.ContainsFunc(secret, unicode.IsControl))
			}
			usable(err, utf8.ValidString(got.CUID) && utf8.RuneCountInString(got.CUID) <= maxCUID)
		}
		send := func() { next <- answer{status, location, body} }
		send()
		credentials(c.CreateCustomer(t.Context(), NewCustomer{Company: "A", Email: "a@b.example"}))
		send()
		redeemed, err := c.RedeemPasscode(t.Context(), "a@b.example", passcode)
		credentials(redeemed, err)
		if err != nil && strings.Contains(err.Error(), passcode) {
			t.Fatalf("the error holds the passcode: %v", err)
		}
		send()
		message, err := c.SendPasscode(t.Context(), "a@b.example")
		usable(err, message != "" && call.Clean(message) == message && !strings.Contains(message, superKey) && !strings.Contains(message, superToken))
		send()
		link, err := c.SSO(t.Context(), "a@b.example")
		usable(err, status/100 == 3 && link != nil && link.IsAbs())
		send()
		one, err := c.Customer(t.Context(), "c1", superKey, superToken)
		usable(err, json.Valid(one.JSON))
	})
}
