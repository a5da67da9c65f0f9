// Package atom is the client of the ATOM customer API: customers, sign-in
// links, passcodes and customer credentials. Every method sends one request,
// once. Errors are *call.Error unless a method says otherwise.
package atom

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"frontdesk/web/call"
)

// Client calls one ATOM installation with its App-level ("super") credentials.
// It is safe for concurrent use.
type Client struct {
	base                 string
	superKey, superToken string
	call                 *call.Client
}

// New returns a client of the installation at baseURL, which may have a path
// and a trailing slash.
func New(baseURL, superKey, superToken string, c *call.Client) *Client {
	return &Client{base: strings.TrimRight(baseURL, "/"), superKey: superKey, superToken: superToken, call: c}
}

// NewCustomer is what POST /customer takes. Company and Email are required by
// ATOM; empty fields are not sent.
type NewCustomer struct {
	Company string `json:"company,omitempty"`
	Email   string `json:"email,omitempty"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	Country string `json:"country,omitempty"`
	City    string `json:"city,omitempty"`
	Zip     string `json:"zip,omitempty"`
	State   string `json:"state,omitempty"`
	Phone   string `json:"phone,omitempty"`
	Website string `json:"website,omitempty"`
}

// CreateCustomer makes a customer and returns its credentials. It is not
// idempotent: after Unanswered the customer may or may not exist. An e-mail
// that is taken is Refused with ReasonExists.
func (c *Client) CreateCustomer(ctx context.Context, n NewCustomer) (Credentials, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return Credentials{}, err
	}
	// Exactly /customer, without the slash that the list has.
	req := c.app("create customer", http.MethodPost, "/customer")
	req.Acts = true
	req.Body = body
	req.Header.Set("Content-Type", "application/json")
	return c.credentials(ctx, req, asked{create: true})
}

// Customer asks for one customer's own record with that customer's key and
// token; the App-level credentials are not sent.
func (c *Client) Customer(ctx context.Context, cuid, key, token string) (Customer, error) {
	const op = "read customer"
	if cuid == "" {
		return Customer{}, noIdentifier(op)
	}
	var out Customer
	_, err := c.call.Do(ctx, call.Request{
		Op:     op,
		Method: http.MethodGet,
		URL:    c.base + "/customer/" + segment(cuid),
		Header: http.Header{
			"Accept":         {"application/json"},
			"X-Access-Key":   {key},
			"X-Access-Token": {token},
		},
		Secrets: []string{key, token},
		Check: func(r *call.Response) error {
			if !r.OK() {
				e := refusal(r, asked{identifier: cuid})
				if e.Reason == call.ReasonCredentials {
					e.Reason = call.ReasonCustomerKey // no others were sent
				}
				return e
			}
			var raw json.RawMessage
			if err := r.Object(&raw); err != nil {
				return err
			}
			var ok bool
			if out, ok = parseCustomer(names{}, raw); !ok {
				return r.Unintelligible("the answer has no usable cuid")
			}
			return nil
		},
	})
	if err != nil {
		return Customer{}, err
	}
	return out, nil
}

// SSO mints a sign-in link into the platform for the customer with this
// e-mail, and returns where ATOM redirects to: its Location, resolved against
// the request's URL and not otherwise judged. The URL is a secret.
func (c *Client) SSO(ctx context.Context, email string) (*url.URL, error) {
	const op = "open SSO"
	if email == "" {
		return nil, noIdentifier(op)
	}
	req := c.app(op, http.MethodGet, "/customer/"+segment(email)+"/sso")
	req.Acts = true
	var location *url.URL
	req.Check = func(r *call.Response) error {
		if r.Status/100 != 3 {
			return refusal(r, asked{identifier: email})
		}
		base, err := url.Parse(req.URL)
		if err != nil {
			return r.Unintelligible("the request's address cannot be read")
		}
		value := r.Header.Get("Location")
		if value == "" {
			return r.Unintelligible("the redirect has no Location")
		}
		// The parser's own error quotes the Location, so it is not kept.
		if location, err = base.Parse(value); err != nil {
			return r.Unintelligible("the redirect's Location cannot be read")
		}
		return nil
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return nil, err
	}
	return location, nil
}

// SendPasscode makes ATOM e-mail a passcode to the customer, and returns
// ATOM's message about it. It needs special provisioning.
func (c *Client) SendPasscode(ctx context.Context, email string) (message string, err error) {
	const op = "send passcode"
	if email == "" {
		return "", noIdentifier(op)
	}
	req := c.app(op, http.MethodGet, "/customer/"+segment(email)+"/passcode")
	req.Acts = true
	req.Check = func(r *call.Response) error {
		if !r.OK() {
			return refusal(r, asked{identifier: email})
		}
		var answer struct{ Message call.Text }
		if err := r.Object(&answer); err != nil {
			return err
		}
		if message = r.Clean(string(answer.Message)); message == "" {
			return r.Unintelligible("the answer has no message")
		}
		return nil
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return "", err
	}
	return message, nil
}

// RedeemPasscode exchanges the passcode that was e-mailed to the customer for
// credentials, newly made or renewed: those held so far may stop working. An
// expired or invalid passcode is Refused with ReasonPasscode.
func (c *Client) RedeemPasscode(ctx context.Context, email, passcode string) (Credentials, error) {
	const op = "redeem passcode"
	if email == "" {
		return Credentials{}, noIdentifier(op)
	}
	req := c.app(op, http.MethodGet, "/customer/"+segment(email)+"/auth?passcode="+escape(passcode))
	req.Acts = true
	req.Secrets = append(req.Secrets, passcode)
	return c.credentials(ctx, req, asked{identifier: email, passcode: true})
}

// CredentialsByCUID issues credentials, newly made or renewed, for a cuid, for
// which ATOM checks no passcode.
func (c *Client) CredentialsByCUID(ctx context.Context, cuid string) (Credentials, error) {
	const op = "issue credentials by cuid"
	if cuid == "" {
		return Credentials{}, noIdentifier(op)
	}
	req := c.app(op, http.MethodGet, "/customer/"+segment(cuid)+"/auth")
	req.Acts = true
	return c.credentials(ctx, req, asked{identifier: cuid})
}

// CredentialsNoPasscode issues credentials, newly made or renewed, for an
// e-mail. It needs special provisioning.
func (c *Client) CredentialsNoPasscode(ctx context.Context, email string) (Credentials, error) {
	const op = "issue credentials without passcode"
	if email == "" {
		return Credentials{}, noIdentifier(op)
	}
	req := c.app(op, http.MethodGet, "/customer/"+segment(email)+"/auth/nopasscode")
	req.Acts = true
	return c.credentials(ctx, req, asked{identifier: email})
}

// app starts a request with the App-level credentials. They go in headers:
// ATOM also takes them in the query, and URLs get logged.
func (c *Client) app(op, method, path string) call.Request {
	return call.Request{
		Op:     op,
		Method: method,
		URL:    c.base + path,
		Header: http.Header{
			"Accept":              {"application/json"},
			"X-Access-Superkey":   {c.superKey},
			"X-Access-Supertoken": {c.superToken},
		},
		Secrets: []string{c.superKey, c.superToken},
	}
}
