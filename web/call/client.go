package call

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Body and header bounds, in bytes.
const (
	maxBody     = 1 << 20   // one object or a short answer
	maxListBody = 256 << 20 // 100,000 customers are tens of MB
	maxHeader   = 64 << 10  // a Location with a long sign-in token fits
)

// Limits are the time limits of calls; a zero is replaced by the default.
type Limits struct {
	// Connect is for DNS and TCP, and again for the TLS handshake. 5 s.
	Connect time.Duration
	// Act is for a whole call, connecting and reading the answer included. 15 s.
	Act time.Duration
	// List is the same for calls whose answer is long. 120 s.
	List time.Duration
	// Place is how long a call waits while too many are under way. 2 s.
	Place time.Duration
	// Failures are so many in a row that further calls are held back. 5; below 0
	// they never are.
	Failures int
	// Rest is for how long they are held back, before one tries again. 15 s.
	Rest time.Duration
}

func (l Limits) withDefaults() Limits {
	if l.Connect <= 0 {
		l.Connect = 5 * time.Second
	}
	if l.Act <= 0 {
		l.Act = 15 * time.Second
	}
	if l.List <= 0 {
		l.List = 120 * time.Second
	}
	if l.Place <= 0 {
		l.Place = 2 * time.Second
	}
	if l.Failures == 0 {
		l.Failures = 5
	}
	if l.Rest <= 0 {
		l.Rest = 15 * time.Second
	}
	return l
}

// shortBuffer is the size of an acting call's buffers, in bytes: each makes its own, for one
// short question and one short answer. What is longer passes them by.
const shortBuffer = 1 << 10

// Client sends the calls to one service. Its connections and its bounds are its
// own: a service that hangs takes nothing from another. It is safe for concurrent
// use.
type Client struct {
	service string
	limits  Limits
	stats   *Stats
	act     *http.Transport
	read    *http.Transport
	acts    *gate // short reads too
	lists   *gate
}

// New returns a client for a service, whose name appears in errors and health.
// stats may be nil.
func New(service string, limits Limits, stats *Stats) *Client {
	limits = limits.withDefaults()
	c := &Client{service: service, limits: limits, stats: stats}
	c.acts = newGate(service, "acts", peoplePlaces, jobPlaces, limits)
	c.lists = newGate(service, "lists", listPlaces, 0, limits)
	if stats != nil {
		stats.watch(c.acts, c.lists)
	}

	// A transport re-sends a request by itself when a reused connection drops
	// before the answer, also a GET that acts. A connection that serves one
	// request only is never a reused one.
	c.act = transport(limits)
	c.act.DisableKeepAlives = true
	c.act.ReadBufferSize, c.act.WriteBufferSize = shortBuffer, shortBuffer

	c.read = transport(limits)
	c.read.MaxIdleConnsPerHost = 4
	c.read.IdleConnTimeout = 60 * time.Second
	return c
}

func transport(limits Limits) *http.Transport {
	// HTTP/1.1 only: an HTTP/2 transport re-sends after REFUSED_STREAM and
	// GOAWAY, and shares one connection between calls.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: limits.Connect}).DialContext,
		TLSHandshakeTimeout:    limits.Connect,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              protocols,
	}
}

// Request is one call.
type Request struct {
	// Op is the short name of the call, for errors and health.
	Op     string
	Method string
	// URL is absolute. It may hold secrets; it never reaches an error.
	URL    string
	Header http.Header
	Body   []byte
	// Acts marks a call with an effect, whatever its method: it gets a
	// connection of its own, so that nothing below re-sends it.
	Acts bool
	// Long selects the list's time limit, body bound and places.
	Long bool
	// MaxBytes bounds the decompressed body; 0 means 1 MiB, or 256 MiB when Long.
	MaxBytes int64
	// Secrets are masked wherever the service's message repeats them.
	Secrets []string
	// Check reads the answer before Do returns: its error is Do's, and is
	// what the service's health remembers. Without it only the status counts.
	Check func(*Response) error
}

// Response is an answer. Body is whole and within the bound for a 2xx. For
// other statuses the status itself is the answer: the body is best effort, and
// not read for a 3xx.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	service, op string
	mask        masker
	valid       bool // Body was found to be JSON
	list        list
}

// OK says whether the status is a 2xx.
func (r *Response) OK() bool { return r.Status/100 == 2 }

// Do sends the request once and reads the answer. Every status is an answer;
// errors are Check's, or an *Error for transport failures, time-outs, a 2xx body
// that is cut or over the bound, and a call that was turned away: Unreachable, with
// ErrHeld or ErrFull as its cause. Redirects are not followed.
func (c *Client) Do(ctx context.Context, req Request) (*Response, error) {
	x := c.begin(ctx, req)
	defer x.close()
	resp, body, err := x.send()
	if err != nil {
		return nil, x.end(err)
	}
	defer body.Close()
	if resp.OK() {
		if resp.Body, err = io.ReadAll(body); err != nil {
			return nil, x.end(x.failed(resp.Status, err))
		}
	} else {
		resp.Body = refusalBody(resp.Status, body)
	}
	if req.Check != nil {
		err := x.end(req.Check(resp))
		if x.learn(resp, err); err != nil {
			return nil, err
		}
		return resp, nil
	}
	if resp.Status >= 500 || resp.Status == http.StatusTooManyRequests {
		err = x.end(resp.Refusal())
	} else {
		x.end(nil)
	}
	x.learn(resp, err)
	return resp, nil
}

// Stream sends the request once and hands the answer to read. For a 2xx the
// reader is the bounded body; for any other status Response.Body holds the
// body and the reader is empty. A cut, oversized or late body makes Stream
// return an *Error whatever read made of it; otherwise read's error is
// returned as it is. Time that read spends on its own work counts towards the
// limit, not towards the service's response time.
func (c *Client) Stream(ctx context.Context, req Request, read func(*Response, io.Reader) error) error {
	x := c.begin(ctx, req)
	defer x.close()
	resp, body, err := x.send()
	if err != nil {
		return x.end(err)
	}
	defer body.Close()
	if !resp.OK() {
		resp.Body = refusalBody(resp.Status, body)
		err := x.end(read(resp, bytes.NewReader(nil)))
		x.learn(resp, err)
		return err
	}
	x.learn(resp, nil)
	x.waited = time.Since(x.start)
	err = read(resp, body)
	x.waited += body.waited
	if body.failed != nil {
		return x.end(x.failed(resp.Status, body.failed))
	}
	return x.end(err)
}

// CloseIdle closes the connections kept for reading calls.
func (c *Client) CloseIdle() { c.read.CloseIdleConnections() }

// exchange is one request on its way.
type exchange struct {
	client *Client
	req    Request
	caller context.Context
	ctx    context.Context // with the limit
	cancel context.CancelFunc
	span   trace.Span // nil: none is collected
	gate   *gate
	leave  func(verdict error) // gives the place back; nil: there is none
	turned bool                // the call was turned away
	broke  bool                // it broke off before its answer was whole
	start  time.Time
	waited time.Duration // time spent on the service; 0 = since start
	status int           // of the answer; 0 when none arrived
	dead   bool          // the caller's context had ended before the start
	sent   atomic.Bool   // a connection was obtained: assume that bytes left
	left   atomic.Int64  // when that was, in nanoseconds since start
}

func (c *Client) begin(ctx context.Context, req Request) *exchange {
	x := &exchange{client: c, req: req, caller: ctx, gate: c.acts, start: time.Now(), dead: ctx.Err() != nil}
	limit := c.limits.Act
	if req.Long {
		limit, x.gate = c.limits.List, c.lists
	}
	ctx, x.span = traced(ctx, c.service, req)
	x.ctx, x.cancel = context.WithTimeout(ctx, limit)
	return x
}

// enter passes the gate. The time it takes is within the call's limit, and none of
// the service's.
func (x *exchange) enter() error {
	leave, again, err := x.gate.enter(x.ctx)
	switch {
	case err == nil:
		x.leave, x.start = leave, time.Now()
		return nil
	case x.ctx.Err() != nil:
		return x.failed(0, err)
	}
	x.turned = true
	if x.client.stats != nil {
		x.client.stats.turnAway(x.gate, err)
	}
	return &Error{Service: x.client.service, Op: x.req.Op, Kind: Unreachable, RetryAfter: again, Err: err}
}

// close frees what the call holds; for one that ended in a panic too.
func (x *exchange) close() {
	x.cancel()
	x.free(errSaysNothing)
	if x.span != nil {
		x.span.End()
	}
}

func (x *exchange) free(verdict error) {
	if x.leave != nil {
		x.leave(verdict)
		x.leave = nil
	}
}

// send makes the round trip up to the answer's header.
func (x *exchange) send() (*Response, *boundedBody, error) {
	if x.dead {
		return nil, nil, x.failed(0, x.ctx.Err())
	}
	if err := x.enter(); err != nil {
		return nil, nil, err
	}
	// GotConn comes after DNS, TCP and TLS. From there on bytes may have left,
	// so it is the last moment at which "nothing was sent" is certain.
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			x.left.Store(int64(time.Since(x.start)))
			x.sent.Store(true)
		},
	})
	hr, err := http.NewRequestWithContext(ctx, x.req.Method, x.req.URL, bytes.NewReader(x.req.Body))
	if err != nil {
		return nil, nil, x.failed(0, errNotBuilt) // the cause quotes the URL
	}
	if len(x.req.Body) == 0 {
		hr.Body, hr.GetBody, hr.ContentLength = nil, nil, 0
	}
	if x.req.Header != nil {
		hr.Header = x.req.Header.Clone()
	}
	if hr.Header.Get("User-Agent") == "" {
		hr.Header.Set("User-Agent", "frontdesk")
	}
	tr := x.client.read
	if x.req.Acts {
		tr = x.client.act
		hr.GetBody = nil // a second guard: what cannot be rewound is not re-sent
	}
	// No trace header goes out either: see traced.
	// The transport is used without an http.Client, which would look into
	// redirects (and fail on an odd Location, quoting it) even when told not
	// to follow them, and which wraps errors with the URL.
	res, err := tr.RoundTrip(hr)
	if err != nil {
		return nil, nil, x.failed(0, err)
	}
	x.status = res.StatusCode
	if t, ok := x.ctx.Value(traceKey{}).(*Trace); ok {
		t.Status = res.StatusCode
	}
	if x.client.stats != nil { // before the answer is read: its times are by this clock
		x.client.stats.dated(x.client.service, res.Header, time.Since(x.start)-time.Duration(x.left.Load()))
	}
	limit := x.req.MaxBytes
	if limit <= 0 {
		limit = maxBody
		if x.req.Long {
			limit = maxListBody
		}
	}
	if res.StatusCode/100 != 2 {
		limit = min(limit, maxBody)
	}
	resp := &Response{
		Status: res.StatusCode, Header: res.Header,
		service: x.client.service, op: x.req.Op, mask: newMasker(x.req.Secrets),
	}
	return resp, &boundedBody{body: res.Body, left: limit}, nil
}

// failed makes the typed failure of a call that broke off. Once a status other
// than 2xx has arrived the call is answered, and failed is not used.
func (x *exchange) failed(status int, err error) *Error {
	x.broke = true
	e := &Error{Service: x.client.service, Op: x.req.Op, Kind: Unreachable, Status: status}
	// A call that only reads is tried again by the transport when a connection that was
	// kept turns out to be dead. That none can be made then is what counts.
	dial, _ := errors.AsType[*net.OpError](err)
	again := !x.req.Acts && dial != nil && dial.Op == "dial"
	if x.sent.Load() && !again {
		e.Kind = Unanswered
	}
	// A dial that the context ended says "operation was canceled"; the
	// context itself says which of the two it was.
	if x.ctx.Err() != nil {
		err = x.ctx.Err()
	}
	e.Timeout = isTimeout(err)
	e.Err = safeCause(err, x.sent.Load())
	return e
}

// end notes the call in the health and returns its error.
func (x *exchange) end(err error) error {
	x.free(x.verdict(err))
	x.told(err)
	if x.client.stats == nil || x.turned {
		return err
	}
	var e *Error
	switch {
	case x.dead, errors.Is(err, context.Canceled):
		return err // the caller gave up: says nothing about the service
	case err != nil && !errors.As(err, &e):
		return err // the caller's own error
	}
	waited := x.waited
	if waited == 0 {
		waited = time.Since(x.start)
	}
	x.client.stats.observe(x.client.service, x.req.Op, waited, x.status, e)
	return err
}

// refusalBody reads what can be had of the body of an answer that is not 2xx.
// A body that breaks off takes nothing from what the status said; a 3xx says
// everything in its header.
func refusalBody(status int, body *boundedBody) []byte {
	if status/100 == 3 {
		return nil
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil
	}
	return b
}

// boundedBody is an answer's body that fails, rather than ends, at its bound,
// and remembers the failure past a decoder that rewords it.
type boundedBody struct {
	body   io.ReadCloser
	left   int64
	waited time.Duration
	failed error
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	if len(p) == 0 {
		return 0, nil
	}
	// One byte more than allowed, to tell "at the bound" from "over it".
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	start := time.Now()
	n, err := b.body.Read(p)
	b.waited += time.Since(start)
	if int64(n) > b.left {
		b.failed = errTooLarge
		return 0, b.failed
	}
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.failed = err
	}
	return n, err
}

func (b *boundedBody) Close() error { return b.body.Close() }
