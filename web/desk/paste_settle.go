package desk

import (
	"slices"
	"strings"
)

// piece is a part of a line that waits to be placed.
type piece struct {
	text      string
	line      int
	wholeLine bool
}

// settle places what is known only by its neighbours, and tells the rest.
func (s *signature) settle() Pasted {
	var pieces []piece
	for n, parts := range s.waiting {
		for _, part := range parts {
			part = s.state(part)
			places := placesOf(part)
			if legalMark.MatchString(part) && !hasWord(part, jobWords) && len(places) < 3 && !isStreet(part) && !isPerson(places[0]) {
				places = []string{part} // "Berg, Lind & Co AB"
			}
			for _, text := range places {
				if text = strings.TrimSpace(text); text != "" {
					pieces = append(pieces, piece{text: text, line: n, wholeLine: len(places) == 1 && len(parts) == 1})
				}
			}
		}
	}
	pieces = s.countries(pieces)
	pieces = s.addresses(pieces)
	pieces = s.names(pieces)
	for _, p := range pieces {
		s.rest = append(s.rest, p.text)
	}
	out := Pasted{Customer: s.in}
	if out.Customer.Company == "" {
		out.Customer.Company = fromDomain(s.domain())
		out.Guessed = out.Customer.Company != ""
	}
	for _, text := range s.rest {
		if !slices.Contains(out.Rest, text) {
			out.Rest = append(out.Rest, text)
		}
	}
	return out
}

// state takes a place with a state out of a line, whose commas belong to it.
func (s *signature) state(part string) string {
	rest := part
	country := ""
	if i := strings.LastIndex(part, ","); i > 0 && spelledCountry(strings.TrimSpace(part[i+1:])) {
		rest, country = strings.TrimSpace(part[:i]), part[i:]
	}
	if m := townState.FindStringSubmatch(rest); m == nil || s.in.Zip != "" {
		return part
	}
	a := postal(rest)
	if a == nil || a.state == "" {
		return part
	}
	s.place(a)
	return a.before + country
}

// place fills in what a postal line says.
func (s *signature) place(a *placing) {
	for field, value := range map[string]string{"zip": a.zip, "city": a.city, "state": a.state} {
		if value != "" {
			s.put(field, value, "")
		}
	}
	if a.country != "" && s.in.Country == "" {
		s.in.Country = a.country
	}
}

// countries places the country's name.
func (s *signature) countries(pieces []piece) []piece {
	return slices.DeleteFunc(pieces, func(p piece) bool {
		if !spelledCountry(p.text) || (s.in.Country != "" && countryRegion(s.in.Country) != countryRegion(p.text)) {
			return false
		}
		if s.in.Country == "" {
			s.in.Country = p.text
		}
		return true
	})
}

// addresses places streets, postcodes and towns.
func (s *signature) addresses(pieces []piece) []piece {
	regions := []string{countryRegion(s.in.Country)}
	if n, ok := ReadPhone(s.in.Phone, ""); ok {
		regions = append(regions, n.Country)
	}
	var left []piece
	street, town := -1, -1 // where the street was, and in left a line behind it that may be the town
	for i, p := range pieces {
		a := postal(p.text, regions...)
		switch {
		case a != nil && s.in.Zip == "":
			if a.city == "" && town >= 0 && s.in.City == "" { // on the line above its postcode
				a.city = left[town].text
				left = slices.Delete(left, town, town+1)
			}
			s.place(a)
			street, town = -1, -1
		case a == nil && isStreet(p.text) && s.in.Address == "" && !legalMark.MatchString(p.text):
			s.in.Address, street = p.text, i
		case street >= 0 && street == i-1 && unitShape.MatchString(p.text):
			s.in.Address += ", " + p.text
			street = i
		case street < 0 && s.in.Address == "" && unitShape.MatchString(p.text) && i+1 < len(pieces) && isStreet(pieces[i+1].text):
			pieces[i+1].text = p.text + ", " + pieces[i+1].text // "c/o Nilsson"
		case street >= 0 && street == i-1 && isTown(p.text):
			left, town = append(left, p), len(left)
		default:
			left = append(left, p)
		}
	}
	return left
}

// names places the company and the contact person.
func (s *signature) names(pieces []piece) []piece {
	take := func(fits func(i int, p piece) bool, to *string) {
		if *to != "" {
			return
		}
		for i, p := range pieces {
			if fits(i, p) {
				*to = strings.Trim(p.text, " ,.;")
				if strings.HasSuffix(p.text, ".") { // "Acme Inc."
					*to = strings.Trim(p.text, " ,;")
				}
				pieces = slices.Delete(pieces, i, i+1)
				return
			}
		}
	}
	domain := s.domain()
	first := ""
	if len(pieces) > 0 {
		first = pieces[0].text
	}
	company := func(text string) bool { return legalMark.MatchString(text) && !isPerson(text) && len(text) <= 100 }
	take(func(_ int, p piece) bool {
		return isPerson(p.text) && namesMail(p.text, s.in.Email) && !ownsDomain(p.text, domain)
	}, &s.in.Name)
	// The first line is a person's, when what stands below it says so: a job, or a company.
	take(func(i int, p piece) bool {
		if i != 0 || p.text != first || !isPerson(p.text) || ownsDomain(p.text, domain) || i+1 >= len(pieces) {
			return false
		}
		next := pieces[i+1].text
		return hasWord(next, jobWords) || company(next) || ownsDomain(next, domain)
	}, &s.in.Name)
	take(func(_ int, p piece) bool { return company(p.text) && ownsDomain(p.text, domain) }, &s.in.Company)
	take(func(_ int, p piece) bool { return company(p.text) }, &s.in.Company)
	take(func(_ int, p piece) bool {
		return ownsDomain(p.text, domain) && hasLetters(p.text) && !hasWord(p.text, jobWords) && digitsIn(p.text) < 4
	}, &s.in.Company)
	return pieces
}
