package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// figure is one that a benchmark reports.
type figure struct {
	name, unit string
	less       bool    // the less, the better
	kept       bool    // it is a ratio, or hardly depends on the machine
	aim        float64 // 0: none
	write      func(float64) string
}

func (f figure) String() string { return f.name + " " + f.unit }

// row is of a table; each cell holds one figure or several.
type row struct {
	label string
	cells [][]figure
}

type table struct {
	head []string
	rows []row
}

// page is a page's row. Shares are of a bare handler's rate that runs the same statements
// and writes a body that was made before; the aim is for eight connections.
func page(label, name string, share, most, growth float64, allocations string) row {
	figures := [][]figure{
		{milliseconds(name, "ms-p50", 0), milliseconds(name, "ms-p99", most)},
		{rate(name, "pages/s@8")},
		{ratio(name, "of-bare@1", 0), ratio(name, "of-bare@8", share), ratio(name, "of-bare@32", 0)},
		{grown(name, growth)},
		nil,
	}
	if allocations != "" {
		figures[4] = []figure{{name: allocations, unit: "allocs/op", less: true, kept: true, write: whole}}
	}
	return row{label, figures}
}

// act is an act's row. One without an aim is measured beside what comes and goes, and
// its shares are not kept.
func act(label, name string, most float64) row {
	one, eight := ratio(name, "of-call@1", 0), ratio(name, "of-call@8", 0)
	one.kept, eight.kept = most != 0, most != 0
	return row{label, [][]figure{
		{milliseconds(name, "own-ms-p50", 0), milliseconds(name, "own-ms-p99", most)},
		{rate(name, "acts/s")},
		{one, eight},
	}}
}

func job(label string, cells ...[]figure) row { return row{label, cells} }

// tables is what is reported, and thereby what is checked. A page may take 10 ms at
// p99, a search 15, an act 5 of its own; what the list costs beside it is shown only. The
// first list may take four times as long as the bare work, and 64 MiB.
var tables = []table{
	{[]string{"100,000 customers, signed in", "p50 / p99, one at a time", "pages a second, 8 connections", "of a bare handler, 1 / 8 / 32 connections", "from 1,000 customers", "allocations"}, []row{
		page("sign-in", "HundredThousand/sign-in", 0, 10, 0, "Pages/login"),
		page("home", "HundredThousand/home", 0, 10, 0, "Pages/home"),
		page("list", "HundredThousand/list", 0.6, 10, 1.3, "Pages/list"),
		page("search", "HundredThousand/search", 0.7, 15, 0, "Pages/search"),
		page("detail", "HundredThousand/detail", 0.5, 10, 1.3, "Pages/detail"),
		page("static, of `http.ServeContent`", "HundredThousand/static", 0.9, 10, 0, "Serve/assets"),
	}},
	{[]string{"1,000,000 entries", "p50 / p99, one at a time", "pages a second, 8 connections", "of a bare handler, 1 / 8 / 32 connections", "from 10,000 entries", "allocations"}, []row{
		page("audit log", "Million/audit", 0.6, 10, 0, "Pages/audit"),
	}},
	{[]string{"act, 100,000 customers", "own time with 8 at once, p50 / p99", "acts a second, 8 at once", "of the sandbox called directly, 1 / 8 at once"}, []row{
		act("open ATOM", "Acts/sso", 5),
		act("create a customer", "Acts/create", 5),
		act("the same while ATOM's list is read", "Acts/create-beside-sync", 0),
		act("send an SMS code", "Acts/sms", 5),
	}},
	{[]string{"job", "rate", "of what could be", "from 10,000 entries"}, []row{
		job("append to the log, 64 writers; of the same rows inserted, 64 at a time", []figure{rate("Append", "append/s@64")}, []figure{ratio("Append", "of-raw64@64", 0)}, []figure{grown("Million/append", 0)}),
		job("verify 1,000,000 entries; of reading and hashing the rows", []figure{rate("Million/verify", "entries/s")}, []figure{ratio("Million/verify", "of-bare", 0)}, []figure{grown("Million/verify", 0)}),
		job("read ATOM's list of 100,000 for the first time; of bare decoding and inserting", []figure{{name: "Sync/fill", unit: "s-fill", less: true, write: seconds}},
			[]figure{ratio("Sync/fill", "of-bare", 0.25)}, nil),
		job("its memory above idle, for the first time / when nobody has changed", []figure{mebibytes("Sync/memory", "MiB-fill", 64), mebibytes("Sync/memory", "MiB-same", 64)}, nil, nil),
		job("import at its fastest pace, 100 rows a second; of that pace", []figure{rate("Import/paced", "rows/s")}, []figure{ratio("Import/paced", "of-pace", 0)}, nil),
		job("import without a pace, 16 at once; of bare calls", []figure{rate("Import/free", "rows/s")}, []figure{ratio("Import/free", "of-call", 0)}, nil),
	}},
}

// figures are all of the tables'.
func figures() iter.Seq[figure] {
	return func(yield func(figure) bool) {
		for _, t := range tables {
			for _, r := range t.rows {
				for _, cell := range r.cells {
					for _, f := range cell {
						if !yield(f) {
							return
						}
					}
				}
			}
		}
	}
}

func ratio(name, unit string, aim float64) figure {
	return figure{name: name, unit: unit, kept: true, aim: aim, write: func(v float64) string { return fmt.Sprintf("%.2f", v) }}
}

func grown(name string, aim float64) figure {
	return figure{name: name, unit: "growth", less: true, kept: true, aim: aim, write: func(v float64) string { return fmt.Sprintf("%.2f ×", v) }}
}

func milliseconds(name, unit string, aim float64) figure {
	return figure{name: name, unit: unit, less: true, aim: aim, write: func(v float64) string {
		if v < 1 {
			return fmt.Sprintf("%.2f ms", v)
		}
		return fmt.Sprintf("%.1f ms", v)
	}}
}

func mebibytes(name, unit string, aim float64) figure {
	return figure{name: name, unit: unit, less: true, aim: aim, write: func(v float64) string { return fmt.Sprintf("%.0f MiB", v) }}
}

func rate(name, unit string) figure { return figure{name: name, unit: unit, write: whole} }

func seconds(v float64) string { return fmt.Sprintf("%.1f s", v) }

// whole groups the digits by three.
func whole(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// allowed is how far a ratio may fall behind the kept one, as a part of that.
const allowed = 0.25

// check says what is wrong, and which ratios there was nothing to compare with.
func check(now, kept results) (notes, flaws []string) {
	for f := range figures() {
		is, ok := now.of(f)
		if !ok {
			flaws = append(flaws, f.String()+" was not measured")
			continue
		}
		if f.aim != 0 && (f.less && is > f.aim || !f.less && is < f.aim) {
			bound := "at least"
			if f.less {
				bound = "at most"
			}
			flaws = append(flaws, fmt.Sprintf("%s is %s, the aim is %s %s", f, f.write(is), bound, f.write(f.aim)))
		}
		if !f.kept || kept.values == nil || len(kept.values) == 0 {
			continue
		}
		was, ok := kept.of(f)
		switch {
		case !ok:
			notes = append(notes, fmt.Sprintf("%s: none is kept yet", f))
		case f.less && is > was*(1+allowed), !f.less && is < was*(1-allowed):
			flaws = append(flaws, fmt.Sprintf("%s is %s, more than a quarter behind the kept %s", f, f.write(is), f.write(was)))
		}
	}
	return notes, flaws
}

// markdown is the tables, with the aims.
func markdown(now results, m machine) string {
	var out strings.Builder
	fmt.Fprintf(&out, "On %s; medians. Allocations are those of a request with 250 customers.\n", m)
	for _, t := range tables {
		fmt.Fprintf(&out, "\n| %s |\n|%s\n", strings.Join(t.head, " | "), "---|"+strings.Repeat("---:|", len(t.head)-1))
		for _, r := range t.rows {
			cells := []string{r.label}
			for _, cell := range r.cells {
				cells = append(cells, cellText(now, cell))
			}
			fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	return out.String()
}

func cellText(now results, cell []figure) string {
	var all []string
	for _, f := range cell {
		text := "–"
		if v, ok := now.of(f); ok {
			text = f.write(v)
		}
		if f.aim != 0 && f.less {
			text += " (at most " + f.write(f.aim) + ")"
		} else if f.aim != 0 {
			text += " (at least " + f.write(f.aim) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " / ")
}
