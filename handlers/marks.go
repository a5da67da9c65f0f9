package handlers

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// marks are what a search looked for, to be marked in what it found.
type marks struct {
	words  []string // folded
	number string   // the digits of a phone number, "" when it is none
}

func newMarks(text string) (m marks) {
	m.words, m.number = store.Looked(text)
	return m
}

// pieces cut a text where what was looked for begins and ends, whatever its case
// and accents.
func (m marks) pieces(text string) []views.Piece {
	if text == "" || len(m.words) == 0 {
		return []views.Piece{{Text: text}}
	}
	folded, at := foldWithPlaces(text)
	at[0] = 0 // an accent that stands first is part of the text, too
	hit := make([]bool, len(folded)+1)
	found := false
	for _, word := range m.words {
		for from := 0; ; {
			i := strings.Index(folded[from:], word)
			if i < 0 {
				break
			}
			for j := from + i; j < from+i+len(word); j++ {
				hit[j] = true
			}
			found, from = true, from+i+len(word)
		}
	}
	if !found {
		return []views.Piece{{Text: text}}
	}
	var all []views.Piece
	for i := 0; i < len(folded); {
		j := i + 1
		for j < len(folded) && hit[j] == hit[i] {
			j++
		}
		if from, to := at[i], at[j]; from < to {
			all = append(all, views.Piece{Text: text[from:to], Hit: hit[i]})
		}
		i = j
	}
	return all
}

// phone is pieces for a phone number, which may be written otherwise than it was
// looked for.
func (m marks) phone(text string) []views.Piece {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	switch {
	case m.number == "" || digits == "":
	case strings.Contains(digits, m.number), len(m.number) >= 8 && strings.HasSuffix(digits, m.number[len(m.number)-8:]),
		len(m.number) >= 7 && strings.Contains(digits, strings.TrimPrefix(m.number, "0")):
		return []views.Piece{{Text: text, Hit: true}}
	}
	return m.pieces(text)
}

// foldWithPlaces is store.Fold letter by letter, and for each byte of it, and its
// end, where that letter stands in the text.
func foldWithPlaces(text string) (folded string, at []int) {
	var b strings.Builder
	b.Grow(len(text))
	at = make([]int, 0, len(text)+1)
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b.WriteByte(c)
			at = append(at, i)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		letter := text[i : i+size]
		if folded := store.Fold(letter); folded != "" || unicode.Is(unicode.Mn, r) {
			letter = folded
		}
		b.WriteString(letter)
		for range len(letter) {
			at = append(at, i)
		}
		i += size
	}
	return b.String(), append(at, len(text))
}

func isHit(pieces []views.Piece) bool {
	return slices.ContainsFunc(pieces, func(p views.Piece) bool { return p.Hit })
}

// fieldNames are what the reader calls the fields that elsewhere looks into.
type fieldNames struct{ name, city, phone, email, website string }

func fieldNamesOf(ctx context.Context) fieldNames {
	return fieldNames{lang.T(ctx, "name"), lang.T(ctx, "city"), lang.T(ctx, "phone"), lang.T(ctx, "e-mail"), lang.T(ctx, "website")}
}

// elsewhere is a field with what was looked for, for rows that do not show it,
// and its name.
func (m marks) elsewhere(c store.Customer, of fieldNames) (pieces []views.Piece, name string) {
	for _, field := range []struct{ name, value string }{
		{of.name, c.Name}, {of.city, c.City}, {of.phone, c.Phone}, {of.email, c.Email}, {of.website, c.Website},
	} {
		pieces := m.pieces(field.value)
		if field.name == of.phone {
			pieces = m.phone(field.value)
		}
		if isHit(pieces) {
			return pieces, field.name
		}
	}
	return nil, ""
}
