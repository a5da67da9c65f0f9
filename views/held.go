package views

import "context"

// Held is told by a page, while it is rendered, whether it shows a secret.
type Held struct{ Secret bool }

type heldKey struct{}

// WithHeld has what is rendered with the context tell held what it shows.
func WithHeld(ctx context.Context, held *Held) context.Context {
	return context.WithValue(ctx, heldKey{}, held)
}

// holdsSecret is called by what shows a secret, so that no page can show one untold.
func holdsSecret(ctx context.Context) {
	if held, ok := ctx.Value(heldKey{}).(*Held); ok {
		held.Secret = true
	}
}
