//go:build !race

package audit_test

// long is the length of the longest log: its tree has tiles of three levels.
const long = 66_000
