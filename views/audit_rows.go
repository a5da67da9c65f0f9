package views

import (
	"context"

	"github.com/a-h/templ"

	"frontdesk/views/lang"
)

// auditRows are the log's rows under their days.
func auditRows(p AuditPage) templ.Component {
	return written(func(ctx context.Context, m *markup) error {
		outcomes := map[string]string{} // as they are rendered
		for i, r := range p.Rows {
			if p.day(i) {
				m.mark(`<tbody><tr class="bg-base-200"><th scope="rowgroup" colspan="7" class="font-semibold">`)
				m.text(weekday(ctx, r.At))
				m.mark(`</th></tr></tbody>`)
			}
			if _, ok := outcomes[r.Outcome]; !ok {
				begin := len(*m)
				if err := Outcome(r.Outcome).Render(ctx, m); err != nil {
					return err
				}
				outcomes[r.Outcome] = string((*m)[begin:])
				*m = (*m)[:begin]
			}
			m.mark("<tbody>")
			r.write(ctx, m, outcomes[r.Outcome], r.ID == p.Around)
			m.mark("</tbody>")
		}
		return nil
	})
}

// write writes the row of an entry with its outcome; here tells that the others stand
// around it.
func (r AuditRow) write(ctx context.Context, m *markup, outcome string, here bool) {
	who, on, line := templ.EscapeString(r.Who), templ.EscapeString(r.OnName), templ.EscapeString(r.line())
	whom := on
	if r.OnPath != "" {
		whom = `<a class="link link-hover" href="` + templ.EscapeString(r.OnPath) + `">` + on + `</a>`
	}
	// titled goes on behind the class of an element whose whole text is its title.
	titled := func(title, html string) {
		m.mark(` title="`)
		m.mark(title)
		m.mark(`">`)
		m.mark(html)
	}
	m.mark(`<tr id="`)
	m.mark(r.anchor())
	if here {
		m.mark(`" class="scroll-mt-[40dvh] bg-primary/10" aria-current="true">`)
	} else {
		m.mark(`" class="hover:bg-base-200">`)
	}

	m.mark(`<td class="align-top whitespace-nowrap tabular-nums">`)
	*m = r.At.AppendFormat(*m, "15:04:05")
	m.mark(`</td><td class="w-full align-top max-sm:max-w-0 sm:w-auto sm:whitespace-nowrap"><a class="link link-hover font-medium" href="`)
	m.mark(r.Path())
	m.mark(`">`)
	m.text(lang.Word(ctx, r.What))
	m.mark(`</a>`)
	if here {
		m.mark(` <span class="badge badge-sm badge-primary mt-1 block w-fit">`)
		m.text(lang.T(ctx, "this entry"))
		m.mark(`</span>`)
	}
	m.mark(` <span class="block truncate text-muted sm:hidden"`)
	titled(on, whom)
	m.mark(`</span> <span class="block truncate text-muted sm:hidden"`)
	titled(who, who)
	m.mark(`</span></td><td class="align-top whitespace-nowrap">`)
	m.mark(outcome)
	if r.Settled == "created" || r.Settled == "not created" {
		m.mark(` <span class="badge badge-soft badge-sm max-sm:block">`)
		m.text(lang.Word(ctx, r.Settled))
		m.mark(`</span>`)
	}

	m.mark(`</td><td class="max-w-44 truncate align-top max-sm:hidden 2xl:max-w-64"`)
	titled(on, whom)
	m.mark(`</td><td class="max-w-36 truncate align-top max-sm:hidden 2xl:max-w-48"`)
	titled(who, who)
	m.mark(`</td><td class="w-full min-w-40 align-top text-muted max-xl:hidden"><span class="line-clamp-2 wrap-anywhere"`)
	titled(line, line)
	m.mark(`</span></td><td class="text-right align-top whitespace-nowrap tabular-nums max-md:hidden">`)
	if r.Duration > 0 {
		m.text(ms(ctx, r.Duration))
	}
	m.mark(`</td></tr>`)
}
