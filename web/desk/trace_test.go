package desk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"frontdesk/store"
	"frontdesk/web/sandbox"
)

// TestSpansOfActs: each act has one, with the intent's write, the call and the
// outcome's write below it in that order, and nothing of whom it is about.
func TestSpansOfActs(t *testing.T) {
	r := newRig(t)
	spans := tracetest.NewSpanRecorder()
	r.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	customer, receipt := r.customers[0], store.NewID()
	for range 2 {
		if _, err := r.OpenSSO(ctx, r.mia, receipt, customer.CUID, "planted reason"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.SignIn(ctx, Actor{Address: "192.0.2.1"}, SignIn{"customer", "alice", sandbox.Password}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SignIn(ctx, Actor{Address: "192.0.2.1"}, SignIn{"customer", "alice", "planted password"}); err == nil {
		t.Fatal("signed in with a wrong password")
	}
	r.control(`{"service": "atom", "reset": true}`)
	if _, err := r.OpenSSO(ctx, r.mia, store.NewID(), customer.CUID, ""); err == nil {
		t.Fatal("opened although the connection broke")
	}

	below := map[string][]string{}
	for _, span := range spans.Ended() {
		below[span.Parent().SpanID().String()] = append(below[span.Parent().SpanID().String()], span.Name())
	}
	var acts []string
	for _, span := range spans.Ended() {
		text := fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status())
		for _, private := range []string{"planted", customer.CUID, customer.Email, customer.Company, "alice", sandbox.Password, "192.0.2.1", superKey, r.server.URL} {
			if strings.Contains(text, private) {
				t.Errorf("a span says %q: %s", private, text)
			}
		}
		if !strings.HasPrefix(span.Name(), "act: ") {
			continue
		}
		act, id := span.Name(), ""
		for _, a := range span.Attributes() {
			switch a.Key {
			case "frontdesk.outcome":
				act += " " + a.Value.AsString()
			case "frontdesk.act.id":
				id = a.Value.AsString()
			}
		}
		acts = append(acts, act)
		calls := slices.DeleteFunc(slices.Clone(below[span.SpanContext().SpanID().String()]), func(name string) bool { return strings.HasPrefix(name, "SELECT") })
		switch {
		case strings.HasSuffix(act, " repeated"):
			if id != "" || slices.Contains(calls, "atom: open SSO") {
				t.Errorf("%s, with the act %q, has below it %q", act, id, calls)
			}
		case id == "" || len(calls) != 3 || calls[0] != "write" || !strings.Contains(calls[1], ": ") || calls[2] != "write":
			t.Errorf("%s, with the act %q, has below it %q", act, id, calls)
		}
		if failed := strings.HasSuffix(act, " unknown"); failed != (span.Status().Code == codes.Error) {
			t.Errorf("%s has the status %v", act, span.Status())
		}
	}
	want := []string{"act: open as customer done", "act: open as customer repeated", "act: sign in done", "act: sign in refused", "act: open as customer unknown"}
	if !slices.Equal(acts, want) {
		t.Errorf("acts %q, want %q", acts, want)
	}
}
