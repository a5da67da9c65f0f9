// Command gosec looks for weaknesses in Go sources: securego/gosec's analysis,
// without that project's own command, which takes minutes and dozens of
// modules to build for what is not used here.
package main

import (
	"github.com/securego/gosec/v2/goanalysis"
	"golang.org/x/tools/go/analysis/singlechecker"
)

func main() { singlechecker.Main(goanalysis.Analyzer) }
