package atom

import (
	"errors"
	"fmt"
	"strings"

	"frontdesk/web/call"
)

// escape percent-encodes everything but RFC 3986's unreserved characters, for
// a path segment or a query value. url.PathEscape leaves "+" and others as
// they are, which some servers read as a space or a separator.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// segment is escape for a path segment. "." and ".." would be taken for steps
// in the path, so their dots are encoded too.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return escape(s)
}

// noIdentifier is the failure of a call about nobody. It is not sent, because
// with an empty segment the path would be that of another call: GET
// /customer/ is the whole list.
func noIdentifier(op string) error {
	return &call.Error{
		Service: "atom", Op: op, Kind: call.Unreachable, Reason: call.ReasonInvalid,
		Err: errors.New("no e-mail or cuid given"),
	}
}
