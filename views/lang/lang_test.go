package lang

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// made is a language with texts of the test's own.
func made(t *testing.T, code, texts string) context.Context {
	t.Helper()
	l := &Language{Code: code, tag: language.MustParse(code), date: "2006-01-02"}
	if err := l.read([]byte(texts), i18n.NewBundle(language.English)); err != nil {
		t.Fatal(err)
	}
	return With(t.Context(), l)
}

func TestTexts(t *testing.T) {
	swedish := made(t, "sv", `{"Sign in": "Logga in", "%s by %s": "Av %[2]s: %[1]s", "%s codes of %s": {"one": "%s kod av %s", "other": "%s koder av %s"}, "Sheep": "Får"}`)
	french := made(t, "fr", `{"%s codes of %s": {"one": "%s code sur %s", "other": "%s codes sur %s"}}`)
	english := t.Context()
	for _, c := range []struct{ got, want string }{
		{T(english, "Sign in"), "Sign in"},
		{T(swedish, "Sign in"), "Logga in"},
		{T(swedish, "Not there, 100 % sure"), "Not there, 100 % sure"},
		{T(swedish, "%s by %s", "Kod", "Mia"), "Av Mia: Kod"},
		{T(swedish, "%s by %s", saidNow{"Sign in"}, 1234567), "Av 1\u00a0234\u00a0567: Logga in"},
		{N(english, 1, "%s code of %s", "%s codes of %s", 5), "1 code of 5"},
		{N(english, 2000, "%s code of %s", "%s codes of %s", 5), "2,000 codes of 5"},
		{N(swedish, 1, "%s code of %s", "%s codes of %s", 5), "1 kod av 5"},
		{N(swedish, 0, "%s code of %s", "%s codes of %s", 5), "0 koder av 5"},
		{N(swedish, 3, "One sheep", "Sheep"), "Får"},
		{N(french, 0, "%s code of %s", "%s codes of %s", 5), "0 code sur 5"}, // nothing is singular there
		{N(french, 2, "%s code of %s", "%s codes of %s", 5), "2 codes sur 5"},
		{N(french, 2_000_000, "%s code of %s", "%s codes of %s", 5), "2\u00a0000\u00a0000 codes sur 5"},
		{Day(swedish, time.Unix(0, 0)), "1970-01-01"},
		{Minute(english, time.Unix(0, 0)), "1 Jan 1970, 00:00 UTC"},
		{Minute(swedish, time.Unix(0, 0)), "1970-01-01 00:00 UTC"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// saidNow is a text without anything filled in.
type saidNow struct{ form string }

func (s saidNow) Said() (one, form string, n int, args []any) { return "", s.form, 0, nil }

func TestElementsStandInTextsAndTextsAreEscaped(t *testing.T) {
	swedish := made(t, "sv", `{"%s sent <%s>": "<%[2]s> skickade %[1]s"}`)
	bold := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<b>it</b>")
		return err
	})
	got, err := templ.ToGoHTML(swedish, Say("%s sent <%s>", bold, "<Mia>"))
	if want := "&lt;&lt;Mia&gt;&gt; skickade <b>it</b>"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestChoose(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct{ code, accepted, want string }{
		{"", "", "en"},
		{"", "sv-SE,sv;q=0.9,en;q=0.8", "sv"},
		{"", "fr-CA", "fr"},
		{"", "es-419,en;q=0.5", "es"},
		{"", "de-DE,es;q=0.4", "es"},
		{"", "ja", "en"},
		{"", "no such header;;;", "en"},
		{"fr", "sv", "fr"},
		{"xx", "sv", "sv"},
	} {
		if got := c.Choose(try.code, try.accepted).Code; got != try.want {
			t.Errorf("chosen %q, accepted %q: got %q, want %q", try.code, try.accepted, got, try.want)
		}
	}
}

func TestWatchedTexts(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	ctx := With(t.Context(), c.Watched(func(form string) { asked = append(asked, form) }).Choose("sv", ""))
	_, _ = T(ctx, "Yes"), N(ctx, 2, "%s code", "%s codes")
	if got := strings.Join(asked, "|"); got != "Yes|%s codes" {
		t.Errorf("told of %q", got)
	}
	if c.Has("no such text") {
		t.Error("the catalogue has what it has not")
	}
}

func BenchmarkText(b *testing.B) {
	l := &Language{tag: language.Swedish, texts: map[string]string{"Sign in": "Logga in"}, numbers: message.NewPrinter(language.Swedish)}
	ctx := With(b.Context(), l)
	for b.Loop() {
		T(ctx, "Sign in")
	}
}

// TestSmallNumbersAreWrittenAlike: numbers below a thousand need no printer.
func TestSmallNumbersAreWrittenAlike(t *testing.T) {
	all, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all.Languages {
		for _, n := range []int{0, 7, 42, 999} {
			if got, want := l.digits(n), l.numbers.Sprintf("%d", n); got != want {
				t.Errorf("%s: %q, want %q", l.Code, got, want)
			}
		}
	}
}
