package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestJournal(t *testing.T) {
	r := newRig(t, Config{})
	r.wantStatus(acting["portal"](r), 200, "")
	r.wantStatus(acting["atom"](r), 200, "")
	passcode := r.lastMessage().Code
	r.wantStatus(r.app("GET", jonasPath+"/auth?passcode="+passcode+"&x-access-superkey=sandbox-superkey&"+passcode, ""), 200, "")
	r.wantStatus(acting["ip1"](r), 200, "")
	code := r.lastMessage().Code
	r.wantStatus(r.app("GET", "/customer/a%2Fb%3F/sso", ""), 404, "")
	r.do("GET", "/control", "")
	r.do("GET", "/outbox", "")
	r.do("GET", "/platform?token=x", "")
	r.do("GET", "/", "")

	a := r.do("GET", "/journal", "")
	var calls []Call
	a.decode(t, &calls)
	var got []string
	for _, c := range calls {
		got = append(got, fmt.Sprint(c.Service, " ", c.Method, " ", c.Path, " ", c.Status))
		if c.Time.IsZero() || c.Duration == "" {
			t.Errorf("%+v", c)
		}
	}
	want := []string{
		"portal POST /portal/customer/_rest/v4/authenticate 200",
		"atom GET /atom" + jonasPath + "/passcode 200",
		"atom GET /atom" + jonasPath + "/auth?passcode=REDACTED&x-access-superkey=REDACTED&REDACTED 200",
		"ip1 POST /ip1/api/authentications 200",
		"atom GET /atom/customer/a%2Fb%3F/sso 404",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("journal:\n%s", strings.Join(got, "\n"))
	}
	for _, secret := range []string{passcode, code + `"`, "sandbox-superkey", "sandbox-supertoken", "sandbox-key", `"demo"`} {
		if strings.Contains(a.body, secret) {
			t.Errorf("the journal holds %q", secret)
		}
	}
	r.wantStatus(r.do("DELETE", "/journal", ""), http.StatusNoContent, "")
	r.wantStatus(r.do("GET", "/journal", ""), 200, "[]")
}

func TestJournalIsBounded(t *testing.T) {
	j := &journal{}
	req, _ := http.NewRequest("GET", "/atom/customer/", nil)
	var last *Call
	for range maxJournal + 1 {
		last = j.begin(seedEnd, serviceATOM, req)
	}
	j.end(last, 200)
	calls := j.list()
	if len(calls) > maxJournal || calls[len(calls)-1].Status != 200 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestOutbox(t *testing.T) {
	r := newRig(t, Config{})
	r.wantStatus(acting["atom"](r), 200, "")
	r.wantStatus(r.sms("POST", "", `{"Phone":"+46701740605","MessageFormat":"<b>{0}</b>"}`), 200, "")
	var list []map[string]any
	a := r.do("GET", "/outbox.json", "")
	a.decode(t, &list)
	if len(list) != 2 {
		t.Fatalf("%s", a.body)
	}
	for i, kind := range []string{"email", "sms"} {
		for _, name := range []string{"kind", "to", "from", "subject", "text", "code", "at"} {
			if _, ok := list[i][name]; !ok {
				t.Errorf("%s has no %s", kind, name)
			}
		}
		if list[i]["kind"] != kind || list[i]["at"] != "2026-11-22T02:13:56.1234567Z" {
			t.Errorf("%v", list[i])
		}
	}
	a = r.do("GET", "/outbox", "")
	email, sms := list[0]["code"].(string), list[1]["code"].(string)
	if i, j := strings.Index(a.body, ">"+sms+"<"), strings.Index(a.body, ">"+email+"<"); i < 0 || j < i {
		t.Errorf("the page is not newest first: %d %d", i, j)
	}
	if strings.Contains(a.body, "<b>") {
		t.Error("the page does not escape")
	}

	o := &outbox{}
	for i := range maxOutbox + 5 {
		o.send(Message{Code: fmt.Sprint(i)})
	}
	if kept := o.list(); len(kept) != maxOutbox || kept[0].Code != "5" {
		t.Errorf("%d kept, first %q", len(kept), kept[0].Code)
	}
	if b, _ := json.Marshal((&outbox{}).list()); string(b) != "[]" {
		t.Errorf("an empty outbox is %s", b)
	}
}
