package handlers

import (
	"errors"
	"net/http"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
)

// errLater refuses to give a page ahead: shown later it would not be what it is now,
// or giving it would change something. The browser asks anew when it is wanted.
var errLater = errors.New("not to be fetched ahead")

// isAhead tells whether the browser fetches a page before anybody has asked for
// it, as when the pointer rests on its link.
func isAhead(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") || r.Header.Get("Purpose") == "prefetch"
}

// later answers what is not given ahead. Browsers drop such an answer and ask
// anew; nothing in it lets them wait with that.
func (h *Handlers) later(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte("This page is not given ahead. Open it.\n")) // a browser that left needs no answer
}

// settled tells whether a page that was asked for ahead may be given: nothing has
// changed on the way to it that would have to be kept, such as a message taken.
func (v *visit) settled() bool {
	return !v.Ahead || !v.Taken && (v.Prefs == nil || !v.Prefs.changed)
}

// rules tell a browser which pages it may fetch ahead, by role: those that a
// person in it may read, and nothing that only looks like one of them.
func (h *Handlers) rules(role store.Role) *views.Ahead {
	var pages, others []string
	for _, rt := range h.routes {
		switch {
		case !strings.HasPrefix(rt.Pattern, "GET "), !role.Includes(rt.Needs):
		case rt.isAhead():
			pages = append(pages, linkPattern(rt.address()))
		case looksAhead(rt.address()):
			others = append(others, rt.address())
		}
	}
	return views.NewAhead(pages, others)
}

// looksAhead tells whether an address fits the pattern of a page that may be
// fetched ahead, as /customers/new does that of a customer's.
func looksAhead(address string) bool {
	parts := strings.Split(address, "/")
	for _, pattern := range ahead {
		segments := strings.Split(route{Pattern: pattern}.address(), "/")
		fits := len(segments) == len(parts)
		for i := 0; fits && i < len(parts); i++ {
			fits = segments[i] == parts[i] || strings.HasPrefix(segments[i], "{")
		}
		if fits {
			return true
		}
	}
	return false
}

// linkPattern writes a route's address as browsers match the paths of links.
func linkPattern(address string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(address)
}
