package desk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frontdesk/store/audit"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStreamToAFileAcrossRestartsAndRotation(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var all string
	for _, old := range []string{"audit.1", "audit.2"} {
		r.fill(streamBatch + 3)
		r.follow(NewFileSink(path), r.upToDate())
		r.fill(1)
		r.follow(NewFileSink(path), r.upToDate())
		all += read(t, path)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if err := os.Rename(path, filepath.Join(filepath.Dir(path), old)); err != nil {
			t.Fatal(err)
		}
	}
	if all != r.wholeLog() {
		t.Errorf("%d bytes came, want %d", len(all), len(r.wholeLog()))
	}
}

// Moved away while the stream runs.
func TestStreamToAFileThatIsMoved(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	first := r.upToDate()
	moved := ""
	var second func(StreamState) bool
	r.follow(NewFileSink(path), func(s StreamState) bool {
		if moved == "" {
			if first(s) {
				moved = path + ".1"
				if err := os.Rename(path, moved); err != nil {
					t.Error(err)
				}
				r.fill(5)
				second = r.upToDate()
			}
			return false
		}
		return second(s)
	})
	if read(t, moved)+read(t, path) != r.wholeLog() || strings.Count(read(t, path), "\n") != 5 {
		t.Errorf("moved away:\n%s\nnew:\n%s", read(t, moved), read(t, path))
	}
}

func TestStreamGoesOnAfterACutLine(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	r.fill(20)
	r.follow(NewFileSink(path), r.upToDate())
	// As a crash could leave it: the last line cut, the mark before the batch.
	whole := read(t, path)
	if err := os.Truncate(path, int64(len(whole)-40)); err != nil {
		t.Fatal(err)
	}
	r.exec(`UPDATE audit_marks SET upto = 10`)
	r.follow(NewFileSink(path), r.upToDate())
	got := read(t, path)
	rest := whole[strings.Index(whole, `{"id":11,`):]
	if got != whole[:len(whole)-40]+"\n"+rest {
		t.Errorf("the file is\n%s", got)
	}
	var sound strings.Builder
	cut := 0
	for line := range strings.Lines(got) {
		if _, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
			cut++
			continue
		}
		sound.WriteString(line)
	}
	if cut != 1 || once(t, sound.String()) != r.wholeLog() {
		t.Errorf("%d lines are cut, and the others are\n%s", cut, sound.String())
	}
}

func TestStreamToAFileThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "audit.jsonl")
	state := r.follow(NewFileSink(path), func(s StreamState) bool { return s.LastError != "" })
	if !strings.Contains(state.LastError.String(), path) || state.Behind != int(r.lastID()) {
		t.Errorf("no folder: %+v", state)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.follow(NewFileSink(path), r.upToDate())
	if read(t, path) != r.wholeLog() {
		t.Error("not the whole log")
	}
	// A device that is always full; and one that is no file to look into.
	e := []audit.Entry{{ID: 1}}
	if n, err := NewFileSink("/dev/full").Deliver(ctx, e); n != 0 || err == nil {
		t.Errorf("a full device: %d, %v", n, err)
	}
	if n, err := NewFileSink("/dev/null").Deliver(ctx, e); n != 1 || err != nil {
		t.Errorf("a device: %d, %v", n, err)
	}
}
