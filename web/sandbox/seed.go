package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// seedEnd is the newest moment at which a seeded customer can have been
// created. It is fixed so that every run seeds the same.
var seedEnd = time.Date(2026, time.October, 31, 12, 0, 0, 0, time.UTC)

const seedSpan = 3 * 365 * 24 * time.Hour

// seed makes the first n customers. Customer i is the same whatever n is. The
// first are written by hand (curated), the others drawn; every address is under
// .example, which RFC 2606 reserves, so that nothing could ever be mailed.
func seed(n int) *directory {
	dir := newDirectory(max(n, 0))
	customers := make([]customer, max(n, 0))
	// Objects share large buffers: one allocation each would cost more than
	// encoding them does.
	var buffer []byte
	for i := range customers {
		if cap(buffer)-len(buffer) < 4<<10 {
			buffer = make([]byte, 0, 256<<10)
		}
		g := prng(0x5eed + uint64(i)*0x9e37)
		f := draw(&g, i)
		if i < len(curated) {
			f = curated[i]
		} else if dir.byEmail[strings.ToLower(f.email)] != nil {
			local, domain, _ := strings.Cut(f.email, "@")
			f.email = local + strconv.Itoa(i) + "@" + domain
		}
		c := &customers[i]
		o := object{b: buffer}
		start := len(buffer)
		f.encode(c, &o, &g, i)
		buffer = o.b
		c.raw = buffer[start:len(buffer):len(buffer)]
		dir.add(c)
	}
	return dir
}

// fields are what a seeded customer is made of. Which of them become null or go
// missing is decided when the object is encoded.
type fields struct {
	company, email, name, address, country, city, zip, state, phone, website string
}

// draw makes an ordinary customer.
func draw(g *prng, i int) fields {
	l := &locales[g.n(len(locales))]
	first, last := pick(g, l.first), pick(g, l.last)
	stem := pick(g, l.stems)
	trade := pick(g, l.trades)
	place := pick(g, l.places)
	var f fields
	var slug string
	switch g.n(4) {
	case 0: // named after its place: "Malmö Bygg AB"
		f.company, slug = place.city+" "+trade.shown, place.slug+"-"+trade.slug
	case 1: // after its founder: "Larsson Bygg AB"
		f.company, slug = last.shown+" "+trade.shown, strings.ReplaceAll(last.slug, "'", "")+"-"+trade.slug
	default: // "Nordstjärnan Bygg AB"
		f.company, slug = stem.shown+" "+trade.shown, stem.slug+"-"+trade.slug
	}
	f.company += " " + l.suffixes[g.n(len(l.suffixes))]
	f.name = first.shown + " " + last.shown
	if l.lastFirst {
		f.name = last.shown + " " + first.shown
	}
	domain := slug + ".example"
	switch g.n(6) {
	case 0:
		f.email = "info@" + domain
	case 1:
		f.email = first.slug[:1] + "." + last.slug + "@" + domain
	case 2:
		f.email = strings.ToUpper(first.slug[:1]) + first.slug[1:] + "." + strings.ToUpper(last.slug[:1]) + last.slug[1:] + "@" + domain
	default:
		f.email = first.slug + "." + last.slug + "@" + domain
	}
	if i%37 == 0 {
		f.email = strings.Replace(f.email, "@", "+billing@", 1)
	}
	f.website = "https://www." + domain
	if g.n(8) == 0 {
		f.website = domain
	}
	street := l.streets[g.n(len(l.streets))]
	number := strconv.Itoa(1 + g.n(198))
	if l.numberFirst {
		f.address = number + " " + street
	} else {
		f.address = street + " " + number
	}
	f.country = l.country
	if g.n(12) == 0 {
		f.country = l.code // a few are written as codes
	}
	f.city, f.state = place.city, place.state
	f.zip = fill(g, l.zip)
	f.phone = fill(g, l.phones[g.n(len(l.phones))])
	return f
}

// encode writes the customer's object with the oddities that its index has.
// The curated have none of those, so that small seeds are plain.
func (f fields) encode(c *customer, o *object, g *prng, i int) {
	odd := func(every int) bool { return i >= len(curated) && i%every == 0 }

	c.cuid = "c" + strconv.FormatUint(g.next()%(1<<40)|1<<40, 36) + strconv.FormatUint(g.next()%(1<<40)|1<<40, 36) +
		strconv.FormatUint(1<<31+uint64(i), 36)
	switch {
	case odd(47): // more digits than a float64, and at times than an int64, can hold
		c.cuid, c.numeric = "9007199254740993"[:10+g.n(7)]+strconv.Itoa(10_000_000+i)+"1357"[:g.n(5)], true
	case odd(61):
		c.cuid = opaque[i/61%len(opaque)] + strconv.Itoa(i)
	}
	c.company, c.email = f.company, f.email
	c.suspended = odd(97)
	c.exposed = i == 26 || i == 77 || i == 154
	if odd(83) {
		c.email = ""
	}
	status := [...]string{"active", "active", "active", "active", "active", "trial", "trial", "past_due"}[g.n(8)]
	if c.suspended {
		status = "suspended"
	}

	o.open()
	if c.numeric {
		o.raw("cuid", c.cuid)
	} else {
		o.text("cuid", c.cuid)
	}
	o.text("company", f.company)
	if c.email != "" {
		o.text("email", f.email)
	}
	switch {
	case odd(53):
		o.raw("name", "null")
	default:
		o.text("name", f.name)
		o.text("address", f.address)
	}
	o.text("country", f.country)
	o.text("city", f.city)
	o.text("zip", f.zip)
	if f.state != "" {
		o.text("state", f.state)
	} else if odd(5) {
		o.raw("state", "null")
	}
	if odd(29) {
		o.raw("phone", "null")
	} else {
		o.text("phone", f.phone)
	}
	if !odd(31) {
		o.text("website", f.website)
	}
	created := seedEnd.Add(-time.Duration(g.next()%uint64(seedSpan/time.Second)) * time.Second)
	o.text("created", created.Format(time.RFC3339))
	o.text("status", status)
	o.text("plan", [...]string{"starter", "starter", "growth", "pro", "enterprise"}[g.n(5)])
	if odd(41) {
		o.raw("tags", `["vip",7,null,{"since":`+strconv.Itoa(2015+g.n(10))+`},["a","b"]]`)
	}
	if odd(43) {
		o.raw("billing", `{"currency":"EUR","terms":{"days":30,"discount":null},"vat":"EU`+strconv.Itoa(100_000+g.n(900_000))+`"}`)
	}
	o.close()
	if c.exposed {
		c.key, c.token = seededSecret(g), seededSecret(g)+seededSecret(g)
	}
}

func seededSecret(g *prng) string {
	return strconv.FormatUint(g.next()|1<<63, 36) + strconv.FormatUint(g.next()|1<<63, 36)
}

// opaque are beginnings of cuids with everything that can go wrong in a path.
var opaque = []string{
	"kund/2024#", "a?b=c&d%2F", "50%/", "日本/顧客-", "über kund+", "../x/", `"quoted"<b>`, "semi;colon,",
	"long-" + strings.Repeat("0123456789abcdef/", 6),
}

func pick[T any](g *prng, from []T) *T { return &from[g.n(len(from))] }

// fill replaces each # by a digit and each @ by a capital letter.
func fill(g *prng, pattern string) string {
	b := []byte(pattern)
	for i, c := range b {
		switch c {
		case '#':
			b[i] = '0' + byte(g.n(10))
		case '@':
			b[i] = 'A' + byte(g.n(26))
		}
	}
	return string(b)
}

// object writes one JSON object into a buffer that it may share with others.
type object struct {
	b    []byte
	more bool
}

func (o *object) open()  { o.b, o.more = append(o.b, '{'), false }
func (o *object) close() { o.b = append(o.b, '}') }

func (o *object) raw(name, value string) {
	o.name(name)
	o.b = append(o.b, value...)
}

func (o *object) text(name, value string) {
	o.name(name)
	o.quote(value)
}

func (o *object) name(name string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.quote(name)
	o.b = append(o.b, ':')
}

// quote is much of the cost of seeding, so plain text is copied whole.
func (o *object) quote(s string) {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			o.b = append(o.b, encodeJSON(s)...)
			return
		}
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, s...)
	o.b = append(o.b, '"')
}
