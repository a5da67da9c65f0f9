package desk

import (
	"strconv"

	"frontdesk/web/call"
)

// callNames are the calls as a person reads them.
var callNames = map[string]Text{ // #nosec G101 -- names of calls, no secrets
	"sign in": "sign in", "list customers": "list customers", "read customer": "read customer", "create customer": "create customer",
	"open SSO": "open as customer", "send passcode": "e-mail passcode", "redeem passcode": "redeem passcode",
	"issue credentials by cuid": "issue credentials by cuid", "issue credentials without passcode": "issue credentials without passcode",
	"send code": "send SMS code", "read code": "read SMS code", "list codes": "list SMS codes", "verify code": "verify SMS code",
	"read SMS settings": "read SMS defaults", "change SMS settings": "change SMS defaults",
}

// CallName is a call of a service, a call.Error's Op, as a person reads it.
func CallName(op string) Text {
	if name, ok := callNames[op]; ok {
		return name
	}
	return AsSaid(op)
}

// LastTrouble says in a line how a call to a service failed, with the service's own
// words, or why it was not reached; "" of none. It holds no secret.
func LastTrouble(e *call.Error) Text {
	if e == nil {
		return ""
	}
	op, said := CallName(e.Op), e.Message
	if said == "" && e.Err != nil && e.Status == 0 && !e.Timeout {
		said = e.Err.Error()
	}
	if said == "" {
		return Say("%s: %s", op, whyTrouble(e))
	}
	return Say("%s: %s: %s", op, whyTrouble(e), said)
}

func whyTrouble(e *call.Error) Text {
	switch {
	case e.Reason == call.ReasonCredentials:
		return "refused our credentials"
	case e.Kind == call.Unreachable && e.Timeout:
		return "no connection within the time limit"
	case e.Kind == call.Unreachable:
		return "no connection"
	case e.Kind == call.Unanswered && e.Timeout:
		return "no answer within the time limit"
	case e.Kind == call.Unanswered && e.Status != 0 && e.Status < 300:
		return "gave an answer that could not be used"
	case e.Kind == call.Unanswered && e.Status == 0:
		return "the connection dropped before the answer"
	case e.Kind == call.Refused && e.Status == 429:
		return "asked us to slow down"
	}
	return Say("answered with status %s", strconv.Itoa(e.Status))
}
