package desk

import (
	"context"
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"frontdesk/store"
)

// rowField is where a row's errors name what is wrong with the row as a whole.
const rowField = "row"

// The messages about duplicates; pages lead from the second to the customer.
const (
	sameAsRow       = "Same e-mail as row "
	alreadyCustomer = "Already a customer: "
)

// IsCustomer tells whether a row's message says that somebody is a customer already.
func IsCustomer(message string) bool {
	return strings.HasPrefix(Text(message).String(), alreadyCustomer)
}

// emailsAtOnce is how many e-mails are looked up in the mirror by one statement.
const emailsAtOnce = 500

// suggestions is how many misspelt countries get one: more of them are a
// column that holds something else.
const suggestions = 100

// rowCheck checks an import's rows, one by one, against rules that need no
// other row.
type rowCheck struct {
	columns   map[string]int
	width     int               // how many columns the file has
	spellings map[string]bool   // folded, of the countries in the mirror
	regions   map[string]string // by country as folded: what was found out
	wrong     map[string]Text   // by country as folded: the message
}

// newRowCheck prepares checks of an import's rows, whose columns fill the fields.
func (d *Desk) newRowCheck(ctx context.Context, columns map[string]int, width int) (*rowCheck, error) {
	c := &rowCheck{columns: columns, width: width, spellings: map[string]bool{}, regions: map[string]string{}, wrong: map[string]Text{}}
	countries, _, err := d.Store.Places(ctx)
	for _, country := range countries {
		c.spellings[store.Fold(country)] = true
	}
	return c, err
}

// customerFields are the fields of a customer by their names.
func customerFields(in *NewCustomer) map[string]*string {
	return map[string]*string{
		"company": &in.Company, "email": &in.Email, "name": &in.Name, "address": &in.Address, "country": &in.Country,
		"city": &in.City, "zip": &in.Zip, "state": &in.State, "phone": &in.Phone, "website": &in.Website,
	}
}

// ImportCustomer is the customer that a row asks for.
func ImportCustomer(row store.ImportRow, columns map[string]int) NewCustomer {
	var in NewCustomer
	for name, to := range customerFields(&in) {
		*to = strings.TrimSpace(row.Value(name, columns))
	}
	return in
}

// check sets a row's e-mail, errors and state, duplicates left aside.
func (c *rowCheck) check(r *store.ImportRow) {
	in := ImportCustomer(*r, c.columns)
	fields := checkCustomer(&in)
	set := func(name string, message Text) {
		if message != "" && fields[name] == "" {
			fields[name] = message
		}
	}
	region, message := c.country(in.Country)
	set("country", message)
	set("phone", checkImportPhone(in.Phone, region))
	set("website", checkWebsite(in.Website))
	// Whoever has mended a row has seen which cell went where.
	if len(r.Cells) > c.width && len(r.Mended) == 0 {
		fields[rowField] = Say("This row has %s cells, and the header %s. A cell may hold a delimiter that is not quoted.", len(r.Cells), c.width)
	}
	r.EmailKey, r.Errors = store.Fold(in.Email), stored(fields)
	if r.State = store.RowReady; len(fields) > 0 {
		r.State = store.RowWrong
	}
}

// stored are messages as a row keeps them, and said as they are told.
func stored(messages map[string]Text) map[string]string {
	kept := make(map[string]string, len(messages))
	for field, message := range messages {
		kept[field] = string(message)
	}
	return kept
}

func said(kept map[string]string) map[string]Text {
	messages := make(map[string]Text, len(kept))
	for field, message := range kept {
		messages[field] = Text(message)
	}
	return messages
}

// country is the region of a country, or what is wrong with it. A spelling that
// the mirror has is right, whatever it means.
func (c *rowCheck) country(country string) (region string, message Text) {
	if country == "" {
		return "", ""
	}
	key := store.Fold(country)
	if region, ok := c.regions[key]; ok {
		return region, c.wrong[key]
	}
	region = countryRegion(country)
	if region == "" && !c.spellings[key] {
		message = "This is no country that frontdesk knows."
		if len(c.wrong) < suggestions {
			if near := nearCountry(country); near != "" {
				message = Say("This is no country that frontdesk knows. Is it %s?", near)
			}
		}
		c.wrong[key] = message
	}
	c.regions[key] = region
	return region, message
}

var (
	extension  = regexp.MustCompile(`(?i)\s*(?:ext\.?|x|#|ankn\.?|poste|extn\.?|durchwahl)\s*\d{1,6}$`)
	scientific = regexp.MustCompile(`^\+?\d([.,]\d+)?[eE]\+?\d+$`)
)

// checkImportPhone says what is wrong with a phone number; blank is fine, and so is
// any number that could be one in its country.
func checkImportPhone(phone, region string) Text {
	message, _ := phoneTrouble(phone, region)
	return message
}

// phoneTrouble is what is wrong with a phone number; none tells that it is plainly
// no number, in whatever country.
func phoneTrouble(phone, region string) (message Text, none bool) {
	if phone == "" {
		return "", false
	}
	if scientific.MatchString(phone) {
		return "The spreadsheet has rounded this number. Format the column as text there, or type the number here.", true
	}
	bare := extension.ReplaceAllString(phone, "")
	digits := 0
	for _, r := range bare {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			return "A phone number has digits only, such as +46 8 123 456 78.", true
		}
	}
	switch {
	case digits < 5:
		return "This is too short for a phone number.", true
	case digits > 15:
		return "This is too long for a phone number.", true
	}
	if rest, ok := strings.CutPrefix(bare, "00"); ok {
		bare = "+" + rest
	}
	if !strings.HasPrefix(bare, "+") && region == "" { // nobody can tell
		return "", false
	}
	n, err := phonenumbers.Parse(bare, region)
	if err == nil && phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	if name := CountryName(region); name != "" && !strings.HasPrefix(bare, "+") {
		return Say("This is no whole phone number of %s.", name), false
	}
	return "This is no whole phone number, such as +46 8 123 456 78.", false
}

// checkRows checks rows of an import that are all of it, in their order, and
// marks those whose e-mail an earlier row or a customer in the mirror has.
func (d *Desk) checkRows(ctx context.Context, columns map[string]int, width int, rows []store.ImportRow) error {
	c, err := d.newRowCheck(ctx, columns, width)
	if err != nil {
		return err
	}
	first, keys := map[string]int{}, make([]string, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		c.check(r)
		if n, ok := first[r.EmailKey]; ok {
			mark(r, Say("Same e-mail as row %s", n))
		} else if r.EmailKey != "" {
			first[r.EmailKey] = r.N
			keys = append(keys, r.EmailKey)
		}
	}
	customers := map[string]store.Customer{}
	for len(keys) > 0 {
		n := min(len(keys), emailsAtOnce)
		if err := d.Store.CustomersOfEmails(ctx, keys[:n], customers); err != nil {
			return err
		}
		keys = keys[n:]
	}
	for i := range rows {
		if existing, ok := customers[rows[i].EmailKey]; ok {
			mark(&rows[i], Say("Already a customer: %s", firstOf(existing.Company, existing.Name, existing.Email)))
		}
	}
	return nil
}

// mark leaves a row out whose e-mail is taken; one that is wrong besides stays
// wrong. A sheet that is brought in again has many of these, and none is a mistake.
func mark(r *store.ImportRow, message Text) {
	if r.Errors["email"] == "" {
		r.Errors["email"] = string(message)
	}
	if r.State != store.RowWrong {
		r.State = store.RowLeft
	}
}

// NotReady tells whether a row is not sent as it is, for what its errors say.
func NotReady(s store.RowState) bool { return s == store.RowWrong || s == store.RowLeft }
