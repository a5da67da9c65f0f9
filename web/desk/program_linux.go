package desk

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// leaveProgram gives back the memory that the program's own file takes up: most of what
// a start reads of it is not needed again, and the rest comes back from the file, which
// the system keeps in memory as long as there is room.
func leaveProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	mapped, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(mapped) {
		// "00400000-0189d000 r-xp 00000000 fe:00 1234  /usr/bin/frontdesk"
		fields := strings.Fields(string(line))
		if len(fields) < 6 || !strings.HasSuffix(strings.TrimSuffix(string(line), "\n"), " "+program) || strings.Contains(fields[1], "w") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		begin, err := strconv.ParseUint(from, 16, 64)
		if err != nil {
			return err
		}
		end, err := strconv.ParseUint(to, 16, 64)
		if err != nil {
			return err
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(begin), uintptr(end-begin), unix.MADV_DONTNEED); errno != 0 {
			return errno
		}
	}
	return nil
}
