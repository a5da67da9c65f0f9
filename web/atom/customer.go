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

	// A name in the documented case wins over the same name in another.
	slots := map[string]*string{
		"company": &c.Company, "email": &c.Email, "name": &c.Name, "address": &c.Address,
		"country": &c.Country, "city": &c.City, "zip": &c.Zip, "state": &c.State,
		"phone": &c.Phone, "website": &c.Website,
	}
	exact := map[string]bool{}
	var cuid []byte
	for name, value := range members(c.JSON) {
		text, scalar := fieldText(value)
		c.Fields = append(c.Fields, Field{name, text})
		about := n.of(name)
		lower := about.lower
		if exact[lower] && lower != name {
			continue
		}
		switch slot := slots[lower]; {
		case lower == "cuid":
			cuid = value
		case slot != nil && scalar:
			*slot = text
		case scalar && text != "" && c.Created == "" && about.created:
			c.Created = text
		}
		if lower == name {
			exact[lower] = true
		}
	}
	c.CUID, ok = parseCUID(cuid)
	return c, ok
}

// cuidOf is the cuid that parseCustomer finds, without the rest.
func cuidOf(raw []byte) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return "", ErrOdd
	}
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	}
	var cuid []byte
	exact := false
	for name, value := range members(raw) {
		if name == "cuid" || !exact && strings.ToLower(name) == "cuid" {
			cuid, exact = value, name == "cuid"
		}
	}
	if text, ok := parseCUID(cuid); ok {
		return text, nil
	}
	return "", ErrOdd
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
