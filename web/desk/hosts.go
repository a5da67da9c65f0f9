package desk

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// SSOHosts says where an SSO redirect may go.
type SSOHosts struct {
	patterns []hostPattern // none: any https host
	loopback bool          // plain http to loopback is allowed, for trying things out
}

type hostPattern struct {
	host string // lower case; with a leading dot it matches any depth below, not the name itself
	port string
}

// ParseSSOHosts reads FRONTDESK_SSO_HOSTS: patterns such as
// "*.atom.works,ads.example.com:8443"; without a port only 443. atomURL is
// ATOM's base: plain http to loopback is allowed only when ATOM itself is http
// on loopback.
func ParseSSOHosts(list, atomURL string) (SSOHosts, error) {
	var h SSOHosts
	if u, err := url.Parse(atomURL); err == nil {
		h.loopback = u.Scheme == "http" && isLoopback(u.Hostname())
	}
	for text := range strings.SplitSeq(list, ",") {
		text = strings.ToLower(strings.TrimSpace(text))
		if text == "" {
			continue
		}
		p := hostPattern{host: text, port: "443"}
		if host, port, err := net.SplitHostPort(text); err == nil {
			p = hostPattern{host: host, port: port}
		}
		p.host = strings.TrimSuffix(p.host, ".")
		if rest, ok := strings.CutPrefix(p.host, "*."); ok {
			p.host = "." + rest
		}
		u, err := url.Parse("https://" + strings.TrimPrefix(p.host, ".") + ":" + p.port)
		if err != nil || u.Hostname() == "" || u.Path != "" || u.User != nil || strings.ContainsAny(p.host, "*/?#@ ;'\"") || strings.ContainsFunc(p.host, unicode.IsControl) || !digitsOnly(p.port) {
			return h, fmt.Errorf("%q is not a host pattern such as *.atom.works or ads.example.com:8443", text)
		}
		h.patterns = append(h.patterns, p)
	}
	return h, nil
}

// Allows returns an error that says why u is not a place to send somebody.
func (h SSOHosts) Allows(u *url.URL) error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case host == "" || host[0] == '.': // an empty label would pass for a wildcard itself
		return told{"The link names no host. You were not sent there."}
	case u.User != nil:
		return told{"The link carries a user name. You were not sent there."}
	case u.Scheme == "http":
		if h.loopback && isLoopback(host) {
			return nil
		}
		return told{"The link is not https. You were not sent there."}
	case u.Scheme != "https":
		return told{"The link is neither https nor http. You were not sent there."}
	case len(h.patterns) == 0:
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	for _, p := range h.patterns {
		if p.port == port && (p.host == host || strings.HasPrefix(p.host, ".") && strings.HasSuffix(host, p.host) && host != p.host) {
			return nil
		}
	}
	return told{"Its host is not among the allowed ones. You were not sent there."}
}

// FormAction is the list of sources that a page's CSP form-action must admit
// beside 'self' for an SSO form to reach its end: browsers hold the redirect to
// it too.
func (h SSOHosts) FormAction() string {
	var sources []string
	if len(h.patterns) == 0 {
		sources = append(sources, "https:")
	}
	for _, p := range h.patterns {
		host := p.host
		if strings.HasPrefix(host, ".") {
			host = "*" + host
		}
		if p.port != "443" {
			host += ":" + p.port
		}
		sources = append(sources, "https://"+host)
	}
	if h.loopback {
		sources = append(sources, "http://localhost:*", "http://127.0.0.1:*")
	}
	return strings.Join(sources, " ")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func digitsOnly(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
