package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// good is a configuration without a fault, of a dashboard whose services
// nobody answers for.
func good(t *testing.T) env {
	t.Helper()
	return env{
		"FRONTDESK_ADDR":                "127.0.0.1:0",
		"FRONTDESK_DATABASE":            "frontdesk.db",
		"FRONTDESK_SECRET":              "quince-secret-which-has-over-32-bytes",
		"FRONTDESK_ADMINS":              "customer:alice",
		"FRONTDESK_PORTAL_CUSTOMER_URL": "http://127.0.0.1:1",
		"FRONTDESK_ATOM_URL":            "http://127.0.0.1:1/atom",
		"FRONTDESK_ATOM_SUPERKEY":       "quince-superkey",
		"FRONTDESK_ATOM_SUPERTOKEN":     "quince-supertoken",
	}
}

// ran is how a run of the program ended.
type ran struct {
	code           int
	stdout, stderr string
}

// try runs the program in an empty folder that it must leave empty, within this
// process; what it prints must hold no secret.
func try(t *testing.T, e env, args ...string) ran {
	t.Helper()
	t.Chdir(t.TempDir())
	got := tryHere(t, e, args...)
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("it left files behind: %v, %v", left, err)
	}
	return got
}

func tryHere(t *testing.T, e env, args ...string) ran {
	t.Helper()
	var stdout, stderr output
	code := run(t.Context(), args, e.list(), &stdout, &stderr)
	got := ran{code, stdout.String(), stderr.String()}
	got.keepsSecrets(t, e)
	return got
}

func (r ran) keepsSecrets(t *testing.T, e env) {
	t.Helper()
	for _, secret := range e.secrets() {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("the secret %q was printed:\n%s%s", secret, r.stdout, r.stderr)
		}
	}
}

// serveOnce starts the dashboard in this process, waits until it says what is
// in effect, and stops it.
func serveOnce(t *testing.T, e env, args ...string) ran {
	t.Helper()
	var stdout, stderr output
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"serve"}, args...), e.list(), &stdout, &stderr) }()
	eventually(t, "the dashboard started or ended", func() bool {
		return len(code) > 0 || strings.Contains(stdout.String(), "\n  proxies ")
	})
	stop()
	got := ran{<-code, stdout.String(), stderr.String()}
	got.keepsSecrets(t, e)
	return got
}

// problems are the variables that the one message complains of.
func (r ran) problems() []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ((?:FRONTDESK|OTEL)_[A-Z0-9_]+): `).FindAllStringSubmatch(r.stderr, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestEveryProblemInOneMessage(t *testing.T) {
	got := try(t, env{
		"FRONTDESK_ADDR": "eighty", "FRONTDESK_REASON": "sometimes", "FRONTDESK_SECRET": "too-short", "FRONTDESK_TIMEOUT_ACT": "soon",
		"FRONTDESK_TRUSTED_PROXIES": "10.0.0.0/8,everybody", "FRONTDESK_IP1_ACCOUNT": "ip1-12345",
	}, "serve")
	want := []string{
		"FRONTDESK_ADDR", "FRONTDESK_ADMINS", "FRONTDESK_ATOM_SUPERKEY", "FRONTDESK_ATOM_SUPERTOKEN", "FRONTDESK_ATOM_URL", "FRONTDESK_IP1_KEY",
		"FRONTDESK_REASON", "FRONTDESK_SECRET", "FRONTDESK_TIMEOUT_ACT", "FRONTDESK_TRUSTED_PROXIES",
	}
	if got.code != 2 || !slices.Equal(got.problems(), want) {
		t.Errorf("code %d, problems %q, want 2 and %q", got.code, got.problems(), want)
	}
	if strings.Count(got.stderr, "frontdesk:") != 1 || !strings.Contains(got.stderr, "10 problems") {
		t.Errorf("not one message:\n%s", got.stderr)
	}
	if got.stdout != "" {
		t.Errorf("it printed %q although it did not start", got.stdout)
	}
}

// Each variable is also a flag, and the flag wins.
func TestVariablesAndFlags(t *testing.T) {
	for _, tt := range []struct{ flag, bad, good string }{
		{"addr", "8080", "127.0.0.1:0"},
		{"addr", ":notaport", ":8080"},
		{"base-url", "localhost:8080", "https://desk.example.com"},
		{"base-url", "https://desk.example.com/under/here", "https://desk.example.com/"},
		{"base-url", "https://desk.example.com/?a=b", "http://localhost:8080"},
		{"base-url", "https://b\u200fücher.example", "https://bücher.example"},
		{"database", "postgres://frontdesk@db:port/frontdesk", "other.db"},
		{"database", "mysql://frontdesk@db/frontdesk", "postgres://frontdesk:quince@db/frontdesk"},
		{"secret", "short-quince", "another-secret-which-has-over-32-bytes"},
		{"secret-old", "short-quince", "a-former-secret-which-has-over-32-bytes"},
		{"admins", "alice", "customer:alice, Atmosphere:bob"},
		{"admins", "messaging:alice", "atmosphere:alice"},
		{"admins", "customer:", "customer:alice"},
		{"portals", "fax", "messaging, customer"},
		{"portals", ",", "customer"},
		{"portal-customer-url", "ftp://portal.example.com", "https://portal.example.com"},
		{"portal-atmosphere-url", "portal.example.com", "https://portal.example.com"},
		{"portal-messaging-url", "https://portal.example.com/#top", "https://portal.example.com/api/v1"},
		{"atom-url", "atom.example.com", "https://atom.example.com/"},
		{"atom-url", "https://somebody:pear@atom.example.com", "https://atom.example.com"},
		{"ip1-url", "https://", "https://ip1.example.com"},
		{"sms-countries", "SE,Sweden", "se, NO,gb"},
		{"sms-countries", "UK", "GB"},
		{"sms-countries", "SE,XX", ""},
		{"sms-per-staff", "many", "50"},
		{"sms-per-staff", "-1", "0"},
		{"sms-per-number", "1.5", "3"},
		{"sms-per-number", "100001", "100000"},
		{"sms-cooldown", "soon", "0"},
		{"sms-cooldown", "-1s", "2m"},
		{"sms-cooldown", "25h", "24h"},
		{"sso-hosts", "*", "*.atom.works,ads.example.com:8443"},
		{"sso-hosts", "https://atom.works", ""},
		{"timeout-connect", "5", "5s"},
		{"timeout-act", "-1s", "1m"},
		{"timeout-list", "0s", "2m30s"},
		{"sync-interval", "often", "10m"},
		{"idle-timeout", "0", "8h"},
		{"trusted-proxies", "10.0.0.0/33", "10.0.0.0/8, 192.0.2.7,2001:db8::/32"},
		{"log-format", "xml", "json"},
		{"metrics-addr", "metrics", "127.0.0.1:0"},
		{"audit-file", "nowhere/audit.jsonl", "audit.jsonl"},
		{"audit-file", ".", "-"},
		{"audit-file", "./frontdesk.db", "frontdesk.jsonl"},
		{"audit-webhook-url", "http://siem.example.com/in", "https://siem.example.com/in?token=x"},
		{"audit-webhook-url", "siem.example.com", "http://127.0.0.1:9000/"},
		{"audit-webhook-url", "https://somebody:pear@siem.example.com", "https://siem.example.com"},
	} {
		name := variable(tt.flag)
		t.Run(tt.flag+"="+tt.bad, func(t *testing.T) {
			// One fault of another kind keeps every one of these from starting.
			e := good(t).with(env{"FRONTDESK_REASON": "sometimes"})
			complains := func(how string, want bool, got ran) {
				t.Helper()
				if got.code != 2 || !slices.Contains(got.problems(), "FRONTDESK_REASON") {
					t.Fatalf("%s: code %d:\n%s", how, got.code, got.stderr)
				}
				if slices.Contains(got.problems(), name) != want {
					t.Errorf("%s: complains of %q, want %s among them: %t", how, got.problems(), name, want)
				}
				if strings.Contains(got.stderr, "pear") || strings.Contains(got.stderr, "short-quince") {
					t.Errorf("%s: a secret was printed:\n%s", how, got.stderr)
				}
			}
			complains("a bad variable", true, try(t, e.with(env{name: tt.bad}), "serve"))
			complains("a bad flag", true, try(t, e.with(env{name: tt.good}), "serve", "--"+tt.flag+"="+tt.bad))
			complains("a good variable", false, try(t, e.with(env{name: tt.good}), "serve"))
			complains("a good flag", false, try(t, e.with(env{name: tt.bad}), "serve", "--"+tt.flag+"="+tt.good))
		})
	}
}

// Browsers send the names of hosts in ASCII.
func TestBaseURLConfigIsAsBrowsersSendIt(t *testing.T) {
	for given, want := range map[string]string{
		"https://bücher.example": "https://xn--bcher-kva.example", "https://BÜCHER.example:8443/": "https://xn--bcher-kva.example:8443",
		"https://desk.faß.example": "https://desk.xn--fa-hia.example", "https://例え.テスト": "https://xn--r8jz45g.xn--zckzah",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example", "http://my_desk:8080": "http://my_desk:8080", "http://[::1]:8080": "http://[::1]:8080",
	} {
		k := &checker{}
		if got := k.baseURL(given); got.String() != want || len(k.problems) > 0 {
			t.Errorf("%s is read as %s, %v; want %s", given, got, k.problems, want)
		}
	}
}

func TestReason(t *testing.T) {
	if got := try(t, good(t).with(env{"FRONTDESK_REASON": "Required!"}), "serve"); got.code != 2 || !slices.Equal(got.problems(), []string{"FRONTDESK_REASON"}) {
		t.Errorf("code %d:\n%s", got.code, got.stderr)
	}
}

func TestRequired(t *testing.T) {
	for _, name := range []string{"FRONTDESK_SECRET", "FRONTDESK_ADMINS", "FRONTDESK_ATOM_URL", "FRONTDESK_ATOM_SUPERKEY", "FRONTDESK_ATOM_SUPERTOKEN"} {
		for how, e := range map[string]env{"unset": good(t).without(name), "blank": good(t).with(env{name: " "})} {
			got := try(t, e, "serve")
			if got.code != 2 || !slices.Equal(got.problems(), []string{name}) || !strings.Contains(got.stderr, "required") {
				t.Errorf("%s %s: code %d:\n%s", name, how, got.code, got.stderr)
			}
		}
	}
}

func TestIP1Credentials(t *testing.T) {
	for _, tt := range []struct {
		name, problem string
		give          env
	}{
		{"account alone", "FRONTDESK_IP1_KEY", env{"FRONTDESK_IP1_ACCOUNT": "ip1-12345"}},
		{"key alone", "FRONTDESK_IP1_ACCOUNT", env{"FRONTDESK_IP1_KEY": "quince-key"}},
		{"both kinds", "FRONTDESK_IP1_TOKEN", env{"FRONTDESK_IP1_ACCOUNT": "ip1-12345", "FRONTDESK_IP1_KEY": "quince-key", "FRONTDESK_IP1_TOKEN": "quince-token"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := try(t, good(t).with(tt.give), "serve"); got.code != 2 || !slices.Equal(got.problems(), []string{tt.problem}) {
				t.Errorf("code %d:\n%s", got.code, got.stderr)
			}
		})
	}
}

// An address and what its posts are signed with come together.
func TestAuditWebhook(t *testing.T) {
	const url, secret = "FRONTDESK_AUDIT_WEBHOOK_URL", "FRONTDESK_AUDIT_WEBHOOK_SECRET"
	const address, long = "https://siem.example.com/quince-path?token=quince-token", "quince-webhook-secret-which-is-long"
	for _, tt := range []struct {
		name, problem string
		give          env
	}{
		{"address alone", secret, env{url: address}},
		{"secret alone", url, env{secret: long}},
		{"a short secret", secret, env{url: address, secret: "quince-short"}},
		{"a short secret in base64", secret, env{url: address, secret: "whsec_cXVpbmNlLXNob3J0"}},
		{"a secret that is not base64", secret, env{url: address, secret: "whsec_quince quince quince quince"}},
		{"a bad address", url, env{url: "http://siem.example.com/quince-path", secret: long}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := try(t, good(t).with(tt.give), "serve")
			if got.code != 2 || !slices.Equal(got.problems(), []string{tt.problem}) {
				t.Errorf("code %d:\n%s", got.code, got.stderr)
			}
			if strings.Contains(got.stderr, "quince") {
				t.Errorf("a secret was printed:\n%s", got.stderr)
			}
		})
	}
	t.Chdir(t.TempDir())
	got := serveOnce(t, good(t).with(env{url: address, secret: "whsec_cXVpbmNlLXNlY3JldC1vZi0yNC1ieXRlcw=="}))
	if got.code != 0 || !strings.Contains(got.stdout, "webhook siem.example.com\n") || strings.Contains(got.stdout+got.stderr, "quince-") {
		t.Errorf("code %d:\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// What is streamed is the log from its first entry; on standard output there is
// nothing else then.
func TestAuditStreams(t *testing.T) {
	t.Chdir(t.TempDir())
	got := serveOnce(t, good(t).with(env{"FRONTDESK_AUDIT_FILE": "audit.jsonl"}))
	if got.code != 0 || !strings.Contains(got.stdout, "file audit.jsonl\n") {
		t.Errorf("code %d:\n%s%s", got.code, got.stdout, got.stderr)
	}
	serve := func(flag string, lines func(stdout string) string) (stdout, stderr string) {
		t.Helper()
		var out, err output
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		code := make(chan int, 1)
		go func() { code <- run(ctx, []string{"serve", "--audit-file", flag}, good(t).list(), &out, &err) }()
		eventually(t, "the log was streamed", func() bool { return len(code) > 0 || strings.Count(lines(out.String()), `"what":"start"`) >= 2 })
		stop()
		if got := <-code; got != 0 {
			t.Fatalf("code %d:\n%s", got, err.String())
		}
		return out.String(), err.String()
	}
	serve("audit.jsonl", func(string) string {
		b, _ := os.ReadFile("audit.jsonl") // is not there at first
		return string(b)
	})
	file, err := os.ReadFile("audit.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	// A file and standard output share their mark: begin again.
	if err := os.Remove("frontdesk.db"); err != nil {
		t.Fatal(err)
	}
	if got := serveOnce(t, good(t)); got.code != 0 {
		t.Fatalf("code %d:\n%s", got.code, got.stderr)
	}
	stdout, stderr := serve("-", func(stdout string) string { return stdout })
	for from, text := range map[string]string{"file": string(file), "standard output": stdout} {
		if !strings.HasPrefix(text, `{"id":1,`) {
			t.Errorf("the %s begins %.100q", from, text)
		}
		for line := range strings.Lines(text) {
			if _, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
				t.Errorf("in the %s: %v: %q", from, err, line)
			}
		}
	}
	if !strings.Contains(stderr, "standard output") || !strings.Contains(stderr, "\n  proxies ") {
		t.Errorf("what is in effect is not said:\n%s", stderr)
	}
}

// secretFlags are those that may also come from a file.
var secretFlags = []string{"secret", "secret-old", "atom-superkey", "atom-supertoken", "ip1-key", "ip1-token", "audit-webhook-secret"}

func TestSecretsFromFiles(t *testing.T) {
	const value = "filed-secret-which-has-over-32-bytes"
	write := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, flag := range secretFlags {
		name := variable(flag)
		t.Run(flag, func(t *testing.T) {
			base := good(t).without(name)
			if flag == "ip1-key" {
				base["FRONTDESK_IP1_ACCOUNT"] = "ip1-12345"
			}
			if flag == "audit-webhook-secret" {
				base["FRONTDESK_AUDIT_WEBHOOK_URL"] = "http://127.0.0.1:1/"
			}
			for how, tt := range map[string]struct {
				e    env
				args []string
				want string
			}{
				"both":       {base.with(env{name: "quince-twice-which-has-over-32-bytes", name + "_FILE": write(t, value)}), nil, name},
				"missing":    {base.with(env{name + "_FILE": "/nowhere/at/all"}), nil, name + "_FILE"},
				"empty":      {base.with(env{name + "_FILE": write(t, "\n")}), nil, name + "_FILE"},
				"empty flag": {base, []string{"--" + flag + "-file=" + write(t, "")}, name + "_FILE"},
			} {
				got := try(t, tt.e, append([]string{"serve"}, tt.args...)...)
				if got.code != 2 || !slices.Contains(got.problems(), tt.want) {
					t.Errorf("%s: code %d:\n%s", how, got.code, got.stderr)
				}
				if strings.Contains(got.stderr, "filed-secret") || strings.Contains(got.stderr, "quince-twice") {
					t.Errorf("%s: the secret was printed:\n%s", how, got.stderr)
				}
			}
			t.Chdir(t.TempDir())
			if got := serveOnce(t, base.with(env{name + "_FILE": write(t, value+"\n")})); got.code != 0 {
				t.Errorf("from a file: code %d:\n%s", got.code, got.stderr)
			} else if strings.Contains(got.stdout+got.stderr, "filed-secret") {
				t.Errorf("from a file: the secret was printed:\n%s%s", got.stdout, got.stderr)
			}
		})
	}
}

// One trailing newline is not part of the secret; a second one is.
func TestOneTrailingNewlineIsDropped(t *testing.T) {
	t.Chdir(t.TempDir())
	secret := good(t)["FRONTDESK_SECRET"]
	if got := serveOnce(t, good(t)); got.code != 0 {
		t.Fatalf("code %d:\n%s", got.code, got.stderr)
	}
	for text, want := range map[string]int{secret: 0, secret + "\n": 0, secret + "\n\n": 2, secret + " ": 2} {
		if err := os.WriteFile("secret", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := serveOnce(t, good(t).without("FRONTDESK_SECRET").with(env{"FRONTDESK_SECRET_FILE": "secret"}))
		if got.code != want {
			t.Errorf("the file %q: code %d, want %d:\n%s", text, got.code, want, got.stderr)
		}
	}
}

// The demo and the sandbox take their secrets from files as well.
func TestSandboxSecretsFromFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("filed-secret-which-has-over-32-bytes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"secret", "atom-superkey", "atom-supertoken", "ip1-key", "ip1-token"} {
		t.Run("demo "+flag, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var stdout, stderr output
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			code := make(chan int, 1)
			e := env{"FRONTDESK_ADDR": "127.0.0.1:0", "FRONTDESK_SANDBOX_ADDR": freeAddr(t), variable(flag) + "_FILE": file}
			go func() { code <- run(ctx, []string{"demo"}, e.list(), &stdout, &stderr) }()
			eventually(t, "the demo started or ended", func() bool { return len(code) > 0 || strings.Contains(stdout.String(), "\n  proxies ") })
			stop()
			if got := <-code; got != 0 {
				t.Errorf("code %d:\n%s", got, stderr.String())
			}
		})
	}
	for _, flag := range []string{"atom-superkey", "atom-supertoken", "ip1-key", "ip1-token"} {
		t.Run("sandbox "+flag, func(t *testing.T) {
			var stdout, stderr output
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			code := make(chan int, 1)
			e := env{"FRONTDESK_SANDBOX_ADDR": "127.0.0.1:0", variable(flag) + "_FILE": "/nowhere/at/all"}
			go func() { code <- run(ctx, []string{"sandbox"}, e.list(), &stdout, &stderr) }()
			eventually(t, "the sandbox started or ended", func() bool { return len(code) > 0 || strings.Contains(stdout.String(), "/outbox") })
			stop()
			if got := <-code; got != 2 {
				t.Errorf("a secret file that cannot be read: code %d, want 2; the variable is taken for known and then ignored", got)
			}
		})
	}
}

// The demo's passwords are public: started in a production environment it must
// reach neither the real services nor the real database.
func TestDemoLeavesRealAddressesAside(t *testing.T) {
	t.Chdir(t.TempDir())
	real := map[string]string{
		"FRONTDESK_DATABASE": "real.db", "FRONTDESK_ATOM_URL": "http://127.0.0.1:1/real-atom", "FRONTDESK_IP1_URL": "http://127.0.0.1:1/real-ip1",
		"FRONTDESK_PORTAL_CUSTOMER_URL": "http://127.0.0.1:1/real-portal",
	}
	e := env{"FRONTDESK_ADDR": "127.0.0.1:0", "FRONTDESK_SANDBOX_ADDR": freeAddr(t)}
	for name, value := range real {
		e[name] = value
	}
	var stdout, stderr output
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"demo"}, e.list(), &stdout, &stderr) }()
	eventually(t, "the demo started or ended", func() bool { return len(code) > 0 || strings.Contains(stdout.String(), "\n  proxies ") })
	stop()
	if got := <-code; got != 0 {
		t.Fatalf("code %d:\n%s", got, stderr.String())
	}
	if strings.Contains(stdout.String(), "real") {
		t.Errorf("something real is in effect:\n%s", stdout.String())
	}
	for name := range real {
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("nothing says that %s is left aside:\n%s", name, stderr.String())
		}
	}
	if _, err := os.Stat("real.db"); !os.IsNotExist(err) {
		t.Errorf("the real database was touched: %v", err)
	}
}

// named are all variables of the product, with values that work together.
var named = env{
	"FRONTDESK_ADDR": "127.0.0.1:0", "FRONTDESK_BASE_URL": "https://desk.example.com", "FRONTDESK_DATABASE": "frontdesk.db",
	"FRONTDESK_SECRET": "quince-secret-which-has-over-32-bytes", "FRONTDESK_SECRET_OLD": "quince-former-which-has-over-32-bytes",
	"FRONTDESK_ADMINS": "customer:alice,atmosphere:bob", "FRONTDESK_PORTALS": "customer,atmosphere,messaging",
	"FRONTDESK_PORTAL_CUSTOMER_URL": "http://127.0.0.1:1/c", "FRONTDESK_PORTAL_ATMOSPHERE_URL": "http://127.0.0.1:1/a", "FRONTDESK_PORTAL_MESSAGING_URL": "http://127.0.0.1:1/m",
	"FRONTDESK_ATOM_URL": "http://127.0.0.1:1/atom", "FRONTDESK_ATOM_SUPERKEY": "quince-superkey", "FRONTDESK_ATOM_SUPERTOKEN": "quince-supertoken",
	"FRONTDESK_IP1_URL": "http://127.0.0.1:1/ip1", "FRONTDESK_IP1_ACCOUNT": "ip1-12345", "FRONTDESK_IP1_KEY": "quince-key",
	"FRONTDESK_SSO_HOSTS": "*.atom.works", "FRONTDESK_TIMEOUT_CONNECT": "1s", "FRONTDESK_TIMEOUT_ACT": "2s", "FRONTDESK_TIMEOUT_LIST": "3s",
	"FRONTDESK_SYNC_INTERVAL": "1h", "FRONTDESK_IDLE_TIMEOUT": "10m", "FRONTDESK_REASON": "required", "FRONTDESK_TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.7",
	"FRONTDESK_LOG_FORMAT": "json", "FRONTDESK_METRICS_ADDR": "127.0.0.1:0", "FRONTDESK_SANDBOX_ADDR": "127.0.0.1:0",
	"FRONTDESK_SMS_COUNTRIES": "SE,no", "FRONTDESK_SMS_PER_STAFF": "50", "FRONTDESK_SMS_PER_NUMBER": "5", "FRONTDESK_SMS_COOLDOWN": "1m",
	"FRONTDESK_AUDIT_FILE": "audit.jsonl", "FRONTDESK_AUDIT_WEBHOOK_URL": "http://127.0.0.1:1/hook", "FRONTDESK_AUDIT_WEBHOOK_SECRET": "quince-webhook-of-more-than-24-bytes",
}

func TestStartPrintsWhatIsInEffect(t *testing.T) {
	t.Chdir(t.TempDir())
	got := serveOnce(t, named)
	if got.code != 0 {
		t.Fatalf("code %d:\n%s", got.code, got.stderr)
	}
	for _, want := range []string{
		"https://desk.example.com", "frontdesk.db", "customer http://127.0.0.1:1/c", "atmosphere http://127.0.0.1:1/a", "messaging http://127.0.0.1:1/m",
		"http://127.0.0.1:1/atom", "http://127.0.0.1:1/ip1", "*.atom.works", "10.0.0.0/8", "192.0.2.7",
		"file audit.jsonl, webhook 127.0.0.1:1\n", "SMS to SE, NO\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not printed:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stderr, "misspelt") {
		t.Errorf("a known variable is called unknown:\n%s", got.stderr)
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	e := good(t).with(env{"FRONTDESK_ATOM_SUPERKY": "quince-misspelt", "FRONTDESK_SECRETS": "quince-misspelt", "FRONTDESKTOP": "x", "FRONTDESK_REASON": "sometimes"})
	got := try(t, e, "serve")
	for _, want := range []string{"variable=FRONTDESK_ATOM_SUPERKY", "variable=FRONTDESK_SECRETS"} {
		if strings.Count(got.stderr, want) != 1 {
			t.Errorf("no warning with %s:\n%s", want, got.stderr)
		}
	}
	if strings.Count(got.stderr, "level=WARN") != 2 || strings.Contains(got.stderr, "quince-misspelt") {
		t.Errorf("warnings:\n%s", got.stderr)
	}
}

func TestAdminsWhileTheDirectoryIsEmpty(t *testing.T) {
	t.Chdir(t.TempDir())
	// A database without staff is as good as none.
	db, err := store.Open(t.Context(), store.Options{Path: "frontdesk.db", Secret: []byte(good(t)["FRONTDESK_SECRET"])})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	nobody := good(t).without("FRONTDESK_ADMINS")
	if got := serveOnce(t, nobody); got.code != 2 || !slices.Equal(got.problems(), []string{"FRONTDESK_ADMINS"}) {
		t.Errorf("an empty directory: code %d:\n%s", got.code, got.stderr)
	}
	if got := serveOnce(t, good(t)); got.code != 0 {
		t.Errorf("with an admin: code %d:\n%s", got.code, got.stderr)
	}
	if got := serveOnce(t, nobody); got.code != 0 {
		t.Errorf("once there is staff: code %d:\n%s", got.code, got.stderr)
	}
}

func TestWrongSecretAndRotation(t *testing.T) {
	t.Chdir(t.TempDir())
	first, second := good(t)["FRONTDESK_SECRET"], "plum-secret-which-has-over-32-bytes!"
	for _, step := range []struct {
		name, secret, old string
		code              int
	}{
		{"a new database", first, "", 0},
		{"another secret", second, "", 2},
		{"the first secret still works", first, "", 0},
		{"rotated", second, first, 0},
		{"rotated already", second, first, 0},
		{"the old secret is removed", second, "", 0},
		{"the first secret works no more", first, "", 2},
	} {
		before := folder(t, ".")
		got := serveOnce(t, good(t).with(env{"FRONTDESK_SECRET": step.secret, "FRONTDESK_SECRET_OLD": step.old}))
		if got.code != step.code {
			t.Fatalf("%s: code %d, want %d:\n%s", step.name, got.code, step.code, got.stderr)
		}
		if step.code == 2 && (strings.Count(got.stderr, "frontdesk:") != 1 || !strings.Contains(got.stderr, "FRONTDESK_SECRET_OLD") || got.stdout != "") {
			t.Errorf("%s: not one message:\n%s%s", step.name, got.stdout, got.stderr)
		}
		if step.code == 2 && !maps.Equal(before, folder(t, ".")) {
			t.Errorf("%s: the folder is not what it was", step.name)
		}
		for text, want := range map[string]bool{"FRONTDESK_SECRET_OLD can be removed now": step.name == "rotated", "FRONTDESK_SECRET_OLD can be removed\"": step.name == "rotated already"} {
			if strings.Contains(got.stderr, text) != want || want && strings.Contains(got.stdout, text) != (step.name == "rotated") {
				t.Errorf("%s: says %q, want %t:\n%s%s", step.name, text, want, got.stdout, got.stderr)
			}
		}
	}
}

// folder is every file of a folder with its content.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(content)
	}
	return all
}

func TestTheFormerSecret(t *testing.T) {
	for name, tt := range map[string]struct{ old, says string }{
		"short": {"quince-too-short", "at least 32 bytes"}, "the same": {good(t)["FRONTDESK_SECRET"], "the same as FRONTDESK_SECRET"},
	} {
		for _, command := range [][]string{{"serve"}, {"audit", "declare-restore", "--reason", "test"}} {
			e := good(t).with(env{"FRONTDESK_SECRET_OLD": tt.old})
			if got := try(t, e, command...); got.code != 2 || !slices.Equal(got.problems(), []string{"FRONTDESK_SECRET_OLD"}) || !strings.Contains(got.stderr, tt.says) {
				t.Errorf("%s, %s: code %d:\n%s", name, command, got.code, got.stderr)
			}
		}
	}
}

// What is configured as a secret is nowhere at rest, neither in the database and
// its backup nor in what is streamed; that it was changed is.
func TestConfiguredSecretsAreNotAtRest(t *testing.T) {
	t.Chdir(t.TempDir())
	first := named.without("FRONTDESK_SECRET_OLD").with(env{"FRONTDESK_AUDIT_WEBHOOK_URL": "http://127.0.0.1:1/quince-path?token=quince-token"})
	second := first.with(env{
		"FRONTDESK_SECRET": "quince-second-which-has-over-32-bytes", "FRONTDESK_SECRET_OLD": first["FRONTDESK_SECRET"], "FRONTDESK_ATOM_SUPERKEY": "quince-second-superkey",
	})
	for _, e := range []env{first, second} {
		if got := serveOnce(t, e); got.code != 0 {
			t.Fatalf("code %d:\n%s", got.code, got.stderr)
		}
	}
	eventually(t, "something was streamed", func() bool { // what a stop has left behind goes out after the next start
		got := serveOnce(t, second)
		return got.code != 0 || len(folder(t, ".")["audit.jsonl"]) > 0
	})
	db := rawDatabase(t, "frontdesk.db")
	execute(t, db, `VACUUM INTO 'backup.db'`)
	var changes string
	if err := db.QueryRow(`SELECT changes FROM audit_entries WHERE what = 'start' AND changes <> '' ORDER BY id DESC`).Scan(&changes); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"FRONTDESK_SECRET", "FRONTDESK_SECRET_OLD", "FRONTDESK_ATOM_SUPERKEY"} {
		if !strings.Contains(changes, `"`+name+`":[`) {
			t.Errorf("%s was changed, and is not among %s", name, changes)
		}
	}
	for _, name := range []string{"FRONTDESK_ATOM_SUPERTOKEN", "FRONTDESK_IP1_KEY", "FRONTDESK_AUDIT_WEBHOOK_SECRET", "FRONTDESK_AUDIT_WEBHOOK_URL"} {
		if strings.Contains(changes, name) {
			t.Errorf("%s was not changed, and is among %s", name, changes)
		}
	}
	files := folder(t, ".")
	if len(files["audit.jsonl"]) == 0 || len(files["backup.db"]) == 0 {
		t.Fatal("the test looks in the wrong place")
	}
	for name, content := range files {
		for _, secret := range append(second.secrets(), "quince") {
			backwards := []byte(secret)
			slices.Reverse(backwards)
			for _, form := range []string{secret, string(backwards), hex.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(content, form) {
					t.Errorf("%q is in %s", form, name)
				}
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string // in what is printed
	}{
		{[]string{"version"}, 0, "frontdesk "},
		{[]string{"--help"}, 0, "serve"},
		{[]string{"serve", "--help"}, 0, "--atom-url"},
		{[]string{}, 2, "frontdesk --help"},
		{[]string{"dance"}, 2, "dance"},
		{[]string{"serve", "--dance"}, 2, "dance"},
	} {
		got := try(t, nil, tt.args...)
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) {
			t.Errorf("%q: code %d, want %d with %q:\n%s%s", tt.args, got.code, tt.code, tt.want, got.stdout, got.stderr)
		}
		if (got.code == 0) != (got.stderr == "") {
			t.Errorf("%q: code %d and on stderr: %s", tt.args, got.code, got.stderr)
		}
	}
}

// A container's runtime asks with nothing but the address, whatever else is set.
func TestHealthcheck(t *testing.T) {
	answer := http.StatusOK
	alive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("it asked for %s", r.URL.Path)
		}
		w.WriteHeader(answer)
	}))
	defer alive.Close()
	addr := alive.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	for _, tt := range []struct {
		name   string
		answer int
		e      env
		args   []string
		code   int
	}{
		{"alive", 200, env{"FRONTDESK_ADDR": addr}, nil, 0},
		{"every interface", 200, env{"FRONTDESK_ADDR": ":" + port}, nil, 0},
		{"the flag", 200, nil, []string{"--addr", addr}, 0},
		{"a configuration that could not serve", 200, env{"FRONTDESK_ADDR": addr, "FRONTDESK_SECRET": "short", "FRONTDESK_REASON": "x"}, nil, 0},
		{"unwell", 503, env{"FRONTDESK_ADDR": addr}, nil, 1},
		{"nobody there", 200, env{"FRONTDESK_ADDR": freeAddr(t)}, nil, 1},
	} {
		answer = tt.answer
		if got := try(t, tt.e, append([]string{"healthcheck"}, tt.args...)...); got.code != tt.code {
			t.Errorf("%s: code %d, want %d:\n%s", tt.name, got.code, tt.code, got.stderr)
		}
	}
}

// What is not printed must be known to the tests as well: every variable of
// the product is a flag of serve, demo or the sandbox.
func TestEveryVariableIsKnown(t *testing.T) {
	e := env{"FRONTDESK_REASON": "sometimes"}
	for name := range maps.Keys(named) {
		e[name] = ""
	}
	for _, flag := range secretFlags {
		e[variable(flag)+"_FILE"] = ""
	}
	e["FRONTDESK_IP1_TOKEN"] = ""
	if got := try(t, e, "serve"); strings.Contains(got.stderr, "misspelt") {
		t.Errorf("a variable of the product is called unknown:\n%s", got.stderr)
	}
}
