package audit

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// exportBuffer is how much of an export is held back before it is written on.
const exportBuffer = 32 << 10

// JSONL writes entries as JSON lines: each line is an entry's canonical bytes,
// so that it can be proved to be in the log.
type JSONL struct {
	to   *bufio.Writer
	line []byte
}

// NewJSONL returns a writer of JSON lines to w.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{to: bufio.NewWriterSize(w, exportBuffer)} }

// Write adds one entry; what it wrote is sure to be out only after Flush.
func (j *JSONL) Write(e *Entry) error {
	j.line = append(e.Canonical(j.line[:0]), '\n')
	_, err := j.to.Write(j.line)
	return err
}

// Flush writes out what is held back.
func (j *JSONL) Flush() error { return j.to.Flush() }

// csvColumns are the names of the canonical members, and beside them what a
// later sync found out about an unknown create.
var csvColumns = []string{
	"id", "at", "act", "phase", "staff", "name", "portal", "username", "role", "session", "address", "agent", "request",
	"what", "on", "on_name", "on_email", "reason", "service", "status", "ms", "outcome", "detail", "changes", "evidence", "settled",
}

// Table writes rows for spreadsheets: cells that would run as formulas are
// changed.
type Table struct{ rows *csv.Writer }

// NewTable returns a writer of rows to w, whose first one is the header. Lines
// end in CRLF (RFC 4180). Without a byte order mark Excel takes a file that is
// double-clicked for Windows-1252.
func NewTable(w io.Writer, delimiter rune, mark bool, header []string) (*Table, error) {
	to := bufio.NewWriterSize(w, exportBuffer)
	if mark {
		if _, err := to.WriteString("\uFEFF"); err != nil {
			return nil, err
		}
	}
	t := &Table{csv.NewWriter(to)}
	t.rows.Comma, t.rows.UseCRLF = delimiter, true
	return t, t.Write(slices.Clone(header))
}

// Write adds one row, in whose cells it disarms formulas; what it wrote is sure
// to be out only after Flush.
func (t *Table) Write(cells []string) error {
	for i, cell := range cells {
		if isFormula(cell) {
			cells[i] = "'" + cell
		}
	}
	return t.rows.Write(cells)
}

// Flush writes out what is held back.
func (t *Table) Flush() error {
	t.rows.Flush()
	return t.rows.Error()
}

// CSV writes entries as a table with a header row. It is for spreadsheets and
// for reading: cells that would run as formulas are changed, so JSONL is the
// form that proves anything.
type CSV struct {
	*Table
	cells []string
}

// Delimiter is the character that an export's "delimiter" parameter names:
// comma (also when it names none), semicolon or tab.
func Delimiter(name string) (rune, error) {
	switch name {
	case "", "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	case "tab":
		return '\t', nil
	}
	return 0, fmt.Errorf("%q is none of comma, semicolon, tab", name)
}

// NewCSV returns a writer of entries to w, after a header row.
//
// Only semicolons come with a byte order mark: they are what Excel expects where
// the comma is a decimal mark. Comma and tab are also what programs read, most of
// which would take the mark for a part of the first column's name.
func NewCSV(w io.Writer, delimiter rune) (*CSV, error) {
	t, err := NewTable(w, delimiter, delimiter == ';', csvColumns)
	return &CSV{Table: t, cells: make([]string, 0, len(csvColumns))}, err
}

// Write adds one entry's row; what it wrote is sure to be out only after Flush.
func (c *CSV) Write(e *Entry) error {
	c.cells = append(c.cells[:0],
		strconv.FormatInt(e.ID, 10), e.At.UTC().Format(timeLayout), e.Act, string(e.Phase), digits(e.Who.StaffID), e.Who.Name, e.Who.Portal,
		e.Who.Username, e.Who.Role, e.Who.Session, e.Who.Address, e.Who.Agent, e.Who.Request, e.What, e.On.ID, e.On.Name, e.On.Email,
		e.Reason, e.Service, digits(int64(e.Status)), digits(e.Duration.Milliseconds()), string(e.Result), e.Detail, e.Changes, digits(e.Evidence), e.Settled)
	return c.Table.Write(c.cells)
}

// digits is a number as a cell; none for 0, as in the canonical bytes.
func digits(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// isFormula tells whether a spreadsheet could take a cell for a formula, by
// OWASP's list for CSV injection: it begins with one of = + - @, also in their
// full-width forms, after any spaces, quotes and characters that do not show;
// or with a tab or line end, which some programs drop and look again.
func isFormula(cell string) bool {
	if cell == "" {
		return false
	}
	if c := cell[0]; c == '\t' || c == '\r' || c == '\n' {
		return true
	}
	rest := strings.TrimLeftFunc(cell, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`"'`+"`‘’“”", r)
	})
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune("=+-@＝＋－＠", first)
}
