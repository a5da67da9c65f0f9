// Package portal signs staff in at the IntelePeer portals: it exchanges a
// username and password for a token. A token proves who somebody is, never
// that they are our staff.
package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"frontdesk/web/call"
)

// The portals' names, which are also the sign-in form's values.
const (
	Customer   = "customer"
	Atmosphere = "atmosphere"
	Messaging  = "messaging"
)

// The portals' public addresses.
const (
	DefaultCustomerURL   = "https://customer.intelepeer.com"
	DefaultAtmosphereURL = "https://atmosphere.intelepeer.com"
	DefaultMessagingURL  = "https://api.intelepeer.com"
)

// paths are the documented paths of the call. One older sample of the
// messaging portal leaves out "app"; the newer ones agree on this one.
var paths = map[string]string{
	Customer:   "/_rest/v4/authenticate",
	Atmosphere: "/_rest/v4/authenticate",
	Messaging:  "/_rest/v4/app/sms/authenticate/get_portal_auth_token",
}

// maxToken is the longest token that is taken, in bytes. The token is opaque;
// no length is documented.
const maxToken = 4 << 10

// Client signs in at one portal. It is safe for concurrent use.
type Client struct {
	name, url string
	call      *call.Client
}

// New returns the client of the portal called name (customer, atmosphere or
// messaging) at baseURL; an unknown name is an error.
func New(name, baseURL string, c *call.Client) (*Client, error) {
	path, ok := paths[name]
	if !ok {
		return nil, fmt.Errorf("no portal is called %q: there are %s, %s and %s", name, Customer, Atmosphere, Messaging)
	}
	return &Client{name: name, url: strings.TrimRight(baseURL, "/") + path, call: c}, nil
}

// Name returns the portal's name as given to New.
func (c *Client) Name() string { return c.name }

// Authenticate exchanges a username and password for a token, which is good
// for 24 hours from the call. A 401 is Refused with ReasonSignIn: wrong
// username or password, or a right one without API access; where the portal's
// message says that it is the latter, with ReasonNotAllowed. An answer without
// a usable token (printable, at most 4 KiB) is Unanswered. Errors are *call.Error.
func (c *Client) Authenticate(ctx context.Context, username, password string) (token string, err error) {
	body, err := json.Marshal(struct { // #nosec G117 -- the password is sent to the portal
		Username string `json:"username"`
		Password string `json:"password"`
	}{username, password})
	if err != nil {
		return "", err
	}
	_, err = c.call.Do(ctx, call.Request{
		Op:     "sign in",
		Method: http.MethodPost,
		URL:    c.url,
		// The documentation warns that both headers are needed.
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:   body,
		// A second attempt with a wrong password could count towards a lock-out.
		Acts:    true,
		Secrets: []string{password},
		Check: func(r *call.Response) error {
			token, err = readToken(r)
			return err
		},
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// noAPIAccess finds the words of a portal that tells a missing API access from a
// wrong password; the documented answer does not.
var noAPIAccess = regexp.MustCompile(`(?i)\bapi\b.*\b(access|user|allowed|enabled|permission)|\b(access|allowed|enabled|permission)\b.*\bapi\b`)

func readToken(r *call.Response) (string, error) {
	if !r.OK() {
		e := r.Refusal()
		switch refused := r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden; {
		case refused && noAPIAccess.MatchString(e.Message):
			e.Reason = call.ReasonNotAllowed
		case r.Status == http.StatusUnauthorized:
			e.Reason = call.ReasonSignIn
		}
		return "", e
	}
	var answer struct {
		Token string `json:"token"`
	}
	if err := r.Object(&answer); err != nil {
		return "", err
	}
	switch {
	case strings.TrimSpace(answer.Token) == "":
		return "", r.Unintelligible("the answer has no token")
	case len(answer.Token) > maxToken:
		return "", r.Unintelligible("the token is too long")
	case strings.ContainsFunc(answer.Token, func(c rune) bool { return !unicode.IsPrint(c) || c == unicode.ReplacementChar }):
		return "", r.Unintelligible("the token has characters that do not print")
	}
	return answer.Token, nil
}
