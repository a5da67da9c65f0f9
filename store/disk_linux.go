package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace is how many bytes an ordinary user may still write where path is.
func freeSpace(path string) (int64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(folder(path), &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * s.Bsize, true
}

// reserve takes up space for a file at once where the file system can.
func reserve(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return fill(f, size)
	}
	return err
}
