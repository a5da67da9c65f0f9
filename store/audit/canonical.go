package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// timeLayout is RFC 3339 with the milliseconds that the log keeps.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Canonical appends e to b as the bytes that the log's tree is built over: one
// JSON object, its members in a fixed order, empty ones left out, without
// spaces. Exports and streams use the same bytes, so that a line of theirs can
// be proved to be in the log. A later member must be left out when it is empty,
// or older entries would no longer have their bytes. Settled is not part of it.
func (e *Entry) Canonical(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, e.ID, 10)
	b = append(b, `,"at":"`...)
	b = e.At.UTC().AppendFormat(b, timeLayout)
	b = append(b, '"')
	b = member(b, "act", e.Act)
	b = member(b, "phase", string(e.Phase))
	b = number(b, "staff", e.Who.StaffID)
	b = member(b, "name", e.Who.Name)
	b = member(b, "portal", e.Who.Portal)
	b = member(b, "username", e.Who.Username)
	b = member(b, "role", e.Who.Role)
	b = member(b, "session", e.Who.Session)
	b = member(b, "address", e.Who.Address)
	b = member(b, "agent", e.Who.Agent)
	b = member(b, "request", e.Who.Request)
	b = member(b, "what", e.What)
	b = member(b, "on", e.On.ID)
	b = member(b, "on_name", e.On.Name)
	b = member(b, "on_email", e.On.Email)
	b = member(b, "reason", e.Reason)
	b = member(b, "service", e.Service)
	b = number(b, "status", int64(e.Status))
	b = number(b, "ms", e.Duration.Milliseconds())
	b = member(b, "outcome", string(e.Result))
	b = member(b, "detail", e.Detail)
	b = member(b, "changes", e.Changes)
	b = number(b, "evidence", e.Evidence)
	return append(b, '}')
}

func member(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return quote(b, text)
}

func number(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, n, 10)
}

// quote appends text as encoding/json writes it; most texts have nothing to
// escape.
func quote(b []byte, text string) []byte {
	plain, ascii := true, true
	for i := range len(text) {
		c := text[i]
		plain = plain && c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii { // encoding/json escapes these two, and mends what is no text
		plain = plain && utf8.ValidString(text) && !strings.Contains(text, "\u2028") && !strings.Contains(text, "\u2029")
	}
	if !plain {
		quoted, err := json.Marshal(text)
		if err != nil {
			panic(err) // strings always marshal
		}
		return append(b, quoted...)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// Parse reads an entry from its canonical bytes, and refuses any others.
func Parse(b []byte) (Entry, error) {
	var in struct {
		ID       int64  `json:"id"`
		At       string `json:"at"`
		Act      string `json:"act"`
		Phase    Phase  `json:"phase"`
		Staff    int64  `json:"staff"`
		Name     string `json:"name"`
		Portal   string `json:"portal"`
		Username string `json:"username"`
		Role     string `json:"role"`
		Session  string `json:"session"`
		Address  string `json:"address"`
		Agent    string `json:"agent"`
		Request  string `json:"request"`
		What     string `json:"what"`
		On       string `json:"on"`
		OnName   string `json:"on_name"`
		OnEmail  string `json:"on_email"`
		Reason   string `json:"reason"`
		Service  string `json:"service"`
		Status   int    `json:"status"`
		MS       int64  `json:"ms"`
		Outcome  Result `json:"outcome"`
		Detail   string `json:"detail"`
		Changes  string `json:"changes"`
		Evidence int64  `json:"evidence"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return Entry{}, fmt.Errorf("not an entry: %w", err)
	}
	at, err := time.Parse(timeLayout, in.At)
	if err != nil {
		return Entry{}, fmt.Errorf("not an entry: its time: %w", err)
	}
	e := Entry{
		ID: in.ID, At: at, Act: in.Act, Phase: in.Phase,
		Who: Who{
			StaffID: in.Staff, Name: in.Name, Portal: in.Portal, Username: in.Username, Role: in.Role, Session: in.Session,
			Address: in.Address, Agent: in.Agent, Request: in.Request,
		},
		What: in.What, On: Subject{ID: in.On, Name: in.OnName, Email: in.OnEmail}, Reason: in.Reason, Service: in.Service, Status: in.Status,
		Duration: time.Duration(in.MS) * time.Millisecond, Result: in.Outcome, Detail: in.Detail, Changes: in.Changes, Evidence: in.Evidence,
	}
	if !bytes.Equal(e.Canonical(nil), b) {
		return Entry{}, fmt.Errorf("not an entry as the log writes it: its bytes differ from the canonical ones")
	}
	return e, nil
}
