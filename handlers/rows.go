package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// The maps from the store's rows to the views' structs; nothing that a secret
// could sit in crosses here.

func customerRow(c store.Customer) views.CustomerRow {
	return views.CustomerRow{
		CUID: c.CUID, Company: c.Company, Email: c.Email, Name: c.Name, Phone: c.Phone, City: c.City, State: c.State, Country: c.Country, Created: c.Created,
	}
}

func customerRows(all []store.Customer) []views.CustomerRow {
	rows := make([]views.CustomerRow, len(all))
	for i, c := range all {
		rows[i] = customerRow(c)
	}
	return rows
}

// What the log holds in English, and pages show in the reader's language: acts,
// how they ended, and what became of a create whose answer was lost.
var logWords = []string{
	lang.Mark("sign in"), lang.Mark("sign out"), lang.Mark("renew session"), lang.Mark("confirm password"), lang.Mark("revoke session"), lang.Mark("lift sign-in wait"),
	lang.Mark("create customer"), lang.Mark("open as customer"), lang.Mark("read live record"), lang.Mark("settle create"), lang.Mark("sync customers"),
	lang.Mark("e-mail passcode"), lang.Mark("redeem passcode"), lang.Mark("issue credentials by cuid"), lang.Mark("issue credentials without passcode"),
	lang.Mark("reveal credentials"), lang.Mark("reveal token"), lang.Mark("store CPaaS token"),
	lang.Mark("send SMS code"), lang.Mark("verify SMS code"), lang.Mark("send code to caller"), lang.Mark("verify caller"), lang.Mark("change SMS defaults"), lang.Mark("settle SMS code"),
	lang.Mark("customer from outside"), lang.Mark("SMS code from outside"), lang.Mark("know what is from outside"), lang.Mark("see what is new in answers"),
	lang.Mark("add staff"), lang.Mark("change staff"), lang.Mark("save view"), lang.Mark("remove view"),
	lang.Mark("read import file"), lang.Mark("map import columns"), lang.Mark("mend import row"), lang.Mark("start import"), lang.Mark("pause import"),
	lang.Mark("cancel import"), lang.Mark("change import pace"), lang.Mark("import done"), lang.Mark("remove import"),
	lang.Mark("read audit log"), lang.Mark("export audit log"), lang.Mark("export customers"), lang.Mark("export import results"), lang.Mark("check witness"), lang.Mark("post from another site"),
	lang.Mark("start"), lang.Mark("change secret"), lang.Mark("declare restore"),
	lang.Mark("done"), lang.Mark("refused"), lang.Mark("unreachable"), lang.Mark("unknown"), lang.Mark("denied"),
	lang.Mark("created"), lang.Mark("not created"),
}

func auditRow(ctx context.Context, e audit.Entry) views.AuditRow {
	row := views.AuditRow{
		ID: e.ID, At: e.At, What: e.What, Who: whoName(ctx, e.Who), Outcome: string(e.Result), OnName: e.On.Name, OnEmail: e.On.Email, Reason: e.Reason,
		Service: e.Service, Status: e.Status, Duration: e.Duration, Detail: e.Detail, Settled: e.Settled, Event: e.Phase == audit.Event,
	}
	if row.OnName == "" {
		row.OnName = e.On.Email
	}
	if aboutCustomer(e) {
		row.OnPath = views.CustomerPath(e.On.ID)
		if row.OnName == "" {
			row.OnName = e.On.ID // a link needs a text
		}
	}
	return row
}

func auditRows(ctx context.Context, all []audit.Entry) []views.AuditRow {
	rows := make([]views.AuditRow, len(all))
	for i, e := range all {
		rows[i] = auditRow(ctx, e)
	}
	return rows
}

// customerActs are the acts whose subject is a customer.
var customerActs = map[string]bool{
	desk.WhatCreate: true, desk.WhatSSO: true, desk.WhatSendPasscode: true, desk.WhatRedeem: true, desk.WhatByCUID: true,
	desk.WhatNoPasscode: true, desk.WhatReveal: true, desk.WhatLive: true, desk.WhatSettle: true, desk.WhatAskCaller: true, desk.WhatCaller: true,
	desk.WhatOutside: true,
}

// aboutCustomer tells whether an entry's subject is a customer. A denied post
// is named for its route.
func aboutCustomer(e audit.Entry) bool {
	return e.On.ID != "" && (customerActs[e.What] || strings.HasPrefix(e.What, "POST /customers/{cuid}"))
}

func whoName(ctx context.Context, w audit.Who) string {
	switch {
	case w.Name != "":
		return w.Name
	case w.Username != "":
		return loginName(ctx, w)
	}
	return lang.T(ctx, "somebody unknown")
}

func loginName(ctx context.Context, w audit.Who) string {
	return lang.T(ctx, "%s at the %s portal", w.Username, views.PortalName(w.Portal))
}

func codeRow(ctx context.Context, c store.Code, now time.Time) views.CodeRow {
	row := views.CodeRow{ID: c.ID, Phone: c.Phone, SentAt: c.SentAt, ExpiresAt: c.ExpiresAt, UsedAt: c.UsedAt, By: c.StaffName}
	if p, err := desk.ParsePhone(c.Phone); err == nil {
		row.Phone, row.Country = p.Pretty, lang.Country(ctx, p.Country)
	}
	switch {
	case !c.UsedAt.IsZero():
		row.Status = "verified"
	case c.IP1ID == 0:
		row.Status = "unknown"
	case c.Expired || (!c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt)):
		row.Status = "expired"
	default:
		row.Status = "active"
	}
	return row
}

// details are a customer's filled-in fields, named as people say them.
func details(ctx context.Context, c store.Customer) []views.NamedValue {
	var all []views.NamedValue
	add := func(name, value, href string) {
		if value != "" {
			all = append(all, views.NamedValue{Name: name, Value: value, Href: href})
		}
	}
	add(lang.T(ctx, "Company"), c.Company, "")
	add(lang.T(ctx, "E-mail"), c.Email, mailto(c.Email))
	add(lang.T(ctx, "Name"), c.Name, "")
	add(lang.T(ctx, "Phone"), c.Phone, tel(c.Phone))
	add(lang.T(ctx, "Address"), c.Address, "")
	add(lang.T(ctx, "City"), strings.TrimSpace(c.Zip+" "+c.City), "")
	add(lang.T(ctx, "State"), c.State, "")
	add(lang.T(ctx, "Country"), c.Country, "")
	add(lang.T(ctx, "Website"), c.Website, website(c.Website))
	add(lang.T(ctx, "Created"), c.Created, "")
	if at, err := time.Parse(time.RFC3339, c.Created); err == nil {
		all[len(all)-1].At = at
	}
	return all
}

func mailto(email string) string {
	if email == "" {
		return ""
	}
	return "mailto:" + url.PathEscape(email)
}

func tel(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || r == '+' {
			return r
		}
		return -1
	}, phone)
	if len(digits) < 5 {
		return ""
	}
	return "tel:" + digits
}

// website is a link only for what is plainly a web address.
func website(site string) string {
	if !strings.Contains(site, "://") {
		site = "https://" + site
	}
	u, err := url.Parse(site)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || !strings.Contains(u.Host, ".") || u.User != nil {
		return ""
	}
	return u.String()
}

func cuidOf(r *http.Request) string { return views.CUID(r.PathValue("cuid")) }
