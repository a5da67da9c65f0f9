package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestControlRefusals(t *testing.T) {
	r := newRig(t, Config{})
	before := r.do("GET", "/control", "").body
	for _, tt := range []struct{ body, field string }{
		{`{"service":"smtp"}`, "service"},
		{`{"service":1}`, "service"},
		{`{"status":500}`, "service"},
		{`{"reset_faults":true}`, "service"},
		{`{"service":"atom","latency":"soon"}`, "latency"},
		{`{"service":"atom","latency":"-1s"}`, "latency"},
		{`{"service":"atom","latency":"11m"}`, "latency"},
		{`{"service":"atom","latency":200}`, "latency"},
		{`{"clock":"2m"}`, "service"},
		{`{"retry_after":"2s"}`, "service"},
		{`{"service":"ip1","retry_after":"-1s"}`, "retry_after"},
		{`{"service":"ip1","retry_after":"2h"}`, "retry_after"},
		{`{"service":"ip1","clock":"late"}`, "clock"},
		{`{"service":"ip1","clock":"-49h"}`, "clock"},
		{`{"service":"atom","status":99}`, "status"},
		{`{"service":"atom","status":600}`, "status"},
		{`{"service":"atom","status":"500"}`, "status"},
		{`{"service":"atom","body":"xml"}`, "body"},
		{`{"service":"atom","hang":"yes"}`, "hang"},
		{`{"service":"atom","error_rate":1.1}`, "error_rate"},
		{`{"service":"atom","lost_rate":-0.1}`, "lost_rate"},
		{`{"service":"portal","token_ttl":"0s"}`, "token_ttl"},
		{`{"service":"portal","token_ttl":"day"}`, "token_ttl"},
		{`{"service":"atom","customers":-1}`, "customers"},
		{`{"service":"atom","customers":1000001}`, "customers"},
		{`{"service":"atom","fault":true}`, "fault"},
		{`{"service":"atom","hang":true,"status":1}`, "status"},
		{`[]`, "request"}, {`null 1`, "request"}, {``, "request"}, {`{} {}`, "request"},
	} {
		a := r.do("POST", "/control", tt.body)
		var got struct{ Message string }
		a.decode(t, &got)
		if a.status != 400 || !strings.HasPrefix(got.Message, tt.field+": ") {
			t.Errorf("%s: %d %s", tt.body, a.status, a.body)
		}
	}
	if after := r.do("GET", "/control", "").body; after != before {
		t.Errorf("a refused change was applied: %s", after)
	}
}

func TestControlState(t *testing.T) {
	r := newRig(t, Config{})
	a := r.do("POST", "/control", `{"service":"portal","latency":"1ms","body":"html","lose_answer":true,"error_rate":0.02,"lost_rate":0.03,
		"refuse_credentials":true,"token_ttl":"1h","passcode_provisioning":false,"customers":12}`)
	r.wantStatus(a, 200, "")
	var got map[string]map[string]any
	a.decode(t, &got)
	p, at := got["portal"], got["atom"]
	if p["latency"] != "1ms" || p["body"] != "html" || p["lose_answer"] != true || p["error_rate"] != 0.02 || p["lost_rate"] != 0.03 ||
		p["refuse_credentials"] != true || p["token_ttl"] != "1h0m0s" || at["passcode_provisioning"] != false ||
		at["nopasscode_provisioning"] != true || at["customers"] != 12.0 || at["latency"] != "0s" || got["ip1"]["hang"] != false {
		t.Errorf("%s", a.body)
	}
	if r.do("GET", "/control", "").body != a.body {
		t.Error("GET shows another state than POST answered")
	}
	r.control(`{"service":"portal","reset_faults":true,"status":418}`)
	r.do("GET", "/control", "").decode(t, &got)
	if p := got["portal"]; p["latency"] != "0s" || p["status"] != 418.0 || p["token_ttl"] != "24h0m0s" || p["refuse_credentials"] != false ||
		got["atom"]["passcode_provisioning"] != false {
		t.Errorf("%v", got)
	}
}

// acting calls of each service, whose work shows in the outbox or the tokens.
var acting = map[string]func(*rig) answer{
	"portal": func(r *rig) answer {
		return r.do("POST", "/portal/customer/_rest/v4/authenticate", `{"username":"mia","password":"demo"}`, jsonHeaders...)
	},
	"atom": func(r *rig) answer { return r.app("GET", jonasPath+"/passcode", "") },
	"ip1":  func(r *rig) answer { return r.sms("POST", "", `{"Phone":"+46701740605"}`) },
}

// works counts what the acting calls have done.
func (r *rig) works(service string) int {
	if service != "portal" {
		return len(r.sb.Outbox())
	}
	r.sb.portal.mu.Lock()
	defer r.sb.portal.mu.Unlock()
	return len(r.sb.portal.tokens)
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, fault string
		status      int  // as the caller sees it, 0 for no answer
		works       bool // whether the work is done
		check       func(a answer) bool
	}{
		{"status", `"status":503`, 503, false, func(a answer) bool { return strings.Contains(a.body, "Service Unavailable") }},
		{"status below 400", `"status":204`, 204, false, func(a answer) bool { return a.body == "" }},
		{"status with html", `"status":500,"body":"html"`, 500, false, func(a answer) bool { return strings.Contains(a.body, "<html>") }},
		{"status with nothing", `"status":500,"body":"empty"`, 500, false, func(a answer) bool { return a.body == "" }},
		{"html", `"body":"html"`, 200, true, func(a answer) bool {
			return strings.Contains(a.body, "<html>") && strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
		}},
		{"empty", `"body":"empty"`, 200, true, func(a answer) bool { return a.body == "" && a.err == nil }},
		{"truncated", `"body":"truncated"`, 200, true, func(a answer) bool {
			return errors.Is(a.err, io.ErrUnexpectedEOF) && a.body != "" && !json.Valid([]byte(a.body))
		}},
		{"garbage", `"body":"garbage"`, 200, true, func(a answer) bool { return !json.Valid([]byte(a.body)) && a.body != "" }},
		{"other types", `"body":"types"`, 200, true, func(a answer) bool {
			var fields map[string][]any
			return json.Unmarshal([]byte(a.body), &fields) == nil && len(fields) > 0
		}},
		{"huge", `"body":"huge"`, 200, true, func(a answer) bool {
			return len(a.body) > 10<<20 && json.Valid([]byte(a.body)) && a.err == nil
		}},
		{"throttled", `"status":429,"retry_after":"1m30s"`, 429, false, func(a answer) bool { return a.header.Get("Retry-After") == "90" }},
		{"latency", `"latency":"30ms"`, 200, true, nil},
		{"reset", `"reset":true`, 0, false, func(a answer) bool { return errors.Is(a.err, syscall.ECONNRESET) }},
		{"lost", `"lose_answer":true`, 0, true, func(a answer) bool { return errors.Is(a.err, io.EOF) }},
		{"every call fails", `"error_rate":1`, 500, false, func(a answer) bool { return json.Valid([]byte(a.body)) }},
		{"every answer is lost", `"lost_rate":1`, 0, true, func(a answer) bool { return errors.Is(a.err, io.EOF) }},
	} {
		for service, act := range acting {
			t.Run(tt.name+" "+service, func(t *testing.T) {
				r := newRig(t, Config{})
				r.control(`{"service":"` + service + `",` + tt.fault + `}`)
				for other, act := range acting {
					if other != service {
						r.T = t
						r.wantStatus(act(r), 200, "") // a fault is one service's
					}
				}
				before := r.works(service)
				start := time.Now()
				a := act(r)
				if tt.name == "latency" && time.Since(start) < 30*time.Millisecond {
					t.Error("no latency")
				}
				if a.status != tt.status || tt.check != nil && !tt.check(a) {
					t.Errorf("%d %q %v", a.status, a.body, a.err)
				}
				if done := r.works(service) > before; done != tt.works {
					t.Errorf("work done: %v", done)
				}
				calls := r.sb.Journal()
				last := calls[len(calls)-1]
				if last.Service != service || last.Status != tt.status {
					t.Errorf("journal: %+v", last)
				}
				r.control(`{"service":"` + service + `","reset_faults":true}`)
				if a := act(r); a.status != 200 || a.err != nil {
					t.Errorf("after reset_faults: %d %v", a.status, a.err)
				}
			})
		}
	}
}

// A service whose clock is wrong dates its answers and its codes by it.
func TestAClockThatIsWrong(t *testing.T) {
	r := newRig(t, Config{})
	now := r.now
	r.control(`{"service":"ip1","clock":"-2m30s"}`)
	for service, want := range map[string]time.Time{"ip1": now.Add(-150 * time.Second), "atom": now, "portal": now} {
		if got := acting[service](r).header.Get("Date"); got != want.Format(http.TimeFormat) {
			t.Errorf("%s: %s", service, got)
		}
	}
	a := r.sms("GET", "", "")
	r.wantStatus(a, 200, `"Created":"2026-11-22T02:11:26.1234567`)
	r.wantStatus(a, 200, `"Expires":"2026-11-22T02:31:26.1234567`)
	r.control(`{"service":"ip1","reset_faults":true}`)
	if got := r.sms("GET", "", "").header.Get("Date"); got != now.Format(http.TimeFormat) {
		t.Errorf("after reset_faults: %s", got)
	}
}

func TestRefuseCredentials(t *testing.T) {
	r := newRig(t, Config{})
	own := r.issue(jonasPath + "/auth/nopasscode")
	for service, want := range map[string]struct {
		status int
		body   string
	}{
		"portal": {401, `{"code":401,"error":"Unauthorized"}`},
		"atom":   {403, `{"message":"Invalid token"}`},
		"ip1":    {401, `{"Message":"Authorization has been denied for this request."}`},
	} {
		r.control(`{"service":"` + service + `","refuse_credentials":true}`)
		if a := acting[service](r); a.status != want.status || a.body != want.body {
			t.Errorf("%s: %d %s", service, a.status, a.body)
		}
	}
	r.wantStatus(r.self("any", own.Key, own.Token), 403, msgInvalidToken)
}

func TestBrokenSignInHasNoLocation(t *testing.T) {
	r := newRig(t, Config{})
	for _, body := range []string{"html", "empty", "truncated", "garbage"} {
		r.control(`{"service":"atom","body":"` + body + `"}`)
		if a := r.app("GET", jonasPath+"/sso", ""); a.status != 200 || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %v", body, a.status, a.header)
		}
	}
	r.control(`{"service":"atom","body":"truncated"}`)
	if a := r.app("GET", "/customer/", ""); !errors.Is(a.err, io.ErrUnexpectedEOF) || !strings.HasPrefix(a.body, "[{") {
		t.Errorf("list: %v %.50s", a.err, a.body)
	}
}

// A list stays a list, of customers none of whose fields can be used; a sign-in link
// is whole, whatever comes after it.
func TestOddBodiesOfOtherAnswers(t *testing.T) {
	r := newRig(t, Config{Customers: 3})
	r.control(`{"service":"atom","body":"types"}`)
	var list []map[string][]any
	a := r.app("GET", "/customer/", "")
	if a.decode(t, &list); len(list) != 3 || len(list[0]["cuid"]) != 1 {
		t.Errorf("list: %d %.80s", a.status, a.body)
	}
	if a := r.app("GET", jonasPath+"/sso", ""); a.status != 200 || a.body != "[]" || a.header.Get("Location") != "" {
		t.Errorf("sign-in of another type: %d %.80s %v", a.status, a.body, a.header)
	}
	r.control(`{"service":"atom","body":"huge"}`)
	if a := r.app("GET", jonasPath+"/sso", ""); a.status != 302 || len(a.body) < 10<<20 || a.header.Get("Location") == "" {
		t.Errorf("huge sign-in: %d, %d bytes, %v", a.status, len(a.body), a.header)
	}
}

func TestHang(t *testing.T) {
	r := newRig(t, Config{})
	r.control(`{"service":"atom","hang":true}`)

	// Until the caller goes away …
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", r.url+"/atom"+jonasPath+"/passcode", nil)
	for _, h := range super {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	if _, err := newClient().Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v", err)
	}

	// … or until the fault is taken back.
	done := make(chan answer)
	go func() { done <- r.app("GET", jonasPath+"/passcode", "") }()
	for len(r.sb.Journal()) < 2 { // a hanging call is in the journal already
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	r.control(`{"service":"atom","reset_faults":true}`)
	select {
	case a := <-done:
		// A call that the fault never reached would have been answered.
		if a.err == nil {
			t.Errorf("a hanging call was answered: %d", a.status)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the call still hangs")
	}
	if n := len(r.sb.Outbox()); n != 0 {
		t.Errorf("%d e-mails were sent", n)
	}
	for _, c := range r.sb.Journal() {
		if c.Status != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// A service that is slow still does the work of a caller who has given up.
func TestLatencyOutlivesTheCaller(t *testing.T) {
	r := newRig(t, Config{})
	r.control(`{"service":"atom","latency":"10s"}`)
	c := newClient()
	c.Timeout = 50 * time.Millisecond
	if a := r.doWith(c, "GET", "/atom"+jonasPath+"/passcode", "", super...); a.err == nil {
		t.Fatal("answered in time")
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(r.sb.Outbox()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the work was not done")
		}
		time.Sleep(time.Millisecond)
	}
}

// net/http re-sends a GET on a reused connection that drops; the journal shows it.
func TestLostAnswerShowsReplays(t *testing.T) {
	r := newRig(t, Config{})
	c := &http.Client{}
	t.Cleanup(c.CloseIdleConnections)
	call := func() answer {
		req, _ := http.NewRequest("GET", r.url+"/atom"+jonasPath+"/passcode", nil)
		for _, h := range super {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
		res, err := c.Do(req)
		if err != nil {
			return answer{err: err}
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return answer{status: res.StatusCode}
	}
	r.wantStatus(call(), 200, "")
	r.control(`{"service":"atom","lose_answer":true}`)
	if a := call(); a.err == nil {
		t.Fatal("answered")
	}
	if n := len(r.sb.Journal()); n != 3 {
		t.Errorf("%d calls, want 3: one answered, one lost, and its replay", n)
	}
}

func TestRatesAreDeterministic(t *testing.T) {
	run := func() (pattern string) {
		r := newRig(t, Config{Customers: 10})
		r.control(`{"service":"ip1","error_rate":0.3,"lost_rate":0.2}`)
		for range 60 {
			switch a := r.sms("GET", "/settings", ""); a.status {
			case 200:
				pattern += "."
			case 500:
				pattern += "E"
			default:
				pattern += "L"
			}
		}
		return pattern
	}
	one, two := run(), run()
	if one != two {
		t.Errorf("two runs differ:\n%s\n%s", one, two)
	}
	if e, l := strings.Count(one, "E"), strings.Count(one, "L"); e < 8 || e > 30 || l < 3 || l > 25 {
		t.Errorf("%d errors and %d lost in %s", e, l, one)
	}
}

// A service that answers more than it is known for: in objects, and in the list of customers.
func TestAFieldMore(t *testing.T) {
	r := newRig(t, Config{Customers: 2})
	before := r.app("GET", "/customer/", "").body
	r.control(`{"service":"atom","extra_field":"loyaltyTier"}`)
	var list []map[string]any
	r.app("GET", "/customer/", "").decode(t, &list)
	if len(list) != 2 || list[0]["loyaltyTier"] != "more" || list[1]["loyaltyTier"] != "more" {
		t.Errorf("%v", list)
	}
	r.wantStatus(r.app("GET", "/customer/nobody%40example.com/sso", ""), 404, `"loyaltyTier":"more"}`)
	r.control(`{"service":"atom","reset_faults":true}`)
	if after := r.app("GET", "/customer/", "").body; after != before {
		t.Errorf("it stays: %s", after)
	}
	if a := r.do("POST", "/control", `{"extra_field":"x"}`); a.status != 400 {
		t.Errorf("of no service: %d %s", a.status, a.body)
	}
}
