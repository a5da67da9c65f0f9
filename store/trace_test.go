package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// collected returns where callers begin their spans, and what has ended.
func collected() (trace.Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"), spans
}

// TestSpansOfWrites that share a commit belong each to its caller, and have none of
// what was written.
func TestSpansOfWrites(t *testing.T) {
	r := newRig(t)
	tracer, spans := collected()
	release := r.hold()
	var all sync.WaitGroup
	callers := map[trace.SpanID]bool{}
	no := errors.New("no to planted@private.example")
	for i := range 3 {
		own, span := tracer.Start(ctx, fmt.Sprint("caller ", i))
		callers[span.SpanContext().SpanID()] = true
		all.Go(func() {
			err := r.Write(own, func(tx *Tx) error {
				if i == 2 {
					return no
				}
				return event(tx, "planted@private.example")
			})
			if (err != nil) != (i == 2) {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	r.queued(3)
	release()
	all.Wait()
	ended := spans.Ended()
	if len(ended) != 3 {
		t.Fatalf("%d spans", len(ended))
	}
	back := 0
	for _, span := range ended {
		if !callers[span.Parent().SpanID()] || span.Name() != "write" {
			t.Errorf("%q is nobody's", span.Name())
		}
		delete(callers, span.Parent().SpanID())
		if len(span.Events()) != 1 || span.Events()[0].Name != "turn" {
			t.Errorf("its turn is not noted: %v", span.Events())
		}
		text := fmt.Sprint(span.Attributes(), span.Events(), span.Status())
		if !strings.Contains(text, "db.system.name") || !strings.Contains(text, "db.operation.name") || strings.Contains(text, "planted") || span.Status().Code == codes.Error {
			t.Errorf("has %s", text)
		}
		if strings.Contains(text, "frontdesk.rolled_back") {
			back++
		}
	}
	if back != 1 {
		t.Errorf("%d say that they were rolled back", back)
	}
}

// TestSpanOfAWriteThatCannotBe says what kind of trouble it was.
func TestSpanOfAWriteThatCannotBe(t *testing.T) {
	r := newRig(t)
	tracer, spans := collected()
	own, _ := tracer.Start(ctx, "caller")
	late, cancel := context.WithCancel(own)
	cancel()
	if err := r.Write(late, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(own, func(*Tx) error { return nil }); !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
	var kinds []string
	for _, span := range spans.Ended() {
		if span.Status().Code != codes.Error {
			t.Errorf("%q is no failure", span.Name())
		}
		for _, a := range span.Attributes() {
			if a.Key == "error.type" {
				kinds = append(kinds, a.Value.AsString())
			}
		}
	}
	if strings.Join(kinds, " ") != "cancelled unwritable" {
		t.Errorf("kinds %q", kinds)
	}
}

// TestSpansOfReads name the table, and nothing of what was asked for.
func TestSpansOfReads(t *testing.T) {
	r := newRig(t)
	tracer, spans := collected()
	own, _ := tracer.Start(ctx, "caller")
	if _, err := r.Customer(own, "planted-cuid"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := r.AllStaff(own); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, span := range spans.Ended() {
		names = append(names, span.Name())
		if text := fmt.Sprint(span.Attributes(), span.Status()); strings.Contains(text, "planted") || span.Status().Code == codes.Error {
			t.Errorf("has %s", text)
		}
	}
	if strings.Join(names, ", ") != "SELECT customers, SELECT staff" {
		t.Errorf("spans %q", names)
	}
}

func TestTableOf(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1": "", "SELECT a FROM staff WHERE id = $1": "staff", "SELECT n FROM import_counts": "import_counts",
		"SELECT a FROM (SELECT b FROM staff)": "", "SELECT a\n\t\tFROM customers c\n\t\tJOIN x": "customers",
	} {
		if got := tableOf(query); got != want {
			t.Errorf("%q reads %q, want %q", query, got, want)
		}
	}
}

// TestWithoutSpansNothingIsAllocated for them.
func TestWithoutSpansNothingIsAllocated(t *testing.T) {
	var none *postgres // SQLite
	if n := testing.AllocsPerRun(100, func() {
		over(none.traced(ctx, "write", ""), nil)
		over(none.tracedRead(ctx, "SELECT 1 FROM staff"), nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
