package handlers

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/a-h/templ"
)

// TestEventsOfOneSessionAreBounded: one browser does not take what all share, and
// gets room again when a page of its own is closed.
func TestEventsOfOneSessionAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	listen := func(session string, during func()) int {
		rec, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/live", nil)
		v := &visit{ID: "request", Prefs: &prefs{}}
		v.Actor.Session = session
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		err := w.h.events(rec, r, func(context.Context) (templ.Component, bool, error) { during(); return said("<p>x</p>"), true, nil })
		if err != nil {
			t.Fatal(err)
		}
		if rec.Code == http.StatusServiceUnavailable && rec.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
		return rec.Code
	}
	var deep func(n int)
	deep = func(n int) { // so many listen at once
		if n == 0 {
			if got := listen("one", func() {}); got != http.StatusServiceUnavailable {
				t.Errorf("beyond the bound: status %d", got)
			}
			if got := listen("other", func() {}); got != http.StatusOK {
				t.Errorf("another session: status %d", got)
			}
			return
		}
		if got := listen("one", func() { deep(n - 1) }); got != http.StatusOK {
			t.Errorf("%d below the bound: status %d", n, got)
		}
	}
	deep(eventsEach)
	if got := listen("one", func() {}); got != http.StatusOK {
		t.Errorf("after all were closed: status %d", got)
	}
	if n := w.h.listeners.Load(); n != 0 || len(w.h.listening.held) != 0 {
		t.Errorf("%d listeners are counted, of %v", n, w.h.listening.held)
	}
}

// TestOneUploadOfASession: a session's second file waits for the first, then is told
// to come back; another session's is read meanwhile.
func TestOneUploadOfASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.h.uploadWait = 200 * time.Millisecond
	b, other := w.signedIn("mia"), w.signedIn("mia")
	kind, body := multipartForm(t, "new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil)
	conn := w.dial()
	if _, err := fmt.Fprintf(conn, "POST /customers/import HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nCookie: session=%s\r\n\r\n%s",
		w.server.Listener.Addr(), kind, len(body), b.jarCookie("session").Value, body[:50]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	p := b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil)
	p.wantStatus(http.StatusServiceUnavailable)
	p.want("one file at a time")
	if p.res.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	other.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil).wantStatus(http.StatusSeeOther)
	if _, err := conn.Write(body[50:]); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != http.StatusSeeOther {
		t.Errorf("%v, %v", res, err)
	}
	b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil).wantStatus(http.StatusSeeOther)
}
