package lang

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Say is a text as T makes it, of which parts are elements: args that are templ
// components stand in it as they are, and all others are escaped.
func Say(form string, args ...any) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		parts, err := rendered(ctx, args)
		if err != nil {
			return err
		}
		l := Of(ctx)
		_, err = io.WriteString(w, l.fill(templ.EscapeString(l.form(form)), parts))
		return err
	})
}

// rendered are the parts of a text as they stand in the page.
func rendered(ctx context.Context, args []any) ([]any, error) {
	parts := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case templ.Component:
			html, err := templ.ToGoHTML(ctx, arg)
			if err != nil {
				return nil, err
			}
			parts[i] = string(html)
		case string:
			parts[i] = templ.EscapeString(arg)
		case Said:
			parts[i] = templ.EscapeString(Text(ctx, arg))
		default:
			parts[i] = arg
		}
	}
	return parts, nil
}
