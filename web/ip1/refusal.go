package ip1

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"frontdesk/web/call"
)

// Bounds of what is kept of a ModelState.
const (
	maxFields        = 20
	maxFieldMessages = 5
)

// wordLimit finds a refusal for too many active codes, which iP1 does not
// document further.
var wordLimit = regexp.MustCompile(`(?i)\btoo many\b|\blimit|\bconcurrent`)

// refusal makes the error of an answer that is not the documented success.
func refusal(r *call.Response) *call.Error {
	e := r.Refusal()
	if e.Kind != call.Refused {
		return e
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Reason = call.ReasonCredentials
	case http.StatusNotFound:
		e.Reason = call.ReasonNotFound
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		e.Fields = modelState(r)
		// A limit named at a field is that field's own.
		if e.Op == opSend && len(e.Fields) == 0 && wordLimit.MatchString(e.Message) {
			e.Reason = call.ReasonLimit
		}
	}
	return e
}

// modelState reads the messages per field, in the style of ASP.NET Web API
// ("ModelState") or its successor ("errors"). Only the last part of a name
// counts, in lower case: authentication.Phone is phone.
func modelState(r *call.Response) map[string][]string {
	var body struct{ ModelState, Errors json.RawMessage }
	if json.Unmarshal(bytes.TrimPrefix(r.Body, []byte("\ufeff")), &body) != nil {
		return nil
	}
	raw := body.ModelState
	if len(raw) == 0 {
		raw = body.Errors
	}
	var state map[string]json.RawMessage
	if json.Unmarshal(raw, &state) != nil {
		return nil
	}
	fields := map[string][]string{}
	for _, whole := range slices.Sorted(maps.Keys(state)) { // the same ones each time, when there are too many
		value, name := state[whole], r.Clean(whole) // before anything else: a secret is known as it was sent only
		name = strings.TrimSpace(strings.ToLower(name[strings.LastIndex(name, ".")+1:]))
		var list []string
		if json.Unmarshal(value, &list) != nil {
			var one string
			if json.Unmarshal(value, &one) != nil {
				continue
			}
			list = []string{one}
		}
		for _, text := range list {
			if text = r.Clean(text); text != "" && len(fields[name]) < maxFieldMessages && (len(fields) < maxFields || fields[name] != nil) {
				fields[name] = append(fields[name], text)
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}
