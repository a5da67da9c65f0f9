package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestSecurityTable: what the README's table says is held by a test is held by
// one that is there, and every other row says whose it is.
func TestSecurityTable(t *testing.T) {
	tests := testNames(t, "../..")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(readme), "| requirement | how frontdesk does it | held by |\n|---|---|---|\n")
	if !ok {
		t.Fatal("the README has no table of requirements")
	}
	table, rest, _ := strings.Cut(table, "\n\n")
	rest, _, ok = strings.Cut(rest, "</details>")
	if !ok {
		t.Fatal("the table's details do not end")
	}
	number, quoted := regexp.MustCompile(`\b\d+\.\d+\.\d+\b`), regexp.MustCompile("`([^`]+)`")
	seen := map[string]bool{}
	note := func(where, text string) {
		for _, n := range number.FindAllString(text, -1) {
			if seen[n] {
				t.Errorf("%s: %s is there twice", where, n)
			}
			seen[n] = true
		}
	}
	rows := strings.Split(table, "\n")
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 3 || !number.MatchString(cells[0]) {
			t.Errorf("no row of the table: %s", row)
			continue
		}
		note(row, cells[0])
		held := quoted.FindAllStringSubmatch(cells[2], -1)
		for _, name := range held {
			if name[1] != "make check" && !slices.Contains(tests, name[1]) {
				t.Errorf("%s: there is no test %s", strings.TrimSpace(cells[0]), name[1])
			}
		}
		if len(held) == 0 && !regexp.MustCompile(`operator|this README|above|not met`).MatchString(cells[1]) {
			t.Errorf("%s: no test holds it, and nothing says whose it is", strings.TrimSpace(cells[0]))
		}
	}
	for line := range strings.Lines(rest) {
		note(line, line)
	}
	if len(rows) < 90 || len(seen) < 180 { // of 253, without two whole chapters
		t.Errorf("only %d rows and %d requirements", len(rows), len(seen))
	}
}

// TestWhatIsToBeCopiedFits: the README's blocks name frontdesk's own commands and
// variables alone, for each way of installing it.
func TestWhatIsToBeCopiedFits(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, command := range parser.Model.Children {
		commands = append(commands, command.Name)
	}
	run := regexp.MustCompile(`(?m)(?:^|/)frontdesk ([a-z][a-z-]*)`)
	var all strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```").FindAllStringSubmatch(string(readme), -1) {
		all.WriteString(block[1])
	}
	blocks := all.String()
	for _, found := range run.FindAllStringSubmatch(blocks, -1) {
		if !slices.Contains(commands, found[1]) {
			t.Errorf("there is no command %q", found[1])
		}
	}
	named := map[string]string{}
	for _, name := range regexp.MustCompile(`FRONTDESK_[A-Z0-9_]+`).FindAllString(blocks, -1) {
		named[name] = ""
	}
	if unknown := unknownVariables(parser.Model, named); len(unknown) > 0 || len(named) < 10 {
		t.Errorf("of %d variables these are not frontdesk's: %q", len(named), unknown)
	}
	for _, way := range []string{"docker run", "services:", "reverse_proxy", "[Service]", "[Timer]", "kind: Deployment", "frontdesk backup", "replica:"} {
		if !strings.Contains(blocks, way) {
			t.Errorf("no block has %q", way)
		}
	}
}

// TestTheImageHoldsTheSameBinary that "make build" makes of a commit: both give the
// compiler the same flags.
func TestTheImageHoldsTheSameBinary(t *testing.T) {
	flags := map[string]string{}
	for file, pattern := range map[string]string{"Makefile": `(?m)^BUILD = (.*)$`, "Dockerfile": `go build (.*) -o /out/frontdesk `} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s: nothing builds the binary", file)
		}
		flags[file] = strings.NewReplacer("$(VERSION)", "VERSION", "${VERSION}", "VERSION", `"`, "'").Replace(string(found[1]))
	}
	if flags["Makefile"] != flags["Dockerfile"] || !strings.Contains(flags["Makefile"], "-trimpath") {
		t.Errorf("built with %q, in the image with %q", flags["Makefile"], flags["Dockerfile"])
	}
}

// TestMissingTestsAreFound, so that the test above can fail.
func TestMissingTestsAreFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a_test.go":  "package a\n\nimport \"testing\"\n\nfunc TestThere(t *testing.T) {}\n\nfunc (x y) TestMethod(t *testing.T) {}\n\n// TestComment is none.\n",
		"b.go":       "package a\n\nfunc TestNotInATestFile() {}\n",
		"c.test.mjs": "import test from \"node:test\";\ntest(\"what holds\", () => {});\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := testNames(t, dir); !slices.Equal(got, []string{"TestThere", "what holds"}) {
		t.Errorf("found %q", got)
	}
}

// testNames are the tests of a folder: Go functions, and titles in JavaScript.
func testNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	title := regexp.MustCompile("(?m)^\\s*test\\([\"'`]([^\"'`]+)[\"'`],")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (d.Name() == "node_modules" || d.Name() == "dist" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
					names = append(names, f.Name.Name)
				}
			}
		case strings.HasSuffix(path, ".test.mjs"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, found := range title.FindAllSubmatch(text, -1) {
				names = append(names, string(found[1]))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}
