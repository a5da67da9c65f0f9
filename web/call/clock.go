package call

import (
	"net/http"
	"slices"
	"time"
)

// How a service's clock is learnt from the Date of its answers, which is in whole
// seconds and was written some time between the request and the answer.
const (
	clockReadings = 5               // the latest, whose median counts
	clockNoise    = 2 * time.Second // what a reading can be off by: less is no difference
	clockSlowest  = 3 * time.Second // an answer that took longer tells too little
	clockFarthest = 24 * time.Hour  // a Date farther off than this is not a clock's
)

// dated takes in the Date of an answer whose header came just now, took after its
// request left.
func (s *Stats) dated(service string, header http.Header, took time.Duration) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil || took > clockSlowest || header.Get("Age") != "" { // with an Age it is a cache's copy, and old
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Cut to the second, it was half of one later on average.
	ahead := date.Add(time.Second / 2).Sub(s.now().Add(-took / 2))
	if ahead.Abs() > clockFarthest {
		return
	}
	h := s.of(service)
	if h.readings = append(h.readings, ahead); len(h.readings) > clockReadings {
		h.readings = h.readings[1:]
	}
	median := slices.Sorted(slices.Values(h.readings))[(len(h.readings)-1)/2]
	// What is told stays as it is until it is plainly wrong: times that are
	// corrected by it would jump to and fro otherwise.
	if (median - h.ahead).Abs() < clockNoise {
		return
	}
	if h.ahead = median.Round(time.Second); h.ahead.Abs() < clockNoise {
		h.ahead = 0
	}
}

// Ahead is how far a service's clock is ahead of ours, negative when it is behind,
// in whole seconds; 0 while that is not known, or is too little to tell.
func (s *Stats) Ahead(service string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.services[service]; h != nil {
		return h.ahead
	}
	return 0
}

// Ahead is Stats.Ahead of the client's service; 0 without statistics.
func (c *Client) Ahead() time.Duration {
	if c.stats == nil {
		return 0
	}
	return c.stats.Ahead(c.service)
}
