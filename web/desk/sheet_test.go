package desk

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// utf16Text is a text in UTF-16, with a byte order mark or without.
func utf16Text(text string, big, mark bool) []byte {
	if mark {
		text = "\uFEFF" + text
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func windows(t *testing.T, text string) []byte {
	t.Helper()
	b, err := charmap.Windows1252.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReadSheet: files as spreadsheet programs write them come out as what was in
// the cells.
func TestReadSheet(t *testing.T) {
	t.Parallel()
	const swedish = "Företag;E-post;Ort\r\nÅre Bygg AB;info@are.example;Åre\r\n"
	want := [][]string{{"Åre Bygg AB", "info@are.example", "Åre"}}
	for _, c := range []struct {
		name    string
		content []byte
		format  string
		header  []string
		rows    [][]string
	}{
		{"Excel in Sweden, CSV UTF-8", []byte("\uFEFF" + swedish), "UTF-8, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"without a mark", []byte(swedish), "UTF-8, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"Excel's plain CSV", windows(t, swedish), "Windows-1252, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"Excel's Unicode text", utf16Text(strings.ReplaceAll(swedish, ";", "\t"), false, true), "UTF-16, tab", []string{"Företag", "E-post", "Ort"}, want},
		{"UTF-16 with its bytes the other way round", utf16Text(swedish, true, true), "UTF-16, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"UTF-16 without a mark", utf16Text(swedish, false, false), "UTF-16, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"likewise the other way round", utf16Text(swedish, true, false), "UTF-16, semicolon", []string{"Företag", "E-post", "Ort"}, want},
		{"an old Mac's line ends", []byte("a,b\rc,d\re,f"), "UTF-8, comma", []string{"a", "b"}, [][]string{{"c", "d"}, {"e", "f"}}},
		{"LF", []byte("a\tb\nc\td\n"), "UTF-8, tab", []string{"a", "b"}, [][]string{{"c", "d"}}},
		{"sep=", []byte("sep=;\r\na,b;c\r\n1;2\r\n"), "UTF-8, semicolon", []string{"a,b", "c"}, [][]string{{"1", "2"}}},
		{"sep= in quotes", []byte("\"sep=,\"\na,b;c\n1,2\n"), "UTF-8, comma", []string{"a", "b;c"}, [][]string{{"1", "2"}}},
		{"commas within semicolons", []byte("name;sum;note\nA;1,5;x, y\nB;2,5;\n"), "UTF-8, semicolon", []string{"name", "sum", "note"}, [][]string{{"A", "1,5", "x, y"}, {"B", "2,5", ""}}},
		{"semicolons in quoted cells", []byte("a,b\n\"x;y;z\",1\n\"u;v;w\",2\n"), "UTF-8, comma", []string{"a", "b"}, [][]string{{"x;y;z", "1"}, {"u;v;w", "2"}}},
		{"line breaks and quotes in cells", []byte("a;b\r\n\"one\r\ntwo\";\"say \"\"hi\"\"\"\r\n"), "UTF-8, semicolon", []string{"a", "b"}, [][]string{{"one\ntwo", `say "hi"`}}},
		{"a quote in the middle", []byte("a;b\n5\" pipe;x\n"), "UTF-8, semicolon", []string{"a", "b"}, [][]string{{`5" pipe`, "x"}}},
		{"short, long and empty rows", []byte("a,b\n1\n\n,,\n1,2,3\n1,2,,\n"), "UTF-8, comma", []string{"a", "b"}, [][]string{{"1", ""}, {"1", "2", "3"}, {"1", "2"}}},
		{"no header", []byte("Acme,a@acme.example,+46 8 1\nBolag,b@bolag.example\n"), "UTF-8, comma", []string{"Column 1", "Column 2", "Column 3"},
			[][]string{{"Acme", "a@acme.example", "+46 8 1"}, {"Bolag", "b@bolag.example", ""}}},
		{"columns without a name", []byte("a,,c\n1,2,3\n"), "UTF-8, comma", []string{"a", "Column 2", "c"}, [][]string{{"1", "2", "3"}}},
		{"what an export of ours disarmed", []byte("a,b\n'+46 8 1,'quoted'\n"), "UTF-8, comma", []string{"a", "b"}, [][]string{{"+46 8 1", "'quoted'"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ReadSheet(c.content)
			if err != nil {
				t.Fatal(err)
			}
			if s.Format != c.format || !reflect.DeepEqual(s.Header, c.header) || !reflect.DeepEqual(cellsOf(s), c.rows) {
				t.Errorf("got %s\n%q\n%q", s.Format, s.Header, s.Rows)
			}
		})
	}
}

// cellsOf are a sheet's rows, each at least as long as the header.
func cellsOf(s Sheet) (rows [][]string) {
	for n, row := range s.Rows {
		var cells []string
		for i := range max(len(row), len(s.Header)) {
			cells = append(cells, s.Cell(n, i))
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestUnreadableFiles: what cannot be read says what it is and what to do.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, content, says string }{
		{"nothing", "", "is empty"},
		{"blank lines", "\n\r\n;;\n", "has no rows"},
		{"a header only", "Company;E-mail\n", "no rows below"},
		{"an Excel workbook", "PK\x03\x04 xl/", "Excel workbook"},
		{"an old one", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "old Excel workbook"},
		{"a PDF", "%PDF-1.7", "a PDF"},
		{"a picture", "\x89PNG\r\n", "a picture"},
		{"a web page", "\n<!DOCTYPE html><html>", "a web page"},
		{"bytes", "\x00\x01\x02\x00\x00\x03", "not a text file"},
		{"control characters", strings.Repeat("\x01\x02ab", 100), "not a text file"},
		{"too many rows", "a,b\n" + strings.Repeat("1,2\n", MaxImportRows+7), "has 50007 rows"},
		{"too many columns", strings.Repeat("a,", 200) + "b\n1\n", "201 columns"},
		{"too many columns, blank ones too", "a,b\n\"1\n,\",2" + strings.Repeat(",", 300) + "\n", "302 columns"},
		{"too many cells", "a\n" + strings.Repeat(strings.Repeat("x,", 99)+"x\n", 25_001), "more than 2500000 cells"},
		{"too large", "a,b\n" + strings.Repeat("x", MaxImportBytes), "20 MB"},
		{"a quote without an end", "a,b\n1,2\n\"3,4\n" + strings.Repeat("5,6\n", 200), "line 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadSheet([]byte(c.content))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// FuzzReadSheet: whatever is brought in, it is read or refused, and what is read
// can be shown.
func FuzzReadSheet(f *testing.F) {
	f.Add([]byte("\uFEFFCompany;E-mail\r\n\"A\r\nB\";a@b.example\r\n"))
	f.Add(utf16Text("a\tb\r\n1\t2", false, true))
	f.Add([]byte("sep=\t\n\"\"\"\"\t,\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ReadSheet(content)
		if err != nil {
			if _, ok := err.(told); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		taken := map[int]string{}
		for field, i := range GuessColumns(s) {
			if i < 0 || i >= len(s.Header) || taken[i] != "" {
				t.Fatalf("%s from column %d of %d, which fills %q", field, i, len(s.Header), taken[i])
			}
			taken[i] = field
		}
		for _, row := range s.Rows {
			if len(row) == 0 || row[len(row)-1] == "" || len(row) > maxImportColumns {
				t.Fatalf("%q has %d cells, or blank ones at its end", row, len(row))
			}
			for _, cell := range row {
				if !utf8.ValidString(cell) || strings.Contains(cell, "\x00") {
					t.Fatalf("%q is no text", cell)
				}
			}
		}
	})
}

// TestGuessColumns: headers in five languages, or else what is in the columns,
// tell the fields.
func TestGuessColumns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, want string }{
		{"English", "Company Name,E-mail Address,Contact,Phone,Street Address,ZIP Code,City,State/Province,Country,Website\nA,a@a.example,,,,,,,,\n",
			"company=0 email=1 name=2 phone=3 address=4 zip=5 city=6 state=7 country=8 website=9"},
		{"Swedish", "Företag;Kontaktperson;E-post;Telefon;Gatuadress;Postnr;Ort;Län;Land;Webbplats;Org.nr\nA;;a@a.example;;;;;;;;\n",
			"company=0 name=1 email=2 phone=3 address=4 zip=5 city=6 state=7 country=8 website=9"},
		{"French", "Société;Courriel;Nom du contact;Téléphone;Adresse;Code postal;Ville;Région;Pays;Site web\nA;a@a.example;;;;;;;;\n",
			"company=0 email=1 name=2 phone=3 address=4 zip=5 city=6 state=7 country=8 website=9"},
		{"Spanish", "Empresa;Correo electrónico;Nombre;Teléfono;Dirección;Código postal;Ciudad;Provincia;País;Página web\nA;a@a.example;;;;;;;;\n",
			"company=0 email=1 name=2 phone=3 address=4 zip=5 city=6 state=7 country=8 website=9"},
		{"German", "Firma;E-Mail;Ansprechpartner;Telefon;Straße;PLZ;Ort;Bundesland;Land;Webseite\nA;a@a.example;;;;;;;;\n",
			"company=0 email=1 name=2 phone=3 address=4 zip=5 city=6 state=7 country=8 website=9"},
		{"a name alone is the company's", "Name,Mail\nA,a@a.example\n", "company=0 email=1"},
		{"the surer name wins", "Mobile,Phone,Company,Account,Email\n1,2,A,B,a@a.example\n", "company=2 email=4 phone=1"},
		{"by what is in them", "x1,x2,x3,x4,x5\nA,a@a.example,+46 8 123 456 78,Sverige,www.a.example\nB,b@b.example,08-123 456 78,Germany,https://b.example\n",
			"email=1 phone=2 country=3 website=4"},
		{"no header", "Acme AB,a@a.example,556677-8899,031-12 34 56\nBolag AB,b@b.example,556677-8890,\n", "company=0 email=1 phone=3"},
		{"nothing to go by", "x,y\n1,2\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ReadSheet([]byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for part := range strings.FieldsSeq(c.want) {
				name, n, _ := strings.Cut(part, "=")
				if _, err := fmt.Sscan(n, new(int)); err != nil {
					t.Fatal(err)
				}
				want[name] = int(n[0] - '0')
			}
			if got := GuessColumns(s); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// manyRows is a file of n rows, each with an e-mail of its own.
func manyRows(n int) []byte {
	var b strings.Builder
	b.WriteString("\uFEFFFöretag;E-post;Kontaktperson;Telefon;Gatuadress;Postnr;Ort;Land;Webbplats\r\n")
	for i := range n {
		fmt.Fprintf(&b, "Företag %d AB;info@foretag%d.example;Åsa Öberg %d;+46 8 %07d;Storgatan %d;111 %02d;Malmö;Sverige;foretag%d.example\r\n", i, i, i, 1000000+i, i, i%100, i)
	}
	return []byte(b.String())
}
