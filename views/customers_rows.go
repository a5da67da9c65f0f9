package views

import (
	"context"
	"fmt"

	"github.com/a-h/templ"

	"frontdesk/views/lang"
)

// listedRows are the list's rows.
func listedRows(p CustomersPage) templ.Component {
	return written(func(ctx context.Context, m *markup) error {
		icon := `<svg class="icon" aria-hidden="true"><use href="` + templ.EscapeString(p.Assets.Path("icons.svg")) + `#key-round"></use></svg>`
		stored := `<span class="shrink-0 text-muted" title="` + templ.EscapeString(lang.T(ctx, "Credentials stored")) + `">` + icon +
			`<span class="sr-only">` + templ.EscapeString(lang.T(ctx, "credentials stored")) + `</span></span>`
		gone, since := lang.T(ctx, "gone"), lang.T(ctx, "Not in ATOM's list since %s") // filled in for each row
		pieces := func(all []Piece) {
			for _, piece := range all {
				if !piece.Hit {
					m.text(piece.Text)
					continue
				}
				m.mark("<mark>")
				m.text(piece.Text)
				m.mark("</mark>")
			}
		}
		shown := func(cell Cell) {
			if cell.Pieces == nil {
				m.text(cell.Text)
			}
			pieces(cell.Pieces)
		}
		for _, row := range p.Rows {
			m.mark("<tr>")
			for i, cell := range row.Cells {
				m.mark(`<td data-col="`)
				m.text(p.Columns[i].Key)
				m.mark(`">`)
				if i > 0 {
					shown(cell)
					m.mark("</td>")
					continue
				}
				m.mark(`<div><a class="link link-hover" href="`)
				m.text(row.Path())
				m.mark(`">`)
				shown(cell)
				m.mark("</a>")
				if row.Stored {
					m.mark(stored)
				}
				if !row.Gone.IsZero() {
					m.mark(`<span class="badge badge-sm badge-soft badge-warning shrink-0" title="`)
					m.text(fmt.Sprintf(since, utc(ctx, row.Gone)))
					m.mark(`">`)
					m.text(gone)
					m.mark(`</span>`)
				}
				m.mark("</div>")
				if row.Where != "" {
					m.mark(`<p class="truncate text-xs text-muted" data-in="`)
					m.text(row.Roomy)
					m.mark(`">`)
					m.text(row.Where)
					m.mark(": ")
					pieces(row.Elsewhere)
					m.mark("</p>")
				}
				m.mark("</td>")
			}
			m.mark("</tr>")
		}
		return nil
	})
}
