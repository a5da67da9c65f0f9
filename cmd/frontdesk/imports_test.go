package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the layout's one-way street: which of our packages each of our
// packages may import. A package that is not listed has no place yet.
var mayImport = map[string][]string{
	"cmd/frontdesk": {
		"handlers", "static", "store", "store/audit", "views",
		"web/atom", "web/call", "web/desk", "web/ip1", "web/portal", "web/sandbox",
	},
	// handlers fill two plain structs that the desk takes and gives: web/atom's
	// form of a new customer, and web/call's figures of a service's health.
	// They call no client: those are reached through the desk.
	"handlers":     {"static", "store", "store/audit", "views", "views/lang", "web/atom", "web/call", "web/desk"},
	"views":        {"static", "views/lang"},
	"views/lang":   {},
	"static":       {},
	"web/desk":     {"store", "store/audit", "web/atom", "web/call", "web/ip1", "web/portal"},
	"web/atom":     {"web/call"},
	"web/portal":   {"web/call"},
	"web/ip1":      {"web/call"},
	"web/call":     {},
	"web/sandbox":  {}, // a mistake in a client must not be mirrored in its test double
	"store":        {"store/audit"},
	"store/audit":  {},
	"store/pgtest": {}, // a server for tests

	"web/sandbox/boxtest": {"web/sandbox"}, // the sandbox in a process of its own, for benchmarks
}

const module = "frontdesk/"

// brokenImports names every import of ours that the layout does not allow.
// imports are by package, both with the module's name.
func brokenImports(imports map[string][]string) []string {
	var broken []string
	for pkg, list := range imports {
		from := strings.TrimPrefix(pkg, module)
		allowed, known := mayImport[from]
		if !known {
			broken = append(broken, fmt.Sprintf("%s is not in the layout", from))
		}
		for _, imported := range list {
			to, ours := strings.CutPrefix(imported, module)
			if ours && !slices.Contains(allowed, to) {
				broken = append(broken, fmt.Sprintf("%s imports %s", from, to))
			}
		}
	}
	slices.Sort(broken)
	return broken
}

func TestImportsRunOneWay(t *testing.T) {
	imports := listImports(t)
	for pkg := range mayImport {
		if _, ok := imports[module+pkg]; !ok {
			t.Errorf("%s is in the layout but not in the module", pkg)
		}
	}
	for _, b := range brokenImports(imports) {
		t.Error(b)
	}
}

// The checker itself, on edges that must never be.
func TestBrokenImportsAreFound(t *testing.T) {
	for _, tt := range []struct{ from, to string }{
		{"web/sandbox", "web/call"},
		{"web/atom", "store"},
		{"web/atom", "web/portal"},
		{"web/desk", "handlers"},
		{"web/desk", "web/sandbox"},
		{"views", "store"},
		{"views/lang", "views"},
		{"web/desk", "views/lang"},
		{"static", "views"},
		{"store/audit", "store"},
		{"handlers", "web/ip1"},
		{"handlers", "web/sandbox"},
		{"handlers", "cmd/frontdesk"},
		{"store", "web/desk"},
	} {
		got := brokenImports(map[string][]string{module + tt.from: {"fmt", module + tt.to}})
		if want := tt.from + " imports " + tt.to; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q", want, got)
		}
	}
	if got := brokenImports(map[string][]string{module + "util": nil}); len(got) != 1 {
		t.Errorf("a package outside the layout: got %q", got)
	}
	if got := brokenImports(map[string][]string{module + "store": {"context", module + "store/audit", "modernc.org/sqlite"}}); got != nil {
		t.Errorf("what is allowed was refused: %q", got)
	}
}

// strayTracing names every import of OpenTelemetry's that has no place where it is: what
// collects and sends, and what is global there, belongs to cmd alone; four packages have
// spans, and none of the others knows of them.
func strayTracing(imports map[string][]string) []string {
	const theirs = "go.opentelemetry.io/"
	var stray []string
	for pkg, list := range imports {
		from := strings.TrimPrefix(pkg, module)
		for _, imported := range list {
			what, ok := strings.CutPrefix(imported, theirs)
			if !ok || from == "cmd/frontdesk" {
				continue
			}
			spans := strings.HasPrefix(what, "otel/semconv/") || slices.Contains([]string{"otel/trace", "otel/attribute", "otel/codes", "otel/propagation"}, what)
			if !spans || !slices.Contains([]string{"handlers", "web/desk", "web/call", "store"}, from) {
				stray = append(stray, from+" imports "+what)
			}
		}
	}
	slices.Sort(stray)
	return stray
}

func TestTracesAreSentByCmdAlone(t *testing.T) {
	for _, s := range strayTracing(listImports(t)) {
		t.Error(s)
	}
	got := strayTracing(map[string][]string{
		module + "store":         {"go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel"},
		module + "web/atom":      {"go.opentelemetry.io/otel/trace"},
		module + "handlers":      {"go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/semconv/v1.43.0"},
		module + "cmd/frontdesk": {"go.opentelemetry.io/otel/sdk/trace"},
	})
	if want := []string{"handlers imports otel/sdk/trace", "store imports otel", "web/atom imports otel/trace"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// listImports reads the module's packages and what their code (not their
// tests) imports.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		imports[pkg.ImportPath] = pkg.Imports
	}
}
