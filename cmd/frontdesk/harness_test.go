package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/pgtest"
	"frontdesk/web/sandbox"
)

// patience bounds every wait of these tests; what is waited for comes in
// milliseconds unless it is broken.
const patience = 20 * time.Second

// binary is the program as it ships, built once for all tests of this package, or
// the one that FRONTDESK_BINARY names.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if binary = os.Getenv("FRONTDESK_BINARY"); binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "frontdesk-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "frontdesk")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary under test: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// newDatabases are addresses of new, empty databases, by what keeps them: each a file's
// path or a server's address, as FRONTDESK_DATABASE has it.
func newDatabases(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"SQLite": filepath.Join(t.TempDir(), "frontdesk.db"), "PostgreSQL": pgtest.Empty(t)}
}

// rawDatabase is a database past frontdesk, until the test's end.
func rawDatabase(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, name := "sqlite", address+"?_pragma=busy_timeout(5000)"
	if store.IsPostgres(address) {
		driver, name = "postgres", address
	}
	raw, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// eventually waits until done says so.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// output collects what a program prints, while it prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// env is a program's environment.
type env map[string]string

func (e env) with(more env) env {
	all := env{}
	for _, m := range []env{e, more} {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

func (e env) without(names ...string) env {
	all := e.with(nil)
	for _, name := range names {
		delete(all, name)
	}
	return all
}

func (e env) list() []string {
	var pairs []string
	for name, value := range e {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

// secrets are the values that must never be printed.
func (e env) secrets() []string {
	var all []string
	for name, value := range e {
		if regexp.MustCompile(`_(SECRET|SECRET_OLD|SUPERKEY|SUPERTOKEN|KEY|TOKEN)$`).MatchString(name) && strings.TrimSpace(value) != "" {
			all = append(all, value)
		}
	}
	return all
}

// process is the real binary, running.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan struct{}
	killed         bool // by the test: what it printed tells nothing
}

// start runs the binary in dir with nothing but e in its environment. It is
// killed at the test's end.
func start(t testing.TB, dir string, e env, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, e.list()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() && !p.killed {
			t.Logf("%s %s printed:\n%s%s", filepath.Base(binary), strings.Join(args, " "), p.stdout.String(), tail(p.stderr.String(), 60))
		}
	})
	return p
}

func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill gives the process no chance to do anything more.
func (p *process) kill(t testing.TB) {
	t.Helper()
	p.killed = true
	p.signal(t, syscall.SIGKILL)
	p.exit(t)
}

// exit waits for the end and returns the exit code.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience + graceful):
		t.Fatal("the process does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// services is a sandbox in its own process.
type services struct{ URL string }

func startServices(t testing.TB) services {
	t.Helper()
	addr := freeAddr(t)
	start(t, t.TempDir(), env{"FRONTDESK_SANDBOX_ADDR": addr}, "sandbox")
	s := services{"http://" + addr}
	eventually(t, "the sandbox answers", func() bool { return status(s.URL+"/control") == http.StatusOK })
	return s
}

// control sets faults.
func (s services) control(t testing.TB, change string) {
	t.Helper()
	res, err := http.Post(s.URL+"/control", "application/json", strings.NewReader(change))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("control %s: status %d", change, res.StatusCode)
	}
}

// calls are the calls received whose method and path match.
func (s services) calls(t *testing.T, pattern string) (n int) {
	t.Helper()
	var all []sandbox.Call
	getJSON(t, s.URL+"/journal", &all)
	for _, c := range all {
		if regexp.MustCompile(pattern).MatchString(c.Method + " " + c.Path) {
			n++
		}
	}
	return n
}

// code is the one in the newest message of a kind, "email" or "sms", whose
// address ends so.
func (s services) code(t *testing.T, kind, to string) string {
	t.Helper()
	var all []sandbox.Message
	getJSON(t, s.URL+"/outbox.json", &all)
	for _, m := range slices.Backward(all) {
		if m.Kind == kind && strings.HasSuffix(m.To, to) {
			return m.Code
		}
	}
	t.Fatalf("no %s to %s in the outbox: %+v", kind, to, all)
	return ""
}

func getJSON(t *testing.T, address string, v any) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// status of a GET; 0 when nobody answers.
func status(address string) int {
	res, err := http.Get(address)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// against is the configuration of a dashboard that works with s.
func (s services) against(t testing.TB) env {
	t.Helper()
	addr := freeAddr(t)
	return env{
		"FRONTDESK_ADDR":                  addr,
		"FRONTDESK_BASE_URL":              "http://" + addr,
		"FRONTDESK_DATABASE":              filepath.Join(t.TempDir(), "frontdesk.db"),
		"FRONTDESK_SECRET":                "a-secret-of-the-tests-with-over-32-bytes",
		"FRONTDESK_ADMINS":                "customer:alice",
		"FRONTDESK_PORTAL_CUSTOMER_URL":   s.URL + "/portal/customer",
		"FRONTDESK_PORTAL_ATMOSPHERE_URL": s.URL + "/portal/atmosphere",
		"FRONTDESK_ATOM_URL":              s.URL + "/atom",
		"FRONTDESK_ATOM_SUPERKEY":         "sandbox-superkey",
		"FRONTDESK_ATOM_SUPERTOKEN":       "sandbox-supertoken",
		"FRONTDESK_IP1_URL":               s.URL + "/ip1",
		"FRONTDESK_IP1_ACCOUNT":           "ip1-00000",
		"FRONTDESK_IP1_KEY":               "sandbox-key",
	}
}

// dashboard is `frontdesk serve` in its own process.
type dashboard struct {
	*process
	URL string
}

// startDashboard runs the dashboard, configured by e alone, until the test's
// end; what it prints must hold no secret.
func startDashboard(t testing.TB, e env) dashboard {
	t.Helper()
	d := dashboard{start(t, t.TempDir(), e, "serve"), e["FRONTDESK_BASE_URL"]}
	t.Cleanup(func() { d.keepsQuietAbout(t, e.secrets()...) })
	eventually(t, "the dashboard is ready", func() bool {
		select {
		case <-d.done:
			t.Fatalf("the dashboard ended at once:\n%s", d.stderr.String())
		default:
		}
		return status("http://"+e["FRONTDESK_ADDR"]+"/readyz") == http.StatusOK // its own: there may be others at its URL
	})
	return d
}

// keepsQuietAbout holds that none of these was printed.
func (p *process) keepsQuietAbout(t testing.TB, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if printed := p.stdout.String() + p.stderr.String(); strings.Contains(printed, secret) {
			t.Errorf("%s printed the secret %q:\n%s", strings.Join(p.cmd.Args[1:], " "), secret, printed)
		}
	}
}

// visitor is a browser without a screen: cookies, forms, no scripts. Redirects
// are not followed.
type visitor struct {
	t    *testing.T
	base string
	http http.Client
}

func visit(t *testing.T, d dashboard, username string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, base: d.URL, http: http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	v.signIn(username)
	return v
}

// signIn signs in with the cookies that there are.
func (v *visitor) signIn(username string) {
	v.t.Helper()
	if got := v.post("/login", url.Values{"portal": {"customer"}, "username": {username}, "password": {sandbox.Password}}); got.status != http.StatusSeeOther {
		v.t.Fatalf("%s could not sign in: status %d", username, got.status)
	}
}

// answer is what a visitor sees; err is set when the connection broke.
type answer struct {
	status         int
	location, body string
	err            error
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	a := v.do(http.MethodGet, path, nil)
	if a.err != nil || a.status != http.StatusOK {
		v.t.Fatalf("GET %s: status %d, %v", path, a.status, a.err)
	}
	return a
}

func (v *visitor) post(path string, form url.Values) answer { return v.do(http.MethodPost, path, form) }

func (v *visitor) do(method, path string, form url.Values) answer {
	req, err := http.NewRequest(method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Location"), string(body), err}
}

// receipt is the one-time mark of the form on page that posts to action.
func (v *visitor) receipt(page, action string) string {
	v.t.Helper()
	_, form, ok := strings.Cut(v.get(page).body, `action="`+html.EscapeString(action)+`"`)
	found := regexp.MustCompile(`name="receipt" value="([^"]+)"`).FindStringSubmatch(form)
	if !ok || found == nil {
		v.t.Fatalf("%s has no form with a receipt for %s", page, action)
	}
	return html.UnescapeString(found[1])
}

// customers are the paths of customers' pages, once the mirror is filled.
func (v *visitor) customers() (paths []string) {
	v.t.Helper()
	eventually(v.t, "the mirror is filled", func() bool {
		for _, found := range regexp.MustCompile(`href="(/customers/c[^"/?]+)"`).FindAllStringSubmatch(v.get("/customers").body, -1) {
			paths = append(paths, html.UnescapeString(found[1]))
		}
		return len(paths) > 0
	})
	return paths
}

// hire adds mia and victor to the staff with alice's hand.
func hire(t *testing.T, d dashboard) {
	t.Helper()
	alice := visit(t, d, "alice")
	for username, role := range map[string]string{"mia": "manager", "victor": "viewer"} {
		form := url.Values{"portal": {"customer"}, "username": {username}, "name": {personName(username)}, "role": {role}}
		if got := alice.post("/staff", form); got.status != http.StatusSeeOther {
			t.Fatalf("add %s to the staff: status %d", username, got.status)
		}
	}
}

func personName(username string) string {
	for _, p := range sandbox.People() {
		if p.Username == username {
			return p.Name
		}
	}
	return username
}
