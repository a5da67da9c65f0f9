package desk

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"frontdesk/store"
)

// legalForms are what companies put behind their names, or before them, folded
// and without dots: AB, Ltd, GmbH. Those that are words of their own as well
// count in signatures only as they are written in legalMark.
var legalForms = strings.Fields(`ab aktiebolag abp hb kb handelsbolag publ
	ltd limited llc llp lp plc inc incorporated corp corporation co pty pvt
	gmbh ag kg ohg ug ev se mbh
	sarl sas sasu sa eurl snc sci scop
	sl slu sau slne sc srl spa
	as asa aps oy oyj bv nv ou sia doo kft`)

// legalMark is a company by its legal form: at the end of its name, or before it.
var legalMark = regexp.MustCompile(`(?:^|[\s,])(?:AB|Ab|Aktiebolag|HB|KB|Handelsbolag|Ltd\.?|LTD\.?|Limited|LLC|L\.L\.C\.|LLP|PLC|plc|Inc\.?|INC\.?|Incorporated|Corp\.?|Corporation|` +
	`GmbH|mbH|AG|KG|OHG|UG|e\. ?V\.|SE|SARL|Sarl|S\.?A\.?R\.?L\.?|SAS|SASU|S\.A\.S\.|SA|S\.A\.|EURL|SNC|SCOP|` +
	`SL|S\.L\.|SLU|S\.L\.U\.|SAU|S\.A\.U\.|S\. Coop\.|Srl|S\.r\.l\.|SpA|S\.p\.A\.|A/S|AS|ASA|ApS|Oy|OY|Oyj|BV|B\.V\.|NV|N\.V\.)(?:\s*\(publ\.?\))?\.?$` +
	`|^(?:AB|SARL|SAS|EURL|SNC|Oy) \p{Lu}`)

// bareCompany is a company's name as it is compared: folded, without its legal
// form and without anything but letters and digits. "Acmé, Inc." is "acme".
func bareCompany(company string) string {
	words := companyWords(company)
	for len(words) > 1 && isLegalForm(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) > 1 && slices.Contains([]string{"ab", "oy", "sarl", "sas", "eurl"}, words[0]) {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

// companyWords are a name's words, folded; dots make no words of "S.L.".
func companyWords(company string) []string {
	folded := strings.NewReplacer(".", "", "'", "", "’", "", "a/s", "as").Replace(store.Fold(company))
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '&' })
}

func isLegalForm(word string) bool { return slices.Contains(legalForms, word) }

// companyKeys are the keys by which the mirror may have a company of this name,
// with any legal form or none.
func companyKeys(company string) []string {
	bare, typed := bareCompany(company), store.Fold(company)
	if bare == "" {
		return nil
	}
	// As typed up to its legal form: what stands between the words counts in keys.
	stem := typed
	for _, form := range legalForms {
		for _, end := range []string{" " + form, " " + form + ".", ", " + form, ", " + form + ".", " (" + form + ")"} {
			stem = strings.TrimSuffix(stem, end)
		}
	}
	keys := []string{typed}
	for _, name := range []string{bare, stem} {
		keys = append(keys, name)
		for _, form := range legalForms {
			keys = append(keys, name+" "+form, form+" "+name, name+" "+form+".", name+", "+form, name+", "+form+".")
		}
		for _, form := range []string{"a/s", "s.a.", "s.l.", "s.a.r.l.", "s.r.l.", "b.v.", "n.v.", "ab (publ)", "gmbh & co. kg", "gmbh & co kg", "s.a.s.", "e.v."} {
			keys = append(keys, name+" "+form, name+", "+form)
		}
	}
	return keys
}
