// Package call holds what the clients of the three services share: time
// limits, bounded reads, typed failures and the services' health.
//
// A call has four ends: done, refused, unreachable, and sent but unanswered.
// The first is a nil error; the others are the three kinds of *Error. Nothing
// in this package sends a request a second time.
package call

import (
	"fmt"
	"strings"
	"time"
)

// Kind is how a call failed.
type Kind int

const (
	// Refused: the service answered and said no, in its own words: a 4xx, or
	// a 5xx with a JSON message.
	Refused Kind = iota + 1
	// Unreachable: nothing was sent. DNS, connection refused, time-out while
	// connecting, TLS failure, or a request that could not be built. A call that
	// only reads is that too when a kept connection dropped and none could be made
	// again: nothing has happened either way.
	Unreachable
	// Unanswered: sent, but no intelligible whole answer came back: time-out,
	// dropped connection, 5xx without a message, or a 2xx whose body is cut,
	// empty, too large or not what was agreed. The outcome is unknown.
	Unanswered
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	switch k {
	case Refused:
		return "refused"
	case Unreachable:
		return "unreachable"
	case Unanswered:
		return "unanswered"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Reason is what a refusal means, where that can be told.
type Reason int

const (
	// ReasonNone: nothing more is known than the message.
	ReasonNone Reason = iota
	// ReasonCredentials: the credentials that frontdesk holds for the service
	// were refused (ATOM 403 and 404 "No matching key", iP1 401).
	ReasonCredentials
	// ReasonSignIn: the portal refused the username and password, or the user
	// has no API access; the portal answers both with the same 401.
	ReasonSignIn
	// ReasonNotFound: the thing asked for does not exist.
	ReasonNotFound
	// ReasonNotAllowed: ATOM 401, the user is not allowed for API access or
	// the special provisioning is off.
	ReasonNotAllowed
	// ReasonPasscode: ATOM 401, the passcode is expired or invalid.
	ReasonPasscode
	// ReasonAmbiguous: a 401 or 404 whose message does not tell which of its
	// two documented meanings applies. Say both.
	ReasonAmbiguous
	// ReasonInvalid: the service objects to the data (400, 422 and the like).
	ReasonInvalid
	// ReasonExists: a create whose e-mail is taken already.
	ReasonExists
	// ReasonLimit: too many active codes at iP1, or any 429.
	ReasonLimit
	// ReasonCustomerKey: ATOM refused the key and token of the customer whose own
	// record was asked for; the credentials that frontdesk holds for itself are good.
	ReasonCustomerKey
)

// String returns the reason's name in lower case; "" for ReasonNone.
func (r Reason) String() string {
	names := [...]string{"", "credentials", "sign-in", "not found", "not allowed", "passcode", "ambiguous", "invalid", "exists", "limit", "customer's key"}
	if r < 0 || int(r) >= len(names) {
		return fmt.Sprintf("reason %d", int(r))
	}
	return names[r]
}

// Error is a call that was not done. No field holds a URL, a credential, a
// passcode or a body, so its text may be logged and shown.
type Error struct {
	// Service is the name given to New: "portal", "atom" or "ip1".
	Service string
	// Op is the short name of the call, such as "create customer".
	Op string
	// Kind is how the call failed; it decides whether the outcome is known.
	Kind Kind
	// Reason is what a refusal means, where it can be told.
	Reason Reason
	// Status is the HTTP status; 0 when none arrived.
	Status int
	// Message is the service's own message: one line of plain text of at most
	// 300 runes, never HTML, with the request's secrets masked; "" if none.
	Message string
	// Fields are iP1's messages per field: the lower-case last part of the
	// field's name, and its messages, cleaned like Message.
	Fields map[string][]string
	// Timeout says that a time limit, ours or the caller's, ended the call.
	Timeout bool
	// RetryAfter is the wait the service asked for; 0 if it asked for none.
	RetryAfter time.Duration
	// Err is the cause, for the log.
	Err error
}

// Error returns one line: service, call, kind, status, then the service's
// message or the cause.
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Service, e.Op} {
		if s != "" {
			b.WriteString(s + ": ")
		}
	}
	b.WriteString(e.Kind.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, " with status %d", e.Status)
	}
	if e.Timeout {
		b.WriteString(" in time")
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause, so that errors.Is finds context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.Err }

// failure says whether the call speaks against the service's health. A no
// about somebody's data is the service at work; a no to our credentials, or
// a throttle, keeps the desk from working as much as an outage does.
func (e *Error) failure() bool {
	return e.Kind != Refused || e.Reason == ReasonCredentials || e.Status == 429 || e.Status >= 500
}
