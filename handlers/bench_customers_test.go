package handlers

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// BenchmarkHundredThousand asks for the pages that people begin with and look
// customers up with, over HTTP, with 100,000 customers; they have grown from 1,000.
func BenchmarkHundredThousand(b *testing.B) {
	large, small := newBusyWorld(b, setup{customers: 100_000}), newBusyWorld(b, setup{customers: 1_000})
	for _, c := range []*busyWorld{large, small} { // the sandbox's own are not frontdesk's memory to look after
		c.fault(`{"service": "atom", "customers": 1}`)
	}
	search := func(least, most int) func(c *busyWorld) string {
		return func(c *busyWorld) string { return "/customers?q=" + url.QueryEscape(c.fragment(least, most)) }
	}
	always := func(target string) func(*busyWorld) string { return func(*busyWorld) string { return target } }
	css := large.h.Assets.Path("app.css")
	for _, l := range []lookup{
		{"sign-in", always("/login"), nobody, 100, reads(nothing), 2000},
		{"home", always("/"), signedIn, 100, reads((*busyWorld).readHome), 200},
		{"list", func(c *busyWorld) string { return c.depths[c.random.IntN(len(c.depths))] }, signedIn, 0, reads((*busyWorld).readList), 200},
		{"search", search(3, 8), signedIn, 3000, reads((*busyWorld).readList), 200},
		{"beginnings", search(1, 2), signedIn, 1000, reads((*busyWorld).readList), 200},
		{"palette", func(c *busyWorld) string { return "/palette?q=" + url.QueryEscape(c.fragment(3, 8)) }, signedIn, 0, reads((*busyWorld).readPalette), 200},
		{"detail", func(c *busyWorld) string { return views.CustomerPath(c.some().CUID) }, signedIn, 0, reads((*busyWorld).readDetail), 200},
		{"static", always(css), packed, 0, serveContent, 2000},
	} {
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				lookUp(b, large, small, l)
			}
		})
	}
}

// packed is what browsers say that they can unpack.
func packed(*busyWorld) string { return "Accept-Encoding: gzip, deflate, br, zstd\r\n" }

// serveContent is the usual way to serve an asset, of the same bytes.
func serveContent(_ *busyWorld, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/css; charset=utf-8")
		h.Set("Content-Encoding", "br")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Etag", `"0a1b2c3d"`)
		http.ServeContent(w, r, "app.css", time.Time{}, bytes.NewReader(body))
	})
}

func (c *busyWorld) readList(r *http.Request) error {
	query, _ := listing(listingQuery(r.URL.Query()))
	query.Cursor = r.URL.Query().Get("cursor")
	_, err := c.db.FindCustomers(r.Context(), query)
	return err
}

func (c *busyWorld) readPalette(r *http.Request) error {
	_, err := c.db.FindCustomers(r.Context(), paletteQuery(r.URL.Query().Get("q")))
	return err
}

// readDetail reads what a customer's page shows, as its handler does.
func (c *busyWorld) readDetail(r *http.Request) error {
	ctx := r.Context()
	one, err := c.db.Customer(ctx, views.CUID(strings.TrimPrefix(r.URL.Path, "/customers/")))
	if err != nil {
		return err
	}
	_, pinned := c.db.IsPinned(ctx, 1, one.CUID)
	past, timeline := c.h.pastOf(ctx, store.Staff{ID: 1, Role: store.Admin}, one.CUID)
	_, _, stored := c.h.storedCredentials(ctx, past)
	same, shared := c.db.SharingEmail(ctx, one.Email)
	_, near := c.desk.Colleagues(ctx, desk.Actor{Staff: store.Staff{ID: 1}}, one.CUID, same)
	_, passcode := c.h.passcodePanel(ctx, past, failedAct{})
	_, caller := c.h.callerState(ctx, one.CUID)
	return errors.Join(pinned, timeline, stored, shared, near, passcode, caller)
}

// readHome reads what home shows an admin, as its handler does.
func (c *busyWorld) readHome(r *http.Request) error {
	ctx, now := r.Context(), c.clock.Now()
	_, _, syncs := c.db.LastSyncs(ctx)
	_, calls := c.h.callers(ctx, 1)
	_, _, outside := c.db.CountOutsiders(ctx)
	_, paused := c.db.ImportsIn(ctx, store.ImportPaused)
	_, unknown := c.db.Search(ctx, audit.Filter{Result: audit.Unknown, Effect: true, From: now.AddDate(0, 0, -attentionDays)}, audit.Page{Limit: 5})
	_, activity := c.db.Activity(ctx, startOfDay(now).AddDate(0, 0, 1-activityDays), 0, kindWhats()...)
	_, recent := c.db.RecentCustomers(ctx, 1, 6)
	_, pinned := c.db.Pinned(ctx, 1)
	_, latest := c.db.Search(ctx, audit.Filter{}, audit.Page{Limit: latestRead})
	_, head := c.db.Head(ctx)
	_, mismatches := c.db.Search(ctx, audit.Filter{What: desk.WhatWitness, From: now.AddDate(0, 0, -attentionDays)}, audit.Page{Limit: 1})
	c.db.Disk()
	_, lately := c.db.EntriesSince(ctx, now.Add(-24*time.Hour))
	_, news := c.db.Novelties(ctx, noveltiesShown)
	_, count := c.db.CountCustomers(ctx)
	return errors.Join(syncs, calls, outside, paused, unknown, activity, recent, pinned, latest, head, mismatches, lately, news, count)
}
