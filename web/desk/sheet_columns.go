package desk

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"frontdesk/store"
)

// CustomerFields are ATOM's ten fields of a customer, in the order of forms.
var CustomerFields = []string{"company", "email", "name", "phone", "address", "zip", "city", "state", "country", "website"}

// FieldNames name them for people.
var FieldNames = map[string]Text{
	"company": "Company", "email": "E-mail", "name": "Name", "phone": "Phone", "address": "Address", "zip": "ZIP or postcode", "city": "City",
	"state": "State", "country": "Country", "website": "Website",
}

// columnNames are what people call ATOM's fields, folded and without anything
// but letters and digits: English, Swedish, French, Spanish, German. The first
// of a field's names are the surest.
var columnNames = map[string]string{
	"company": `company companyname organization organisation organizationname organisationname business businessname account accountname customername customer client
		foretag foretagsnamn bolag bolagsnamn organisationsnamn kundnamn kund
		entreprise societe nomdelentreprise nomentreprise nomdelasociete raisonsociale
		empresa nombredelaempresa nombreempresa compania razonsocial cliente
		firma firmenname unternehmen unternehmensname gesellschaft kundenname kunde`,
	"email": `email emailaddress mail mailaddress emailid primaryemail contactemail workemail email1
		epost epostadress mejl mejladress mailadress
		courriel adressemail adresseemail adressecourriel adresseelectronique
		correoelectronico correo direcciondecorreo emailadresse mailadresse`,
	"name": `name contactname contact contactperson fullname primarycontact
		kontaktperson kontakt kontaktnamn namn
		nomducontact personneacontacter nomcomplet nom contacto nombredecontacto personadecontacto nombrecompleto nombre
		ansprechpartner ansprechpartnerin ansprechperson kontaktname`,
	"phone": `phone phonenumber telephone telephonenumber tel businessphone workphone mobile mobilephone mobilenumber cell cellphone
		telefon telefonnummer telefonnr tfn tele mobil mobilnummer mobiltelefon
		numerodetelephone telfixe portable telefono numerodetelefono movil celular
		rufnummer handy handynummer`,
	"address": `address streetaddress address1 addressline1 street billingaddress
		adress gatuadress gata utdelningsadress besoksadress postadress
		adresse adressepostale rue direccion domicilio calle
		strasse straße strassehausnummer straßehausnummer anschrift`,
	"zip": `zip zipcode postcode postalcode zippostalcode postal
		postnr postnummer codepostal cp codigopostal plz postleitzahl`,
	"city": `city town ort postort stad ville commune localite ciudad localidad poblacion municipio stadt`,
	"state": `state stateprovince province region county delstat lan landskap
		etat departement estado provincia comunidadautonoma bundesland kanton`,
	"country": `country countryname countryregion countrycode land landskod pays pais staat`,
	"website": `website websiteurl web url webpage homepage site domain www
		webbplats hemsida webb webbadress webbsida siteweb siteinternet sitioweb paginaweb webseite internetseite`,
}

// GuessColumns tells which column fills which of ATOM's fields: by the columns'
// names, else by what is in them. A column fills one field at most.
func GuessColumns(s Sheet) map[string]int {
	columns, taken := map[string]int{}, map[int]bool{}
	take := func(field string, i int) { columns[field], taken[i] = i, true }
	if s.Named {
		for _, field := range CustomerFields {
			names := strings.Fields(columnNames[field])
			best := len(names)
			for i, header := range s.Header {
				if rank := slices.Index(names, bareName(header)); rank >= 0 && rank < best && !taken[i] {
					best, columns[field] = rank, i
				}
			}
			if i, ok := columns[field]; ok {
				take(field, i)
			}
		}
	}
	sample := min(len(s.Rows), 200)
	for _, guess := range []struct {
		field string
		fits  func(string) bool
	}{{"email", isEmail}, {"website", looksLikeSite}, {"phone", looksLikePhone}, {"country", isCountry}} {
		if _, ok := columns[guess.field]; ok {
			continue
		}
		if i := fittest(s, sample, taken, guess.fits); i >= 0 {
			take(guess.field, i)
		}
	}
	if _, ok := columns["company"]; ok {
		return columns
	}
	if i, ok := columns["name"]; ok { // a list of customers with one name each
		delete(columns, "name")
		columns["company"] = i
	} else if i := fittest(s, sample, taken, hasLetters); i >= 0 && !s.Named {
		take("company", i)
	}
	return columns
}

// fittest is the leftmost of the free columns in which most cells of the first
// rows fit; -1 when there is none.
func fittest(s Sheet, sample int, taken map[int]bool, fits func(string) bool) int {
	best, most := -1, 0.6
	for i := range s.Header {
		filled, fit := 0, 0
		for row := range sample {
			cell := s.Cell(row, i)
			if cell == "" {
				continue
			}
			if filled++; fits(cell) {
				fit++
			}
		}
		if !taken[i] && filled > 0 && float64(fit)/float64(filled) > most {
			best, most = i, float64(fit)/float64(filled)
		}
	}
	return best
}

// bareName is a column's name as columnNames has it.
func bareName(header string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, store.Fold(header))
}

// phoneShape is a number that is plainly one for the telephone, and not an
// organisation's or a postcode.
var phoneShape = regexp.MustCompile(`^(\+|00|0|\(|\d{3}-\d{3}-)[\d ()./-]{6,}$`)

func looksLikePhone(cell string) bool { return phoneShape.MatchString(cell) && len(cell) <= 30 }

func looksLikeSite(cell string) bool {
	lower := strings.ToLower(cell)
	return checkWebsite(cell) == "" && (strings.HasPrefix(lower, "http") || strings.HasPrefix(lower, "www.") || bareHost.MatchString(lower))
}

var bareHost = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/\S*)?$`)

func isCountry(cell string) bool { return countryRegion(cell) != "" }

func hasLetters(cell string) bool { return strings.ContainsFunc(cell, unicode.IsLetter) }

// checkWebsite says what is wrong with a web address; blank is fine.
func checkWebsite(site string) Text {
	if site == "" {
		return ""
	}
	if !strings.Contains(site, "://") {
		site = "https://" + site
	}
	u, err := url.Parse(site)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || !bareHost.MatchString(hostOf(u)) {
		return "Enter a web address, such as example.com."
	}
	return ""
}

// hostOf is a host as a dotted name of letters, however it is written.
func hostOf(u *url.URL) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && unicode.IsLetter(r) {
			return 'x'
		}
		return unicode.ToLower(r)
	}, u.Hostname())
}
