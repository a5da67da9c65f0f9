package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"frontdesk/handlers"
	"frontdesk/static"
	"frontdesk/store"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/desk"
	"frontdesk/web/ip1"
	"frontdesk/web/portal"
)

// graceful is how long a stop waits for acts under way.
const graceful = 20 * time.Second

type serveCmd struct {
	config
}

func (c *serveCmd) Run(a *app) error {
	c.env = a.env
	s, err := c.check()
	if err != nil {
		return err
	}
	return serve(a, s, nil, nil)
}

// serve runs the dashboard until the process is asked to stop: database,
// clients, desk, handlers, listener, in that order, and down again in the
// reverse one. people are the demo's staff; demo is what its sign-in page says.
func serve(a *app, s settings, people []store.Staff, demo *handlers.Demo) error {
	listener, err := net.Listen("tcp", s.Addr) // first: a second copy must not touch the database
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()

	traces, stopTraces, err := startTracing(a, s.Tracing)
	if err != nil {
		return err
	}
	defer stopTraces() // when nothing is left that has spans

	db, err := store.Open(a.ctx, store.Options{Path: s.Database, Secret: s.Secret, OldSecret: s.OldSecret, Ballast: store.Ballast})
	if errors.Is(err, store.ErrWrongSecret) {
		return configProblems{err.Error()}
	}
	if err != nil {
		return err
	}
	defer db.Close()

	d, err := newDesk(a, s, db, traces)
	if err != nil {
		return err
	}
	if err := d.SeedStaff(a.ctx, append(people, s.Admins...)); err != nil {
		return fmt.Errorf("fill the staff directory: %w", err)
	}
	staff, err := db.AllStaff(a.ctx)
	if err != nil {
		return err
	}
	if len(staff) == 0 {
		return configProblems{variable("admins") + ": " + noAdmins}
	}
	if err := d.Start(a.ctx, version(), s.recorded(db)); err != nil {
		return fmt.Errorf("record the start: %w", err)
	}
	var resealed store.Resealed
	if len(s.OldSecret) > 0 {
		if resealed, err = d.ChangeSecret(a.ctx); err != nil {
			return fmt.Errorf("re-encrypt what the former secret has sealed: %w", err)
		}
	}

	assets, err := static.New()
	if err != nil {
		return err
	}
	h, err := handlers.New(handlers.Config{
		Desk: d, Store: db, Assets: assets, Log: a.log, BaseURL: s.BaseURL, Secret: s.Secret, OldSecret: s.OldSecret,
		Proxies: s.Proxies, Portals: s.Portals, PortalURL: s.PortalURL, Demo: demo,
		Traces: traces, Propagator: s.Tracing.propagator(),
	})
	if err != nil {
		return err
	}
	s.announce(a)
	if resealed.Changed {
		fmt.Fprintf(s.words(a), "  secret      changed: %d values were re-encrypted; FRONTDESK_SECRET_OLD can be removed now\n", resealed.Values)
	}
	stopMetrics, err := serveMetrics(a, s.Metrics, d.Stats, h, db)
	if err != nil {
		return err
	}
	defer stopMetrics()

	jobsCtx, stopJobs := context.WithCancel(context.WithoutCancel(a.ctx))
	var jobs sync.WaitGroup
	jobs.Go(func() { d.Run(jobsCtx) })

	server := newServer(h, a.log, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
	case <-a.ctx.Done():
		a.log.Info("stopping", "waiting at most", graceful)
		err = stop(server, d)
	case <-db.Lost():
		err = errors.Join(errors.New("the connection to the database was lost for too long, and the other replicas took this one for gone"), stop(server, d))
	}
	stopJobs()
	jobs.Wait()
	return err
}

// stop takes no new requests and waits for those under way, and for acts whose
// reader has left or never was there.
func stop(server *http.Server, d *desk.Desk) error {
	ctx, cancel := context.WithTimeout(context.Background(), graceful)
	defer cancel()
	d.Stop() // nothing that takes long is begun any more: exports break off, imports rest
	if err := errors.Join(server.Shutdown(ctx), d.Drain(ctx)); err != nil {
		return fmt.Errorf("stop: acts were still under way; the next start closes them as unknown: %w", err)
	}
	return nil
}

// newServer cuts off clients that are slow to ask. How long a form may take to
// arrive, and an answer to be fetched, the handlers limit more closely.
func newServer(h http.Handler, log *slog.Logger, s settings) *http.Server {
	return &http.Server{
		Handler:           h,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2*s.List + s.Act + 30*time.Second, // a refresh waits for ATOM's list, and for the one being read
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,

		DisableGeneralOptionsHandler: true, // OPTIONS * is ours to answer, as everything is
	}
}

// newDesk joins the clients and the store.
func newDesk(a *app, s settings, db *store.DB, traces trace.TracerProvider) (*desk.Desk, error) {
	stats := call.NewStats(time.Now)
	limits := call.Limits{Connect: s.Connect, Act: s.Act, List: s.List}
	portals := map[string]*portal.Client{}
	for _, name := range s.Portals { // each with bounds of its own: they are different hosts
		client, err := portal.New(name, s.PortalURL[name], call.New("portal", limits, stats))
		if err != nil {
			return nil, err
		}
		portals[name] = client
	}
	c := desk.Config{
		Store: db, Portals: portals, Atom: atom.New(s.AtomURL, s.Superkey, s.Supertok, call.New("atom", limits, stats)),
		Hosts: s.Hosts, Stats: stats, Log: a.log, Sync: s.Sync, Act: s.Act, Idle: s.Idle, Reason: s.Reason, Traces: traces,
		SMSCountries: s.SMS.Countries, SMSPerStaff: s.SMS.PerStaff, SMSPerNumber: s.SMS.PerNumber, SMSCooldown: s.SMS.Cooldown,
	}
	if s.IP1.Set() {
		c.IP1 = ip1.New(s.IP1URL, s.IP1, call.New("ip1", limits, stats))
	}
	switch s.AuditFile {
	case "":
	case "-":
		c.Sinks = append(c.Sinks, desk.NewWriterSink(a.stdout))
	default:
		c.Sinks = append(c.Sinks, desk.NewFileSink(s.AuditFile))
	}
	if s.Webhook != nil {
		c.Sinks = append(c.Sinks, desk.NewWebhookSink(s.Webhook, s.WebhookSecret))
	}
	return desk.New(c), nil
}

// words is where what is said to people goes: standard output, unless the log
// is streamed there.
func (s settings) words(a *app) io.Writer {
	if s.AuditFile == "-" {
		return a.stderr
	}
	return a.stdout
}

// recorded are the settings as the audit log keeps them: by their variables'
// names, secrets only as fingerprints that tell whether they were changed.
func (s settings) recorded(db *store.DB) map[string]string {
	all := map[string]string{
		"FRONTDESK_ADDR": s.Addr, "FRONTDESK_BASE_URL": s.BaseURL.String(), "FRONTDESK_DATABASE": store.Named(s.Database),
		"FRONTDESK_PORTALS": strings.Join(s.Portals, ","), "FRONTDESK_ATOM_URL": s.AtomURL, "FRONTDESK_IP1_URL": s.IP1URL,
		"FRONTDESK_IP1_ACCOUNT": s.IP1.Account, "FRONTDESK_SSO_HOSTS": s.HostsText,
		"FRONTDESK_TIMEOUT_CONNECT": s.Connect.String(), "FRONTDESK_TIMEOUT_ACT": s.Act.String(), "FRONTDESK_TIMEOUT_LIST": s.List.String(),
		"FRONTDESK_SYNC_INTERVAL": s.Sync.String(), "FRONTDESK_IDLE_TIMEOUT": s.Idle.String(), "FRONTDESK_REASON": fmt.Sprintf("required: %t", s.Reason),
		"FRONTDESK_TRUSTED_PROXIES": strings.Trim(fmt.Sprint(s.Proxies), "[]"), "FRONTDESK_METRICS_ADDR": s.Metrics,
		"FRONTDESK_AUDIT_FILE": s.AuditFile, "FRONTDESK_SMS_COUNTRIES": strings.Join(s.SMS.Countries, ","),
		"FRONTDESK_SMS_PER_STAFF": strconv.Itoa(s.SMS.PerStaff), "FRONTDESK_SMS_PER_NUMBER": strconv.Itoa(s.SMS.PerNumber),
		"FRONTDESK_SMS_COOLDOWN": s.SMS.Cooldown.String(),
	}
	if s.Webhook != nil { // the rest of the address can be secret
		all["FRONTDESK_AUDIT_WEBHOOK_URL"] = s.Webhook.Host + " " + db.Fingerprint("FRONTDESK_AUDIT_WEBHOOK_URL", s.Webhook.String())
	}
	if s.Tracing.Endpoint != nil { // likewise
		all["OTEL_EXPORTER_OTLP_ENDPOINT"] = s.Tracing.Endpoint.Host
	}
	for name, address := range s.PortalURL {
		all["FRONTDESK_PORTAL_"+strings.ToUpper(name)+"_URL"] = address
	}
	for name, secret := range map[string]string{
		"FRONTDESK_SECRET": string(s.Secret), "FRONTDESK_SECRET_OLD": string(s.OldSecret), "FRONTDESK_ATOM_SUPERKEY": s.Superkey,
		"FRONTDESK_ATOM_SUPERTOKEN": s.Supertok, "FRONTDESK_IP1_KEY": s.IP1.Key, "FRONTDESK_IP1_TOKEN": s.IP1.Token,
		"FRONTDESK_AUDIT_WEBHOOK_SECRET": string(s.WebhookSecret),
	} {
		all[name] = db.Fingerprint(name, secret)
	}
	return all
}

// announce prints what is in effect, and no secret.
func (s settings) announce(a *app) {
	var portals []string
	for _, name := range s.Portals {
		portals = append(portals, name+" "+s.PortalURL[name])
	}
	sms := "not set up"
	if s.IP1.Set() {
		sms = s.IP1URL + ", SMS to " + orElse(strings.Join(s.SMS.Countries, ", "), "any country")
	}
	proxies := "none"
	if len(s.Proxies) > 0 {
		proxies = strings.Trim(fmt.Sprint(s.Proxies), "[]")
	}
	var streams []string
	if s.AuditFile == "-" {
		streams = append(streams, "standard output")
	} else if s.AuditFile != "" {
		streams = append(streams, "file "+s.AuditFile)
	}
	if s.Webhook != nil {
		streams = append(streams, "webhook "+s.Webhook.Host) // the rest of the address can be secret
	}
	fmt.Fprintf(s.words(a), `frontdesk %s
  open        %s
  listening   %s
  database    %s
  portals     %s
  ATOM        %s
  iP1         %s
  SSO hosts   %s
  log to      %s
  proxies     %s
  metrics     %s
  traces      %s
`, version(), s.BaseURL, s.Addr, store.Named(s.Database), strings.Join(portals, ", "), s.AtomURL, sms, orElse(s.HostsText, "any https host"),
		orElse(strings.Join(streams, ", "), "the database only"), proxies, orElse(s.Metrics, "off"), s.Tracing)
}
