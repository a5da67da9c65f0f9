//go:build linux

package desk

import (
	"os"
	"strings"
	"testing"
)

// fileMemory is how much of files is in this process' memory, in KiB.
func fileMemory(t *testing.T) (kib string) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "RssFile:")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// What the program's file takes up is given back, and the program goes on.
func TestTheProgramLeavesTheMemory(t *testing.T) {
	before := fileMemory(t)
	if err := leaveProgram(); err != nil {
		t.Fatal(err)
	}
	after := fileMemory(t)
	if len(after) > len(before) || len(after) == len(before) && after >= before {
		t.Errorf("%s of files are in memory, and %s were before", after, before)
	}
	t.Logf("%s, and %s before", after, before)
}
