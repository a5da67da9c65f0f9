package call

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// answers is a service that answers what the test says, and what was learned of it.
type answers struct {
	*testing.T
	stats    *Stats
	client   *Client
	url      string
	status   int
	body     string
	location string
}

func newAnswers(t *testing.T) *answers {
	a := &answers{T: t, stats: NewStats(nil)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if a.location != "" {
			w.Header().Set("Location", a.location)
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	a.url, a.client = s.URL, New("atom", Limits{}, a.stats)
	return a
}

// learned asks once, and returns what was new about the answer, statuses left aside.
func (a *answers) learned(status int, body string) (all []string) {
	a.Helper()
	a.status, a.body = status, body
	a.client.Do(a.Context(), Request{Op: "try", Method: "POST", URL: a.url + "/customer/jonas.brandt%40example.com/auth?passcode=opensesame",
		Body: []byte(`{"company": "kontoret nord"}`), Secrets: []string{"verysecret"},
		Check: func(r *Response) error {
			if !r.OK() {
				return r.Refusal()
			}
			var v any
			return r.decode(body[0], "value", &v)
		}})
	return a.taken()
}

func (a *answers) taken() (all []string) {
	for _, t := range a.stats.Shapes().Take() {
		if t.Service != "atom" || t.Endpoint != "try" || t.SeenAt.IsZero() {
			a.Errorf("%+v", t)
		}
		if t.Kind != TraitStatus {
			quiet := ""
			if t.Quiet {
				quiet = " quietly"
			}
			all = append(all, t.Kind+quiet+" "+t.What)
		}
	}
	return all
}

func (a *answers) want(what string, got []string, want ...string) {
	a.Helper()
	if !slices.Equal(got, want) {
		a.Errorf("%s: learned %q, want %q", what, got, want)
	}
}

func TestAShapeIsLearnedOnce(t *testing.T) {
	a := newAnswers(t)
	a.want("the first answer", a.learned(200, ` {"cuid": "a", "tags": ["x", "y"], "plan": {"seats": 3, "since": null}, "on": true, "none": []}`),
		"field answer: object", "field answer.cuid: string", "field answer.tags: array", "field answer.tags[]: string", "field answer.plan: object",
		"field answer.plan.seats: number", "field answer.plan.since: null", "field answer.on: boolean", "field answer.none: array")
	a.want("other values, another order, some absent or null", a.learned(200, `{"plan":{"since":null,"seats":-1.5e3},"cuid":"a\"b,}","tags":[],"on":null}`))
	a.want("another type", a.learned(200, `{"cuid": 7, "tags": "x"}`), "type answer.cuid: number", "type answer.tags: string")
	a.want("both types", a.learned(200, `{"cuid": "7", "tags": ["x"]}`))
	a.want("what was null", a.learned(200, `{"plan": {"since": "2026"}}`), "field quietly answer.plan.since: string")
	a.want("deeper", a.learned(200, `{"plan": {"price": {"sum": 1}}, "none": [[{"x": 1}]]}`), "field answer.plan.price: object", "field answer.plan.price.sum: number",
		"field answer.none[]: array", "field answer.none[][]: object", "field answer.none[][].x: number")
	a.want("a list where an object was", a.learned(200, `[1]`), "type answer: array", "field answer[]: number")
	a.want("a refusal", a.learned(404, `{"message": "User not found", "code": 4}`), "field refusal: object", "field refusal.message: string", "field refusal.code: number",
		"message User not found")
	a.want("the same words about somebody else", a.learned(404, `{"code": 5, "message": "user NOT found."}`))
	a.want("the same again", a.learned(404, `{"message": "User not found", "code": 4}`))
	a.want("no JSON", a.learned(200, `{"cuid": `))
	a.want("a gateway's words", a.learned(502, `{"error": "Bad Gateway", "hint": "later"}`))

	// What one process has learned another knows by the same traits.
	b := newAnswers(t)
	for _, what := range []string{"answer: object", "answer.plan: object", "answer.plan.seats: number", "answer.tags: array", "answer.tags[]: string", "answer.m.*: number", "answer.m: object"} {
		b.stats.Shapes().Know(Trait{Service: "atom", Endpoint: "try", Kind: TraitField, What: what})
	}
	b.stats.Shapes().Know(Trait{Service: "atom", Endpoint: "other", Kind: TraitMessage, What: "User not found"})
	b.want("known", b.learned(200, `{"plan": {"seats": 1}, "tags": ["a"], "m": {"12345678": 1}}`))
	b.want("known words", b.learned(404, `{"message": "User not found"}`), "field refusal: object", "field refusal.message: string")
}

func TestRedirectsAndStatusesAreLearned(t *testing.T) {
	a := newAnswers(t)
	for _, tt := range []struct{ location, host string }{
		{"https://Platform.example/in?token=secret", "platform.example"},
		{"https://user:pass@platform.example:8443/", "platform.example:8443"},
		{"https://platform.example/other", ""},
		{"https://%zz", ""},
		{"", ""},
	} {
		a.location = tt.location
		want := []string{"host " + tt.host}
		if tt.host == "" {
			want = nil
		}
		a.want(tt.location, a.learned(302, ""), want...)
	}
	a.location = ""
	a.learned(200, `{}`)
	for _, tt := range []struct {
		status int
		new    bool
	}{{418, true}, {418, false}, {429, false}, {503, false}, {200, false}} {
		a.status, a.body = tt.status, "{}"
		a.client.Do(a.Context(), Request{Op: "try", Method: "GET", URL: a.url})
		if got := a.stats.Shapes().Take(); (len(got) == 1 && got[0].Kind == TraitStatus && got[0].What == fmt.Sprint(tt.status)) != tt.new {
			t.Errorf("status %d: %+v", tt.status, got)
		}
	}
}

// Identifiers that stand where names stand fill nothing, and are not kept.
func TestNamesThatAreValues(t *testing.T) {
	a := newAnswers(t)
	a.learned(200, `{"by": {}}`)
	a.want("values", a.learned(200, `{"by": {"anna@example.com": 1, "Anna Berg": 1, "c4f1k2j3h4x5": 1, "deadbeefcafe": 1, "0701740605": 1, "åsa": 1, "a\u0062": 1, "": 1,
		"jonas.brandt@example.com": 1, "opensesame": 1, "qwertyuiopasdfghjklzxcvbnm": 1}}`), "field answer.by.*: number")
	a.want("names", a.learned(200, `{"by": {"address2": 1, "x-field_3": 1, "aRatherLongNameOfAFieldThatStillIs": 1}}`),
		"field answer.by.address2: number", "field answer.by.x-field_3: number", "field answer.by.aRatherLongNameOfAFieldThatStillIs: number")

	// A map with names that look like any other, all at once or by and by.
	many := func(n, from int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"k%c%c%c": 1`, 'a'+(i+from)/676, 'a'+(i+from)/26%26, 'a'+(i+from)%26))
		}
		return strings.Join(all, ",")
	}
	a.want("a large map", a.learned(200, `{"map": {`+many(maxMembers+1, 0)+`}}`), "field answer.map: object", "field answer.map.*: number")
	a.want("more of it", a.learned(200, `{"map": {`+many(maxMembers+1, 3000)+`, "other": 1}}`))
	kept := 0
	for i := range 20 {
		kept += len(a.learned(200, `{"slow": {`+many(50, i*50)+`}}`))
	}
	if kept != maxMembers+2 {
		t.Errorf("%d names of a map are kept", kept)
	}
	// However they are spread.
	kept = 0
	var last []string
	for i := range 10 {
		last = a.learned(200, fmt.Sprintf(`{"part%c": {%s}}`, 'a'+i, many(60, 100)))
		kept += len(last)
		if slices.Contains(last, "many field") {
			break
		}
	}
	if total := a.stats.shapes.endpoints[[2]string{"atom", "try"}].fields; total != maxTraits || !slices.Contains(last, "many field") {
		t.Errorf("%d fields are kept, then %q", total, last)
	}
	a.want("nothing more", a.learned(200, `{"afterwards": 1}`))
}

func TestMessagesAreBounded(t *testing.T) {
	a := newAnswers(t)
	told := 0
	for i := range maxTraits + 50 {
		for _, line := range a.learned(400, fmt.Sprintf(`{"message": "Field w%cq%c is odd"}`, 'a'+i/26, 'a'+i%26)) {
			if line == "many message" {
				told++
			}
		}
	}
	if n := a.stats.shapes.counts[Trait{Service: "atom", Kind: TraitMessage}]; n != maxTraits || told != 1 {
		t.Errorf("%d messages are kept, and that there are more was said %d times", n, told)
	}
}

// Words stay, values go.
func TestWording(t *testing.T) {
	sent := sentWords(Request{URL: "https://atom.example/customer/jonas.brandt%40nordlicht.example/auth?passcode=opensesame",
		Body: []byte(`{"company": "kontoret nord", "username": "alice", "n": 5}`)})
	for in, want := range map[string]string{
		"User not found": "User not found",
		"We have emailed the passcode to: jonas.brandt@nordlicht.example":   "We have emailed the passcode to: …",
		"Expired or invalid passcode.":                                      "Expired or invalid passcode.",
		"User not allowed for API access":                                   "User not allowed for API access",
		"Customer Jonas Brandt (c4f1k2) is suspended since 2026-01-02!":     "Customer … is suspended since …",
		`No user "jonas the second" at 'the office', only «sven» and “eva”`: "No user … at … only … and …",
		`Unauthorized: {"username":"alice","password":"x`:                   "Unauthorized: …",
		"user alice has no api access":                                      "user … has no api access",
		"Company kontoret nord exists already, can't create":                "Company … exists already, can't create",
		"opensesame is not a passcode":                                      "… is not a passcode",
		"Invalid token ••• deadbeefcafe0123 AbCdEf== qwertyuiopasdfghjk":    "Invalid token …",
		"hash deadbeefcafe of a facade":                                     "hash … of a facade",
		"Ring +46 70 174 06 05 now":                                         "… now",
		"Brandt":                                                            "",
		"12345":                                                             "",
		"":                                                                  "",
	} {
		if got := wording(in, sent); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if long := wording(strings.Repeat("word ", 200), nil); utf8.RuneCountInString(long) != maxWording {
		t.Errorf("%d runes are kept", utf8.RuneCountInString(long))
	}
}

// What could not be stored is there to be taken again, before what came later.
func TestTraitsAreHandedBack(t *testing.T) {
	a := newAnswers(t)
	a.status, a.body = 200, "{}"
	a.client.Do(a.Context(), Request{Op: "try", Method: "GET", URL: a.url})
	s := a.stats.Shapes()
	select {
	case <-s.News():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
	first := s.Take()
	a.status = 201
	a.client.Do(a.Context(), Request{Op: "try", Method: "GET", URL: a.url})
	s.Return(first)
	if all := s.Take(); len(all) != 2 || all[0].What != "200" || all[1].What != "201" {
		t.Errorf("%+v", all)
	}
}

// A walk over anything ends, and harms nothing.
func TestAWalkOverAnythingEnds(t *testing.T) {
	s := newShapes(time.Now)
	ep := s.at("atom", "try")
	whole := `{"a": [1, {"b": "c\"d"}, [true, null]], "e": {}}`
	for i := range whole {
		for _, text := range []string{whole[:i], whole[i:], whole[:i] + "}" + whole[i:], whole[:i] + "]" + whole[i:], whole[:i] + `"` + whole[i:]} {
			s.look(ep, ep.answer, []byte(text), nil)
		}
	}
	s.look(ep, ep.answer, []byte(strings.Repeat("[", 1000)+strings.Repeat("]", 1000)), nil)
	s.look(ep, ep.answer, []byte(strings.Repeat(`{"a":`, 1000)+"1"+strings.Repeat("}", 1000)), nil)
}

// What an element of ATOM's list costs once its shape is known. No memory, and little time.
func BenchmarkElement(b *testing.B) {
	stats := NewStats(nil)
	r := Response{list: list{shapes: stats.shapes, endpoint: stats.shapes.at("atom", "list customers")}}
	raw := []byte(`{"cuid":"cm2k4x9a0b1c2d3e4f5g6h7i","company":"Nordlicht Logistik GmbH","email":"jonas.brandt@nordlicht-logistik.example","name":"Jonas Brandt",` +
		`"address":"Hafenstrasse 12","country":"DE","city":"Hamburg","zip":"20457","state":"HH","phone":"+49 40 123456","website":"https://nordlicht.example",` +
		`"created":"2025-03-04T05:06:07Z","status":"active","plan":"starter"}`)
	r.Element(raw)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		r.Element(raw)
	}
}

// A known shape costs no memory: a list has 100,000 of them.
func TestAKnownElementCostsNoMemory(t *testing.T) {
	stats := NewStats(nil)
	r := Response{list: list{shapes: stats.shapes, endpoint: stats.shapes.at("atom", "list customers")}}
	raw := []byte(`{"cuid": "a", "email": "b", "n": {"x": [1, 2, {"y": null}]}}`)
	r.Element(raw)
	if n := testing.AllocsPerRun(100, func() { r.Element(raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := len(stats.shapes.Take()); got == 0 {
		t.Error("nothing was learned")
	}
}
