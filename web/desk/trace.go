package desk

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"frontdesk/store/audit"
)

// How an act's span ends when no outcome is recorded.
const (
	tracedNotBegun   = "not begun"  // refused, or the log could not be written
	tracedRepeated   = "repeated"   // an act of before is answered with
	tracedUnrecorded = "unrecorded" // it was done, and its outcome could not be written
)

// traced begins a span, below that of the request if there is one; nil when nobody
// collects them. Its name is one of ours and says nothing of anybody.
func (d *Desk) traced(ctx context.Context, kind, what string) (context.Context, trace.Span) {
	if d.tracer == nil {
		return ctx, nil
	}
	return d.tracer.Start(ctx, kind+": "+what)
}

// over ends a span. id is the act's, by which the log has the rest; "" for none.
func over(span trace.Span, id, outcome string) {
	if span == nil {
		return
	}
	if id != "" {
		span.SetAttributes(attribute.String("frontdesk.act.id", id))
	}
	span.SetAttributes(attribute.String("frontdesk.outcome", outcome))
	switch audit.Result(outcome) {
	case audit.Unreachable, audit.Unknown, tracedUnrecorded, "failed":
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
