package atom

import (
	"net/http"
	"regexp"
	"strings"

	"frontdesk/web/call"
)

// asked is what a call was about, as far as it decides what a refusal means.
type asked struct {
	identifier string // the e-mail or cuid in the path; "" if none
	passcode   bool   // a passcode was sent
	create     bool
}

// ATOM tells two 401s and two 404s apart only by message, and does not
// document the wording, so single words decide.
var (
	wordPasscode = regexp.MustCompile(`\bpass-?\s?codes?\b`)
	wordDenied   = regexp.MustCompile(`\b(not|n't|isn't) (be )?(allowed|permitted|enabled|provisioned)\b|\bapi access\b|\bprovision|\bdisabled\b|\bpermission`)
	wordKey      = regexp.MustCompile(`\b(super|api)?-?(keys?|tokens?|credentials?)\b`)
	wordWho      = regexp.MustCompile(`\b(users?|customers?|e-?mails?|accounts?|cuid)\b`)
	wordNotFound = regexp.MustCompile(`\bnot found\b|\bno such\b|\bunknown\b|\b(not|n't) exist`)
	wordExists   = regexp.MustCompile(`\bexist|\balready\b|\bduplicate|\bin use\b`)
	wordAbsent   = regexp.MustCompile(`(\bnot|n't|\bno longer) exist`)
)

// refusal makes the error of an answer that is not the documented success.
func refusal(r *call.Response, about asked) *call.Error {
	e := r.Refusal()
	if e.Kind != call.Refused {
		return e
	}
	// A message can repeat the identifier, and "turkey key@example.com" must
	// not pass for a word about keys.
	text := strings.ToLower(e.Message)
	if about.identifier != "" {
		text = strings.ReplaceAll(text, strings.ToLower(call.Clean(about.identifier)), " ")
	}
	switch {
	case e.Status == http.StatusForbidden:
		e.Reason = call.ReasonCredentials // missing key, missing token, invalid token
	case e.Status == http.StatusUnauthorized:
		e.Reason = reason401(text, about)
	case e.Status == http.StatusNotFound:
		e.Reason = reason404(text, about)
	case about.create && e.Status != http.StatusTooManyRequests &&
		wordExists.MatchString(text) && !wordAbsent.MatchString(text):
		e.Reason = call.ReasonExists
	}
	return e
}

// reason401 tells "Expired or invalid passcode" from "User not allowed for API
// access". Where no passcode was sent none can be wrong, so a message about
// passcodes is then about permission to use them.
func reason401(text string, about asked) call.Reason {
	passcode, denied := wordPasscode.MatchString(text), wordDenied.MatchString(text)
	switch {
	case passcode && !about.passcode:
		return call.ReasonNotAllowed
	case passcode && denied:
		return call.ReasonAmbiguous
	case passcode:
		return call.ReasonPasscode
	case denied:
		return call.ReasonNotAllowed
	case wordKey.MatchString(text):
		return call.ReasonCredentials
	}
	return call.ReasonAmbiguous
}

// reason404 tells "User not found" from "No matching key", which is about our
// credentials. A call about nobody cannot have missed anybody.
func reason404(text string, about asked) call.Reason {
	key, who := wordKey.MatchString(text), wordWho.MatchString(text)
	switch {
	case key && who:
		return call.ReasonAmbiguous
	case key:
		return call.ReasonCredentials
	case about.identifier == "":
		return call.ReasonAmbiguous
	case wordNotFound.MatchString(text):
		return call.ReasonNotFound
	}
	return call.ReasonAmbiguous
}
