package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
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

func auditRow(e audit.Entry) views.AuditRow {
	row := views.AuditRow{
		ID: e.ID, At: e.At, What: e.What, Who: whoName(e.Who), Outcome: string(e.Result), OnName: e.On.Name, OnEmail: e.On.Email, Reason: e.Reason,
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

func auditRows(all []audit.Entry) []views.AuditRow {
	rows := make([]views.AuditRow, len(all))
	for i, e := range all {
		rows[i] = auditRow(e)
	}
	return rows
}

// customerActs are the acts whose subject is a customer.
var customerActs = map[string]bool{
	desk.WhatCreate: true, desk.WhatSSO: true, desk.WhatSendPasscode: true, desk.WhatRedeem: true, desk.WhatByCUID: true,
	desk.WhatNoPasscode: true, desk.WhatReveal: true, desk.WhatLive: true, desk.WhatSettle: true, desk.WhatCaller: true,
	desk.WhatOutside: true,
}

// aboutCustomer tells whether an entry's subject is a customer. A denied post
// is named for its route.
func aboutCustomer(e audit.Entry) bool {
	return e.On.ID != "" && (customerActs[e.What] || strings.HasPrefix(e.What, "POST /customers/{cuid}"))
}

func whoName(w audit.Who) string {
	switch {
	case w.Name != "":
		return w.Name
	case w.Username != "":
		return w.Portal + ":" + w.Username
	}
	return "somebody unknown"
}

func codeRow(c store.Code, now time.Time) views.CodeRow {
	row := views.CodeRow{ID: c.ID, Phone: c.Phone, SentAt: c.SentAt, ExpiresAt: c.ExpiresAt, UsedAt: c.UsedAt, By: c.StaffName}
	if p, err := desk.ParsePhone(c.Phone); err == nil {
		row.Phone, row.Country = p.Pretty, desk.CountryName(p.Country)
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
func details(c store.Customer) []views.NamedValue {
	var all []views.NamedValue
	add := func(name, value, href string) {
		if value != "" {
			all = append(all, views.NamedValue{Name: name, Value: value, Href: href})
		}
	}
	add("Company", c.Company, "")
	add("E-mail", c.Email, mailto(c.Email))
	add("Name", c.Name, "")
	add("Phone", c.Phone, tel(c.Phone))
	add("Address", c.Address, "")
	add("City", strings.TrimSpace(c.Zip+" "+c.City), "")
	add("State", c.State, "")
	add("Country", c.Country, "")
	add("Website", c.Website, website(c.Website))
	add("Created", c.Created, "")
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
