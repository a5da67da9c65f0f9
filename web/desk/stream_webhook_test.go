package desk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// hookKey is the webhook's secret, which must not be found anywhere.
const hookKey = "PLANTED-webhook-secret-of-many-bytes"

// post is one request that a receiver got.
type post struct {
	id, body string
	at       time.Time // by the rig's clock, as the header says
	status   int
}

// receiver is a webhook. It checks each request by itself, and keeps the bodies
// that it answered with a 2xx.
type receiver struct {
	*httptest.Server
	t      *testing.T
	limit  time.Duration                                                    // of one request; 0: the usual one
	answer func(n int, w http.ResponseWriter, r *http.Request) (status int) // of the nth; nil: 204

	mu    sync.Mutex
	posts []post
}

func newReceiver(t *testing.T) *receiver {
	h := &receiver{t: t}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *receiver) sink(r *rig) *WebhookSink {
	h.t.Helper()
	u, err := ParseWebhookURL(h.URL + "/hook/PLANTED-path?token=PLANTED-query")
	if err != nil {
		h.t.Fatal(err)
	}
	w := NewWebhookSink(u, []byte(hookKey))
	w.now = r.Now
	w.calls = call.New("webhook", call.Limits{Act: h.limit}, nil)
	return w
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Errorf("read a post: %v", err)
	}
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	// As standardwebhooks.com describes it, without frontdesk's own code.
	mac := hmac.New(sha256.New, []byte(hookKey))
	mac.Write([]byte(id + "." + stamp + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		h.t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-ndjson" || r.URL.RequestURI() != "/hook/PLANTED-path?token=PLANTED-query" {
		h.t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	if n := strings.Count(string(body), "\n"); n < 1 || n > 200 || len(body) > 256<<10 {
		h.t.Errorf("%d entries in %d bytes", n, len(body))
	}
	var seconds int64
	if _, err := fmt.Sscan(stamp, &seconds); err != nil {
		h.t.Errorf("the time is %q", stamp)
	}
	h.mu.Lock()
	h.posts = append(h.posts, post{id: id, body: string(body), at: time.Unix(seconds, 0), status: http.StatusNoContent})
	n := len(h.posts)
	h.mu.Unlock()
	if h.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := h.answer(n, w, r)
	h.mu.Lock()
	h.posts[n-1].status = status
	h.mu.Unlock()
}

// answers is an answer with these statuses, in turn, and 200 from then on.
func answers(statuses ...int) func(int, http.ResponseWriter, *http.Request) int {
	return func(n int, w http.ResponseWriter, _ *http.Request) int {
		status := http.StatusOK
		if n <= len(statuses) {
			status = statuses[n-1]
		}
		w.WriteHeader(status)
		return status
	}
}

func (h *receiver) got() []post {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.posts)
}

// text is all that was taken, repeats dropped by their webhook-id.
func (h *receiver) text() string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, p := range h.got() {
		if p.status/100 == 2 && !seen[p.id] {
			seen[p.id] = true
			b.WriteString(p.body)
		}
	}
	return b.String()
}

func TestStreamToAWebhook(t *testing.T) {
	r := newRig(t)
	h := newReceiver(t)
	for range 2 {
		r.fill(streamBatch + 3)
		r.follow(h.sink(r), r.upToDate())
		if h.text() != r.wholeLog() {
			t.Fatalf("%d bytes came, want %d", len(h.text()), len(r.wholeLog()))
		}
	}
	// Long entries: few fit in one request, however long one is.
	for range 2 {
		if err := r.Store.Write(ctx, func(tx *store.Tx) error {
			for range 20 {
				text := strings.Repeat("<", 1999) // six bytes each, as JSON
				if err := tx.Append(ctx, &audit.Entry{Act: "a", Phase: audit.Event, Reason: text, Detail: text}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	r.follow(h.sink(r), r.upToDate())
	if h.text() != r.wholeLog() {
		t.Error("not the whole log")
	}
	ids := map[string]bool{}
	for _, p := range h.got() {
		if ids[p.id] || !strings.HasPrefix(p.id, "audit_") {
			t.Errorf("ID %q, twice or odd", p.id)
		}
		ids[p.id] = true
	}
}

// Whatever goes wrong, the same entries come again, as the same message, and
// nothing overtakes them.
func TestStreamRetriesUntilTaken(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request) int
		tries  int
		says   string
	}{
		"500s":      {answers(500, 502, 503), 4, "it answered with status 50"},
		"refusals":  {answers(400, 401, 404, 410, 413), 6, "it answered with status 4"},
		"redirects": {answers(301, 307, 308), 4, "it answered with status 30"},
		"not quite": {answers(304, 300), 3, "it answered with status 30"},
		"a message": {func(n int, w http.ResponseWriter, _ *http.Request) int {
			if n > 1 {
				return 200
			}
			w.WriteHeader(422)
			fmt.Fprint(w, `{"message": "too <b>old</b>"}`)
			return 422
		}, 2, "it answered with status 422: too old"},
		"a time-out": {func(n int, _ http.ResponseWriter, r *http.Request) int {
			if n > 2 {
				return 200
			}
			<-r.Context().Done()
			return 0
		}, 3, "it did not answer in time"},
		"a dropped connection": {func(n int, _ http.ResponseWriter, _ *http.Request) int {
			if n > 2 {
				return 200
			}
			panic(http.ErrAbortHandler)
		}, 3, "it gave no answer"},
		"an answer without end": {func(_ int, w http.ResponseWriter, r *http.Request) int {
			w.WriteHeader(200)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 10_000)); err != nil {
					break
				}
			}
			return 200
		}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			h := newReceiver(t)
			h.answer = tt.answer
			if name == "a time-out" {
				h.limit = 100 * time.Millisecond
			}
			r.follow(h.sink(r), r.upToDate())
			got := h.got()
			if len(got) != tt.tries {
				t.Fatalf("%d posts, want %d", len(got), tt.tries)
			}
			for i, p := range got {
				if p.id != got[0].id || p.body != got[0].body {
					t.Errorf("the post %d is another one: %s instead of %s", i, p.id, got[0].id)
				}
				if wait := backoffMin << max(i-1, 0); i > 0 && p.at.Sub(got[i-1].at) < wait-time.Second/2 {
					t.Errorf("try %d came %v after the one before, want %v or more", i+1, p.at.Sub(got[i-1].at), wait)
				}
			}
			if h.text() != r.wholeLog() {
				t.Error("not the whole log")
			}
			if logged := r.log.String(); (tt.says == "") != (logged == "") || !strings.Contains(logged, tt.says) {
				t.Errorf("it says %s, want %q", logged, tt.says)
			}
			if strings.Contains(r.everything(), "PLANTED") {
				t.Error("a secret is in the log or the database")
			}
		})
	}
}

// More entries while a message is retried do not become part of it.
func TestStreamRetriesTheSameMessage(t *testing.T) {
	r := newRig(t)
	h := newReceiver(t)
	h.answer = func(n int, w http.ResponseWriter, _ *http.Request) int {
		if n == 1 {
			r.fill(1)
			w.WriteHeader(500)
			return 500
		}
		return 200
	}
	r.follow(h.sink(r), func(StreamState) bool { return len(h.got()) >= 3 })
	got := h.got()
	if got[0].id != got[1].id || got[0].body != got[1].body || got[2].id == got[0].id || strings.Count(got[2].body, "\n") != 1 {
		t.Errorf("posted %+v", got)
	}
}

func TestStreamRetryAfter(t *testing.T) {
	r := newRig(t)
	h := newReceiver(t)
	h.answer = func(n int, w http.ResponseWriter, _ *http.Request) int {
		status := 429
		switch n {
		case 1:
			w.Header().Set("Retry-After", "90")
		case 2:
			w.Header().Set("Retry-After", "86400")
			status = 503
		case 3:
			w.Header().Set("Retry-After", "soon")
		default:
			status = 202
		}
		w.WriteHeader(status)
		return status
	}
	r.follow(h.sink(r), r.upToDate())
	var waits []time.Duration
	got := h.got()
	for i := 1; i < len(got); i++ {
		waits = append(waits, got[i].at.Sub(got[i-1].at))
	}
	if want := []time.Duration{90 * time.Second, backoffMax, 4 * time.Second}; !slices.Equal(waits, want) {
		t.Errorf("waited %v, want %v", waits, want)
	}
}

// Dead from the start, for twenty minutes, over a restart; then it comes back.
func TestStreamToADeadReceiver(t *testing.T) {
	r := newRig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	h := &receiver{t: t}
	h.Server = &httptest.Server{URL: "http://" + addr}
	began := r.Now()
	for range 2 {
		r.fill(streamBatch / 2)
		state := r.follow(h.sink(r), func(s StreamState) bool { return s.LastError != "" && r.Now().Sub(began) > 10*time.Minute })
		if !strings.HasPrefix(state.LastError.String(), "it could not be reached") || state.Behind != int(r.lastID()) || !state.OldestAt.Equal(start) || state.Target != addr {
			t.Errorf("dead: %+v", state)
		}
		began = r.Now()
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	defer server.Close()
	r.follow(h.sink(r), r.upToDate())
	if h.text() != r.wholeLog() {
		t.Error("something was lost while it was dead")
	}
}

func TestStreamVerifiesTheCertificate(t *testing.T) {
	r := newRig(t)
	h := &receiver{t: t}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the refused handshake
	h.StartTLS()
	defer h.Close()
	state := r.follow(h.sink(r), func(s StreamState) bool { return s.LastError != "" })
	if !strings.Contains(state.LastError.String(), "certificate") || len(h.got()) > 0 {
		t.Errorf("%+v, posts %d", state, len(h.got()))
	}
}

func TestParseWebhook(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://siem.example.com/in?token=x": true, " https://siem.example.com:8443 ": true, "http://127.0.0.1:9000/": true, "http://[::1]:1/x": true, "http://localhost/": true,
		"http://siem.example.com": false, "http://localhost.example.com": false, "http://10.0.0.1": false, "ftp://x": false, "siem.example.com": false, "https://": false,
		"https://me:PLANTED@x": false, "https://x/#top": false, "": false, "https://x/%zzPLANTED": false,
	} {
		u, err := ParseWebhookURL(text)
		if (err == nil) != ok || (u == nil) == ok {
			t.Errorf("%q: %v, %v", text, u, err)
		}
		if err != nil && strings.Contains(err.Error(), "PLANTED") {
			t.Errorf("%q is quoted: %v", text, err)
		}
	}
	key := []byte(strings.Repeat("k", 24))
	for text, want := range map[string]string{
		string(key): string(key),
		"whsec_" + base64.StdEncoding.EncodeToString(key):      string(key),
		strings.Repeat("k", 23):                                "",
		"whsec_" + base64.StdEncoding.EncodeToString(key[:23]): "",
		"whsec_ not base64, though it is long enough":          "",
		"": "",
	} {
		if got, err := ParseWebhookSecret(text); (err == nil) != (want != "") || (err == nil && string(got) != want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if w := NewWebhookSink(&url.URL{Scheme: "https", Host: "siem.example.com", Path: "/PLANTED"}, key); w.Target() != "siem.example.com" {
		t.Errorf("shown as %s", w.Target())
	}
	// The example of the specification's own libraries.
	secret, err := ParseWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	w := NewWebhookSink(&url.URL{}, secret)
	if got := w.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)); got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signed %s", got)
	}
}
