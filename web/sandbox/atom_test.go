package sandbox

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	jonas     = "jonas.brandt@nordlicht-logistik.example"
	jonasPath = "/customer/" + jonas
)

type issued struct {
	CUID       json.RawMessage `json:"cuid"`
	Key, Token string
}

func (r *rig) issue(path string) issued {
	r.Helper()
	a := r.app("GET", path, "")
	r.wantStatus(a, 200, `"cuid"`)
	var got issued
	a.decode(r.T, &got)
	if got.Key == "" || got.Token == "" {
		r.Fatalf("no credentials in %s", a.body)
	}
	return got
}

func (r *rig) self(cuid, key, token string) answer {
	r.Helper()
	return r.do("GET", "/atom/customer/"+url.PathEscape(cuid), "", "x-access-key: "+key, "x-access-token: "+token)
}

func TestATOMCredentials(t *testing.T) {
	r := newRig(t, Config{})
	calls := []string{"POST /customer", "GET /customer/", "GET " + jonasPath + "/sso", "GET " + jonasPath + "/passcode",
		"GET " + jonasPath + "/auth", "GET " + jonasPath + "/auth/nopasscode"}
	for _, call := range calls {
		method, path, _ := strings.Cut(call, " ")
		for _, tt := range []struct {
			headers []string
			status  int
			message string
		}{
			{nil, 403, msgMissingKey},
			{super[1:], 403, msgMissingKey},
			{super[:1], 403, msgMissingToken},
			{[]string{super[0], "x-access-supertoken: wrong"}, 403, msgInvalidToken},
			{[]string{"x-access-superkey: wrong", super[1]}, 404, msgNoKey},
			{[]string{"x-access-key: sandbox-superkey", "x-access-token: sandbox-supertoken"}, 403, msgMissingKey},
		} {
			a := r.do(method, "/atom"+path, "", tt.headers...)
			if a.status != tt.status || a.body != `{"message":"`+tt.message+`"}` {
				t.Errorf("%s with %v: %d %s", call, tt.headers, a.status, a.body)
			}
		}
	}
	a := r.do("GET", "/atom/customer/?x-access-superkey=sandbox-superkey&x-access-supertoken=sandbox-supertoken", "")
	r.wantStatus(a, 403, msgMissingKey)
	if n := len(r.sb.Outbox()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}

	other := newRig(t, Config{SuperKey: "k", SuperToken: "t"})
	other.wantStatus(other.app("GET", "/customer/", ""), 404, msgNoKey)
	other.wantStatus(other.do("GET", "/atom/customer/", "", "X-Access-SuperKey: k", "X-Access-SuperToken: t"), 200, "[")
}

func TestATOMUnknownRoutes(t *testing.T) {
	r := newRig(t, Config{})
	for _, call := range []string{
		"POST /customer/", "GET /customer", "PUT /customer", "HEAD /customer/", "POST " + jonasPath + "/sso", "POST " + jonasPath + "/passcode",
		"GET " + jonasPath + "/sso/", "GET " + jonasPath + "/passcode/", "GET " + jonasPath + "/auth/", "GET " + jonasPath + "/auth/nopasscode/",
		"GET " + jonasPath + "/auth/other", "GET " + jonasPath + "/", "GET //customer/", "GET /customer//sso", "GET /customers/", "GET /", "GET ", "DELETE " + jonasPath,
	} {
		method, path, _ := strings.Cut(call, " ")
		if a := r.app(method, path, ""); a.status != 404 || strings.Contains(a.body, msgNoKey) || strings.Contains(a.body, msgNoUser) {
			t.Errorf("%s: %d %s", call, a.status, a.body)
		}
	}
}

func TestATOMCreate(t *testing.T) {
	r := newRig(t, Config{Customers: -1})
	a := r.app("POST", "/customer", `{"company":"Änglar & <Co>","email":"Info+1@Anglar.example","phone":"+46 70 174 06 05"}`)
	r.wantStatus(a, 200, `"key"`)
	var got struct{ CUID, Key, Token string }
	a.decode(t, &got)
	r.wantStatus(r.self(got.CUID, got.Key, got.Token), 200, `"company":"Änglar & <Co>"`)

	a = r.app("GET", "/customer/", "")
	var list []map[string]any
	a.decode(t, &list)
	if len(list) != 1 || list[0]["cuid"] != got.CUID || list[0]["phone"] != "+46 70 174 06 05" ||
		list[0]["created"] != "2026-11-22T02:13:56Z" || list[0]["key"] != nil || list[0]["city"] != nil {
		t.Errorf("listed as %s", a.body)
	}

	for _, tt := range []struct{ name, body, message string }{
		{"same e-mail", `{"company":"B","email":"Info+1@Anglar.example"}`, msgExists},
		{"same e-mail, other case", `{"company":"B","email":"info+1@anglar.EXAMPLE"}`, msgExists},
		{"no company", `{"email":"b@b.example"}`, "company is required"},
		{"blank company", `{"company":" ","email":"b@b.example"}`, "company is required"},
		{"no email", `{"company":"B"}`, "email is required"},
		{"bad email", `{"company":"B","email":"b.example"}`, "email is not valid"},
		{"number", `{"company":"B","email":"b@b.example","zip":12345}`, "zip must be a string"},
		{"null", `{"company":"B","email":"b@b.example","zip":null}`, "zip must be a string"},
		{"empty optional", `{"company":"B","email":"b@b.example","zip":""}`, "zip must not be empty"},
		{"unknown field", `{"company":"B","email":"b@b.example","Phone":"1"}`, "Unknown field: Phone"},
		{"array", `[]`, "one JSON object"},
		{"null body", `null`, "one JSON object"},
		{"two objects", `{"company":"B","email":"b@b.example"}{}`, "one JSON object"},
		{"nothing", ``, "one JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.app("POST", "/customer", tt.body)
			if a.status != 400 || !strings.Contains(a.body, `{"message":"`) || !strings.Contains(a.body, tt.message) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	r.wantStatus(r.do("POST", "/atom/customer", `{"company":"B","email":"b@b.example"}`, super...), 400, "Content-Type")
	if n := r.sb.atom.count(); n != 1 {
		t.Errorf("%d customers", n)
	}
}

func TestATOMSelf(t *testing.T) {
	r := newRig(t, Config{})
	a := r.issue(jonasPath + "/auth/nopasscode")
	b := r.issue("/customer/grace.lin@harborpine.example/auth/nopasscode")
	id := func(i issued) (s string) { _ = json.Unmarshal(i.CUID, &s); return s }
	r.wantStatus(r.self(id(a), a.Key, a.Token), 200, `"company":"Nordlicht Logistik GmbH"`)
	r.wantStatus(r.self(id(b), a.Key, a.Token), 403, "another customer")
	r.wantStatus(r.self("nobody", a.Key, a.Token), 403, "another customer")
	r.wantStatus(r.self(id(a), a.Key, b.Token), 403, msgInvalidToken)
	r.wantStatus(r.self(id(a), "wrong", a.Token), 404, msgNoKey)
	r.wantStatus(r.self(id(a), "", a.Token), 403, msgMissingKey)
	r.wantStatus(r.self(id(a), a.Key, ""), 403, msgMissingToken)
	r.wantStatus(r.app("GET", "/customer/"+id(a), ""), 403, msgMissingKey)

	// Renewing ends the old credentials.
	a2 := r.issue("/customer/" + id(a) + "/auth")
	if a2.Key == a.Key || a2.Token == a.Token {
		t.Error("auth did not renew")
	}
	r.wantStatus(r.self(id(a), a.Key, a.Token), 404, msgNoKey)
	r.wantStatus(r.self(id(a), a2.Key, a2.Token), 200, "Nordlicht")
}

func TestATOMSignIn(t *testing.T) {
	r := newRig(t, Config{})
	location := func(path string) string {
		t.Helper()
		a := r.app("GET", path, "")
		r.wantStatus(a, 302, "")
		return a.header.Get("Location")
	}
	l := location("/customer/" + strings.ToUpper(jonas) + "/sso")
	rest, ok := strings.CutPrefix(l, r.url)
	if !ok || !strings.HasPrefix(rest, "/platform?token=") {
		t.Fatalf("Location %q", l)
	}
	if a := r.do("HEAD", rest, ""); a.status != 405 {
		t.Errorf("HEAD: %d", a.status)
	}
	r.wantStatus(r.do("GET", rest, ""), 200, "Signed in as Nordlicht Logistik GmbH ("+jonas+")")
	r.wantStatus(r.do("GET", rest, ""), 403, "does not work")
	r.wantStatus(r.do("GET", "/platform?token=unknown", ""), 403, "does not work")

	rest = strings.TrimPrefix(location(jonasPath+"/sso"), r.url)
	r.advance(signInLife)
	r.wantStatus(r.do("GET", rest, ""), 403, "does not work")

	r.control(`{"service":"atom","relative_location":true}`)
	if l := location(jonasPath + "/sso"); !strings.HasPrefix(l, "/platform?") {
		t.Errorf("relative Location %q", l)
	}
	// The first of two who share an e-mail is signed in; quotes and slashes arrive.
	l = location("/customer/ekonomi@sundqvist.example/sso")
	r.wantStatus(r.do("GET", l, ""), 200, "Sundqvist Bygg AB")
	l = location("/customer/" + url.PathEscape("o'neill+events@oneill-catering.example") + "/sso")
	r.wantStatus(r.do("GET", l, ""), 200, "Neill &amp; Daughters")
	l = location("/customer/" + url.PathEscape("50%off/kontakt@outlet.example") + "/sso")
	r.wantStatus(r.do("GET", l, ""), 200, "50% Off Outlet")
	l = location("/customer/" + url.PathEscape("BJÖRN.öberg@oberg.example") + "/sso")
	r.wantStatus(r.do("GET", l, ""), 200, "Bröderna Öberg")

	r.wantStatus(r.app("GET", "/customer/nobody@nowhere.example/sso", ""), 404, msgNoUser)
	r.wantStatus(r.app("GET", "/customer/"+suspendedEmail(t, r)+"/sso", ""), 401, msgNotAllowed)

	based := newRig(t, Config{BaseURL: "https://sandbox.example/"})
	if l := based.app("GET", jonasPath+"/sso", "").header.Get("Location"); !strings.HasPrefix(l, "https://sandbox.example/platform?") {
		t.Errorf("Location %q", l)
	}
}

func suspendedEmail(t *testing.T, r *rig) string {
	t.Helper()
	for _, c := range r.sb.atom.dir.all {
		if c.suspended && c.email != "" {
			return url.PathEscape(c.email)
		}
	}
	t.Fatal("nobody is suspended")
	return ""
}

func TestATOMPasscode(t *testing.T) {
	r := newRig(t, Config{})
	send := func() string {
		t.Helper()
		a := r.app("GET", "/customer/"+strings.ToUpper(jonas)+"/passcode", "")
		if a.status != 200 || a.body != `{"message":"We have emailed the passcode to: `+jonas+`"}` {
			t.Fatalf("%d %s", a.status, a.body)
		}
		box := r.sb.Outbox()
		m := box[len(box)-1]
		if m.Kind != "email" || m.To != jonas || len(m.Code) != 6 || strings.Trim(m.Code, digits) != "" || !strings.Contains(m.Text, m.Code) {
			t.Fatalf("%+v", m)
		}
		return m.Code
	}
	redeem := func(code string) answer { return r.app("GET", jonasPath+"/auth?passcode="+code, "") }
	refused := func(a answer) { t.Helper(); r.wantStatus(a, 401, msgPasscode) }

	refused(redeem(""))
	refused(redeem("123456"))
	first := send()
	refused(r.app("GET", jonasPath+"/auth", ""))
	second := send()
	if first != second {
		refused(redeem(first))
	}
	r.wantStatus(redeem(second), 200, `"token"`)
	refused(redeem(second))

	late := send()
	r.advance(passcodeLife - time.Second)
	r.wantStatus(redeem(late), 200, `"token"`)
	late = send()
	r.advance(passcodeLife)
	refused(redeem(late))

	// Somebody else's passcode is no good.
	code := send()
	refused(r.app("GET", "/customer/grace.lin@harborpine.example/auth?passcode="+code, ""))

	sent := len(r.sb.Outbox())
	r.wantStatus(r.app("GET", "/customer/nobody@nowhere.example/passcode", ""), 404, msgNoUser)
	r.wantStatus(r.app("GET", "/customer/nobody@nowhere.example/auth?passcode=1", ""), 404, msgNoUser)
	r.wantStatus(r.app("GET", "/customer/"+suspendedEmail(t, r)+"/passcode", ""), 401, msgNotAllowed)
	r.wantStatus(r.app("GET", "/customer/nobody/auth", ""), 404, msgNoUser)
	r.control(`{"service":"atom","passcode_provisioning":false,"nopasscode_provisioning":false}`)
	r.wantStatus(r.app("GET", jonasPath+"/passcode", ""), 401, msgNotAllowed)
	r.wantStatus(r.app("GET", jonasPath+"/auth/nopasscode", ""), 401, msgNotAllowed)
	if len(r.sb.Outbox()) != sent {
		t.Error("a refused call sent an e-mail")
	}
	r.control(`{"service":"atom","reset_faults":true}`)
	r.wantStatus(r.app("GET", jonasPath+"/passcode", ""), 200, "emailed")
	r.wantStatus(r.app("GET", jonasPath+"/auth/nopasscode", ""), 200, `"key"`)
	r.wantStatus(r.app("GET", "/customer/nobody@nowhere.example/auth/nopasscode", ""), 404, msgNoUser)
	r.wantStatus(r.app("GET", "/customer/"+suspendedEmail(t, r)+"/auth/nopasscode", ""), 401, msgNotAllowed)
}

// Every cuid of the list opens by auth and by self, whatever it is made of, and
// comes back with its exact characters or digits.
func TestATOMOpaqueCUIDs(t *testing.T) {
	r := newRig(t, Config{Customers: 700})
	for _, o := range []string{`{"cuid":".."}`, `{"cuid":"a/../b"}`, `{"cuid":" "}`, `{"cuid":"x/auth"}`, `{"cuid":"%2F"}`,
		`{"cuid":123456789012345678901234567890,"email":"n@n.example"}`} {
		if err := r.sb.AddCustomer(o); err != nil {
			t.Fatal(err)
		}
	}
	var list []struct {
		CUID   json.RawMessage
		Status string
	}
	r.app("GET", "/customer/", "").decode(t, &list)
	tried := 0
	for i, c := range list {
		text := string(c.CUID)
		if text[0] == '"' {
			if err := json.Unmarshal(c.CUID, &text); err != nil {
				t.Fatal(err)
			}
		}
		if plain := strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789") == "" && text[0] == 'c'; plain && i%50 != 0 {
			continue
		}
		tried++
		a := r.app("GET", "/customer/"+url.PathEscape(text)+"/auth", "")
		if c.Status == "suspended" {
			r.wantStatus(a, 401, msgNotAllowed)
			continue
		}
		r.wantStatus(a, 200, "")
		var got issued
		a.decode(t, &got)
		if string(got.CUID) != string(c.CUID) {
			t.Errorf("%s came back as %s", c.CUID, got.CUID)
		}
		r.wantStatus(r.self(text, got.Key, got.Token), 200, string(c.CUID))
	}
	if tried < 30 {
		t.Errorf("only %d cuids were tried", tried)
	}
	for _, bad := range []string{`[]`, `null`, `{`} {
		if r.sb.AddCustomer(bad) == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
