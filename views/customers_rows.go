package views

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/a-h/templ"

	"frontdesk/views/lang"
)

var rowBuffers = sync.Pool{New: func() any { return new([]byte) }}

// listedRows are the list's rows. A page has hundreds of cells, for which templ's
// general way takes as long as finding the customers: these are written directly,
// every text escaped.
func listedRows(p CustomersPage) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		icon := `<svg class="icon" aria-hidden="true"><use href="` + templ.EscapeString(p.Assets.Path("icons.svg")) + `#key-round"></use></svg>`
		stored := `<span class="shrink-0 text-muted" title="` + templ.EscapeString(lang.T(ctx, "Credentials stored")) + `">` + icon +
			`<span class="sr-only">` + templ.EscapeString(lang.T(ctx, "credentials stored")) + `</span></span>`
		gone, since := lang.T(ctx, "gone"), lang.T(ctx, "Not in ATOM's list since %s") // filled in for each row
		kept := rowBuffers.Get().(*[]byte)
		b := (*kept)[:0]
		defer func() { *kept = b; rowBuffers.Put(kept) }()
		text := func(s string) { b = append(b, templ.EscapeString(s)...) }
		mark := func(s string) { b = append(b, s...) }
		pieces := func(all []Piece) {
			for _, piece := range all {
				if !piece.Hit {
					text(piece.Text)
					continue
				}
				mark("<mark>")
				text(piece.Text)
				mark("</mark>")
			}
		}
		shown := func(cell Cell) {
			if cell.Pieces == nil {
				text(cell.Text)
			}
			pieces(cell.Pieces)
		}
		for _, row := range p.Rows {
			mark("<tr>")
			for i, cell := range row.Cells {
				mark(`<td data-col="`)
				text(p.Columns[i].Key)
				mark(`">`)
				if i > 0 {
					shown(cell)
					mark("</td>")
					continue
				}
				mark(`<div><a class="link link-hover" href="`)
				text(row.Path())
				mark(`">`)
				shown(cell)
				mark("</a>")
				if row.Stored {
					mark(stored)
				}
				if !row.Gone.IsZero() {
					mark(`<span class="badge badge-sm badge-soft badge-warning shrink-0" title="`)
					text(fmt.Sprintf(since, utc(ctx, row.Gone)))
					mark(`">`)
					text(gone)
					mark(`</span>`)
				}
				mark("</div>")
				if row.Where != "" {
					mark(`<p class="truncate text-xs text-muted" data-in="`)
					text(row.Roomy)
					mark(`">`)
					text(row.Where)
					mark(": ")
					pieces(row.Elsewhere)
					mark("</p>")
				}
				mark("</td>")
			}
			mark("</tr>")
		}
		_, err := w.Write(b)
		return err
	})
}
