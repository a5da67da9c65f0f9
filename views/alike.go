package views

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/a-h/templ"

	"frontdesk/views/lang"
)

// Alike keeps the parts that stand on every page and say the same to everybody who
// reads one language: each is rendered once, and repeated from then on.
type Alike struct{ parts sync.Map } // alikeKey to []byte

type alikeKey struct {
	name     string
	language *lang.Language
}

// part is such a part. It may depend on nothing but the language.
func (a *Alike) part(name string, whole templ.Component) templ.Component {
	if a == nil {
		return whole
	}
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		key := alikeKey{name, lang.Of(ctx)}
		known, ok := a.parts.Load(key)
		if !ok {
			var made bytes.Buffer
			if err := whole.Render(ctx, &made); err != nil {
				return err
			}
			known, _ = a.parts.LoadOrStore(key, made.Bytes())
		}
		_, err := w.Write(known.([]byte))
		return err
	})
}
