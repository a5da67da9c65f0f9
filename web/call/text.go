package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Text is a text field read with tolerance: a string, a number or boolean as
// its literal text (a number keeps its exact digits), null as "". An object
// or array is an error. NUL characters are dropped, since no database column
// of text takes them.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[':
		return errors.New("not text")
	case raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw):
		*t = Text(raw[1 : len(raw)-1]) // nothing to decode: nearly every field of a long list
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = Text(strings.ReplaceAll(s, "\x00", ""))
	case raw[0] == 'n':
		*t = ""
	default:
		*t = Text(raw)
	}
	return nil
}
