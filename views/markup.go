package views

import (
	"context"
	"io"
	"sync"

	"github.com/a-h/templ"
)

// markup is HTML that is written directly. A page has hundreds of cells, for which
// templ's general way takes as long as finding what is in them.
type markup []byte

// mark appends HTML of our own.
func (m *markup) mark(html string) { *m = append(*m, html...) }

// text appends a text, escaped, between marks or within quotes.
func (m *markup) text(s string) { m.mark(templ.EscapeString(s)) }

// Write appends what a component renders.
func (m *markup) Write(html []byte) (int, error) {
	*m = append(*m, html...)
	return len(html), nil
}

var markups = sync.Pool{New: func() any { return new(markup) }}

// written is the component of what write writes.
func written(write func(ctx context.Context, m *markup) error) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		m := markups.Get().(*markup)
		defer markups.Put(m)
		*m = (*m)[:0]
		if err := write(ctx, m); err != nil {
			return err
		}
		_, err := w.Write(*m)
		return err
	})
}
