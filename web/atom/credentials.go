package atom

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"frontdesk/web/call"
)

// Limits of what is taken from an answer. ATOM documents none: a cuid of up to
// 128 characters is assumed, and a key or token must fit a request header.
const (
	maxCUID       = 128     // characters
	maxCredential = 4 << 10 // bytes
)

// Credentials open one customer's own data. Key and Token are secrets: every
// way of printing a Credentials leaves them out.
type Credentials struct {
	// CUID is "" when the answer had none; the caller knows whom it asked for.
	CUID       string
	Key, Token string
}

// String returns the cuid and says that the rest is left out.
func (c Credentials) String() string { return fmt.Sprintf("credentials of %q (redacted)", c.CUID) }

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// Format is String for every verb; without it %d or %x would print the fields.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// LogValue is String, for log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// credentials sends the request and reads {cuid, key, token}.
func (c *Client) credentials(ctx context.Context, req call.Request, about asked) (Credentials, error) {
	var out Credentials
	req.Check = func(r *call.Response) (err error) {
		if !r.OK() {
			return refusal(r, about)
		}
		out, err = readCredentials(r)
		return err
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return Credentials{}, err
	}
	return out, nil
}

func readCredentials(r *call.Response) (Credentials, error) {
	var answer struct{ CUID, Key, Token call.Text }
	if err := r.Object(&answer); err != nil {
		return Credentials{}, err
	}
	out := Credentials{CUID: string(answer.CUID), Key: string(answer.Key), Token: string(answer.Token)}
	if !usableSecret(out.Key) || !usableSecret(out.Token) {
		return Credentials{}, r.Unintelligible("the answer has no usable key and token")
	}
	if !usableCUID(out.CUID) {
		out.CUID = "" // the key and token are good: do not lose them over it
	}
	return out, nil
}

// usableSecret says whether a key or token can be sent back in a header.
func usableSecret(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= maxCredential && !strings.ContainsFunc(s, unicode.IsControl)
}

func usableCUID(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxCUID
}
