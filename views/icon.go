package views

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"frontdesk/static"
)

// Icon is one of the sprite's icons, for decoration beside a text. A page has
// dozens, so it keeps no more of the page than where the sprite is.
func Icon(p Page, name string) templ.Component { return icon{p.Assets, name} }

type icon struct {
	assets *static.Assets
	name   string
}

// Render writes the icon; an asset's path and an icon's name need no escaping.
func (i icon) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, `<svg class="icon" aria-hidden="true"><use href="`+i.assets.Path("icons.svg")+`#`+i.name+`"></use></svg>`)
	return err
}
