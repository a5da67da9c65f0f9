package ip1

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frontdesk/web/call"
)

// request starts a request with the account's credentials and body as JSON;
// nil is no body.
func (c *Client) request(op, method, path string, body any) (call.Request, error) {
	req := call.Request{
		Op:      op,
		Method:  method,
		URL:     c.base + path,
		Header:  http.Header{"Accept": {"application/json"}},
		Secrets: []string{c.creds.Key, c.creds.Token},
	}
	if c.creds.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.creds.Token)
	} else {
		basic := base64.StdEncoding.EncodeToString([]byte(c.creds.Account + ":" + c.creds.Key))
		req.Header.Set("Authorization", "Basic "+basic)
		req.Secrets = append(req.Secrets, strings.TrimRight(basic, "=")) // it may be repeated without its padding
	}
	if body == nil {
		return req, nil
	}
	req.Header.Set("Content-Type", "application/json")
	var err error
	req.Body, err = json.Marshal(body)
	return req, err
}

// authentication sends the request and reads one authentication. One without
// an ID is no answer: a code that went out could not be found again.
func (c *Client) authentication(ctx context.Context, req call.Request) (Authentication, error) {
	var w wireAuthentication
	req.Check = func(r *call.Response) error {
		if !r.OK() {
			return refusal(r)
		}
		if err := r.Object(&w); err != nil {
			return err
		}
		if w.ID <= 0 {
			return r.Unintelligible("the answer has no ID")
		}
		return nil
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return Authentication{}, err
	}
	return c.read(w), nil
}

// settings sends the request and reads the settings; sent is what a 204 means.
func (c *Client) settings(ctx context.Context, req call.Request, sent *Settings) (Settings, error) {
	var out Settings
	req.Check = func(r *call.Response) error {
		if !r.OK() {
			return refusal(r)
		}
		if r.Status == http.StatusNoContent && sent != nil {
			out = *sent
			return nil
		}
		var w struct {
			ConcurrentLimit        *whole
			From, MessageFormat    *call.Text
			Length, ExpirationTime *whole
			NumericOnly            *flag
		}
		if err := r.Object(&w); err != nil {
			return err
		}
		out = Settings{
			ConcurrentLimit: intOf(w.ConcurrentLimit),
			From:            (*string)(w.From), MessageFormat: (*string)(w.MessageFormat),
			Length: intOf(w.Length), ExpirationTime: intOf(w.ExpirationTime),
			NumericOnly: (*bool)(w.NumericOnly),
		}
		return nil
	}
	if _, err := c.call.Do(ctx, req); err != nil {
		return Settings{}, err
	}
	return out, nil
}

// wireAuthentication is an authentication as iP1 sends it. encoding/json
// matches the names in any case.
type wireAuthentication struct {
	ID                     whole
	Phone                  call.Text
	Created, Expires, Used date
	HasExpired, IsUsed     flag
}

// eachAuthentication reads the list. The decoder's errors can quote it, so they are
// replaced by fixed sentences.
func eachAuthentication(r *call.Response, body io.Reader, yield func(wireAuthentication) error) error {
	dec := json.NewDecoder(body)
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return r.Unintelligible("the answer is not a JSON array")
	}
	var raw json.RawMessage
	listed, read := 0, 0
	for dec.More() {
		raw = raw[:0]
		listed++
		if dec.Decode(&raw) != nil {
			return r.Unintelligible("the list breaks off")
		}
		r.Element(raw)
		var w wireAuthentication
		if json.Unmarshal(raw, &w) != nil || w.ID <= 0 {
			continue
		}
		read++
		if err := yield(w); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return r.Unintelligible("the list breaks off")
	}
	// What follows the array must be nothing.
	if _, err := dec.Token(); err != io.EOF {
		return r.Unintelligible("the list does not end where it should")
	}
	if listed > 0 && read == 0 {
		return r.Unintelligible("nothing in the list can be read")
	}
	return nil
}

// read makes an authentication of what was just answered: its times are by iP1's
// clock, which the answer's Date told, and become ours.
func (c *Client) read(w wireAuthentication) Authentication {
	ahead := c.call.Ahead()
	ours := func(d date) time.Time {
		if t := time.Time(d); !t.IsZero() {
			return t.Add(-ahead)
		}
		return time.Time{}
	}
	a := Authentication{
		ID: int64(w.ID), Phone: string(w.Phone),
		Created: ours(w.Created), Expires: ours(w.Expires),
		HasExpired: bool(w.HasExpired), IsUsed: bool(w.IsUsed),
	}
	if used := ours(w.Used); !used.IsZero() {
		a.Used = &used
	}
	return a
}

// whole is an integer given as a number or as text; null is 0.
type whole int64

func (n *whole) UnmarshalJSON(raw []byte) error {
	var t call.Text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	*n = whole(v)
	return err
}

func intOf(n *whole) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

// flag is a boolean given as such or as text; null is false.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	var t call.Text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	switch strings.ToLower(string(t)) {
	case "true":
		*f = true
	case "false", "":
		*f = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}

// date is a time that never fails to decode: an odd date must not turn an SMS
// that went out into an unknown outcome. What cannot be read is zero, and so
// is .NET's year 1.
type date time.Time

func (d *date) UnmarshalJSON(raw []byte) error {
	var t call.Text
	if !bytes.HasPrefix(raw, []byte(`"`)) || t.UnmarshalJSON(raw) != nil {
		*d = date{}
		return nil
	}
	*d = date(parseTime(string(t)))
	return nil
}

// parseTime reads ISO 8601 with a T or a space, any number of fractional
// digits, and Z, an offset or nothing, which is UTC. Zero if it cannot.
func parseTime(s string) time.Time {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
		"2006-01-02T15:04:05 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
	} {
		// A fraction after the seconds is read though no layout shows one.
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
