// Package ip1 is the client of iP1's SMS codes: make and send a code, check
// what a person typed, and the account's defaults. Every method sends one
// request, once; sending is not idempotent and costs money. Errors are
// *call.Error.
package ip1

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frontdesk/web/call"
)

// DefaultURL is iP1's public address.
const DefaultURL = "https://api.ip1sms.com"

// Credentials sign the calls: Token as a Bearer token when it is set (the
// newer generation of the API), else Account and Key by HTTP Basic.
type Credentials struct{ Account, Key, Token string }

// Set says whether there are credentials to call with.
func (c Credentials) Set() bool { return c.Token != "" || c.Account != "" && c.Key != "" }

// String leaves the secrets out.
func (c Credentials) String() string {
	return fmt.Sprintf("iP1 credentials of %q (redacted)", c.Account)
}

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// Format is String for every verb.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// LogValue is String, for log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client calls iP1 for one account. It is safe for concurrent use.
type Client struct {
	base  string
	creds Credentials
	call  *call.Client
}

// New returns a client of the API at baseURL.
func New(baseURL string, creds Credentials, c *call.Client) *Client {
	return &Client{base: strings.TrimRight(baseURL, "/"), creds: creds, call: c}
}

// Send is a code to make and send. What is nil is not sent, and falls back to
// the account's settings, then to iP1's defaults.
type Send struct {
	Phone string
	// From is the sender's name or number.
	From *string `json:",omitempty"`
	// MessageFormat must contain {0}, which becomes the code.
	MessageFormat *string `json:",omitempty"`
	// Length of the code, 3–25 characters.
	Length *int `json:",omitempty"`
	// ExpirationTime in seconds, 1–86400.
	ExpirationTime *int  `json:",omitempty"`
	NumericOnly    *bool `json:",omitempty"`
}

// Settings are the account's defaults; nil is unset. ConcurrentLimit is the
// number of active codes per phone number.
type Settings struct {
	ConcurrentLimit     *int
	From, MessageFormat *string
	// Length in characters, ExpirationTime in seconds.
	Length, ExpirationTime *int
	NumericOnly            *bool
}

// Authentication is a code that was sent; the code itself is never returned.
// Times are UTC by our own clock, whatever iP1's says; zero when absent or unreadable.
type Authentication struct {
	ID                 int64
	Phone              string
	Created, Expires   time.Time
	HasExpired, IsUsed bool
	// Used is when the code was used; nil until then.
	Used *time.Time
}

// Validation is iP1's judgement on a code. Authentication is nil where iP1
// gave none.
type Validation struct {
	Valid          bool
	Authentication *Authentication
}

// opSend names the one call that can run into the limit on active codes.
const opSend = "send code"

// Send makes a code and sends it by SMS. Too many active codes for the number
// is Refused with ReasonLimit. After Unanswered the SMS may have gone out.
func (c *Client) Send(ctx context.Context, s Send) (Authentication, error) {
	req, err := c.request(opSend, http.MethodPost, "/api/authentications", s)
	if err != nil {
		return Authentication{}, err
	}
	req.Acts = true
	return c.authentication(ctx, req)
}

// Get returns one authentication; ReasonNotFound if there is none.
func (c *Client) Get(ctx context.Context, id int64) (Authentication, error) {
	req, err := c.request("read code", http.MethodGet, "/api/authentications/"+strconv.FormatInt(id, 10), nil)
	if err != nil {
		return Authentication{}, err
	}
	return c.authentication(ctx, req)
}

// List returns all authentications. Elements without an ID are left out.
func (c *Client) List(ctx context.Context) ([]Authentication, error) {
	out := []Authentication{}
	err := c.Each(ctx, func(a Authentication) error {
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each hands all authentications to yield, one by one while the list arrives: it
// has no paging. Elements without an ID are left out. A list that is cut, or no
// array, is Unanswered; what was yielded until then is not the whole list. yield's
// error ends the call and is returned as it is. So is a list of which nothing can be
// read Unanswered.
func (c *Client) Each(ctx context.Context, yield func(Authentication) error) error {
	req, err := c.request("list codes", http.MethodGet, "/api/authentications", nil)
	if err != nil {
		return err
	}
	req.Long = true
	return c.call.Stream(ctx, req, func(r *call.Response, body io.Reader) error {
		if !r.OK() {
			return refusal(r)
		}
		return eachAuthentication(r, body, func(w wireAuthentication) error { return yield(c.read(w)) })
	})
}

// Account is whose codes these are; "" for a Bearer token, which does not say.
func (c *Client) Account() string { return c.creds.Account }

// Validate checks a code that a person typed; a valid code becomes used. An
// invalid one is no error.
func (c *Client) Validate(ctx context.Context, phone, code string) (Validation, error) {
	req, err := c.request("verify code", http.MethodPost, "/api/authentications/validate", struct{ Phone, Code string }{phone, code})
	if err != nil {
		return Validation{}, err
	}
	req.Acts = true
	req.Secrets = append(req.Secrets, code)
	var out Validation
	req.Check = func(r *call.Response) error {
		if !r.OK() {
			return refusal(r)
		}
		var answer struct {
			Valid          *flag
			Authentication json.RawMessage
		}
		if err := r.Object(&answer); err != nil {
			return err
		}
		if answer.Valid == nil {
			return r.Unintelligible("the answer does not say whether the code is valid")
		}
		out.Valid = bool(*answer.Valid)
		// The judgement counts; an odd record beside it takes nothing from it.
		var w wireAuthentication
		if json.Unmarshal(answer.Authentication, &w) == nil && w.ID > 0 {
			a := c.read(w)
			out.Authentication = &a
		}
		return nil
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return Validation{}, err
	}
	return out, nil
}

// Settings returns the account's defaults.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	req, err := c.request("read SMS settings", http.MethodGet, "/api/authentications/settings", nil)
	if err != nil {
		return Settings{}, err
	}
	return c.settings(ctx, req, nil)
}

// PutSettings replaces the account's defaults, nil unsetting one, and returns
// them as iP1 holds them now. A 204 is taken for "as sent".
func (c *Client) PutSettings(ctx context.Context, s Settings) (Settings, error) {
	req, err := c.request("change SMS settings", http.MethodPut, "/api/authentications/settings", s)
	if err != nil {
		return Settings{}, err
	}
	req.Acts = true
	return c.settings(ctx, req, &s)
}
