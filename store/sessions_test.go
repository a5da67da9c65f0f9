package store

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
)

func TestSessions(t *testing.T) {
	r := newRig(t)
	s := r.staff("alice", Admin)
	sessions := r.Sessions()
	signIn := func() context.Context {
		return WithSessionMeta(ctx, &SessionMeta{ID: "public", StaffID: s.ID, Address: "192.0.2.1", Agent: "Firefox"})
	}

	if _, found, err := sessions.FindCtx(ctx, "hash"); found || err != nil {
		t.Fatalf("before: %v %v", found, err)
	}
	for name, c := range map[string]context.Context{
		"no meta":           ctx,
		"nobody signed in":  WithSessionMeta(ctx, &SessionMeta{ID: "x"}),
		"meta not given at": WithSessionMeta(ctx, nil),
	} {
		if err := sessions.CommitCtx(c, "hash", []byte("data"), start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, found, _ := sessions.FindCtx(ctx, "hash"); found {
			t.Errorf("%s: a session was stored", name)
		}
	}
	if err := sessions.CommitCtx(signIn(), "hash", []byte("data"), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.clock.Add(time.Minute)
	if err := sessions.CommitCtx(signIn(), "hash", []byte("newer"), start.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, found, err := sessions.Find("hash"); !found || string(data) != "newer" || err != nil {
		t.Errorf("%q %v %v", data, found, err)
	}
	got, err := r.Session(ctx, "public")
	want := Session{ID: "public", StaffID: s.ID, StaffName: s.Name, Portal: "customer", Address: "192.0.2.1", Agent: "Firefox",
		CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(2 * time.Hour)}
	if err != nil || got != want {
		t.Errorf("meta %+v, %v\nwant %+v", got, err, want)
	}
	if err := r.TouchSession(ctx, "public"); err != nil {
		t.Fatal(err)
	}
	if seen, err := r.Staff(ctx, s.ID); err != nil || !seen.SeenAt.Equal(r.clock.Now()) {
		t.Errorf("the person was seen %v, %v", seen.SeenAt, err)
	}
	for _, tt := range []struct {
		name  string
		staff int64
		idle  time.Time
		want  int
	}{
		{"everybody's", 0, start, 1},
		{"one's own", s.ID, start, 1},
		{"another's", s.ID + 1, start, 0},
		{"idle", 0, start.Add(time.Minute), 0},
	} {
		if live, err := r.LiveSessions(ctx, tt.staff, tt.idle); err != nil || len(live) != tt.want {
			t.Errorf("%s: %v, %v; want %d", tt.name, live, err, tt.want)
		}
	}
	// It is over on the minute, whatever scs says.
	r.clock.Add(2*time.Hour - time.Minute)
	if _, found, _ := sessions.Find("hash"); found {
		t.Error("found after its end")
	}
	if _, err := r.Session(ctx, "public"); !errors.Is(err, ErrNotFound) {
		t.Errorf("named after its end: %v", err)
	}
}

func TestPurgeSessions(t *testing.T) {
	r := newRig(t)
	s := r.staff("alice", Admin)
	for id, expires := range map[string]time.Duration{"over": time.Minute, "idle": time.Hour, "live": time.Hour} {
		if err := r.Sessions().CommitCtx(WithSessionMeta(ctx, &SessionMeta{ID: id, StaffID: s.ID}), id, nil, start.Add(expires)); err != nil {
			t.Fatal(err)
		}
	}
	r.clock.Add(2 * time.Minute)
	if err := r.TouchSession(ctx, "live"); err != nil {
		t.Fatal(err)
	}
	r.write(func(tx *Tx) error { return tx.PurgeSessions(ctx, start.Add(time.Minute)) })
	live, err := r.LiveSessions(ctx, 0, time.Time{})
	if err != nil || len(live) != 1 || live[0].ID != "live" {
		t.Errorf("left: %v, %v", live, err)
	}
}

// What a copied database holds must not sign anybody in: scs stores a hash of
// the cookie's token, through the forms that take a context.
func TestSCSStoresOnlyAHash(t *testing.T) {
	r := newRig(t)
	s := r.staff("alice", Admin)
	m := scs.New()
	m.Store, m.HashTokenInStore = r.Sessions(), true
	var said string
	handler := m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		said = m.GetString(req.Context(), "word")
		if req.URL.Path == "/in" {
			m.Put(req.Context(), "word", "PLANTED-WORD")
		}
	}))
	get := func(path string, cookie *http.Cookie) *http.Response {
		req := httptest.NewRequest("GET", path, nil)
		req = req.WithContext(WithSessionMeta(ctx, &SessionMeta{ID: "public", StaffID: s.ID}))
		if cookie != nil {
			req.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		return w.Result()
	}
	cookies := get("/in", nil).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	if get("/", cookies[0]); said != "PLANTED-WORD" {
		t.Errorf("the session says %q", said)
	}
	for _, secret := range []string{cookies[0].Value, "PLANTED-WORD"} {
		if bytes.Contains(r.bytes(), []byte(secret)) {
			t.Errorf("the file holds %q", secret)
		}
	}
}

// A request that was under way when its session was revoked ends with a commit,
// which must not bring the session back.
func TestARevokedSessionStaysRevoked(t *testing.T) {
	for name, end := range map[string]func(s *Sessions, c context.Context) error{
		"a change of its data": func(s *Sessions, c context.Context) error {
			return s.CommitCtx(c, "hash", []byte("changed"), start.Add(time.Hour))
		},
		"a new token": func(s *Sessions, c context.Context) error { // as scs renews: delete the old, commit the new
			if err := s.DeleteCtx(c, "hash"); err != nil {
				return err
			}
			return s.CommitCtx(c, "new-hash", []byte("changed"), start.Add(time.Hour))
		},
	} {
		for _, revoked := range []bool{true, false} {
			r := newRig(t)
			staff := r.staff("alice", Admin)
			meta := &SessionMeta{ID: "public", StaffID: staff.ID}
			sessions := r.Sessions()
			if err := sessions.CommitCtx(WithSessionMeta(ctx, meta), "hash", []byte("data"), start.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			request := WithSessionMeta(ctx, meta)
			if _, found, err := sessions.FindCtx(request, "hash"); !found || err != nil {
				t.Fatal(found, err)
			}
			if revoked {
				r.write(func(tx *Tx) error { return tx.RevokeSession(ctx, "public") })
			}
			if err := end(sessions, request); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Session(ctx, "public"); (err == nil) == revoked {
				t.Errorf("%s, revoked %v: %v", name, revoked, err)
			}
		}
	}
}
