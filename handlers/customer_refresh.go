package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// refreshWait is how long a refresh may take for its answer to be what came of it.
// A longer one goes on, and the list shows how far it has come.
const refreshWait = 2 * time.Second

// refreshReload is after how many seconds a page without JavaScript looks again.
const refreshReload = 4

// customersRefresh reads ATOM's list now, and waits a moment for it.
func (h *Handlers) customersRefresh(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	ctx, cancel := context.WithTimeout(r.Context(), h.refreshWait)
	defer cancel()
	report, err := h.Desk.Mirror.Refresh(ctx, v.Actor, r.PostForm.Get("believe") != "")
	if err == context.DeadlineExceeded && r.Context().Err() == nil { // as it is: a time-out of ATOM's is within a Problem
		h.redirect(w, r, listedBefore(r))
		return nil
	}
	if p, ok := h.formFailed(w, r, err); ok {
		q, _ := url.ParseQuery(strings.TrimPrefix(listedBefore(r), "/customers?"))
		return h.showListing(w, r, p.Status(), q, failedView{problem: p})
	}
	if err != nil {
		return err
	}
	tone, text := syncResult(r.Context(), report)
	v.Prefs.flash(tone, text)
	h.redirect(w, r, listedBefore(r))
	return nil
}

// listedBefore is the list as the reader had filtered it when they asked for the
// refresh; a search as one types has no other trace than the page's address.
func listedBefore(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Path != "/customers" || from.Host != r.Host {
		return "/customers"
	}
	return viewedCustomers.path(listingQuery(from.Query()))
}

// syncResult says what came of a sync.
func syncResult(ctx context.Context, report store.SyncReport) (tone, text string) {
	switch report.Outcome {
	case "doubted":
		return "warning", lang.T(ctx, "The list was read, and is not believed yet.")
	case "failed":
		return "error", lang.Text(ctx, desk.Text(report.Detail))
	}
	return "success", lang.N(ctx, report.Total, "The list is fresh: %s customer, %s new, %s changed, %s gone.",
		"The list is fresh: %s customers, %s new, %s changed, %s gone.", report.Added, report.Changed, report.Gone)
}

// refreshEvents tells how far the sync has come that somebody waits for, and at last
// what came of it.
func (h *Handlers) refreshEvents(w http.ResponseWriter, r *http.Request) error {
	base := views.Page{Assets: h.Assets}
	return h.events(w, r, func(ctx context.Context) (templ.Component, bool, error) {
		if now := h.syncUnderWay(ctx); now != nil {
			return views.SyncProgress(base, *now), false, nil
		}
		last, err := h.Store.LastSync(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return views.SyncProgress(base, views.Sync{Over: true, Tone: "info", Result: lang.T(ctx, "The list has not been read yet.")}), true, nil
		}
		if err != nil {
			return nil, false, err
		}
		over := views.Sync{Over: true}
		over.Tone, over.Result = syncResult(ctx, last)
		if last.Outcome == "doubted" {
			over.Detail = lang.Text(ctx, desk.Text(last.Detail))
		}
		return views.SyncProgress(base, over), true, nil
	})
}

// syncUnderWay is the sync that somebody waits for; nil when there is none.
func (h *Handlers) syncUnderWay(ctx context.Context) *views.Sync {
	p := h.Desk.Mirror.Progress(ctx)
	if !p.Shown {
		return nil
	}
	return &views.Sync{Waiting: p.StartedAt.IsZero(), Writing: p.Phase == "writing", Listed: p.Listed, Before: p.Before, Written: p.Written, ToWrite: p.ToWrite}
}

// follow makes a page that shows the sync under way look again by itself, where
// there is no JavaScript.
func follow(p *views.Page) {
	if p.MirrorAge != nil && p.MirrorAge.Sync != nil && !p.Posted {
		p.Reload = refreshReload
	}
}
