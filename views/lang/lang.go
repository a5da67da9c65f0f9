// Package lang puts texts into the reader's language. English is written where a
// text is used, as a form of package fmt with %s for what is filled in, and is the
// key to the other languages' texts, which stand in one file each.
package lang

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
)

//go:embed sv.json fr.json es.json
var files embed.FS

// Language is one that the pages are written in.
type Language struct {
	Code string // as HTML has it: "en", "sv"
	Name string // in itself: "Svenska"

	tag     language.Tag
	texts   map[string]string // by their English; nil: English
	plurals *i18n.Localizer
	numbers *message.Printer
	date    string            // how a day is written
	asked   func(form string) // nil: nobody wants to know
}

// Catalogue holds every language, English first.
type Catalogue struct {
	Languages []*Language
	matcher   language.Matcher
}

// translation is a text in one language: alone, or by the language's plural forms.
type translation struct {
	One, Many, Other string
}

// UnmarshalJSON reads a text, or an object of plural forms.
func (t *translation) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &t.Other)
	}
	type forms translation
	return json.Unmarshal(b, (*forms)(t))
}

// New reads the catalogue.
func New() (*Catalogue, error) {
	english := &Language{Code: "en", Name: "English", tag: language.English, date: "2 Jan 2006", numbers: message.NewPrinter(language.English)}
	c := &Catalogue{Languages: []*Language{english}}
	bundle := i18n.NewBundle(language.English)
	for _, l := range []*Language{
		{Code: "sv", Name: "Svenska", tag: language.Swedish, date: "2006-01-02"},
		{Code: "fr", Name: "Français", tag: language.French, date: "02/01/2006"},
		{Code: "es", Name: "Español", tag: language.Spanish, date: "02/01/2006"},
	} {
		b, err := files.ReadFile(l.Code + ".json")
		if err != nil {
			return nil, err
		}
		if err := l.read(b, bundle); err != nil {
			return nil, fmt.Errorf("texts in %s: %w", l.Name, err)
		}
		c.Languages = append(c.Languages, l)
	}
	tags := make([]language.Tag, len(c.Languages))
	for i, l := range c.Languages {
		tags[i] = l.tag
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
}

// read fills in a language from its file.
func (l *Language) read(b []byte, bundle *i18n.Bundle) error {
	var all map[string]translation
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	l.texts, l.numbers, l.plurals = make(map[string]string, len(all)), message.NewPrinter(l.tag), i18n.NewLocalizer(bundle, l.Code)
	for english, t := range all {
		l.texts[english] = t.Other
		if t.One == "" {
			continue
		}
		if t.Many == "" { // French and Spanish: for whole millions
			t.Many = t.Other
		}
		if err := bundle.AddMessages(l.tag, &i18n.Message{ID: english, One: t.One, Many: t.Many, Other: t.Other}); err != nil {
			return err
		}
	}
	return nil
}

// English is the language that texts are written in.
func (c *Catalogue) English() *Language { return c.Languages[0] }

// Choose returns the language of a code, or without one the best of those that a
// browser accepts (an Accept-Language header).
func (c *Catalogue) Choose(code, accepted string) *Language {
	for _, l := range c.Languages {
		if l.Code == code {
			return l
		}
	}
	if accepted == "" {
		return c.English()
	}
	tags, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return c.English()
	}
	_, i, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return c.English()
	}
	return c.Languages[i]
}

// Has tells whether every language has a text.
func (c *Catalogue) Has(form string) bool {
	for _, l := range c.Languages {
		if _, ok := l.texts[form]; !ok && l.texts != nil {
			return false
		}
	}
	return true
}

// Watched is the same catalogue, which tells of each text that it is asked for.
func (c *Catalogue) Watched(asked func(form string)) *Catalogue {
	watched := &Catalogue{matcher: c.matcher}
	for _, l := range c.Languages {
		one := *l
		one.asked = asked
		watched.Languages = append(watched.Languages, &one)
	}
	return watched
}

type key struct{}

// With returns a context in which texts are in l.
func With(ctx context.Context, l *Language) context.Context { return context.WithValue(ctx, key{}, l) }

// Of returns a context's language; nil for English.
func Of(ctx context.Context) *Language {
	l, _ := ctx.Value(key{}).(*Language)
	return l
}

// T returns a text, which is written in English: form with args filled in, as by
// fmt.Sprintf. Numbers are written as the language does, and a Said in its words.
func T(ctx context.Context, form string, args ...any) string { return Of(ctx).text(form, args) }

// N returns a text about n of something: one when the language says it as of one,
// else other. n is filled in first, args after it.
func N(ctx context.Context, n int, one, other string, args ...any) string {
	return Of(ctx).number(n, one, other, args)
}

// Word returns what data name by a word of the program's own, such as an act; a word
// that is none of them stays as it is.
func Word(ctx context.Context, word string) string {
	if l := Of(ctx); l != nil && l.texts[word] != "" {
		return l.texts[word]
	}
	return word
}

// Mark names a text that is put into the reader's language elsewhere, by T.
func Mark(form string) string { return form }

// Said is a text whose language is not known yet where it is made.
type Said interface {
	// Said returns the text as T takes it, or when one is not empty as N does.
	Said() (one, form string, n int, args []any)
}

// Text returns what was said in the reader's language.
func Text(ctx context.Context, s Said) string { return Of(ctx).said(s) }

// Number writes a number as the language does.
func Number(ctx context.Context, n int) string { return Of(ctx).digits(n) }

// Country names a country by its code, as in ISO 3166; "" for none.
func Country(ctx context.Context, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return ""
	}
	if l := Of(ctx); l != nil {
		return display.Regions(l.tag).Name(region)
	}
	return display.English.Regions().Name(region)
}

// Day writes a date, and Minute a moment, in UTC.
func Day(ctx context.Context, t time.Time) string { return t.UTC().Format(Of(ctx).dates()) }

// Minute writes a moment, in UTC.
func Minute(ctx context.Context, t time.Time) string {
	l := Of(ctx)
	between := " "
	if l == nil || l.texts == nil {
		between = ", "
	}
	return t.UTC().Format(l.dates() + between + "15:04 UTC")
}

func (l *Language) dates() string {
	if l == nil {
		return "2 Jan 2006"
	}
	return l.date
}

func (l *Language) said(s Said) string {
	one, form, n, args := s.Said()
	if one != "" {
		return l.number(n, one, form, args)
	}
	return l.text(form, args)
}

func (l *Language) text(form string, args []any) string { return l.fill(l.form(form), args) }

// form is a text's form in the language.
func (l *Language) form(english string) string {
	if l == nil {
		return english
	}
	if l.asked != nil {
		l.asked(english)
	}
	if own := l.texts[english]; own != "" {
		return own
	}
	return english
}

func (l *Language) number(n int, one, other string, args []any) string {
	form := l.form(other)
	switch {
	case form == other: // English
		if n == 1 {
			form = one
		}
	default:
		// A form without plurals is the same for every number.
		if own, err := l.plurals.Localize(&i18n.LocalizeConfig{MessageID: other, PluralCount: n, TemplateParser: template.IdentityParser{}}); err == nil {
			form = own
		}
	}
	if !strings.Contains(form, "%") {
		return form
	}
	return l.fill(form, append([]any{n}, args...))
}

// fill puts args into a form.
func (l *Language) fill(form string, args []any) string {
	if len(args) == 0 {
		return form
	}
	filled := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			filled[i] = l.digits(arg)
		case int64:
			filled[i] = l.digits(int(arg))
		case Said:
			filled[i] = l.said(arg)
		default:
			filled[i] = arg
		}
	}
	return fmt.Sprintf(form, filled...)
}

func (l *Language) digits(n int) string {
	if n >= 0 && n < 1000 { // the same in all of ours, and most numbers are
		return strconv.Itoa(n)
	}
	if l == nil {
		return english.Sprintf("%d", n)
	}
	return l.numbers.Sprintf("%d", n)
}

// english writes numbers where no language was chosen.
var english = message.NewPrinter(language.English)
