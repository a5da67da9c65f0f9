package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pgregory.net/rapid"

	"frontdesk/store"
	"frontdesk/web/desk"
)

// timePasses puts the clock forward, for everybody.
func (m *model) timePasses(r *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{20 * time.Second, time.Minute, 3 * time.Minute, 11 * time.Minute, 16 * time.Minute, 31 * time.Minute, 25 * time.Hour}).Draw(r, "time")
	m.tell("%s pass", d)
	m.w.clock.advance(d)
}

// restart stops and starts frontdesk: nothing is lost.
func (m *model) restart(r *rapid.T) {
	m.tell("frontdesk is restarted")
	m.w.restart()
}

// signsIn signs in with the right password and holds what must come of it.
func (m *model) signsIn(s *seat) {
	was := m.alive(s)
	p := m.post(s, "/login", url.Values{"portal": {s.portal}, "username": {s.username}, "password": {password}})
	expected := came{acts: []string{desk.WhatSignIn + ": done"}, calls: []string{fmt.Sprintf(portalCall, s.portal)}}
	if !s.active {
		expected.acts[0] = desk.WhatSignIn + ": denied"
		s.refused++
		m.wants(s.login, p.status, http.StatusForbidden, expected)
		s.in = was
		return
	}
	m.wants(s.login, p.status, http.StatusSeeOther, expected)
	s.refused = 0
	s.in, s.seen, s.password, s.ends = true, m.now(), m.now(), m.now().Add(24*time.Hour)
	s.n++
}

// throttled tells whether a wait may stand in the way of a sign-in.
func (m *model) throttled(s *seat) bool {
	all := 0
	for _, l := range m.logins {
		all += l.refused
	}
	return s.refused >= 4 || all >= 20
}

// signIn is mostly for those who are out.
func (m *model) signIn(r *rapid.T) {
	var out []*seat
	for _, s := range m.seats {
		if !m.alive(s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = m.seats
	}
	s := one(m, "who", out)
	if m.throttled(s) {
		r.SkipNow() // a wait is in the way
	}
	m.tell("%s signs in", s.name)
	m.signsIn(s)
}

func (m *model) wrongPassword(r *rapid.T) {
	s := one(m, "who", m.seats)
	if m.throttled(s) {
		r.SkipNow() // a wait is in the way
	}
	m.tell("%s signs in with a wrong password", s.name)
	s.refused++
	p := m.post(s, "/login", url.Values{"portal": {s.portal}, "username": {s.username}, "password": {"wrong-3"}})
	m.wants(s.login, p.status, http.StatusUnauthorized, came{acts: []string{desk.WhatSignIn + ": refused"}, calls: []string{fmt.Sprintf(portalCall, s.portal)}})
}

func (m *model) signOut(r *rapid.T) {
	s := one(m, "who", m.seats)
	m.tell("%s signs out", s.name)
	p := m.post(s, "/logout", nil)
	m.wants(s.login, p.status, http.StatusSeeOther, came{})
	s.in = false
}

func (m *model) renew(r *rapid.T) {
	s := one(m, "who", m.seats)
	m.tell("%s renews the session", s.name)
	form := url.Values{"password": {password}, "back": {"/tokens"}}
	if !m.mayPost(s, store.Viewer, "/session/renew", form) {
		return
	}
	p := m.post(s, "/session/renew", form)
	m.wants(s.login, p.status, http.StatusSeeOther, came{acts: []string{desk.WhatRenew + ": done"}, calls: []string{fmt.Sprintf(portalCall, s.portal)}})
	s.refused, s.seen, s.password, s.ends = 0, m.now(), m.now(), m.now().Add(24*time.Hour)
}

// endSession ends somebody's session: one's own, or as an admin anybody's.
func (m *model) endSession(r *rapid.T) {
	s, of := one(m, "who", m.seats), one(m, "whose", m.seats)
	var id string
	if m.alive(of) {
		live, err := m.w.db.LiveSessions(r.Context(), of.id, time.Time{})
		if err != nil {
			r.Fatal(err)
		}
		for _, session := range live {
			if session.Agent == of.name {
				id = session.ID
			}
		}
	}
	if id == "" {
		r.SkipNow() // not signed in
	}
	m.tell("%s ends the session of %s", s.name, of.name)
	action := "/sessions/" + id + "/revoke"
	if !m.mayPost(s, store.Viewer, action, nil) {
		return
	}
	p := m.post(s, action, nil)
	if s.login != of.login && s.role != store.Admin {
		m.wants(s.login, p.status, http.StatusForbidden, came{denied: 1})
		return
	}
	m.wants(s.login, p.status, http.StatusSeeOther, came{})
	of.in = false
}

// changeStaff changes somebody's role and state.
func (m *model) changeStaff(r *rapid.T) {
	s, of := one(m, "who", m.seats), one(m, "whom", m.logins)
	if of.id == 0 {
		r.SkipNow() // not on the staff list
	}
	role := rapid.SampledFrom(store.Roles).Draw(r, "role")
	state := rapid.SampledFrom([]string{"active", "active", "disabled"}).Draw(r, "state")
	m.tell("%s makes %s a %s, %s", s.name, of.name, role, state)
	action := fmt.Sprintf("/staff/%d", of.id)
	fill := url.Values{"role": {string(role)}, "state": {state}}
	if !m.mayPost(s, store.Admin, action, fill) {
		return
	}
	p := m.post(s, action, m.form(s, "/staff", action, fill))
	admins := 0
	for _, l := range m.logins {
		if l.active && l.role == store.Admin {
			admins++
		}
	}
	if of.active && of.role == store.Admin && admins == 1 && (role != store.Admin || state != "active") {
		m.wants(s.login, p.status, http.StatusUnprocessableEntity, came{})
		return
	}
	m.wants(s.login, p.status, http.StatusSeeOther, came{})
	of.role, of.active = role, state == "active"
	for _, other := range m.seats {
		if other.login == of && !of.active {
			other.in = false
		}
	}
}

// addStaff puts Mallory on the staff list, once.
func (m *model) addStaff(r *rapid.T) {
	s, l := one(m, "who", m.seats), m.logins[4]
	role := rapid.SampledFrom(store.Roles).Draw(r, "role")
	m.tell("%s adds %s to the staff as %s", s.name, l.name, role)
	fill := url.Values{"portal": {l.portal}, "username": {l.username}, "name": {l.name}, "role": {string(role)}}
	if !m.mayPost(s, store.Admin, "/staff", fill) {
		return
	}
	p := m.post(s, "/staff", m.form(s, "/staff", "/staff", fill))
	if l.id != 0 {
		m.wants(s.login, p.status, http.StatusUnprocessableEntity, came{})
		return
	}
	m.wants(s.login, p.status, http.StatusSeeOther, came{})
	staff, err := m.w.db.StaffByLogin(r.Context(), l.portal, l.username)
	if err != nil {
		r.Fatal(err)
	}
	l.id, l.role, l.active = staff.ID, role, true
	m.pins[l.id] = map[string]bool{}
}

// look opens a page: whoever may sees it, and nothing happens.
func (m *model) look(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	pages := []struct {
		path  string
		needs store.Role
	}{
		{"/", store.Viewer}, {"/customers", store.Viewer}, {"/customers?q=new", store.Viewer}, {c.path(), store.Viewer}, {"/customers/new", store.Manager},
		{c.path() + "/passcode", store.Manager}, {"/sms", store.Manager}, {"/sms/settings", store.Admin}, {"/imports", store.Manager}, {"/outside", store.Manager},
		{"/audit", store.Viewer}, {"/audit?q=code", store.Viewer}, {"/tokens", store.Viewer}, {"/sessions", store.Viewer}, {"/staff", store.Admin}, {"/audit/export.csv", store.Admin},
		{"/customers/export.csv", store.Manager}, {"/sso?email=" + url.QueryEscape(c.email), store.Manager},
	}
	p := pages[rapid.IntRange(0, len(pages)-1).Draw(r, "page")]
	m.tell("%s looks at %s", s.name, p.path)
	want, expected := http.StatusOK, came{}
	switch {
	case !m.alive(s):
		want = http.StatusSeeOther
	case !s.role.Includes(p.needs):
		want = http.StatusForbidden
	case strings.HasSuffix(p.path, "/audit/export.csv"):
		expected.acts = []string{desk.WhatExport + ": done"}
	case strings.HasSuffix(p.path, "/customers/export.csv"):
		expected.acts = []string{desk.WhatExportCustomers + ": done"}
	}
	m.wants(s.login, m.get(s, p.path).status, want, expected)
}

// pin pins or unpins a customer, for oneself.
func (m *model) pin(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	form, word := url.Values{"pinned": {""}}, "unpins"
	if m.flip("pinned") {
		form, word = url.Values{"pinned": {"1"}}, "pins"
	}
	m.tell("%s %s %s", s.name, word, c.email)
	action := c.path() + "/pin"
	if !m.mayPost(s, store.Viewer, action, form) {
		return
	}
	m.wants(s.login, m.post(s, action, form).status, http.StatusSeeOther, came{})
	m.pins[s.id][c.cuid] = word == "pins"
}

// saveView keeps a filter under a name, for oneself or for all.
func (m *model) saveView(r *rapid.T) {
	s, name := one(m, "who", m.seats), m.name("View ")
	form := url.Values{"name": {name}, "query": {"country=SE"}}
	shared := m.flip("shared")
	if shared {
		form.Set("shared", "yes")
	}
	m.tell("%s saves %s, shared: %v", s.name, name, shared)
	if !m.mayPost(s, store.Viewer, "/customers/views", form) {
		return
	}
	for range 2 { // a double click saves it once
		m.wants(s.login, m.post(s, "/customers/views", form).status, http.StatusSeeOther, came{})
	}
	all, err := m.w.db.Views(r.Context(), store.PageCustomers, s.id)
	if err != nil {
		r.Fatal(err)
	}
	for _, v := range all {
		if v.Name == name {
			m.views = append(m.views, &view{v.ID, name, s.login, shared})
		}
	}
}

// removeView removes a view: one's own, or as an admin one that is shared.
func (m *model) removeView(r *rapid.T) {
	if len(m.views) == 0 {
		r.SkipNow() // there is none
	}
	s, i := one(m, "who", m.seats), rapid.IntRange(0, len(m.views)-1).Draw(r, "view")
	v := m.views[i]
	m.tell("%s removes %s of %s", s.name, v.name, v.owner.name)
	action := fmt.Sprintf("/customers/views/%d/remove", v.id)
	if !m.mayPost(s, store.Viewer, action, nil) {
		return
	}
	p := m.post(s, action, nil)
	if v.owner != s.login && (!v.shared || s.role != store.Admin) {
		m.wants(s.login, p.status, http.StatusNotFound, came{})
		return
	}
	m.wants(s.login, p.status, http.StatusSeeOther, came{})
	m.views = append(m.views[:i:i], m.views[i+1:]...)
}

// importRows brings two customers in: each is created once, however often Start is
// pressed, and the import is its owner's.
func (m *model) importRows(r *rapid.T) {
	s := one(m, "who", m.seats)
	m.tell("%s imports two customers", s.name)
	if !m.mayPost(s, store.Manager, "/imports/none/start", nil) {
		return
	}
	emails := []string{m.name("row") + "@rows.example", m.name("row") + "@rows.example"}
	m.asks(s)
	at := s.b.imported("Company,E-mail\nA," + emails[0] + "\nB," + emails[1] + "\n")
	for _, other := range m.seats {
		if other.login != s.login && m.alive(other) && other.role == store.Manager {
			if p := m.post(other, at+"/start", nil); p.status != http.StatusNotFound {
				m.r.Errorf("%s may start it: %d", other.name, p.status)
			}
			break
		}
	}
	m.since(nil)
	form := m.form(s, at, at+"/start", nil)
	for range 2 {
		if p := m.post(s, at+"/start", form); p.status != http.StatusSeeOther && p.status != http.StatusUnprocessableEntity {
			m.r.Errorf("start: %d, %s", p.status, p.problem())
		}
	}
	id := strings.TrimPrefix(at, "/imports/")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		i, err := m.w.db.Import(r.Context(), id)
		if err != nil {
			m.w.t.Logf("read %s: %v", at, err) // the library shows the words of a failure only when it comes again
			r.Fatal(err)
		}
		if i.State == store.ImportDone {
			break
		}
		if time.Now().After(deadline) {
			r.Fatalf("the import is %s: %s", i.State, i.Note)
		}
	}
	m.wants(s.login, http.StatusSeeOther, http.StatusSeeOther, came{
		acts: []string{desk.WhatCreate + ": done", desk.WhatCreate + ": done"}, calls: []string{"POST /atom/customer", "POST /atom/customer"},
	})
	for _, email := range emails {
		cuid := m.w.customer(email).CUID
		m.customers = append(m.customers, &customer{cuid: cuid, email: email, given: m.newest(cuid)})
	}
}
