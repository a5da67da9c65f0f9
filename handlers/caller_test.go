package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// TestActsCiteTheProofOfTheCaller: from the customer's page to a code, and back
// to acts whose entries say who the caller was, as long as that holds.
func TestActsCiteTheProofOfTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	customer := w.customer(emailFirst)
	path := views.CustomerPath(customer.CUID)
	verify := "/sms?" + url.Values{"customer": {customer.CUID}}.Encode()
	cited := func(what string) audit.Entry {
		t.Helper()
		all, err := w.db.EntriesOfAct(t.Context(), w.entries(audit.Filter{What: what})[0].Act)
		if err != nil {
			t.Fatal(err)
		}
		if first, last := all[0], all[len(all)-1]; first.Evidence != last.Evidence {
			t.Errorf("%s: the intent cites %d, the outcome %d", what, first.Evidence, last.Evidence)
		}
		return all[0]
	}
	prove := func(phone string) int64 {
		t.Helper()
		form := mia.get(verify)
		fill := url.Values{}
		if phone != "" {
			fill.Set("phone", phone)
		}
		sent := mia.follow(mia.submit(form, "/sms", fill))
		to := w.entries(audit.Filter{What: desk.WhatSendSMS})[0].On.Name
		if waiting := mia.get(path); !waiting.hasForm(strings.Fields(sent.what)[1] + "/verify") {
			t.Error("the customer's page has no field for the code that is waiting to be entered")
		}
		mia.get(path).want("send code to caller")
		code := w.lastCode(to)
		code = " " + code[:2] + " " + code[2:] + " " // as people read and type it
		done := mia.submit(sent, sent.form(strings.Fields(sent.what)[1]+"/verify").action, url.Values{"code": {code}})
		done.wantStatus(http.StatusSeeOther)
		return w.entries(audit.Filter{What: desk.WhatVerifySMS})[0].ID
	}

	mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther)
	if e := cited(desk.WhatSSO); e.Evidence != 0 || e.Detail != "" {
		t.Errorf("without a proof: cites %d, %q", e.Evidence, e.Detail)
	}
	page := mia.get(path)
	page.want("Verify the caller by SMS")
	page.wantNo("Caller verified")

	proof := prove("") // the number on file
	for _, at := range []string{path, path + "/passcode"} {
		p := mia.get(at)
		p.want("Caller verified", "Mia Moreau")
		p.wantNo("Verify the caller by SMS", "not on the customer's file", "Enter the code")
	}
	if e := w.entries(audit.Filter{OnID: customer.CUID})[0]; e.What != desk.WhatCaller || e.Evidence != proof {
		t.Errorf("the customer's timeline begins with %q, which cites %d", e.What, e.Evidence)
	} else { // a colleague who sees it there may open it
		w.signedIn("atmosphere:mia").get(fmt.Sprintf("/audit/%d", e.ID)).wantStatus(http.StatusOK)
	}
	w.clock.advance(3 * time.Minute)
	acts := map[string]func(){
		desk.WhatSSO: func() { mia.submit(mia.get(path), path+"/sso", nil).wantStatus(http.StatusSeeOther) },
		desk.WhatRedeem: func() {
			mia.submit(mia.get(path+"/passcode"), path+"/passcode", nil).wantStatus(http.StatusSeeOther)
			mia.submit(mia.get(path+"/passcode"), path+"/passcode/redeem", url.Values{"passcode": {w.lastCode(emailFirst)}}).wantStatus(http.StatusSeeOther)
		},
		desk.WhatReveal: func() {
			mia.post(path+"/credentials/reveal", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
		},
		desk.WhatByCUID: func() { // also somebody else's act, who sees it all on the page
			w.clock.advance(3 * time.Minute)
			alice.get(path).want("Caller verified", "Mia Moreau")
			alice.post(path+"/credentials", url.Values{"method": {"cuid"}, "reason": {"why"}, "password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
		},
	}
	for _, what := range []string{desk.WhatSSO, desk.WhatRedeem, desk.WhatReveal, desk.WhatByCUID} {
		acts[what]()
		if e := cited(what); e.Evidence != proof || !strings.HasPrefix(e.Detail, "caller verified by Mia Moreau with +49") || strings.Contains(e.Detail, "not on") {
			t.Errorf("%s cites %d, want %d: %q", what, e.Evidence, proof, e.Detail)
		}
	}
	if e := cited(desk.WhatSendPasscode); e.Evidence != 0 {
		t.Errorf("an e-mail to the address on file cites %d", e.Evidence)
	}
	entry := mia.get(fmt.Sprintf("/audit/%d", cited(desk.WhatSSO).ID))
	entry.want("Caller verified by", fmt.Sprintf("entry %d", proof))
	mia.get(fmt.Sprintf("/audit/%d", proof)).wantStatus(http.StatusOK)

	// A number of nobody's is said to be none of the customer's.
	w.clock.advance(time.Minute)
	other := prove("+46 70 174 06 77")
	mia.get(path).want("Caller verified", "not on the customer's file")
	acts[desk.WhatSSO]()
	if e := cited(desk.WhatSSO); e.Evidence != other || !strings.Contains(e.Detail, "not on the customer's file") {
		t.Errorf("cites %d, want %d: %q", e.Evidence, other, e.Detail)
	}

	w.clock.advance(desk.ProofHolds)
	mia.get(path).want("Verify the caller by SMS")
	acts[desk.WhatSSO]()
	if e := cited(desk.WhatSSO); e.Evidence != 0 || e.Detail != "" {
		t.Errorf("fifteen minutes later it cites %d, %q", e.Evidence, e.Detail)
	}
	if _, err := w.db.Verify(t.Context()); err != nil {
		t.Errorf("the log does not hold: %v", err)
	}
}

// TestTwoCodesByColleagues: a colleague's code to the same number wants a second
// click.
func TestTwoCodesByColleagues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	phone := url.Values{"phone": {"+46 70 174 06 55"}}
	mia.submit(mia.get("/sms"), "/sms", phone).wantStatus(http.StatusSeeOther)
	form := alice.get("/sms")
	mark := w.mark()
	told := alice.submit(form, "/sms", phone)
	told.wantStatus(http.StatusUnprocessableEntity)
	told.want("Mia Moreau sent a code to this number", "two codes", "Send SMS code all the same")
	if calls := w.calls(mark); len(calls) != 0 {
		t.Errorf("told, and called %v", calls)
	}
	alice.submit(told, "/sms", nil).wantStatus(http.StatusSeeOther)
}
