package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines are what go test prints of benchmarks in which every figure is as good as
// its aim, but for those that are given by "name unit".
func lines(other map[string]float64) string {
	var out strings.Builder
	out.WriteString("goos: linux\npkg: frontdesk/handlers\n")
	for f := range figures() {
		v := 0.8
		if f.aim != 0 {
			v = f.aim
		}
		if o, ok := other[f.String()]; ok {
			v = o
		}
		fmt.Fprintf(&out, "Benchmark%s-2 \t       1\t         %v %s\n", f.name, v, f.unit)
	}
	out.WriteString("PASS\nok  \tfrontdesk/handlers\t1.0s\n")
	return out.String()
}

const someReadme = "# frontdesk\n\n" + begins + "what stood here\n" + ends + "\nThe rest.\n"

// desk is a folder with a README and what benchmarks printed.
type desk struct {
	*testing.T
	dir string
}

func newDesk(t *testing.T) desk {
	d := desk{t, t.TempDir()}
	d.write("README.md", someReadme)
	return d
}

func (d desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d desk) write(name, text string) {
	d.Helper()
	if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d desk) read(name string) string {
	d.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		d.Fatal(err)
	}
	return string(text)
}

// report reports on what was printed, and returns what it says.
func (d desk) report(keep bool, printed ...string) (string, error) {
	d.Helper()
	var files []string
	for i, text := range printed {
		name := fmt.Sprintf("%d.txt", i)
		d.write(name, text)
		files = append(files, d.path(name))
	}
	var out bytes.Buffer
	err := options{kept: d.path("bench/kept.txt"), readme: d.path("README.md"), keep: keep, machine: machine{2, 24}}.report(&out, files)
	return out.String(), err
}

// fails wants a report that fails and names all of these.
func fails(t *testing.T, err error, names ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("the report did not fail")
	}
	if n := strings.Count(err.Error(), "\n"); n != len(names) {
		t.Errorf("%d flaws, not %d", n, len(names))
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("it does not say %q:\n%v", name, err)
		}
	}
}

func TestMedians(t *testing.T) {
	d := newDesk(t)
	d.write("a.txt", "BenchmarkX/list-2 1 0.9 of-bare@8 10 pages/s\nsome other line\nBenchmarkX/list-2 1 0.1 of-bare@8 30 pages/s\nBenchmarkY 1 7 ns/op\n")
	d.write("b.txt", "BenchmarkX/list-16 1 0.7 of-bare@8 20 pages/s\nBenchmarkX/list 1 50 pages/s\n")
	got, err := read([]string{d.path("a.txt"), d.path("b.txt")})
	if err != nil {
		t.Fatal(err)
	}
	if v := got.values["X/list"]; v["of-bare@8"] != 0.7 || v["pages/s"] != 25 {
		t.Errorf("of three runs and of four: %v", v)
	}
}

func TestBrokenOutputIsRefused(t *testing.T) {
	d := newDesk(t)
	if _, err := d.report(false, "BenchmarkX/list-2 1 many of-bare@8\n"); err == nil {
		t.Error("a figure that is no number was read")
	}
	if _, err := d.report(false, lines(nil), "PASS\n"); err != nil {
		t.Error(err)
	}
	if err := (options{readme: d.path("README.md"), kept: d.path("none")}).report(&bytes.Buffer{}, []string{d.path("absent.txt")}); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestNothingIsKeptYet(t *testing.T) {
	d := newDesk(t)
	out, err := d.report(false, lines(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "No ratio is kept yet") || !strings.Contains(out, "make bench KEEP=1") {
		t.Errorf("it does not say so:\n%s", out)
	}
	if _, err := os.Stat(d.path("bench/kept.txt")); !os.IsNotExist(err) {
		t.Errorf("something was kept: %v", err)
	}
}

func TestKeptRatios(t *testing.T) {
	d := newDesk(t)
	if out, err := d.report(true, lines(nil)); err != nil || !strings.Contains(out, "are kept in") {
		t.Fatalf("%v\n%s", err, out)
	}
	kept := d.read("bench/kept.txt")
	if !strings.HasPrefix(kept, "machine: 2 cores, 24 GiB\n") || !strings.Contains(kept, "BenchmarkHundredThousand/list 1 0.8 of-bare@1 0.6 of-bare@8") {
		t.Errorf("kept:\n%s", kept)
	}
	if strings.Contains(kept, "ms-p99") || strings.Contains(kept, "pages/s") {
		t.Errorf("times and rates are the machine's, and kept:\n%s", kept)
	}
	for _, tt := range []struct {
		name  string
		is    map[string]float64
		wrong []string
	}{
		{"the same", nil, nil},
		{"a quarter less", map[string]float64{"HundredThousand/home of-bare@8": 0.601}, nil},
		{"over a quarter less", map[string]float64{"HundredThousand/home of-bare@8": 0.599}, []string{"HundredThousand/home of-bare@8 is 0.60, more than a quarter behind the kept 0.80"}},
		{"better", map[string]float64{"HundredThousand/home of-bare@8": 3, "Million/append growth": 0.1}, nil},
		{"a quarter more growth", map[string]float64{"Million/append growth": 0.999}, nil},
		{"over a quarter more growth", map[string]float64{"Million/append growth": 1.01}, []string{"Million/append growth is 1.01 ×, more than a quarter behind"}},
		{"a machine half as fast", map[string]float64{"HundredThousand/home pages/s@8": 0.1, "HundredThousand/home ms-p99": 9}, nil},
		{"two", map[string]float64{"Acts/sms of-call@8": 0.1, "Import/free of-call": 0.1}, []string{"Acts/sms of-call@8", "Import/free of-call"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.report(false, lines(tt.is))
			if len(tt.wrong) > 0 {
				fails(t, err, tt.wrong...)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	if d.read("bench/kept.txt") != kept {
		t.Error("a comparison changed what is kept")
	}
}

func TestAims(t *testing.T) {
	d := newDesk(t)
	is := map[string]float64{"HundredThousand/list of-bare@8": 0.59, "Acts/sso own-ms-p99": 5.1, "HundredThousand/detail growth": 1.31,
		"Sync/fill of-bare": 0.24, "Sync/memory MiB-fill": 65, "Sync/memory MiB-same": 64}
	wrong := []string{"Sync/fill of-bare is 0.24, the aim is at least 0.25", "Sync/memory MiB-fill is 65 MiB, the aim is at most 64 MiB",
		"HundredThousand/list of-bare@8 is 0.59, the aim is at least 0.60", "Acts/sso own-ms-p99 is 5.1 ms, the aim is at most 5.0 ms", "HundredThousand/detail growth is 1.31 ×"}
	_, err := d.report(false, lines(is))
	fails(t, err, wrong...)
	_, err = d.report(true, lines(is)) // what is kept excuses nothing
	fails(t, err, wrong...)
	if !strings.Contains(d.read("README.md"), "0.59 (at least 0.60)") {
		t.Error("the README does not say so")
	}
}

func TestAMissingFigure(t *testing.T) {
	d := newDesk(t)
	printed := lines(nil)
	without := strings.ReplaceAll(printed, "of-bare@32", "something")
	if without == printed {
		t.Fatal("nothing is left out")
	}
	if _, err := d.report(false, without); err == nil || !strings.Contains(err.Error(), "Million/audit of-bare@32 was not measured") {
		t.Errorf("it says %v", err)
	}
	if !strings.Contains(d.read("README.md"), " – |") {
		t.Error("the README does not show the gap")
	}
	if _, err := d.report(true, without); err == nil {
		t.Error("a run with a gap was kept")
	}
	if _, err := os.Stat(d.path("bench/kept.txt")); !os.IsNotExist(err) {
		t.Errorf("something was kept: %v", err)
	}
}

func TestAFigureThatIsNotKeptYet(t *testing.T) {
	d := newDesk(t)
	if _, err := d.report(true, lines(nil)); err != nil {
		t.Fatal(err)
	}
	d.write("bench/kept.txt", strings.ReplaceAll(d.read("bench/kept.txt"), "BenchmarkSync/fill", "BenchmarkGone"))
	out, err := d.report(false, lines(nil))
	if err != nil || !strings.Contains(out, "Sync/fill of-bare: none is kept yet") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAnotherMachine(t *testing.T) {
	d := newDesk(t)
	if _, err := d.report(true, lines(nil)); err != nil {
		t.Fatal(err)
	}
	d.write("bench/kept.txt", strings.Replace(d.read("bench/kept.txt"), "2 cores", "16 cores", 1))
	if out, err := d.report(false, lines(nil)); err != nil || !strings.Contains(out, "another machine (16 cores, 24 GiB, this one has 2 cores, 24 GiB)") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheREADMEsMarks(t *testing.T) {
	d := newDesk(t)
	for range 2 { // the second time over the first
		if _, err := d.report(false, lines(nil)); err != nil {
			t.Fatal(err)
		}
	}
	text := d.read("README.md")
	if !strings.HasPrefix(text, "# frontdesk\n\n"+begins+"\nOn 2 cores, 24 GiB; medians. Allocations are those of a request with 250 customers.\n\n| 100,000 customers") || !strings.HasSuffix(text, "|\n\n"+ends+"\nThe rest.\n") {
		t.Errorf("the README:\n%s", text)
	}
	if strings.Contains(text, "what stood here") || strings.Count(text, "| sign-in |") != 1 {
		t.Errorf("the former table is still there:\n%s", text)
	}
	for name, broken := range map[string]string{
		"without marks": "# frontdesk\n", "without an end": "# frontdesk\n" + begins, "the end first": ends + begins, "twice": someReadme + someReadme,
	} {
		d.write("README.md", broken)
		if _, err := d.report(false, lines(nil)); err == nil {
			t.Errorf("%s: the report did not fail", name)
		}
		if d.read("README.md") != broken {
			t.Errorf("%s: it was written to", name)
		}
	}
}

// The tables are whole: every row has a cell for each heading, and no figure is there
// twice.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for f := range figures() {
		if seen[f.String()] {
			t.Errorf("%s is there twice", f)
		}
		seen[f.String()] = true
	}
	for _, table := range tables {
		for _, r := range table.rows {
			if len(r.cells)+1 != len(table.head) {
				t.Errorf("%s has %d cells under %d headings", r.label, len(r.cells)+1, len(table.head))
			}
		}
	}
	for v, want := range map[float64]string{0: "0", 999.6: "1,000", 12: "12", 1234567: "1,234,567"} {
		if got := whole(v); got != want {
			t.Errorf("%v is written %s", v, got)
		}
	}
}
