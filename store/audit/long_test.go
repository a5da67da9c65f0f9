//go:build !race

package audit_test

const (
	long     = 66_000 // the length of the longest log: its tree has tiles of three levels
	thorough = true   // every place and value is tried
)
