package handlers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// uncalled are what the log names and no service is called for: what is done in
// frontdesk alone, what a job finds out, and what only comes with an act.
var uncalled = []string{
	"sign out", "reveal credentials", "reveal token", "store CPaaS token", "add staff", "change staff", "revoke session", "lift sign-in wait",
	"start", "change secret", "declare restore", "check witness", "read audit log", "export audit log", "export customers", "save view", "remove view",
	"settle create", "settle SMS code", "customer from outside", "SMS code from outside", "know what is from outside", "see what is new in answers",
	"read import file", "map import columns", "mend import row", "remove import", "export import results",
	"start import", "pause import", "cancel import", "change import pace", "import done",
}

// unactedPosts are the routes that change nothing but what frontdesk itself keeps.
var unactedPosts = []string{
	"POST /logout", "POST /theme", "POST /keys", "POST /language", "POST /session/active", "POST /customers/new/fill", "POST /customers/new/check",
	"POST /customers/views", "POST /customers/views/{id}/remove", "POST /audit/views", "POST /audit/views/{id}/remove", "POST /audit/verify",
	"POST /customers/{cuid}/pin", "POST /customers/import", "POST /imports/{id}/columns", "POST /imports/{id}/pause", "POST /imports/{id}/cancel",
	"POST /imports/{id}/pace", "POST /imports/{id}/rows/{n}", "POST /outside/known", "POST /novelties/seen", "POST /tokens/cpaas", "POST /sessions/{id}/revoke",
	"POST /sessions/others/revoke", "POST /staff", "POST /staff/{id}", "POST /staff/throttle/lift",
}

// TestFaultMatrixIsWhole: a new act, a new call of a service, a new route that acts and
// a new fault all want their rows. The lists that they are held against are read from
// the code that has them.
func TestFaultMatrixIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	var what, calls, posts []string
	for _, act := range faultyActs {
		what, calls, posts = append(what, act.what...), append(calls, act.calls...), append(posts, act.posts...)
	}
	same(t, "names in the log", whatConstants(t), append(what, uncalled...))
	same(t, "calls of services", clientMethods(t), calls)
	var routes []string
	for _, route := range w.h.routes {
		if strings.HasPrefix(route.Pattern, "POST ") {
			routes = append(routes, route.Pattern)
		}
	}
	same(t, "routes that may act", routes, append(posts, unactedPosts...))

	var files []string
	for _, act := range faultyActs {
		files = append(files, act.file())
		kept, err := os.ReadFile(act.file())
		if err != nil {
			t.Error(err)
			continue
		}
		text, ok := strings.CutPrefix(string(kept), act.heading()+tableHead)
		if !ok {
			t.Errorf("%s begins otherwise than %q", act.file(), act.heading())
		}
		var rows []string
		for line := range strings.Lines(text) {
			cells := strings.Split(line, " | ")
			rows = append(rows, strings.TrimPrefix(cells[0], "| "))
			if slices.ContainsFunc(cells, func(c string) bool { return strings.Trim(c, "| \n") == "" }) || len(cells) != 6 {
				t.Errorf("%s: an empty cell, or none, in %s", act.file(), line)
			}
		}
		var want []string
		for _, f := range faults {
			want = append(want, f.name)
		}
		if !slices.Equal(rows, want) {
			t.Errorf("%s has the rows %q, want %q", act.file(), rows, want)
		}
	}
	kept, err := filepath.Glob(filepath.Join("testdata", "faults", "*"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tables", kept, files)
}

// same holds that two lists have the same members.
func same(t *testing.T, what string, code, matrix []string) {
	t.Helper()
	for _, one := range code {
		if !slices.Contains(matrix, one) {
			t.Errorf("%s: %q has no row in the fault matrix", what, one)
		}
	}
	for _, one := range matrix {
		if !slices.Contains(code, one) {
			t.Errorf("%s: the fault matrix has %q, which there is none of", what, one)
		}
	}
}

// declared are the declarations of the Go files of a package, without its tests.
func declared(t *testing.T, dir string) (all []ast.Decl) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parsed.Decls...)
	}
	return all
}

// whatConstants are the values of the constants What…: the log's names of all that is
// done.
func whatConstants(t *testing.T) (values []string) {
	for _, dir := range []string{"../web/desk", "../store/audit"} {
		for _, decl := range declared(t, dir) {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				constant := spec.(*ast.ValueSpec)
				for i, name := range constant.Names {
					if !strings.HasPrefix(name.Name, "What") {
						continue
					}
					literal, ok := constant.Values[i].(*ast.BasicLit)
					if !ok {
						continue // another name of one that is read elsewhere
					}
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, value)
				}
			}
		}
	}
	return values
}

// clientMethods are the calls that the services' clients can make: their exported
// methods that take a context.
func clientMethods(t *testing.T) (methods []string) {
	for _, client := range []string{"portal", "atom", "ip1"} {
		for _, decl := range declared(t, "../web/"+client) {
			method, ok := decl.(*ast.FuncDecl)
			if !ok || method.Recv == nil || !method.Name.IsExported() || len(method.Type.Params.List) == 0 {
				continue
			}
			of, ok := method.Recv.List[0].Type.(*ast.StarExpr)
			if !ok || of.X.(*ast.Ident).Name != "Client" {
				continue
			}
			if first, ok := method.Type.Params.List[0].Type.(*ast.SelectorExpr); ok && first.Sel.Name == "Context" {
				methods = append(methods, client+"."+method.Name.Name)
			}
		}
	}
	return methods
}
