package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// tracing is where traces go and what of requests is believed, by the standard's
// OTEL_ variables. The sampler, the resource, the batches and the limits of spans the
// SDK reads by itself.
type tracing struct {
	Endpoint *url.URL // nil: off
	Headers  http.Header
	Timeout  time.Duration // of one post
	Gzip     bool
	TLS      *tls.Config // nil: the system's authorities
	Believe  bool        // the traceparent of requests
}

// tracingTimeout is the standard's.
const tracingTimeout = 10 * time.Second

// otelVariables reads the standard's variables. Where there are two, the one for traces alone
// counts.
type otelVariables struct {
	*checker
	env func(string) (string, bool)
}

func (o otelVariables) get(names ...string) (name, value string) {
	for _, name = range names {
		if value, _ = o.env(name); strings.TrimSpace(value) != "" {
			return name, strings.TrimSpace(value)
		}
	}
	return name, ""
}

// exporter is get of one of the exporter's variables.
func (o otelVariables) exporter(name string) (string, string) {
	return o.get("OTEL_EXPORTER_OTLP_TRACES_"+name, "OTEL_EXPORTER_OTLP_"+name)
}

// bad notes a problem. Values are not repeated: headers and addresses can hold secrets.
func (o otelVariables) bad(name, problem string) {
	o.problems = append(o.problems, name+": "+problem)
}

// tracing is off unless the standard's variables name a collector.
func (k *checker) tracing(env func(string) (string, bool)) (t tracing) {
	if env == nil {
		return tracing{}
	}
	o := otelVariables{k, env}
	if _, disabled := o.get("OTEL_SDK_DISABLED"); strings.EqualFold(disabled, "true") {
		return tracing{}
	}
	switch name, exporter := o.get("OTEL_TRACES_EXPORTER"); exporter {
	case "", "otlp":
	case "none":
		return tracing{}
	default:
		o.bad(name, "frontdesk knows otlp and none")
	}
	name, endpoint := o.exporter("ENDPOINT")
	if endpoint == "" {
		return tracing{}
	}
	u, err := url.Parse(endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		o.bad(name, "not an http or https address")
		return tracing{}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		o.bad(name, "an address without user, query or fragment, please; secrets belong into OTEL_EXPORTER_OTLP_HEADERS")
	}
	switch {
	case name == "OTEL_EXPORTER_OTLP_ENDPOINT": // the base of all signals' addresses
		u.Path = path.Join("/", u.Path, "v1/traces")
	case u.Path == "":
		u.Path = "/"
	}
	t = tracing{Endpoint: u, Timeout: tracingTimeout}
	if name, protocol := o.exporter("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		o.bad(name, "frontdesk sends traces by http/protobuf only; remove this, or set it to that")
	}
	switch name, compression := o.exporter("COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		t.Gzip = true
	default:
		o.bad(name, "neither gzip nor none")
	}
	if name, timeout := o.exporter("TIMEOUT"); timeout != "" {
		ms, err := strconv.Atoi(timeout)
		if err != nil || ms <= 0 {
			o.bad(name, "not a number of milliseconds")
		}
		t.Timeout = time.Duration(ms) * time.Millisecond
	}
	t.Headers = o.headers()
	t.TLS = o.tls()
	t.Believe = o.believes()
	return t
}

// headers are name=value, with commas between; a value is percent-encoded.
func (o otelVariables) headers() http.Header {
	headers := http.Header{}
	name, text := o.exporter("HEADERS")
	for _, pair := range list(text) {
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || err != nil || !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(value) {
			o.bad(name, "headers are written as name=value,name=value, the values percent-encoded")
			return nil
		}
		headers.Set(key, value)
	}
	return headers
}

// tls reads the authorities that the collector's certificate is checked against, and
// the certificate that is shown to it.
func (o otelVariables) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	name, file := o.exporter("CERTIFICATE")
	if file != "" {
		pem, err := os.ReadFile(file) // #nosec G304 -- the operator names the file
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(pem) {
			o.bad(name, "no certificate can be read from this file")
		}
	}
	name, cert := o.exporter("CLIENT_CERTIFICATE")
	_, key := o.exporter("CLIENT_KEY")
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			o.bad(name, "no certificate can be read from this file, with its key in "+strings.Replace(name, "CERTIFICATE", "KEY", 1))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if config.RootCAs == nil && config.Certificates == nil {
		return nil
	}
	return config
}

// believes tells whether a request says which trace it belongs to: only when the
// operator asks for it, since whoever can reach the sign-in page could say so.
func (o otelVariables) believes() (traceContext bool) {
	name, text := o.get("OTEL_PROPAGATORS")
	for _, propagator := range list(text) {
		switch propagator {
		case "tracecontext":
			traceContext = true
		case "baggage", "none": // nothing of it is used
		default:
			o.bad(name, "frontdesk knows tracecontext, baggage and none")
			return false
		}
	}
	return traceContext
}
