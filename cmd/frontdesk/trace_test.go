package main

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"frontdesk/web/sandbox"
)

// received is a collector of traces, and what it was sent.
type received struct {
	*httptest.Server
	mu      sync.Mutex
	bytes   []byte // of all bodies
	headers []http.Header
	spans   map[string]*tracepb.Span // by ID
	of      map[string]string        // the resource
}

func startCollector(t *testing.T) *received {
	t.Helper()
	c := &received{spans: map[string]*tracepb.Span{}, of: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *received) take(r *http.Request) error {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			return err
		}
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if kind := r.Header.Get("Content-Type"); r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || kind != "application/x-protobuf" {
		return fmt.Errorf("is of kind %q", kind)
	}
	var data tracepb.TracesData // as ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &data); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes, c.headers = append(c.bytes, b...), append(c.headers, r.Header)
	for _, rs := range data.ResourceSpans {
		for _, a := range rs.Resource.Attributes {
			c.of[a.Key] = a.Value.GetStringValue()
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				c.spans[string(s.SpanId)] = s
			}
		}
	}
	return nil
}

// named are the spans of that name.
func (c *received) named(name string) (all []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

// above are the names of a span and of those that it is below, up to the root.
func (c *received) above(s *tracepb.Span) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	trace := string(s.TraceId)
	for ; s != nil; s = c.spans[string(s.ParentSpanId)] {
		if names = append(names, s.Name); string(s.TraceId) != trace {
			return append(names, "of another trace")
		}
		if len(s.ParentSpanId) == 0 {
			return names
		}
	}
	return append(names, "nothing that was received")
}

// TestTraces of a sign-in and of an act go from the browser's request to the service
// and the database, and hold no secret and nobody's name.
func TestTraces(t *testing.T) {
	s, c := startServices(t), startCollector(t)
	e := s.against(t).with(env{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20quince-collector", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test", "OTEL_BSP_SCHEDULE_DELAY": "50",
	})
	d := startDashboard(t, e)
	alice := visit(t, d, "alice")
	customer := alice.customers()[0]
	receipt := alice.receipt(customer, customer+"/sso")
	opened := alice.post(customer+"/sso", url.Values{"receipt": {receipt}, "reason": {"planted reason"}})
	if opened.status != http.StatusSeeOther {
		t.Fatalf("open: status %d", opened.status)
	}
	eventually(t, "the collector has the act", func() bool { return len(c.named("POST /customers/{cuid}/sso")) == 1 })
	d.signal(t, syscall.SIGTERM)
	if code := d.exit(t); code != 0 { // what was left is sent before
		t.Fatalf("exit %d", code)
	}

	request, act := "POST /customers/{cuid}/sso", "act: open as customer"
	calls := c.named("atom: open SSO")
	if len(calls) != 1 || !slices.Equal(c.above(calls[0]), []string{"atom: open SSO", act, request}) {
		t.Fatalf("%d calls, of them the first below %q", len(calls), c.above(calls[0]))
	}
	writes, reads := 0, 0
	for _, w := range append(c.named("write"), c.named("SELECT customers")...) {
		if string(w.TraceId) != string(calls[0].TraceId) {
			continue
		}
		switch path := strings.Join(c.above(w), " < "); path {
		case "write < " + act + " < " + request:
			writes++
		case "SELECT customers < " + request:
			reads++
		}
	}
	if writes != 2 || reads == 0 {
		t.Errorf("the act wrote %d times, and its request read customers %d times", writes, reads)
	}
	signIns := c.named("portal: sign in")
	if len(signIns) != 1 || !slices.Equal(c.above(signIns[0]), []string{"portal: sign in", "act: sign in", "POST /login"}) {
		t.Errorf("%d sign-ins, %q", len(signIns), c.above(signIns[0]))
	}
	for _, s := range c.spans {
		if path := c.above(s); slices.Contains(path, "nothing that was received") || slices.Contains(path, "of another trace") {
			t.Errorf("%q", path)
		}
	}
	if c.of["service.name"] != "frontdesk" || c.of["service.version"] == "" || c.of["deployment.environment.name"] != "test" {
		t.Errorf("they come from %v", c.of)
	}
	for _, h := range c.headers {
		if h.Get("Authorization") != "Bearer quince-collector" {
			t.Errorf("sent with %q", h.Get("Authorization"))
		}
	}
	if id := fmt.Sprintf("trace_id=%x", calls[0].TraceId); strings.Count(d.stderr.String(), id) != 1 {
		t.Errorf("the log has not one line with %s", id)
	}
	if !strings.Contains(d.stdout.String(), "traces      to "+strings.TrimPrefix(c.URL, "http://")) {
		t.Errorf("it is not said where traces go:\n%s", d.stdout.String())
	}
	d.keepsQuietAbout(t, "quince-collector")

	base, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(opened.location)
	if err != nil {
		t.Fatal(err)
	}
	private := append(e.secrets(), sandbox.Password, "quince-collector", receipt, "planted", opened.location, strings.TrimPrefix(customer, "/customers/"), "alice", "Go-http-client", s.URL)
	for _, values := range link.Query() {
		private = append(private, values...)
	}
	for _, cookie := range alice.http.Jar.Cookies(base) {
		private = append(private, cookie.Value)
	}
	for _, secret := range private {
		if secret != "" && strings.Contains(strings.ToLower(string(c.bytes)), strings.ToLower(secret)) {
			t.Errorf("the traces hold %q", secret)
		}
	}
}

// TestNoTraces are sent, and nothing is said of them, when the standard's variables
// turn them off.
func TestNoTraces(t *testing.T) {
	s, c := startServices(t), startCollector(t)
	for name, off := range map[string]env{
		"exporter none": {"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_EXPORTER": "none"},
		"disabled":      {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/v1/traces", "OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDashboard(t, s.against(t).with(off).with(env{"OTEL_BSP_SCHEDULE_DELAY": "1"}))
			visit(t, d, "alice").get("/")
			d.signal(t, syscall.SIGTERM)
			if code := d.exit(t); code != 0 || strings.Contains(d.stderr.String(), "trace") || !strings.Contains(d.stdout.String(), "traces      off") {
				t.Errorf("exit %d:\n%s%s", code, d.stdout.String(), d.stderr.String())
			}
		})
	}
	if c.bytes != nil {
		t.Errorf("%d bytes were sent", len(c.bytes))
	}
}

// TestACollectorThatHangs keeps no request and no stop waiting.
func TestACollectorThatHangs(t *testing.T) {
	s := startServices(t)
	var asked sync.Once
	reached, until := make(chan struct{}), make(chan struct{})
	c := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Do(func() { close(reached) }); <-until }))
	t.Cleanup(c.Close)
	t.Cleanup(func() { close(until) })
	const never = "3600000" // by itself it would be waited for
	d := startDashboard(t, s.against(t).with(env{
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/quince-path", "OTEL_EXPORTER_OTLP_TIMEOUT": never, "OTEL_BSP_EXPORT_TIMEOUT": never, "OTEL_BSP_SCHEDULE_DELAY": "1",
		"OTEL_BSP_MAX_QUEUE_SIZE": "2", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
	}))
	alice := visit(t, d, "alice")
	<-reached
	for range 20 { // many more spans than may wait
		alice.get("/customers")
	}
	d.signal(t, syscall.SIGTERM)
	if code := d.exit(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	if said := d.stderr.String(); strings.Count(said, "traces cannot be sent") != 1 || strings.Contains(said, "quince") {
		t.Errorf("it said:\n%s", said)
	}
}

// TestTracingConfiguration says what is wrong by the variable's name, and never what
// it holds.
func TestTracingConfiguration(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	on := env{endpoint: "http://127.0.0.1:1"}
	for name, give := range map[string]env{
		"OTEL_EXPORTER_OTLP_PROTOCOL":           {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":    {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
		"OTEL_TRACES_EXPORTER":                  {"OTEL_TRACES_EXPORTER": "zipkin"},
		endpoint:                                {endpoint: "quince.example:4318"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":    {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://quince@collector.example/"},
		"OTEL_EXPORTER_OTLP_COMPRESSION":        {"OTEL_EXPORTER_OTLP_COMPRESSION": "quince"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":            {"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"},
		"OTEL_EXPORTER_OTLP_HEADERS":            {"OTEL_EXPORTER_OTLP_HEADERS": "authorization: quince"},
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS":     {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=quince%0aquince"},
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "quince.pem"},
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": {"OTEL_EXPORTER_OTLP_CLIENT_KEY": "quince.key"},
		"OTEL_PROPAGATORS":                      {"OTEL_PROPAGATORS": "tracecontext,b3"},
	} {
		got := try(t, good(t).with(on).with(give), "serve")
		if got.code != 2 || !slices.Equal(got.problems(), []string{name}) || strings.Contains(got.stderr, "quince.") || strings.Contains(got.stderr, "quince%") || strings.Contains(got.stderr, "quince@") {
			t.Errorf("%s: code %d:\n%s", name, got.code, got.stderr)
		}
	}
	for name, tt := range map[string]struct {
		give   env
		to     string // "": off
		believ bool
	}{
		"nothing":             {env{}, "", false},
		"no endpoint":         {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "", false},
		"blank":               {env{endpoint: " "}, "", false},
		"none":                {on.with(env{"OTEL_TRACES_EXPORTER": "none"}), "", false},
		"base":                {env{endpoint: "http://collector:4318"}, "http://collector:4318/v1/traces", false},
		"base with a path":    {env{endpoint: "https://collector.example/otlp/"}, "https://collector.example/otlp/v1/traces", false},
		"traces' own":         {on.with(env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces.example/in"}), "https://traces.example/in", false},
		"traces' own, root":   {env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces.example"}, "https://traces.example/", false},
		"propagators":         {env{endpoint: "http://collector:4318", "OTEL_PROPAGATORS": "tracecontext,baggage"}, "http://collector:4318/v1/traces", true},
		"propagators of none": {env{endpoint: "http://collector:4318", "OTEL_PROPAGATORS": "none"}, "http://collector:4318/v1/traces", false},
	} {
		k := &checker{}
		got := k.tracing(func(name string) (string, bool) { v, ok := tt.give[name]; return v, ok })
		to := ""
		if got.Endpoint != nil {
			to = got.Endpoint.String()
		}
		if len(k.problems) > 0 || to != tt.to || got.Believe != tt.believ || (got.propagator() != nil) != tt.believ {
			t.Errorf("%s: to %q, believes %v, %v", name, to, got.Believe, k.problems)
		}
	}
	t.Chdir(t.TempDir())
	got := serveOnce(t, good(t).with(env{"OTEL_EXPORTER_OTLP_ENDPOINT": " "}))
	if got.code != 0 || !strings.Contains(got.stdout, "traces      off") {
		t.Errorf("code %d:\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestCollectorCertificates: the authorities of the variable are those that count.
func TestCollectorCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // it logs our refusal of its certificate
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pemOf(server), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, trusted := range []bool{false, true} {
		given := env{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}
		if trusted {
			given["OTEL_EXPORTER_OTLP_CERTIFICATE"] = file
		}
		k := &checker{}
		c := newCollector(k.tracing(func(name string) (string, bool) { v, ok := given[name]; return v, ok }))
		if _, _, err := c.post(t.Context(), nil); (err == nil) != trusted || len(k.problems) > 0 {
			t.Errorf("trusted %v: %v, %v", trusted, err, k.problems)
		}
	}
}

// TestCollectorIsTriedAgain when that may help, and its redirects are not followed:
// the headers are a secret between the two.
func TestCollectorIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		statuses []int
		tries    int
		fails    bool
	}{
		{[]int{200}, 1, false}, {[]int{503, 429, 202}, 3, false}, {[]int{400}, 1, true}, {[]int{307}, 1, true}, {[]int{502, 401}, 2, true},
	} {
		tries := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/traces" {
				t.Errorf("followed to %s", r.URL)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tt.statuses[min(tries, len(tt.statuses)-1)])
			tries++
		}))
		u, err := url.Parse(server.URL + "/v1/traces")
		if err != nil {
			t.Fatal(err)
		}
		c := newCollector(tracing{Endpoint: u, Timeout: patience})
		c.first = time.Millisecond
		if err := c.UploadTraces(t.Context(), nil); (err != nil) != tt.fails || tries != tt.tries {
			t.Errorf("%v: %v after %d tries", tt.statuses, err, tries)
		}
		server.Close()
	}
	u, err := url.Parse("http://" + freeAddr(t) + "/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	c := newCollector(tracing{Endpoint: u, Timeout: patience})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.UploadTraces(ctx, nil); err == nil || strings.Contains(err.Error(), "/v1/traces") {
		t.Errorf("nobody listens: %v", err)
	}
	c.first = time.Hour
	c.stop()
	if err := c.UploadTraces(t.Context(), nil); err == nil {
		t.Error("sent although it was stopped")
	}
}

// TestTracingTroubleIsToldNowAndThen, without what an address may hold.
func TestTracingTroubleIsToldNowAndThen(t *testing.T) {
	var said output
	now := time.Now()
	trouble := &tracingTrouble{log: slog.New(slog.NewTextHandler(&said, nil)), now: func() time.Time { return now }}
	for range 5 {
		trouble.Handle(errors.New(`post "https://collector.example/quince?key=quince": no`))
		now = now.Add(29 * time.Second)
	}
	if text := said.String(); strings.Count(text, "\n") != 2 || strings.Contains(text, "quince") || !strings.Contains(text, "collector.example") || !strings.Contains(text, `line"=2`) {
		t.Errorf("it said:\n%s", text)
	}
}

// pemOf is the certificate of a server.
func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
