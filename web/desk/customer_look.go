package desk

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"frontdesk/store"
)

// Look is what is to be said of a field of a new customer while it is typed.
type Look struct {
	Text  Text             // how it is understood, or what is odd about it
	Warn  bool             // it is odd; it can be sent all the same
	Known []store.Customer // who has the same already
}

// LookAt tells how the fields of a new customer are understood, and who is a
// customer already that has the same e-mail, company or phone number. It is no
// act: nothing is recorded and nothing is sent.
func (d *Desk) LookAt(ctx context.Context, in NewCustomer) (map[string]Look, error) {
	looks := map[string]Look{}
	sent, region, err := d.SentCountry(ctx, in.Country)
	if err != nil {
		return nil, err
	}
	country := strings.TrimSpace(in.Country)
	switch {
	case country == "":
	case region == "" && !d.isSpelled(ctx, country):
		looks["country"] = Look{Text: unknownCountry(country), Warn: true}
	case sent != country:
		looks["country"] = Look{Text: Say("Sent as %s.", sent)}
	}

	phone, certain := ReadPhone(in.Phone, region)
	if certain {
		look := Look{Text: AsSaid(phone.Pretty)}
		if name := CountryName(phone.Country); name != "" {
			look.Text = AsSaid(phone.Pretty + ", " + name)
		}
		file, err := d.OnFile(ctx, phone, "")
		if err != nil {
			return nil, err
		}
		look.Known = file.Whose
		looks["phone"] = look
	} else if message := checkImportPhone(strings.TrimSpace(in.Phone), region); message != "" {
		looks["phone"] = Look{Text: message, Warn: true}
	} else if strings.TrimSpace(in.Phone) != "" {
		looks["phone"] = Look{Text: "Sent as it is: which country it belongs to cannot be told."}
		if region != "" {
			looks["phone"] = Look{Text: "Sent as it is."}
		}
	}

	if email := strings.TrimSpace(in.Email); checkEmail(email) == "" {
		known, err := d.Store.CustomersByEmail(ctx, email)
		if err != nil {
			return nil, err
		}
		if len(known) > 0 {
			looks["email"] = Look{Known: known}
		}
	}
	if bare := bareCompany(in.Company); len([]rune(bare)) > 1 && len(in.Company) <= longest {
		alike, err := d.Store.CustomersOfCompany(ctx, companyKeys(in.Company))
		if err != nil {
			return nil, err
		}
		alike = slices.DeleteFunc(alike, func(c store.Customer) bool { return bareCompany(c.Company) != bare })
		if len(alike) > 0 {
			looks["company"] = Look{Known: alike}
		}
	}
	return looks, nil
}

// unknownCountry is what is said of a country that is none.
func unknownCountry(country string) Text {
	if near := nearCountry(country); near != "" {
		return Say("This is no country that frontdesk knows. Is it %s?", near)
	}
	return "This is no country that frontdesk knows."
}

// isSpelled tells whether the mirror has a country in this spelling, whatever it
// means. When it cannot be asked, it is not known to be wrong.
func (d *Desk) isSpelled(ctx context.Context, country string) bool {
	countries, _, err := d.Store.Places(ctx)
	return err != nil || slices.ContainsFunc(countries, func(c string) bool { return store.Fold(c) == store.Fold(country) })
}

// SpellingsOf are the folded names under which the mirror has a country, which may
// be written in any way; none when it is no country that is known. places are
// those that the mirror has.
func SpellingsOf(country string, places []string) (keys []string) {
	region := countryRegion(country)
	if region == "" {
		return nil
	}
	for _, place := range places {
		if countryRegion(place) == region {
			keys = append(keys, store.Fold(place))
		}
	}
	if as := store.Fold(country); !slices.Contains(keys, as) {
		keys = append(keys, as) // a filter does not offer all places
	}
	return keys
}

// CountryOnce is the name under which a country is offered: its English one, or
// what is written when that is no country that is known.
func CountryOnce(country string) string {
	if name := CountryName(countryRegion(country)); name != "" {
		return name
	}
	return country
}

// CountryNames are the English names of all countries, in their order.
var CountryNames = sync.OnceValue(func() []string {
	var names []string
	seen := map[string]bool{}
	for _, region := range countryTexts() {
		if name := CountryName(region); name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(store.Fold(a), store.Fold(b)) })
	return names
})

// spellings remembers for a while how the mirror spells countries, by region: an
// import asks for each of its rows, and changes the mirror with each.
type spellings struct {
	mu sync.Mutex
	at time.Time
	by map[string]string
}

const spellingsHold = time.Minute

// SentCountry is how a country is sent to ATOM, and its region: as the mirror
// mostly spells it, else by its English name. What is no country that is known is
// sent as it is written.
func (d *Desk) SentCountry(ctx context.Context, country string) (sent, region string, err error) {
	country = strings.TrimSpace(country)
	region = countryRegion(country)
	if region == "" {
		return country, "", nil
	}
	s := &d.spelled
	s.mu.Lock()
	if now := d.Now(); s.by == nil || now.Sub(s.at) > spellingsHold {
		s.by, s.at = map[string]string{}, now
	}
	sent = s.by[region]
	s.mu.Unlock()
	if sent != "" {
		return sent, region, nil
	}
	places, _, err := d.Store.Places(ctx)
	if err != nil {
		return "", "", err
	}
	if sent, err = d.Store.Spelling(ctx, SpellingsOf(country, places)); err != nil {
		return "", "", err
	}
	if sent == "" {
		if sent = CountryName(region); sent == "" {
			sent = country
		}
	}
	s.mu.Lock()
	s.by[region] = sent
	s.mu.Unlock()
	return sent, region, nil
}

// asSent is a customer as ATOM gets it: the country in the mirror's spelling, and
// a phone number whose country is certain with its code.
func (d *Desk) asSent(ctx context.Context, in NewCustomer) (NewCustomer, error) {
	sent, region, err := d.SentCountry(ctx, in.Country)
	if err != nil {
		return in, err
	}
	in.Country = sent
	if phone, ok := ReadPhone(in.Phone, region); ok {
		in.Phone = phone.Pretty
	}
	return in, nil
}
