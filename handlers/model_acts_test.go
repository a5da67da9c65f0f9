package handlers

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

const portalCall = "POST /portal/%s/_rest/v4/authenticate"

// open opens the platform as a customer.
func (m *model) open(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	m.tell("%s opens ATOM as %s", s.name, c.email)
	action := c.path() + "/sso"
	if !m.mayPost(s, store.Manager, action, nil) {
		return
	}
	form := m.form(s, c.path(), action, url.Values{"reason": {m.name("ticket ")}})
	m.send(s, desk.WhatSSO, action, form, c, false)
}

// sendPasscode has ATOM e-mail a passcode.
func (m *model) sendPasscode(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	m.tell("%s e-mails a passcode to %s", s.name, c.email)
	action := c.path() + "/passcode"
	if !m.mayPost(s, store.Manager, action, nil) {
		return
	}
	m.send(s, desk.WhatSendPasscode, action, m.form(s, c.path(), action, nil), c, false)
}

// redeem gives ATOM the newest passcode, or a wrong one.
func (m *model) redeem(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	typed := c.passcode
	if typed == "" || rapid.IntRange(0, 3).Draw(r, "wrong") == 3 {
		typed = "wrong-1"
	}
	m.tell("%s redeems %s for %s", s.name, typed, c.email)
	action := c.path() + "/passcode/redeem"
	if !m.mayPost(s, store.Manager, action, url.Values{"passcode": {"wrong-1"}}) {
		return
	}
	m.send(s, desk.WhatRedeem, action, m.form(s, c.path(), action, url.Values{"passcode": {typed}}), c, false)
}

// issue makes new keys without a passcode.
func (m *model) issue(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	method := rapid.SampledFrom([]string{"cuid", "nopasscode"}).Draw(r, "method")
	fill := url.Values{"method": {method}, "reason": {m.name("ticket ")}}
	if m.flip("with the password") {
		fill.Set("password", password)
	}
	m.tell("%s issues keys for %s by %s%s", s.name, c.email, method, withPassword(fill))
	action := c.path() + "/credentials"
	if !m.mayPost(s, store.Admin, action, fill) {
		return
	}
	what := desk.WhatByCUID
	if method == "nopasscode" {
		what = desk.WhatNoPasscode
	}
	m.send(s, what, action, m.form(s, c.path(), action, fill), c, false)
}

func withPassword(fill url.Values) string {
	if fill.Has("password") {
		return ", with the password"
	}
	return ""
}

// goOn sends a form again that was refused because of a colleague's act.
func (m *model) goOn(r *rapid.T) {
	f := m.warned
	if f == nil || f.at != m.now() || f.session != f.s.n || f.earlier != len(m.earlier) {
		r.SkipNow() // nobody was just warned, or a colleague has done it once more
	}
	m.warned = nil
	m.tell("%s goes on all the same", f.s.name)
	needs := store.Manager
	if f.what == desk.WhatByCUID || f.what == desk.WhatNoPasscode {
		needs = store.Admin
	}
	if !m.mayPost(f.s, needs, f.action, f.form) {
		return
	}
	if f.what == desk.WhatSendSMS {
		m.sends(f.s, f.form, true)
		return
	}
	for _, c := range m.customers {
		if strings.HasPrefix(f.action, c.path()+"/") {
			m.send(f.s, f.what, f.action, f.form, c, true)
		}
	}
}

// kinds are the acts on a customer that collide, as colleagues' acts stand in their way.
var kinds = map[string]string{
	desk.WhatSSO: "open", desk.WhatSendPasscode: "passcode", desk.WhatRedeem: "issue", desk.WhatByCUID: "issue", desk.WhatNoPasscode: "issue",
}

// steps up: whether the password is wanted again, and what giving it leads to.
func (m *model) confirms(s *seat, form url.Values, expected *came) (refused bool) {
	if m.now().Sub(s.password) < desk.StepUpHolds {
		return false
	}
	if form.Get("password") == "" {
		return true
	}
	s.password = m.now()
	expected.acts = append(expected.acts, desk.WhatConfirm+": done")
	expected.calls = append(expected.calls, fmt.Sprintf(portalCall, s.portal))
	return false
}

// send posts the form of an act on a customer and holds what must come of it.
func (m *model) send(s *seat, what, action string, form url.Values, c *customer, despite bool) {
	kind, expected := kinds[what], came{}
	issues := what == desk.WhatByCUID || what == desk.WhatNoPasscode
	if issues && m.confirms(s, form, &expected) {
		p := m.post(s, action, form)
		m.wants(s.login, p.status, http.StatusUnprocessableEntity, expected)
		return
	}
	if !despite && m.collides(s, kind, c.email) {
		p := m.post(s, action, form)
		if len(expected.acts) > 0 { // the password was taken before
			m.wants(s.login, p.status, http.StatusUnprocessableEntity, expected)
			return
		}
		m.warns(s, what, action, form, p)
		return
	}
	status, ended := http.StatusSeeOther, "done"
	if what == desk.WhatRedeem && (form.Get("passcode") != c.passcode || c.passcode == "" || !m.now().Before(c.until)) {
		status, ended = http.StatusUnprocessableEntity, "refused"
	}
	on := c.email
	call := map[string]string{
		desk.WhatSSO: "/sso", desk.WhatSendPasscode: "/passcode", desk.WhatRedeem: "/auth?passcode=REDACTED", desk.WhatByCUID: "/auth", desk.WhatNoPasscode: "/auth/nopasscode",
	}[what]
	if what == desk.WhatByCUID {
		on = c.cuid
	}
	expected.acts = append(expected.acts, what+": "+ended)
	expected.calls = append(expected.calls, "GET /atom/customer/"+on+call)
	p := m.post(s, action, form)
	m.wants(s.login, p.status, status, expected)
	m.keep(s, what, action, form, p)
	if ended != "done" || p.status != status {
		return
	}
	m.did(s, kind, c.email)
	switch what {
	case desk.WhatSSO:
		if !strings.HasPrefix(p.location(), m.w.boxURL+"/platform?token=") {
			m.r.Errorf("led to %q", p.location())
		}
	case desk.WhatSendPasscode:
		c.passcode, c.until = m.w.lastCode(c.email), m.now().Add(passcodeHolds)
		m.so(": %s", c.passcode)
	default:
		if what == desk.WhatRedeem {
			c.passcode = ""
		}
		c.given = m.newest(c.cuid)
		m.shows(s, p.location(), c.given)
	}
}

// shows holds that the answer shows the keys to who acted.
func (m *model) shows(s *seat, at string, k *keys) {
	if k == nil {
		m.r.Fatal("ATOM gave no keys")
	}
	m.shown = append(m.shown, &shown{path: at, s: s, session: s.n, keys: *k, at: m.now()})
	m.looksAt(s, m.shown[len(m.shown)-1])
}

func (m *model) looksAt(s *seat, a *shown) {
	fresh := s == a.s && s.n == a.session && m.now().Sub(a.at) < desk.SecretsShown
	var may *keys
	if fresh {
		may = &a.keys
	}
	done := m.allow(may)
	p := m.get(s, a.path)
	done()
	if p.status != http.StatusOK {
		m.r.Errorf("the answer %s is %d, to %q", a.path, p.status, p.location())
	}
	if fresh && (!strings.Contains(p.body, a.keys.key) || !strings.Contains(p.body, a.keys.token)) {
		m.r.Errorf("the answer %s does not show the keys that ATOM gave", a.path)
	}
}

// lookAtAnswer looks at an earlier answer, one's own or not: the keys are there for
// who acted, for ten minutes.
func (m *model) lookAtAnswer(r *rapid.T) {
	if len(m.shown) == 0 {
		r.SkipNow() // there is none
	}
	s, a := one(m, "who", m.seats), one(m, "answer", m.shown)
	m.tell("%s looks at the answer that %s got", s.name, a.s.name)
	if !m.alive(s) || !s.role.Includes(store.Manager) {
		want := http.StatusForbidden
		if !s.in {
			want = http.StatusSeeOther
		}
		p := m.get(s, a.path)
		m.wants(s.login, p.status, want, came{})
		return
	}
	m.looksAt(s, a)
	m.wants(s.login, http.StatusOK, http.StatusOK, came{})
}

// reveal shows the stored keys again.
func (m *model) reveal(r *rapid.T) {
	s, c := one(m, "who", m.seats), one(m, "customer", m.customers)
	fill := url.Values{"reason": {m.name("ticket ")}}
	if m.flip("with the password") {
		fill.Set("password", password)
	}
	m.tell("%s reveals the keys of %s%s", s.name, c.email, withPassword(fill))
	action := c.path() + "/credentials/reveal"
	if !m.mayPost(s, store.Manager, action, fill) {
		return
	}
	form := m.form(s, c.path(), action, fill)
	expected, status := came{}, http.StatusSeeOther
	if m.confirms(s, form, &expected) || c.given == nil {
		status = http.StatusUnprocessableEntity
	} else {
		expected.acts = append(expected.acts, desk.WhatReveal+": done")
	}
	p := m.post(s, action, form)
	m.wants(s.login, p.status, status, expected)
	if status == http.StatusSeeOther && p.status == status {
		m.keep(s, desk.WhatReveal, action, form, p)
		m.shows(s, p.location(), c.given)
	}
}

// newCustomer is somebody whom the story may create, or has.
func (m *model) newEmail() string {
	return fmt.Sprintf("new%d@new.example", rapid.IntRange(1, 4).Draw(m.r, "customer"))
}

func (m *model) known(email string) *customer {
	for _, c := range m.customers {
		if c.email == email {
			return c
		}
	}
	return nil
}

// create makes a customer, or tries one who is there.
func (m *model) create(r *rapid.T) {
	s, email := one(m, "who", m.seats), m.newEmail()
	m.tell("%s creates %s", s.name, email)
	fill := url.Values{"company": {"Company of " + email}, "email": {email}}
	if !m.mayPost(s, store.Manager, "/customers", fill) {
		return
	}
	form := m.form(s, "/customers/new", "/customers", fill)
	p := m.post(s, "/customers", form)
	status, ended := http.StatusSeeOther, "done"
	if m.known(email) != nil {
		status, ended = http.StatusUnprocessableEntity, "refused"
	}
	m.wants(s.login, p.status, status, came{acts: []string{desk.WhatCreate + ": " + ended}, calls: []string{"POST /atom/customer"}})
	m.keep(s, desk.WhatCreate, "/customers", form, p)
	if status == http.StatusSeeOther && p.status == status {
		m.created(s, email, p.location())
	}
}

// created adds a customer whose answer is at a path.
func (m *model) created(s *seat, email, at string) {
	cuid, err := url.PathUnescape(path.Base(path.Dir(path.Dir(at))))
	if err != nil {
		m.r.Fatal(err)
	}
	c := &customer{cuid: cuid, email: email, given: m.newest(cuid)}
	m.customers = append(m.customers, c)
	m.shows(s, at, c.given)
}

// createLost makes a customer, and ATOM's answer is lost: it is not sent again before
// the list has told what came of it.
func (m *model) createLost(r *rapid.T) {
	s, email := one(m, "who", m.seats), m.newEmail()
	if m.known(email) != nil {
		r.SkipNow() // there already
	}
	m.tell("%s creates %s, and ATOM's answer is lost", s.name, email)
	fill := url.Values{"company": {"Company of " + email}, "email": {email}}
	if !m.mayPost(s, store.Manager, "/customers", fill) {
		return
	}
	form := m.form(s, "/customers/new", "/customers", fill)
	m.w.fault(`{"service": "atom", "lose_answer": true}`)
	p := m.post(s, "/customers", form)
	m.wants(s.login, p.status, http.StatusBadGateway, came{acts: []string{desk.WhatCreate + ": unknown"}, calls: []string{"POST /atom/customer"}})
	again := m.form(s, "/customers/new", "/customers", fill)
	p = m.post(s, "/customers", again)
	m.wants(s.login, p.status, http.StatusUnprocessableEntity, came{})
	m.w.calm()
	m.w.refresh()
	m.since(nil)
	m.customers = append(m.customers, &customer{cuid: m.w.customer(email).CUID, email: email})
}

// sendCode sends a code by SMS.
func (m *model) sendCode(r *rapid.T) {
	s, phone := one(m, "who", m.seats), rapid.SampledFrom(modelPhones).Draw(r, "number")
	m.tell("%s sends a code to %s", s.name, phone)
	fill := url.Values{"phone": {phone}}
	if m.mayPost(s, store.Manager, "/sms", fill) {
		m.sends(s, m.form(s, "/sms", "/sms", fill), false)
	}
}

// verdict is how sending a code must end: with which status, and whether that is on
// record as denied; collides is true when a colleague's stands in the way.
func (m *model) verdict(s *seat, phone string) (status int, denied, collides bool) {
	now, mine := m.now(), 0
	within := func(all []earlier) (n int) {
		for _, e := range all {
			if now.Sub(e.at) < 24*time.Hour {
				n++
			}
		}
		return n
	}
	for _, number := range modelPhones {
		mine += within(slices.DeleteFunc(slices.Clone(m.sent[number]), func(e earlier) bool { return e.by != s.login }))
	}
	last := m.sent[phone]
	switch {
	case within(m.sent[phone]) >= modelPerNumber, mine >= modelPerStaff:
		return http.StatusTooManyRequests, true, false
	case len(last) > 0 && now.Sub(last[len(last)-1].at) < modelCooldown:
		return http.StatusTooManyRequests, false, false
	case m.collides(s, "sms", phone):
		return http.StatusUnprocessableEntity, false, true
	}
	return http.StatusSeeOther, false, false
}

// active are the codes to a number that take one of its slots.
func (m *model) active(phone string) (n int) {
	for _, c := range m.codes {
		if c.phone == phone && !c.used && m.now().Sub(c.at) < codeHolds {
			n++
		}
	}
	return n
}

func (m *model) sends(s *seat, form url.Values, despite bool) {
	phone := form.Get("phone")
	status, denied, collides := m.verdict(s, phone)
	p := m.post(s, "/sms", form)
	switch {
	case collides && !despite:
		m.warns(s, desk.WhatSendSMS, "/sms", form, p)
		return
	case status == http.StatusTooManyRequests:
		expected := came{}
		if denied {
			expected.denied = 1
		}
		m.wants(s.login, p.status, status, expected)
		return
	}
	status, ended := http.StatusSeeOther, "done"
	if m.active(phone) >= m.limit {
		status, ended = http.StatusUnprocessableEntity, "refused"
	}
	m.wants(s.login, p.status, status, came{acts: []string{desk.WhatSendSMS + ": " + ended}, calls: []string{"POST /ip1/api/authentications"}})
	m.keep(s, desk.WhatSendSMS, "/sms", form, p)
	if ended == "done" && p.status == status {
		m.sentCode(s, phone, p.location())
	}
}

func (m *model) sentCode(s *seat, phone, at string) {
	c := &code{id: at, phone: phone, text: m.w.lastCode(phone), at: m.now()}
	m.codes = append(m.codes, c)
	m.sent[phone] = append(m.sent[phone], earlier{"sms", phone, s.login, m.now()})
	m.did(s, "sms", phone)
	m.so(": %s, %s", c.text, c.id)
}

// verify asks iP1 about a code, or a wrong one.
func (m *model) verify(r *rapid.T) {
	if len(m.codes) == 0 {
		r.SkipNow() // none was sent
	}
	s, c := one(m, "who", m.seats), one(m, "code", m.codes)
	typed := c.text
	if m.flip("wrong") {
		typed = "wrong-2"
	}
	m.tell("%s verifies %s on %s", s.name, typed, c.id)
	action := c.id + "/verify"
	if !m.mayPost(s, store.Manager, action, url.Values{"code": {"wrong-2"}}) {
		return
	}
	form := m.form(s, c.id, action, url.Values{"code": {typed}})
	p := m.post(s, action, form)
	tries := 0
	for _, at := range m.wrong[c.phone] {
		if m.now().Sub(at) < 24*time.Hour {
			tries++
		}
	}
	expected := came{acts: []string{desk.WhatVerifySMS + ": done"}, calls: []string{"POST /ip1/api/authentications/validate"}}
	status := http.StatusSeeOther
	right := typed == c.text && !c.used && m.now().Sub(c.at) < codeHolds
	switch {
	case tries >= 10:
		status, expected = http.StatusTooManyRequests, came{denied: 1}
	case c.tries >= 5:
		status, expected = http.StatusUnprocessableEntity, came{denied: 1}
	case !right:
		status, expected.acts = http.StatusUnprocessableEntity, []string{desk.WhatVerifySMS + ": refused"}
		c.tries++
		m.wrong[c.phone] = append(m.wrong[c.phone], m.now())
	default:
		c.used = true
	}
	m.wants(s.login, p.status, status, expected)
	if len(expected.acts) > 0 {
		m.keep(s, desk.WhatVerifySMS, action, form, p)
	}
}

// limitCodes sets how many codes to one number may be active.
func (m *model) limitCodes(r *rapid.T) {
	s, limit := one(m, "who", m.seats), rapid.IntRange(1, 3).Draw(r, "limit")
	m.tell("%s limits codes to %d a number", s.name, limit)
	fill := url.Values{"concurrent_limit": {fmt.Sprint(limit)}}
	if !m.mayPost(s, store.Admin, "/sms/settings", fill) {
		return
	}
	form := m.form(s, "/sms/settings", "/sms/settings", fill)
	p := m.post(s, "/sms/settings", form)
	m.wants(s.login, p.status, http.StatusSeeOther, came{acts: []string{desk.WhatSMSSettings + ": done"}, calls: []string{"PUT /ip1/api/authentications/settings"}})
	m.limit = limit
}

// postAgain posts a form again, as a reload or the back button does: the answer is
// repeated, and nothing happens.
func (m *model) postAgain(r *rapid.T) {
	var some []*posted
	for _, f := range m.posted {
		ok := f.s.in && m.now().Sub(f.at) < 6*24*time.Hour
		switch f.what {
		case desk.WhatSSO:
			ok = ok && f.session == f.s.n && m.now().Sub(f.at) < 10*time.Second
		case desk.WhatByCUID, desk.WhatNoPasscode:
			ok = ok && f.s.role == store.Admin && m.now().Sub(f.s.password) < desk.StepUpHolds
		case desk.WhatReveal:
			ok = ok && m.now().Sub(f.s.password) < desk.StepUpHolds
		}
		if ok {
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		r.SkipNow() // none was posted
	}
	f := one(m, "form", some)
	m.tell("%s posts again: %s, to %s", f.s.name, f.what, f.action)
	if !m.mayPost(f.s, store.Manager, f.action, f.form) {
		return
	}
	p := m.post(f.s, f.action, f.form)
	m.wants(f.s.login, p.status, f.status, came{})
	if p.location() != f.to {
		m.r.Errorf("led to %q, and before to %q", p.location(), f.to)
	}
}

// two are two seats from which managers act, of different browsers.
func (m *model) two(r *rapid.T) (a, b *seat) {
	var able []*seat
	for _, s := range m.seats {
		if m.alive(s) && s.role.Includes(store.Manager) {
			able = append(able, s)
		}
	}
	if len(able) < 2 {
		r.SkipNow() // nobody is there
	}
	i := rapid.IntRange(0, len(able)-1).Draw(r, "one")
	j := rapid.IntRange(0, len(able)-2).Draw(r, "other")
	if j >= i {
		j++
	}
	return able[i], able[j]
}

// first tells which of two posts was done: exactly one must be, with its one act, and
// only acts that were refused beside it.
func (m *model) first(what string, a, b *posted) *posted {
	status := m.atOnce(a, b)
	m.so(" → %v", status)
	winner := a
	if b.status == http.StatusSeeOther {
		winner = b
	}
	if (a.status == http.StatusSeeOther) == (b.status == http.StatusSeeOther) {
		m.r.Errorf("answered %v, want one of them done", status)
	}
	done, others := 0, 0
	for _, e := range m.w.entries(audit.Filter{What: what, Whole: true}) {
		if e.ID <= m.entry || e.Phase != audit.Outcome {
			continue
		}
		switch {
		case e.Result == audit.Done && e.Who.Portal == winner.s.portal && e.Who.Username == winner.s.username:
			done++
		case e.Result != audit.Refused:
			others++
		}
	}
	if done != 1 || others != 0 {
		m.r.Errorf("on record are %d acts that were done, and %d others; want one", done, others)
	}
	m.since(nil)
	return winner
}

// createAtOnce has two create the same customer at the same moment.
func (m *model) createAtOnce(r *rapid.T) {
	email := m.newEmail()
	if m.known(email) != nil {
		r.SkipNow() // there already
	}
	a, b := m.two(r)
	m.tell("%s and %s create %s at once", a.name, b.name, email)
	fill := url.Values{"company": {"Company of " + email}, "email": {email}}
	first := m.first(desk.WhatCreate,
		&posted{s: a, action: "/customers", form: m.form(a, "/customers/new", "/customers", fill)},
		&posted{s: b, action: "/customers", form: m.form(b, "/customers/new", "/customers", maps.Clone(fill))})
	m.created(first.s, email, first.to)
}

// redeemAtOnce has two redeem the same passcode at the same moment.
func (m *model) redeemAtOnce(r *rapid.T) {
	var some []*customer
	for _, c := range m.customers {
		if c.passcode != "" && m.now().Before(c.until) {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		r.SkipNow() // no passcode
	}
	c := one(m, "customer", some)
	a, b := m.two(r)
	if m.collides(a, "issue", c.email) || m.collides(b, "issue", c.email) {
		r.SkipNow() // a colleague is in the way
	}
	m.tell("%s and %s redeem %s for %s at once", a.name, b.name, c.passcode, c.email)
	action, fill := c.path()+"/passcode/redeem", url.Values{"passcode": {c.passcode}}
	first := m.first(desk.WhatRedeem, &posted{s: a, action: action, form: m.form(a, c.path(), action, fill)}, &posted{s: b, action: action, form: m.form(b, c.path(), action, maps.Clone(fill))})
	c.passcode, c.given = "", m.newest(c.cuid)
	m.did(first.s, "issue", c.email)
	m.shows(first.s, first.to, c.given)
}

// sendCodesAtOnce has two send a code to the same number at the same moment.
func (m *model) sendCodesAtOnce(r *rapid.T) {
	phone := rapid.SampledFrom(modelPhones).Draw(r, "number")
	a, b := m.two(r)
	for _, s := range []*seat{a, b} {
		if status, _, _ := m.verdict(s, phone); status != http.StatusSeeOther || m.active(phone) >= m.limit {
			r.SkipNow() // a limit is in the way
		}
	}
	m.tell("%s and %s send a code to %s at once", a.name, b.name, phone)
	fill := url.Values{"phone": {phone}}
	first := m.first(desk.WhatSendSMS, &posted{s: a, action: "/sms", form: m.form(a, "/sms", "/sms", fill)}, &posted{s: b, action: "/sms", form: m.form(b, "/sms", "/sms", maps.Clone(fill))})
	m.sentCode(first.s, phone, first.to)
}

// actAtOnce has two colleagues open ATOM as a customer, or e-mail a passcode to one, at
// the same moment: the second is warned.
func (m *model) actAtOnce(r *rapid.T) {
	a, b := m.two(r)
	c := one(m, "customer", m.customers)
	what, action, fill := desk.WhatSendPasscode, c.path()+"/passcode", url.Values{}
	if m.flip("open") {
		what, action, fill = desk.WhatSSO, c.path()+"/sso", url.Values{"reason": {m.name("ticket ")}}
	}
	if a.login == b.login || m.collides(a, kinds[what], c.email) || m.collides(b, kinds[what], c.email) {
		r.SkipNow() // nobody is in nobody's way, or somebody else is
	}
	m.tell("%s and %s do the same at once: %s, %s", a.name, b.name, what, c.email)
	first := m.first(what, &posted{s: a, action: action, form: m.form(a, c.path(), action, fill)}, &posted{s: b, action: action, form: m.form(b, c.path(), action, maps.Clone(fill))})
	m.did(first.s, kinds[what], c.email)
	if what == desk.WhatSendPasscode {
		c.passcode, c.until = m.w.lastCode(c.email), m.now().Add(passcodeHolds)
		m.so(": %s", c.passcode)
	}
}

// clickTwice double-clicks: one act, and the same answer to both.
func (m *model) clickTwice(r *rapid.T) {
	a, _ := m.two(r)
	c := one(m, "customer", m.customers)
	if m.collides(a, "open", c.email) {
		r.SkipNow() // a colleague is in the way
	}
	m.tell("%s double-clicks to open ATOM as %s", a.name, c.email)
	action := c.path() + "/sso"
	form := m.form(a, c.path(), action, url.Values{"reason": {m.name("ticket ")}})
	one, other := &posted{s: a, action: action, form: form}, &posted{s: a, action: action, form: form}
	status := m.atOnce(one, other)
	if status[0] != status[1] || one.to != other.to {
		m.r.Errorf("answered %v, to %q and %q", status, one.to, other.to)
	}
	m.wants(a.login, status[0], http.StatusSeeOther, came{acts: []string{desk.WhatSSO + ": done"}, calls: []string{"GET /atom/customer/" + c.email + "/sso"}})
	m.did(a, "open", c.email)
}
