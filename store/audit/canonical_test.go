package audit_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
)

// The bytes that old logs are signed over: an entry of today must give them for
// ever. Only a new, left-out-when-empty member may be added, at the end.
func TestCanonicalBytes(t *testing.T) {
	full := whole
	full.ID, full.At, full.Settled = 42, time.Date(2026, 3, 1, 10, 0, 0, 7_000_000, time.FixedZone("CET", 3600)), "created"
	full.Reason = "a <b> & \"c\" \\ \u2028 \U0001F600 tab\t"
	former := full
	former.Evidence = 0
	members := `{"id":42,"at":"2026-03-01T09:00:00.007Z","act":"act","phase":"outcome","staff":7,"name":"Mia Moreau","portal":"customer",` +
		`"username":"mia","role":"manager","session":"s","address":"192.0.2.1","agent":"Firefox","request":"REQ1","what":"open as customer","on":"c1",` +
		`"on_name":"Örebro Bygg 100%","on_email":"Ana@Example.com","reason":"a \u003cb\u003e \u0026 \"c\" \\ \u2028 ` + "\U0001F600" + ` tab\t","service":"atom",` +
		`"status":302,"ms":1234,"outcome":"done","detail":"to \"platform\"","changes":"{\"a\":[\"b\",\"c\"]}"`
	for _, tt := range []struct {
		name string
		e    audit.Entry
		want string
	}{
		{"as of old", former, members + `}`},
		{"every member", full, members + `,"evidence":4}`},
		{"none", audit.Entry{}, `{"id":0,"at":"0001-01-01T00:00:00.000Z"}`},
	} {
		got := tt.e.Canonical([]byte("before"))
		if string(got) != "before"+tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		back, err := audit.Parse([]byte(tt.want))
		want := tt.e
		want.At, want.Settled = want.At.UTC(), ""
		if err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s: read as %+v, %v", tt.name, back, err)
		}
	}
}

// Texts are written as encoding/json does, whatever they have to escape.
func TestEveryCharacterIsWrittenAsJSON(t *testing.T) {
	for r := rune(0); r < 0x3000; r++ {
		e := audit.Entry{Reason: "a" + string(r)}
		want, err := json.Marshal(e.Reason)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.Canonical(nil)); got != `{"id":0,"at":"0001-01-01T00:00:00.000Z","reason":`+string(want)+`}` {
			t.Fatalf("%U: %s", r, got)
		}
	}
}

func TestParseRefusesOtherBytes(t *testing.T) {
	const good = `{"id":1,"at":"2026-03-01T09:00:00.000Z","act":"a","reason":"x"}`
	if _, err := audit.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":          ``,
		"no object":        `[]`,
		"a space":          strings.Replace(good, `,"at"`, `, "at"`, 1),
		"a line after it":  good + "\n",
		"a second object":  good + good,
		"another order":    `{"at":"2026-03-01T09:00:00.000Z","id":1,"act":"a","reason":"x"}`,
		"an empty member":  strings.Replace(good, `"reason"`, `"service":"","reason"`, 1),
		"a zero member":    strings.Replace(good, `}`, `,"status":0}`, 1),
		"an unknown one":   strings.Replace(good, `}`, `,"more":"x"}`, 1),
		"a member twice":   strings.Replace(good, `"act":"a"`, `"act":"b","act":"a"`, 1),
		"a capital name":   strings.Replace(good, `"act"`, `"Act"`, 1),
		"an escape":        strings.Replace(good, `"x"`, `"\u0078"`, 1),
		"a bare <":         strings.Replace(good, `"x"`, `"<"`, 1),
		"invalid UTF-8":    strings.Replace(good, `"x"`, "\"\xff\"", 1),
		"no milliseconds":  strings.Replace(good, `.000Z`, `Z`, 1),
		"microseconds":     strings.Replace(good, `.000Z`, `.000000Z`, 1),
		"another zone":     strings.Replace(good, `.000Z`, `.000+00:00`, 1),
		"no time":          `{"id":1,"act":"a"}`,
		"a number as text": strings.Replace(good, `"id":1`, `"id":"1"`, 1),
		"a fraction":       strings.Replace(good, `"id":1`, `"id":1.0`, 1),
		"an exponent":      strings.Replace(good, `"id":1`, `"id":1e0`, 1),
		"a leading zero":   strings.Replace(good, `"id":1`, `"id":01`, 1),
		"too big a number": strings.Replace(good, `"id":1`, `"id":92233720368547758070`, 1),
		"null":             strings.Replace(good, `"x"`, `null`, 1),
	} {
		if e, err := audit.Parse([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", name, e)
		}
	}
}

// odd are texts that some encoder, database or terminal takes amiss.
var odd = []string{
	"", "plain", `"`, `\`, `'; DROP TABLE`, "<script>&amp;</script>", "\u2028\u2029", "tab\tline\nreturn\r\b\f\x01\x1f\x7f", "å\u0308 Ö 日本 \U0001F600",
	"null\x00byte", "\x00", "bad\xff\xfeUTF-8\xc3", "\xed\xa0\x80", "\ufffd", "\ufeffmark", strings.Repeat("x", 3000), strings.Repeat("å", 2001),
}

// oddEntry is one with texts from odd in every text that comes from outside.
func oddEntry(r *rand.Rand) audit.Entry {
	text := func() string { return odd[r.IntN(len(odd))] + odd[r.IntN(len(odd))] }
	return audit.Entry{
		Act: text(), Phase: []audit.Phase{audit.Intent, audit.Outcome, audit.Event}[r.IntN(3)],
		Who: audit.Who{
			StaffID: r.Int64N(3), Name: text(), Portal: text(), Username: text(), Role: text(), Session: text(), Address: text(), Agent: text(), Request: text(),
		},
		What: text(), On: audit.Subject{ID: text(), Name: text(), Email: text()}, Reason: text(), Service: text(), Status: r.IntN(600),
		Duration: time.Duration(r.Int64N(int64(time.Hour))), Result: append(audit.Results, "")[r.IntN(len(audit.Results)+1)], Detail: text(), Changes: text(),
		Evidence: r.Int64N(3),
	}
}

// What is appended is cleaned first, so that the row, its canonical bytes and
// what is read from either are the same entry.
func TestOddTextsComeBackAsTheyWereSigned(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		was := oddEntry(r)
		e := l.append(was)
		got, err := l.Entry(ctx, e.ID)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("the row gives %+v, %v\nwant %+v", got, err, e)
		}
		b := e.Canonical(nil)
		back, err := audit.Parse(b)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("the bytes give %+v, %v\nwant %+v\n%s", back, err, e, b)
		}
		if bytes.IndexByte(b, 0) >= 0 || bytes.IndexByte(b, '\n') >= 0 {
			t.Fatalf("no line of its own: %q", b)
		}
		if wantText := strings.ReplaceAll(strings.ToValidUTF8(was.On.Name, "\ufffd"), "\x00", "\ufffd"); e.On.Name != wantText {
			t.Fatalf("%q was cleaned to %q, want %q", was.On.Name, e.On.Name, wantText)
		}
	}
	if v, err := l.Verify(ctx); err != nil || v.Size != 300 {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	f.Add(whole.Canonical(nil))
	for range 20 {
		e := oddEntry(r)
		f.Add(e.Canonical(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := audit.Parse(b); err == nil && !bytes.Equal(e.Canonical(nil), b) {
			t.Errorf("%q is read as %q", b, e.Canonical(nil))
		}
	})
}
