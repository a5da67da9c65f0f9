package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds every request body that the sandbox reads.
const maxBody = 64 << 10

// hugeBody is how much space follows an answer whose body is "huge", in bytes: it is
// whole and right, and more than anybody should read.
const hugeBody = 10 << 20

// call is one request to a service, its body already read.
type call struct {
	*http.Request
	path string // escaped, without the mount: "/customer/a%2Fb/auth"
	body []byte
	base string // the sandbox's own public address
}

// reply is an answer before it is sent. Services return replies instead of
// writing them, so that a fault can break or drop the answer after the work.
type reply struct {
	status int
	header http.Header
	chunks [][]byte // the body in pieces: a long list is never joined
}

func (p reply) size() (n int) {
	for _, c := range p.chunks {
		n += len(c)
	}
	return n
}

// extend gives an object, or each that stands in a list by itself, one more field: the
// contract has none of them for ever.
func (p reply) extend(field string) {
	for i, c := range p.chunks {
		if n := len(c); n > 2 && c[0] == '{' && c[n-1] == '}' {
			longer := append(make([]byte, 0, n+len(field)+16), c[:n-1]...) // the list's pieces are shared
			p.chunks[i] = fmt.Appendf(longer, `,%s:"more"}`, encodeJSON(field))
		}
	}
}

// with adds a header and returns the reply.
func (p reply) with(name, value string) reply {
	p.header.Set(name, value)
	return p
}

// message is the JSON that ATOM and the sandbox's own endpoints explain themselves with.
type message struct {
	Message string `json:"message"`
}

func textReply(status int, contentType, body string) reply {
	p := reply{status: status, header: http.Header{"Content-Type": {contentType}}}
	if body != "" {
		p.chunks = [][]byte{[]byte(body)}
	}
	return p
}

func jsonReply(status int, v any) reply {
	return textReply(status, "application/json; charset=utf-8", string(encodeJSON(v)))
}

// encodeJSON leaves <, > and & alone, as the services do.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only our own types get here; one that cannot be encoded is a bug.
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func writeReply(w http.ResponseWriter, p reply) { writePart(w, p, p.size()) }

// writePart announces the whole body but sends only its first n bytes. When
// that is less than all, net/http closes the connection, and the caller reads
// an unexpected end.
func writePart(w http.ResponseWriter, p reply, n int) {
	h := w.Header()
	for name, values := range p.header {
		h[name] = values
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.status != http.StatusNoContent && p.status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(p.size()))
	}
	w.WriteHeader(p.status)
	out := bufio.NewWriterSize(w, 64<<10)
	defer out.Flush()
	for _, c := range p.chunks {
		if len(c) > n {
			c = c[:n]
		}
		if _, err := out.Write(c); err != nil {
			return // the caller has gone away
		}
		if n -= len(c); n == 0 {
			return
		}
	}
}

// drop ends the connection without an answer; with reset, by TCP RST.
func drop(w http.ResponseWriter, reset bool) {
	hj, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler) // HTTP/2: net/http resets the stream
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if reset {
		inner := conn
		if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
			inner = t.NetConn()
		}
		if tcp, ok := inner.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // unsupported: an ordinary close has to do
			conn = inner         // closing TLS properly would send an alert first
		}
	}
	_ = conn.Close()
}

// serveService runs one call to a service: journal, faults before the work,
// the work, faults after it. The order is the promise that tests rely on.
func (s *Server) serveService(w http.ResponseWriter, r *http.Request, service, path string, work func(*call) reply) {
	// Drawn first: a change of faults can no longer spare a call that the journal shows.
	f, luck := s.control.draw(service)
	entry := s.journal.begin(s.now(), service, r)

	// The body is read first of all: net/http notices that a caller has gone
	// away only once the body has been consumed.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			s.journal.end(entry, 0)
			drop(w, false)
			return
		}
		p := failure(service, http.StatusRequestEntityTooLarge)
		s.journal.end(entry, p.status)
		writeReply(w, p)
		return
	}

	// A caller who gives up during the latency does not undo the work: a slow
	// service goes on without them.
	wait(r, f.Latency.Duration)
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-f.released:
		}
		fallthrough
	case f.Reset:
		s.journal.end(entry, 0)
		drop(w, f.Reset)
		return
	}

	var p reply
	switch {
	case f.Status != 0:
		if p = failure(service, f.Status); f.RetryAfter.Duration > 0 {
			p = p.with("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
		}
	case luck.fails:
		p = failure(service, http.StatusInternalServerError)
	default:
		p = work(&call{Request: r, path: path, body: body, base: s.publicURL(r)})
		if f.LoseAnswer || luck.loses {
			s.journal.end(entry, 0)
			drop(w, false)
			return
		}
		if f.Body != "" && f.Body != "huge" {
			// A broken body under a status that promises a good one.
			p.status = http.StatusOK
			p.header.Del("Location")
		}
		if f.ExtraField != "" {
			p.extend(f.ExtraField)
		}
	}
	n := p.size()
	switch f.Body {
	case "html":
		p = textReply(p.status, "text/html; charset=utf-8",
			"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>The site is under maintenance</h1></body></html>")
		n = p.size()
	case "empty":
		p.chunks, n = nil, 0
	case "garbage":
		p.chunks = [][]byte{[]byte("\x1f\x8b\x08\x00{]\xff\xfe\x00not json\x80\x81\"}:,\n")}
		n = p.size()
	case "types":
		p.chunks = [][]byte{otherTypes(p.chunks)}
		n = p.size()
	case "huge":
		p.chunks = append(p.chunks, bytes.Repeat([]byte(" "), hugeBody))
		n = p.size()
	case "truncated":
		if n < 2 {
			p.chunks = [][]byte{[]byte(`{"message":""}`)}
		}
		n = p.size() / 2
	}
	s.journal.end(entry, p.status)
	// Dated by the service's own clock, which may be set wrong.
	w.Header().Set("Date", s.now().Add(s.control.get(service).Clock.Duration).UTC().Format(http.TimeFormat))
	writePart(w, p, n)
}

// otherTypes is an answer in which each field's value is of another type than was
// agreed, an array that holds it: the shape is right, and nothing in it can be used.
func otherTypes(chunks [][]byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(bytes.Join(chunks, nil)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil { // no JSON: a redirect has no body
		return []byte("[]")
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, element := range list {
		if fields, ok := element.(map[string]any); ok {
			for name, value := range fields {
				fields[name] = []any{value}
			}
		}
	}
	return encodeJSON(v)
}

// failure is a service's own way of answering a status that has nothing to do
// with the call.
func failure(service string, status int) reply {
	text := http.StatusText(status)
	if text == "" {
		text = "Status " + strconv.Itoa(status)
	}
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified:
		return reply{status: status, header: http.Header{}}
	case status < 400:
		return jsonReply(status, struct{}{})
	case service == servicePortal:
		return portalFailure(status)
	case service == serviceIP1:
		return jsonReply(status, ip1Message{text})
	default:
		return jsonReply(status, message{text})
	}
}

// isJSON reports whether a Content-Type is application/json, whatever its parameters.
func isJSON(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == "application/json"
}

// acceptsJSON reports whether application/json is named in an Accept header.
// A wildcard is not enough: the portals' documents ask for the type itself.
func acceptsJSON(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			if isJSON(part) {
				return true
			}
		}
	}
	return false
}

// segments takes an escaped path apart, then decodes each piece: an encoded
// slash belongs to its segment.
func segments(path string) ([]string, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, p := range parts {
		decoded, err := url.PathUnescape(p)
		if err != nil {
			return nil, false
		}
		parts[i] = decoded
	}
	return parts, true
}
