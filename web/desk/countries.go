package desk

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"frontdesk/store"
)

// ParseSMSCountries reads the countries that codes may go to, such as
// "SE,no"; none means any.
func ParseSMSCountries(text string) ([]string, error) {
	known := phonenumbers.GetSupportedRegions()
	var regions []string
	for part := range strings.SplitSeq(text, ",") {
		region := strings.ToUpper(strings.TrimSpace(part))
		switch {
		case region == "" || slices.Contains(regions, region):
		case !known[region]:
			return nil, fmt.Errorf("%q is no country in two letters, such as SE or GB", strings.TrimSpace(part))
		default:
			regions = append(regions, region)
		}
	}
	return regions, nil
}

// CountryName is a region code in English; "" for numbers of no country.
func CountryName(region string) string {
	if region == "" || region == phonenumbers.UNKNOWN_REGION || region == "001" {
		return ""
	}
	tag, err := language.ParseRegion(region)
	if err != nil {
		return region
	}
	return display.English.Regions().Name(tag)
}

// regionNames are the regions by their English names, folded.
var regionNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for region := range phonenumbers.GetSupportedRegions() {
		names[store.Fold(CountryName(region))] = region
	}
	return names
})

// regionOf is the region of a country as people write it: "Sweden", "se" or
// "SWE"; "" when it is not plain.
func regionOf(country string) string {
	if region, ok := regionNames()[store.Fold(country)]; ok {
		return region
	}
	region, err := language.ParseRegion(strings.TrimSpace(country))
	if err != nil {
		return ""
	}
	return region.Canonicalize().String() // "UK" is GB
}

// CountryRefused is why no code may go to a number; "" when one may. A number
// whose country cannot be told is none of those that are allowed.
func (d *Desk) CountryRefused(phone Phone) Text {
	if len(d.SMSCountries) == 0 || slices.Contains(d.SMSCountries, phone.Country) {
		return ""
	}
	names := make([]string, len(d.SMSCountries))
	for i, region := range d.SMSCountries {
		names[i] = CountryName(region)
	}
	if name := CountryName(phone.Country); name != "" {
		return Say("Codes are not sent to %s. The operator allows only %s.", name, listed(names))
	}
	return Say("It cannot be told which country this number belongs to. The operator allows only %s.", listed(names))
}

// listed is "a", "a and b" or "a, b and c".
func listed(names []string) Text {
	if last := len(names) - 1; last > 0 {
		return Say("%s and %s", strings.Join(names[:last], ", "), names[last])
	}
	return AsSaid(strings.Join(names, ""))
}
