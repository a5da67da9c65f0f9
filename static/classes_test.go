package static

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClassesAreStyled: the stylesheet has the classes of HTML that is written in Go,
// not in a template. A class is made when its file is among the sources that app.css
// names; nothing else tells that it was forgotten.
func TestClassesAreStyled(t *testing.T) {
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	css, err := io.ReadAll(get(a, "GET", a.Path("app.css")).Body)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\3`, "", ` xl\:`, `xl:`, `\`, "").Replace(string(css)) // "\32 xl\:flex" is the class "2xl:flex"
	files, err := filepath.Glob("../views/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	classes := regexp.MustCompile(`class="([^"` + "`" + `]*)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_templ.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range classes.FindAllStringSubmatch(string(source), -1) {
			for _, class := range strings.Fields(all[1]) {
				if found++; !strings.Contains(plain, "."+class) {
					t.Errorf("%s: the stylesheet knows no class %s", name, class)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d classes were found", found)
	}
}
