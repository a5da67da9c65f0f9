package desk

import (
	"sync"
	"time"
)

// metered is over how many seconds an import's speed is taken.
const metered = 30

// meter counts how many rows ended in each of the last seconds.
type meter struct {
	mu    sync.Mutex
	since time.Time
	ended [metered]int   // by the second, modulo metered
	at    [metered]int64 // which second that was
}

func newMeter(now time.Time) *meter { return &meter{since: now} }

func (m *meter) count(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	second := now.Unix()
	slot := second % metered
	if m.at[slot] != second {
		m.at[slot], m.ended[slot] = second, 0
	}
	m.ended[slot]++
}

// rate is how many rows ended in a second; 0 as long as there is too little to
// tell.
func (m *meter) rate(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	seconds := min(now.Sub(m.since).Seconds(), metered)
	if seconds < 1 {
		return 0
	}
	n := 0
	for slot, at := range m.at {
		if now.Unix()-at < metered {
			n += m.ended[slot]
		}
	}
	return float64(n) / seconds
}
