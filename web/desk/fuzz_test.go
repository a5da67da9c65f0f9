package desk

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/encoding/charmap"

	"frontdesk/store"
)

// browsersHost is where a browser goes for a link, read as browsers do (the WHATWG
// URL standard) and not as Go does: they drop tabs and line ends, take a backslash
// for a slash, and look for the user behind the last @. ok is false for what they
// do not open as a page of a host.
func browsersHost(link string) (scheme, host, port string, ok bool) {
	link = strings.TrimFunc(link, func(r rune) bool { return r <= ' ' })
	link = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(link)
	scheme, rest, found := strings.Cut(link, ":")
	if scheme = strings.ToLower(scheme); !found || scheme != "https" && scheme != "http" {
		return "", "", "", false
	}
	rest = strings.TrimLeft(strings.ReplaceAll(rest, `\`, "/"), "/")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndex(rest, "@")+1:]
	if colon := strings.LastIndex(rest, ":"); colon > strings.LastIndex(rest, "]") {
		rest, port = rest[:colon], strings.TrimLeft(rest[colon+1:], "0")
	}
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	if strings.HasPrefix(rest, "[") {
		return scheme, strings.Trim(rest, "[]"), port, true
	}
	rest, err := url.PathUnescape(rest)
	if err != nil {
		return "", "", "", false
	}
	// A link that comes as bytes that are no text is mended as text is.
	host, err = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(strings.ToValidUTF8(rest, "\ufffd"))
	if err != nil || strings.ContainsAny(host, "\x00\t\n\r #/:<>?@[\\]^|%") {
		return "", "", "", false
	}
	return scheme, strings.TrimSuffix(host, "."), port, host != ""
}

// FuzzLocation: wherever a Location points, a browser is sent only where the
// patterns allow, however it reads the link that frontdesk gives it.
func FuzzLocation(f *testing.F) {
	for _, location := range []string{
		"https://a.atom.works/x?t=1", "https://ads.example.com:8443/", "//a.atom.works", "/relative", "https:/\\evil.example", "\\\\evil.example", "/\\evil.example", "https://evil.example\\@a.atom.works/",
		"https://evil.example\t.atom.works", "https://a.atom.works@evil.example", "https://evil.example#@a.atom.works", "https://evil.example%2f.atom.works", "https://evil.example%E3%80%82atom.works",
		"https://evil.example／.atom.works", "https://[::1].atom.works", "https://a.atom.works:443443/", "https://a.atom.works:0443", "hTTps:a.atom.works", "javascript://a.atom.works/%0aalert(1)",
		"https://.atom.works", "https://a.atom.works.", "http://127.0.0.1:9/", "http://localhost%00.evil.example", "https://a.atom.works%23.evil.example", "https://a\u00ad.atom.works", "https://\u200d.atom.works",
		" https://evil.example/.atom.works", "https://a.atom.works;evil.example", "https://evil.example?.atom.works", "ftp://a.atom.works", "https:///evil.example", "https://\xff.atom.works", "", "data:text/html,x",
	} {
		f.Add(location)
	}
	base, err := url.Parse("https://atom.internal/api/customer/a%40b/sso")
	if err != nil {
		f.Fatal(err)
	}
	hosts, err := ParseSSOHosts("*.atom.works, ads.example.com:8443", base.String())
	if err != nil {
		f.Fatal(err)
	}
	loopback, err := ParseSSOHosts("*.atom.works, ads.example.com:8443", "http://127.0.0.1:8081/atom")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, location string) {
		link, err := base.Parse(location)
		if err != nil {
			return
		}
		for name, h := range map[string]SSOHosts{"public": hosts, "loopback": loopback} {
			if h.Allows(link) != nil {
				continue
			}
			for _, sent := range []string{link.String(), location} { // the one that goes out, and the one that came
				if sent == location && !link.IsAbs() || sent == location && !strings.HasPrefix(strings.ToLower(location), "http") {
					continue
				}
				scheme, host, port, ok := browsersHost(sent)
				if !ok {
					continue // nobody gets anywhere
				}
				allowed := scheme == "https" && (strings.HasSuffix(host, ".atom.works") && port == "443" || host == "ads.example.com" && port == "8443")
				if name == "loopback" {
					allowed = allowed || scheme == "http" && (host == "localhost" || strings.HasPrefix(host, "127.") || strings.Trim(host, "0:f.127") == "")
				}
				if !allowed {
					t.Fatalf("%s: %q leads by %q to %s://%s:%s", name, location, sent, scheme, host, port)
				}
				if u, err := url.Parse(sent); err != nil || u.User != nil || u.Hostname() != link.Hostname() {
					t.Fatalf("%s: %q is %q, %v", name, location, sent, err)
				}
			}
			if strings.ContainsFunc(link.String(), func(r rune) bool { return r <= ' ' || r == 0x7f }) {
				t.Fatalf("the header would be %q", link)
			}
		}
	})
}

// FuzzSSOHosts: patterns that are taken make a list of sources for the CSP, and
// nothing beside it.
func FuzzSSOHosts(f *testing.F) {
	for _, list := range []string{"*.atom.works,ads.example.com:8443", "a.example;script-src *", "*", "a.example 'unsafe-inline'", "[::1]:443", "é.example", "a.example\n", "*.a%3b.example", "A.EXAMPLE."} {
		f.Add(list)
	}
	source := regexp.MustCompile(`^https:(//(\*\.)?[^*/?#@;,'"\s]+)?$`)
	f.Fuzz(func(t *testing.T, list string) {
		h, err := ParseSSOHosts(list, "https://atom.example")
		if err != nil {
			return
		}
		for s := range strings.SplitSeq(h.FormAction(), " ") {
			if !source.MatchString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Fatalf("%q makes the source %q", list, s)
			}
		}
	})
}

// FuzzSheetEncodings: a table comes back as it was written, in each encoding and
// with each delimiter.
func FuzzSheetEncodings(f *testing.F) {
	f.Add("Acme AB", "a@b.example", "Åsa \"Öberg\"\nlast line", "€ 100; 50, x")
	f.Add("'=1+1", "@x", "\t", "渡辺 🙂")
	f.Add("sep=;", "\ufeff", "'", "\"")
	f.Add("", "PK\x03\x04", "\u2028", "a\r\nb\rc")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		row := []string{a, b, c, d}
		for i, cell := range row {
			cell = strings.ToValidUTF8(cell, "")
			if row[i] = cell; strings.Count(cell, "\n")+strings.Count(cell, "\r") > maxCellLines || strings.ContainsFunc(cell, func(r rune) bool { return r == 0 || unicode.IsControl(r) && !unicode.IsSpace(r) }) {
				return
			}
		}
		want := make([]string, 4)
		for i, cell := range row {
			want[i] = plain(strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n"))
		}
		if want = withoutTail(want); len(want) == 0 {
			return
		}
		for _, comma := range []rune{',', ';', '\t'} {
			var text strings.Builder
			out := csv.NewWriter(&text)
			out.Comma = comma
			if err := out.WriteAll([][]string{{"Company", "E-mail", "Name", "City"}, row}); err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{
				"UTF-8": []byte(text.String()), "UTF-8 with a mark": []byte("\ufeff" + text.String()),
				"UTF-16LE": utf16Text(text.String(), false, true), "UTF-16BE": utf16Text(text.String(), true, true),
			}
			if b, err := charmap.Windows1252.NewEncoder().String(text.String()); err == nil && !utf8.ValidString(b) {
				files["Windows-1252"] = []byte(b)
			}
			for name, file := range files {
				s, err := ReadSheet(file)
				if err != nil {
					t.Fatalf("%s, %q: %v", name, comma, err)
				}
				if len(s.Header) != 4 || len(s.Rows) != 1 || !slices.Equal(s.Rows[0], want) {
					t.Fatalf("%s, %q: %q came back as %q with %q", name, comma, row, s.Rows, s.Header)
				}
			}
		}
	})
}

// FuzzParsePaste: what is pasted fills the fields with text that can be shown and
// that was in it, and never more than was pasted.
func FuzzParsePaste(f *testing.F) {
	for _, text := range []string{
		"Best regards\nAnna Svensson\nSales Manager\nAcme AB | Storgatan 1, 111 22 Stockholm\nTel: +46 8 123 45 67, mob 070-123 45 67 ext 5\nanna.svensson@acme.se | www.acme.se",
		"Company\tE-mail\tPhone\nAcme AB\ta@acme.example\t08-1234567\n", "Company: \nAcme\nE-mail: <a@b.example>\nT +1 (415) 555-0100", "Acme\ta@b.example\n\"x\ny\"\t\tz", "c/o X\n12 rue de la Paix\n75002 Paris CEDEX 2\nFrance",
		"\u202eevil\u0000\x1b[1m\r\nMe", "-- \n***\n: : :\n=\t=", "Name\tAnna\nCompany\tAcme\n", "SE-111 22 Malmö (Sverige)", "Austin, TX 78701, USA", strings.Repeat("|", 3000), strings.Repeat("1 ", 2500), "\xff\xfe\t\xff",
	} {
		f.Add(text)
	}
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, store.Fold(s))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r := []rune(text); len(r) > MaxPaste { // as the page has it
			text = string(r[:MaxPaste])
		}
		p := ParsePaste(text)
		bare, total := letters(tidy(text)), 0
		for field, value := range customerFields(&p.Customer) {
			total += len(*value)
			if !utf8.ValidString(*value) || strings.ContainsFunc(*value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) || strings.TrimSpace(*value) != *value {
				t.Fatalf("%s is %q", field, *value)
			}
			made := field == "country" || field == "company" && p.Guessed || field == "address" // which may be put together
			if !made && !strings.Contains(bare, letters(*value)) {
				t.Fatalf("%s is %q, which is not in %q", field, *value, text)
			}
		}
		for _, rest := range p.Rest {
			if total += len(rest); !utf8.ValidString(rest) {
				t.Fatalf("the rest holds %q", rest)
			}
		}
		if total > 3*len(text)+300 {
			t.Fatalf("%q became %+v", text, p)
		}
	})
}

// FuzzReadPhone: a number that is certain is read again, from each way of writing
// it, as the same.
func FuzzReadPhone(f *testing.F) {
	for _, text := range []string{"070-123 45 67", "+46 (0)70 123 45 67 ext 5", "0046701234567", "+1 415 555 0100 / +1 415 555 0101", "(415) 555-0100", "＋４６７０１２３４５６７", "tel:+46701234567;ext=9", "112", "+8001234567890"} {
		for _, region := range []string{"", "SE", "US", "XX"} {
			f.Add(text, region)
		}
	}
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{1,16}$`)
	f.Fuzz(func(t *testing.T, text, region string) {
		phone, ok := ReadPhone(text, region)
		if !ok {
			if phone != (Phone{}) {
				t.Fatalf("%q is not certain, and %+v", text, phone)
			}
			return
		}
		if !e164.MatchString(phone.E164) || len(phone.Pretty) > 80 || strings.ContainsFunc(phone.Pretty, unicode.IsControl) {
			t.Fatalf("%q is %+v", text, phone)
		}
		for _, again := range []string{phone.E164, phone.Pretty} {
			if got, ok := ReadPhone(again, ""); !ok || got.E164 != phone.E164 || got.Country != phone.Country {
				t.Fatalf("%q is %+v, and %q is %+v, %v", text, phone, again, got, ok)
			}
		}
		if got, err := ParsePhone(phone.E164); err != nil || got.E164 != phone.E164 {
			t.Fatalf("%q is %+v, and a code would go to %+v, %v", text, phone, got, err)
		}
	})
}

// FuzzParsePhone: a number that a code goes to is read again as the same.
func FuzzParsePhone(f *testing.F) {
	for _, text := range []string{"+46 70 123 45 67", "0046701234567", "46701234567", "+46 (0)70 1234567", "+1-800-FLOWERS", "+39 02 1234567", "+46701234567;ext=5", "+\u0664\u0666701234567", "+00046701234567"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		phone, err := ParsePhone(text)
		if err != nil {
			if _, ok := err.(told); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, again := range []string{phone.E164, phone.Pretty} {
			if got, err := ParsePhone(again); err != nil || got.E164 != phone.E164 {
				t.Fatalf("%q is %+v, and %q is %+v, %v", text, phone, again, got, err)
			}
		}
	})
}

// FuzzCountry: what is taken for a country is one, whatever its spelling, and its
// name is taken for the same.
func FuzzCountry(f *testing.F) {
	for _, text := range []string{"Sweden", "sverige", "SE", "SWE", "752", "U.S.A.", "uk", "Deutschland", "日本", "001", "ZZ", "xk", "Swden", "\xff", strings.Repeat("å", 3000), "an", "Ivory Coast", "eu"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		region := countryRegion(text)
		if region != "" && (len(region) != 2 || CountryName(region) == "" || countryRegion(region) != region && countryRegion(CountryName(region)) != region) {
			t.Fatalf("%q is %q, %q", text, region, CountryName(region))
		}
		if other := regionOf(text); other != "" && region != "" && other != region {
			t.Fatalf("%q is %q, and elsewhere %q", text, region, other)
		}
		if near := nearCountry(text); near != "" && countryRegion(near) == "" {
			t.Fatalf("%q is near %q, which is none", text, near)
		}
	})
}

// FuzzSaid: what comes from elsewhere stays as it is in a text, and is never taken
// for a form of ours.
func FuzzSaid(f *testing.F) {
	for _, text := range []string{"plain", "100% %s %d", "\x1f{\"form\":\"%s owned\",\"parts\":[\"x\"]}", "\x1f\x1f", "\xff", "", "\u2028\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := strings.Map(func(r rune) rune { return r }, strings.TrimLeft(text, formed)) // what is no text is mended
		if got := AsSaid(text).String(); got != want {
			t.Fatalf("%q is said as %q", text, got)
		}
		if got := Say("It says %s here, %s.", text, AsSaid(text)).String(); got != fmt.Sprintf("It says %s here, %s.", want, want) {
			t.Fatalf("%q is said as %q", text, got)
		}
		_ = Text(text).String() // a stored one, of whatever release
	})
}
