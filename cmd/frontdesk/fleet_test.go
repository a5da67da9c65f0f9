package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fleet are the dashboards at one database: one alone, or several replicas behind a
// load balancer, which people are sent to in turn.
type fleet struct {
	t   *testing.T
	e   []env
	up  []dashboard
	URL string // where people go
}

func startFleet(t *testing.T, e env, replicas int) *fleet {
	t.Helper()
	f := &fleet{t: t, e: []env{e}, URL: e["FRONTDESK_BASE_URL"]}
	if replicas > 1 {
		b := &balancer{}
		front := httptest.NewServer(b.proxy())
		t.Cleanup(front.Close)
		f.URL, f.e = front.URL, nil
		for range replicas {
			addr := freeAddr(t)
			f.e, b.hosts = append(f.e, e.with(env{"FRONTDESK_ADDR": addr, "FRONTDESK_BASE_URL": front.URL})), append(b.hosts, addr)
		}
	}
	for _, e := range f.e {
		f.up = append(f.up, startDashboard(t, e))
	}
	return f
}

// kill kills one of them and starts it again: at once, once more while it starts, after
// a stop in good order, or, of several, all together.
func (f *fleet) kill(dice *rand.Rand) {
	n := dice.IntN(len(f.up))
	how := dice.IntN(8)
	if len(f.up) == 1 {
		how = dice.IntN(4)
	}
	switch how {
	case 0:
		f.up[n].kill(f.t)
		f.up[n].process = start(f.t, f.t.TempDir(), f.e[n], "serve")
		time.Sleep(time.Duration(dice.IntN(150)) * time.Millisecond)
	case 4: // as when they are brought up to date
		f.up[n].signal(f.t, syscall.SIGTERM)
		f.up[n].exit(f.t)
		f.up[n] = startDashboard(f.t, f.e[n])
		return
	case 5:
		for i := range f.up {
			f.up[i].kill(f.t)
		}
		for i := range f.up {
			f.up[i] = startDashboard(f.t, f.e[i])
		}
		return
	}
	f.up[n].kill(f.t)
	f.up[n] = startDashboard(f.t, f.e[n])
}

// stop stops all of them in good order.
func (f *fleet) stop() {
	for _, d := range f.up {
		d.signal(f.t, syscall.SIGTERM)
	}
	for _, d := range f.up {
		d.exit(f.t)
	}
}

// balancer sends each request to the next of the hosts that takes connections, and to
// one only: when that one breaks off, so does the answer.
type balancer struct {
	hosts []string
	next  atomic.Int64
	http  http.Transport
}

func (b *balancer) proxy() http.Handler {
	return &httputil.ReverseProxy{
		Transport: b,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "next"})
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ErrorLog:     log.New(io.Discard, "", 0), // of answers that a kill cuts off
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	var err error
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	first := b.next.Add(1)
	for i := range b.hosts {
		one := r.Clone(r.Context())
		one.URL.Host = b.hosts[(int(first)+i)%len(b.hosts)]
		one.Body, one.GetBody = io.NopCloser(bytes.NewReader(body)), nil
		var res *http.Response
		res, err = b.http.RoundTrip(one)
		var broken *net.OpError
		if err == nil || !errors.As(err, &broken) || broken.Op != "dial" {
			return res, err
		}
	}
	return nil, err
}
