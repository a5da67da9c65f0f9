package desk

import (
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/nyaruka/phonenumbers"

	"frontdesk/store"
)

// shortCountries are what people write beside the whole names.
var shortCountries = map[string]string{
	"usa": "US", "u.s.a.": "US", "u.s.": "US", "united states of america": "US", "america": "US", "uk": "GB", "u.k.": "GB", "great britain": "GB",
	"england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "holland": "NL", "the netherlands": "NL", "czech republic": "CZ",
	"turkey": "TR", "uae": "AE",
}

// countryTexts are the countries by their names, folded: in English, Swedish,
// French, Spanish and German, and in the language that most people there speak.
var countryTexts = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	name := func(in language.Tag, region language.Region, code string) {
		if names := display.Regions(in); names != nil {
			if text := store.Fold(names.Name(region)); text != "" && texts[text] == "" {
				texts[text] = code
			}
		}
	}
	for _, in := range []language.Tag{language.English, language.Swedish, language.French, language.Spanish, language.German, language.Und} {
		for code := range phonenumbers.GetSupportedRegions() {
			region, err := language.ParseRegion(code)
			if err != nil {
				continue
			}
			tongue := in
			if in == language.Und { // last, so that no local name takes the place of one in these languages
				spoken, err := language.Compose(region)
				if err != nil {
					continue
				}
				base, _ := spoken.Base()
				if tongue, err = language.Compose(base); err != nil {
					continue
				}
			}
			name(tongue, region, code)
		}
	}
	for text, code := range shortCountries {
		texts[text] = code
	}
	return texts
})

// countryRegion is the region of a country as people write it, by a name in one
// of the languages of countryTexts or a code; "" when it is none.
func countryRegion(country string) string {
	folded := store.Fold(country)
	if region, ok := countryTexts()[folded]; ok {
		return region
	}
	if len(folded) != 2 && len(folded) != 3 {
		return ""
	}
	region, err := language.ParseRegion(folded)
	if err != nil || !region.IsCountry() {
		return ""
	}
	if code := region.Canonicalize().String(); CountryName(code) != "" { // those that are no more have no name
		return code
	}
	return ""
}

// nearCountry is the English name of the country that a text was probably meant
// to be; "" when none is near.
func nearCountry(country string) string {
	typed := []rune(store.Fold(country))
	best, least := "", 1+min(2, len(typed)/3)
	for text, code := range countryTexts() {
		name := []rune(text)
		if d := len(name) - len(typed); len(name) < 4 || d >= least || -d >= least {
			continue
		}
		if d := distance(typed, name); d < least || (d == least && best != "" && CountryName(code) < best) {
			best, least = CountryName(code), d
		}
	}
	return best
}

// distance is how many letters must be changed, added, taken out or swapped with
// the next to get from one text to another.
func distance(a, b []rune) int {
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(next[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
