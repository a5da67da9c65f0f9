package desk

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"frontdesk/store"
)

// MaxPaste is how much text is read for a new customer, in characters: a
// signature or a row, and not a whole thread of mails.
const MaxPaste = 5000

// Pasted is what a text says of a customer. What is not sure stays blank.
type Pasted struct {
	Customer NewCustomer
	Guessed  bool     // the company is only guessed, from the e-mail's or the site's domain
	Rest     []string // what was in the text and fills no field
	Rows     int      // of a table, how many there were; only the first is taken
}

// ParsePaste reads what people have at hand of a new customer: the signature
// below an e-mail, a row of a spreadsheet with or without its header, or lines
// such as "Company: Acme AB".
func ParsePaste(text string) Pasted {
	text = tidy(text)
	if p, ok := parseTable(text); ok {
		return p
	}
	s := &signature{}
	for line := range strings.SplitSeq(text, "\n") {
		s.line(line)
	}
	return s.settle()
}

// tidy makes a text of what mail programs and spreadsheets put on the clipboard.
func tidy(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\u2028", "\n", "\u00a0", " ", "\u202f", " ", "\u2009", " ").Replace(strings.ToValidUTF8(text, ""))
	return strings.Map(func(r rune) rune {
		if r == '\u00ad' || unicode.Is(unicode.Cf, r) || (unicode.IsControl(r) && r != '\n' && r != '\t') {
			return -1
		}
		return r
	}, text)
}

// parseTable reads cells that are parted by tabs, as spreadsheets copy them; ok
// is false when the text is no table.
func parseTable(text string) (p Pasted, ok bool) {
	if !strings.Contains(text, "\t") {
		return p, false
	}
	var rows [][]string
	in := reader(text, '\t')
	for {
		cells, err := in.Read()
		if err != nil {
			break
		}
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		if cells = withoutTail(cells); len(cells) > 0 {
			rows = append(rows, cells)
		}
	}
	widest := 0
	for _, row := range rows {
		widest = max(widest, len(row))
	}
	if widest < 2 {
		return p, false
	}
	s := &signature{}
	switch names := namesIn(rows[0]); {
	case widest == 2 && len(rows) > 1 && isColumnName(rows[1][0]): // two columns: names, and what they are
		for _, row := range rows {
			s.pair(row[0], strings.Join(row[1:], " "))
		}
		return s.settle(), true
	case len(rows) > 1 && names >= 2 && !slices.ContainsFunc(rows[0], isEmail):
		return parseRow(rows), true
	case len(rows) > 1 && len(rows[0]) < 3: // a signature that is laid out with tabs
		for _, row := range rows {
			s.parts(row)
		}
		return s.settle(), true
	}
	// Without a header the cells have to speak for themselves.
	for _, cell := range rows[0] {
		s.parts(strings.Split(cell, "\n"))
	}
	p = s.settle()
	p.Rows = len(rows)
	return p, true
}

// parseRow takes the first row below a header.
func parseRow(rows [][]string) Pasted {
	sheet := Sheet{Header: rows[0], Named: true, Rows: rows[1:]}
	sheet.level()
	columns := GuessColumns(sheet)
	p := Pasted{Rows: len(rows) - 1}
	row := store.ImportRow{Cells: rows[1]}
	p.Customer = ImportCustomer(row, columns)
	used := map[int]bool{}
	for _, column := range columns {
		used[column] = true
	}
	for i, cell := range rows[1] {
		if !used[i] && cell != "" {
			name := "" // beyond the header
			if i < len(sheet.Header) {
				name = sheet.Header[i] + ": "
			}
			p.Rest = append(p.Rest, name+cell)
		}
	}
	return p
}

func namesIn(cells []string) (n int) {
	for _, cell := range cells {
		if isColumnName(cell) {
			n++
		}
	}
	return n
}

func isColumnName(cell string) bool { return fieldNamed(cell) != "" }

// fieldNamed is the field that people call so; "" when it is none. Some are
// letters of signatures: "T", "M" and "E".
func fieldNamed(name string) string {
	bare := bareName(name)
	if bare == "" || len(name) > 40 {
		return ""
	}
	if field, ok := shortNames[bare]; ok {
		return field
	}
	for _, field := range CustomerFields {
		if slices.Contains(strings.Fields(columnNames[field]), bare) {
			return field
		}
	}
	return ""
}

var shortNames = map[string]string{
	"e": "email", "m": "phone", "t": "phone", "p": "phone", "d": "phone", "c": "phone", "w": "website", "a": "address", "ph": "phone", "mob": "phone", "direct": "phone",
	"direkt": "phone", "direkttel": "phone", "fon": "phone", "tlf": "phone", "office": "phone", "vaxel": "phone", "switchboard": "phone", "standard": "phone", "telmobile": "phone",
	"mobilephone": "phone", "mobilnr": "phone", "lignedirecte": "phone", "tlfn": "phone", "mov": "phone", "port": "phone", "i": "website", "internet": "website",
}

// bullets are what lines of a signature begin with.
var bullets = regexp.MustCompile(`^(?:[\s>*•·▪◦‣⁃–—|\p{So}\x{fe0f}]|-+\s)+|^-{2,}$|[\s|•·,;]+$`)

// pairLine is a line such as "Tel: 08-123 45 67", or "M +46 70 123 45 67".
var (
	pairLine  = regexp.MustCompile(`^([\p{L}][\p{L}\d .'’/()&-]{0,38}?)\s*[:：=]\s*(.*)$`)
	labelLine = regexp.MustCompile(`^([\p{L}]{1,12})\.?\s+([+(\d].*)$`)
)
