package desk

import (
	"net/url"
	"slices"
	"strings"

	"frontdesk/web/call"
)

// contracted tells whether a trait is no news whenever it is met: the contract has it,
// frontdesk's own code looks for it, or the operator has allowed it.
func (d *Desk) contracted(t call.Trait) bool {
	switch t.Kind {
	case call.TraitField, call.TraitType:
		if strings.HasPrefix(t.What, "refusal") {
			// The names of a ModelState are those of the form that was refused.
			return slices.Contains(refusalFields[t.Service], t.What) ||
				strings.HasPrefix(t.What, "refusal.ModelState.") || strings.HasPrefix(t.What, "refusal.errors.")
		}
		return slices.ContainsFunc(answerFields[t.Service+" "+t.Endpoint], func(known string) bool {
			path, _, _ := strings.Cut(known, ":")
			return known == t.What || t.What == path+": null"
		})
	case call.TraitMessage:
		return slices.Contains(messages[t.Service], strings.ToLower(t.What))
	case call.TraitStatus:
		return slices.Contains(statuses[t.Service], t.What) || t.Endpoint == "open SSO" && t.What == "302"
	case call.TraitHost:
		// Without patterns any host is allowed, and which it is was learned.
		return len(d.Hosts.patterns) > 0 && d.Hosts.Allows(&url.URL{Scheme: "https", Host: t.What}) == nil
	}
	return false
}

// What the services' documents and clients show of their answers.
var (
	answerFields = map[string][]string{
		"portal sign in":                          {"answer: object", "answer.token: string"},
		"atom list customers":                     append(fields("answer[]", recordFields), "answer: array"),
		"atom read customer":                      fields("answer", recordFields),
		"atom send passcode":                      {"answer: object", "answer.message: string"},
		"atom create customer":                    fields("answer", credentialFields),
		"atom redeem passcode":                    fields("answer", credentialFields),
		"atom issue credentials by cuid":          fields("answer", credentialFields),
		"atom issue credentials without passcode": fields("answer", credentialFields),
		"ip1 send code":                           fields("answer", codeFields),
		"ip1 read code":                           fields("answer", codeFields),
		"ip1 list codes":                          append(fields("answer[]", codeFields), "answer: array"),
		"ip1 verify code": append(fields("answer.Authentication", codeFields),
			"answer: object", "answer.Valid: boolean", "answer.Phone: string", "answer.Code: string"),
		"ip1 read SMS settings":   fields("answer", settingFields),
		"ip1 change SMS settings": fields("answer", settingFields),
	}
	recordFields = []string{"cuid: string", "cuid: number", "company: string", "email: string", "name: string", "address: string", "country: string",
		"city: string", "zip: string", "state: string", "phone: string", "website: string"}
	credentialFields = []string{"cuid: string", "cuid: number", "key: string", "token: string"}
	codeFields       = []string{"ID: number", "Phone: string", "Created: string", "HasExpired: boolean", "Expires: string", "IsUsed: boolean", "Used: string"}
	settingFields    = []string{"ConcurrentLimit: number", "From: string", "MessageFormat: string", "Length: number", "ExpirationTime: number", "NumericOnly: boolean"}

	refusalFields = map[string][]string{
		"portal": {"refusal: object", "refusal.code: number", "refusal.error: string"},
		"atom":   {"refusal: object", "refusal.message: string"},
		"ip1":    {"refusal: object", "refusal.Message: string", "refusal.ModelState: object"},
	}
	// In small letters, and without the values in them.
	messages = map[string][]string{
		"portal": {"unauthorized"},
		"atom": {"missing key", "missing token", "invalid token", "no matching key", "user not found", "expired or invalid passcode",
			"user not allowed for api access", "we have emailed the passcode to: …"},
	}
	statuses = map[string][]string{
		"portal": {"200", "401"},
		"atom":   {"200", "400", "401", "403", "404"},
		"ip1":    {"200", "204", "400", "401", "404"},
	}
)

// fields are those of an object at a path.
func fields(path string, names []string) []string {
	all := []string{path + ": object"}
	for _, name := range names {
		all = append(all, path+"."+name)
	}
	return all
}
