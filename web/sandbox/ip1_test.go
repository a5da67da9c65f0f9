package sandbox

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (r *rig) lastMessage() Message {
	r.Helper()
	box := r.sb.Outbox()
	if len(box) == 0 {
		r.Fatal("the outbox is empty")
	}
	return box[len(box)-1]
}

func TestIP1Credentials(t *testing.T) {
	plain := newRig(t, Config{})
	bearer := newRig(t, Config{IP1Token: "secret"})
	for _, tt := range []struct {
		name, header string
		r            *rig
		status       int
	}{
		{"basic", basic, plain, 200},
		{"none", "X-None: 1", plain, 401},
		{"wrong key", "Authorization: Basic aXAxLTAwMDAwOndyb25n", plain, 401},
		{"wrong account", "Authorization: Basic aXAxLTE6c2FuZGJveC1rZXk=", plain, 401},
		{"bearer that is not set up", "Authorization: Bearer ", plain, 401},
		{"bearer", "Authorization: Bearer secret", bearer, 200},
		{"wrong bearer", "Authorization: Bearer other", bearer, 401},
		{"basic beside bearer", basic, bearer, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.r.do("GET", "/ip1/api/authentications", "", tt.header)
			if a.status != tt.status {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a.status == 401 && a.body != `{"Message":"Authorization has been denied for this request."}` {
				t.Errorf("body %s", a.body)
			}
		})
	}
}

func TestIP1Routes(t *testing.T) {
	r := newRig(t, Config{})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"DELETE", "", 405}, {"POST", "/1001", 405}, {"GET", "/validate", 405}, {"POST", "/settings", 405},
		{"GET", "/1001", 404}, {"GET", "/abc", 404}, {"GET", "/", 404}, {"GET", "/1001/more", 404}, {"GET", "x", 404},
	} {
		a := r.sms(tt.method, tt.path, "{}")
		if a.status != tt.status || !strings.Contains(a.body, `{"Message":`) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, a.status, a.body)
		}
	}
	a := r.do("POST", "/ip1/api/authentications", `{"Phone":"+46701740605"}`, basic)
	r.wantStatus(a, 415, "media type")
}

func TestIP1SendAndValidate(t *testing.T) {
	r := newRig(t, Config{})
	// Odd IDs have no zone, even ones have.
	a := r.sms("POST", "", `{"phone":"+46 70-174 06 05","MESSAGEFORMAT":"Kod {0}, ja {0}","From":"Träff","length":8,"ExpirationTime":60,"numericonly":true,"Other":1}`)
	want := `{"ID":1001,"Phone":"+46 70-174 06 05","Created":"2026-11-22T02:13:56.1234567","HasExpired":false,"Expires":"2026-11-22T02:14:56.1234567","IsUsed":false}`
	if a.status != 200 || a.body != want {
		t.Fatalf("%d %s", a.status, a.body)
	}
	m := r.lastMessage()
	if m.Kind != "sms" || m.From != "Träff" || m.To != "+46 70-174 06 05" || !regexp.MustCompile(`^[0-9]{8}$`).MatchString(m.Code) ||
		m.Text != "Kod "+m.Code+", ja "+m.Code {
		t.Errorf("%+v", m)
	}
	r.wantStatus(r.sms("POST", "", `{"Phone":"0046701740606"}`), 200, `"Expires":"2026-11-22T02:33:56.1234567Z"`)
	second := r.lastMessage()
	if second.From != "iP1" || len(second.Code) != 5 || !strings.Contains(second.Text, second.Code) {
		t.Errorf("%+v", second)
	}

	check := func(phone, code string) answer {
		t.Helper()
		return r.sms("POST", "/validate", `{"Phone":"`+phone+`","Code":"`+code+`"}`)
	}
	if a := check("+46701740605", "wrong"); a.status != 200 || a.body != `{"Valid":false,"Phone":"+46701740605","Code":"wrong"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.wantStatus(check("+46701740699", m.Code), 200, `"Valid":false`)
	r.advance(10 * time.Second)
	a = check("0046 70 174 06 05", m.Code)
	r.wantStatus(a, 200, `"Valid":true,"Authentication":{"ID":1001`)
	if !strings.Contains(a.body, `"IsUsed":true,"Used":"2026-11-22T02:14:06.1234567"`) {
		t.Errorf("%s", a.body)
	}
	r.wantStatus(check("+46701740605", m.Code), 200, `"Valid":false`) // used
	r.wantStatus(r.sms("GET", "/1001", ""), 200, `"IsUsed":true`)
	r.advance(1190 * time.Second)
	r.wantStatus(check("0046701740606", second.Code), 200, `"Valid":false`) // expired
	r.wantStatus(r.sms("GET", "/1002", ""), 200, `"HasExpired":true`)

	var list []map[string]any
	a = r.sms("GET", "", "")
	a.decode(t, &list)
	if len(list) != 2 || list[0]["ID"] != 1001.0 || list[1]["ID"] != 1002.0 {
		t.Errorf("%s", a.body)
	}
	if strings.Contains(a.body, m.Code) || strings.Contains(a.body, second.Code) {
		t.Error("the list shows a code")
	}
}

func TestIP1Refusals(t *testing.T) {
	r := newRig(t, Config{})
	const ok = `"Phone":"+46701740605"`
	for _, tt := range []struct{ path, body, field string }{
		{"", `{}`, "authentication.Phone"},
		{"", `{"Phone":null}`, "authentication.Phone"},
		{"", `{"Phone":""}`, "authentication.Phone"},
		{"", `{"Phone":46701740605}`, "authentication.Phone"},
		{"", `{"Phone":"call me"}`, "authentication.Phone"},
		{"", `{"Phone":"1234"}`, "authentication.Phone"},
		{"", `{` + ok + `,"Length":2}`, "authentication.Length"},
		{"", `{` + ok + `,"Length":26}`, "authentication.Length"},
		{"", `{` + ok + `,"Length":"5"}`, "authentication.Length"},
		{"", `{` + ok + `,"Length":5.5}`, "authentication.Length"},
		{"", `{` + ok + `,"ExpirationTime":0}`, "authentication.ExpirationTime"},
		{"", `{` + ok + `,"ExpirationTime":86401}`, "authentication.ExpirationTime"},
		{"", `{` + ok + `,"MessageFormat":"no place"}`, "authentication.MessageFormat"},
		{"", `{` + ok + `,"MessageFormat":""}`, "authentication.MessageFormat"},
		{"", `{` + ok + `,"From":"twelve chars"}`, "authentication.From"},
		{"", `{` + ok + `,"From":"+1234567890123456"}`, "authentication.From"},
		{"", `{` + ok + `,"From":"日本"}`, "authentication.From"},
		{"", `{` + ok + `,"NumericOnly":"true"}`, "authentication.NumericOnly"},
		{"", `not json`, "authentication"},
		{"", `null`, "authentication"},
		{"/validate", `{` + ok + `}`, "validation.Code"},
		{"/validate", `{"Code":"1"}`, "validation.Phone"},
		{"/settings", `{"ConcurrentLimit":0}`, "settings.ConcurrentLimit"},
		{"/settings", `{"Length":1}`, "settings.Length"},
		{"/settings", `{"From":"a name too long"}`, "settings.From"},
	} {
		t.Run(tt.path+tt.body, func(t *testing.T) {
			method := "POST"
			if tt.path == "/settings" {
				method = "PUT"
			}
			a := r.sms(method, tt.path, tt.body)
			var got struct {
				Message    string
				ModelState map[string][]string
			}
			a.decode(t, &got)
			if a.status != 400 || got.Message != "The request is invalid." || len(got.ModelState) != 1 || len(got.ModelState[tt.field]) != 1 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	if n := len(r.sb.Outbox()); n != 0 {
		t.Errorf("%d SMS were sent", n)
	}
	for _, from := range []string{"elevenchars", "+123456789012345", "123456789012345"} {
		r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740610","From":"`+from+`"}`), 200, "ID")
	}
}

func TestIP1SettingsAndLimit(t *testing.T) {
	r := newRig(t, Config{})
	const unset = `{"ConcurrentLimit":null,"From":null,"MessageFormat":null,"Length":null,"ExpirationTime":null,"NumericOnly":null}`
	if a := r.sms("GET", "/settings", ""); a.status != 200 || a.body != unset {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for i := range 6 {
		a := r.sms("POST", "", `{"Phone":"+46701740607"}`)
		if i < 5 {
			r.wantStatus(a, 200, "ID")
		} else {
			r.wantStatus(a, 400, `{"Message":"There are too many active`)
		}
	}
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740608"}`), 200, "ID") // another number

	const all = `{"ConcurrentLimit":1,"From":"Acme","MessageFormat":"Acme: {0}","Length":4,"ExpirationTime":30,"NumericOnly":true}`
	if a := r.sms("PUT", "/settings", all); a.status != 200 || a.body != all {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r.wantStatus(r.sms("GET", "/settings", ""), 200, all)
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740609"}`), 200, `"Expires":"2026-11-22T02:14:26.1234567`)
	if m := r.lastMessage(); m.From != "Acme" || m.Text != "Acme: "+m.Code || len(m.Code) != 4 || strings.Trim(m.Code, digits) != "" {
		t.Errorf("%+v", m)
	}
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740609","From":"Own","Length":20}`), 400, "too many")
	r.advance(30 * time.Second) // an expired code does not count
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740609","From":"Own","Length":20}`), 200, "ID")
	m := r.lastMessage()
	if m.From != "Own" || len(m.Code) != 20 {
		t.Errorf("%+v", m)
	}
	body, _ := json.Marshal(map[string]string{"Phone": "+46701740609", "Code": m.Code})
	r.wantStatus(r.sms("POST", "/validate", string(body)), 200, `"Valid":true`)
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740609"}`), 200, "ID") // nor does a used one

	r.wantStatus(r.sms("PUT", "/settings", `{"from":"Acme","Length":null}`), 200, `"ConcurrentLimit":null,"From":"Acme"`)
}
