package desk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// follow runs a new stream to a sink, as after a start, until done says so. Its
// waiting only moves the clock.
func (r *rig) follow(sink Sink, done func(StreamState) bool) StreamState {
	r.Helper()
	s := newStream(r.Desk, sink)
	s.random = func() float64 { return 0.5 } // no jitter
	s.sleep = func(ctx context.Context, d time.Duration) { r.Add(d); sleep(ctx, 100*time.Microsecond) }
	r.Desk.streams = []*stream{s}
	running, stop := context.WithCancel(ctx)
	var job sync.WaitGroup
	job.Go(func() { s.run(running) })
	defer job.Wait()
	defer stop()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		state := r.Streams()[0]
		if done(state) {
			stop()
			job.Wait()
			if last := r.Streams()[0]; done(last) { // the stream may just have been about to say more
				return last
			}
			return state
		}
		if time.Now().After(deadline) {
			r.Fatalf("waited in vain; the stream is %+v", state)
		}
	}
}

// upToDate is the end of a stream that has delivered everything.
func (r *rig) upToDate() func(StreamState) bool {
	r.Helper()
	last := r.lastID()
	return func(s StreamState) bool {
		m, err := r.Store.StreamMark(ctx, "stream "+s.Name)
		return err == nil && m.Upto >= last && s.Behind == 0 && s.FailingSince.IsZero()
	}
}

func (r *rig) lastID() (id int64) {
	r.Helper()
	if err := r.raw.QueryRow(`SELECT max(id) FROM audit_entries`).Scan(&id); err != nil {
		r.Fatal(err)
	}
	return id
}

// wholeLog is every entry as a line, in order.
func (r *rig) wholeLog() string {
	r.Helper()
	all, err := r.Store.EntriesAfter(ctx, 0, 1_000_000)
	if err != nil {
		r.Fatal(err)
	}
	return string(lines(all))
}

// once drops the lines that have come before, and holds that every new one
// follows the last.
func once(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	seen, last := map[string]bool{}, int64(0)
	for line := range strings.Lines(text) {
		if seen[line] {
			continue
		}
		seen[line] = true
		e, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil || e.ID != last+1 {
			t.Fatalf("after %d comes %q: %v", last, line, err)
		}
		last = e.ID
		b.WriteString(line)
	}
	return b.String()
}

// memory is a sink that keeps what it is given, and does what the test wants.
type memory struct {
	mu     sync.Mutex
	text   bytes.Buffer
	calls  int
	before func(call int, entries []audit.Entry) (taken int, err error) // nil: takes all
}

func (m *memory) Name() string   { return "file" }
func (m *memory) Target() string { return "memory" }
func (m *memory) Deliver(_ context.Context, entries []audit.Entry) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	taken, err := len(entries), error(nil)
	if m.before != nil {
		taken, err = m.before(m.calls, entries)
	}
	m.text.Write(lines(entries[:taken]))
	return taken, err
}

func TestStreamInOrderAcrossRestarts(t *testing.T) {
	r := newRig(t)
	m := &memory{before: func(call int, entries []audit.Entry) (int, error) {
		switch {
		case call%3 == 0:
			return 0, errors.New("odd")
		case call%5 == 0:
			return 0, nil // neither taken nor refused
		case call%4 == 0:
			return (len(entries) + 1) / 2, nil
		}
		return len(entries), nil
	}}
	for range 4 {
		r.fill(streamBatch + 70)
		state := r.follow(m, r.upToDate())
		if state.Behind != 0 || !state.OldestAt.IsZero() || state.LastError != "" || state.DeliveredAt.IsZero() || state.Target != "memory" {
			t.Errorf("at the end: %+v", state)
		}
		if got := m.text.String(); got != r.wholeLog() {
			t.Fatalf("%d bytes came, want %d", len(got), len(r.wholeLog()))
		}
	}
	// Acts' intents are entries like any other.
	if act := r.must(r.RevealToken(ctx, r.victor, "x", "portal", "PLANTED")); act.Act != "" {
		r.follow(m, r.upToDate())
	}
	if !strings.Contains(m.text.String(), `"phase":"intent"`) || m.text.String() != r.wholeLog() {
		t.Error("an intent is missing")
	}
}

// A crash after a delivery and before the mark is moved repeats that delivery;
// without a crash, only the mark is written again.
func TestStreamCrashBeforeTheMark(t *testing.T) {
	r := newRig(t)
	r.fill(streamBatch + 50)
	m := &memory{}
	lift := r.refuse("audit_marks", "NEW.name <> ''")
	state := r.follow(m, func(s StreamState) bool { return s.LastError != "" && s.FailingSince.Add(time.Minute).Before(r.Now()) })
	if m.calls != 1 {
		t.Errorf("%d deliveries while the mark cannot be moved, want 1; %+v", m.calls, state)
	}
	lift()
	r.follow(m, r.upToDate())
	got := m.text.String()
	if once(t, got) != r.wholeLog() {
		t.Error("something was lost")
	}
	first := r.wholeLog()[:strings.Index(r.wholeLog(), `{"id":201,`)]
	if len(got) != len(r.wholeLog())+len(first) {
		t.Errorf("%d bytes came, want the first %d twice", len(got), streamBatch)
	}
}

func TestStreamStateWhileItFails(t *testing.T) {
	r := newRig(t)
	broken := true
	m := &memory{before: func(_ int, entries []audit.Entry) (int, error) {
		if broken {
			return 0, errors.New("the disk is full")
		}
		return len(entries), nil
	}}
	r.Add(time.Hour)
	r.fill(3)
	began := r.Now()
	// The lag is looked at during the wait as well.
	filled := false
	state := r.follow(m, func(s StreamState) bool {
		if s.FailingSince.IsZero() || r.Now().Sub(began) < 15*time.Minute {
			return false
		}
		if !filled {
			r.fill(2)
			filled = true
		}
		return s.Behind == int(r.lastID())
	})
	if state.FailingSince.Sub(began) > time.Minute || state.LastError.String() != "the disk is full" || !state.OldestAt.Equal(start) || !state.DeliveredAt.IsZero() {
		t.Errorf("while it fails: %+v, begun %v", state, began)
	}
	if n := strings.Count(r.log.String(), "level=WARN"); n != 1 || !strings.Contains(r.log.String(), "the disk is full") {
		t.Errorf("%d warnings, want one:\n%s", n, r.log.String())
	}
	// 1, 2, 4 … 256, then 300 seconds: a quarter of an hour takes eleven tries or so.
	if m.calls < 9 || m.calls > 13 {
		t.Errorf("tried %d times in a quarter of an hour", m.calls)
	}
	m.mu.Lock()
	broken = false
	m.mu.Unlock()
	r.follow(m, r.upToDate())
	if m.text.String() != r.wholeLog() {
		t.Error("not the whole log")
	}
}

func TestStreamRecoveryIsLogged(t *testing.T) {
	r := newRig(t)
	m := &memory{before: func(call int, entries []audit.Entry) (int, error) {
		if call < 4 {
			return 0, errors.New("odd")
		}
		return len(entries), nil
	}}
	r.follow(m, r.upToDate())
	if got := r.log.String(); strings.Count(got, "cannot be streamed") != 1 || strings.Count(got, "streams again") != 1 {
		t.Errorf("logged:\n%s", got)
	}
}

func TestStreamBackoff(t *testing.T) {
	s := &stream{random: func() float64 { return 0.5 }}
	for fails, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: backoffMax, 1000: backoffMax} {
		s.fails = fails
		if got := s.backoff(errors.New("odd")); got != want {
			t.Errorf("after %d failures: %v, want %v", fails, got, want)
		}
	}
	s.fails = 3
	for asked, want := range map[time.Duration]time.Duration{0: 4 * time.Second, time.Second: 4 * time.Second, time.Minute: time.Minute, time.Hour: backoffMax} {
		if got := s.backoff(errors.Join(&deliveryError{RetryAfter: asked})); got != want {
			t.Errorf("asked for %v: %v, want %v", asked, got, want)
		}
	}
	for _, random := range []float64{0, 0.999} {
		s.random = func() float64 { return random }
		if got := s.backoff(nil); got < 3500*time.Millisecond || got > 4500*time.Millisecond || got == 4*time.Second {
			t.Errorf("with jitter %v: %v", random, got)
		}
	}
}

// The desk's jobs stream too, to each sink by its own mark.
func TestStreamsRunWithTheDesk(t *testing.T) {
	r := newRig(t)
	r.fill(streamBatch + 1)
	c := r.Desk.Config
	var out locked
	hook := newReceiver(t)
	c.Sinks = []Sink{NewWriterSink(&out), hook.sink(r)}
	d := New(c)
	running, stop := context.WithCancel(ctx)
	var job sync.WaitGroup
	job.Go(func() { d.Run(running) })
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := d.Streams(); !s[0].DeliveredAt.IsZero() && s[0].Behind == 0 && !s[1].DeliveredAt.IsZero() && s[1].Behind == 0 {
			break
		}
	}
	stop()
	job.Wait()
	if s := d.Streams(); len(s) != 2 || s[0].Name != "file" || s[0].Target != "standard output" || s[1].Name != "webhook" || !strings.HasPrefix(s[1].Target, "127.0.0.1:") {
		t.Errorf("%+v", s)
	}
	if whole := r.wholeLog(); out.String() != whole || hook.text() != whole {
		t.Errorf("%d and %d bytes came, want %d", len(out.String()), len(hook.text()), len(whole))
	}
}

// Standard output that nobody reads must not keep the process from ending.
func TestStreamToABlockedPipe(t *testing.T) {
	r := newRig(t)
	in, out := io.Pipe()
	defer in.Close()
	began := time.Now()
	r.follow(NewWriterSink(out), func(StreamState) bool { return time.Since(began) > 50*time.Millisecond })
	if m, err := r.Store.StreamMark(ctx, "stream file"); err != nil || m.Upto != 0 {
		t.Errorf("not delivered, and marked: %+v, %v", m, err)
	}
}
