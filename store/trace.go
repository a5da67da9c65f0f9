package store

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// traced begins a span below the caller's; nil when the caller has none. It has
// neither a statement nor its arguments. table may be ""; p is nil with SQLite.
func (p *postgres) traced(ctx context.Context, operation, table string) trace.Span {
	caller := trace.SpanFromContext(ctx)
	if !caller.IsRecording() {
		return nil
	}
	system := semconv.DBSystemNameSQLite
	if p != nil {
		system = semconv.DBSystemNamePostgreSQL
	}
	name, attrs := operation, []attribute.KeyValue{system, semconv.DBOperationName(operation)}
	if table != "" {
		name, attrs = name+" "+table, append(attrs, semconv.DBCollectionName(table))
	}
	_, span := caller.TracerProvider().Tracer("frontdesk/store").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	return span
}

// tracedRead is traced for a query of the readers. The span ends when the first row
// is there.
func (p *postgres) tracedRead(ctx context.Context, query string) trace.Span {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return nil // the text is not worth a look
	}
	return p.traced(ctx, "SELECT", tableOf(query))
}

// tableOf is the first table that a query of ours names; "" when that is no table.
func tableOf(query string) string {
	_, rest, ok := strings.Cut(query, "FROM ")
	if !ok {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	if end < 0 {
		end = len(rest)
	}
	return rest[:end]
}

// over ends a span. The error's text can name what was to be written, so only its
// kind is kept: a write that its own function gave up is no trouble of the database.
func over(span trace.Span, err error) {
	if span == nil {
		return
	}
	var u *Unwritable
	switch {
	case err == nil:
	case errors.As(err, &u), errors.Is(err, errClosed):
		span.SetAttributes(semconv.ErrorTypeKey.String("unwritable"))
		span.SetStatus(codes.Error, "")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		span.SetAttributes(semconv.ErrorTypeKey.String("cancelled"))
		span.SetStatus(codes.Error, "")
	default:
		span.SetAttributes(attribute.Bool("frontdesk.rolled_back", true))
	}
	span.End()
}
