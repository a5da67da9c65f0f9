package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	tracesFlush = 2 * time.Second // that a stop waits for the collector
	tracesTold  = time.Minute     // between two lines on what is wrong with it
)

// String is what the start says of it.
func (t tracing) String() string {
	if t.Endpoint == nil {
		return "off"
	}
	return "to " + t.Endpoint.Host // the rest of the address can be secret
}

// propagator reads which trace a request belongs to; nil: none is believed.
func (t tracing) propagator() propagation.TextMapPropagator {
	if !t.Believe {
		return nil
	}
	return propagation.TraceContext{}
}

// startTracing returns what collects spans and sends them on, in batches and beside
// the work: what the collector does not take in time is dropped. Without an endpoint
// it returns nil, and nothing is running. stop sends what is left.
func startTracing(a *app, t tracing) (traces trace.TracerProvider, stop func(), err error) {
	if t.Endpoint == nil {
		return nil, func() {}, nil
	}
	trouble := &tracingTrouble{log: a.log, now: time.Now}
	otel.SetErrorHandler(trouble)
	otel.SetLogger(logr.Discard()) // it would print in its own manner, and quote values
	of, err := resource.New(a.ctx, resource.WithAttributes(semconv.ServiceName("frontdesk"), semconv.ServiceVersion(version())),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // the last one counts
	if of == nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if err != nil {
		a.log.Warn("a part of OTEL_RESOURCE_ATTRIBUTES is not name=value", "error", err)
	}
	collector := newCollector(t)
	exporter, err := otlptrace.New(a.ctx, collector)
	if err != nil {
		return nil, nil, fmt.Errorf("send traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(of))
	return provider, func() {
		ctx, cancel := context.WithTimeout(context.Background(), tracesFlush)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			trouble.Handle(fmt.Errorf("the last traces: %w", err))
		}
		collector.stop()
	}, nil
}

// tracingTrouble tells the log what is wrong with the traces, now and then: a
// collector that is away is no trouble of ours, and must not fill the log.
type tracingTrouble struct {
	log  *slog.Logger
	now  func() time.Time
	mu   sync.Mutex
	told time.Time
	more int // errors since then
}

// pathOf finds what follows a host in an address: a vendor's key can be in it.
var pathOf = regexp.MustCompile(`(https?://[^/\s"]+)/[^\s"]*`)

// Handle implements otel.ErrorHandler.
func (t *tracingTrouble) Handle(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.told.IsZero() && t.now().Sub(t.told) < tracesTold {
		t.more++
		return
	}
	t.log.Warn("traces cannot be sent", "error", pathOf.ReplaceAllString(err.Error(), "$1/…"), "times since the last line", t.more)
	t.told, t.more = t.now(), 0
}
