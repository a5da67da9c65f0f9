package audit

import "context"

// After returns the first n entries that follow an ID, oldest first. It leaves
// out none: intents too, whether or not their act is over.
func After(ctx context.Context, q Querier, id int64, n int) ([]Entry, error) {
	return list(ctx, q, `SELECT `+columns+` FROM audit_entries e WHERE e.id > $1 ORDER BY e.id LIMIT $2 + 0`, id, n)
}
