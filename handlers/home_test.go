package handlers

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// TestHomeBeginsWithTheCaller: whom one is verifying, or has verified, for as long as
// that holds, and nobody else's.
func TestHomeBeginsWithTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mia.get("/").wantNo("On the phone")

	mia.submit(mia.get(path), "/sms", nil).wantStatus(http.StatusSeeOther)
	waiting := mia.get("/")
	waiting.want("On the phone", "Enter the code", "by Mia Moreau")
	if !slices.Contains(waiting.links(), path+"#act-verify") {
		t.Errorf("nothing leads to where the code is entered: %q", waiting.links())
	}
	if caller, attention := strings.Index(waiting.body, "On the phone"), strings.Index(waiting.body, "Needs attention"); caller > attention {
		t.Error("the caller does not come first")
	}
	for _, b := range []*browser{alice, w.signedIn("victor")} {
		b.get("/").wantNo("On the phone")
	}

	form := mia.get(path)
	verify := form.codeForm()
	mia.submit(form, verify, url.Values{"code": {w.lastCode(w.entries(audit.Filter{What: desk.WhatSendSMS})[0].On.Name)}}).wantStatus(http.StatusSeeOther)
	verified := mia.get("/")
	verified.want("On the phone", "Caller verified", "To the customer")
	verified.wantNo("Enter the code")
	alice.get("/").wantNo("On the phone")
	w.clock.advance(desk.ProofHolds)
	mia.get("/").wantNo("On the phone")

	// A code that nobody read out in time is none.
	mia.submit(mia.get(path), "/sms", nil).wantStatus(http.StatusSeeOther)
	mia.get("/").want("Enter the code")
	w.clock.advance(desk.ProofHolds)
	mia.get("/").wantNo("On the phone")
}

// TestHomeChartLeadsToTheLog: each bar, kind and number of the table leads to as many
// entries as it says.
func TestHomeChartLeadsToTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia := w.signedIn("mia")
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	mia.submit(mia.get(path), path+"/passcode", nil).wantStatus(http.StatusSeeOther)
	w.fault(`{"service": "atom", "status": 503}`)
	mia.submit(mia.get(path), path+"/passcode/redeem", url.Values{"passcode": {"123456"}})

	home := mia.get("/")
	home.want("Open as customer", "Passcodes", "Everything else", "As a table")
	home.wantNo("Credentials") // nothing of theirs
	hrefs, labels := home.bars()
	if len(hrefs) == 0 || !strings.Contains(labels[0], "3 done, 1 not done") { // with the sign-in
		t.Fatalf("bars %q", labels)
	}
	today := w.h.Now().UTC().Format(time.DateOnly)
	for i, want := range map[string]int{"": 4, desk.WhatSSO: 1, desk.WhatSendPasscode + "," + desk.WhatRedeem: 2} {
		query := url.Values{"from": {today}, "to": {today}}
		if i != "" {
			query.Set("what", i)
		}
		lead := "/audit?" + query.Encode()
		if !strings.Contains(home.body, strings.ReplaceAll(lead, "&", "&amp;")) {
			t.Errorf("nothing leads to %s", lead)
		}
		if rows := mia.get(lead).entryRows(); len(rows) != want {
			t.Errorf("%s shows %d entries, want %d", lead, len(rows), want)
		}
	}
	stops := 0
	for n := range home.all("svg") {
		for a := range nodes(n) {
			if a.Data == "a" && attr(a, "tabindex") != "-1" {
				stops++
			}
		}
	}
	if stops != 1 {
		t.Errorf("one day takes %d stops of the keyboard", stops)
	}
	mia.get("/audit?" + url.Values{"what": {desk.WhatSendPasscode + "," + desk.WhatRedeem}}.Encode()).want(desk.WhatSendPasscode + ", " + desk.WhatRedeem)
}

// TestActivityChartScale: nothing, one act, and ten thousand on one day beside one that failed.
func TestActivityChartScale(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	if c := activityChart(nil, today); c.Total != 0 || len(c.Bars) != activityDays || c.Bars[0].Path != "" || c.Above+c.Below != 0 {
		t.Errorf("of nothing: %+v", c)
	}
	kinds := make([]audit.Ended, len(actKinds))
	kinds[1] = audit.Ended{Done: 1}
	c := activityChart([]audit.Day{{Date: today, Done: 1, Kinds: kinds}}, today)
	if last := c.Bars[activityDays-1]; c.Total != 1 || last.DoneHeight != chartHeight/5 || c.Above != chartHeight || last.Parts[1].Height != chartHeight/5 || c.Kinds[1].Done != 1 {
		t.Errorf("of one act: %+v", c)
	}
	many := make([]audit.Ended, len(actKinds))
	many[0], many[4] = audit.Ended{Done: 9000}, audit.Ended{Done: 990, Failed: 1}
	c = activityChart([]audit.Day{{Date: today.AddDate(0, 0, -29), Done: 1, Kinds: kinds}, {Date: today, Done: 9999, Failed: 1, Kinds: many}}, today)
	first, last := c.Bars[0], c.Bars[activityDays-1]
	if c.Total != 10001 || c.Failed != 1 || first.DoneHeight == 0 || last.FailedHeight == 0 || c.Above < last.DoneHeight || c.Below != last.FailedHeight {
		t.Errorf("of many: %+v", c)
	}
	if rest := last.Parts[len(actKinds)]; rest.Done != 9 || rest.Failed != 0 || rest.Path != "" || c.Kinds[len(actKinds)].Done != 9 {
		t.Errorf("what is left over: %+v", rest)
	}
	if want := "/audit?from=2026-11-22&to=2026-11-22&what=send+SMS+code%2Cverify+SMS+code"; last.Parts[4].Path != want {
		t.Errorf("a part leads to %q, want %q", last.Parts[4].Path, want)
	}
}

// TestHomeFoldsWhatIsAlike: an import's creates are one row, and what others did shows.
func TestHomeFoldsWhatIsAlike(t *testing.T) {
	t.Parallel()
	row := func(id int64, what, who, outcome string) views.AuditRow {
		return views.AuditRow{ID: id, What: what, Who: who, Outcome: outcome}
	}
	got := folded([]views.AuditRow{
		row(9, "create", "mia", "done"), row(8, "create", "mia", "done"), row(7, "create", "mia", "done"),
		row(6, "create", "mia", "refused"), row(5, "create", "alice", "done"), row(4, "create", "alice", "done"), row(3, "sign in", "mia", "done"),
	}, 5)
	var ids, more []int64
	for _, r := range got {
		ids, more = append(ids, r.ID), append(more, int64(r.More))
	}
	if len(ids) != 5 || ids[0] != 9 || more[0] != 2 || ids[1] != 6 || ids[2] != 5 || more[2] != 0 || ids[3] != 4 || ids[4] != 3 {
		t.Errorf("rows %v, with %v more", ids, more)
	}
}

// TestHomeShowsHowServicesDo: the rate of success and the times of real calls, and
// the last trouble.
func TestHomeShowsHowServicesDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia := w.signedIn("mia")
	home := mia.get("/")
	home.want("Answered", "100 %", "Median", "p95", "working")
	home.wantNo("Last trouble")
	w.fault(`{"service": "atom", "status": 503}`)
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mia.submit(mia.get(path), path+"/passcode", nil)
	mia.get("/").want("in trouble", "Last trouble", "503", "ATOM is in trouble")
	for _, s := range []struct {
		calls, failures int
		want            string
	}{{1, 0, "100 %"}, {1, 1, "0.0 %"}, {200, 1, "99.5 %"}, {10_000, 1, "99.9 %"}} {
		if got := (views.ServiceHealth{Calls: s.calls, Failures: s.failures}).Rate(); got != s.want {
			t.Errorf("%d of %d failed: %q, want %q", s.failures, s.calls, got, s.want)
		}
	}
}

// TestHomePointsOutPausedImports: to whose it is and to admins, as long as it stands still.
func TestHomePointsOutPausedImports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	by, err := w.db.StaffByLogin(t.Context(), "customer", "mia")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.AddImport(t.Context(), store.Import{ID: "paused", StaffID: by.ID, StaffName: by.Name, FileName: "customers.csv", State: store.ImportPaused, Concurrency: 1, Rate: 1, MadeAt: w.clock.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	for who, told := range map[string]bool{"mia": true, "alice": true, "atmosphere:mia": false, "victor": false} {
		home := w.signedIn(who).get("/")
		if got := strings.Contains(home.text(), "The import of customers.csv is paused"); got != told {
			t.Errorf("%s is told: %v, want %v", who, got, told)
		}
	}
}
