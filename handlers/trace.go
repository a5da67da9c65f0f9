package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// methods are those that a span may be named after; anybody can make up others.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	http.MethodConnect, http.MethodTrace}

// traced begins the span of a request; nil when nobody collects them, and for what
// is asked for often and is nobody's. A trace that the request says it belongs to is
// believed only when Config.Propagator is set: an outsider could put himself into
// ours.
func (h *Handlers) traced(r *http.Request) (context.Context, trace.Span) {
	ctx := r.Context()
	if h.tracer == nil || isBare(r.URL.Path) {
		return ctx, nil
	}
	if h.Propagator != nil {
		ctx = h.Propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return h.tracer.Start(ctx, spanName("", r.Method), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(spanMethod(r.Method)))
}

// ended ends the span of a request. It has the route's pattern and never the path or
// the query, in which a customer's identifier or e-mail can be, and of the person the
// number in the staff directory alone.
func (v *visit) ended(span trace.Span, method string, status int) {
	if span == nil {
		return
	}
	span.SetName(spanName(v.Route, method))
	attrs := []attribute.KeyValue{attribute.String("frontdesk.request.id", v.ID)}
	if _, path, ok := strings.Cut(v.Route, " "); ok {
		attrs = append(attrs, semconv.HTTPRoute(path))
	}
	if status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(status))
	}
	if status >= http.StatusInternalServerError {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		span.SetStatus(codes.Error, "")
	}
	if v.signedIn() {
		attrs = append(attrs, semconv.EnduserID(strconv.FormatInt(v.Actor.Staff.ID, 10)))
	}
	span.SetAttributes(attrs...)
	span.End()
}

// spanName is the route's pattern; without one the method.
func spanName(route, method string) string {
	switch {
	case strings.Contains(route, " "):
		return route
	case slices.Contains(methods, method):
		return method
	}
	return "HTTP"
}

func spanMethod(method string) attribute.KeyValue {
	if slices.Contains(methods, method) {
		return semconv.HTTPRequestMethodKey.String(method)
	}
	return semconv.HTTPRequestMethodOther
}

// apart is a context in which nothing adds to the span: what goes on for as long as a
// page is open would add to it without end.
func apart(ctx context.Context) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{})
}
