package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxJournal bounds the journal; when it is full the oldest quarter goes.
const maxJournal = 200_000

// Call is one call that a service received.
type Call struct {
	Service  string    `json:"service"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`   // as sent, mount included; values in the query are redacted
	Status   int       `json:"status"` // 0: no answer was sent, or none yet
	Time     time.Time `json:"time"`
	Duration string    `json:"duration"` // until the answer began, such as "1.5ms"

	started time.Time // real time, for the duration, whatever the sandbox's clock says
}

// journal records calls on arrival, so that one that hangs is seen as well, and
// its status before the answer leaves, so that whoever holds the answer finds it.
type journal struct {
	mu    sync.Mutex
	calls []*Call
}

func (j *journal) begin(now time.Time, service string, r *http.Request) *Call {
	c := &Call{
		Service: service, Method: r.Method, Path: redactedPath(r.URL),
		Time: now.UTC(), Duration: "0s", started: time.Now(),
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.calls) >= maxJournal {
		j.calls = append([]*Call(nil), j.calls[maxJournal/4:]...)
	}
	j.calls = append(j.calls, c)
	return c
}

func (j *journal) end(c *Call, status int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c.Status = status
	c.Duration = time.Since(c.started).String()
}

func (j *journal) list() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Call, len(j.calls))
	for i, c := range j.calls {
		out[i] = *c
	}
	return out
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = nil
}

// redactedPath keeps the names in a query and hides every value: passcodes
// travel there, and so do the keys of a client that uses the query-string form.
func redactedPath(u *url.URL) string {
	path := u.EscapedPath()
	if u.RawQuery == "" {
		return path
	}
	pairs := strings.Split(u.RawQuery, "&")
	for i, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok {
			pairs[i] = name + "=REDACTED"
		} else {
			pairs[i] = "REDACTED"
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

func (s *Server) serveJournal(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		writeReply(w, jsonReply(http.StatusOK, s.journal.list()))
	case http.MethodDelete:
		s.journal.clear()
		writeReply(w, reply{status: http.StatusNoContent, header: http.Header{}})
	default:
		writeReply(w, notAllowed("GET, DELETE"))
	}
}

func notAllowed(allow string) reply {
	return jsonReply(http.StatusMethodNotAllowed, message{"Allowed here: " + allow}).with("Allow", allow)
}
