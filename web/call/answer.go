package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Refusal makes the error of an answer that is not the success its call
// documents. A 4xx is Refused, and so is a 5xx that carries the service's own
// JSON message; everything else, redirects and unexpected 2xx too, leaves the
// outcome unknown and is Unanswered. Reason is set only where every service
// means the same (429, 400, 422 …); the clients add theirs.
func (r *Response) Refusal() *Error {
	message, own := r.message()
	e := &Error{
		Service: r.service, Op: r.op, Kind: Unanswered, Status: r.Status,
		Message: message, RetryAfter: retryAfter(r.Header.Get("Retry-After"), time.Now()),
	}
	switch {
	case r.Status/100 == 4, r.Status/100 == 5 && own:
		e.Kind = Refused
	case r.Status/100 == 5:
		e.Err = errors.New("the service failed without a message of its own")
	case r.Status/100 == 3:
		e.Err = errors.New("an unexpected redirect, not followed")
	default:
		e.Err = errors.New("an unexpected status")
	}
	switch r.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		e.Reason = ReasonInvalid
	case http.StatusTooManyRequests:
		e.Reason = ReasonLimit
	}
	return e
}

// Unintelligible makes the Unanswered error of an answer that cannot be used.
// why is a fixed sentence, never part of the answer.
func (r *Response) Unintelligible(why string) *Error {
	return &Error{Service: r.service, Op: r.op, Kind: Unanswered, Status: r.Status, Err: errors.New(why)}
}

// Object decodes the body, which must be one whole JSON object, into v. Its
// error is Unanswered and quotes nothing of the body.
func (r *Response) Object(v any) error { return r.decode('{', "object", v) }

// Array is Object for a body that must be a JSON array.
func (r *Response) Array(v any) error { return r.decode('[', "array", v) }

func (r *Response) decode(open byte, what string, v any) error {
	body := trimBody(r.Body)
	switch {
	case len(body) == 0:
		return r.Unintelligible("the answer is empty")
	case !json.Valid(body):
		return r.Unintelligible("the answer is not whole JSON")
	}
	r.valid = true
	if body[0] != open {
		return r.Unintelligible("the answer is not a JSON " + what)
	}
	// The decoder's own error can quote a value, so it is not kept.
	if json.Unmarshal(body, v) != nil {
		return r.Unintelligible("the answer has a field of the wrong type")
	}
	return nil
}

// Clean makes one line of plain text fit to show out of text the service
// sent: see Clean, and the request's secrets are masked.
func (r *Response) Clean(text string) string { return clean(text, r.mask) }

// message finds the service's message in a JSON body. own says that it was
// named "message", in any case, which is how ATOM and iP1 name theirs; other
// names ("error" at the portals, "title" in newer ASP.NET) are shown but could
// as well be a gateway's.
func (r *Response) message() (text string, own bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(trimBody(r.Body), &fields) != nil {
		return "", false
	}
	r.valid = true
	for _, name := range []string{"message", "error", "error_description", "title", "detail"} {
		for _, key := range slices.Sorted(maps.Keys(fields)) { // of "Message" and "message", always the same one
			if !strings.EqualFold(key, name) {
				continue
			}
			if text := r.Clean(messageText(fields[key])); text != "" {
				return text, name == "message"
			}
		}
	}
	return "", false
}

// messageText reads a message that is a string, a list of strings, or an
// object with a message in it.
func messageText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, "; ")
	}
	var nested struct{ Message string }
	if json.Unmarshal(raw, &nested) == nil {
		return nested.Message
	}
	return ""
}

// retryAfter reads a Retry-After header: seconds, or a date (RFC 9110 §10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		if n < 0 || n > 1<<30 { // beyond 34 years it is not a wait, and would overflow
			return 0
		}
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// trimBody drops space and a byte order mark, which ASP.NET services can send.
func trimBody(b []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
}
