package audit

import (
	"context"
	"strings"
)

// match is what SQLite's FTS5 finds. It knows in which entries three letters occur
// next to each other, not where.
//
// Where two trigrams are common but never together, FTS5 would go through the
// whole log for a window of it: it minds the window only when it has found
// something. That is what the stops are for.
func (t textQuery) match(ctx context.Context, q Querier, w window, up bool) (answer, error) {
	match := textMatch(t.column, t.fragment)
	if t.requests {
		match = "(" + match + ") OR (" + requestMatch(t.fragment) + ")"
	}
	return hits(ctx, q, w, up, `group_concat(rowid)`, `audit_text MATCH $1`, match)
}

// requestMatch is what asks the text index for a request ID that begins with a
// folded fragment of three characters or more.
func requestMatch(fragment string) string {
	runes := []rune(asRequest(fragment))
	match := `"` + string(runes[:3]) + `"`
	if len(runes) == 6 {
		match += ` AND "` + string(runes[3:]) + `"`
	}
	return match
}

// textMatch is what asks the text index for a folded fragment, in one column or
// (with "") in both; "" when the fragment is too short for it.
func textMatch(column, fragment string) string {
	runes := []rune(fragment)
	var grams []string
	n := len(runes) - 2
	for i := range min(n, maxGrams) {
		at := i
		if n > maxGrams {
			at = i * (n - 1) / (maxGrams - 1)
		}
		grams = append(grams, `"`+strings.ReplaceAll(string(runes[at:at+3]), `"`, `""`)+`"`)
	}
	match := strings.Join(grams, " AND ")
	if match != "" && column != "" {
		match = column + " : (" + match + ")"
	}
	return match
}
