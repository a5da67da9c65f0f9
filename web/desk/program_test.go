//go:build linux

package desk

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// fileMemory is how much of files is in this process' memory, in bytes.
func fileMemory(t *testing.T) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(after, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}

// What the program's file takes up is given back, and the program goes on. The system
// may have taken some of it before, and other tests have it read again.
func TestTheProgramLeavesTheMemory(t *testing.T) {
	program, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	before := fileMemory(t)
	if err := leaveProgram(); err != nil {
		t.Fatal(err)
	}
	if after := fileMemory(t); after > program.Size()/5 {
		t.Errorf("%d bytes of files are in memory, and %d were before; the program has %d", after, before, program.Size())
	}
}
