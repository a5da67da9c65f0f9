//go:build race

package audit_test

// The race detector slows SQLite down fifteen times, and finds in a shorter log
// what it finds in a longer one.
const (
	long     = 3_000
	thorough = false
)
