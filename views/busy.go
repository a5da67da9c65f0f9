package views

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"frontdesk/views/lang"
)

// BusyText is Busy for whoever takes no page.
func BusyText() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := io.WriteString(w, busyTitle(ctx)+". "+busyWords(ctx)+" "+lang.T(ctx, "Try again in a few seconds.")+"\n")
		return err
	})
}

func busyTitle(ctx context.Context) string {
	return lang.T(ctx, "frontdesk has too much to do right now")
}

func busyWords(ctx context.Context) string {
	return lang.T(ctx, "Nothing of what you asked for was begun, and nothing was sent.")
}
