package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/perf/benchfmt"
)

// results are the medians of what benchmarks printed, by benchmark and unit, and the
// size of the machine that a kept file names.
type results struct {
	machine string
	values  map[string]map[string]float64
}

func (r results) of(f figure) (float64, bool) {
	v, ok := r.values[f.name][f.unit]
	return v, ok
}

// read takes the median of each figure over all the files' runs.
func read(files []string) (results, error) {
	r := results{values: map[string]map[string]float64{}}
	runs := map[string]map[string][]float64{}
	for _, path := range files {
		if err := readFile(path, &r, runs); err != nil {
			return r, err
		}
	}
	for name, units := range runs {
		r.values[name] = map[string]float64{}
		for unit, all := range units {
			r.values[name][unit] = median(all)
		}
	}
	return r, nil
}

func readFile(path string, r *results, runs map[string]map[string][]float64) error {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	in := benchfmt.NewReader(file, path)
	for in.Scan() {
		switch record := in.Result().(type) {
		case *benchfmt.SyntaxError:
			return record
		case *benchfmt.Result:
			r.machine = record.GetConfig("machine")
			name := plainName(record.Name)
			if runs[name] == nil {
				runs[name] = map[string][]float64{}
			}
			for _, v := range record.Values {
				runs[name][v.Unit] = append(runs[name][v.Unit], v.Value)
			}
		}
	}
	return in.Err()
}

// plainName is a benchmark's name without the number of cores that go test puts
// behind it.
func plainName(name benchfmt.Name) string {
	base, parts := name.Parts()
	plain := string(base)
	for _, part := range parts {
		if part[0] != '-' {
			plain += string(part)
		}
	}
	return plain
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	middle := len(all) / 2
	if len(all)%2 == 0 {
		return (all[middle-1] + all[middle]) / 2
	}
	return all[middle]
}

// keep writes the figures that are compared, in the benchmarks' own format.
func (r results) keep(path string, m machine) error {
	kept := map[string][]benchfmt.Value{}
	for f := range figures() {
		v, ok := r.of(f)
		if !ok {
			return fmt.Errorf("%s was not measured; nothing is kept", f)
		}
		if f.kept {
			kept[f.name] = append(kept[f.name], benchfmt.Value{Value: v, Unit: f.unit})
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.Create(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	out := benchfmt.NewWriter(file)
	config := []benchfmt.Config{{Key: "machine", Value: []byte(m.String()), File: true}}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if err := out.Write(&benchfmt.Result{Config: config, Name: benchfmt.Name(name), Iters: 1, Values: kept[name]}); err != nil {
			return err
		}
	}
	return file.Close()
}
