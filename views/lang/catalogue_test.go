package lang

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	templates "github.com/a-h/templ/parser/v2"
)

// Where texts are written, seen from here.
var (
	goFolders = []string{"../../views", "../../handlers", "../../web/desk"}
	templGlob = "../../views/*.templ"
	jsGlob    = "../../static/js/*.js"
)

// forms are which arguments of a function are texts. Of two the second is the
// key, and the first says it of one.
var forms = map[string][]int{
	"lang.T": {1}, "lang.N": {2, 3}, "lang.Mark": {0}, "lang.Say": {0}, "Say": {0}, "SayN": {1, 2}, "desk.Say": {0}, "desk.SayN": {1, 2},
}

// written are the texts that the program asks for, and whether they have plurals.
func written(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	add := func(text string, plural bool) { found[text] = plural || found[text] }
	fset := token.NewFileSet()
	for _, folder := range goFolders {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				places, ok := forms[calledName(call.Fun)]
				if !ok || len(call.Args) <= places[len(places)-1] {
					return true
				}
				text, literal := stringOf(call.Args[places[len(places)-1]])
				if literal {
					add(text, len(places) == 2)
				}
				return true
			})
		}
	}
	for _, pkg := range []string{"frontdesk/web/desk", "frontdesk/handlers"} {
		for text := range constants(t, pkg) {
			add(text, false)
		}
	}
	for text := range scriptTexts(t) {
		add(text, false)
	}
	return found
}

// constants are a package's constants of type desk.Text: each is its own key.
func constants(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{join .GoFiles \",\"}}", pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports, fset := map[string]string{}, token.NewFileSet()
	var sources []*ast.File
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if exports[fields[0]] = fields[1]; fields[0] != pkg {
			continue
		}
		for _, name := range strings.Split(fields[3], ",") {
			file, err := parser.ParseFile(fset, filepath.Join(fields[2], name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, file)
		}
	}
	info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	if _, err := config.Check(pkg, fset, sources, &info); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, of := range info.Types {
		named, ok := of.Type.(*types.Named)
		if !ok || of.Value == nil || named.Obj().Name() != "Text" || named.Obj().Pkg().Path() != "frontdesk/web/desk" {
			continue
		}
		if text := constant.StringVal(of.Value); strings.ContainsFunc(text, unicode.IsLetter) {
			found[text] = true
		}
	}
	return found
}

// scriptTexts are what the scripts say.
func scriptTexts(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	files, err := filepath.Glob(jsGlob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	call := regexp.MustCompile(`\bsay\(\s*("(?:[^"\\]|\\.)*")`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(b, -1) {
			var text string
			if err := json.Unmarshal(m[1], &text); err != nil {
				t.Fatalf("%s: %s: %v", file, m[1], err)
			}
			found[text] = true
		}
	}
	return found
}

func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// stringOf is a literal's text, or that of several joined.
func stringOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := stringOf(e.X)
		right, too := stringOf(e.Y)
		return left + right, ok && too && e.Op == token.ADD
	case *ast.ParenExpr:
		return stringOf(e.X)
	}
	return "", false
}

func TestScriptsHaveTheirTexts(t *testing.T) {
	want := slices.Sorted(maps.Keys(scriptTexts(t)))
	if got := slices.Sorted(slices.Values(scripts)); !slices.Equal(got, want) {
		t.Errorf("static/js says\n%q\nand the list has\n%q", want, got)
	}
}

func TestEveryTextIsInEveryLanguageAndNoneIsUnused(t *testing.T) {
	texts := written(t)
	if len(texts) < 100 {
		t.Fatalf("found only %d texts: they are not looked for where they are", len(texts))
	}
	verb := regexp.MustCompile(`%(?:\[\d+\])?[a-z%]`)
	for _, code := range []string{"sv", "fr", "es"} {
		b, err := files.ReadFile(code + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]translation
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
		var missing []string
		for text, plural := range texts {
			own, ok := all[text]
			switch {
			case !ok || strings.TrimSpace(own.Other) == "":
				missing = append(missing, text)
			case plural && own.One == "":
				t.Errorf("%s: %q has no plural forms", code, text)
			}
			for _, form := range []string{own.One, own.Many, own.Other} {
				if want, got := len(verb.FindAllString(text, -1)), len(verb.FindAllString(form, -1)); form != "" && got != want {
					t.Errorf("%s: %q fills in %d parts, the English %q %d", code, form, got, text, want)
				}
			}
		}
		for text := range all {
			if _, ok := texts[text]; !ok {
				t.Errorf("%s: nothing asks for %q", code, text)
			}
		}
		slices.Sort(missing)
		for _, text := range missing {
			t.Errorf("%s: no text for %q", code, text)
		}
	}
	for text := range texts {
		if m := regexp.MustCompile(`%[^s%\[]|%\[\d+\][^s]`).FindString(text); m != "" {
			t.Errorf("%q has %s: a text takes %%s alone, also for numbers", text, m)
		}
	}
	if path := os.Getenv("FRONTDESK_TEXTS"); path != "" { // for translators
		b, err := json.MarshalIndent(texts, "", "\t")
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestTemplatesHaveNoTextOfTheirOwn: what a person reads goes through this package.
func TestTemplatesHaveNoTextOfTheirOwn(t *testing.T) {
	files, err := filepath.Glob(templGlob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, file := range files {
		if filepath.Base(file) == "styleguide.templ" { // for those who build frontdesk, in the demo
			continue
		}
		tree, err := templates.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range bareTexts(reflect.ValueOf(tree)) {
			t.Errorf("%s: %q", filepath.Base(file), text)
		}
	}
}

// untranslated are words that are the same in every language: names, and keys on
// the keyboard.
var untranslated = regexp.MustCompile(`^(· frontdesk|frontdesk|ATOM|iP1|IntelePeer|cuid|Ctrl|Esc|Enter|CSV|JSONL|UTC|GSM-7|UCS-2|p95|[A-Z]|[a-z]|g [a-z])$`)

// bareTexts are the texts of a template's tree that stand in it as they are.
func bareTexts(v reflect.Value) (found []string) {
	word := func(text string) {
		text = strings.TrimSpace(text)
		if strings.ContainsFunc(text, unicode.IsLetter) && !strings.HasPrefix(text, "&") && !untranslated.MatchString(text) {
			found = append(found, text)
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		switch n := v.Interface().(type) {
		case *templates.Text:
			word(n.Value)
			return found
		case *templates.StringExpression:
			if text, err := strconv.Unquote(strings.TrimSpace(n.Expression.Value)); err == nil {
				word(text)
			}
			return found
		case *templates.ConstantAttribute:
			switch n.Key.String() {
			case "aria-label", "title", "placeholder", "alt", "aria-description", "data-done", "label":
				word(n.Value)
			}
			return found
		case *templates.Element:
			if n.Name == "kbd" || n.Name == "code" { // what is typed as it is
				return nil
			}
		case *templates.TemplateFileGoExpression:
			return nil
		}
		return bareTexts(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				found = append(found, bareTexts(v.Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, bareTexts(v.Index(i))...)
		}
	}
	return found
}
