package atom_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"frontdesk/web/atom"
	"frontdesk/web/call"
)

// list serves body and collects what the client makes of it.
func list(t *testing.T, body string) (got []atom.Customer, skipped int, err error) {
	t.Helper()
	url, _ := serve(t, answer(200, body))
	skipped, err = client(url).Customers(t.Context(), func(e atom.Element) error {
		c, err := e.Customer()
		if err == nil {
			got = append(got, c)
		}
		if cuid, company, headErr := e.Head(); cuid != c.CUID || company != c.Company || headErr != err {
			t.Errorf("%s: the head is %q, %q, %v; the customer's %q, %q, %v", e.Raw, cuid, company, headErr, c.CUID, c.Company, err)
		}
		return err
	})
	return got, skipped, err
}

func TestListOddElements(t *testing.T) {
	odd := []string{
		`null`, `7`, `"text"`, `true`, `[]`, `[{"cuid":"x"}]`, `{}`, `{"company":"no cuid"}`, `{"cuid":null}`,
		`{"cuid":""}`, `{"cuid":"  "}`, `{"cuid":true}`, `{"cuid":{"a":1}}`, `{"cuid":["a"]}`, `{"cuid":"a\u0000b"}`,
		`{"cuid":"` + strings.Repeat("é", 129) + `"}`,
		`{"cuid":"big","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
	good := []string{
		`{"cuid":"c1"}`, `{"cuid":12345678901234567890123456789}`, `{"cuid":-1.50e3}`, `{"cuid":"/#?%é <>\"\\"}`,
		`{"cuid":"` + strings.Repeat("é", 128) + `"}`, `{"CUID":"upper"}`, `{"cuid":"w","company":{"x":1},"email":[1]}`,
	}
	want := []string{"c1", "12345678901234567890123456789", "-1.50e3", `/#?%é <>"\`, strings.Repeat("é", 128), "upper", "w"}
	got, skipped, err := list(t, " [ "+strings.Join(append(odd, good...), " ,\n")+" ] \n")
	if err != nil || skipped != len(odd) {
		t.Errorf("skipped %d, want %d; %v", skipped, len(odd), err)
	}
	var cuids []string
	for _, c := range got {
		cuids = append(cuids, c.CUID)
	}
	if !reflect.DeepEqual(cuids, want) {
		t.Errorf("%q, want %q", cuids, want)
	}
	if last := got[len(got)-1]; last.Company != "" || last.Fields[1].Value != `{"x":1}` {
		t.Errorf("an object in a text field: %+v", last)
	}
}

func TestListFields(t *testing.T) {
	got, _, err := list(t, `[{"email":"A@B.c","cuid":"c1","company":"A \u0026 B","name":null,"zip":12345,"phone":1e3,
		"state":true,"City":"Lund","city":"Malmö","address":"x\u0000y","created_at":"2024-01-02","website":"w",
		"key":"planted","nested":{ "a" : [ 1, {"token":"planted","b":"}]\"\\"} ], "secret":{"x":1} },
		"turkey":"yes","country":"SE","bad":"`+"\xff"+`"}]`)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	c := got[0]
	want := atom.Customer{
		CUID: "c1", Company: "A & B", Email: "A@B.c", Zip: "12345", Phone: "1e3", State: "true",
		City: "Malmö", Address: "xy", Country: "SE", Website: "w", Created: "2024-01-02",
		Fields: []atom.Field{
			{"email", "A@B.c"}, {"cuid", "c1"}, {"company", "A & B"}, {"name", ""}, {"zip", "12345"}, {"phone", "1e3"},
			{"state", "true"}, {"City", "Lund"}, {"city", "Malmö"}, {"address", "xy"}, {"created_at", "2024-01-02"},
			{"website", "w"}, {"nested", `{"a":[1,{"b":"}]\"\\"}]}`}, {"turkey", "yes"}, {"country", "SE"}, {"bad", "\ufffd"},
		},
		JSON: c.JSON,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if !json.Valid(c.JSON) || strings.Contains(string(c.JSON), "planted") || strings.Contains(string(c.JSON), ` "a"`) {
		t.Errorf("JSON %s", c.JSON)
	}
}

func TestCredentialNames(t *testing.T) {
	drop := `key Key KEY keys token tokens apiKey APIKey api_key api-key "api key" ApiKEY apikey accessToken accesstoken
		access_token x-access-key x-access-superkey X-Access-Token superKey superkey superToken supertoken password
		passWord userPassword password2 passwordHash secret clientSecret client_secret secrets passcode passCode
		lastPasscode credentials privateKey accesskey jwt otp auth authorization key1 tokenValue`
	keep := `keyword keywords turkey monkey hockey donkey keyContact keyAccount whiskey keystone tokyo secretary
		passenger compass passport author authority country company name email cuid zip pinCode`
	for _, name := range strings.Fields(strings.ReplaceAll(drop, `"api key"`, "")) {
		if got := names(t, name); len(got) != 1 {
			t.Errorf("%s is kept", name)
		}
	}
	if got := names(t, "api key"); len(got) != 1 {
		t.Error("api key is kept")
	}
	for _, name := range strings.Fields(keep) {
		if name != "cuid" && len(names(t, name)) != 2 {
			t.Errorf("%s is dropped", name)
		}
	}
}

func names(t *testing.T, name string) []atom.Field {
	t.Helper()
	got, _, err := list(t, fmt.Sprintf(`[{"cuid":"c1",%q:"v"}]`, name))
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	return got[0].Fields
}

func TestCreatedNames(t *testing.T) {
	for _, name := range []string{"created", "createdAt", "created_at", "creationDate", "CreatedOn", "date_created"} {
		got, _, err := list(t, fmt.Sprintf(`[{"cuid":"c1",%q:1700000000}]`, name))
		if err != nil || got[0].Created != "1700000000" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// The first that tells it counts, but not in another case than one that does not.
	for fields, want := range map[string]string{
		`"Created":"","created":"a"`: "a", `"created":"a","createdAt":"b"`: "a", `"created":null,"created_at":"b"`: "b",
		`"created":"","Created":"a"`: "", `"created":{},"CREATED":"a","created_on":"b"`: "b", `"created":"","created":"a"`: "a",
	} {
		got, _, err := list(t, `[{"cuid":"c1",`+fields+`}]`)
		if err != nil || got[0].Created != want {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
}

func TestListBroken(t *testing.T) {
	for name, body := range map[string]string{
		"empty": ``, "null": `null`, "object": `{"customers":[]}`, "text": `"x"`, "HTML": `<html>`,
		"cut in an element": `[{"cuid":"c1"},{"cu`, "cut between": `[{"cuid":"c1"},`, "not closed": `[{"cuid":"c1"}`,
		"garbage": `[{"cuid":"c1"},}]`, "no comma": `[{"cuid":"c1"} {"cuid":"c2"}]`,
		"trailing": `[{"cuid":"c1"}] x`, "two": `[][]`,
	} {
		_, _, err := list(t, body)
		if e := typed(t, err); e.Kind != call.Unanswered || e.Status != 200 {
			t.Errorf("%s: %v", name, e)
		}
	}
	for _, body := range []string{`[]`, " [ ] \n", "\ufeff[]"} {
		if got, skipped, err := list(t, body); err != nil || skipped != 0 || len(got) != 0 {
			t.Errorf("%q: %v, %d, %v", body, got, skipped, err)
		}
	}
}

func TestListEndsEarly(t *testing.T) {
	own := errors.New("enough")
	url, _ := serve(t, answer(200, `[7,{"cuid":"c1"},{"cuid":"c2"}]`))
	n := 0
	skipped, err := client(url).Customers(t.Context(), func(e atom.Element) error {
		if _, _, err := e.Head(); err != nil {
			return err
		}
		n++
		return own
	})
	if err != own || n != 1 || skipped != 1 {
		t.Errorf("%v after %d, skipped %d", err, n, skipped)
	}
}

// A whole list whose length header promises more, and one that stalls.
func TestListConnectionFails(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "999")
			io.WriteString(w, `[{"cuid":"c1"}]`)
		},
		"dropped": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `[{"cuid":"c1"},`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"stalls": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `[{"cuid":"c1"},`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		url, _ := serve(t, h)
		n := 0
		_, err := client(url).Customers(t.Context(), func(atom.Element) error { n++; return nil })
		if e := typed(t, err); e.Kind != call.Unanswered || e.Timeout != (name == "stalls") {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestLargeListCompressed(t *testing.T) {
	const n = 100_000
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not accepted")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, "[")
		for i := range n {
			if i > 0 {
				io.WriteString(z, ",")
			}
			fmt.Fprintf(z, `{"cuid":"c%d","company":"Company %d","email":"mail%d@example.com","name":"Some Body","address":"1 Long Street","country":"SE","city":"Lund","zip":"22222","state":"","phone":"+4612345678","website":"https://example.com","createdAt":"2024-01-02T03:04:05Z","key":"planted"}`, i, i, i)
		}
		io.WriteString(z, "]")
	})
	c := atom.New(url, superKey, superToken, call.New("atom", call.Limits{}, nil))
	got := 0
	start := time.Now()
	skipped, err := c.Customers(t.Context(), func(e atom.Element) error {
		if c, err := e.Customer(); err != nil || len(c.Fields) != 12 {
			return fmt.Errorf("fields %v, %v", c.Fields, err)
		}
		got++
		return nil
	})
	t.Logf("%d customers in %v", got, time.Since(start))
	if err != nil || skipped != 0 || got != n {
		t.Errorf("%d customers, %d skipped, %v", got, skipped, err)
	}
}
