package call

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// traced begins the call's span below the caller's; nil when the caller has none. It
// has no address, which can hold secrets. The service is not told of it: the trace's
// ID in a header would let a third party tie calls together and to us.
func traced(ctx context.Context, service string, req Request) (context.Context, trace.Span) {
	caller := trace.SpanFromContext(ctx)
	if !caller.IsRecording() {
		return ctx, nil
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	return caller.TracerProvider().Tracer("frontdesk/web/call").Start(ctx, service+": "+req.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.ServicePeerName(service), semconv.HTTPRequestMethodKey.String(method), attribute.String("frontdesk.call", req.Op)))
}

// told notes in the span how the call ended: the kind of the failure, and never its
// text, in which the service may speak of somebody.
func (x *exchange) told(err error) {
	if x.span == nil {
		return
	}
	if x.status != 0 {
		x.span.SetAttributes(semconv.HTTPResponseStatusCode(x.status))
	}
	var e *Error
	switch {
	case err == nil:
		return
	case errors.As(err, &e):
		x.span.SetAttributes(semconv.ErrorTypeKey.String(e.Kind.String()))
		if e.Reason != ReasonNone {
			x.span.SetAttributes(attribute.String("frontdesk.call.reason", e.Reason.String()))
		}
		if e.Timeout {
			x.span.SetAttributes(attribute.Bool("frontdesk.call.timeout", true))
		}
	default:
		x.span.SetAttributes(semconv.ErrorTypeOther)
	}
	x.span.SetStatus(codes.Error, "")
}
