package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"frontdesk/store"
)

// traced lets the world's requests have spans from now on.
func (w *world) traced() *tracetest.SpanRecorder {
	w.t.Helper()
	spans := tracetest.NewSpanRecorder()
	w.h.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	return spans
}

// served are the spans of requests, by their names; the last one of a name counts.
func served(spans *tracetest.SpanRecorder) map[string]sdktrace.ReadOnlySpan {
	all := map[string]sdktrace.ReadOnlySpan{}
	for _, span := range spans.Ended() {
		if span.SpanKind() == trace.SpanKindServer {
			all[span.Name()] = span
		}
	}
	return all
}

func spanHas(span sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	if span != nil {
		for _, a := range span.Attributes() {
			all[string(a.Key)] = a.Value.String()
		}
	}
	return all
}

// TestSpansOfRequests are named by the route and hold nothing that was asked for.
func TestSpansOfRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	mia := w.signedIn("mia")
	spans := w.traced()
	mia.get("/customers?q=planted-search").wantStatus(http.StatusOK)
	mia.get("/customers/planted-cuid?planted=x").wantStatus(http.StatusNotFound)
	mia.get("/planted/path")
	mia.get("/staff").wantStatus(http.StatusForbidden)
	mia.do("PLANTED", "/", nil)
	w.browser().post("/login", url.Values{"portal": {"customer"}, "username": {"planted-name"}, "password": {"planted-password"}})
	mia.get("/healthz").wantStatus(http.StatusOK)
	mia.get("/readyz").wantStatus(http.StatusOK)

	got := served(spans)
	for name, want := range map[string]string{
		"GET /customers":        "GET /customers 200 mia",
		"GET /customers/{cuid}": "GET /customers/{cuid} 404 mia",
		"GET":                   "GET  404 mia",
		"GET /staff":            "GET /staff 403 mia",
		"HTTP":                  "_OTHER  404 mia",
		"POST /login":           "POST /login 401 ",
	} {
		a := spanHas(got[name])
		who := ""
		if a["enduser.id"] == "2" {
			who = "mia"
		}
		if have := fmt.Sprintf("%s %s %s %s", a["http.request.method"], a["http.route"], a["http.response.status_code"], who); have != want {
			t.Errorf("%s has %q, want %q: %v", name, have, want, a)
		}
		if id := a["frontdesk.request.id"]; id == "" || !strings.Contains(w.log.String(), "request="+id) {
			t.Errorf("%s: the request's ID %q is not in the log", name, id)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d kinds of requests have spans: %v", len(got), got)
	}
	for _, span := range spans.Ended() {
		if text := strings.ToLower(fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status())); strings.Contains(text, "planted") || strings.Contains(text, "user_agent") {
			t.Errorf("a span says %s", text)
		}
		if id := span.SpanContext().TraceID().String(); span.SpanKind() == trace.SpanKindServer && !strings.Contains(w.log.String(), "trace_id="+id) {
			t.Errorf("%s: its trace is not in the log", span.Name())
		}
	}
}

// TestWhoseTraceIsBelieved: a browser cannot put its request into a trace of ours,
// unless the operator lets it.
func TestWhoseTraceIsBelieved(t *testing.T) {
	t.Parallel()
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	w := newWorld(t, setup{customers: 3})
	for _, believed := range []bool{false, true} {
		spans := w.traced()
		if believed {
			w.h.Propagator = propagation.TraceContext{}
		}
		w.browser().get("/login", "Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01", "Tracestate", "planted=1", "Baggage", "planted=1")
		span := served(spans)["GET /login"]
		if span == nil {
			t.Fatal("no span")
		}
		if got := span.SpanContext().TraceID().String() == theirs; got != believed || len(span.Links()) != 0 || span.Parent().IsValid() != believed {
			t.Errorf("believed %v, want %v; linked to %v", got, believed, span.Links())
		}
	}
}

// TestSpanOfAStream ends with the stream, and what the stream looks at again and again
// adds nothing to it.
func TestSpanOfAStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	victor := w.signedIn("victor")
	spans := w.traced()
	reads, looked := func(ctx context.Context) error { _, err := w.db.AllStaff(ctx); return err }, 0
	events := w.stream(victor, func(ctx context.Context) (templ.Component, bool, error) {
		looked++
		if served(spans)["GET /live"] != nil {
			t.Error("the span has ended before the stream")
		}
		return said(fmt.Sprint(looked)), looked == 3, reads(ctx)
	})
	for range events {
	}
	deadline := time.Now().Add(10 * time.Second)
	for served(spans)["GET /live"] == nil {
		if time.Now().After(deadline) {
			t.Fatal("the span does not end")
		}
		time.Sleep(time.Millisecond)
	}
	for _, span := range spans.Ended() {
		if span.Name() == "SELECT staff" && len(spanHas(span)) > 0 && span.Parent().SpanID() == served(spans)["GET /live"].SpanContext().SpanID() {
			looked--
		}
	}
	if looked < 2 { // who is there is read once at its beginning
		t.Error("each look has a span of its own")
	}
}

// TestWithoutTracesNothingIsAllocated, and a request has no span.
func TestWithoutTracesNothingIsAllocated(t *testing.T) {
	h, v, r := &Handlers{}, &visit{Route: "GET /customers"}, httptest.NewRequest(http.MethodGet, "/customers", nil)
	r = r.WithContext(store.WithSessionMeta(r.Context(), &store.SessionMeta{}))
	if n := testing.AllocsPerRun(100, func() {
		ctx, span := h.traced(r)
		if span != nil || ctx != r.Context() || apart(ctx) != ctx {
			t.Error("a span was begun")
		}
		v.ended(span, r.Method, 200)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
