package call

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// learn takes note of what an answer looks like. err is how the call ended: a body
// that could not be used is looked at all the same, for that may be what is new in it.
func (x *exchange) learn(r *Response, err error) {
	if x.client.stats == nil {
		return
	}
	s := x.client.stats.shapes
	t := Trait{Service: r.service, Endpoint: r.op}
	note := func(kind, what string) {
		if what != "" {
			t.Kind, t.What = kind, what
			s.note(t)
		}
	}
	// An outage is no news of the contract, and shows elsewhere.
	if r.Status < 500 && r.Status != http.StatusTooManyRequests {
		note(TraitStatus, strconv.Itoa(r.Status))
	}
	sent := sync.OnceValue(func() map[string]bool { return sentWords(x.req) })
	switch {
	case r.Status/100 == 3:
		note(TraitHost, hostOf(x.req.URL, r.Header.Get("Location")))
	case r.OK() && r.valid:
		ep := s.at(r.service, r.op)
		s.look(ep, ep.answer, trimBody(r.Body), sent)
		if s.isMessage(ep) {
			text, _ := r.message()
			note(TraitMessage, wording(text, sent()))
		}
	case r.OK() && r.Body == nil: // a list, which is read after this
		r.list = list{shapes: s, endpoint: s.at(r.service, r.op)}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Refused { // a gateway's words are not the service's
		return
	}
	if r.valid {
		ep := s.at(r.service, r.op)
		s.look(ep, ep.refusal, trimBody(r.Body), sent)
	}
	note(TraitMessage, wording(e.Message, sent()))
	for _, texts := range e.Fields {
		for _, text := range texts {
			note(TraitMessage, wording(text, sent()))
		}
	}
}

// hostOf is where a redirect of an address leads; "" when that cannot be told.
func hostOf(from, location string) string {
	base, err := url.Parse(from)
	if err != nil || location == "" {
		return ""
	}
	to, err := base.Parse(location)
	if err != nil || len(to.Host) > 255 {
		return ""
	}
	return Clean(strings.ToLower(to.Host))
}

// list is where the elements of a list stand that is read while it arrives.
type list struct {
	shapes   *Shapes
	endpoint *endpoint
	item     *node
}

// Element takes note of what an element of a list looks like that is read while it
// arrives. raw is valid JSON.
func (r *Response) Element(raw []byte) {
	l := &r.list
	if l.shapes == nil {
		return
	}
	if l.item == nil {
		l.shapes.look(l.endpoint, l.endpoint.answer, []byte("[]"), nil)
		l.item = l.shapes.itemOf(l.endpoint)
	}
	l.shapes.look(l.endpoint, l.item, raw, nil)
}

func (s *Shapes) at(service, name string) *endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint(service, name)
}

func (s *Shapes) itemOf(ep *endpoint) *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ep.answer.element()
}

// isMessage tells whether an endpoint answers a message and nothing else. Beside
// other fields it could be anybody's.
func (s *Shapes) isMessage(ep *endpoint) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(ep.answer.kids) == 1 && strings.EqualFold(ep.answer.kids[0].name, "message")
}
