package handlers

import (
	"context"
	"errors"
	"net/http"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// fail turns any error into a page, or for htmx into a fragment, and keeps its
// cause for the log under the request ID.
func (h *Handlers) fail(w http.ResponseWriter, r *http.Request, err error) {
	v := visitOf(r)
	v.failed = err
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the reader left; nobody sees an answer
	}
	p := problemOf(err)
	if p.Kind == 0 {
		h.Log.Error("unexpected error", "request", v.ID, "error", err)
	}
	h.retryAfter(w, p)
	h.showProblem(w, r, p.Status(), p)
}

// showProblem is the page, or for htmx the fragment, that says what is wrong.
func (h *Handlers) showProblem(w http.ResponseWriter, r *http.Request, status int, p *desk.Problem) {
	v := visitOf(r)
	if lang.Of(r.Context()) == nil { // it was refused before it was known who reads
		r = r.WithContext(lang.With(r.Context(), h.texts.Choose(h.readPrefs(r).Lang, r.Header.Get("Accept-Language"))))
	}
	page, shown := h.page(r, lang.Text(r.Context(), p.Title)), h.problem(r, p)
	component := views.Error(views.ErrorPage{Page: page, Problem: shown})
	if isFragment(r) {
		component = views.ProblemBox(page, shown)
	}
	if err := h.render(w, r, status, component); err != nil {
		h.Log.Error("render an error page", "request", v.ID, "error", err)
		http.Error(w, "frontdesk could not show this page. Tell your operator, with request "+v.ID+".", http.StatusInternalServerError)
	}
}

// problemOf puts any error into words for a person.
func problemOf(err error) *desk.Problem {
	var p *desk.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, store.ErrNotFound):
		return &desk.Problem{Kind: desk.Missing, Title: "Nothing here", Text: "There is no such page or record, or it is not there any more.",
			Advice: "Check the address, or find it from the list.", Err: err}
	}
	return &desk.Problem{Title: "frontdesk made a mistake", Text: "This is not about what you typed. If you were sending something, look in the audit log whether it went out.",
		Advice: "Try again; if it stays so, tell your operator the request ID below.", Err: err}
}

// problem is a problem as the reader sees it.
func (h *Handlers) problem(r *http.Request, p *desk.Problem) *views.Problem {
	if p == nil {
		return nil
	}
	ctx := r.Context()
	shown := &views.Problem{
		Tone: "error", Title: lang.Text(ctx, p.Title), Text: lang.Text(ctx, p.Text), Advice: lang.Text(ctx, p.Advice), Service: lang.Text(ctx, p.Service),
		Message: p.Message, Code: p.Code, RequestID: visitOf(r).ID,
	}
	if p.Despite != "" { // nothing failed
		shown.Tone = "warning"
	}
	if p.Kind == desk.Unknown {
		shown.Unknown = true
		shown.Tone, shown.Link, shown.LinkText = "warning", "/audit?outcome=unknown", lang.T(ctx, "See it in the audit log")
	}
	if p.Wait > 0 {
		shown.Wait = h.Now().Add(p.Wait)
	}
	return shown
}

// fieldError is what a problem says at a field, in the reader's language; "" when
// it says nothing there.
func fieldError(ctx context.Context, p *desk.Problem, field string) string {
	if p == nil {
		return ""
	}
	return lang.Text(ctx, p.Fields[field])
}

func (h *Handlers) retryAfter(w http.ResponseWriter, p *desk.Problem) {
	if p.Kind == desk.Throttled {
		w.Header().Set("Retry-After", seconds(p.Wait))
	}
}

// formFailed takes the problem out of an act's error, for the form to be shown
// again with it; ok is false for errors that have a page to themselves.
func (h *Handlers) formFailed(w http.ResponseWriter, r *http.Request, err error) (p *desk.Problem, ok bool) {
	if !errors.As(err, &p) || p.Kind == desk.Forbidden {
		return nil, false
	}
	h.retryAfter(w, p)
	if p.Kind == desk.Unknown { // it was sent, so it is no draft any more
		h.dropTyped(r, visitOf(r))
	}
	visitOf(r).failed = err
	return p, true
}

// noSuchPage answers for every path that is not a route.
func (h *Handlers) noSuchPage(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r)
	v.Route = "none"
	if v.Prefs == nil {
		v.Prefs = h.readPrefs(r)
	}
	h.fail(w, r, store.ErrNotFound)
}
