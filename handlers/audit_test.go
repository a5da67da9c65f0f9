package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// linkTo is where the page's first link with this text, or this name for those
// who hear it, leads.
func (p *page) linkTo(name string) string {
	for n := range p.all("a") {
		if text(n) == name || attr(n, "aria-label") == name {
			return attr(n, "href")
		}
	}
	return ""
}

// entryRows are the IDs of the entries that the list shows, from the top.
func (p *page) entryRows() []string {
	var ids []string
	for n := range p.all("tr") {
		if id, ok := strings.CutPrefix(attr(n, "id"), "e"); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// bars are the chart's links.
func (p *page) bars() (hrefs, labels []string) {
	for n := range p.all("svg") {
		for a := range nodes(n) {
			if a.Data == "a" {
				hrefs, labels = append(hrefs, attr(a, "href")), append(labels, attr(a, "aria-label"))
			}
		}
	}
	return hrefs, labels
}

// fill writes n entries of one kind to the log, a second apart.
func (w *world) fill(who audit.Who, what string, n int) {
	w.t.Helper()
	for i := range n {
		w.clock.advance(time.Second)
		w.desk.Deny(w.t.Context(), who, what, audit.Subject{}, fmt.Sprintf("number %d", i))
	}
}

// who is a member of staff as the log keeps them.
func (w *world) who(username string) audit.Who {
	w.t.Helper()
	s, err := w.db.StaffByLogin(w.t.Context(), "customer", username)
	if err != nil {
		w.t.Fatal(err)
	}
	return desk.Actor{Staff: s}.Who()
}

// TestAuditFilters: each filter narrows the list, is on the form and a chip
// that takes it out again.
func TestAuditFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	mia.submit(mia.get(path), path+"/sso", url.Values{"reason": {"ticket 7"}}).wantStatus(http.StatusSeeOther)
	mia.post(path+"/passcode/redeem", url.Values{"passcode": {"wrong-one"}}).wantStatus(http.StatusUnprocessableEntity)
	alice.submit(alice.get("/sms"), "/sms", url.Values{"phone": {"+46701740605"}}).wantStatus(http.StatusSeeOther)
	only := func(f audit.Filter) string {
		t.Helper()
		all := w.entries(f)
		if len(all) != 1 {
			t.Fatalf("%d entries of %+v, want 1", len(all), f)
		}
		return fmt.Sprint(all[0].ID)
	}
	sso, refused, sms := only(audit.Filter{What: desk.WhatSSO}), only(audit.Filter{What: desk.WhatRedeem}), only(audit.Filter{What: desk.WhatSendSMS})
	now := w.clock.Now().UTC()
	day := now.Format(time.DateOnly)
	for _, c := range []struct {
		query, chip string
		in, out     []string
	}{
		{"q=ticket+7", "Text: ticket 7", []string{sso}, []string{refused, sms}},
		{"who=mia", "Who: mia", []string{sso, refused}, []string{sms}},
		{"what=open+as+customer", "What: open as customer", []string{sso}, []string{refused, sms}},
		{"on=" + url.QueryEscape(customer.CUID), "On whom: " + customer.CUID, []string{sso, refused}, []string{sms}},
		{"outcome=refused", "Outcome: refused", []string{refused}, []string{sso, sms}},
		{"service=ip1", "Service: iP1", []string{sms}, []string{sso, refused}},
		{"from=" + day, "Since: " + now.Format("2 Jan 2006"), []string{sso, refused, sms}, nil},
		{"to=2026-01-01", "Until: 1 Jan 2026", nil, []string{sso, refused, sms}},
		{"from=" + url.QueryEscape(now.Add(time.Hour).Format(time.RFC3339)), "", nil, []string{sso, refused, sms}},
		{"from=2026-01-01T10:30", "Since: 1 Jan 2026, 10:30", []string{sso}, nil},
		{"outcome=refused&service=atom", "Service: ATOM", []string{refused}, []string{sso, sms}},
	} {
		p := alice.get("/audit?" + c.query)
		p.wantStatus(http.StatusOK)
		got := p.entryRows()
		for _, id := range c.in {
			if !slices.Contains(got, id) {
				t.Errorf("%s does not list entry %s", c.query, id)
			}
		}
		for _, id := range c.out {
			if slices.Contains(got, id) {
				t.Errorf("%s lists entry %s", c.query, id)
			}
		}
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		if c.chip != "" {
			query.Del(map[string]string{"Text": "q", "Who": "who", "What": "what", "On whom": "on", "Outcome": "outcome", "Service": "service", "Since": "from", "Until": "to"}[c.chip[:strings.Index(c.chip, ":")]])
			if without := p.linkTo("Remove the filter " + c.chip); without != auditPath(query) {
				t.Errorf("%s: the chip %q leads to %q, want %q", c.query, c.chip, without, auditPath(query))
			}
		}
		for n := range p.all("form") {
			if attr(n, "aria-label") != "Audit log" {
				continue
			}
			for name := range filterQuery(mustQuery(t, c.query)) {
				if got := fieldValue(n, name); got != mustQuery(t, c.query).Get(name) {
					t.Errorf("%s: the field %s says %q", c.query, name, got)
				}
			}
		}
	}
	p := alice.get("/audit?from=" + day + "&to=" + day)
	if p.linkTo("Remove the filter Day: "+now.Format("2 Jan 2006")) != "/audit" {
		t.Error("a day is not one chip")
	}
	p.want(now.Format("Monday, 2 January 2006"))
	// The spans keep the rest of the filter.
	if got, want := alice.get("/audit?outcome=done").linkTo("7 days"), "/audit?from="+now.AddDate(0, 0, -6).Format(time.DateOnly)+"&outcome=done"; got != want {
		t.Errorf("7 days leads to %q, want %q", got, want)
	}
	// What the form leaves blank is not in the address.
	if got := alice.get("/audit?q=&who=&what=&on=&outcome=done&service=&from=&to="); got.status != http.StatusSeeOther || got.location() != "/audit?outcome=done" {
		t.Errorf("blanks: %d to %q", got.status, got.location())
	}
	// What was typed stays, whatever it is.
	for query, fields := range map[string][]string{
		"outcome=good&q=kept": {"outcome"}, "service=mail": {"service"}, "from=yesterday&to=2026-13-01": {"from", "to"}, "from=2026-11-02&to=2026-11-01": {"to"},
	} {
		p := alice.get("/audit?" + query)
		p.wantStatus(http.StatusUnprocessableEntity)
		p.wantErrors(fields...)
		typed := mustQuery(t, query)
		for n := range p.all("form") {
			if attr(n, "aria-label") == "Audit log" {
				for name := range typed {
					if got := fieldValue(n, name); got != typed.Get(name) {
						t.Errorf("%s: the field %s says %q", query, name, got)
					}
				}
			}
		}
		if rows := p.entryRows(); len(rows) > 0 {
			t.Errorf("%s lists %v", query, rows)
		}
	}
}

func mustQuery(t *testing.T, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fieldValue is what a form's field holds.
func fieldValue(form *html.Node, name string) string {
	for n := range nodes(form) {
		switch {
		case n.Data == "input" && attr(n, "name") == name:
			return attr(n, "value")
		case n.Data == "select" && attr(n, "name") == name:
			for o := range nodes(n) {
				if o.Data == "option" && has(o, "selected") {
					return attr(o, "value")
				}
			}
		}
	}
	return ""
}

// TestAuditPages: newer, older and around.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice := w.signedIn("alice")
	w.fill(w.who("mia"), "filler", 120)
	first := alice.get("/audit?what=filler")
	if first.linkTo("Newer") != "" || first.linkTo("Newest") != "" {
		t.Error("the newest page leads to a newer one")
	}
	second := alice.get(first.linkTo("Older"))
	third := alice.get(second.linkTo("Older"))
	var all []string
	for _, p := range []*page{first, second, third} {
		p.wantStatus(http.StatusOK)
		all = append(all, p.entryRows()...)
	}
	if len(all) != 120 || !slices.IsSortedFunc(all, func(a, b string) int { return int(entryID(b) - entryID(a)) }) || len(slices.Compact(slices.Clone(all))) != 120 {
		t.Errorf("three pages list %d entries: %v", len(all), all)
	}
	if third.linkTo("Older") != "" {
		t.Error("the oldest page leads to an older one")
	}
	if back := alice.get(third.linkTo("Newer")); !slices.Equal(back.entryRows(), second.entryRows()) {
		t.Errorf("back from the third page: %v", back.entryRows())
	}
	// A page that would not be full is the newest one.
	if top := alice.get("/audit?what=filler&after=" + all[10]); !slices.Equal(top.entryRows(), first.entryRows()) || top.linkTo("Newer") != "" {
		t.Errorf("after %s: %v", all[10], top.entryRows())
	}
	for _, odd := range []string{"cursor=x", "cursor=-1", "after=0", "cursor=99999999999999999999"} {
		if p := alice.get("/audit?what=filler&" + odd); !slices.Equal(p.entryRows(), first.entryRows()) {
			t.Errorf("%s: %v", odd, p.entryRows())
		}
	}
	// Around one in the middle, without the filter.
	mid := all[60]
	p := alice.get("/audit?what=nothing&around=" + mid)
	p.wantStatus(http.StatusOK)
	if rows := p.entryRows(); len(rows) != 2*aroundSize+1 || rows[aroundSize] != mid {
		t.Errorf("around %s: %v", mid, rows)
	}
	marked := ""
	for n := range p.all("tr") {
		if attr(n, "aria-current") == "true" {
			marked += attr(n, "id")
		}
	}
	if marked != "e"+mid {
		t.Errorf("around %s, %q is marked", mid, marked)
	}
	if alice.get("/audit/"+mid).linkTo("Around this entry") != "/audit?around="+mid+"#e"+mid {
		t.Error("the entry does not lead to what is around it")
	}
	for _, odd := range []string{"x", "0", "999999"} {
		alice.get("/audit?around=" + odd).wantStatus(http.StatusNotFound)
	}
}

// TestAuditNeighbours: around an entry, and next to it, is what its reader may
// see.
func TestAuditNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, victor, alice := w.signedIn("mia"), w.signedIn("victor"), w.signedIn("alice")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	w.fault(`{"service": "atom", "latency": "5ms"}`) // an act's steps are apart
	for range 2 {
		alice.submit(alice.get(path), path+"/sso", url.Values{"reason": {"ticket of Alice's"}}).wantStatus(http.StatusSeeOther)
		w.fill(w.who("victor"), "filler", 2)
	}
	w.clock.advance(2 * time.Minute) // so that Mia's is no collision with Alice's
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	log := w.entries(audit.Filter{What: desk.WhatSSO})
	filler := w.entries(audit.Filter{What: "filler"})
	address := func(e audit.Entry) string { return fmt.Sprintf("/audit/%d", e.ID) }
	around := func(e audit.Entry) string { return fmt.Sprintf("/audit?around=%d", e.ID) }

	alice.get(around(filler[0])).want("filler", desk.WhatSSO, "Mia Moreau")
	victor.get(around(log[1])).wantStatus(http.StatusForbidden)
	p := victor.get(around(filler[0]))
	p.want("filler")
	p.wantNo(desk.WhatSSO)
	// Mia sees Alice's act for its customer, and so that customer's timeline.
	p = mia.get(around(log[1]))
	if rows := p.entryRows(); len(rows) != 3 {
		t.Errorf("a manager around another's act: %v", rows)
	}
	p.wantNo("filler", desk.WhatSignIn)
	// Around her own act are her own acts.
	p = mia.get(around(log[0]))
	p.want(desk.WhatSignIn)
	p.wantNo("ticket of Alice's", "filler")

	// The intent of an act that is over leads to where it stands in the log.
	intent, err := w.db.EntriesOfAct(t.Context(), log[0].Act)
	if err != nil {
		t.Fatal(err)
	}
	if rows := mia.get(around(intent[0])).entryRows(); !slices.Contains(rows, fmt.Sprint(log[0].ID)) || slices.Contains(rows, fmt.Sprint(intent[0].ID)) {
		t.Errorf("around an intent: %v", rows)
	}
	page := mia.get(address(log[1]))
	if newer, older := page.linkTo("Newer"), page.linkTo("Older"); newer != address(log[0]) || older != address(log[2]) {
		t.Errorf("next to another's act a manager finds %q and %q, want the customer's %q and %q", newer, older, address(log[0]), address(log[2]))
	}
	page.want("The whole act", "intent", "later", "this entry", "open as customer")
	if page := victor.get(address(filler[1])); page.linkTo("Newer") != address(filler[0]) {
		t.Errorf("next to his own act a viewer finds %q", page.linkTo("Newer"))
	}
}

// TestAuditUnderWay: an act between its intent and its outcome is shown as
// such.
func TestAuditUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice := w.signedIn("alice")
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Append(t.Context(), &audit.Entry{Act: store.NewID(), Phase: audit.Intent, Who: w.who("mia"), What: desk.WhatSSO, Service: "atom"})
	})
	if err != nil {
		t.Fatal(err)
	}
	list := alice.get("/audit?what=open+as+customer")
	list.want("under way")
	p := alice.get("/audit/" + list.entryRows()[0])
	p.want("The whole act", "Under way: no outcome yet")
}

// TestAuditChart: the bars lead to their slice of time.
func TestAuditChart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.fill(w.who("mia"), "filler", 1)
	w.clock.advance(5 * time.Hour)
	w.fill(w.who("mia"), "filler", 2)
	alice := w.signedIn("alice")
	p := alice.get("/audit?what=filler")
	p.want("3 acts and events", "0 done", "3 not done", "As a table")
	hrefs, labels := p.bars()
	if len(hrefs) != 2 {
		t.Fatalf("%d bars, want 2: %q", len(hrefs), labels)
	}
	listed := 0
	for i, href := range hrefs {
		u, err := url.Parse(href)
		if err != nil || u.Path != "/audit" || u.Query().Get("what") != "filler" || u.Query().Get("from") == "" || u.Query().Get("to") == "" {
			t.Errorf("a bar leads to %q", href)
		}
		if !strings.Contains(labels[i], "not done") {
			t.Errorf("a bar is named %q", labels[i])
		}
		slice := alice.get(href)
		slice.wantStatus(http.StatusOK)
		listed += len(slice.entryRows())
	}
	if listed != 3 {
		t.Errorf("the bars lead to %d entries, want 3", listed)
	}
	alice.get("/audit?q=nothing-that-is-there").wantNo("As a table")
}

// TestAuditChartScale: heights and addresses of the bars.
func TestAuditChartScale(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	c := auditChart(audit.Summary{Total: 400, Failed: 100, Capped: true, Buckets: []audit.Bucket{
		{From: day, To: day.AddDate(0, 0, 1), Done: 299, Failed: 1},
		{From: day.AddDate(0, 0, 1), To: day.AddDate(0, 0, 2), Done: 1, Failed: 99},
		{From: day.AddDate(0, 0, 2), To: day.AddDate(0, 0, 3)},
	}}, url.Values{"outcome": {"done"}, "from": {"2026-01-01"}})
	if !c.Capped || c.Above+c.Below > chartHeight || c.Bars[0].DoneHeight != c.Above || c.Bars[1].FailedHeight != c.Below || c.Bars[0].FailedHeight == 0 {
		t.Errorf("%+v", c)
	}
	if c.Bars[0].Path != "/audit?from=2026-11-20&outcome=done&to=2026-11-20" || c.Bars[2].Path != "" {
		t.Errorf("the bars lead to %q and %q", c.Bars[0].Path, c.Bars[2].Path)
	}
	for _, b := range []struct {
		to       time.Duration
		from, at string
	}{
		{time.Hour, "2026-11-20T00:00", "2026-11-20T01:00"}, {15 * time.Second, "2026-11-20T00:00", "2026-11-20T00:00:15Z"},
		{7 * 24 * time.Hour, "2026-11-20", "2026-11-26"},
	} {
		from, to := bucketParams(day, day.Add(b.to))
		if from != b.from || to != b.at {
			t.Errorf("%v: %q to %q, want %q to %q", b.to, from, to, b.from, b.at)
		}
	}
}

// TestAuditTurn: a search that met its bound of work goes on from there.
func TestAuditTurn(t *testing.T) {
	t.Parallel()
	q := url.Values{"q": {"x"}}
	entries := []audit.Entry{{ID: 90}, {ID: 80}}
	for _, c := range []struct {
		name  string
		asked audit.Page
		got   audit.Found
		want  views.Turn
	}{
		{"the whole log", audit.Page{}, audit.Found{Entries: entries}, views.Turn{}},
		{"the newest page", audit.Page{}, audit.Found{Entries: entries, Older: true}, views.Turn{Older: "/audit?cursor=80&q=x"}},
		{"in between", audit.Page{Before: 100}, audit.Found{Entries: entries, Older: true, Newer: true},
			views.Turn{Newest: "/audit?q=x", Newer: "/audit?after=90&q=x", Older: "/audit?cursor=80&q=x"}},
		{"reached", audit.Page{}, audit.Found{Entries: entries, Older: true, Reached: 50}, views.Turn{Further: "/audit?cursor=50&q=x"}},
		{"reached, nothing yet", audit.Page{Before: 70}, audit.Found{Newer: true, Older: true, Reached: 50},
			views.Turn{Newest: "/audit?q=x", Newer: "/audit?after=69&q=x", Further: "/audit?cursor=50&q=x"}},
		{"reached upwards", audit.Page{After: 70}, audit.Found{Entries: entries, Newer: true, Older: true, Reached: 95},
			views.Turn{Newest: "/audit?q=x", Older: "/audit?cursor=80&q=x", Further: "/audit?after=95&q=x", Up: true}},
	} {
		if got := turn(q, c.asked, c.got); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestAuditViews: saved, shared, removed.
func TestAuditViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia, victor := w.signedIn("alice"), w.signedIn("mia"), w.signedIn("victor")
	if mia.get("/audit").hasForm("/audit/views") {
		t.Error("a view can be saved without a filter")
	}
	const query = "/audit?outcome=refused&service=atom"
	p := mia.get(query + "&cursor=7")
	bad := mia.submit(p, "/audit/views", url.Values{"name": {" "}, "shared": {"1"}})
	bad.wantStatus(http.StatusUnprocessableEntity)
	bad.wantErrors("name")
	if again := bad.form("/audit/views").values; again.Get("query") != "outcome=refused&service=atom" || again.Get("shared") != "1" {
		t.Errorf("after a refusal the form holds %v", again)
	}
	mia.submit(bad, "/audit/views", url.Values{"name": {"Everybody's <b>"}}).wantStatus(http.StatusSeeOther)
	mia.post("/audit/views", url.Values{"name": {"Mine"}, "query": {"what=sign+in&cursor=3&x=y"}}).wantStatus(http.StatusSeeOther)
	if at := mia.submit(mia.get("/audit?service=ip1"), "/audit/views", url.Values{"name": {"SMS"}}).location(); at != "/audit?service=ip1" {
		t.Errorf("saved, and led to %q", at)
	}
	viewLink := func(b *browser, name string) string {
		for n := range b.get("/audit").all("a") {
			if attr(n, "title") == name {
				return attr(n, "href")
			}
		}
		return ""
	}
	if mine := viewLink(mia, "Mine"); mine != "/audit?what=sign+in" {
		t.Errorf("her own view leads to %q", mine)
	}
	if viewLink(victor, "Mine") != "" || viewLink(victor, "Everybody's <b>") != query {
		t.Error("others see what is not shared, or not what is")
	}
	victor.get("/audit").want("Everybody's <b>", "Mia Moreau")

	// Own ones are removed where they are open; admins remove others' too.
	removal := func(p *page) string {
		for _, f := range p.forms() {
			if strings.HasSuffix(f.action, "/remove") {
				return f.action
			}
		}
		return ""
	}
	if got := removal(victor.get(query)); got != "" {
		t.Errorf("a viewer is offered %s", got)
	}
	shared := removal(mia.get(query))
	if shared == "" || shared != removal(alice.get(query)) {
		t.Fatalf("her own view: removed by %q; an admin by %q", shared, removal(alice.get(query)))
	}
	if p := victor.post(shared, nil); p.status != http.StatusForbidden && p.status != http.StatusNotFound {
		t.Errorf("a viewer removes another's view: %d", p.status)
	}
	if viewLink(mia, "Everybody's <b>") == "" {
		t.Error("a viewer has removed another's view")
	}
	alice.submit(alice.get(query), shared, nil).wantStatus(http.StatusSeeOther)
	if viewLink(victor, "Everybody's <b>") != "" {
		t.Error("a removed view is still there")
	}
	mine := removal(mia.get("/audit?service=ip1"))
	mia.post(mine, nil).wantStatus(http.StatusSeeOther)
	mia.post(mine, nil).wantStatus(http.StatusNotFound)
	mia.post("/audit/views/x/remove", nil).wantStatus(http.StatusNotFound)

	// A session that ended loses nothing of what was typed.
	open := mia.get(query)
	mia.post("/logout", nil)
	mia.submit(open, "/audit/views", url.Values{"name": {"Kept for later"}}).wantStatus(http.StatusSeeOther)
	kept := mia.follow(mia.signIn("mia", "demo"))
	if f := kept.form("/audit/views").values; f.Get("name") != "Kept for later" || f.Get("query") != "outcome=refused&service=atom" {
		t.Errorf("after signing in again the form holds %v", f)
	}
}

// TestAuditExportLinks: of exactly what is filtered, for admins.
func TestAuditExportLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, mia := w.signedIn("alice"), w.signedIn("mia")
	p := alice.get("/audit?outcome=done&cursor=5")
	for name, want := range map[string]string{
		"CSV, comma": "/audit/export.csv?delimiter=comma&outcome=done", "CSV, semicolon": "/audit/export.csv?delimiter=semicolon&outcome=done",
		"CSV, tab": "/audit/export.csv?delimiter=tab&outcome=done", "JSON Lines": "/audit/export.jsonl?outcome=done",
	} {
		if got := p.linkTo(name); got != want {
			t.Errorf("%s leads to %q, want %q", name, got, want)
		}
	}
	mia.get("/audit").wantNo("/audit/export")
	if fieldThere(mia.get("/audit"), "who") || !fieldThere(p, "who") {
		t.Error("who is for admins")
	}
}

func fieldThere(p *page, name string) bool {
	for n := range p.all("input", "select") {
		if attr(n, "name") == name {
			return true
		}
	}
	return false
}

// TestAuditProof: the proof page, the checkpoint, and an entry's proof for
// whoever may see the entry.
func TestAuditProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice, victor := w.signedIn("alice"), w.signedIn("victor")
	head, err := w.db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*browser{alice, victor} {
		p := b.get("/audit/proof")
		p.wantStatus(http.StatusOK)
		p.want(w.db.AuditKey(), head.Root.String(), "frontdesk audit verify --since FILE")
		if got := p.byID("checkpoint"); !strings.Contains(got, head.Root.String()) {
			t.Errorf("the checkpoint on the page is %q", got)
		}
		if shown := strings.Contains(p.text(), "Streams"); shown != (b == alice) {
			t.Errorf("the streams are shown: %v", shown)
		}
		note := b.get("/audit/checkpoint")
		note.wantStatus(http.StatusOK)
		if kind, cache := note.res.Header.Get("Content-Type"), note.res.Header.Get("Cache-Control"); kind != "text/plain; charset=utf-8" || cache != "no-store" {
			t.Errorf("the checkpoint is %q, kept %q", kind, cache)
		}
		if got, err := audit.OpenCheckpoint(note.body, w.db.AuditKey()); err != nil || got.Size != head.Size || got.Root != head.Root || !strings.HasSuffix(note.body, "\n") {
			t.Errorf("the checkpoint is %q", note.body)
		}
	}
	own := w.entries(audit.Filter{What: desk.WhatSignIn, Who: "victor"})[0]
	others := w.entries(audit.Filter{What: desk.WhatSignIn, Who: "alice"})[0]
	for _, c := range []struct {
		b      *browser
		e      audit.Entry
		status int
	}{{victor, own, 200}, {victor, others, 403}, {alice, own, 200}, {alice, others, 200}} {
		at := fmt.Sprintf("/audit/%d", c.e.ID)
		p := c.b.get(at + "/proof")
		if p.status != c.status {
			t.Errorf("%s/proof: %d, want %d", at, p.status, c.status)
		}
		if c.status != http.StatusOK {
			continue
		}
		if kind, name := p.res.Header.Get("Content-Type"), p.res.Header.Get("Content-Disposition"); kind != "application/json" || name != fmt.Sprintf(`attachment; filename="entry-%d.proof.json"`, c.e.ID) {
			t.Errorf("%s/proof is %q, %q", at, kind, name)
		}
		var proof audit.Proof
		if err := json.Unmarshal([]byte(p.body), &proof); err != nil {
			t.Fatal(err)
		}
		if proof.Index != c.e.ID-1 || proof.Key != w.db.AuditKey() || proof.Checkpoint == "" {
			t.Errorf("%s/proof: %+v", at, proof)
		}
		if e, err := audit.Parse(proof.Entry); err != nil || e.ID != c.e.ID { // its very bytes
			t.Errorf("%s/proof: %v", at, err)
		}
		page := c.b.get(at)
		page.want(fmt.Sprintf("entry %d of", c.e.ID), "frontdesk audit verify --proof FILE", w.db.AuditKey())
		if !slices.Contains(page.links(), at+"/proof") {
			t.Errorf("%s does not lead to its proof", at)
		}
	}
	alice.get("/audit/999999/proof").wantStatus(http.StatusNotFound)
}
