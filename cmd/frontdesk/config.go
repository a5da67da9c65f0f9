package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"frontdesk/store"
	"frontdesk/web/desk"
	"frontdesk/web/ip1"
	"frontdesk/web/portal"
)

// config is every setting as given; settings is what they mean. All are text
// here, so that all that is wrong can be said in one message.
type config struct {
	Addr     string `default:":8080" help:"Listen address."`
	BaseURL  string `name:"base-url" default:"http://localhost:8080" help:"Public address; https turns on Secure cookies and HSTS."`
	Database string `default:"frontdesk.db" help:"The SQLite file, or the address of a PostgreSQL database."`

	Secret        string `help:"At least 32 bytes; cookies are signed and secrets sealed with keys derived from it."`
	SecretFile    string `help:"A file that holds it."`
	SecretOld     string `help:"The former secret, after a change; the start re-encrypts what is stored and says when this can be removed."`
	SecretOldFile string `help:"A file that holds it."`

	Admins  string `help:"First admins, such as customer:alice,atmosphere:bob; required while the staff directory is empty."`
	Portals string `default:"customer,atmosphere" help:"Portals that the sign-in page offers: customer, atmosphere, messaging."`

	PortalCustomerURL   string `name:"portal-customer-url" help:"Address of the customer portal."`
	PortalAtmosphereURL string `name:"portal-atmosphere-url" help:"Address of the atmosphere portal."`
	PortalMessagingURL  string `name:"portal-messaging-url" help:"Address of the messaging portal."`

	AtomURL            string `name:"atom-url" help:"ATOM's base address."`
	AtomSuperkey       string `help:"ATOM's super key."`
	AtomSuperkeyFile   string `help:"A file that holds it."`
	AtomSupertoken     string `help:"ATOM's super token."`
	AtomSupertokenFile string `help:"A file that holds it."`

	IP1URL       string `name:"ip1-url" help:"iP1's base address."`
	IP1Account   string `name:"ip1-account" help:"iP1 account, with the key; without credentials SMS is not set up."`
	IP1Key       string `name:"ip1-key" help:"iP1 API key."`
	IP1KeyFile   string `name:"ip1-key-file" help:"A file that holds it."`
	IP1Token     string `name:"ip1-token" help:"iP1 Bearer token, instead of account and key."`
	IP1TokenFile string `name:"ip1-token-file" help:"A file that holds it."`

	SMSCountries string `name:"sms-countries" help:"Countries that SMS codes may go to, such as SE,NO,GB; any when empty."`
	SMSPerStaff  string `name:"sms-per-staff" default:"200" help:"SMS codes that one person may send within 24 hours; 0 is no limit."`
	SMSPerNumber string `name:"sms-per-number" default:"10" help:"SMS codes that one number may get within 24 hours; 0 is no limit."`
	SMSCooldown  string `name:"sms-cooldown" default:"30s" help:"Pause between two SMS codes to one number; 0 is none."`

	SSOHosts       string `name:"sso-hosts" help:"Host patterns that an SSO redirect may go to, such as *.atom.works,ads.example.com; any https host when empty."`
	TimeoutConnect string `default:"5s" help:"Limit on connecting to a service."`
	TimeoutAct     string `default:"15s" help:"Limit on a call to a service."`
	TimeoutList    string `default:"120s" help:"Limit on reading ATOM's customer list."`
	SyncInterval   string `default:"5m" help:"How often the customer mirror is refreshed."`
	IdleTimeout    string `default:"30m" help:"After this long without use a session ends."`
	Reason         string `default:"optional" help:"optional or required: a written reason for SSO and credential acts."`
	TrustedProxies string `help:"CIDRs whose X-Forwarded-For is believed."`
	makesFolder    bool   `kong:"-"` // the demo makes the database's folder

	AuditFile              string `help:"A file that the audit log is streamed to as JSON lines, or - for standard output."`
	AuditWebhookURL        string `name:"audit-webhook-url" help:"An https address that the audit log is posted to as JSON lines, signed."`
	AuditWebhookSecret     string `help:"What these posts are signed with; at least 24 bytes, or whsec_ and base64."`
	AuditWebhookSecretFile string `help:"A file that holds it."`

	LogFormat   string `default:"text" help:"text or json: how the lines of the program's own log are written, on standard error."`
	MetricsAddr string `help:"Listen address of /metrics; off when empty."`

	env func(string) (string, bool) `kong:"-"` // where the OTEL_ variables are; nil: there are none
}

// settings are the configuration, checked.
type settings struct {
	Addr      string
	BaseURL   *url.URL
	Database  string
	Secret    []byte
	OldSecret []byte
	Admins    []store.Staff
	Portals   []string
	PortalURL map[string]string
	AtomURL   string
	Superkey  string
	Supertok  string
	IP1URL    string
	IP1       ip1.Credentials
	SMS       smsLimits
	Hosts     desk.SSOHosts
	HostsText string
	Connect   time.Duration
	Act       time.Duration
	List      time.Duration
	Sync      time.Duration
	Idle      time.Duration
	Reason    bool
	Proxies   []netip.Prefix
	Metrics   string
	Tracing   tracing

	AuditFile     string   // "-" is standard output
	Webhook       *url.URL // nil: none
	WebhookSecret []byte
}

// smsLimits are the limits on SMS codes; zero is none.
type smsLimits struct {
	Countries           []string
	PerStaff, PerNumber int
	Cooldown            time.Duration
}

// configProblems are all that is wrong with the configuration.
type configProblems []string

func (p configProblems) Error() string {
	head := fmt.Sprintf("frontdesk: the configuration has %d problems:", len(p))
	if len(p) == 1 {
		head = "frontdesk: the configuration has a problem:"
	}
	return head + "\n  " + strings.Join(p, "\n  ")
}

// The defaults that the demo replaces by its own.
const (
	defaultDatabase = "frontdesk.db"
	defaultBaseURL  = "http://localhost:8080"
)

// checker collects problems.
type checker struct{ problems configProblems }

func (c *checker) wrong(flag, format string, args ...any) {
	c.problems = append(c.problems, variable(flag)+": "+fmt.Sprintf(format, args...))
}

// check reads the settings, and files that secrets are kept in.
func (c config) check() (settings, error) {
	k := &checker{}
	s := settings{
		Addr: k.address("addr", c.Addr), BaseURL: k.baseURL(c.BaseURL), Database: c.Database,
		Secret: []byte(k.secret("secret", c.Secret, c.SecretFile)), OldSecret: []byte(k.secret("secret-old", c.SecretOld, c.SecretOldFile)),
		Portals: k.portals(c.Portals),
		AtomURL: k.url("atom-url", c.AtomURL), Superkey: k.secret("atom-superkey", c.AtomSuperkey, c.AtomSuperkeyFile),
		Supertok: k.secret("atom-supertoken", c.AtomSupertoken, c.AtomSupertokenFile),
		IP1URL:   k.url("ip1-url", orElse(c.IP1URL, ip1.DefaultURL)),
		IP1: ip1.Credentials{
			Account: strings.TrimSpace(c.IP1Account), Key: k.secret("ip1-key", c.IP1Key, c.IP1KeyFile), Token: k.secret("ip1-token", c.IP1Token, c.IP1TokenFile),
		},
		Connect: k.duration("timeout-connect", c.TimeoutConnect), Act: k.duration("timeout-act", c.TimeoutAct), List: k.duration("timeout-list", c.TimeoutList),
		Sync: k.duration("sync-interval", c.SyncInterval), Idle: k.duration("idle-timeout", c.IdleTimeout),
		Proxies: k.proxies(c.TrustedProxies), HostsText: c.SSOHosts,
	}
	s.PortalURL = map[string]string{
		portal.Customer:   k.url("portal-customer-url", orElse(c.PortalCustomerURL, portal.DefaultCustomerURL)),
		portal.Atmosphere: k.url("portal-atmosphere-url", orElse(c.PortalAtmosphereURL, portal.DefaultAtmosphereURL)),
		portal.Messaging:  k.url("portal-messaging-url", orElse(c.PortalMessagingURL, portal.DefaultMessagingURL)),
	}
	if store.IsPostgres(s.Database) {
		if err := store.CheckAddress(s.Database); err != nil {
			k.wrong("database", "%v", err)
		}
	} else if strings.Contains(s.Database, "://") {
		k.wrong("database", "neither a file nor the address of a PostgreSQL database: postgres://…")
	} else {
		dir := filepath.Dir(s.Database)
		if info, err := os.Stat(dir); (err != nil || !info.IsDir()) && !c.makesFolder {
			k.wrong("database", "there is no folder %s", dir)
		}
	}
	if len(s.Secret) < 32 {
		k.wrong("secret", "required, at least 32 bytes; make one with: openssl rand -base64 32")
	}
	k.former(s.Secret, s.OldSecret)
	for flag, value := range map[string]string{"atom-superkey": s.Superkey, "atom-supertoken": s.Supertok} {
		if value == "" {
			k.wrong(flag, "required")
		}
	}
	switch {
	case s.IP1.Token != "" && (s.IP1.Account != "" || s.IP1.Key != ""):
		k.wrong("ip1-token", "give either this or FRONTDESK_IP1_ACCOUNT with FRONTDESK_IP1_KEY, not both")
	case s.IP1.Account != "" && s.IP1.Key == "":
		k.wrong("ip1-key", "required with FRONTDESK_IP1_ACCOUNT")
	case s.IP1.Account == "" && s.IP1.Key != "":
		k.wrong("ip1-account", "required with FRONTDESK_IP1_KEY")
	}
	var err error
	if s.SMS.Countries, err = desk.ParseSMSCountries(c.SMSCountries); err != nil {
		k.wrong("sms-countries", "%v", err)
	}
	s.SMS.PerStaff, s.SMS.PerNumber = k.count("sms-per-staff", c.SMSPerStaff), k.count("sms-per-number", c.SMSPerNumber)
	s.SMS.Cooldown = k.pause("sms-cooldown", c.SMSCooldown)
	if s.Hosts, err = desk.ParseSSOHosts(c.SSOHosts, c.AtomURL); err != nil {
		k.wrong("sso-hosts", "%v", err)
	}
	switch c.Reason {
	case "optional":
	case "required":
		s.Reason = true
	default:
		k.wrong("reason", "%q is neither optional nor required", c.Reason)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		k.wrong("log-format", "%q is neither text nor json", c.LogFormat)
	}
	if c.MetricsAddr != "" {
		s.Metrics = k.address("metrics-addr", c.MetricsAddr)
	}
	s.Tracing = k.tracing(c.env)
	s.AuditFile = k.auditFile(strings.TrimSpace(c.AuditFile), s.Database)
	s.Webhook, s.WebhookSecret = k.webhook(c)
	s.Admins = k.admins(c.Admins, s.Portals)
	if _, err := os.Stat(s.Database); !store.IsPostgres(s.Database) && os.IsNotExist(err) && len(s.Admins) == 0 && strings.TrimSpace(c.Admins) == "" {
		k.wrong("admins", noAdmins)
	}
	if len(k.problems) > 0 {
		slices.Sort(k.problems)
		return s, k.problems
	}
	return s, nil
}

const noAdmins = "required while the staff directory is empty, such as customer:alice"

func orElse(value, otherwise string) string {
	if strings.TrimSpace(value) == "" {
		return otherwise
	}
	return value
}

func (k *checker) address(flag, value string) string {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		k.wrong(flag, "%q is not a listen address such as :8080 or 127.0.0.1:8080", value)
	}
	return value
}

func (k *checker) url(flag, value string) string {
	u, err := url.Parse(strings.TrimSpace(value))
	switch {
	case strings.TrimSpace(value) == "":
		k.wrong(flag, "required")
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		k.wrong(flag, "not an http or https address")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		k.wrong(flag, "an address without user, query or fragment, please")
	}
	return strings.TrimSpace(value)
}

func (k *checker) baseURL(value string) *url.URL {
	k.url("base-url", value)
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil {
		return &url.URL{}
	}
	if strings.Trim(u.Path, "/") != "" {
		k.wrong("base-url", "frontdesk is served at the root of its address, not under %s", u.Path)
	}
	return &url.URL{Scheme: u.Scheme, Host: k.asciiHost(u)}
}

// asciiHost is an address's host and port as browsers send them: a name such as
// bücher.example as xn--bcher-kva.example.
func (k *checker) asciiHost(u *url.URL) string {
	name := u.Hostname()
	if !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return u.Host
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		k.wrong("base-url", "%q cannot be a host name", name)
		return u.Host
	}
	if u.Port() != "" {
		return net.JoinHostPort(ascii, u.Port())
	}
	return ascii
}

// secret reads a secret from its variable or its file; one trailing newline of
// a file is dropped.
func (k *checker) secret(flag, value, file string) string {
	if file == "" {
		return value
	}
	if value != "" {
		k.wrong(flag, "given twice, also as %s; give one", variable(flag+"-file"))
		return value
	}
	b, err := os.ReadFile(file) // #nosec G304 -- the operator names the file
	if err != nil {
		k.wrong(flag+"-file", "cannot be read: %v", err)
		return ""
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		k.wrong(flag+"-file", "the file is empty")
	}
	return text
}

// former checks the secret before a change.
func (k *checker) former(secret, old []byte) {
	switch {
	case len(old) == 0:
	case len(old) < 32:
		k.wrong("secret-old", "at least 32 bytes, as it was")
	case bytes.Equal(secret, old):
		k.wrong("secret-old", "the same as FRONTDESK_SECRET; give the former secret, or remove this")
	}
}

func (k *checker) duration(flag, value string) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(value))
	if err != nil || d <= 0 {
		k.wrong(flag, "%q is not a time span such as 15s or 5m", value)
		return time.Second
	}
	return d
}

// count reads a limit; 0 is none.
func (k *checker) count(flag, value string) int {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 || n > 100_000 {
		k.wrong(flag, "%q is not a whole number from 0 to 100000", value)
		return 0
	}
	return n
}

// pause reads a time span that may be 0, of a day at most: what came before is
// not kept for longer.
func (k *checker) pause(flag, value string) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(value))
	if err != nil || d < 0 || d > 24*time.Hour {
		k.wrong(flag, "%q is not a time span from 0 to 24h, such as 30s", value)
		return 0
	}
	return d
}

// auditFile is where the log is streamed to; the folder must be there, as the
// database's must.
func (k *checker) auditFile(path, database string) string {
	if path == "" || path == "-" {
		return path
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		k.wrong("audit-file", "there is no folder %s", filepath.Dir(path))
		return path
	}
	info, err := os.Stat(path)
	switch there, dbErr := os.Stat(database); {
	case err == nil && info.IsDir():
		k.wrong("audit-file", "%s is a folder", path)
	case !store.IsPostgres(database) && filepath.Clean(path) == filepath.Clean(database), err == nil && dbErr == nil && os.SameFile(info, there):
		k.wrong("audit-file", "this is the database")
	}
	return path
}

// webhook is where the log is posted to, and what that is signed with: both or
// neither.
func (k *checker) webhook(c config) (u *url.URL, secret []byte) {
	text := k.secret("audit-webhook-secret", c.AuditWebhookSecret, c.AuditWebhookSecretFile)
	if strings.TrimSpace(c.AuditWebhookURL) == "" {
		if text != "" {
			k.wrong("audit-webhook-url", "required with FRONTDESK_AUDIT_WEBHOOK_SECRET")
		}
		return nil, nil
	}
	u, err := desk.ParseWebhookURL(c.AuditWebhookURL)
	if err != nil {
		k.wrong("audit-webhook-url", "%v", err)
	}
	if text == "" && c.AuditWebhookSecretFile == "" {
		k.wrong("audit-webhook-secret", "required with FRONTDESK_AUDIT_WEBHOOK_URL")
	} else if secret, err = desk.ParseWebhookSecret(text); err != nil && text != "" {
		k.wrong("audit-webhook-secret", "%v", err)
	}
	return u, secret
}

func (k *checker) portals(value string) []string {
	var names []string
	for _, name := range list(value) {
		name = strings.ToLower(name)
		if !slices.Contains([]string{portal.Customer, portal.Atmosphere, portal.Messaging}, name) {
			k.wrong("portals", "%q is none of customer, atmosphere, messaging", name)
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		k.wrong("portals", "at least one of customer, atmosphere, messaging")
	}
	return names
}

func (k *checker) admins(value string, portals []string) []store.Staff {
	var people []store.Staff
	for _, entry := range list(value) {
		name, username, ok := strings.Cut(entry, ":")
		name, username = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(username)
		switch {
		case !ok || username == "":
			k.wrong("admins", "%q is not portal:username", entry)
		case !slices.Contains(portals, name):
			k.wrong("admins", "%q names a portal that is not offered", entry)
		default:
			people = append(people, store.Staff{Portal: name, Username: username, Name: username, Role: store.Admin, AddedBy: "FRONTDESK_ADMINS"})
		}
	}
	return people
}

func (k *checker) proxies(value string) []netip.Prefix {
	var all []netip.Prefix
	for _, entry := range list(value) {
		if ip, err := netip.ParseAddr(entry); err == nil {
			all = append(all, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			k.wrong("trusted-proxies", "%q is not a CIDR such as 10.0.0.0/8", entry)
			continue
		}
		all = append(all, p)
	}
	return all
}

// list splits at commas and drops blanks.
func list(value string) []string {
	var all []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
