package sandbox

import (
	"testing"
	"time"
)

func TestPortalAuthenticate(t *testing.T) {
	r := newRig(t, Config{})
	const (
		path = "/portal/customer/_rest/v4/authenticate"
		good = `{"username":"alice","password":"demo"}`
		ct   = "Content-Type: application/json"
		ac   = "Accept: application/json"
	)
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"customer", "POST", path, good, jsonHeaders, 200},
		{"atmosphere", "POST", "/portal/atmosphere/_rest/v4/authenticate", good, jsonHeaders, 200},
		{"messaging", "POST", "/portal/messaging/_rest/v4/app/sms/authenticate/get_portal_auth_token", good, jsonHeaders, 200},
		{"messaging, older", "POST", "/portal/messaging/sms/v1/authenticate/get_portal_auth_token", good, jsonHeaders, 200},
		{"parameters", "POST", path, good, []string{ct + "; charset=utf-8", "Accept: text/html, application/json;q=0.9"}, 200},
		{"any case", "POST", path, `{"username":"MIA","password":"demo"}`, jsonHeaders, 200},
		{"not staff is no matter of the portal", "POST", path, `{"username":"mallory","password":"demo"}`, jsonHeaders, 200},
		{"no Content-Type", "POST", path, good, []string{ac}, 415},
		{"form", "POST", path, good, []string{"Content-Type: application/x-www-form-urlencoded", ac}, 415},
		{"no Accept", "POST", path, good, []string{ct}, 406},
		{"wildcard", "POST", path, good, []string{ct, "Accept: */*"}, 406},
		{"no API access", "POST", path, `{"username":"noapi","password":"demo"}`, jsonHeaders, 401},
		{"wrong password", "POST", path, `{"username":"alice","password":"Demo"}`, jsonHeaders, 401},
		{"unknown", "POST", path, `{"username":"bob","password":"demo"}`, jsonHeaders, 401},
		{"not JSON", "POST", path, `username=alice`, jsonHeaders, 400},
		{"no password", "POST", path, `{"username":"alice"}`, jsonHeaders, 400},
		{"wrong type", "POST", path, `{"username":"alice","password":1}`, jsonHeaders, 400},
		{"field in another case", "POST", path, `{"Username":"alice","password":"demo"}`, jsonHeaders, 400},
		{"GET", "GET", path, "", jsonHeaders, 405},
		{"another portal's path", "POST", "/portal/messaging/_rest/v4/authenticate", good, jsonHeaders, 404},
		{"trailing slash", "POST", path + "/", good, jsonHeaders, 404},
		{"unknown portal", "POST", "/portal/other/_rest/v4/authenticate", good, jsonHeaders, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.do(tt.method, tt.path, tt.body, tt.headers...)
			if a.status != tt.status {
				t.Fatalf("%d %s %v, want %d", a.status, a.body, a.err, tt.status)
			}
			switch a.status {
			case 200:
				var got struct{ Token string }
				a.decode(t, &got)
				if _, ok := r.sb.TokenOwner(got.Token); !ok || len(got.Token) < 20 {
					t.Errorf("token %q", got.Token)
				}
			case 401:
				if a.body != `{"code":401,"error":"Unauthorized"}` {
					t.Errorf("body %s", a.body)
				}
			default:
				var got struct{ Code int }
				if a.decode(t, &got); got.Code != tt.status {
					t.Errorf("body %s", a.body)
				}
			}
		})
	}
}

func TestPortalTokenLife(t *testing.T) {
	r := newRig(t, Config{})
	token := func() string {
		var got struct{ Token string }
		r.do("POST", "/portal/customer/_rest/v4/authenticate", `{"username":"Victor","password":"demo"}`, jsonHeaders...).decode(t, &got)
		return got.Token
	}
	one := token()
	if two := token(); one == two {
		t.Fatal("two calls gave one token")
	}
	r.advance(24*time.Hour - time.Second)
	if who, ok := r.sb.TokenOwner(one); !ok || who != "victor" {
		t.Fatalf("before 24 h: %q %v", who, ok)
	}
	r.advance(time.Second)
	if _, ok := r.sb.TokenOwner(one); ok {
		t.Fatal("the token outlived 24 h")
	}
	r.control(`{"token_ttl":"48h"}`)
	if _, ok := r.sb.TokenOwner(one); !ok {
		t.Fatal("token_ttl was not applied")
	}
	if _, ok := r.sb.TokenOwner("other"); ok {
		t.Fatal("an unknown token is owned")
	}
}

func TestPeople(t *testing.T) {
	want := map[string]string{"alice": "admin", "mia": "manager", "victor": "viewer", "mallory": "", "noapi": ""}
	for _, p := range People() {
		role, ok := want[p.Username]
		if !ok || role != p.Role || p.Name == "" || p.Note == "" || p.Portal != "customer" {
			t.Errorf("%+v", p)
		}
		delete(want, p.Username)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
