package desk

import (
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
)

// file stores a customer with a number in some writing.
func (r *rig) file(cuid, country, phone string) store.Customer {
	r.Helper()
	c := store.Customer{CUID: cuid, Company: "Company " + cuid, Country: country, Phone: phone, Fields: []store.Field{{Name: "cuid", Value: cuid}, {Name: "phone", Value: phone}}}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error { _, _, err := tx.UpsertCustomer(ctx, c); return err }); err != nil {
		r.Fatal(err)
	}
	return c
}

// A number is found in every writing, and no other number is taken for it.
func TestANumberIsOnFileInAnyWriting(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		country, written, number string
		want                     bool
	}{
		{"Sweden", "+46701234567", "+46701234567", true},
		{"Sweden", "+46 (0)70-123 45 67", "+46701234567", true},
		{"Sweden", "0046 70 123 45 67", "+46701234567", true},
		{"Sweden", "46701234567", "+46701234567", true},
		{"Sweden", "070-123 45 67", "+46701234567", true},
		{"SE", "070/1234567", "+46701234567", true},
		{"swe", "(070) 123 45 67 ext 5", "+46701234567", true},
		{"", "070.123.45.67", "+46701234567", true}, // written for the number's own country, as far as one can tell
		{"Sverige", "Tel: 070 123 45 67, fax 08-465 004 00", "+46701234567", true},
		{"United States", "+46 70 123 45 67", "+46701234567", true},
		{"United States", "46701234567", "+46701234567", true},
		{"United States", "011 46 70 123 45 67", "+46701234567", true},
		{"Japan", "070-123 45 67", "+46701234567", false},
		{"Sweden", "070-123 45 68", "+46701234567", false},
		{"Sweden", "080-123 45 67", "+46701234567", false},
		{"Sweden", "123 45 67", "+46701234567", false},
		{"Sweden", "", "+46701234567", false},
		{"Sweden", "none", "+46701234567", false},
		{"United States", "(415) 555-0100", "+14155550100", true},
		{"USA", "1-415-555-0100", "+14155550100", true},
		{"Canada", "415.555.0100", "+14155550100", true}, // one plan of numbers
		{"Switzerland", "415 555 01 00", "+14155550100", false},
		{"United Kingdom", "07700 900417", "+447700900417", true},
		{"UK", "+44 (0) 7700 900417", "+447700900417", true},
		{"France", "04 65 71 12 30", "+33465711230", true},
		{"Italy", "02 1234 5678", "+390212345678", true},
		{"Iceland", "555 1234", "+3545551234", true},
		{"United Arab Emirates", "٠٥٠ ٥٥٥ ١٢٣٤", "+971505551234", true},
		{"Germany", "0261/5550-0", "+4926155500", true},
	} {
		r.file("one", tt.country, tt.written)
		phone, err := ParsePhone(tt.number)
		if err != nil {
			t.Fatal(err)
		}
		file, err := r.OnFile(ctx, phone, "")
		if err != nil || slices.ContainsFunc(file.Whose, func(c store.Customer) bool { return c.CUID == "one" }) != tt.want {
			t.Errorf("%q in %q, is it %s? %+v, %v; want %v", tt.written, tt.country, tt.number, file.Whose, err, tt.want)
		}
	}
}

func TestWhoseNumberItIs(t *testing.T) {
	r := newRig(t)
	r.file("a", "Sweden", "070-123 45 01")
	r.file("b", "Sweden", "+46 70 123 45 02")
	r.file("c", "Sweden", "0046701234502")
	r.file("d", "Sweden", "")
	for _, tt := range []struct {
		number, cuid, state, meant, words string
	}{
		{"+46701234501", "", store.OnFileTheirs, "a", "number is on file for Company a (a)"},
		{"+46701234501", "a", store.OnFileTheirs, "a", "number is on file for Company a (a)"},
		{"+46701234501", "d", store.OnFileOthers, "d", "number is not on file for Company d (d), but on another customer's file: a"},
		{"+46701234502", "", "shared", "", "number is on file for 2 customers: b, c"},
		{"+46701234502", "c", store.OnFileTheirs, "c", "number is on file for Company c (c)"},
		{"+46701234502", "a", store.OnFileOthers, "a", "number is not on file for Company a (a), but on another customer's file: b, c"},
		{"+46701234509", "", store.OnFileNone, "", "number is on no customer's file"},
		{"+46701234509", "a", store.OnFileNone, "a", "number is not on file for Company a (a)"},
	} {
		phone, _ := ParsePhone(tt.number)
		file, err := r.OnFile(ctx, phone, tt.cuid)
		if err != nil || file.State() != tt.state || file.For.CUID != tt.meant || file.words() != tt.words {
			t.Errorf("%s for %q: %s for %q, %q, %v", tt.number, tt.cuid, file.State(), file.For.CUID, file.words(), err)
		}
	}
	phone, _ := ParsePhone("+46701234501")
	if _, err := r.OnFile(ctx, phone, "nobody"); err != store.ErrNotFound {
		t.Errorf("a customer who is not there: %v", err)
	}
	for i := range 20 {
		r.file("many"+string(rune('a'+i)), "Sweden", "070-123 45 03")
	}
	phone, _ = ParsePhone("+46701234503")
	if file, err := r.OnFile(ctx, phone, ""); err != nil || len(file.Whose) != onFileMost {
		t.Errorf("%d of many, %v", len(file.Whose), err)
	}
}

func TestParseSMSCountries(t *testing.T) {
	for text, want := range map[string]string{"": "", " , ": "", "SE": "SE", "se, no,GB,SE": "SE NO GB"} {
		if got, err := ParseSMSCountries(text); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"Sweden", "UK", "SE,XX", "SWE", "001", "SE NO"} {
		if got, err := ParseSMSCountries(text); err == nil {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}
