package handlers

import (
	"context"
	"net/http"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// entryBytes is what an entry takes up on the disk with its hashes, indexes and
// text index, measured over a log of a million.
const entryBytes = 800

// runwaySoon is when the disk's filling up is worth attention, in days.
const runwaySoon = 30

// logHealth is how the audit log does: how much there is, whether it held when
// it was last verified, and how long the disk has room for it.
func (h *Handlers) logHealth(r *http.Request) (*views.LogHealth, error) {
	ctx := r.Context()
	shown := &views.LogHealth{}
	if head, err := h.Store.Head(ctx); err == nil {
		shown.Entries, shown.Signed = int(head.Size), head.At
	}
	if check := h.Desk.LastCheck(); check != nil {
		shown.Checked, shown.Flaw = check.At, check.Flaw
	}
	mismatches, err := h.Store.Search(ctx, audit.Filter{What: desk.WhatWitness, From: h.Now().AddDate(0, 0, -attentionDays)}, audit.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(mismatches.Entries) > 0 {
		shown.Mismatch = auditRow(ctx, mismatches.Entries[0]).Path()
	}
	free, _, ok := h.Store.Disk()
	if !ok {
		return shown, nil
	}
	lately, err := h.Store.EntriesSince(ctx, h.Now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	shown.Free = free
	shown.Days = runway(free, lately)
	return shown, nil
}

// runway is how many days the disk has room for, at the rate of the last 24
// hours.
func runway(free int64, entries int) int {
	return int(free / (int64(max(entries, 1)) * entryBytes))
}

// logAttention is what an admin should look at first of it.
func logAttention(ctx context.Context, l *views.LogHealth) []views.AttentionItem {
	var items []views.AttentionItem
	if l.Flaw != "" {
		items = append(items, views.AttentionItem{Icon: "triangle-alert", Title: lang.T(ctx, "The audit log does not hold"), Text: l.Flaw, Path: "/audit/proof", Link: lang.T(ctx, "Look")})
	}
	if l.Mismatch != "" {
		items = append(items, views.AttentionItem{Icon: "triangle-alert", Title: lang.T(ctx, "A browser has seen another audit log than this one"),
			Text: lang.T(ctx, "It was cut, rolled back or rewritten, or a restore was not declared."), Path: l.Mismatch, Link: lang.T(ctx, "Look")})
	}
	if l.Free > 0 && l.Days < runwaySoon {
		items = append(items, views.AttentionItem{Icon: "triangle-alert", Title: lang.T(ctx, "The disk is filling up"), Text: l.Runway(ctx)})
	}
	return items
}
