package call

import "context"

// Trace notes what a call was answered with, for whoever keeps a record of it.
type Trace struct {
	// Status is the HTTP status of the latest answer; 0 when none arrived.
	Status int
}

type traceKey struct{}

// WithTrace returns a context in which calls fill in t. The calls of one trace
// must follow one another.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}
