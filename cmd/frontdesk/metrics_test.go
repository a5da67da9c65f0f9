package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scraped are the metrics that a process serves, as Prometheus reads them.
type scraped struct {
	t        *testing.T
	text     string
	families map[string]*dto.MetricFamily
}

func scrape(t *testing.T, address string) scraped {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", res.StatusCode, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return scraped{t, string(body), families}
}

// has holds that a counter or gauge has this value; labels are name and value in turn.
func (s scraped) has(want float64, name string, labels ...string) {
	s.t.Helper()
	for _, m := range s.families[name].GetMetric() {
		of := map[string]string{}
		for _, l := range m.GetLabel() {
			of[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && of[labels[i]] == labels[i+1]
		}
		if fits {
			if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want {
				s.t.Errorf("%s%v is %v, want %v", name, labels, got, want)
			}
			return
		}
	}
	s.t.Errorf("there is no %s%v", name, labels)
}

// A working dashboard tells what happened, by the conventions, and of nobody.
func TestMetrics(t *testing.T) {
	s := startServices(t)
	at := freeAddr(t)
	d := startDashboard(t, s.against(t).with(env{"FRONTDESK_METRICS_ADDR": at}))
	alice := visit(t, d, "alice")
	if made := alice.post("/customers", newCustomer(alice, "Metric Weavers AB", "loom@metric.example")); made.status != http.StatusSeeOther {
		t.Fatalf("create: status %d", made.status)
	}
	alice.do(http.MethodGet, "/nobody/made/this/up", nil)
	status(d.URL + "/healthz")
	s.control(t, `{"service": "atom", "status": 503}`)
	alice.post("/customers", newCustomer(alice, "Second Weavers AB", "second@metric.example"))

	got := scrape(t, at)
	got.has(1, "frontdesk_acts_total", "act", "create customer", "outcome", "done")
	got.has(1, "frontdesk_acts_total", "act", "create customer", "outcome", "unknown")
	got.has(1, "frontdesk_acts_total", "act", "sign in", "outcome", "done")
	got.has(1, "frontdesk_service_calls_total", "service", "atom", "call", "create customer", "outcome", "done", "status", "200")
	got.has(1, "frontdesk_service_calls_total", "service", "atom", "call", "create customer", "outcome", "refused", "status", "503")
	got.has(1, "frontdesk_http_requests_total", "route", "POST /customers", "status", "303")
	got.has(1, "frontdesk_http_requests_total", "route", "none", "status", "404")
	got.has(1, "frontdesk_sessions")
	got.has(0, "frontdesk_acts_under_way")
	got.has(1, "frontdesk_database_writable")
	got.has(1, "frontdesk_audit_log_intact")
	got.has(0, "frontdesk_import_rows", "state", "ready")
	if n := got.families["frontdesk_audit_appends_total"].GetMetric()[0].GetCounter().GetValue(); n != got.families["frontdesk_audit_log_entries"].GetMetric()[0].GetGauge().GetValue() {
		t.Errorf("a new log has other entries than the %v appended to it", n)
	}
	for _, name := range []string{"frontdesk_mirror_customers", "frontdesk_mirror_synced_timestamp_seconds", "frontdesk_audit_checkpoint_timestamp_seconds", "frontdesk_database_size_bytes"} {
		if m := got.families[name].GetMetric(); len(m) != 1 || m[0].GetGauge().GetValue() <= 0 {
			t.Errorf("%s: %v", name, m)
		}
	}
	for _, private := range []string{"metric.example", "Weavers", "alice", "/nobody", "sandbox-superkey"} {
		if strings.Contains(got.text, private) {
			t.Errorf("the metrics speak of %q", private)
		}
	}
	problems, err := promlint.New(strings.NewReader(got.text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if answer, err := http.Get("http://" + at + "/"); err != nil || answer.StatusCode != http.StatusNotFound {
		t.Errorf("beside the metrics there is something: %v, %v", answer, err)
	}
	if code := status(d.URL + "/metrics"); code != http.StatusNotFound {
		t.Errorf("the pages' own address answers with status %d", code)
	}
	known(t, "dashboard", got)
	known(t, "alerts", got)
}

// known holds that what is printed for operators asks for metrics that there are.
func known(t *testing.T, what string, got scraped) {
	t.Helper()
	var out, complaints strings.Builder
	if code := run(t.Context(), []string{"metrics", what}, nil, &out, &complaints); code != 0 || complaints.Len() > 0 {
		t.Fatalf("metrics %s: exit %d: %s", what, code, complaints.String())
	}
	text := out.String()
	file := map[string]string{"dashboard": "dashboard.json", "alerts": "alerts.yaml"}[what]
	if kept, err := os.ReadFile(file); err != nil || string(kept) != text {
		t.Errorf("metrics %s prints something else than %s: %v", what, file, err)
	}
	if what == "dashboard" && !json.Valid([]byte(text)) {
		t.Error("the dashboard is not JSON")
	}
	asked := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(frontdesk|process|go)_[a-z_]*[a-z]`).FindAllString(text, -1) {
		family := name
		if got.families[family] == nil {
			family = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		}
		if asked[family] = true; got.families[family] == nil {
			t.Errorf("%s: nothing is called %s", what, name)
		}
	}
	if len(asked) < 8 {
		t.Errorf("%s asks only for %v", what, slices.Sorted(maps.Keys(asked)))
	}
}

// Two that want one address: the second says so, and does not begin.
func TestMetricsAddressTaken(t *testing.T) {
	s := startServices(t)
	at := strings.TrimPrefix(s.URL, "http://")
	p := start(t, t.TempDir(), s.against(t).with(env{"FRONTDESK_METRICS_ADDR": at}), "serve")
	if code := p.exit(t); code != 1 || !strings.Contains(p.stderr.String(), "listen for metrics") {
		t.Errorf("exit %d:\n%s", code, p.stderr.String())
	}
}
