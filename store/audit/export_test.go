package audit_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"frontdesk/store/audit"
)

func TestExportJSONLIsTheCanonicalBytes(t *testing.T) {
	e := whole
	e.ID, e.At, e.Settled = 7, start, "created"
	var b bytes.Buffer
	out := audit.NewJSONL(&b)
	for range 2 {
		if err := out.Write(&e); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() != 0 {
		t.Error("a line went out before it was flushed")
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	line := string(e.Canonical(nil)) + "\n"
	if b.String() != line+line {
		t.Errorf("wrote %q, want twice %q", b.String(), line)
	}
	if got, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n"))); err != nil || got.What != e.What {
		t.Errorf("a line reads as %+v, %v", got, err)
	}
}

func TestExportCSV(t *testing.T) {
	e := whole
	e.ID, e.At, e.Settled = 7, start, "created"
	e.Reason = "one, \"two\";\tthree\nfour"
	for name, want := range map[string]struct {
		delimiter rune
		begins    string
	}{
		"": {',', "id,at,"}, "comma": {',', "id,at,"}, "semicolon": {';', "\uFEFFid;at;"}, "tab": {'\t', "id\tat\t"},
	} {
		delimiter, err := audit.Delimiter(name)
		if err != nil || delimiter != want.delimiter {
			t.Errorf("%q: %q, %v", name, delimiter, err)
		}
		var b bytes.Buffer
		out, err := audit.NewCSV(&b, delimiter)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []audit.Entry{e, {ID: 8, At: start, Act: "x", Phase: audit.Event}} {
			if err := out.Write(&e); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(b.String(), want.begins) || !strings.HasSuffix(b.String(), "\r\n") || strings.Count(b.String(), "\r\n") != strings.Count(b.String(), "\n") {
			t.Errorf("%s: begins or ends otherwise:\n%q", name, b.String())
		}
		in := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\uFEFF")))
		in.Comma = delimiter
		rows, err := in.ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		got := map[string]string{}
		for i, column := range rows[0] {
			got[column] = rows[1][i]
		}
		for column, want := range map[string]string{
			"id": "7", "at": "2026-03-01T09:00:00.000Z", "act": "act", "phase": "outcome", "staff": "7", "name": "Mia Moreau", "portal": "customer",
			"username": "mia", "role": "manager", "session": "s", "address": "192.0.2.1", "agent": "Firefox", "request": "REQ1",
			"what": "open as customer", "on": "c1", "on_name": "Örebro Bygg 100%", "on_email": "Ana@Example.com", "reason": e.Reason,
			"service": "atom", "status": "302", "ms": "1234", "outcome": "done", "detail": `to "platform"`, "changes": `{"a":["b","c"]}`, "evidence": "4", "settled": "created",
		} {
			if got[column] != want {
				t.Errorf("%s: %s is %q, want %q", name, column, got[column], want)
			}
			delete(got, column)
		}
		if len(got) > 0 {
			t.Errorf("%s: columns that nobody expects: %v", name, got)
		}
		if strings.Join(rows[2], "") != "82026-03-01T09:00:00.000Zxevent" {
			t.Errorf("%s: an entry of little is %q", name, rows[2])
		}
	}
	if _, err := audit.Delimiter("pipe"); err == nil {
		t.Error("a pipe is taken for a delimiter")
	}
}

// OWASP's list for CSV injection, and the ways around a filter that looks at
// the first character only.
func TestExportNeutralisesFormulas(t *testing.T) {
	for text, formula := range map[string]bool{
		"=1+1": true, "+46701740605": true, "-2+3": true, "@SUM(A1)": true, "\t=1": true, "\tx": true, "\r=1": true, "\n=1": true,
		" =1": true, "   @x": true, "\u00a0=1": true, "\ufeff=1": true, "\u200b=1": true, `"=1`: true, `' "+1`: true, "＝1": true, " ＠x": true, "“=1": true,
		"-": true, "": false, "a=1": false, "1-2": false, "  a": false, `"quoted"`: false, "(=1)": false, "Ähre": false, "'": false,
	} {
		e := audit.Entry{ID: 1, At: start, On: audit.Subject{Name: text}, Reason: text}
		var b bytes.Buffer
		out, err := audit.NewCSV(&b, ',')
		if err == nil {
			err = errors.Join(out.Write(&e), out.Flush())
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, column := range rows[0] {
			if column != "on_name" && column != "reason" {
				continue
			}
			want := strings.ReplaceAll(text, "\r", "") // encoding/csv drops lone ones
			if formula {
				want = "'" + want
			}
			if rows[1][i] != want {
				t.Errorf("%q in %s became %q, want %q", text, column, rows[1][i], want)
			}
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestExportSaysWhenItCannotBeWritten(t *testing.T) {
	e := whole
	j := audit.NewJSONL(failing{})
	c, err := audit.NewCSV(failing{}, ';')
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Write(&e), j.Flush()); err == nil {
		t.Error("JSONL says nothing")
	}
	if err := errors.Join(c.Write(&e), c.Flush()); err == nil {
		t.Error("CSV says nothing")
	}
}
