package call

import (
	"strings"
	"sync"
	"time"
)

// The kinds of traits.
const (
	TraitField   = "field"   // a field and its JSON type: "answer[].company: string"
	TraitType    = "type"    // the same of a field that had another type so far
	TraitMessage = "message" // a service's own words, without the values in them
	TraitStatus  = "status"  // an HTTP status below 500; not 429
	TraitHost    = "host"    // that a redirect leads to
	TraitMany    = "many"    // there is more of a kind, which is What, than is kept
)

// Bounds of what is kept. Names and words come from the services: one that uses
// identifiers as names must not fill memory and database.
const (
	maxTraits  = 300 // of a kind, at an endpoint; of messages, at a service
	maxMembers = 100 // of an object; names beyond are identifiers, not fields
	maxDepth   = 8   // of what is looked into
)

// Trait is something that a service's answers were found to have. It holds names
// and types, never a value.
type Trait struct {
	Service  string
	Endpoint string // the Op of the call
	Kind     string
	What     string
	SeenAt   time.Time
	// Quiet says that it is no novelty: the first value of a field that was null.
	Quiet bool
}

// Shapes knows what the services' answers look like: their fields and types, the
// words of their messages, their statuses, and where they redirect to. What it
// meets for the first time it hands out once, by Take. It is safe for concurrent
// use; an answer of a known shape costs a walk over its bytes, and no memory.
type Shapes struct {
	now  func() time.Time
	news chan struct{}

	mu        sync.RWMutex
	endpoints map[[2]string]*endpoint // by service and endpoint
	flat      map[Trait]bool          // those that are no fields, without their time
	counts    map[Trait]int           // of these by kind
	fresh     []Trait
}

// endpoint is what is known of one call's answers.
type endpoint struct {
	service, name   string
	answer, refusal *node
	fields          int
	full            bool // no more fields are kept
}

func newShapes(now func() time.Time) *Shapes {
	return &Shapes{now: now, news: make(chan struct{}, 1), endpoints: map[[2]string]*endpoint{}, flat: map[Trait]bool{}, counts: map[Trait]int{}}
}

// Shapes are what the answers of the calls counted here look like.
func (s *Stats) Shapes() *Shapes { return s.shapes }

// News is sent to when there is something to Take.
func (s *Shapes) News() <-chan struct{} { return s.news }

// Take returns the traits that were met for the first time since the last Take, in
// the order in which they were.
func (s *Shapes) Take() []Trait {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.fresh
	s.fresh = nil
	return fresh
}

// Return hands back what was taken and could not be dealt with: the next Take
// returns it again.
func (s *Shapes) Return(traits []Trait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = append(traits, s.fresh...)
}

// Know takes traits as met before. A field of the name "*" stands for all those whose
// names look like values.
func (s *Shapes) Know(traits ...Trait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range traits {
		switch t.Kind {
		case TraitField, TraitType:
			s.knowField(t)
		case TraitMany:
			if t.What == TraitField {
				s.endpoint(t.Service, t.Endpoint).full = true
			}
			fallthrough
		default:
			s.flat[flatOf(t)] = true
			s.counts[kindOf(t)]++
		}
	}
}

// knowField puts a field where a walk finds it. s.mu is held.
func (s *Shapes) knowField(t Trait) {
	path, name, ok := strings.Cut(t.What, ": ")
	is := typeNamed(name)
	if !ok || is == 0 {
		return
	}
	ep := s.endpoint(t.Service, t.Endpoint)
	var n *node
	for i, step := range strings.Split(path, ".") {
		name, arrays, _ := strings.Cut(step, "[")
		switch {
		case i > 0:
			n = n.child(name)
		case name == ep.refusal.path:
			n = ep.refusal
		default:
			n = ep.answer
		}
		for range strings.Count(arrays, "]") {
			n = n.element()
		}
	}
	if n.types&is == 0 {
		n.types |= is
		ep.fields++
	}
}

// endpoint returns what is known of one, made when nothing is. s.mu is held.
func (s *Shapes) endpoint(service, name string) *endpoint {
	key := [2]string{service, name}
	ep := s.endpoints[key]
	if ep == nil {
		ep = &endpoint{service: service, name: name, answer: &node{path: "answer"}, refusal: &node{path: "refusal"}}
		s.endpoints[key] = ep
	}
	return ep
}

// flatOf is a trait as it is looked up. What a service says is known wherever it
// says it: the same few messages come from all its endpoints.
func flatOf(t Trait) Trait {
	t.SeenAt, t.Quiet = time.Time{}, false
	switch {
	case t.Kind == TraitMessage:
		t.Endpoint, t.What = "", strings.TrimRight(strings.ToLower(t.What), ".!")
	case t.Kind == TraitMany && t.What == TraitMessage:
		t.Endpoint = ""
	}
	return t
}

// kindOf is what a trait is counted under.
func kindOf(t Trait) Trait {
	t = flatOf(t)
	t.What = ""
	return t
}

// note takes note of a trait that is no field.
func (s *Shapes) note(t Trait) {
	key := flatOf(t)
	s.mu.RLock()
	known := s.flat[key]
	s.mu.RUnlock()
	if known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flat[key] {
		return // another call was quicker
	}
	if kind := kindOf(t); t.Kind != TraitMany {
		if s.counts[kind] >= maxTraits {
			s.tooMany(t)
			return
		}
		s.counts[kind]++
	}
	s.flat[key] = true
	s.met(t)
}

// tooMany says, once, that more of a kind came than is kept. s.mu is held.
func (s *Shapes) tooMany(t Trait) {
	t.Kind, t.What = TraitMany, t.Kind
	if key := flatOf(t); !s.flat[key] {
		s.flat[key] = true
		s.met(t)
	}
}

// met hands a trait out. s.mu is held.
func (s *Shapes) met(t Trait) {
	t.SeenAt = s.now()
	s.fresh = append(s.fresh, t)
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// look walks over valid JSON that stands at a node. sent are the words of the request,
// none of which is kept as a name.
func (s *Shapes) look(ep *endpoint, n *node, raw []byte, sent func() map[string]bool) {
	s.mu.RLock()
	w := walk{ep: ep, raw: raw}
	w.value(n, 0)
	s.mu.RUnlock()
	if !w.missed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w = walk{ep: ep, raw: raw, learn: s, sent: sent}
	w.value(n, 0)
}

// field takes note of a node's new type. s.mu is held.
func (s *Shapes) field(ep *endpoint, n *node, is types) {
	if ep.full {
		return
	}
	t := Trait{Service: ep.service, Endpoint: ep.name, Kind: TraitField, What: n.path + ": " + is.String()}
	if ep.fields >= maxTraits {
		ep.full = true
		s.tooMany(t)
		return
	}
	ep.fields++
	switch {
	case n.types == null:
		t.Quiet = true
	case n.types != 0:
		t.Kind = TraitType
	}
	n.types |= is
	s.met(t)
}
