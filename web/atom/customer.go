package atom

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"frontdesk/web/call"
)

// Customer is a customer as ATOM gave it, without anything that looks like a
// credential. A text field that is null, absent or not text is "".
type Customer struct {
	CUID, Company, Email, Name, Address, Country, City, Zip, State, Phone, Website string
	// Created is the time of creation as given, under any of its usual names.
	Created string
	// Fields are all fields in ATOM's order; nested values as compact JSON.
	Fields []Field
	// JSON is the whole object, compact.
	JSON []byte
}

// Field is one field of a customer.
type Field struct{ Name, Value string }

// parseCustomer reads one element of the list. ok is false if it is not an
// object, or has no cuid of text or digits within the limits. raw is valid JSON.
func parseCustomer(n names, raw []byte) (c Customer, ok bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return Customer{}, false
	}
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	}
	c.JSON = n.redact(make([]byte, 0, len(raw)), raw)

	var cuid []byte
	texts := [...]*string{&c.Company, &c.Email, &c.Name, &c.Address, &c.Country, &c.City, &c.Zip, &c.State, &c.Phone, &c.Website}
	// A name in the documented case wins over the same name in another.
	var exact [len(documented)]bool
	var blank map[string]bool // names of a time of creation, which did not tell it
	for name, value := range members(c.JSON) {
		text, scalar := fieldText(value)
		c.Fields = append(c.Fields, Field{name, text})
		about := n.of(name)
		usual := about.lower == name
		switch i := about.documented; {
		case i >= 0 && (usual || !exact[i]):
			if exact[i] = usual; i == len(texts) {
				cuid = value
			} else if scalar {
				*texts[i] = text
			}
		case about.created && c.Created == "" && (usual || !blank[about.lower]):
			if scalar {
				c.Created = text
			}
			if usual && c.Created == "" {
				if blank == nil {
					blank = map[string]bool{}
				}
				blank[name] = true
			}
		}
	}
	c.CUID, ok = parseCUID(cuid)
	return c, ok
}

// documented are the fields' names that ATOM documents: those of text, and the cuid.
var documented = [...]string{"company", "email", "name", "address", "country", "city", "zip", "state", "phone", "website", "cuid"}

// headOf is the cuid and the company that parseCustomer finds, without the rest.
func headOf(raw []byte) (cuid, company string, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return "", "", ErrOdd
	}
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	}
	var number []byte
	var exactCUID, exactCompany bool
	for name, value := range members(raw) {
		switch lower := strings.ToLower(name); {
		case lower == "cuid" && (lower == name || !exactCUID):
			number, exactCUID = value, lower == name
		case lower == "company" && (lower == name || !exactCompany):
			if text, scalar := fieldText(value); scalar {
				company = text
			}
			exactCompany = lower == name
		}
	}
	cuid, ok := parseCUID(number)
	if !ok {
		return "", "", ErrOdd
	}
	return cuid, company, nil
}

// parseCUID reads a cuid: opaque text, or a number of which the digits count.
func parseCUID(raw []byte) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' && raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return "", false
	}
	if raw[0] == '"' && strings.Contains(unquote(raw), "\x00") {
		return "", false // it cannot be stored, and without the NUL it is another
	}
	var text call.Text
	if text.UnmarshalJSON(raw) != nil || !usableCUID(string(text)) {
		return "", false
	}
	return string(text), true
}

// fieldText is a value as text; scalar is false for objects and arrays, whose
// text is their JSON.
func fieldText(value []byte) (text string, scalar bool) {
	var t call.Text
	if t.UnmarshalJSON(value) != nil {
		return string(value), false
	}
	return string(t), true
}

// isCreated knows the usual names of a time of creation; name is lower-case.
func isCreated(name string) bool {
	switch strings.NewReplacer("_", "", "-", "", " ", "").Replace(name) {
	case "created", "createdat", "createdon", "createddate", "createdtime", "createdatetime",
		"createdate", "createtime", "creation", "creationdate", "creationtime",
		"creationtimestamp", "datecreated", "timecreated":
		return true
	}
	return false
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // a string always encodes
		return []byte(`""`)
	}
	return b
}
