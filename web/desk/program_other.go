//go:build !linux

package desk

// leaveProgram does nothing: how much of a program stays in memory is the system's to
// decide.
func leaveProgram() error { return nil }
