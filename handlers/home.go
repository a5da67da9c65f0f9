package handlers

import (
	"context"
	"net/http"
	"slices"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// attentionDays is how long an unknown outcome stays on home.
const attentionDays = 7

func (h *Handlers) home(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), visitOf(r)
	h.hear(r)
	base, err := h.mirrorPage(r, lang.T(ctx, "Home"))
	if err != nil {
		return err
	}
	follow(&base)
	page := views.HomePage{Page: base, CanCreate: v.Actor.Staff.Role.Includes(store.Manager)}
	page.CanSMS = page.CanCreate && h.Desk.SMS()
	if page.CanSMS {
		if page.Callers, err = h.callers(ctx, v.Actor.Staff.ID); err != nil {
			return err
		}
	}
	mine := v.Actor.Staff.ID
	if v.Actor.Staff.Role == store.Admin {
		mine = 0 // everybody's
	}
	if page.Attention, err = h.attention(r, mine); err != nil {
		return err
	}
	today := startOfDay(h.Now())
	days, err := h.Store.Activity(ctx, today.AddDate(0, 0, 1-activityDays), mine, kindWhats()...)
	if err != nil {
		return err
	}
	page.Activity = activityChart(days, today)
	page.Services = h.services(ctx)
	recent, err := h.Store.RecentCustomers(ctx, v.Actor.Staff.ID, 6)
	if err != nil {
		return err
	}
	page.Recent = customerRows(recent)
	pinned, err := h.Store.Pinned(ctx, v.Actor.Staff.ID)
	if err != nil {
		return err
	}
	page.Pinned = customerRows(pinned)
	acts, err := h.Store.Search(ctx, audit.Filter{StaffID: mine}, audit.Page{Limit: latestRead})
	if err != nil {
		return err
	}
	rows := auditRows(ctx, acts.Entries)
	for i, e := range acts.Entries {
		if e.Who.StaffID == v.Actor.Staff.ID {
			rows[i].Who = lang.T(ctx, "you")
		}
	}
	page.Acts = folded(rows, latestShown)
	if v.Actor.Staff.Role == store.Admin {
		if page.Log, err = h.logHealth(r); err != nil {
			return err
		}
		news, err := h.noveltyAttention(ctx)
		if err != nil {
			return err
		}
		page.Attention = slices.Concat(logAttention(ctx, page.Log), page.Attention, news)
	}
	if page.Customers, err = h.Store.CountCustomers(ctx); err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, views.Home(page))
}

// Home shows the latest acts, of so many as it reads: an import makes hundreds.
const latestShown, latestRead = 8, 60

// folded takes acts of one kind that one person did one after the other, with the same
// end, for one row: three or more of them. At most n rows remain.
func folded(rows []views.AuditRow, n int) []views.AuditRow {
	var all []views.AuditRow
	for i := 0; i < len(rows) && len(all) < n; {
		end := i + 1
		for end < len(rows) && rows[end].What == rows[i].What && rows[end].Who == rows[i].Who && rows[end].Outcome == rows[i].Outcome {
			end++
		}
		if end-i < 3 {
			end = i + 1
		}
		row := rows[i]
		row.More = end - i - 1
		all = append(all, row)
		i = end
	}
	return all
}

// attention is what a person should look at first.
func (h *Handlers) attention(r *http.Request, staffID int64) ([]views.AttentionItem, error) {
	ctx := r.Context()
	var items []views.AttentionItem
	for _, s := range h.services(ctx) {
		if s.State == "trouble" {
			items = append(items, views.AttentionItem{Icon: "wifi-off", Title: lang.T(ctx, "%s is in trouble", lang.T(ctx, s.Name)), Text: s.LastError})
		}
	}
	if visitOf(r).Actor.Staff.Role.Includes(store.Manager) {
		outside, err := h.outsideAttention(r)
		if err != nil {
			return nil, err
		}
		items = append(items, outside...)
		stopped, err := h.importAttention(ctx, staffID)
		if err != nil {
			return nil, err
		}
		items = append(items, stopped...)
	}
	unknown, err := h.Store.Search(ctx, audit.Filter{
		StaffID: staffID, Result: audit.Unknown, Effect: true, From: h.Now().AddDate(0, 0, -attentionDays),
	}, audit.Page{Limit: 5})
	if err != nil {
		return nil, err
	}
	for _, row := range auditRows(ctx, unknown.Entries) {
		item := views.AttentionItem{Icon: "triangle-alert", Title: lang.T(ctx, "%s: outcome unknown", lang.Word(ctx, row.What)), Text: row.OnName, Path: row.Path(), Link: lang.T(ctx, "Look")}
		switch row.Settled {
		case "created":
			item.Icon, item.Title = "circle-check", lang.T(ctx, "The create whose answer was lost was done")
		case "not created":
			item.Icon, item.Title = "circle-x", lang.T(ctx, "The create whose answer was lost was not done")
		case "open":
			item.Text += " · " + lang.T(ctx, "waiting for ATOM's list")
		}
		items = append(items, item)
	}
	return items, nil
}

// importAttention are the imports that stand still until somebody resumes them.
func (h *Handlers) importAttention(ctx context.Context, staffID int64) ([]views.AttentionItem, error) {
	paused, err := h.Store.ImportsIn(ctx, store.ImportPaused)
	if err != nil {
		return nil, err
	}
	var items []views.AttentionItem
	for _, i := range paused {
		if staffID == 0 || i.StaffID == staffID {
			items = append(items, views.AttentionItem{Icon: "pause", Title: lang.T(ctx, "The import of %s is paused", i.FileName), Text: i.Note, Path: views.ImportItem{ID: i.ID}.Path(), Link: lang.T(ctx, "Look")})
		}
	}
	return items[:min(len(items), 5)], nil
}

// services is how the three have done lately, from real calls.
func (h *Handlers) services(ctx context.Context) []views.ServiceHealth {
	var all []views.ServiceHealth
	for _, s := range []struct{ key, name, short string }{{"atom", lang.Mark("ATOM"), "ATOM"}, {"portal", lang.Mark("IntelePeer portal"), "The portal"}, {"ip1", lang.Mark("iP1 (SMS)"), "iP1"}} {
		health := h.Desk.Health(s.key)
		all = append(all, views.ServiceHealth{
			Name: s.name, State: serviceState(health, s.key == "ip1" && !h.Desk.SMS()), Calls: health.Calls, Failures: health.Failures,
			Median: health.Median, P95: health.P95, LastError: lang.Text(ctx, desk.LastTrouble(health.Last)), LastFailure: health.LastFailure,
			Clock: views.ClockWords(ctx, s.short, health.Ahead), Acts: views.Hold(health.Acts), Lists: views.Hold(health.Lists),
		})
	}
	return all
}

func serviceState(s desk.Health, off bool) string {
	switch {
	case off:
		return "off"
	case s.Calls == 0:
		return "idle"
	case s.Acts.On || s.LastFailure.After(s.LastOK) || s.Failures*2 > s.Calls:
		return "trouble"
	}
	return "ok"
}

func startOfDay(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
