package call_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"frontdesk/web/call"
)

// collected returns a context with a span, and what ends below it.
func collected(t *testing.T) (context.Context, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	ctx, _ := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test").Start(t.Context(), "caller")
	return ctx, spans
}

// attributes are a span's, as name=value.
func attributes(span sdktrace.ReadOnlySpan) string {
	var all []string
	for _, a := range span.Attributes() {
		all = append(all, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
	}
	return strings.Join(all, " ")
}

// A call's span says which call, how it was answered and how it failed, and nothing
// that was sent or said.
func TestSpanOfACall(t *testing.T) {
	const private = "ada@private.example"
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc // nil: nobody listens
		check  func(*call.Response) error
		want   string
		failed bool
	}{
		{"done", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"email":"`+private+`"}`) }, nil, "http.response.status_code=200", false},
		{"redirected", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://"+secret+".example")
			w.WriteHeader(302)
		}, nil, "http.response.status_code=302", false},
		{"refused", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			io.WriteString(w, `{"message":"no `+private+`"}`)
		}, func(*call.Response) error {
			return &call.Error{Service: "atom", Op: "try", Kind: call.Refused, Reason: call.ReasonNotFound, Message: "no " + private}
		}, "http.response.status_code=404 error.type=refused frontdesk.call.reason=not found", true},
		{"unreachable", nil, nil, "error.type=unreachable", true},
		{"cut", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, nil, "error.type=unanswered", true},
		{"the caller's own", func(w http.ResponseWriter, _ *http.Request) {}, func(*call.Response) error { return errors.New(private) },
			"http.response.status_code=200 error.type=_OTHER", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := make(chan http.Header, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { header <- r.Header; tt.answer(w, r) }))
			defer server.Close()
			if tt.answer == nil {
				server.Close()
			}
			ctx, spans := collected(t)
			_, err := call.New("atom", short, nil).Do(ctx, call.Request{Op: "try", Method: "GET", URL: server.URL + "/" + private + "?passcode=" + secret, Acts: true, Check: tt.check})
			if (err != nil) != tt.failed {
				t.Errorf("ended with %v", err)
			}
			ended := spans.Ended()
			if len(ended) != 1 {
				t.Fatalf("%d spans", len(ended))
			}
			span := ended[0]
			if span.Name() != "atom: try" || span.SpanKind() != trace.SpanKindClient || span.Parent().SpanID() != trace.SpanContextFromContext(ctx).SpanID() {
				t.Errorf("%q of kind %v below %v", span.Name(), span.SpanKind(), span.Parent().SpanID())
			}
			if got, want := attributes(span), "service.peer.name=atom http.request.method=GET frontdesk.call=try "+tt.want; got != want {
				t.Errorf("has\n%s, want\n%s", got, want)
			}
			if got := span.Status(); (got.Code == codes.Error) != tt.failed || got.Description != "" {
				t.Errorf("status %+v", got)
			}
			if len(header) > 0 {
				for name, values := range <-header { // a third party is not told of our traces
					if strings.Contains(strings.ToLower(name), "trace") || name == "Baggage" || name == "B3" {
						t.Errorf("the service was sent %s: %q", name, values)
					}
					if id := trace.SpanContextFromContext(ctx).TraceID().String(); strings.Contains(strings.Join(values, ""), id) {
						t.Errorf("the service was sent the trace in %s", name)
					}
				}
			}
		})
	}
}

// Of an answer that is read bit by bit, the span ends with the reading.
func TestSpanOfAList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") }))
	defer server.Close()
	ctx, spans := collected(t)
	err := call.New("atom", short, nil).Stream(ctx, call.Request{Op: "list", Method: "GET", URL: server.URL, Long: true}, func(_ *call.Response, body io.Reader) error {
		if n := len(spans.Ended()); n != 0 {
			t.Errorf("%d spans had ended before the list was read", n)
		}
		_, err := io.ReadAll(body)
		return err
	})
	if err != nil || len(spans.Ended()) != 1 {
		t.Errorf("%v, %d spans", err, len(spans.Ended()))
	}
}

// Without a span of the caller's, and in a trace that is not kept, there is none.
func TestNoSpanWithoutACaller(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sdktrace.NeverSample()))
	left, _ := provider.Tracer("test").Start(t.Context(), "caller")
	for _, ctx := range []context.Context{t.Context(), left} {
		if _, err := call.New("atom", short, nil).Do(ctx, call.Request{Op: "try", Method: "GET", URL: server.URL}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(spans.Started()); n != 0 {
		t.Errorf("%d spans", n)
	}
}
