package desk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// Bounds of one request to a webhook, and of what is read of its answer.
const (
	webhookBytes  = 256 << 10
	webhookLimit  = 10 * time.Second
	webhookAnswer = 64 << 10
	webhookSecret = 24 // bytes at least, as Standard Webhooks recommends
)

// WebhookSink posts the log to an address as JSON lines, signed as Standard
// Webhooks (standardwebhooks.com) says.
type WebhookSink struct {
	url    *url.URL
	secret []byte
	calls  *call.Client
	now    func() time.Time
}

// ParseWebhookURL reads FRONTDESK_AUDIT_WEBHOOK_URL: https, or plain http to
// loopback. Its error does not quote the address, whose path or query can be
// what lets one in.
func ParseWebhookURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
		return nil, errors.New("not an https address")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("an address without user or fragment, please")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("the log goes out over https only; plain http is for loopback")
	}
	return u, nil
}

// ParseWebhookSecret reads FRONTDESK_AUDIT_WEBHOOK_SECRET: the bytes as they
// are, or, after "whsec_", in base64.
func ParseWebhookSecret(text string) ([]byte, error) {
	secret := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		var err error
		if secret, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("what follows whsec_ is not base64")
		}
	}
	if len(secret) < webhookSecret {
		return nil, fmt.Errorf("at least %d bytes; make one with: openssl rand -base64 32", webhookSecret)
	}
	return secret, nil
}

// NewWebhookSink returns a sink that posts to u, signed with secret.
func NewWebhookSink(u *url.URL, secret []byte) *WebhookSink {
	limits := call.Limits{Connect: webhookLimit / 2, Act: webhookLimit, Failures: -1} // its stream waits longer by itself
	return &WebhookSink{url: u, secret: secret, calls: call.New("webhook", limits, nil), now: time.Now}
}

// Name is "webhook".
func (w *WebhookSink) Name() string { return "webhook" }

// Target is the host: path and query can be secret.
func (w *WebhookSink) Target() string { return w.url.Host }

// Deliver posts as many of the entries as fit in one request, once. Any 2xx
// means that they were taken, whatever its body; redirects are not followed.
func (w *WebhookSink) Deliver(ctx context.Context, entries []audit.Entry) (int, error) {
	n, body := 0, []byte(nil)
	for i := range entries {
		end := len(body)
		body = append(entries[i].Canonical(body), '\n')
		if len(body) > webhookBytes && n > 0 {
			body = body[:end]
			break
		}
		n++
	}
	// The same entries have the same ID, so that a receiver can drop a repeat; the
	// sum keeps apart what two logs, or one begun anew, send to the same receiver.
	sum := sha256.Sum256(body)
	id := fmt.Sprintf("audit_%d_%d_%s", entries[0].ID, entries[n-1].ID, hex.EncodeToString(sum[:8]))
	stamp := strconv.FormatInt(w.now().Unix(), 10)
	head := http.Header{}
	head.Set("Content-Type", "application/x-ndjson")
	head.Set("Webhook-Id", id)
	head.Set("Webhook-Timestamp", stamp)
	head.Set("Webhook-Signature", "v1,"+w.sign(id, stamp, body))

	status := 0
	err := w.calls.Stream(ctx, call.Request{Method: http.MethodPost, URL: w.url.String(), Header: head, Body: body, MaxBytes: webhookAnswer},
		func(answer *call.Response, rest io.Reader) error {
			status = answer.Status
			if !answer.OK() {
				return answer.Refusal()
			}
			_, err := io.Copy(io.Discard, rest) // to its end, so that the connection serves again
			return err
		})
	if status/100 == 2 {
		return n, nil
	}
	return 0, undelivered(err)
}

func (w *WebhookSink) sign(id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, w.secret)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// undelivered puts a failed post into words. The client's errors hold no
// address and no header, so neither does this.
func undelivered(err error) error {
	var e *call.Error
	if !errors.As(err, &e) {
		return err
	}
	d := &deliveryError{RetryAfter: e.RetryAfter}
	switch {
	case e.Status != 0:
		d.Text = Say("it answered with status %s", e.Status)
		if e.Message != "" {
			d.Text = Say("it answered with status %s: %s", e.Status, e.Message)
		}
	case e.Kind == call.Unreachable && e.Timeout:
		d.Text = "it could not be reached in time"
	case e.Kind == call.Unreachable:
		d.Text, d.Err = "it could not be reached", e.Err
	case e.Timeout:
		d.Text = "it did not answer in time"
	default:
		d.Text, d.Err = "it gave no answer", e.Err
	}
	return d
}
