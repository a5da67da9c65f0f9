package handlers

import (
	"net/http"

	"frontdesk/web/desk"
)

// maxQuery bounds what stands behind the question mark, in bytes.
const maxQuery = 8 << 10

// isolated keeps other sites from loading, embedding or probing what is ours:
// they may link to a page, as CRMs do to /sso, and that is all. Posts have the
// origin check. Browsers that do not say where a request comes from are left to
// the cookies' SameSite and the other headers. Addresses that are none of ours
// by their length alone go no further either.
func (h *Handlers) isolated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := r.Header
		switch site := head.Get("Sec-Fetch-Site"); {
		case len(r.URL.RawQuery) > maxQuery:
			h.refuse(w, r, http.StatusRequestURITooLong, &desk.Problem{Title: "This address is too long",
				Text: "frontdesk's own addresses are much shorter. Nothing was done.", Advice: "Open the page from the menu."})
		case r.Method == http.MethodPost, isBare(r.URL.Path), site != "cross-site" && site != "same-site",
			head.Get("Sec-Fetch-Mode") == "navigate" && head.Get("Sec-Fetch-Dest") == "document":
			next.ServeHTTP(w, r)
		default:
			h.refuse(w, r, http.StatusForbidden, &desk.Problem{Title: "This came from another site",
				Text: "Other sites may link to frontdesk's pages, but not load or embed them. Nothing was done.", Advice: "Open frontdesk itself."})
		}
	})
}

// refuse answers a request that came to no handler.
func (h *Handlers) refuse(w http.ResponseWriter, r *http.Request, status int, p *desk.Problem) {
	v := visitOf(r)
	v.failed = p
	if v.Route == "" {
		v.Route = "none"
	}
	h.showProblem(w, r, status, p)
}
