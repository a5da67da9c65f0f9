package lang

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzChoose: whatever a browser accepts, it gets one of the languages, at once and
// always the same; what was chosen goes first.
func FuzzChoose(f *testing.F) {
	for _, accepted := range []string{"", "sv", "sv-SE,sv;q=0.9,en;q=0.8", "fr-CA, *;q=0.1", "es-419", "zz", "*", "en;q=2", "i-klingon", "\xff", strings.Repeat("-", 5000), strings.Repeat("sv;q=0.1,", 1000), "de-DE-u-co-phonebk", "und"} {
		f.Add("", accepted)
		f.Add("fr", accepted)
	}
	texts, err := New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, code, accepted string) {
		began := time.Now()
		got := texts.Choose(code, accepted)
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("%d bytes took %v", len(accepted), took)
		}
		if !slices.Contains(texts.Languages, got) || texts.Choose(code, accepted) != got {
			t.Fatalf("%q is %v", accepted, got)
		}
		if i := slices.IndexFunc(texts.Languages, func(l *Language) bool { return l.Code == code }); i >= 0 && got != texts.Languages[i] {
			t.Fatalf("%q was chosen, and not given", code)
		}
	})
}
