package desk

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// placing is what a line of an address says.
type placing struct {
	zip, city, state, country string
	before                    string // what stands before it on the line
}

const (
	townShape   = `(\p{L}[\p{L} .'’()/-]{1,40}?(?: (?i:CEDEX)(?: \d{1,2})?)?)`
	statesOfUS  = `AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR`
	provincesCA = `AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT`
	statesOfAU  = `NSW|VIC|QLD|WA|SA|TAS|ACT|NT`
)

// Places as they are written in different countries.
var (
	zipTown    = regexp.MustCompile(`^(?:([A-Z]{1,3})([- ]))?(\d{3} ?\d{2}|\d{5}|\d{2}-\d{3}|\d{4}-\d{3}|\d{4} ?[A-Z]{2}) ` + townShape + `$`)
	zip4Town   = regexp.MustCompile(`^(?:([A-Z]{1,3})-)?(\d{4}) ` + townShape + `$`)
	townZipGB  = regexp.MustCompile(`^(?:` + townShape + `,? )?([A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})$`)
	townState  = regexp.MustCompile(`^(?:(.*), )?([\p{L}][\p{L} .'’-]{1,40}?),? (?:(` + statesOfUS + `),? (\d{5}(?:-\d{4})?)|(` + provincesCA + `),? ([A-Z]\d[A-Z] ?\d[A-Z]\d)|(` + statesOfAU + `) (\d{4}))$`)
	postPrefix = map[string]string{"SE": "SE", "S": "SE", "DE": "DE", "D": "DE", "FR": "FR", "F": "FR", "ES": "ES", "E": "ES", "AT": "AT", "A": "AT", "CH": "CH", "BE": "BE",
		"B": "BE", "NL": "NL", "DK": "DK", "NO": "NO", "N": "NO", "FI": "FI", "FIN": "FI", "LU": "LU", "L": "LU", "IT": "IT", "I": "IT", "PT": "PT", "PL": "PL", "CZ": "CZ"}
	fourDigits = strings.Fields("AT CH BE DK NO LU AU NZ HU NL ZA SI BG CY")
)

// postal reads a postcode with its town; nil when the text is none. Of four digits
// it has to be known, by country or by what stands before them, that they are one.
func postal(text string, countries ...string) *placing {
	if m := townState.FindStringSubmatch(text); m != nil && !isStreet(m[2]) {
		return &placing{before: m[1], city: m[2], state: m[3] + m[5] + m[7], zip: m[4] + m[6] + m[8]}
	}
	if isStreet(text) {
		return nil
	}
	if m := zipTown.FindStringSubmatch(text); m != nil && isTown(m[4]) {
		a := &placing{zip: m[3], city: m[4]}
		region, known := postPrefix[m[1]]
		if m[1] != "" && !known {
			return nil
		}
		if m[2] == "-" {
			a.country = CountryName(region)
		}
		return a
	}
	if m := zip4Town.FindStringSubmatch(text); m != nil && isTown(m[3]) {
		region := postPrefix[m[1]]
		if region == "" && !slices.ContainsFunc(countries, func(c string) bool { return slices.Contains(fourDigits, c) }) {
			return nil
		}
		return &placing{zip: m[2], city: m[3], country: CountryName(region)}
	}
	if m := townZipGB.FindStringSubmatch(text); m != nil && (m[1] == "" || isTown(m[1])) {
		return &placing{city: m[1], zip: m[2]}
	}
	return nil
}

// isTown tells whether words can be a town's name: they begin with capitals, but
// for those in between, and none is a job's.
func isTown(text string) bool {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 6 || hasWord(text, jobWords) {
		return false
	}
	for i, word := range words {
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, "(/-"))
		if !unicode.IsUpper(first) && !unicode.IsDigit(first) && (i == 0 || !slices.Contains(smallWords, strings.ToLower(word))) {
			return false
		}
	}
	return true
}

// smallWords stand within names of people and towns.
var smallWords = strings.Fields(`de du des del della di da la le les los las y i en sur sous am an der den dem zu zum zur bei ob im von van af och and et e d' l' av på vid upon the of san st`)

var (
	streetNumberBehind = regexp.MustCompile(`(?i)(?:(?:gatan|gata|vägen|väg|gränd|gränden|torget|torg|allén|allé|stigen|backen|kajen|kaj|leden|plan|platsen|esplanaden|parken|terrassen|` +
		`stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|ring|damm|ufer|chaussee|markt|kai|straat|laan|gade|vej|plein|gracht|katu|tie)|` +
		`\b(?:calle|c/|avenida|avda\.?|av\.|paseo|pº|plaza|pza\.?|carrer|ronda|camino|carretera|ctra\.?|travesía|gran vía|polígono|via|viale|piazza|corso|rua|ulica|ul\.)\b?.*?)[ ,]*(?:n[ºo°]\.? ?)?\d+`)
	streetNumberBefore = regexp.MustCompile(`(?i)^(?:no\.? ?)?\d+[a-z]?(?: ?(?:bis|ter|quater))?(?:[-–/]\d+[a-z]?)?,? .*\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|bd|way|court|ct|` +
		`square|sq|place|pl|terrace|highway|hwy|parkway|pkwy|broadway|mews|row|crescent|close|gardens|quay|wharf|hill|park|plaza|floor|` +
		`rue|quai|chemin|allée|allee|impasse|cours|route|passage|ruelle|sentier|villa|faubourg|esplanade|cité|av)\b`)
	streetFirst = regexp.MustCompile(`(?i)^(?:one|two|three) [\p{L} ]+(?:street|square|place|plaza|avenue|road)$|^(?:calle|c/|avenida|avda\.?|paseo|plaza|carrer)\b.*\bs/n$`)
	boxShape    = regexp.MustCompile(`(?i)^(?:p\.? ?o\.? ?)?(?:box|postfach|bp|b\.p\.|apartado(?: de correos)?|apdo\.?|postboks|pb|cs) ?\d+`)
	unitShape   = regexp.MustCompile(`(?i)^(?:suite|ste\.?|floor|unit|apt\.?|apartment|building|bldg\.?|room|level|plan|våning|vån\.?|lgh|hus|uppgång|étage|bât\.?|bâtiment|escalier|porte|piso|planta|puerta|portal|bajo|oficina|etage|stock|og|c/o|att\.?|#)\b|\b(?:floor|étage|etage|stock|og|tr|planta|piso|våningen)\.?$|^\d{1,3}(?:st|nd|rd|th)? floor|^#\d`)
	numberOnly  = regexp.MustCompile(`(?i)^(?:n[ºo°]\.? ?)?\d{1,4} ?[a-z]?(?:[-–]\d{1,4} ?[a-z]?)?(?: ?(?:bis|ter))?$|^s/n$|^\d{1,2} ?[ºª°]\.? ?[a-z]?(?:q|izq\.?|dcha\.?)?$|^bajo$`)
)

// inBrackets is the country behind a town: "Madrid (España)".
var inBrackets = regexp.MustCompile(`^(.*\S)\s*\(([^()]+)\)$`)

// isStreet tells whether a text is plainly a street with its number, or a box.
func isStreet(text string) bool {
	return streetNumberBehind.MatchString(text) || streetNumberBefore.MatchString(text) || streetFirst.MatchString(text) || boxShape.MatchString(text)
}

// placesOf parts a line of an address at its commas. A house's number stays with
// its street, and a legal form with its company.
func placesOf(line string) []string {
	if m := inBrackets.FindStringSubmatch(line); m != nil && spelledCountry(m[2]) {
		line = m[1] + ", " + m[2]
	}
	var all []string
	pending := ""
	for part := range strings.SplitSeq(line, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case pending != "":
			all, pending = append(all, pending+", "+part), ""
		case numberOnly.MatchString(part) && len(all) == 0:
			pending = part
		case len(all) > 0 && (numberOnly.MatchString(part) || isLegalForm(strings.Join(companyWords(part), ""))):
			all[len(all)-1] += ", " + part
		default:
			all = append(all, part)
		}
	}
	if pending != "" {
		all = append(all, pending)
	}
	return all
}

// spelledCountry tells whether a text is a country's name, and no short code that
// could be anything.
func spelledCountry(text string) bool {
	if utf8.RuneCountInString(text) < 4 && !slices.Contains([]string{"USA", "UK", "UAE"}, text) {
		return false
	}
	return countryRegion(text) != ""
}
