package handlers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"frontdesk/store/audit"
)

// Whatever the log can hold of these is a text of every language.
func TestEveryActAndOutcomeIsAMarkedText(t *testing.T) {
	words := []string{audit.WhatRestore}
	for _, result := range audit.Results {
		words = append(words, string(result))
	}
	files, err := filepath.Glob("../web/desk/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "What") || len(spec.Values) != 1 {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				word, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				words = append(words, word)
			}
			return true
		})
	}
	if len(words) < 45 {
		t.Fatalf("found only %d words: they are not looked for where they are", len(words))
	}
	for _, word := range words {
		if !slices.Contains(logWords, word) {
			t.Errorf("%q is not marked", word)
		}
	}
}
