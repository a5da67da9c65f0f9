package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// addressed lets requests through that were meant for frontdesk's own address.
// A page elsewhere whose name was pointed at us (DNS rebinding) would otherwise
// count as our own origin to the browser.
func (h *Handlers) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Health is asked for by IP address.
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || h.isOwnHost(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		// A page would ask for its style sheet at the same wrong address. The name that was asked for is not repeated.
		visitOf(r).Route = "none"
		http.Error(w, "frontdesk is not at this address. Open "+h.BaseURL.String()+" instead.\n\n"+
			"If this is where it should be, tell your operator: a proxy in front of frontdesk must pass the Host header on\n"+
			"as the browser sent it, and FRONTDESK_BASE_URL must be the address that people open.\n\n"+
			"Request "+visitOf(r).ID, http.StatusMisdirectedRequest)
	})
}

// isOwnHost tells whether a Host header names the base URL's host. On a
// developer's own machine, where the base URL is a loopback address, each
// loopback name will do, with any port: none of them can be anybody else's.
func (h *Handlers) isOwnHost(host string) bool {
	asked := &url.URL{Scheme: h.BaseURL.Scheme, Host: host}
	if isLoopback(h.BaseURL.Hostname()) {
		return isLoopback(asked.Hostname())
	}
	return strings.EqualFold(asked.Hostname(), h.BaseURL.Hostname()) && portOf(asked) == portOf(h.BaseURL)
}

func isLoopback(name string) bool {
	ip, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || (err == nil && ip.Unmap().IsLoopback())
}

// portOf is the port of an address, the scheme's own when none is given.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
