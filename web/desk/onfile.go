package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"frontdesk/store"
)

// onFileMost bounds the customers who are named for one number.
const onFileMost = 10

// OnFile is whose number a phone number is, as the mirror has it.
type OnFile struct {
	For   store.Customer   // whom a code to it is for; zero when nobody is meant
	Whose []store.Customer // on whose file it is
}

// State is one of store's OnFile…, or "shared" when several customers have the
// number and none of them is meant.
func (o OnFile) State() string {
	switch {
	case len(o.Whose) == 0:
		return store.OnFileNone
	case o.For.CUID == "":
		return "shared"
	}
	for _, c := range o.Whose {
		if c.CUID == o.For.CUID {
			return store.OnFileTheirs
		}
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
		return fmt.Sprintf("number is on file for %d customers: %s", len(cuids), strings.Join(cuids, ", "))
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
		if len(o.Whose) < onFileMost && hasPhone(c, phone) {
			o.Whose = append(o.Whose, c)
		}
	}
	if cuid == "" && len(o.Whose) == 1 {
		o.For = o.Whose[0]
	}
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
	region := ""
	if n, err := phonenumbers.Parse(phone.E164, ""); err == nil {
		region = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	own, ok := readPhone(c, region)
	return ok && own.E164 == phone.E164
}

// PhoneOf is the customer's number as far as it can be read; ok is false when
// there is none, or when its country is not plain.
func PhoneOf(c store.Customer) (phone Phone, ok bool) { return readPhone(c, "") }

// readPhone reads a customer's number. One without its country code is read as
// in the customer's country, or where that is not plain, in region.
func readPhone(c store.Customer, region string) (Phone, bool) {
	written := store.FirstNumber(c.Phone)
	if rest, ok := strings.CutPrefix(written, "00"); ok {
		written = "+" + rest
	}
	if own := regionOf(c.Country); own != "" {
		region = own
	}
	n, err := phonenumbers.Parse(written, region)
	if err == nil && phonenumbers.IsPossibleNumber(n) {
		return phoneOf(n), true
	}
	phone, err := ParsePhone(written) // perhaps with another country's code, and no plus
	return phone, err == nil
}
