package desk

import (
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"frontdesk/store"
	"frontdesk/web/ip1"
)

// file stores a customer with a number in some writing.
func (r *rig) file(cuid, country, phone string) store.Customer {
	r.Helper()
	c := store.Customer{CUID: cuid, Company: "Company " + cuid, Country: country, Phone: phone, Fields: []store.Field{{Name: "cuid", Value: cuid}, {Name: "phone", Value: phone}}}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error { _, _, err := tx.UpsertRow(ctx, store.NewCustomerRow(c)); return err }); err != nil {
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
		{"", "070.123.45.67", "+46701234567", false}, // it could be any country's
		{"Elbonia", "070-123 45 67", "+46701234567", false},
		{"Elbonia", "46701234567", "+46701234567", false},
		{"Elbonia", "2025550123", "+2025550123", false},
		{"Elbonia", "+46 70 123 45 67", "+46701234567", true},
		{"", "0046 70 123 45 67", "+46701234567", true},
		{"Sverige", "Tel: 070 123 45 67, fax 08-465 004 00", "+46701234567", true},
		{"Sverige", "070 123 45 67", "+41701234567", false},
		{" ÖSTERREICH ", "0660 1234567", "+436601234567", true},
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
	if file, err := r.OnFile(ctx, phone, ""); err != nil || len(file.Whose) != onFileMost || file.Count != 20 || file.For.CUID != "" || !strings.Contains(file.words(), "for 20 customers") {
		t.Errorf("%d of %d, %v: %s", len(file.Whose), file.Count, err, file.words())
	}
	for i := range 20 { // named or not, it is theirs
		cuid := "many" + string(rune('a'+i))
		if file, err := r.OnFile(ctx, phone, cuid); err != nil || file.State() != store.OnFileTheirs || file.For.CUID != cuid {
			t.Errorf("%s: %s, %v", cuid, file.State(), err)
		}
	}
}

// Countries are written in the languages that are spoken there; one that is not
// known is no country rather than another's.
func TestACountryIsKnownByItsOwnName(t *testing.T) {
	r := newRig(t)
	for country, want := range map[string]string{
		"Sverige": "SE", "Deutschland": "DE", "Schweiz": "CH", "Suisse": "CH", "Svizzera": "CH", "Österreich": "AT", "osterreich": "AT", "España": "ES",
		"Norge": "NO", "Danmark": "DK", "Suomi": "FI", "Finland": "FI", "Italia": "IT", "Nederland": "NL", "Belgique": "BE", "België": "BE", "Belgien": "BE",
		"Brasil": "BR", "México": "MX", "Polska": "PL", "Ísland": "IS", "Eesti": "EE", "Česko": "CZ", "Magyarország": "HU", "Ελλάδα": "GR", "日本": "JP",
		"Éire": "IE", "Sweden": "SE", "uk": "GB", "Elbonia": "", "": "", "Schweden": "", "EU": "",
	} {
		// The country's own sample number, written as at home.
		region := firstOf(want, "SE")
		n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		phone := phoneOf(n)
		c := r.file("one", country, phonenumbers.Format(n, phonenumbers.NATIONAL))
		if got, ok := PhoneOf(c); ok != (want != "") || ok && got.E164 != phone.E164 {
			t.Errorf("%q: %q is %q, %v; want %q", country, c.Phone, got.E164, ok, phone.E164)
		}
	}
}

// A right code that frontdesk did not send proves the number, and no customer's
// caller.
func TestACodeSentElsewhereVerifiesNobody(t *testing.T) {
	r := newRig(t)
	phone := r.phone()
	c := r.file("one", "Sweden", phone)
	sent := r.must(r.send(r.mia, phone))
	own := r.delivered()
	if _, err := r.IP1.Send(ctx, ip1.Send{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	answer := r.must(r.VerifySMS(ctx, r.mia, "x", sent.CodeID, r.delivered()))
	if proof, err := r.CallerVerified(ctx, c.CUID); !answer.Valid || answer.CUID != "" || proof != nil || err != nil {
		t.Errorf("%+v, proof %+v, %v", answer, proof, err)
	}
	if code, err := r.Store.Code(ctx, sent.CodeID); err != nil || !code.UsedAt.IsZero() {
		t.Errorf("its own code is used: %+v, %v", code, err)
	}
	r.must(r.VerifySMS(ctx, r.mia, "y", sent.CodeID, own))
	if proof, err := r.CallerVerified(ctx, c.CUID); proof == nil || err != nil {
		t.Errorf("by its own: %+v, %v", proof, err)
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
