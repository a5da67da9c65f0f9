package call

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage is the length of a message that is kept, in runes.
const maxMessage = 300

// Clean makes one line of plain text out of text from a service: no HTML, no
// control or direction-changing characters, single spaces, at most 300 runes.
// Text that is a whole HTML page becomes "".
func Clean(text string) string { return clean(text, masker{}) }

var (
	page = regexp.MustCompile(`(?i)<(!doctype|html|head|body)\b`)
	// A tag that never closes runs to the end.
	tag = regexp.MustCompile(`(?s)<!--.*?(-->|$)|<[/!?]?[A-Za-z][^>]*(>|$)`)
)

func clean(text string, mask masker) string {
	if page.MatchString(text) {
		return ""
	}
	text = mask.hide(oneLine(tag.ReplaceAllString(oneLine(text), " ")))
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > maxMessage {
		text = string([]rune(text)[:maxMessage-1]) + "…"
	}
	return text
}

// oneLine turns space of any kind into single spaces and drops the rest of
// what does not print.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// masker hides a request's secrets in text that the service sends back.
type masker struct {
	long  []string // hidden wherever they occur
	short []string // hidden as whole words: a code "123" also occurs in phone numbers
}

const hidden = "•••"

func newMasker(secrets []string) masker {
	var m masker
	for _, secret := range secrets {
		for _, form := range []string{oneLine(secret), url.QueryEscape(secret), url.PathEscape(secret)} {
			switch {
			case form == "" || slices.Contains(m.long, form) || slices.Contains(m.short, form):
			case len(form) >= 8:
				m.long = append(m.long, form)
			default:
				m.short = append(m.short, form)
			}
		}
	}
	// Longest first, so that a secret inside another leaves no remainder.
	slices.SortFunc(m.long, func(a, b string) int { return len(b) - len(a) })
	return m
}

func (m masker) hide(text string) string {
	for _, s := range m.long {
		text = strings.ReplaceAll(text, s, hidden)
	}
	for _, s := range m.short {
		text = hideWord(text, s)
	}
	return text
}

// hideWord hides s where no letter or digit touches it.
func hideWord(text, s string) string {
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(text[from:], s)
		if i < 0 {
			b.WriteString(text[from:])
			return b.String()
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(s):])
		if wordRune(before) || wordRune(after) {
			_, size := utf8.DecodeRuneInString(text[i:])
			b.WriteString(text[from : i+size])
			from = i + size
			continue
		}
		b.WriteString(text[from:i] + hidden)
		from = i + len(s)
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
