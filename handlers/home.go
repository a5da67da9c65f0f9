package handlers

import (
	"net/http"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// attentionDays is how long an unknown outcome stays on home.
const attentionDays = 7

func (h *Handlers) home(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), visitOf(r)
	h.hear(r)
	base, err := h.mirrorPage(r, "Home")
	if err != nil {
		return err
	}
	follow(&base)
	page := views.HomePage{Page: base, CanCreate: v.Actor.Staff.Role.Includes(store.Manager)}
	page.CanSMS = page.CanCreate && h.Desk.SMS()
	mine := v.Actor.Staff.ID
	if v.Actor.Staff.Role == store.Admin {
		mine = 0 // everybody's
	}
	if page.Attention, err = h.attention(r, mine); err != nil {
		return err
	}
	days, err := h.Store.Activity(ctx, startOfDay(h.Now()).AddDate(0, 0, -29), mine)
	if err != nil {
		return err
	}
	page.Days, page.Total = chart(days, startOfDay(h.Now()))
	page.Services = h.services()
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
	acts, err := h.Store.Search(ctx, audit.Filter{StaffID: mine}, audit.Page{Limit: 8})
	if err != nil {
		return err
	}
	page.Acts = auditRows(acts.Entries)
	for i, e := range acts.Entries {
		if e.Who.StaffID == v.Actor.Staff.ID {
			page.Acts[i].Who = "you"
		}
	}
	if v.Actor.Staff.Role == store.Admin {
		if page.Log, err = h.logHealth(r); err != nil {
			return err
		}
		page.Attention = append(logAttention(page.Log), page.Attention...)
	}
	if page.Customers, err = h.Store.CountCustomers(ctx); err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, views.Home(page))
}

// attention is what a person should look at first.
func (h *Handlers) attention(r *http.Request, staffID int64) ([]views.AttentionItem, error) {
	var items []views.AttentionItem
	for _, s := range h.services() {
		if s.State == "trouble" {
			items = append(items, views.AttentionItem{Icon: "wifi-off", Title: s.Name + " is in trouble", Text: s.LastError})
		}
	}
	if visitOf(r).Actor.Staff.Role.Includes(store.Manager) {
		outside, err := h.outsideAttention(r)
		if err != nil {
			return nil, err
		}
		items = append(items, outside...)
	}
	unknown, err := h.Store.Search(r.Context(), audit.Filter{
		StaffID: staffID, Result: audit.Unknown, Effect: true, From: h.Now().AddDate(0, 0, -attentionDays),
	}, audit.Page{Limit: 5})
	if err != nil {
		return nil, err
	}
	for _, row := range auditRows(unknown.Entries) {
		item := views.AttentionItem{Icon: "triangle-alert", Title: row.What + ": outcome unknown", Text: row.OnName, Path: row.Path(), Link: "Look"}
		switch row.Settled {
		case "created":
			item.Icon, item.Title = "circle-check", "The create whose answer was lost was done"
		case "not created":
			item.Icon, item.Title = "circle-x", "The create whose answer was lost was not done"
		case "open":
			item.Text += " · waiting for ATOM's list"
		}
		items = append(items, item)
	}
	return items, nil
}

// services is how the three have done lately, from real calls.
func (h *Handlers) services() []views.ServiceHealth {
	var all []views.ServiceHealth
	for _, s := range []struct{ key, name, short string }{{"atom", "ATOM", "ATOM"}, {"portal", "IntelePeer portal", "The portal"}, {"ip1", "iP1 (SMS)", "iP1"}} {
		health := h.Desk.Health(s.key)
		all = append(all, views.ServiceHealth{
			Name: s.name, State: serviceState(health, s.key == "ip1" && !h.Desk.SMS()), Calls: health.Calls, Failures: health.Failures,
			Median: health.Median, P95: health.P95, LastError: health.LastError, LastFailure: health.LastFailure,
			Clock: views.ClockWords(s.short, health.Ahead),
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
	case s.LastFailure.After(s.LastOK) || s.Failures*2 > s.Calls:
		return "trouble"
	}
	return "ok"
}

// chart fills in the days without any act and scales the bars to the highest.
func chart(counted []audit.Day, today time.Time) (days []views.ActivityDay, total int) {
	by := map[time.Time]audit.Day{}
	highest := 1
	for _, d := range counted {
		by[d.Date] = d
		highest = max(highest, d.Done+d.Failed)
		total += d.Done + d.Failed
	}
	for i := range 30 {
		d := by[today.AddDate(0, 0, i-29)]
		bar := views.ActivityDay{Date: today.AddDate(0, 0, i-29), Done: d.Done, Failed: d.Failed, DoneHeight: d.Done * 100 / highest, FailedHeight: d.Failed * 100 / highest}
		if d.Failed > 0 {
			bar.FailedHeight = max(bar.FailedHeight, 2) // one failure among many still shows
		}
		days = append(days, bar)
	}
	return days, total
}

func startOfDay(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
