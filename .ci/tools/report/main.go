// Command report reads what the benchmarks printed, takes the median of each figure's
// runs, and writes the README's table of them. It fails when a figure is missing, when
// one misses its aim, or when a ratio is more than a quarter behind the one that was
// kept. With -keep it keeps the ratios instead.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

func main() {
	var o options
	flag.StringVar(&o.kept, "kept", ".ci/bench/kept.txt", "the ratios that were kept")
	flag.BoolVar(&o.keep, "keep", false, "keep this run's ratios")
	flag.StringVar(&o.readme, "readme", "README.md", "where the table stands")
	flag.Parse()
	o.machine = machine{cores: runtime.NumCPU(), memory: memory()}
	if err := o.report(os.Stdout, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

type options struct {
	kept, readme string
	keep         bool
	machine      machine
}

// machine is how large the machine is; its name says nothing.
type machine struct {
	cores  int
	memory int // GiB; 0 when it cannot be told
}

func (m machine) String() string {
	size := fmt.Sprintf("%d cores", m.cores)
	if m.memory > 0 {
		size += fmt.Sprintf(", %d GiB", m.memory)
	}
	return size
}

// memory is the machine's, in GiB, rounded up: the kernel keeps some for itself.
func memory() int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kib int
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err != nil {
		return 0
	}
	return (kib + 1<<20 - 1) >> 20
}

// report writes the table also when it fails: that is how it was.
func (o options) report(w io.Writer, files []string) error {
	now, err := read(files)
	if err != nil {
		return err
	}
	var kept results
	if !o.keep {
		if kept, err = read([]string{o.kept}); errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(w, "No ratio is kept yet, so that none is compared. Keep these with: make bench KEEP=1\n\n")
		} else if err != nil {
			return err
		} else if kept.machine != o.machine.String() {
			fmt.Fprintf(w, "The ratios were kept on another machine (%s, this one has %s): cores change them.\n\n", kept.machine, o.machine)
		}
	}
	text := markdown(now, o.machine)
	fmt.Fprint(w, text)
	if err := put(o.readme, text); err != nil {
		return err
	}
	notes, flaws := check(now, kept)
	for _, note := range notes {
		fmt.Fprintln(w, note)
	}
	if o.keep {
		if err := now.keep(o.kept, o.machine); err != nil {
			return err
		}
		fmt.Fprintf(w, "The ratios are kept in %s.\n", o.kept)
	}
	if len(flaws) > 0 {
		return fmt.Errorf("%d of the figures are not as they should be:\n  %s", len(flaws), strings.Join(flaws, "\n  "))
	}
	return nil
}

// The README's marks, each on a line of its own.
const begins, ends = "<!-- bench -->\n", "<!-- /bench -->\n"

// put writes the text between a file's marks.
func put(path, text string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if bytes.Count(file, []byte(begins)) != 1 || bytes.Count(file, []byte(ends)) != 1 {
		return fmt.Errorf("%s: it needs the lines %q and %q once each", path, strings.TrimSpace(begins), strings.TrimSpace(ends))
	}
	before, rest, _ := strings.Cut(string(file), begins)
	_, after, found := strings.Cut(rest, ends)
	if !found {
		return fmt.Errorf("%s: %q comes before %q", path, strings.TrimSpace(ends), strings.TrimSpace(begins))
	}
	return os.WriteFile(path, []byte(before+begins+"\n"+text+"\n"+ends+after), 0o644)
}
