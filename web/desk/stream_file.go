package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"frontdesk/store/audit"
)

// FileSink appends the log to a file as JSON lines.
type FileSink struct{ path string }

// NewFileSink returns a sink that appends to the file at path and makes it,
// readable by the operator's user only, when it is not there.
func NewFileSink(path string) *FileSink { return &FileSink{path} }

// Name is "file".
func (f *FileSink) Name() string { return "file" }

// Target is the path.
func (f *FileSink) Target() string { return f.path }

// Deliver appends the entries' lines, which are on the disk when it returns. The
// file is opened by its name each time: one that logrotate or a person has
// moved away is followed by a new one.
func (f *FileSink) Deliver(_ context.Context, entries []audit.Entry) (int, error) {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err // names the path and the cause
	}
	if err := errors.Join(f.append(file, entries), file.Close()); err != nil {
		return 0, err
	}
	return len(entries), nil
}

func (f *FileSink) append(file *os.File, entries []audit.Entry) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // a pipe or a device: there is nothing to look at or to sync
		_, err := file.Write(lines(entries))
		return err
	}
	var b []byte
	size := info.Size()
	if size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' { // a crash cut the line: what follows must not become part of it
			b = append(b, '\n')
		}
	}
	if _, err := file.Write(append(b, lines(entries)...)); err != nil {
		// A disk that is full would be filled with beginnings of the same lines.
		return errors.Join(err, file.Truncate(size))
	}
	if err := file.Sync(); err != nil || size > 0 {
		return err
	}
	// The name of a new file is the folder's, and is synced with that.
	folder, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// lines are entries as JSON lines: the canonical bytes, which can be proved.
func lines(entries []audit.Entry) (b []byte) {
	for i := range entries {
		b = append(entries[i].Canonical(b), '\n')
	}
	return b
}

// WriterSink writes the log as JSON lines to a writer, which is standard output
// outside of tests. It is a file sink that has no file: its mark is the same.
type WriterSink struct{ to io.Writer }

// NewWriterSink returns a sink that writes to w.
func NewWriterSink(w io.Writer) *WriterSink { return &WriterSink{w} }

// Name is "file".
func (s *WriterSink) Name() string { return "file" }

// Target says that it is standard output.
func (s *WriterSink) Target() string { return "standard output" }

// Deliver writes the entries' lines. A pipe that nobody reads blocks for as long
// as that lasts, and cannot be given a deadline; so a stop does not wait for it.
func (s *WriterSink) Deliver(ctx context.Context, entries []audit.Entry) (int, error) {
	wrote := make(chan error, 1)
	go func() {
		_, err := s.to.Write(lines(entries))
		wrote <- err
	}()
	select {
	case <-ctx.Done(): // the process ends, and with it the write; it is repeated at the next start
		return 0, ctx.Err()
	case err := <-wrote:
		if err != nil {
			return 0, fmt.Errorf("write to standard output: %w", err)
		}
		return len(entries), nil
	}
}
