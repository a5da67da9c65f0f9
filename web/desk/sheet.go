package desk

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
)

// What a file of new customers may be.
const (
	MaxImportBytes   = 20 << 20
	MaxImportRows    = 50_000
	maxImportColumns = 200
	maxImportCells   = 2_500_000 // that are not blank at a row's end: 50 columns of the most rows
	maxCellLines     = 100       // of one cell: more of them are a quote that has no end
)

// Sheet is a table as it was read from a file.
type Sheet struct {
	Format string // what the file was read as: "UTF-8, semicolon"
	Header []string
	Named  bool       // the file has a header line; otherwise the columns are named by their number
	Rows   [][]string // without the blank cells at a row's end; more than the header has are a mistake in the file
}

// saveAsCSV is how to make a file that can be read.
const saveAsCSV = `Open it in your spreadsheet program, choose "Save as" and the type "CSV UTF-8", and bring in that file.`

// ReadSheet reads a CSV file as spreadsheet programs write it: in UTF-8, UTF-16
// or Windows-1252, with commas, semicolons or tabs. Its errors are for people.
func ReadSheet(content []byte) (Sheet, error) {
	switch {
	case len(content) == 0:
		return Sheet{}, told{"This file is empty."}
	case len(content) > MaxImportBytes:
		return Sheet{}, told{Say("This file has %s MB; an import takes at most 20 MB. Split it into parts.", fmt.Sprintf("%.1f", float64(len(content))/(1<<20)))}
	}
	if what := otherKind(content); what != "" {
		return Sheet{}, noCSV(Say("This is %s, not a CSV file.", what))
	}
	text, encoding := decode(content)
	if !isText(text) {
		return Sheet{}, noCSV("This is not a text file, so it cannot be a CSV file.")
	}
	// Old Macs end lines with CR alone, which encoding/csv does not know.
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	comma, text := delimiterOf(text)
	if n := mostColumns(text, comma); n > maxImportColumns+1 { // its cells would fill the memory before they could be counted
		return Sheet{}, tooManyColumns(n)
	}
	s := Sheet{Format: encoding + ", " + delimiterNames[comma]}
	return s, s.read(text, comma)
}

// noCSV says what a file is instead, and how to make one that can be read.
func noCSV(what Text) error { return told{Say("%s %s", what, Text(saveAsCSV))} }

// kinds are what people bring instead of a CSV file, by how it begins.
var kinds = []struct {
	begins string
	what   Text
}{
	{"PK\x03\x04", "an Excel workbook or another packed file"},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Excel workbook"},
	{"%PDF", "a PDF"}, {"{\\rtf", "a text document"}, {"\x1F\x8B", "a packed file"}, {"Rar!", "a packed file"}, {"7z\xBC\xAF", "a packed file"},
	{"\x89PNG", "a picture"}, {"\xFF\xD8\xFF", "a picture"}, {"GIF8", "a picture"},
}

// otherKind names a file that is plainly something else; "" when it may be a CSV.
func otherKind(content []byte) Text {
	for _, k := range kinds {
		if bytes.HasPrefix(content, []byte(k.begins)) {
			return k.what
		}
	}
	begins := strings.ToLower(strings.TrimSpace(string(content[:min(len(content), 200)])))
	switch {
	case strings.HasPrefix(begins, "<!doctype html"), strings.HasPrefix(begins, "<html"):
		return "a web page"
	case strings.HasPrefix(begins, "<?xml"):
		return "an XML file"
	}
	return ""
}

// decode turns a file into text, and names the encoding. Whatever is not valid
// in another is Windows-1252, in which nearly every byte is a character.
func decode(content []byte) (text, encoding string) {
	utf16 := func(e xunicode.Endianness) (string, string) {
		b, err := xunicode.UTF16(e, xunicode.UseBOM).NewDecoder().Bytes(content)
		if err != nil { // a decoder replaces what it cannot read; this one never fails
			return "\x00", ""
		}
		return string(b), "UTF-16"
	}
	switch little, big := zeros(content); {
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}), little:
		return utf16(xunicode.LittleEndian)
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}), big:
		return utf16(xunicode.BigEndian)
	}
	content = bytes.TrimPrefix(content, []byte("\uFEFF"))
	if utf8.Valid(content) {
		return string(content), "UTF-8"
	}
	b, err := charmap.Windows1252.NewDecoder().Bytes(content)
	if err != nil {
		return "\x00", ""
	}
	return string(b), "Windows-1252"
}

// zeros recognises UTF-16 without a mark: every second byte of its delimiters,
// line ends and Latin letters is zero, and none of the others.
func zeros(content []byte) (little, big bool) {
	var even, odd int
	sample := content[:min(len(content), 8192)]
	for i, b := range sample {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	enough := max(1, len(sample)/40)
	return even == 0 && odd >= enough, odd == 0 && even >= enough
}

// isText tells text from anything else that happens to decode.
func isText(text string) bool {
	odd, all := 0, 0
	for _, r := range text {
		if r == 0 {
			return false
		}
		if all++; unicode.IsControl(r) && !unicode.IsSpace(r) {
			odd++
		}
	}
	return odd*100 <= all
}

var delimiterNames = map[rune]string{',': "comma", ';': "semicolon", '\t': "tab"}

// delimiterOf guesses how cells are parted: as Excel's line "sep=;" says, or else
// by what parts the first rows most evenly. It returns the text without that line.
func delimiterOf(text string) (comma rune, rest string) {
	first, below, _ := strings.Cut(text, "\n")
	if first = strings.Trim(first, `" `); len(first) > 4 && strings.EqualFold(first[:4], "sep=") {
		if r, _ := utf8.DecodeRuneInString(first[4:]); delimiterNames[r] != "" {
			return r, below
		}
	}
	best, most := ',', -1
	for _, r := range []rune{',', ';', '\t'} {
		if n := evenness(text, r); n > most {
			best, most = r, n
		}
	}
	return best, text
}

// evenness is how well a delimiter parts the first rows: the share of them that
// have as many cells as the first, and then how many those are.
func evenness(text string, comma rune) int {
	in, first, same, all := reader(text[:min(len(text), 64<<10)], comma), 0, 0, 0
	for all < 50 {
		cells, err := in.Read()
		if err != nil {
			break
		}
		if all++; first == 0 {
			first = len(cells)
		}
		if len(cells) == first {
			same++
		}
	}
	if first < 2 {
		return 0
	}
	return same*1000/all*1000 + min(first, 999)
}

// reader reads rows as spreadsheet programs write them, and takes a quote where
// none belongs for a character.
func reader(text string, comma rune) *csv.Reader {
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.LazyQuotes, in.FieldsPerRecord = comma, true, -1
	return in
}

// mostColumns is how many columns the first row has that has too many, or else the
// longest: blank ones at its end too, as reader parts them, and without making them.
func mostColumns(text string, comma rune) (most int) {
	columns, start, quoted := 1, true, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case quoted && b == '"' && i+1 < len(text) && text[i+1] == '"':
			i++
		case quoted && b == '"': // the end, unless more follows in the same cell
			quoted = i+1 < len(text) && text[i+1] != byte(comma) && text[i+1] != '\n'
		case quoted:
		case b == '"' && start:
			quoted, start = true, false
		case b == byte(comma):
			columns, start = columns+1, true
		case b == '\n':
			if most = max(most, columns); most > maxImportColumns+1 {
				return most
			}
			columns, start = 1, true
		default:
			start = false
		}
	}
	return max(most, columns)
}

func tooManyColumns(n int) error {
	return told{Say("This file has a row with %s columns; an import takes at most %s. Remove those that are not needed.", n, maxImportColumns)}
}

// read fills in the header and the rows.
func (s *Sheet) read(text string, comma rune) error {
	in, n, all := reader(text, comma), 0, 0
	in.ReuseRecord = true // blank cells at the end of rows take no memory
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return noCSV(Say("This file cannot be read as a table: %s.", err.Error()))
		}
		for i, cell := range cells {
			if strings.Count(cell, "\n") > maxCellLines {
				line, _ := in.FieldPos(i)
				return told{Say("In line %s of this file a cell begins with a quotation mark and has no end. Correct it there, and bring the file in again.", line)}
			}
			cells[i] = plain(cell)
		}
		cells = withoutTail(cells)
		switch {
		case len(cells) == 0: // only delimiters
			continue
		case len(cells) > maxImportColumns:
			return tooManyColumns(len(cells))
		case s.Header == nil && !slices.ContainsFunc(cells, isEmail):
			s.Header, s.Named = slices.Clone(cells), true
			continue
		case s.Header == nil:
			s.Header = []string{}
		}
		if n++; n <= MaxImportRows { // the others are counted
			s.Rows = append(s.Rows, slices.Clone(cells))
		}
		if all += len(cells); all > maxImportCells {
			return told{Say("This file has more than %s cells in its rows. Remove the columns that are not needed, or split it into parts.", maxImportCells)}
		}
	}
	switch {
	case s.Header == nil:
		return told{"This file has no rows."}
	case n == 0:
		return told{"This file has a header line and no rows below it."}
	case n > MaxImportRows:
		return told{Say("This file has %s rows; an import takes at most %s. Split it into parts.", n, MaxImportRows)}
	}
	s.level()
	return nil
}

// level names the columns that have no name.
func (s *Sheet) level() {
	if !s.Named {
		for _, row := range s.Rows {
			for len(s.Header) < len(row) {
				s.Header = append(s.Header, "")
			}
		}
	}
	for i, name := range s.Header {
		if s.Header[i] = strings.Join(strings.Fields(name), " "); s.Header[i] == "" {
			s.Header[i] = fmt.Sprintf("Column %d", i+1)
		}
	}
}

// Cell is what a row has in a column (from 0); blank behind its end.
func (s *Sheet) Cell(row, column int) string {
	if cells := s.Rows[row]; column < len(cells) {
		return cells[column]
	}
	return ""
}

// plain is a cell without outer space, and without the apostrophe that our own
// exports put before what a spreadsheet would take for a formula.
func plain(cell string) string {
	cell = strings.TrimSpace(strings.ToValidUTF8(cell, "\uFFFD"))
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// withoutTail drops the blank cells at a row's end.
func withoutTail(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// isEmail tells whether a cell looks like an e-mail address, right or wrong.
func isEmail(cell string) bool {
	name, host, ok := strings.Cut(cell, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(cell, " \t\n")
}
