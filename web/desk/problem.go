package desk

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// Kind says whose trouble a problem is; it decides the HTTP status.
type Kind int

const (
	Invalid      Kind = iota + 1 // the person, or what they typed, must mend it: 422
	Unauthorized                 // wrong password at sign-in: 401
	Forbidden                    // not staff, or not allowed: 403
	Missing                      // there is no such thing: 404
	Throttled                    // too many tries: 429
	Trouble                      // a service is the trouble, and nothing was done: 502, 504 after a time-out
	Unknown                      // sent, but unanswered; it may have happened: 502, 504 after a time-out
	Unrecorded                   // frontdesk's own log cannot be written: 503
)

// Problem is a failure in the words of the person who reads it.
type Problem struct {
	Kind    Kind
	Service Text            // "ATOM", "the IntelePeer portal", "iP1"; "" when it is frontdesk itself
	Title   Text            // a few words
	Text    Text            // what it means
	Advice  Text            // what to do
	Message string          // the service's own words
	Code    int             // the service's HTTP status; 0 when none arrived
	Fields  map[string]Text // a message per form field
	Timeout bool
	Wait    time.Duration // before it may be tried again
	Full    bool          // all of a number's slots for SMS codes are taken
	Act     string        // the act whose outcome is unknown
	Despite string        // a colleague's act: naming it in a second post does this one all the same
	Err     error         `json:"-"` // for frontdesk's own log
}

func (p *Problem) Error() string {
	text := p.Title.String()
	if p.Err != nil {
		text += ": " + p.Err.Error()
	}
	return text
}

func (p *Problem) Unwrap() error { return p.Err }

// Status is the HTTP status that the problem is shown with.
func (p *Problem) Status() int {
	switch p.Kind {
	case Invalid:
		return http.StatusUnprocessableEntity
	case Unauthorized:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case Missing:
		return http.StatusNotFound
	case Throttled:
		return http.StatusTooManyRequests
	case Trouble, Unknown:
		if p.Timeout {
			return http.StatusGatewayTimeout
		}
		return http.StatusBadGateway
	case Unrecorded:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func unrecorded(err error) *Problem {
	return &Problem{
		Kind: Unrecorded, Title: "Not done: the audit log cannot be written",
		Text:   withCause("frontdesk does nothing that it cannot record. Nothing was sent.", err),
		Advice: "Tell your operator to look at the disk and the database. It works again as soon as they can be written.",
		Err:    err,
	}
}

// told is an error that is a sentence or two for a person.
type told struct{ why Text }

func (t told) Error() string { return t.why.String() }

// whyOf is what an error says to a person.
func whyOf(err error) Text {
	var t told
	if errors.As(err, &t) {
		return t.why
	}
	return AsSaid(err.Error())
}

// withCause goes on with why the database cannot be written, when that is the
// trouble.
func withCause(text Text, err error) Text {
	var u *store.Unwritable
	if !errors.As(err, &u) {
		return text
	}
	return Say("%s %s", text, Cause(u))
}

// causes are why the database cannot be written.
var causes = []Text{
	store.CauseFull, store.CauseReadOnly, store.CauseDamaged, store.CauseMissing, store.CauseAltered, store.CauseBusy, store.CauseDisk, store.CauseGone, store.CauseServer,
}

// Cause is why the database cannot be written, as a sentence.
func Cause(u *store.Unwritable) Text {
	if cause := Text(u.Cause); slices.Contains(causes, cause) {
		return cause
	}
	return AsSaid(u.Cause)
}

func invalid(fields map[string]Text) *Problem {
	return &Problem{Kind: Invalid, Title: "Please check the form", Text: "Nothing was sent.", Fields: fields}
}

// serviceNames are the services as sentences name them, and serviceStarts as they
// begin with them.
var (
	serviceNames  = map[string]Text{"portal": "the IntelePeer portal", "atom": AsSaid("ATOM"), "ip1": AsSaid("iP1")}
	serviceStarts = map[string]Text{"portal": "The IntelePeer portal", "atom": AsSaid("ATOM"), "ip1": AsSaid("iP1")}
)

// wording is what explain needs to know of an act to speak of it.
type wording struct {
	Try     Text // "create the customer": could not …
	On      Text // who or what it is about, for "ATOM does not know …"
	Unknown Text // what may have happened, a sentence
	Then    Text // what to do about that, a sentence
	Setup   Text // the variables to check when our credentials are refused
}

// explain puts a client's error into words.
func explain(err error, w wording) *Problem {
	var e *call.Error
	if !errors.As(err, &e) {
		return &Problem{Kind: Trouble, Title: Say("Could not %s", w.Try), Text: "frontdesk could not do this.", Advice: "Try again; if it stays so, tell your operator.", Err: err}
	}
	name, start := serviceNames[e.Service], serviceStarts[e.Service]
	p := &Problem{Service: name, Message: e.Message, Code: e.Status, Timeout: e.Timeout, Wait: e.RetryAfter, Err: err}
	switch e.Kind {
	case call.Unreachable:
		p.Kind, p.Title = Trouble, Say("%s could not be reached", start)
		p.Text = "Nothing was sent, so nothing has happened."
		p.Advice = "Try again in a moment. If it stays so, tell your operator."
		switch {
		case errors.Is(e.Err, call.ErrHeld):
			p.Title = Say("%s is in trouble, and is not asked for a moment", start)
			p.Text = "Several calls to it in a row have failed. Nothing was sent, so nothing has happened."
		case errors.Is(e.Err, call.ErrFull):
			p.Title = Say("%s is slow, and too much is waiting for it", start)
		}
	case call.Unanswered:
		p.Kind, p.Title = Unknown, "The outcome is unknown"
		p.Text = Say("frontdesk asked %s to %s and got no usable answer. %s", name, w.Try, w.Unknown)
		if e.Timeout {
			p.Text = Say("frontdesk asked %s to %s and got no answer in time. %s", name, w.Try, w.Unknown)
		}
		p.Advice = w.Then
		if w.Unknown == "" { // a call that only reads
			p.Kind, p.Title = Trouble, Say("%s gave no usable answer", start)
			p.Text, p.Advice = "It is in trouble, or slow.", "Try again in a moment. If it stays so, tell your operator."
		}
	case call.Refused:
		p.explainRefusal(e, name, start, w)
	}
	return p
}

func (p *Problem) explainRefusal(e *call.Error, name, start Text, w wording) {
	p.Kind, p.Title, p.Text = Invalid, Say("%s refused", start), "Nothing was done."
	switch e.Reason {
	case call.ReasonCredentials:
		p.Kind, p.Title = Trouble, Say("%s refused frontdesk's own credentials", start)
		p.Text = Say("This is not about you or the customer: what frontdesk signs in to %s with is wrong or was withdrawn. Nothing was done.", name)
		p.Advice = Say("Tell your operator to check %s.", w.Setup)
	case call.ReasonCustomerKey:
		p.Title = Say("%s refused the stored key and token", start)
		p.Text = "frontdesk asked with the key and token that it keeps for this customer. They may have been replaced since then."
		p.Advice = "Walk the customer through an e-mailed passcode to get the present ones."
	case call.ReasonNotFound:
		p.Title = Say("%s does not know %s", start, w.On)
		p.Advice = "The record may have been removed or changed there. Refresh the customer list and look again."
	case call.ReasonNotAllowed:
		p.Title = "Not allowed for API access"
		p.Text = Say("%s does not let this be done for %s. Nothing was done.", start, w.On)
		p.Advice = "Either this user is not allowed for API access, or the special provisioning for this act is off. Your ATOM contact can turn it on."
	case call.ReasonPasscode:
		p.Title = "That passcode is wrong or has expired"
		p.Advice = "Compare it with the newest e-mail, digit by digit, or e-mail a new one."
		p.Fields = map[string]Text{"passcode": "Wrong or expired. Use the one from the newest e-mail."}
	case call.ReasonAmbiguous:
		p.Text = ambiguous(start, e.Status, w)
		p.Advice = "Check the first; if that is right, tell your operator about the second."
	case call.ReasonExists:
		p.Title = "There is a customer with this e-mail already"
		p.Advice = "Find them by their e-mail, or use another address."
		p.Fields = map[string]Text{"email": "A customer with this e-mail exists already."}
	case call.ReasonLimit:
		if e.Status == http.StatusTooManyRequests {
			p.Kind, p.Title = Trouble, Say("%s is being asked too often", start)
			p.Advice = "Wait a moment, then try again."
			return
		}
		p.Full, p.Title = true, "Too many active codes for this number"
		p.Advice = "Wait until one of them expires or is used, then send again."
		p.Fields = map[string]Text{"phone": "This number has too many active codes."}
	default:
		if e.Status >= http.StatusInternalServerError {
			p.Kind, p.Title = Trouble, Say("%s could not do it", start)
			p.Text, p.Advice = "It answered with an error of its own.", "Try again later. If it stays so, tell your operator what it said."
			return
		}
		p.Advice = "Mend what it says and try again."
	}
	for field, messages := range e.Fields {
		if p.Fields == nil {
			p.Fields = map[string]Text{}
		}
		if name, ok := ip1Fields[field]; ok {
			field = name
		}
		p.Fields[field] = AsSaid(strings.Join(messages, " "))
	}
}

// ip1Fields are the form's names of iP1's fields.
var ip1Fields = map[string]string{
	"messageformat": "message_format", "expirationtime": "expiration_time", "numericonly": "numeric_only", "concurrentlimit": "concurrent_limit",
}

func ambiguous(start Text, status int, w wording) Text {
	if status == http.StatusNotFound {
		return Say("%s did not say which of two things is wrong: %s is not known there, or frontdesk's own key is not.", start, w.On)
	}
	return Say("%s did not say which of two things is wrong: the passcode is wrong or has expired, or this user is not allowed for API access.", start)
}

// resultOf is an act's result for the log, with a sentence of detail.
func resultOf(err error) (audit.Result, string) {
	var e *call.Error
	if errors.As(err, &e) {
		detail := e.Message
		if detail == "" && e.Err != nil {
			detail = e.Err.Error()
		}
		if e.Timeout {
			detail = "no answer in time"
		}
		switch e.Kind {
		case call.Unreachable:
			return audit.Unreachable, detail
		case call.Unanswered:
			return audit.Unknown, detail
		}
		return audit.Refused, detail
	}
	var p *Problem
	if errors.As(err, &p) {
		if p.Kind == Forbidden {
			return audit.Denied, p.Title.String()
		}
		return audit.Refused, p.Title.String()
	}
	return audit.Refused, err.Error()
}
