package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	collectorWait  = time.Second     // before the first new try; doubles
	collectorWaits = 8 * time.Second // the longest of these waits
	collectorReads = 64 << 10        // bytes of an answer, which are not looked at
)

// collector posts spans by OTLP over HTTP. The exporter that OpenTelemetry has for
// that brings gRPC along, of which it uses nothing, and 3 MB of the binary.
type collector struct {
	tracing
	http   http.Client
	stopCh chan struct{}
	first  time.Duration // collectorWait; tests that must not wait set their own
}

func newCollector(t tracing) *collector {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: t.TLS, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	return &collector{tracing: t, stopCh: make(chan struct{}), first: collectorWait, http: http.Client{
		Transport: transport, Timeout: t.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the headers are for this address alone
	}}
}

// Start implements otlptrace.Client: there is nothing to start.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client: what is under way is given up by stop.
func (c *collector) Stop(context.Context) error { return nil }

// stop gives up what is under way.
func (c *collector) stop() {
	close(c.stopCh)
	c.http.CloseIdleConnections()
}

// UploadTraces implements otlptrace.Client. It tries again for as long as ctx lets it
// when the collector is away or says that it is busy.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The bytes are those of an ExportTraceServiceRequest, which has this one field too.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if c.Gzip {
		if body, err = zipped(body); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.stopCh:
			cancel()
		case <-ctx.Done():
		}
	}()
	for wait := c.first; ; wait = min(2*wait, collectorWaits) {
		asked, again, err := c.post(ctx, body)
		if err == nil || !again {
			return err
		}
		select {
		case <-time.After(max(wait, asked)):
		case <-ctx.Done():
			return err
		}
	}
}

// post sends once. again says that a later try may do better, asked after which time
// the collector wants it.
func (c *collector) post(ctx context.Context, body []byte) (asked time.Duration, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	if c.Headers != nil {
		req.Header = c.Headers.Clone()
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "frontdesk")
	if c.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := c.http.Do(req)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // it quotes the address
		}
		return 0, true, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, collectorReads)) // so that the connection is kept
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 when it is a date
		return time.Duration(min(max(seconds, 0), 60)) * time.Second, true, fmt.Errorf("the collector answers with status %d", res.StatusCode)
	}
	if res.StatusCode/100 != 2 {
		return 0, false, fmt.Errorf("the collector answers with status %d", res.StatusCode)
	}
	return 0, false, nil
}

func zipped(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}
