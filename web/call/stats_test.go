package call_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"frontdesk/web/call"
)

// answering returns a server that answers with the status in the path.
func answering(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := map[string]int{"/200": 200, "/404": 404, "/403": 403, "/429": 429, "/500": 500}[r.URL.Path]
		w.WriteHeader(status)
		io.WriteString(w, `{"message":"as asked"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestHealth(t *testing.T) {
	s := answering(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	stats := call.NewStats(func() time.Time { return now })
	if h := stats.Health("atom"); h != (call.Health{Service: "atom"}) {
		t.Errorf("before any call: %+v", h)
	}
	c := call.New("atom", call.Limits{}, stats)
	get := func(path string, reason call.Reason) {
		c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL + path, Check: func(r *call.Response) error {
			if r.OK() {
				return nil
			}
			e := r.Refusal()
			e.Reason = reason
			return e
		}})
	}
	get("/200", 0)
	get("/404", call.ReasonNotFound)
	get("/403", call.ReasonCustomerKey)
	h := stats.Health("atom")
	if h.Calls != 3 || h.Failures != 0 || h.LastOK != now || !h.LastFailure.IsZero() || h.Median <= 0 || h.P95 < h.Median {
		t.Errorf("a no about data is no failure: %+v", h)
	}
	get("/403", call.ReasonCredentials)
	get("/429", call.ReasonLimit)
	get("/500", 0)
	h = stats.Health("atom")
	if h.Calls != 6 || h.Failures != 3 || h.LastFailure != now || h.Last == nil || h.Last.Op != "try" || h.Last.Status != 500 || h.Last.Message != "as asked" {
		t.Errorf("%+v", h)
	}
	now = now.Add(16 * time.Minute)
	if h = stats.Health("atom"); h.Calls != 0 || h.Median != 0 || h.LastOK.IsZero() || h.Last == nil {
		t.Errorf("after the window: %+v", h)
	}
	for range 250 {
		get("/200", 0)
	}
	if h = stats.Health("atom"); h.Calls != 200 || h.Failures != 0 {
		t.Errorf("more calls than the window holds: %+v", h)
	}
	if h = stats.Health("ip1"); h.Calls != 0 {
		t.Errorf("another service: %+v", h)
	}
	const counted = `
# HELP frontdesk_service_calls_total Calls of the remote services. outcome is done, refused, unreachable or unanswered; status is that of HTTP, or none.
# TYPE frontdesk_service_calls_total counter
frontdesk_service_calls_total{call="try",outcome="done",service="atom",status="200"} 251
frontdesk_service_calls_total{call="try",outcome="refused",service="atom",status="403"} 2
frontdesk_service_calls_total{call="try",outcome="refused",service="atom",status="404"} 1
frontdesk_service_calls_total{call="try",outcome="refused",service="atom",status="429"} 1
frontdesk_service_calls_total{call="try",outcome="refused",service="atom",status="500"} 1
`
	if err := testutil.CollectAndCompare(stats, strings.NewReader(counted), "frontdesk_service_calls_total"); err != nil {
		t.Error(err)
	}
}

// Without Check the status alone decides.
func TestHealthByStatus(t *testing.T) {
	s := answering(t)
	stats := call.NewStats(nil)
	c := call.New("atom", call.Limits{}, stats)
	for _, path := range []string{"/200", "/404", "/429", "/500"} {
		if _, err := c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL + path}); err != nil {
			t.Error(err)
		}
	}
	if h := stats.Health("atom"); h.Calls != 4 || h.Failures != 2 {
		t.Errorf("%+v", h)
	}
}

func TestStatsConcurrently(t *testing.T) {
	s := answering(t)
	stats := call.NewStats(nil)
	c := call.New("atom", call.Limits{}, stats)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				c.Do(t.Context(), call.Request{Op: "try", Method: "GET", URL: s.URL + "/200"})
				stats.Health("atom")
				testutil.CollectAndCount(stats)
			}
		})
	}
	wg.Wait()
	for _, name := range []string{"frontdesk_service_calls_total", "frontdesk_service_call_duration_seconds"} {
		if n := testutil.CollectAndCount(stats, name); n != 1 {
			t.Errorf("%s: %d metrics of one call that always ends alike", name, n)
		}
	}
	if h := stats.Health("atom"); h.Calls != 80 {
		t.Errorf("%+v", h)
	}
}
