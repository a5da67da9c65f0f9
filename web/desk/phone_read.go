package desk

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"frontdesk/store"
)

// ReadPhone reads a number in any writing, for a country's region or for "" when
// that is not known. ok is true when it is certain which number it is: it has its
// country's code, or the region's numbers are such.
func ReadPhone(text, region string) (phone Phone, ok bool) {
	text = strings.TrimSpace(text)
	extra := extension.FindString(text)
	bare := store.FirstNumber(strings.TrimSuffix(text, extra))
	if digitsIn(strings.ReplaceAll(strings.TrimSuffix(text, extra), "(0)", "")) != digitsIn(bare) { // two numbers, or something else beside it
		return Phone{}, false
	}
	if rest, found := strings.CutPrefix(bare, "00"); found {
		bare = "+" + rest
	}
	if region == "" && !strings.HasPrefix(bare, "+") {
		return Phone{}, false
	}
	n, err := phonenumbers.Parse(bare, region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return Phone{}, false
	}
	if extra != "" {
		digits := phonenumbers.NormalizeDigitsOnly(extra)
		n.Extension = &digits
	}
	return phoneOf(n), true
}
