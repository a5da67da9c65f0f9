package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"frontdesk/handlers"
	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/portal"
	"frontdesk/web/sandbox"
)

// sandboxFlags are those of the sandbox, in the demo and alone.
type sandboxFlags struct {
	SandboxAddr string `default:"127.0.0.1:8081" help:"Listen address of the sandbox."`
	Customers   int    `default:"250" help:"How many customers the sandbox has at first."`
}

// What the sandbox takes when nothing is configured.
const (
	sandboxSuperkey   = "sandbox-superkey"
	sandboxSupertoken = "sandbox-supertoken"
	sandboxAccount    = "ip1-00000"
	sandboxKey        = "sandbox-key"
)

// sandboxCmd takes the dashboard's own names, so that both can be started from
// one environment.
type sandboxCmd struct {
	sandboxFlags
	AtomSuperkey       string `help:"The super key that it takes."`
	AtomSuperkeyFile   string `help:"A file that holds it."`
	AtomSupertoken     string `help:"The super token that it takes."`
	AtomSupertokenFile string `help:"A file that holds it."`
	IP1Account         string `name:"ip1-account" help:"The iP1 account that it takes."`
	IP1Key             string `name:"ip1-key" help:"The iP1 key that it takes."`
	IP1KeyFile         string `name:"ip1-key-file" help:"A file that holds it."`
	IP1Token           string `name:"ip1-token" help:"A Bearer token that it takes too."`
	IP1TokenFile       string `name:"ip1-token-file" help:"A file that holds it."`
}

func (c *sandboxCmd) Run(a *app) error {
	k := &checker{}
	box := sandbox.Config{
		SuperKey:   orElse(k.secret("atom-superkey", c.AtomSuperkey, c.AtomSuperkeyFile), sandboxSuperkey),
		SuperToken: orElse(k.secret("atom-supertoken", c.AtomSupertoken, c.AtomSupertokenFile), sandboxSupertoken),
		IP1Account: orElse(c.IP1Account, sandboxAccount),
		IP1Key:     orElse(k.secret("ip1-key", c.IP1Key, c.IP1KeyFile), sandboxKey),
		IP1Token:   k.secret("ip1-token", c.IP1Token, c.IP1TokenFile),
	}
	if len(k.problems) > 0 {
		return k.problems
	}
	address, stop, err := c.start(a, box)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(a.stdout, `frontdesk sandbox: the three services, simulated
  portals     %[1]s/portal/customer, …/atmosphere, …/messaging
  ATOM        %[1]s/atom
  iP1         %[1]s/ip1, account %[2]s
  outbox      %[1]s/outbox, the e-mails and SMS that "went out"
  faults      %[1]s/control, and the calls received: %[1]s/journal
  Without configuration it takes %[3]s and %[4]s,
  %[5]s and %[6]s.
%[7]s`, address, box.IP1Account, sandboxSuperkey, sandboxSupertoken, sandboxAccount, sandboxKey, whom())
	<-a.ctx.Done()
	return nil
}

// start runs the sandbox on its own listener until stop is called.
func (f sandboxFlags) start(a *app, box sandbox.Config) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", f.SandboxAddr)
	if err != nil {
		return "", nil, fmt.Errorf("start the sandbox: %w", err)
	}
	box.Customers = f.Customers
	if f.Customers == 0 {
		box.Customers = -1
	}
	// What a browser reaches is named by the listener, whatever the caller's Host says.
	address = "http://" + reachable(listener.Addr().String())
	box.BaseURL = address
	// Calls that hang on purpose end with this context: Shutdown does not end them.
	ctx, cancel := context.WithCancel(context.WithoutCancel(a.ctx))
	server := &http.Server{Handler: sandbox.New(box), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("sandbox", "error", err)
		}
	}()
	return address, func() { cancel(); server.Close() }, nil
}

// reachable turns a listen address into one to connect to.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func whom() string {
	var b strings.Builder
	for _, p := range sandbox.People() {
		role := p.Role
		if role == "" {
			role = "not staff"
		}
		fmt.Fprintf(&b, "  %-10s  %s, %s\n", p.Username, p.Name, role)
	}
	return "  password of everybody: " + sandbox.Password + "\n" + b.String()
}

type demoCmd struct {
	config
	sandboxFlags
}

// Run starts the sandbox and the dashboard on it. Credentials that are
// configured hold, for the sandbox takes them; addresses and the database never
// do: the demo's passwords are public, and must open nothing real.
func (c *demoCmd) Run(a *app) error {
	sandboxed := "http://" + reachable(c.SandboxAddr)
	for _, own := range []struct {
		flag, value string
		to          *string
	}{
		{"database", filepath.Join("data", "demo.db"), &c.Database},
		{"atom-url", sandboxed + "/atom", &c.AtomURL}, {"ip1-url", sandboxed + "/ip1", &c.IP1URL},
		{"portal-customer-url", sandboxed + "/portal/customer", &c.PortalCustomerURL},
		{"portal-atmosphere-url", sandboxed + "/portal/atmosphere", &c.PortalAtmosphereURL},
		{"portal-messaging-url", sandboxed + "/portal/messaging", &c.PortalMessagingURL},
	} {
		if *own.to != "" && *own.to != defaultDatabase && *own.to != own.value {
			a.log.Warn("the demo keeps to its own sandbox and database", "left aside", variable(own.flag))
		}
		*own.to = own.value
	}
	if c.AuditFile != "" || c.AuditWebhookURL != "" {
		a.log.Warn("the demo keeps its log to itself", "left aside", "FRONTDESK_AUDIT_FILE, FRONTDESK_AUDIT_WEBHOOK_URL")
		c.AuditFile, c.AuditWebhookURL, c.AuditWebhookSecret, c.AuditWebhookSecretFile = "", "", "", ""
	}
	keep := func() error { return nil }
	if c.Secret == "" && c.SecretFile == "" {
		var err error
		if c.Secret, keep, err = demoSecret(filepath.Dir(c.Database)); err != nil {
			return err
		}
	}
	if _, port, err := net.SplitHostPort(c.Addr); err == nil && c.BaseURL == defaultBaseURL {
		c.BaseURL = "http://localhost:" + port // where it listens, wherever that is
	}
	if c.AtomSuperkeyFile == "" {
		c.AtomSuperkey = orElse(c.AtomSuperkey, sandboxSuperkey)
	}
	if c.AtomSupertokenFile == "" {
		c.AtomSupertoken = orElse(c.AtomSupertoken, sandboxSupertoken)
	}
	if c.IP1Token == "" && c.IP1TokenFile == "" {
		c.IP1Account = orElse(c.IP1Account, sandboxAccount)
		if c.IP1KeyFile == "" {
			c.IP1Key = orElse(c.IP1Key, sandboxKey)
		}
	}
	people, shown := demoPeople(list(c.Portals))
	c.Admins = orElse(c.Admins, portal.Customer+":alice")
	c.makesFolder, c.env = true, a.env
	s, err := c.check()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.Database), 0o700); err != nil {
		return err
	}
	if err := keep(); err != nil {
		return err
	}
	_, stop, err := c.start(a, sandbox.Config{
		SuperKey: s.Superkey, SuperToken: s.Supertok, IP1Account: s.IP1.Account, IP1Key: s.IP1.Key, IP1Token: s.IP1.Token,
	})
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(a.stdout, `
  The demo: open %s and sign in.
%s  E-mails and SMS that "went out": %s/outbox

`, s.BaseURL, whom(), sandboxed)
	return serve(a, s, people, &handlers.Demo{People: shown, Password: sandbox.Password})
}

// demoPeople are the sandbox's people who are staff, as rows of the directory,
// and all of them as the sign-in page shows them.
func demoPeople(portals []string) (staff []store.Staff, shown []views.DemoPerson) {
	for _, p := range sandbox.People() {
		shown = append(shown, views.DemoPerson{Username: p.Username, Name: p.Name, Role: p.Role})
		if p.Role == "" {
			continue
		}
		for _, name := range portals {
			staff = append(staff, store.Staff{Portal: name, Username: p.Username, Name: p.Name, Role: store.Role(p.Role), AddedBy: "the demo"})
		}
	}
	return staff, shown
}

// demoSecret is the demo's secret, kept beside its database so that sessions and
// sealed values survive a restart. A new one is written by keep, once the
// configuration is known to be right.
func demoSecret(dir string) (secret string, keep func() error, err error) {
	path := filepath.Join(dir, "demo.secret")
	b, err := os.ReadFile(path) // #nosec G304 -- the operator names the folder
	switch {
	case err == nil && len(b) >= 32:
		return string(b), func() error { return nil }, nil
	case err != nil && !os.IsNotExist(err):
		return "", nil, err
	}
	secret = rand.Text() + rand.Text()
	return secret, func() error { return os.WriteFile(path, []byte(secret), 0o600) }, nil // #nosec G703 -- likewise
}
