package desk

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"frontdesk/store"
)

// jobWords are what people are, and departments: no names. Folded.
var jobWords = strings.Fields(`manager director sales account ceo cto cfo coo cmo chief officer head engineer developer consultant president founder cofounder partner assistant advisor
	executive vp representative specialist coordinator administrator analyst associate marketing support service team office info contact department finance accounting operations
	business development customer success key product project purchasing procurement technician owner secretary lead leader senior junior managing general regional
	chef saljare saljchef ansvarig kundansvarig vd ekonomi ekonomichef marknad marknadschef inkop inkopare konsult radgivare projektledare agare grundare koordinator handlaggare
	avdelning kundtjanst forsaljning verkstallande direktor tekniker administrator saljledare
	directeur directrice responsable gerant gerante commercial commerciale charge chargee assistante ingenieur president presidente fondateur fondatrice adjoint adjointe comptable
	achats ventes clientele compte comptes technique service
	gerente jefe jefa responsable directora comercial ventas compras administracion ingeniero ingeniera fundador socio socia consejero delegado delegada atencion cliente
	geschaftsfuhrer geschaftsfuhrerin leiter leiterin vertrieb vertriebsleiter einkauf buchhaltung berater beraterin inhaber inhaberin vorstand prokurist abteilung kundenservice
	geschaftsfuhrung vertriebsleitung assistenz hello kontakt`)

// hasWord tells whether one of a text's words is in a list, folded.
func hasWord(text string, list []string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(store.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) }),
		func(word string) bool { return slices.Contains(list, word) })
}

// greetings begin a signature and say nothing of the customer. Folded.
var greeting = regexp.MustCompile(`^(?:(?:with )?(?:best|kind|warm|many|warmest|kindest) (?:regards|wishes|thanks)|regards|(?:yours )?sincerely(?: yours)?|cheers|thanks|thank you|many thanks|best|br|` +
	`(?:med )?(?:basta|vanliga|vanlig|varma|glada|soliga) ?(?:halsningar|halsning)?|med vanlig(?:a)? halsning(?:ar)?|halsningar|mvh|hej|vh|tack|hi|hello|` +
	`(?:bien )?cordialement|(?:bien )?a vous|salutations(?: distinguees)?|sinceres salutations|meilleures salutations|bonne journee|merci|bonjour|` +
	`(?:un )?(?:cordial )?saludos?(?: cordiales)?|atentamente|un abrazo|gracias|cordialmente|hola|` +
	`(?:mit )?(?:freundlichen|besten|herzlichen|vielen|viele|beste|liebe|schone|freundliche) (?:grußen|grussen|gruße|grusse|dank)|mfg|vg|lg|hallo|` +
	`(?:sent from|skickat fran|envoye de|envoye depuis|enviado desde|gesendet von|von meinem) .*|get outlook for .*)[ ,.!]*$`)

func isGreeting(line string) bool {
	return greeting.MatchString(store.Fold(line))
}

// isOtherLabel tells whether a word before a value names something that is none
// of a customer's fields: the value then is not placed, whatever it looks like.
func isOtherLabel(name string) bool { return slices.Contains(otherLabels, bareName(name)) }

var otherLabels = strings.Fields(`fax f telefax orgnr organisationsnummer orgno vat vatno vatid vatnumber momsnr momsregnr moms siret siren tva tvaintra rcs ape naf nif cif ustid ustidnr ustidnummer hrb hra
	amtsgericht registergericht handelsregister geschaftsfuhrer bankgiro bg plusgiro pg iban bic swift skype teams linkedin twitter companyno companynumber registrationno regno
	title titel titre cargo puesto position role rolle funktion fonction department abteilung avdelning service departamento hours oppettider horaires horario offnungszeiten steuernummer steuernr
	customerno customernumber kundnr kundnummer kundennummer reference ref id datum date subject till to from fran von an cc sent skickat`)

// isPerson tells whether a text can be somebody's name: two to four words with
// capitals, of which none is a job's.
func isPerson(text string) bool {
	words := strings.Fields(text)
	if len(words) < 2 || len(words) > 5 || hasWord(text, jobWords) || legalMark.MatchString(text) || digitsIn(text) > 0 {
		return false
	}
	long := 0
	for i, word := range words {
		first, _ := utf8.DecodeRuneInString(word)
		for _, r := range word {
			if !unicode.IsLetter(r) && !strings.ContainsRune("-'’.", r) {
				return false
			}
		}
		switch {
		case unicode.IsUpper(first):
			long++
		case i == 0 || i == len(words)-1 || !slices.Contains(smallWords, strings.ToLower(word)):
			return false
		}
	}
	return long >= 2
}

// namesMail tells whether an e-mail's first part is made of a person's name:
// anna.svensson, asvensson, anna.
func namesMail(text, email string) bool {
	local, _, ok := strings.Cut(store.Fold(email), "@")
	if !ok {
		return false
	}
	bare := bareName(local)
	for _, word := range companyWords(text) {
		if len(word) >= 3 && strings.Contains(bare, word) {
			return true
		}
	}
	return false
}

// freeMailers are hosts where anybody has an address.
var freeMailers = strings.Fields(`gmail googlemail outlook hotmail live msn yahoo ymail icloud me mac aol gmx web t-online freenet proton protonmail pm hey fastmail zoho yandex mail email
	orange wanadoo free sfr laposte neuf bbox aliceadsl telia comhem bredband tele2 spray swipnet bahnhof passagen home telefonica terra arcor posteo mailbox libero virgilio
	bluewin hispeed btinternet ntlworld sky talktalk virginmedia comcast verizon att sbcglobal bellsouth cox charter rogers shaw sympatico ono movistar qq 163 126 example test`)

// ownDomain is the part of a domain that somebody chose: "acme" of
// mail.acme.co.uk; "" when the domain is a free mailer's or none.
func ownDomain(host string) string {
	whole, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(host))
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(whole, ".")
	if len(label) < 2 || slices.Contains(freeMailers, label) || strings.HasPrefix(label, "xn--") {
		return ""
	}
	return label
}

// domain is that of the e-mail, or of the site.
func (s *signature) domain() string {
	if _, host, ok := strings.Cut(s.in.Email, "@"); ok {
		if own := ownDomain(host); own != "" {
			return own
		}
	}
	if s.in.Website != "" {
		return ownDomain(siteHost(s.in.Website))
	}
	return ""
}

// fromDomain is how a company may be called that has a domain: "nordic-light" is
// Nordic Light.
func fromDomain(label string) string {
	words := strings.FieldsFunc(label, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		if len(word) <= 3 && len(words) == 1 {
			words[i] = strings.ToUpper(word)
			continue
		}
		first, size := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToUpper(first)) + word[size:]
	}
	return strings.Join(words, " ")
}

// ownsDomain tells whether a company's name is that of a domain.
func ownsDomain(text, label string) bool {
	if label == "" {
		return false
	}
	name := strings.ReplaceAll(bareCompany(text), " ", "")
	label = strings.NewReplacer("-", "", "_", "").Replace(label)
	return name == label || (len(label) >= 4 && strings.HasPrefix(name, label)) || (len(name) >= 4 && strings.HasPrefix(label, name))
}
