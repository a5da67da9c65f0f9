package audit

import (
	"context"
	"strings"
)

// like is what PostgreSQL finds, by its indexes of trigrams (pg_trgm).
func (t textQuery) like(ctx context.Context, q Querier, w window, up bool) (answer, error) {
	args := []any{Containing(t.fragment)}
	condition := `(subject LIKE $1 OR rest LIKE $1)`
	if t.column != "" {
		condition = t.column + ` LIKE $1`
	}
	if t.requests {
		request := []rune(asRequest(t.fragment))
		args = append(args, Containing(string(request)))
		condition = `(subject LIKE $1 OR rest LIKE $1 OR rest LIKE $2)`
	}
	return hits(ctx, q, w, up, `string_agg(rowid::text, ',')`, condition, args...)
}

// Containing is the pattern, for LIKE, of texts that contain a fragment.
func Containing(fragment string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(fragment) + "%"
}
