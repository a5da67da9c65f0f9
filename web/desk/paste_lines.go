package desk

import (
	"regexp"
	"strings"
	"unicode"

	"frontdesk/store"
)

// signature gathers a customer from lines of text. What has a shape of its own
// is placed at once; what is known only by its neighbours waits in parts.
type signature struct {
	in      NewCustomer
	named   string     // the field that a line has named, whose value comes on the next
	waiting [][]string // lines that are not placed yet, in parts
	rest    []string
}

// line reads one line.
func (s *signature) line(line string) {
	line = strings.TrimSpace(line)
	for {
		trimmed := strings.TrimSpace(bullets.ReplaceAllString(line, ""))
		if trimmed == line {
			break
		}
		line = trimmed
	}
	if line == "" || isGreeting(line) {
		s.named = ""
		return
	}
	s.parts(apart.Split(line, -1))
}

// apart are the marks between the parts of a line.
var apart = regexp.MustCompile(`\s*[|•·‖¦]\s*|\s+[–—/]\s+|\t+|\s{3,}`)

// parts reads what stands beside each other on a line, or in a row's cells.
func (s *signature) parts(parts []string) {
	var waiting []string
	for _, part := range parts {
		part = strings.TrimSpace(bullets.ReplaceAllString(strings.TrimSpace(part), ""))
		if part == "" {
			continue
		}
		if m := pairLine.FindStringSubmatch(part); m != nil && !strings.HasPrefix(m[2], "//") {
			if isColumnName(m[1]) || isOtherLabel(m[1]) {
				s.pair(m[1], m[2])
				continue
			}
		} else if m := labelLine.FindStringSubmatch(part); m != nil && (fieldNamed(m[1]) == "phone" || isOtherLabel(m[1])) && digitsIn(m[2]) >= 5 {
			s.pair(m[1], m[2])
			continue
		}
		if s.named != "" {
			name := s.named
			s.named = ""
			s.pair(name, part)
			continue
		}
		if part = s.shaped(part); part != "" {
			waiting = append(waiting, part)
		}
	}
	if len(waiting) > 0 {
		s.waiting = append(s.waiting, waiting)
	}
}

// pair takes a value by the name that stands before it. A name without a value
// is that of the next line.
func (s *signature) pair(name, value string) {
	field, value := fieldNamed(name), strings.TrimSpace(value)
	switch {
	case value == "":
		s.named = name
		return
	case field == "":
		s.rest = append(s.rest, name+": "+value)
		return
	}
	var behind string
	switch field {
	case "phone": // with another, perhaps, behind it on the line
		found := phoneIn.FindStringIndex(value)
		if found == nil || strings.TrimSpace(value[:found[0]]) != "" {
			s.rest = append(s.rest, name+": "+value)
			return
		}
		value, behind = value[:found[1]], value[found[1]:]
	case "email":
		m := emailIn.FindString(value)
		if m == "" {
			s.rest = append(s.rest, name+": "+value)
			return
		}
		behind = strings.Trim(strings.Replace(value, m, "", 1), "<>[]() ")
		behind, value = strings.TrimPrefix(behind, "mailto:"+m), m
	case "website":
		if first, more, ok := strings.Cut(value, " "); ok {
			value, behind = first, more
		}
		if !looksLikeSite(value) {
			s.rest = append(s.rest, name+": "+value)
			value = ""
		}
	case "address": // the postcode and all that may stand there too
		if len(placesOf(value)) > 1 || postal(value) != nil {
			s.waiting = append(s.waiting, []string{value})
			return
		}
	case "city", "zip":
		if a := postal(value); a != nil {
			s.place(a)
			return
		}
	}
	if value != "" {
		s.put(field, value, name)
	}
	if behind = strings.Trim(behind, " ,;/|-"); behind != "" {
		s.parts([]string{behind})
	}
}

// put fills a field. A second value for it, unless it is the same, is not placed.
func (s *signature) put(field, value, name string) {
	value = strings.Trim(value, " ,;")
	to := customerFields(&s.in)[field]
	switch {
	case *to == "":
		*to = value
	case store.Fold(*to) == store.Fold(value), field == "phone" && sameDigits(*to, value), field == "website" && siteHost(*to) == siteHost(value):
	case name != "":
		s.rest = append(s.rest, name+": "+value)
	default:
		s.rest = append(s.rest, value)
	}
}

var (
	emailIn = regexp.MustCompile(`[\p{L}\d._%+'-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+`)
	siteIn  = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>()|,;"]+`)
	// A number with at least seven digits and what people put between them, and its extension.
	phoneIn = regexp.MustCompile(`(?i)(?:\+|\(|\b)[\d(][\d ()./\-‑–]{5,24}\d(?:\s*(?:ext\.?|extn\.?|x|#|ankn\.?|poste|durchwahl|dw)\s*\d{1,6})?`)
)

// shaped places what has a shape of its own, and returns the rest of the part.
func (s *signature) shaped(part string) string {
	for _, m := range emailIn.FindAllString(part, -1) {
		s.put("email", strings.Trim(m, "."), "")
		part = strings.ReplaceAll(strings.ReplaceAll(part, "mailto:"+m, ""), m, "")
	}
	for _, m := range siteIn.FindAllString(part, -1) {
		s.site(strings.TrimRight(m, "./"))
		part = strings.Replace(part, m, "", 1)
	}
	part = strings.Trim(strings.ReplaceAll(part, "()", ""), " ,;<>[]-–")
	if field := fieldNamed(part); field == "email" || field == "website" { // what was called so is taken already
		return ""
	}
	if bareHost.MatchString(strings.ToLower(part)) && looksLikeSite(part) {
		s.site(part)
		return ""
	}
	// Numbers, with what they are called before them: "Tel 08-123 45 67, mob. 070-123 45 67".
	if all := phoneIn.FindAllStringIndex(part, -1); all != nil {
		var left []string
		at := 0
		for _, m := range all {
			number := strings.TrimSpace(part[m[0]:m[1]])
			before := strings.Trim(part[at:m[0]], " ,;:./|-")
			label := fieldNamed(before) == "phone"
			if !label && !(looksLikePhone(number) && before == "") {
				continue
			}
			name := ""
			if label {
				name = before
			}
			s.put("phone", number, name)
			at = m[1]
		}
		if left = append(left, strings.Trim(part[at:], " ,;")); at > 0 {
			part = strings.Join(left, "")
		}
	}
	return part
}

// site takes a web address; those of networks are not the company's.
func (s *signature) site(site string) {
	host := siteHost(site)
	for _, network := range networks {
		if host == network || strings.HasSuffix(host, "."+network) {
			s.rest = append(s.rest, site)
			return
		}
	}
	s.put("website", site, "")
}

var networks = strings.Fields(`linkedin.com facebook.com instagram.com twitter.com x.com youtube.com xing.com tiktok.com github.com calendly.com teams.microsoft.com zoom.us wa.me goo.gl
	maps.google.com g.page bsky.app threads.net meet.google.com`)

// siteHost is a site's host without www.
func siteHost(site string) string {
	site = strings.ToLower(site)
	if _, rest, ok := strings.Cut(site, "://"); ok {
		site = rest
	}
	site, _, _ = strings.Cut(site, "/")
	return strings.TrimPrefix(site, "www.")
}

func digitsIn(text string) (n int) {
	for _, r := range text {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// sameDigits tells whether two writings are of one number: they end alike.
func sameDigits(a, b string) bool {
	digits := func(text string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, strings.ReplaceAll(text, "(0)", ""))
	}
	x, y := digits(a), digits(b)
	n := min(len(x), len(y), 8)
	return n >= 6 && x[len(x)-n:] == y[len(y)-n:]
}
