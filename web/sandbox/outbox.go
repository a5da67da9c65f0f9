package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxOutbox is how many messages the outbox keeps.
const maxOutbox = 1000

// Message is an e-mail or SMS that "went out".
type Message struct {
	Kind    string    `json:"kind"` // "email" or "sms"
	To      string    `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"` // empty for an SMS
	Text    string    `json:"text"`
	Code    string    `json:"code"` // the passcode or SMS code inside Text
	At      time.Time `json:"at"`
}

type outbox struct {
	mu       sync.Mutex
	messages []Message
}

func (o *outbox) send(m Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) >= maxOutbox {
		o.messages = slices.Delete(o.messages, 0, 1)
	}
	o.messages = append(o.messages, m)
}

func (o *outbox) list() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Message{}, o.messages...)
}

func (s *Server) serveOutboxJSON(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeReply(w, notAllowed("GET"))
		return
	}
	writeReply(w, jsonReply(http.StatusOK, s.outbox.list()))
}

func (s *Server) serveOutbox(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeReply(w, notAllowed("GET"))
		return
	}
	messages := s.outbox.list()
	slices.Reverse(messages)
	writePage(w, http.StatusOK, "outbox", messages)
}
