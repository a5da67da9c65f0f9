package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"frontdesk/web/sandbox"
)

// The demo needs nothing: here it gets free ports and an empty folder.
func TestDemo(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	demo := func() *process {
		p := start(t, dir, env{"FRONTDESK_ADDR": addr, "FRONTDESK_BASE_URL": "http://" + addr, "FRONTDESK_SANDBOX_ADDR": freeAddr(t)}, "demo")
		eventually(t, "the demo is ready", func() bool { return status("http://"+addr+"/readyz") == http.StatusOK })
		return p
	}
	p := demo()
	if got := status("http://" + addr + "/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: status %d", got)
	}
	printed := p.stdout.String()
	for _, want := range []string{"http://" + addr, "alice", "mia", "victor", sandbox.Password, "/outbox"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not printed:\n%s", want, printed)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "data", "*.db")); len(found) != 1 {
		t.Errorf("databases under data: %q", found)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside data there is something else: %v, %v", left, err)
	}
	mia := visit(t, dashboard{p, "http://" + addr}, "mia")
	mia.customers()

	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("after SIGTERM: exit %d", code)
	}
	p = demo()
	mia.get("/customers") // the session outlived the restart
	p.keepsQuietAbout(t, secretIn(t, dir))
}

func secretIn(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "data", "demo.secret"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// As JSON the log has one object in each line, also for what is said before the start.
func TestLogAsJSON(t *testing.T) {
	s := startServices(t)
	d := startDashboard(t, s.against(t).with(env{"FRONTDESK_LOG_FORMAT": "json", "FRONTDESK_NOT_OURS": "x"}))
	visit(t, d, "alice").get("/customers")
	d.signal(t, syscall.SIGTERM)
	d.exit(t)
	said := map[string]bool{}
	for line := range strings.Lines(d.stderr.String()) {
		var entry struct{ Msg, Route, Variable string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		said[entry.Msg+entry.Route+entry.Variable] = true
	}
	for _, want := range []string{"requestGET /customers", "requestPOST /login"} {
		if !said[want] {
			t.Errorf("no line says %q: %v", want, said)
		}
	}
	if len(said) < 4 {
		t.Errorf("only %v is said", said)
	}
}

// What is in effect is printed, of configuration alone, and no secret (which
// startDashboard holds).
func TestStartUpPrint(t *testing.T) {
	s := startServices(t)
	e := s.against(t).with(env{"FRONTDESK_TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.7"})
	d := startDashboard(t, e)
	for _, want := range []string{
		e["FRONTDESK_BASE_URL"], e["FRONTDESK_DATABASE"], "customer " + s.URL + "/portal/customer", "atmosphere " + s.URL + "/portal/atmosphere",
		s.URL + "/atom", s.URL + "/ip1", "10.0.0.0/8", "192.0.2.7",
	} {
		eventually(t, want+" is printed", func() bool { return strings.Contains(d.stdout.String(), want) })
	}
	check := start(t, t.TempDir(), env{"FRONTDESK_ADDR": e["FRONTDESK_ADDR"]}, "healthcheck")
	if code := check.exit(t); code != 0 {
		t.Errorf("healthcheck of a running dashboard: exit %d", code)
	}
}

func TestSecondInstance(t *testing.T) {
	s := startServices(t)
	e := s.against(t)
	first := startDashboard(t, e)
	second := start(t, t.TempDir(), e, "serve")
	if code := second.exit(t); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	if text := second.stderr.String(); !strings.Contains(text, e["FRONTDESK_ADDR"]) || strings.Contains(text, "goroutine") {
		t.Errorf("it said:\n%s", text)
	}
	if second.stdout.String() != "" {
		t.Errorf("it announced itself:\n%s", second.stdout.String())
	}
	visit(t, first, "alice").get("/audit")
}

// theCreate is the call that makes a customer, in the sandbox's journal.
const theCreate = `^POST /atom/customer`

// newCustomer is a form for POST /customers.
func newCustomer(v *visitor, company, email string) url.Values {
	return url.Values{"receipt": {v.receipt("/customers/new", "/customers")}, "company": {company}, "email": {email}}
}

// entry holds that the log has an act with this outcome on that subject.
func (v *visitor) entry(what, outcome, on string) {
	v.t.Helper()
	body := v.get("/audit?" + url.Values{"what": {what}, "outcome": {outcome}}.Encode()).body
	if !strings.Contains(body, on) {
		text := regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>|\s+`).ReplaceAllString(body, " ")
		v.t.Errorf("the log has no %q on %q with the outcome %q:\n%s", what, on, outcome, text)
	}
}

func TestStopFinishesActsUnderWay(t *testing.T) {
	s := startServices(t)
	e := s.against(t)
	d := startDashboard(t, e)
	hire(t, d)
	mia := visit(t, d, "mia")
	customer := mia.customers()[0]
	create := newCustomer(mia, "Slow But Sure Ltd", "slow@sure.example")
	sso := url.Values{"receipt": {mia.receipt(customer, customer+"/sso")}, "reason": {"ticket 4711"}}

	s.control(t, `{"service": "atom", "latency": "1s"}`)
	created, opened := make(chan answer, 1), make(chan answer, 1)
	go func() { created <- mia.post("/customers", create) }()
	go func() { opened <- mia.post(customer+"/sso", sso) }()
	eventually(t, "both calls reached ATOM", func() bool { return s.calls(t, theCreate) == 1 && s.calls(t, `^GET /atom/.*/sso$`) == 1 })
	d.signal(t, syscall.SIGTERM)
	eventually(t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", e["FRONTDESK_ADDR"])
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if len(created) > 0 || len(opened) > 0 {
		t.Error("the acts were over before the stop began: the test proves nothing")
	}
	made, open := <-created, <-opened
	if made.err != nil || made.status != http.StatusSeeOther || !strings.Contains(made.location, "/answers/") {
		t.Errorf("the create under way: %+v", made)
	}
	if open.err != nil || open.status != http.StatusSeeOther || !strings.HasPrefix(open.location, s.URL+"/platform") {
		t.Errorf("the SSO under way: status %d to %q, %v", open.status, open.location, open.err)
	}
	if code := d.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	d.keepsQuietAbout(t, strings.TrimPrefix(open.location, s.URL))

	s.control(t, `{"service": "atom", "reset_faults": true}`)
	startDashboard(t, e)
	mia.entry("create customer", "done", "Slow But Sure Ltd")
	mia.entry("open as customer", "done", "ticket 4711")
	if body := mia.get(made.location).body; !strings.Contains(body, `id="key"`) {
		t.Error("after the restart the answer to the create no longer shows the key to the session that asked")
	}
	// The same form again, as after a browser's "reload": the answer, not the act.
	if again := mia.post("/customers", create); again.location != made.location {
		t.Errorf("the form posted again leads to %q, want %q", again.location, made.location)
	}
	if n := s.calls(t, theCreate); n != 1 {
		t.Errorf("ATOM was asked %d times to create the customer", n)
	}
}

func TestKillLeavesTheOutcomeUnknown(t *testing.T) {
	s := startServices(t)
	e := s.against(t)
	d := startDashboard(t, e)
	hire(t, d)
	mia := visit(t, d, "mia")
	mia.customers()
	form := newCustomer(mia, "Neither Here Nor There", "where@nowhere.example")
	s.control(t, `{"service": "atom", "hang": true}`)
	cut := make(chan answer, 1)
	go func() { cut <- mia.post("/customers", form) }()
	eventually(t, "the create reached ATOM", func() bool { return s.calls(t, theCreate) == 1 })
	d.signal(t, syscall.SIGKILL)
	d.exit(t)
	if got := <-cut; got.err == nil {
		t.Fatalf("the create was answered: %+v", got)
	}

	startDashboard(t, e)
	mia.entry("create customer", "unknown", "Neither Here Nor There")
	if body := mia.get("/").body; !strings.Contains(body, "Neither Here Nor There") {
		t.Error("home does not show the unknown create among what needs attention")
	}
	// The form again repeats what is known, and sends nothing.
	if again := mia.post("/customers", form); again.status != http.StatusGatewayTimeout && again.status != http.StatusBadGateway {
		t.Errorf("the form posted again: status %d", again.status)
	}
	if n := s.calls(t, theCreate); n != 1 {
		t.Errorf("ATOM was asked %d times to create the customer", n)
	}
}
