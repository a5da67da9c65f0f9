package desk

import (
	"errors"
	"testing"

	"frontdesk/web/call"
)

func TestLastTroubleInWords(t *testing.T) {
	for want, e := range map[string]*call.Error{
		"": nil,
		"list customers: refused our credentials: No matching key":                    {Op: "list customers", Kind: call.Refused, Reason: call.ReasonCredentials, Status: 403, Message: "No matching key"},
		"sign in: no connection within the time limit":                                {Op: "sign in", Kind: call.Unreachable, Timeout: true, Err: errors.New("dial")},
		"open as customer: no connection: connection refused":                         {Op: "open SSO", Kind: call.Unreachable, Err: errors.New("connection refused")},
		"send SMS code: no answer within the time limit":                              {Op: "send code", Kind: call.Unanswered, Timeout: true, Err: errors.New("cut")},
		"create customer: answered with status 503":                                   {Op: "create customer", Kind: call.Unanswered, Status: 503},
		"create customer: gave an answer that could not be used":                      {Op: "create customer", Kind: call.Unanswered, Status: 200, Err: errors.New("the body is cut")},
		"e-mail passcode: the connection dropped before the answer: connection reset": {Op: "send passcode", Kind: call.Unanswered, Err: errors.New("connection reset")},
		"verify SMS code: asked us to slow down":                                      {Op: "verify code", Kind: call.Refused, Reason: call.ReasonLimit, Status: 429},
		"try: answered with status 500: as asked":                                     {Op: "try", Kind: call.Refused, Status: 500, Message: "as asked"},
	} {
		if got := LastTrouble(e).String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
