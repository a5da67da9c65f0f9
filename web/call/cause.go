package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

var (
	errNotBuilt = errors.New("the request could not be built")
	errTooLarge = errors.New("the answer is too large")
	errDropped  = errors.New("the connection dropped before the whole answer")
	errNoConn   = errors.New("no connection could be made")
	errNotHTTP  = errors.New("the connection dropped or the answer was not HTTP")
)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &t) && t.Timeout()
}

// safeCause returns a cause fit for logs and pages. net/http's errors can
// quote the URL, the proxy's URL with its password, and lines of the answer,
// so only causes known to quote none of these are kept; the rest become a
// fixed sentence.
func safeCause(err error, sent bool) error {
	for _, known := range []error{context.Canceled, errTooLarge, errNotBuilt, http.ErrSchemeMismatch} {
		if errors.Is(err, known) {
			return known
		}
	}
	if isTimeout(err) {
		return context.DeadlineExceeded
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	if verify, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateCause(verify.Err)
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errDropped
	case sent:
		return errNotHTTP
	}
	return errNoConn
}

// certificateCause keeps the verification failures of crypto/x509, which quote
// only names in the certificate and the host's own.
func certificateCause(err error) error {
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return e
	}
	return errors.New("the certificate could not be verified")
}
