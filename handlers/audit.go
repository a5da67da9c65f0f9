package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// narrow holds a filter to what the reader may see: admins everything,
// managers their own acts and any one customer's timeline, viewers their own.
func (h *Handlers) narrow(r *http.Request, f *audit.Filter) (own bool, err error) {
	v := visitOf(r)
	switch role := v.Actor.Staff.Role; {
	case role == store.Admin:
		return false, nil
	case role == store.Manager && f.On != "":
		customer, err := found(h.Store.Customer(r.Context(), f.On))
		if err != nil {
			return true, err
		}
		if customer.CUID != "" {
			f.OnID, f.On = customer.CUID, ""
			return false, nil
		}
	}
	f.StaffID = v.Actor.Staff.ID
	return true, nil
}

// maySee holds product.md §2: admins see all, managers their own and acts on
// customers, viewers their own.
func maySee(s store.Staff, e audit.Entry) bool {
	return s.Role == store.Admin || e.Who.StaffID == s.ID || (s.Role == store.Manager && (aboutCustomer(e) || e.What == desk.WhatCreate))
}

// near is the part of the log around an entry that its reader may see. A
// manager who sees it for its customer only gets that customer's timeline.
func near(s store.Staff, e audit.Entry) audit.Filter {
	switch {
	case s.Role == store.Admin:
		return audit.Filter{}
	case s.Role == store.Manager && e.Who.StaffID != s.ID && aboutCustomer(e):
		return audit.Filter{OnID: e.On.ID}
	}
	return audit.Filter{StaffID: s.ID}
}

// seenEntry is the entry that an address names, with its whole act, oldest
// first, when the reader may see it.
func (h *Handlers) seenEntry(r *http.Request, id int64) (e audit.Entry, act []audit.Entry, err error) {
	if e, err = h.Store.Entry(r.Context(), id); err != nil {
		return e, nil, err
	}
	if act, err = h.Store.EntriesOfAct(r.Context(), e.Act); err != nil {
		return e, nil, err
	}
	// By the whole act: the intent of a sign-in does not know yet who it is.
	s := visitOf(r).Actor.Staff
	if s.Role == store.Manager && e.What == desk.WhatVerifySMS { // a customer's pages cite it as the proof of a caller
		if proves, err := h.Store.ProvesACaller(r.Context(), e.ID); err != nil || proves {
			return e, act, err
		}
	}
	if !slices.ContainsFunc(act, func(e audit.Entry) bool { return maySee(s, e) }) {
		return e, nil, &desk.Problem{Kind: desk.Forbidden, Title: "Not allowed", Text: "This is somebody else's act.", Advice: "Admins can read the whole log."}
	}
	return e, act, nil
}

// filterNames are the parameters that filter the log; the others of its
// address say which page of it is shown.
var filterNames = []string{"q", "who", "what", "on", "outcome", "service", "from", "to"}

// filterQuery is the part of an address that filters, without blanks.
func filterQuery(q url.Values) url.Values {
	kept := url.Values{}
	for _, name := range filterNames {
		if value := clip(q.Get(name), 320); value != "" {
			kept.Set(name, value)
		}
	}
	return kept
}

// with is a copy of q with other parameters in addition, by name and value;
// a blank value takes one out.
func with(q url.Values, pairs ...string) url.Values {
	changed := filterQuery(q)
	for i := 0; i+1 < len(pairs); i += 2 {
		if changed.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			changed.Del(pairs[i])
		}
	}
	return changed
}

func auditPath(q url.Values) string {
	if len(q) == 0 {
		return "/audit"
	}
	return "/audit?" + q.Encode()
}

func settleWords(ctx context.Context, c store.OpenCreate) string {
	switch c.State {
	case "open":
		return lang.T(ctx, "The answer was lost. frontdesk is looking in ATOM's list whether the customer was created.")
	case "created":
		return lang.T(ctx, "The answer was lost, but the customer was created: ATOM lists them with cuid %s.", c.CUID)
	case "not created":
		return lang.T(ctx, "The answer was lost, and the customer was not created: ATOM does not list them. It may be sent again.")
	}
	return ""
}
