package desk

import (
	"reflect"
	"strings"
	"testing"
)

// TestParsePaste: what people have at hand fills the fields; what is not sure
// stays blank, and what fills none is told.
func TestParsePaste(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       NewCustomer
		rest       []string
		guessed    bool
	}{
		{"English, a signature", "Kind regards,\n\nJohn Smith\nHead of Sales\nBrightwater Logistics Ltd\n12 Harbour Street\nLondon EC1A 1BB\nUnited Kingdom\nTel: +44 20 7946 0018\nFax: +44 20 7946 0019\njohn.smith@brightwater.co.uk\nwww.brightwater.co.uk",
			NewCustomer{Company: "Brightwater Logistics Ltd", Email: "john.smith@brightwater.co.uk", Name: "John Smith", Phone: "+44 20 7946 0018", Address: "12 Harbour Street",
				City: "London", Zip: "EC1A 1BB", Country: "United Kingdom", Website: "www.brightwater.co.uk"}, []string{"Fax: +44 20 7946 0019", "Head of Sales"}, false},
		{"English, American, on one line", "Mary-Ann O'Neil | Account Executive | Lonestar Telecom, Inc. | 500 Congress Ave, Suite 400, Austin, TX 78701, USA | M: (512) 555-0148 | mary@lonestar.example",
			NewCustomer{Company: "Lonestar Telecom, Inc.", Email: "mary@lonestar.example", Name: "Mary-Ann O'Neil", Phone: "(512) 555-0148", Address: "500 Congress Ave, Suite 400",
				City: "Austin", State: "TX", Zip: "78701", Country: "USA"}, []string{"Account Executive"}, false},
		{"English, town and postcode on lines of their own", "Priya Patel\nManaging Director, Patel & Sons Limited\n4 Mill Lane\nReading\nRG1 2AB\nT 0118 496 0123\npriya@patelandsons.example",
			NewCustomer{Company: "Patel & Sons Limited", Email: "priya@patelandsons.example", Name: "Priya Patel", Phone: "0118 496 0123", Address: "4 Mill Lane", City: "Reading", Zip: "RG1 2AB"},
			[]string{"Managing Director"}, false},
		{"English, Canadian", "Luc Tremblay\nBoréal Networks Inc.\n1200 McGill College Avenue, Montréal, QC H3B 4G7, Canada\n+1 514 555 0199\nluc@boreal.example",
			NewCustomer{Company: "Boréal Networks Inc.", Email: "luc@boreal.example", Name: "Luc Tremblay", Phone: "+1 514 555 0199", Address: "1200 McGill College Avenue", City: "Montréal", State: "QC",
				Zip: "H3B 4G7", Country: "Canada"}, nil, false},
		{"Swedish, a signature", "Med vänliga hälsningar\n\nAnna Svensson\nSäljchef\n\nÅkerlund & Söner AB\nStorgatan 12\n114 55 Stockholm\n\nTel: 08-123 456 78\nMobil: 070-174 06 05\nanna.svensson@akerlund.se\nwww.akerlund.se",
			NewCustomer{Company: "Åkerlund & Söner AB", Email: "anna.svensson@akerlund.se", Name: "Anna Svensson", Phone: "08-123 456 78", Address: "Storgatan 12", City: "Stockholm", Zip: "114 55",
				Website: "www.akerlund.se"}, []string{"Mobil: 070-174 06 05", "Säljchef"}, false},
		{"Swedish, short letters and a country", "Mvh\nErik Åberg, VD\nNordisk Växel AB (publ)\nBox 123, SE-401 22 Göteborg, Sverige\nM +46 70 174 06 05\nE erik@nordiskvaxel.example",
			NewCustomer{Company: "Nordisk Växel AB (publ)", Email: "erik@nordiskvaxel.example", Name: "Erik Åberg", Phone: "+46 70 174 06 05", Address: "Box 123", City: "Göteborg", Zip: "401 22",
				Country: "Sverige"}, []string{"VD"}, false},
		{"Swedish, the postcode says the country", "Bygg och Plåt i Umeå AB\nVästra Esplanaden 7\nSE-903 25 Umeå\nOrg.nr: 556677-8899\nTfn 090-12 34 56\ninfo@byggplat.example",
			NewCustomer{Company: "Bygg och Plåt i Umeå AB", Email: "info@byggplat.example", Phone: "090-12 34 56", Address: "Västra Esplanaden 7", City: "Umeå", Zip: "903 25", Country: "Sweden"},
			[]string{"Org.nr: 556677-8899"}, false},
		{"French, a signature", "Cordialement,\n\nJean-Pierre DUPONT\nDirecteur commercial\nTélécom Rhône SARL\n12 bis, rue de la République\n69002 LYON CEDEX 02\nFrance\nTél. : 04 78 12 34 56\nPort. : 06 12 34 56 78\njp.dupont@telecomrhone.fr\nSIRET : 552 100 554 00013",
			NewCustomer{Company: "Télécom Rhône SARL", Email: "jp.dupont@telecomrhone.fr", Name: "Jean-Pierre DUPONT", Phone: "04 78 12 34 56", Address: "12 bis, rue de la République",
				City: "LYON CEDEX 02", Zip: "69002", Country: "France"}, []string{"Port.: 06 12 34 56 78", "SIRET: 552 100 554 00013", "Directeur commercial"}, false},
		{"French, in a line", "Amélie de la Tour – Responsable achats – SAS Lumière – 8 avenue Foch, 75008 Paris – +33 1 42 68 53 00 – amelie@lumiere.example",
			NewCustomer{Company: "SAS Lumière", Email: "amelie@lumiere.example", Name: "Amélie de la Tour", Phone: "+33 1 42 68 53 00", Address: "8 avenue Foch", City: "Paris", Zip: "75008"},
			[]string{"Responsable achats"}, false},
		{"Spanish, a signature", "Un saludo,\nMaría José García López\nDirectora de Operaciones\nComunicaciones del Sur, S.L.\nCalle Mayor, 12, 3º B\n28013 Madrid (España)\nTeléfono: +34 91 123 45 67\nMóvil: 612 34 56 78\nCorreo: mj.garcia@comsur.es\nWeb: comsur.es",
			NewCustomer{Company: "Comunicaciones del Sur, S.L.", Email: "mj.garcia@comsur.es", Name: "María José García López", Phone: "+34 91 123 45 67", Address: "Calle Mayor, 12, 3º B", City: "Madrid",
				Zip: "28013", Country: "España", Website: "comsur.es"}, []string{"Móvil: 612 34 56 78", "Directora de Operaciones"}, false},
		{"German, a signature", "Mit freundlichen Grüßen\n\nDr. Jürgen Müller\nGeschäftsführer\n\nMüller Nachrichtentechnik GmbH\nHauptstraße 5\n80331 München\nDeutschland\n\nTelefon: +49 (0)89 1234 5678\nTelefax: +49 (0)89 1234 5679\nE-Mail: j.mueller@mueller-nt.de\nInternet: www.mueller-nt.de\nAmtsgericht: München HRB 12345\nUSt-IdNr.: DE123456789",
			NewCustomer{Company: "Müller Nachrichtentechnik GmbH", Email: "j.mueller@mueller-nt.de", Name: "Dr. Jürgen Müller", Phone: "+49 (0)89 1234 5678", Address: "Hauptstraße 5", City: "München",
				Zip: "80331", Country: "Deutschland", Website: "www.mueller-nt.de"},
			[]string{"Telefax: +49 (0)89 1234 5679", "Amtsgericht: München HRB 12345", "USt-IdNr.: DE123456789", "Geschäftsführer"}, false},
		{"German, Swiss: four digits where there are such", "Beat Keller\nKeller Funk AG\nBahnhofstrasse 21\n8001 Zürich\n+41 44 211 10 10\nb.keller@kellerfunk.ch",
			NewCustomer{Company: "Keller Funk AG", Email: "b.keller@kellerfunk.ch", Name: "Beat Keller", Phone: "+41 44 211 10 10", Address: "Bahnhofstrasse 21", City: "Zürich", Zip: "8001"}, nil, false},
		{"an e-mail alone", "anna@nordic-light.se", NewCustomer{Company: "Nordic Light", Email: "anna@nordic-light.se"}, nil, true},
		{"an e-mail as mail programs write it", `"Berg, Anna" <anna.berg@svea.se>; `, NewCustomer{Company: "Svea", Email: "anna.berg@svea.se"}, []string{`"Berg`, `Anna"`}, true},
		{"a free mailer's tells no company", "Sven Larsson\nsven.larsson@gmail.com\n+46 70 174 06 05", NewCustomer{Email: "sven.larsson@gmail.com", Name: "Sven Larsson", Phone: "+46 70 174 06 05"}, nil, false},
		{"a company without its form, by its domain", "Anna Lind\nSvea Växlar\nanna@sveavaxlar.se", NewCustomer{Company: "Svea Växlar", Email: "anna@sveavaxlar.se", Name: "Anna Lind"}, nil, false},
		{"two words alone are nobody", "Nordic Solutions\ninfo@gmail.com", NewCustomer{Email: "info@gmail.com"}, []string{"Nordic Solutions"}, false},
		{"a department is nobody", "Customer Support\nAcme Ltd\nsupport@acme.com", NewCustomer{Company: "Acme Ltd", Email: "support@acme.com"}, []string{"Customer Support"}, false},
		{"a sentence", "Hello, please add us as we talked about on Monday.", NewCustomer{}, []string{"Hello", "please add us as we talked about on Monday."}, false},
		{"networks are no website", "Acme Ltd\nhttps://www.linkedin.com/company/acme\nhttps://acme.com", NewCustomer{Company: "Acme Ltd", Website: "https://acme.com"}, []string{"https://www.linkedin.com/company/acme"}, false},
		{"numbers that are none of the telephone", "Acme AB\n556677-8899\nIBAN: SE45 5000 0000 0583 9825 7466\n2000 Employees", NewCustomer{Company: "Acme AB"},
			[]string{"IBAN: SE45 5000 0000 0583 9825 7466", "556677-8899", "2000 Employees"}, false},
		{"a second e-mail", "a@acme.se b@acme.se", NewCustomer{Company: "Acme", Email: "a@acme.se"}, []string{"b@acme.se"}, true},
		{"quoted", "> Anna Svensson\n> Acme AB\n> anna@acme.se", NewCustomer{Company: "Acme AB", Email: "anna@acme.se", Name: "Anna Svensson"}, nil, false},

		{"names and values, English", "Company: Acme Ltd\nContact person: Jane Doe\nE-mail: jane@acme.co.uk\nPhone number: 020 7946 0018\nStreet: 1 High Street\nPostcode: SW1A 2AA\nTown: London\nCountry: UK\nOrder: 17",
			NewCustomer{Company: "Acme Ltd", Email: "jane@acme.co.uk", Name: "Jane Doe", Phone: "020 7946 0018", Address: "1 High Street", Zip: "SW1A 2AA", City: "London", Country: "UK"}, []string{"Order: 17"}, false},
		{"names and values, Swedish", "Företag: Åre Bygg AB\nKontaktperson: Nils Öst\nE-post: nils@arebygg.se\nPostnr: 837 52\nOrt: Åre\nLand: SE",
			NewCustomer{Company: "Åre Bygg AB", Email: "nils@arebygg.se", Name: "Nils Öst", Zip: "837 52", City: "Åre", Country: "SE"}, nil, false},
		{"names and values, French", "Raison sociale : Dupont SA\nCourriel : contact@dupont.fr\nCode postal : 13001\nVille : Marseille\nPays : France",
			NewCustomer{Company: "Dupont SA", Email: "contact@dupont.fr", Zip: "13001", City: "Marseille", Country: "France"}, nil, false},
		{"names and values, Spanish", "Empresa: Sol S.A.\nCorreo electrónico: hola@sol.es\nDirección: Gran Vía 28\nCódigo postal: 28013\nCiudad: Madrid",
			NewCustomer{Company: "Sol S.A.", Email: "hola@sol.es", Address: "Gran Vía 28", Zip: "28013", City: "Madrid"}, nil, false},
		{"names and values, German", "Firma: Funk KG\nAnsprechpartner: Uwe Klein\nPLZ: 10115\nOrt: Berlin\nStraße: Invalidenstr. 44\nE-Mail: uwe@funk.de",
			NewCustomer{Company: "Funk KG", Email: "uwe@funk.de", Name: "Uwe Klein", Zip: "10115", City: "Berlin", Address: "Invalidenstr. 44"}, nil, false},
		{"a name, and its value below it", "Address:\nStorgatan 1, 114 55 Stockholm\nCompany:\nAcme AB", NewCustomer{Company: "Acme AB", Address: "Storgatan 1", Zip: "114 55", City: "Stockholm"}, nil, false},

		{"a row with its header", "Företag\tE-post\tTelefon\tOrt\tKundnr\nÅre Bygg AB\tinfo@arebygg.se\t0647-123 45\tÅre\t17\n",
			NewCustomer{Company: "Åre Bygg AB", Email: "info@arebygg.se", Phone: "0647-123 45", City: "Åre"}, []string{"Kundnr: 17"}, false},
		{"a row without a header", "Acme AB\tAnna Svensson\tanna@acme.se\t+46 8 123 456 78\tStorgatan 1\t114 55 Stockholm\tSverige\tA-17",
			NewCustomer{Company: "Acme AB", Email: "anna@acme.se", Name: "Anna Svensson", Phone: "+46 8 123 456 78", Address: "Storgatan 1", Zip: "114 55", City: "Stockholm", Country: "Sverige"}, []string{"A-17"}, false},
		{"a row with a cell of several lines", "Company\tEmail\tAddress\n\"Acme, Inc.\"\ta@acme.com\t\"1 Main St\nSuite 5\"",
			NewCustomer{Company: "Acme, Inc.", Email: "a@acme.com", Address: "1 Main St, Suite 5"}, nil, false},
		{"two columns", "Company\tAcme Ltd\nE-mail\tjane@acme.com\nCity\tLeeds\n", NewCustomer{Company: "Acme Ltd", Email: "jane@acme.com", City: "Leeds"}, nil, false},
		{"nothing", " \n\t\n", NewCustomer{}, nil, false},
		{"what the clipboard leaves", "Acme\u00a0AB\r\n\u200banna@acme.se\x00\r\n", NewCustomer{Company: "Acme AB", Email: "anna@acme.se"}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := ParsePaste(c.text)
			if p.Customer != c.want {
				t.Errorf("got\n%+v, want\n%+v", p.Customer, c.want)
			}
			if !reflect.DeepEqual(p.Rest, c.rest) {
				t.Errorf("not placed: %q, want %q", p.Rest, c.rest)
			}
			if p.Guessed != c.guessed {
				t.Errorf("guessed: %v", p.Guessed)
			}
		})
	}
	if p := ParsePaste("Company\tEmail\nA AB\ta@a.example\nB AB\tb@b.example\n"); p.Rows != 2 || p.Customer.Company != "A AB" {
		t.Errorf("of two rows: %+v", p)
	}
}

// TestParsePasteInventsNothing: whatever fills a field was in the text, but for a
// guessed company and the country that a postcode names.
func TestParsePasteInventsNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("a\t", 2000), strings.Repeat("x@y.zz ", 500), strings.Repeat("\n", 4000), strings.Repeat("1 ", 2000), strings.Repeat("Aa ", 1500), "\"unended\tquote\nmore", "\xff\xfe\t\x00",
		"++++++", "a:b:c:d", ": :\n:", "www.", "http://", "@", "(((((((", "+46", "1,2,3,4,5", ",,,,", "||||",
	} {
		p := ParsePaste(text)
		for field, value := range customerFields(&p.Customer) {
			for _, word := range strings.Fields(*value) {
				if !p.Guessed && !strings.Contains(text, strings.Trim(word, ",")) {
					t.Errorf("%.20q: %s is %q", text, field, *value)
				}
			}
		}
	}
}
