package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"frontdesk/store/audit"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// proof puts side by side what people sent and were told, what the log says, and what
// the services saw.
type proof struct {
	t        *testing.T
	b        bigImport
	services services
	deeds    map[string]*deed
	acts     []*loggedAct // in the order of the log
	problems []string

	acknowledged, unknown int // forms, and acts
}

// loggedAct is an act as the log has it.
type loggedAct struct {
	id, what           string
	onID, onName, mail string
	portal, username   string
	agent, request     string
	reason             string
	intents, outcomes  int
	outcome            audit.Result
}

func (a *loggedAct) String() string {
	return fmt.Sprintf("act %s, %s by %s:%s on %s%s, %s", a.id, a.what, a.portal, a.username, a.onID, a.mail, a.outcome)
}

func (p *proof) wrong(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func newProof(t *testing.T, c *crew, b bigImport) *proof {
	t.Helper()
	p := &proof{t: t, b: b, services: c.services, deeds: c.deeds}
	rows, err := b.raw.Query(`SELECT act_id, phase, what, on_id, on_name, on_email, portal, username, user_agent, request_id, reason, outcome FROM audit_entries
		WHERE phase IN ('intent', 'outcome') ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	byID := map[string]*loggedAct{}
	for rows.Next() {
		var a loggedAct
		var phase string
		if err := rows.Scan(&a.id, &phase, &a.what, &a.onID, &a.onName, &a.mail, &a.portal, &a.username, &a.agent, &a.request, &a.reason, &a.outcome); err != nil {
			t.Fatal(err)
		}
		known := byID[a.id]
		if known == nil {
			known = &a
			byID[a.id] = known
			p.acts = append(p.acts, known)
			if phase == string(audit.Outcome) {
				p.wrong("%v has an outcome before its intent", known)
			}
		}
		if phase == string(audit.Intent) {
			known.intents++
			continue
		}
		known.outcomes++
		known.outcome = a.outcome
		if known.what == desk.WhatCreate {
			known.onID = a.onID
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// compare finds everything that does not fit together.
func (p *proof) compare(rows int) {
	for _, a := range p.acts {
		if a.intents != 1 || a.outcomes != 1 {
			p.wrong("%v has %d intents and %d outcomes", a, a.intents, a.outcomes)
		}
		if a.outcome == audit.Unknown {
			p.unknown++
		}
	}
	p.forms()
	p.calls()
	p.created(rows)
	p.texted()
	if n := p.b.count(p.t, `SELECT count(*) FROM outside WHERE state = 'found'`); n != 0 {
		p.wrong("%d customers or codes count as made outside frontdesk, and nobody else made any", n)
	}
}

// forms holds that each form acted as often as its person was told: once when it is
// done, and never twice.
func (p *proof) forms() {
	acts := map[string][]*loggedAct{}
	for _, a := range p.acts {
		if a.request == "import" {
			continue
		}
		d := p.deeds[a.agent]
		switch {
		case d == nil:
			p.wrong("%v was sent by nobody: %s", a, a.agent)
			continue
		case a.what == desk.WhatConfirm: // the step-up of another act
			continue
		case a.what != d.what || a.portal != d.who.portal || a.username != d.who.username || !a.about(d.on):
			p.wrong("%v is not what was sent: %v", a, d)
		}
		acts[d.mark] = append(acts[d.mark], a)
	}
	denied := map[string]bool{}
	for mark := range column(p, `SELECT user_agent FROM audit_entries WHERE phase = 'event' AND outcome = 'denied'`) {
		denied[mark] = true
	}
	for _, mark := range slices.Sorted(maps.Keys(p.deeds)) {
		d := p.deeds[mark]
		most := 1
		repeats := !d.anew && d.what != desk.WhatSignIn && d.what != desk.WhatRenew // those have no receipt: each post asks the portal
		if !repeats {
			most = d.posts
		}
		if len(acts[mark]) > most {
			p.wrong("%v acted %d times: %v", d, len(acts[mark]), acts[mark])
		}
		ended := map[audit.Result]int{}
		for _, a := range acts[mark] {
			ended[a.outcome]++
		}
		switch {
		case d.done():
			p.acknowledged++
			if ended[audit.Done] == 0 {
				p.wrong("%v was acknowledged, and is not on record as done: %v", d, acts[mark])
			}
		case ended[audit.Done] > 0 && repeats:
			p.wrong("%v was done, and its person was told otherwise: %v", d, acts[mark])
		case d.status == http.StatusForbidden && !denied[mark]:
			p.wrong("%v was denied, and that is not on record", d)
		case ended[audit.Unknown] > 0 && repeats && d.status < 500:
			p.wrong("%v may have been done, and its person was told that it was not: %v", d, acts[mark])
		}
		if d.status == 0 && d.what != desk.WhatRenew {
			p.wrong("%v got no answer in the end", d)
		}
	}
}

// about tells whether an act is on what a form was about.
func (a *loggedAct) about(on string) bool {
	switch a.what {
	case desk.WhatSignIn, desk.WhatRenew:
		return a.portal == on
	case desk.WhatByCUID:
		return a.onID == on
	case desk.WhatSendSMS, desk.WhatVerifySMS:
		return a.onID == "phone:"+on
	}
	return strings.EqualFold(a.mail, on)
}

// column is the first column of what a query finds.
func column(p *proof, query string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		rows, err := p.b.raw.Query(query)
		if err != nil {
			p.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				p.t.Fatal(err)
			}
			if !yield(text) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// passwords are the acts that ask a portal for a password; its journal does not tell
// them apart.
const passwords = "check a password"

// callOf is what a call does and on whom, in the log's words; "" when it only reads.
func callOf(c sandbox.Call) (what, on string, known bool) {
	path, query, _ := strings.Cut(c.Path, "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	name := func(escaped string) string {
		plain, err := url.PathUnescape(escaped)
		if err != nil {
			return escaped
		}
		return strings.ToLower(plain)
	}
	switch {
	case parts[0] == "portal" && c.Method == http.MethodPost:
		return passwords, parts[1], true
	case c.Method == http.MethodPost && path == "/atom/customer":
		return desk.WhatCreate, "", true
	case c.Method == http.MethodGet && path == "/atom/customer/":
		return "", "", true
	case c.Method == http.MethodPost && path == "/ip1/api/authentications":
		return desk.WhatSendSMS, "", true
	case c.Method == http.MethodPost && path == "/ip1/api/authentications/validate":
		return desk.WhatVerifySMS, "", true
	case c.Method == http.MethodGet && parts[0] == "ip1":
		return "", "", true
	case c.Method != http.MethodGet || parts[0] != "atom":
		return "", "", false
	}
	switch strings.Join(parts[3:], "/") {
	case "":
		return "", "", len(parts) == 3
	case "sso":
		return desk.WhatSSO, name(parts[2]), true
	case "passcode":
		return desk.WhatSendPasscode, name(parts[2]), true
	case "auth/nopasscode":
		return desk.WhatNoPasscode, name(parts[2]), true
	case "auth":
		if query != "" {
			return desk.WhatRedeem, name(parts[2]), true
		}
		return desk.WhatByCUID, name(parts[2]), true
	}
	return "", "", false
}

// key is the same of an act in the log.
func (a *loggedAct) key() [2]string {
	switch a.what {
	case desk.WhatSignIn, desk.WhatRenew, desk.WhatConfirm:
		return [2]string{passwords, a.portal}
	case desk.WhatCreate, desk.WhatSendSMS, desk.WhatVerifySMS:
		return [2]string{a.what, ""}
	case desk.WhatByCUID:
		return [2]string{a.what, strings.ToLower(a.onID)}
	}
	return [2]string{a.what, strings.ToLower(a.mail)}
}

// calls holds that the services were called as often as the log says: for each act
// that ended as done or refused once, for one that is unknown at most once, and never
// for anything else.
func (p *proof) calls() {
	var journal []sandbox.Call
	getJSON(p.t, p.services.URL+"/journal", &journal)
	type saw struct{ ok, no, lost int }
	seen := map[[2]string]*saw{}
	for _, c := range journal {
		what, on, known := callOf(c)
		if !known {
			p.wrong("nobody knows what this call is: %+v", c)
		}
		if what == "" {
			continue
		}
		at := seen[[2]string{what, on}]
		if at == nil {
			at = new(saw)
			seen[[2]string{what, on}] = at
		}
		switch {
		case c.Status == 0:
			at.lost++
		case c.Status < 400:
			at.ok++
		default:
			at.no++
		}
	}
	logged := map[[2]string]map[audit.Result]int{}
	for _, a := range p.acts {
		if logged[a.key()] == nil {
			logged[a.key()] = map[audit.Result]int{}
		}
		logged[a.key()][a.outcome]++
		if seen[a.key()] == nil {
			seen[a.key()] = new(saw)
		}
	}
	for key, s := range seen {
		l := logged[key]
		calls, sure, unknown := s.ok+s.no+s.lost, l[audit.Done]+l[audit.Refused], l[audit.Unknown]
		fits := sure <= calls && calls <= sure+unknown && l[audit.Done] <= s.ok && s.no <= l[audit.Refused]+unknown
		if key[0] != desk.WhatVerifySMS { // iP1 says in a good answer that a code is wrong
			fits = fits && s.ok <= l[audit.Done]+unknown
		}
		if !fits {
			p.wrong("%s, on %q: the service was called %d times (%d well answered, %d refused, %d not answered), and the log has %v", key[0], key[1], calls, s.ok, s.no, s.lost, l)
		}
	}
}

// created holds that the customers whom the log has as created, at once or once the
// list had settled it, are those whom ATOM has, each once.
func (p *proof) created(rows int) {
	if _, got := p.b.now(p.t); got["created"] != rows || len(got) != 1 {
		p.wrong("the import's rows are %v; want %d created", got, rows)
	}
	settled := map[string]bool{}
	for act := range column(p, `SELECT act_id FROM open_creates WHERE state = 'created'`) {
		settled[act] = true
	}
	want := map[string]int{}
	for _, a := range p.acts {
		if a.what == desk.WhatCreate && (a.outcome == audit.Done || settled[a.id]) {
			want[strings.ToLower(a.mail)]++
		}
	}
	for n := 1; n <= rows; n++ {
		if want[emailOf(n)] != 1 {
			p.wrong("row %d is on record as created %d times", n, want[emailOf(n)])
		}
	}
	made := p.services.emails(p.t)
	for email, n := range made {
		ours := strings.HasPrefix(email, "form-") || strings.HasPrefix(email, "imported")
		if ours && n != want[email] {
			p.wrong("ATOM has %s %d times, and it is on record as created %d times", email, n, want[email])
		}
	}
	for email, n := range want {
		if made[email] != n {
			p.wrong("%s is on record as created %d times, and ATOM has it %d times", email, n, made[email])
		}
	}
}

// texted holds that the codes that the log has as sent are those that iP1 sent, and
// those that it has as verified the ones that iP1 calls used.
func (p *proof) texted() {
	sent, used, mistyped := map[string]map[audit.Result]int{}, map[string]map[audit.Result]int{}, map[string]int{}
	for _, a := range p.acts {
		of := sent
		switch a.what {
		case desk.WhatSendSMS:
		case desk.WhatVerifySMS:
			of = used
			if d := p.deeds[a.agent]; a.outcome == audit.Unknown && d != nil && d.typed == "wrong" {
				mistyped[a.onName]++
			}
		default:
			continue
		}
		if of[a.onName] == nil {
			of[a.onName] = map[audit.Result]int{}
		}
		of[a.onName][a.outcome]++
	}
	got := map[string][2]int{}
	for _, au := range p.services.authentications(p.t) {
		n := got[au.Phone]
		n[0]++
		if au.IsUsed {
			n[1]++
		}
		got[au.Phone] = n
		if sent[au.Phone] == nil {
			p.wrong("iP1 sent a code to %s, and no act on record did", au.Phone)
		}
	}
	for phone, l := range sent {
		if n := got[phone][0]; n < l[audit.Done] || n > l[audit.Done]+l[audit.Unknown] {
			p.wrong("iP1 sent %d codes to %s, and the log has %v", n, phone, l)
		}
	}
	for phone, l := range used {
		if n := got[phone][1]; n < l[audit.Done] || n > l[audit.Done]+l[audit.Unknown]-mistyped[phone] {
			p.wrong("iP1 calls %d codes to %s used, and the log has %v", n, phone, l)
		}
	}
}

type authentication struct {
	Phone  string
	IsUsed bool
}

// authentications are the codes that iP1 has sent.
func (s services) authentications(t *testing.T) (all []authentication) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/ip1/api/authentications", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("ip1-00000", "sandbox-key")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
