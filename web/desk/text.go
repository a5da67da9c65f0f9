package desk

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Text is what a person is told. It is written in English, and put into the
// reader's language where it is shown: a constant is its own key, and Say keeps
// what is filled in apart from the form. It can be stored as the string it is.
type Text string

// formed is how a Text with parts begins; JSON of its form follows.
const formed = "\x1f"

type form struct {
	One   string   `json:"one,omitempty"`
	Form  string   `json:"form"`
	N     int      `json:"n,omitempty"`
	Parts []string `json:"parts,omitempty"`
}

// Say returns a text with parts filled in, a %s for each; a part that is a Text
// is put into the reader's language too.
func Say(english string, parts ...any) Text { return form{Form: english}.text(parts) }

// SayN returns a text about n of something: one when the language says it as of
// one, else other. n is filled in first, parts after it.
func SayN(n int, one, other string, parts ...any) Text {
	return form{One: one, Form: other, N: n}.text(parts)
}

// AsSaid is a text that is the same in every language, such as a service's words.
func AsSaid(text string) Text {
	if text == "" {
		return ""
	}
	return Say("%s", text)
}

func (f form) text(parts []any) Text {
	for _, part := range parts {
		switch part := part.(type) {
		case Text:
			if !strings.HasPrefix(string(part), formed) {
				part = form{Form: string(part)}.text(nil)
			}
			f.Parts = append(f.Parts, string(part))
		case string:
			f.Parts = append(f.Parts, strings.TrimLeft(part, formed))
		default:
			f.Parts = append(f.Parts, fmt.Sprint(part))
		}
	}
	b, _ := json.Marshal(f) // strings and a number always can be
	return formed + Text(b)
}

// Said returns the text's form and what is filled in; see lang.Said.
func (t Text) Said() (one, english string, n int, parts []any) {
	rest, ok := strings.CutPrefix(string(t), formed)
	if !ok {
		return "", string(t), 0, nil
	}
	var f form
	if err := json.Unmarshal([]byte(rest), &f); err != nil {
		return "", rest, 0, nil
	}
	for _, part := range f.Parts {
		if strings.HasPrefix(part, formed) {
			parts = append(parts, Text(part))
		} else {
			parts = append(parts, part)
		}
	}
	return f.One, f.Form, f.N, parts
}

// String is the text in English, for logs and records.
func (t Text) String() string {
	one, english, n, parts := t.Said()
	if one != "" {
		parts = append([]any{strconv.Itoa(n)}, parts...)
		if n == 1 {
			english = one
		}
	}
	if len(parts) == 0 {
		return english
	}
	return fmt.Sprintf(english, parts...)
}
