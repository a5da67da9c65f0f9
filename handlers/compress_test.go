package handlers

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"frontdesk/views"
)

// raw is an answer as it comes over the wire, with nothing unpacked.
func (b *browser) raw(method, path string, form url.Values, header ...string) (*http.Response, []byte) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.w.server.URL)
	}
	r.Header.Set("Accept-Encoding", "identity") // or the client would ask for gzip, and unpack it
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := b.c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, body
}

// lasting is a page without what differs each time that it is made.
func lasting(page string) string {
	return onceOnly.ReplaceAllString(page, "")
}

var onceOnly = regexp.MustCompile(`nonce="[^"]*"|content="20[^"]*"|"font-mono">[A-Z2-7]{12}<|value="[A-Z2-7]{20,}"|data-idle="\d+"`)

// TestPagesAreCompressedForThoseWhoTakeIt: the same page comes out of it, errors
// too, and who takes no gzip gets it plain, with its length.
func TestPagesAreCompressedForThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	b.get("/audit").wantStatus(http.StatusOK) // which goes on record, and is shown from then on
	for _, c := range []struct {
		path   string
		status int
	}{{"/", 200}, {"/customers", 200}, {views.CustomerPath(w.customer(emailFirst).CUID), 200}, {"/audit", 200}, {"/staff", 200}, {"/customers/none", 404}} {
		res, packed := b.raw(http.MethodGet, c.path, nil, "Accept-Encoding", "gzip, deflate, br, zstd")
		if res.StatusCode != c.status || res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: status %d, %v", c.path, res.StatusCode, res.Header)
			continue
		}
		if length := res.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(packed)) {
			t.Errorf("%s: %d bytes, and the length says %s", c.path, len(packed), length)
		}
		unpack, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(unpack)
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range [][]string{nil, {"Accept-Encoding", "gzip;q=0"}, {"Accept-Encoding", "br"}} {
			res, plain := b.raw(http.MethodGet, c.path, nil, header...)
			if res.StatusCode != c.status || res.Header.Get("Content-Encoding") != "" || res.Header.Get("Content-Length") != strconv.Itoa(len(plain)) {
				t.Errorf("%s, %v: status %d, %d bytes, %v", c.path, header, res.StatusCode, len(plain), res.Header)
			}
			if one, other := lasting(string(whole)), lasting(string(plain)); one != other {
				i := 0
				for i < min(len(one), len(other)) && one[i] == other[i] {
					i++
				}
				t.Errorf("%s, %v: unpacked it is another page from %q on, not %q", c.path, header, clip(one[i:], 300), clip(other[i:], 300))
			}
			if len(packed)*2 > len(plain) {
				t.Errorf("%s: %d bytes of %d", c.path, len(packed), len(plain))
			}
		}
		for _, accept := range []string{"gzip", "identity"} { // what has no body is not compressed, and tells the whole length
			res, body := b.raw(http.MethodHead, c.path, nil, "Accept-Encoding", accept)
			if res.StatusCode != c.status || len(body) != 0 || res.Header.Get("Content-Encoding") != "" || res.ContentLength <= int64(2*len(packed)) {
				t.Errorf("HEAD %s: status %d, %d bytes, %v", c.path, res.StatusCode, len(body), res.Header)
			}
		}
	}
}

// TestOnlyPagesAreCompressed: not what is compressed already, is a file, goes out
// part by part, or has no content.
func TestOnlyPagesAreCompressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	style := w.h.Assets.Path("app.css")
	for _, c := range []struct {
		path, encoding string
		status         int
		header         []string
	}{
		{style, "gzip", 200, nil}, {style, "", 304, []string{"If-None-Match", "*"}}, {"/healthz", "", 200, nil}, {"/session", "", 200, nil},
		{"/customers/export.csv", "", 200, nil}, {"/audit/export.jsonl", "", 200, nil}, {"/audit/checkpoint", "", 200, nil}, {"/login", "", 303, nil},
		{"/customers?country=", "", 303, nil}, {"/", "", 503, []string{"Sec-Purpose", "prefetch", "Cookie", "session=none"}},
	} {
		res, body := b.raw(http.MethodGet, c.path, nil, append([]string{"Accept-Encoding", "gzip"}, c.header...)...)
		if res.StatusCode != c.status || res.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s: status %d, %v", c.path, res.StatusCode, res.Header)
		}
		// An asset's own encoding is one and no more.
		if c.encoding == "gzip" {
			unpack, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(unpack); err != nil || !bytes.Contains(text, []byte("frontdesk-dark")) {
				t.Errorf("%s: %v", c.path, err)
			}
		}
	}
	events := w.listen(b, views.CustomerPath(w.customer(emailFirst).CUID)+"/events")
	if first := <-events; !strings.HasPrefix(first, "part: ") { // it came, and the stream goes on
		t.Errorf("the first event is %q", first)
	}
	select {
	case e, more := <-events:
		t.Errorf("then came %q, %v", e, more)
	default:
	}
}

// TestPagesWithSecretsAreNotCompressed: whoever can see the length of what goes over
// the wire must not learn from it what a page holds.
func TestPagesWithSecretsAreNotCompressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	answer := b.post(customer+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}, "receipt": {receipt()}}).location()
	revealed := b.post("/tokens/reveal", url.Values{"which": {"portal"}, "receipt": {receipt()}}).location()
	for _, c := range []struct {
		what, path, shows string
	}{
		{"key and token", answer, `id="key"`}, {"the portal token", revealed, `id="shown-token"`},
	} {
		res, body := b.raw(http.MethodGet, c.path, nil, "Accept-Encoding", "gzip, br")
		head := res.Header
		if res.StatusCode != http.StatusOK || head.Get("Content-Encoding") != "" || !bytes.Contains(body, []byte(c.shows)) {
			t.Errorf("%s: status %d, %v", c.what, res.StatusCode, head)
		}
		if head.Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%s: %d bytes, %v", c.what, len(body), head)
		}
		if head.Get("No-Gzip-Compression") != "" {
			t.Errorf("%s: %v", c.what, head)
		}
	}
}
