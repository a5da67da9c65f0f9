package handlers

import "sync"

// share counts what the sessions hold of something that there is little of, so that
// one of them cannot take all.
type share struct {
	mu   sync.Mutex
	held map[string]int // by session; none is kept that holds nothing
}

// take is true when a session holds less than most, and has one more then.
func (s *share) take(session string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[session] >= most {
		return false
	}
	if s.held == nil {
		s.held = map[string]int{}
	}
	s.held[session]++
	return true
}

// give gives one back.
func (s *share) give(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[session]--; s.held[session] <= 0 {
		delete(s.held, session)
	}
}
