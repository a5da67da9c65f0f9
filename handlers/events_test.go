package handlers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"frontdesk/store"
)

// stream serves a live part to a browser, through the whole of what a request
// passes.
func (w *world) stream(b *browser, now live) <-chan string {
	w.t.Helper()
	w.h.routes = append(w.h.routes, route{Pattern: "GET /live", Needs: store.Viewer, Handle: func(rw http.ResponseWriter, r *http.Request) error {
		return w.h.events(rw, r, now)
	}})
	w.h.handler = w.h.wrap(w.h.mux())
	return w.listen(b, "/live")
}

// listen opens a stream of events and hands them on one by one, as "name: data".
func (w *world) listen(b *browser, path string) <-chan string {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.t.Cleanup(cancel)
	res, err := b.c.Do(r.WithContext(ctx))
	if err != nil {
		w.t.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		w.t.Fatalf("status %d, %s", res.StatusCode, kind)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		name, lines := "", bufio.NewScanner(res.Body)
		var data []string
		for lines.Scan() {
			switch line := lines.Text(); {
			case line == "":
				events <- name + ": " + strings.Join(data, "\n")
				data = nil
			case strings.HasPrefix(line, "event: "):
				name = line[len("event: "):]
			default:
				data = append(data, strings.TrimPrefix(strings.TrimPrefix(line, "data:"), " "))
			}
		}
	}()
	return events
}

func said(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, s); return err })
}

// TestEventsTellWhatChanged: a part comes when it has changed and only then, with
// its lines, up to the end.
func TestEventsTellWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	var looked atomic.Int64
	events := w.stream(w.signedIn("victor"), func(context.Context) (templ.Component, bool, error) {
		n := looked.Add(1)
		return said(fmt.Sprintf("<p>\n%d</p>", n/3)), n == 6, nil
	})
	var got []string
	for e := range events {
		got = append(got, e)
	}
	if want := "part: <p>\n0</p>|part: <p>\n1</p>|part: <p>\n2</p>|end: "; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}

// TestEventsEndWithTheSession: nobody goes on reading what they may no longer see,
// and listening keeps no session alive.
func TestEventsEndWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	b := w.signedIn("victor")
	w.clock.advance(5 * time.Minute)
	events := w.stream(b, func(context.Context) (templ.Component, bool, error) { return said("<p>x</p>"), false, nil })
	if first := <-events; first != "part: <p>x</p>" {
		t.Fatal(first)
	}
	b.wantLeft("while it listens", 25*time.Minute, 24*time.Hour-5*time.Minute)
	w.clock.advance(26 * time.Minute)
	for e := range events {
		if e != "beat: " {
			t.Errorf("after the end: %q", e)
		}
	}
}

// TestEventsEndWithFrontdesk: a stop does not wait for those who listen.
func TestEventsEndWithFrontdesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	events := w.stream(w.signedIn("victor"), func(context.Context) (templ.Component, bool, error) { return said("<p>x</p>"), false, nil })
	<-events
	w.desk.Stop()
	select {
	case _, open := <-events:
		if open {
			t.Error("something is sent after the stop")
		}
	case <-time.After(30 * time.Second):
		t.Error("it goes on after the stop")
	}
}

// TestEventsAreBounded: listeners beyond a bound are told to reload.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 3})
	w.h.listeners.Store(eventsMost)
	rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/live", nil)
	v := &visit{ID: "request", Prefs: &prefs{}}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	if err := w.h.events(rec, r, nil); err != nil {
		t.Fatal(err)
	}
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, %v", rec.Code, rec.Header())
	}
	if n := w.h.listeners.Load(); n != eventsMost {
		t.Errorf("%d listeners are counted", n)
	}
}
