package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"frontdesk/store"
)

// onFileMost bounds the customers who are named for one number.
const onFileMost = 10

// OnFile is whose number a phone number is, as the mirror has it.
type OnFile struct {
	For   store.Customer   // whom a code to it is for; zero when nobody is meant
	Whose []store.Customer // on whose file it is, at most onFileMost
	Count int              // on how many files it is

	theirs bool // it is on For's
}

// State is one of store's OnFile…, or "shared" when several customers have the
// number and none of them is meant.
func (o OnFile) State() string {
	switch {
	case o.theirs:
		return store.OnFileTheirs
	case o.Count == 0:
		return store.OnFileNone
	case o.For.CUID == "":
		return "shared"
	}
	return store.OnFileOthers
}

// words say it for the audit log.
func (o OnFile) words() string {
	name := firstOf(o.For.Company, o.For.Name, o.For.Email) + " (" + o.For.CUID + ")"
	var cuids []string
	for _, c := range o.Whose {
		cuids = append(cuids, c.CUID)
	}
	switch state := o.State(); {
	case state == store.OnFileTheirs:
		return "number is on file for " + name
	case state == "shared":
		return fmt.Sprintf("number is on file for %d customers: %s", o.Count, strings.Join(cuids, ", "))
	case state == store.OnFileOthers:
		return "number is not on file for " + name + ", but on another customer's file: " + strings.Join(cuids, ", ")
	case o.For.CUID != "":
		return "number is not on file for " + name
	}
	return "number is on no customer's file"
}

// OnFile tells whose number this is. The code is for the customer with this
// cuid, or when that is "", for the one customer whose number it is.
// store.ErrNotFound: there is no such customer.
func (d *Desk) OnFile(ctx context.Context, phone Phone, cuid string) (OnFile, error) {
	var o OnFile
	var err error
	if cuid != "" {
		if o.For, err = d.Store.Customer(ctx, cuid); err != nil {
			return o, err
		}
	}
	alike, err := d.Store.CustomersByPhone(ctx, phone.E164)
	if err != nil {
		return o, err
	}
	for _, c := range alike {
		if !hasPhone(c, phone) {
			continue
		}
		if o.Count++; len(o.Whose) < onFileMost {
			o.Whose = append(o.Whose, c)
		}
	}
	if cuid == "" && o.Count == 1 {
		o.For = o.Whose[0]
	}
	// Asked of the customer, whom many others with the number may have left out of the list.
	o.theirs = o.For.CUID != "" && hasPhone(o.For, phone)
	return o, nil
}

// OnFileOfCode tells whose number a code was sent to, and whom it is for.
func (d *Desk) OnFileOfCode(ctx context.Context, code store.Code) (OnFile, error) {
	phone, err := ParsePhone(code.Phone)
	if err != nil {
		phone = Phone{E164: code.Phone, Pretty: code.Phone}
	}
	o, err := d.OnFile(ctx, phone, code.CUID)
	if errors.Is(err, store.ErrNotFound) { // no customer is deleted; were one, nobody is meant
		return d.OnFile(ctx, phone, "")
	}
	return o, err
}

// hasPhone tells whether a number is the customer's own, however ATOM has it
// written.
func hasPhone(c store.Customer, phone Phone) bool {
	own, ok := PhoneOf(c)
	return ok && own.E164 == phone.E164
}

// PhoneOf is the customer's number; ok is false when there is none, or when its
// country is not plain: neither written with it, nor known of the customer.
func PhoneOf(c store.Customer) (phone Phone, ok bool) {
	n, ok := numberOf(c)
	if !ok {
		return Phone{}, false
	}
	return phoneOf(n), true
}

// phoneKey is all of a customer that decides how their number is shown.
type phoneKey struct{ phone, country string }

// phonesShown are the numbers shown last: reading one takes a tenth of what a
// customer's page does, and a page is looked at again and again.
var phonesShown, _ = lru.New[phoneKey, string](4096) // fails for no size only

// PhoneShown is the number of PhoneOf as people write it; "" when there is none. A
// customer's page has no use for the rest, which takes longer to find out.
func PhoneShown(c store.Customer) string {
	key := phoneKey{c.Phone, c.Country}
	shown, ok := phonesShown.Get(key)
	if !ok {
		if n, ok := numberOf(c); ok {
			shown = phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
		}
		phonesShown.Add(key, shown)
	}
	return shown
}

func numberOf(c store.Customer) (n *phonenumbers.PhoneNumber, ok bool) {
	written := store.FirstNumber(c.Phone)
	if rest, ok := strings.CutPrefix(written, "00"); ok {
		written = "+" + rest
	}
	region := regionOf(c.Country)
	if region == "" {
		region = localNames()[store.Fold(c.Country)]
	}
	n, err := phonenumbers.Parse(written, region)
	if err == nil && phonenumbers.IsPossibleNumber(n) {
		return n, true
	}
	if region == "" { // its digits alone could be any country's
		return nil, false
	}
	n, err = parsePhone(written) // perhaps with another country's code, and no plus
	return n, err == nil
}

// spoken are languages of regions beside the one that is spoken most there.
var spoken = map[string]string{
	"BE": "fr de", "CA": "fr", "CH": "fr it", "CY": "tr", "ES": "ca eu gl", "FI": "sv", "IE": "ga", "IL": "ar", "LU": "de lb", "MA": "fr", "US": "es",
}

// localNames are the regions by their names in their own languages, folded; ""
// where two have the same.
var localNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for region := range phonenumbers.GetSupportedRegions() {
		tag, err := language.ParseRegion(region)
		if err != nil {
			continue
		}
		for _, lang := range append(strings.Fields(spoken[region]), "und-"+region) {
			in := display.Regions(language.Make(lang))
			if in == nil {
				continue
			}
			name := store.Fold(in.Name(tag))
			if other, ok := names[name]; ok && other != region {
				names[name] = ""
				continue
			}
			names[name] = region
		}
	}
	delete(names, "") // what has no name
	return names
})
