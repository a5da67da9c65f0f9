package handlers

import (
	"context"
	"fmt"
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
	"frontdesk/web/sandbox"
)

// file stores a customer with a number, as a sync would.
func (w *world) file(cuid, company, phone string) string {
	w.t.Helper()
	ctx := context.Background()
	c := store.Customer{CUID: cuid, Company: company, Country: "Sweden", Phone: phone, Fields: []store.Field{{Name: "cuid", Value: cuid}, {Name: "phone", Value: phone}}}
	if err := w.db.Write(ctx, func(tx *store.Tx) error { _, _, err := tx.UpsertRow(ctx, store.NewCustomerRow(c)); return err }); err != nil {
		w.t.Fatal(err)
	}
	return cuid
}

func (w *world) proof(cuid string) *store.Proof {
	w.t.Helper()
	p, err := w.desk.CallerVerified(context.Background(), cuid)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// sentTo sends a code, for a customer or for whose number it is, and returns
// its page's path.
func (b *browser) sentTo(phone, cuid string) string {
	b.t.Helper()
	p := b.submit(b.get("/sms?"+url.Values{"phone": {phone}, "customer": {cuid}}.Encode()), "/sms", nil)
	p.wantStatus(http.StatusSeeOther)
	return p.location()
}

// TestWhoseNumberItIsIsPointedOut while typing, on the form and when it comes
// back, on the code's page, and in the log.
func TestWhoseNumberItIsIsPointedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme, beta := w.file("acme/1", "Acme AB", "070-174 06 91"), w.file("beta", "Beta Ltd", "+46 (0)70-174 06 92")
	w.file("gamma", "Gamma HB", "0046701740692")
	b := w.signedIn("mia")
	for _, c := range []struct {
		name, phone, cuid string
		want, wantNo      []string
		links             []string
		log               string
	}{
		{"theirs, found by the number", "+46 70 174 06 91", "", []string{"On file for Acme AB"}, []string{"Not on file"}, []string{"/customers/acme%2F1"}, "number is on file for Acme AB"},
		{"theirs, as was asked", "0046701740691", acme, []string{"On file for Acme AB"}, []string{"Not on file", "another customer"}, []string{"/customers/acme%2F1"}, "number is on file for Acme AB"},
		{"another's", "+46 70 174 06 91", beta, []string{"Not on file for Beta Ltd", "This is the number of another customer: Acme AB"}, nil, []string{"/customers/beta", "/customers/acme%2F1"}, "on another customer's file: acme/1"},
		{"several others'", "+46701740692", acme, []string{"Not on file for Acme AB", "This is the number of other customers: Beta Ltd, Gamma HB"}, nil, nil, "on another customer's file: beta, gamma"},
		{"theirs and another's", "+46701740692", beta, []string{"On file for Beta Ltd", "It is also the number of Gamma HB"}, []string{"Not on file"}, nil, "number is on file for Beta Ltd"},
		{"of several, nobody asked for", "+46701740692", "", []string{"On file for 2 customers"}, nil,
			[]string{"/sms?customer=beta&phone=%2B46701740692", "/sms?customer=gamma&phone=%2B46701740692"}, "number is on file for 2 customers: beta, gamma"},
		{"nobody's, for one", phoneA, acme, []string{"Not on file for Acme AB"}, []string{"another customer"}, nil, "number is not on file for Acme AB"},
		{"nobody's", phoneA, "", []string{"On no customer's file."}, []string{"Not on file"}, nil, "number is on no customer's file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.in(t)
			q := url.Values{"phone": {c.phone}, "customer": {c.cuid}}.Encode()
			form := b.get("/sms?" + q)
			sent := b.submit(form, "/sms", nil) // it may be sent all the same
			for _, p := range []*page{
				form, b.get("/sms/country?"+q, "HX-Request", "true"), b.submit(form, "/sms", url.Values{"length": {"1"}}), b.follow(sent),
			} {
				p.want(c.want...)
				p.wantNo(c.wantNo...)
				for _, href := range c.links {
					if !slices.Contains(p.links(), href) {
						t.Errorf("%s: no link to %s among %v", p.what, href, p.links())
					}
				}
			}
			if f := b.submit(form, "/sms", url.Values{"length": {"1"}}).form("/sms"); f.values.Get("customer") != c.cuid {
				t.Errorf("the customer comes back as %q", f.values.Get("customer"))
			}
			if e := w.entries(audit.Filter{What: desk.WhatSendSMS})[0]; !strings.Contains(e.Detail, c.log) {
				t.Errorf("the log says %q, want %q", e.Detail, c.log)
			}
		})
	}
	if got := b.get("/sms?customer=" + beta).form("/sms").values.Get("phone"); got != "+46 70 174 06 92" {
		t.Errorf("for a customer the form has the number %q", got)
	}
	// A link to a customer who is not there, and a form that names one.
	b.get("/sms?customer=nobody").wantStatus(http.StatusNotFound)
	mark := w.mark()
	p := b.post("/sms", url.Values{"phone": {phoneA}, "customer": {"nobody"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("There is no such customer")
	if slices.Contains(w.calls(mark), "POST /ip1/api/authentications") {
		t.Error("it was sent")
	}
}

// TestARightCodeVerifiesTheCaller of the customer whom it is for, for 15
// minutes, and cites the entry that it rests on.
func TestARightCodeVerifiesTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme, beta := w.file("acme/1", "Acme AB", "070-174 06 91"), w.file("beta", "Beta Ltd", "070-174 06 92")
	b := w.signedIn("mia")
	for _, c := range []struct {
		name, phone, cuid, verifies, onFile string
		want                                []string
		log                                 string
	}{
		{"theirs", "+46701740691", "", acme, store.OnFileTheirs, nil, "number is on file for Acme AB"},
		{"theirs, as was asked", "+46701740691", acme, acme, store.OnFileTheirs, nil, "number is on file for Acme AB"},
		{"another's", "+46701740691", beta, beta, store.OnFileOthers, []string{"a number that is not on the file of Beta Ltd", "on another customer's"}, "on another customer's file: acme/1"},
		{"nobody's", phoneA, beta, beta, store.OnFileNone, []string{"a number that is not on the file of Beta Ltd", "not on the customer's file"}, "not on file for Beta Ltd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := b.in(t)
			at := b.sentTo(c.phone, c.cuid)
			code := w.lastCode(c.phone)
			b.submit(b.get(at), at+"/verify", url.Values{"code": {"x" + code}}).wantStatus(http.StatusUnprocessableEntity)
			if p := w.proof(c.verifies); p != nil {
				t.Fatalf("a wrong code proves %+v", p)
			}
			page := b.get(at)
			page.wantNo("Caller verified")
			right := b.submit(page, at+"/verify", url.Values{"code": {code}})
			b.submit(page, at+"/verify", url.Values{"code": {code}}).wantStatus(http.StatusSeeOther) // a double click
			proof := w.proof(c.verifies)
			if proof == nil || proof.Phone != c.phone || proof.OnFile != c.onFile || proof.StaffName != "Mia Moreau" || proof.StaffID == 0 {
				t.Fatalf("the proof is %+v", proof)
			}
			e := w.entries(audit.Filter{What: desk.WhatVerifySMS})[0]
			if e.ID != proof.EntryID || e.Phase != audit.Outcome || e.Result != audit.Done || !strings.Contains(e.Detail, c.log) {
				t.Errorf("the proof names entry %d; the outcome is %+v", proof.EntryID, e)
			}
			done := b.follow(right)
			name := w.name(c.verifies)
			done.want(append(c.want, "Caller verified: "+name+", until "+proof.At.Add(desk.ProofHolds).Format("15:04 UTC"), "Go to "+name)...)
			done.wantNo(code)
			for _, href := range []string{views.CustomerPath(c.verifies), fmt.Sprintf("/audit/%d", e.ID)} {
				if !slices.Contains(done.links(), href) {
					t.Errorf("no link to %s among %v", href, done.links())
				}
			}
			tone := map[bool]string{true: "alert-success", false: "alert-warning"}[c.onFile == store.OnFileTheirs]
			for n := range done.all("div") {
				if has(n, "data-caller") && !strings.Contains(attr(n, "class"), tone) {
					t.Errorf("the badge is %s, want %s", attr(n, "class"), tone)
				}
			}
			if until := done.countdowns("data-caller"); len(until) != 1 || !until[0].Equal(proof.At.Add(desk.ProofHolds).Truncate(time.Second)) {
				t.Errorf("it counts down to %v, proven at %v", until, proof.At)
			}
			for _, e := range w.entries(audit.Filter{}) {
				if strings.Contains(fmt.Sprintf("%+v", e), code) {
					t.Errorf("the code is in the log: %+v", e)
				}
			}
			// It holds for 15 minutes.
			w.clock.advance(14*time.Minute + 50*time.Second)
			if w.proof(c.verifies) == nil {
				t.Error("it is over too early")
			}
			w.clock.advance(11 * time.Second)
			if p := w.proof(c.verifies); p != nil {
				t.Errorf("it holds too long: %+v", p)
			}
			late := b.get(at)
			late.wantNo("Caller verified")
			late.want("verified", "Send another code")
		})
	}
}

// TestAProofOutlivesARestart, as whose number it is does.
func TestAProofOutlivesARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	customer := w.customer(emailFirst)
	const phone = "+494066969120"
	b := w.signedIn("mia")
	at := b.sentTo(phone, "")
	b.submit(b.get(at), at+"/verify", url.Values{"code": {w.lastCode(phone)}}).wantStatus(http.StatusSeeOther)
	before := w.proof(customer.CUID)
	w.restart()
	if now := w.proof(customer.CUID); before == nil || now == nil || *now != *before || now.OnFile != store.OnFileTheirs {
		t.Errorf("before %+v, now %+v", before, now)
	}
	b.get(at).want("Caller verified: Nordlicht Logistik GmbH")
}

// TestNobodyIsVerified by a number of several customers, by nobody's, and by an
// answer that was lost.
func TestNobodyIsVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	beta, gamma := w.file("beta", "Beta Ltd", "070-174 06 92"), w.file("gamma", "Gamma HB", "+46 70 174 06 92")
	delta := w.file("delta", "Delta AB", "070-174 06 93")
	b := w.signedIn("mia")
	verify := func(at, phone string) *page {
		t.Helper()
		return b.submit(b.get(at), at+"/verify", url.Values{"code": {w.lastCode(phone)}})
	}
	shared := b.follow(verify(b.sentTo("+46701740692", ""), "+46701740692"))
	shared.want("verified", "On file for 2 customers")
	for _, cuid := range []string{beta, gamma} {
		if w.proof(cuid) != nil {
			t.Errorf("%s is verified", cuid)
		}
		if href := "/sms?customer=" + cuid + "&phone=%2B46701740692"; !slices.Contains(shared.links(), href) {
			t.Errorf("no link to %s among %v", href, shared.links())
		}
	}
	nobody := b.follow(verify(b.sentTo(phoneA, ""), phoneA))
	nobody.want("verified", "On no customer's file.")
	nobody.wantNo("Caller verified")

	at := b.sentTo("+46701740693", "")
	w.fault(`{"service": "ip1", "lose_answer": true}`)
	verify(at, "+46701740693").wantStatus(http.StatusBadGateway)
	w.calm()
	b.get(at + "?refresh=1").want("verified") // iP1 says that it was used
	if w.proof(delta) != nil {
		t.Error("verified by an answer that never came")
	}
	if len(w.entries(audit.Filter{What: desk.WhatVerifySMS, Result: audit.Unknown})) != 1 {
		t.Error("the lost answer is not on record")
	}

	// Read out was another code to the same number: it proves the number all the same.
	first, second := b.sentTo("+46701740693", ""), b.sentTo("+46701740693", "")
	done := verify(first, "+46701740693")
	if done.location() != second {
		t.Fatalf("leads to %s, want %s", done.location(), second)
	}
	b.follow(done).want("Caller verified: Delta AB")
}

// TestColleaguesReadTheProof: the entry that a customer's page cites, and no
// other of a colleague's codes.
func TestColleaguesReadTheProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme := w.file("acme/1", "Acme AB", "070-174 06 91")
	mia, colleague := w.signedIn("mia"), w.signedIn("atmosphere:mia")
	at := mia.sentTo("+46701740691", "")
	mia.submit(mia.get(at), at+"/verify", url.Values{"code": {w.lastCode("+46701740691")}}).wantStatus(http.StatusSeeOther)
	proof := w.proof(acme)
	if proof == nil {
		t.Fatal("nothing was proven")
	}
	colleague.get(at).want("Caller verified: Acme AB")
	entry := fmt.Sprintf("/audit/%d", proof.EntryID)
	colleague.get(entry).want("verify SMS code", "number is on file for Acme AB")
	w.signedIn("victor").get(entry).wantStatus(http.StatusForbidden)
	at = mia.sentTo(phoneA, "")
	mia.submit(mia.get(at), at+"/verify", url.Values{"code": {w.lastCode(phoneA)}}).wantStatus(http.StatusSeeOther)
	other := w.entries(audit.Filter{What: desk.WhatVerifySMS})[0]
	colleague.get(fmt.Sprintf("/audit/%d", other.ID)).wantStatus(http.StatusForbidden)
	sent := w.entries(audit.Filter{What: desk.WhatSendSMS})[0]
	colleague.get(fmt.Sprintf("/audit/%d", sent.ID)).wantStatus(http.StatusForbidden)
}

// TestANumberOfAnUnknownCountryIsNobodys: one without its country code is not
// read as in the country of whatever number is asked about.
func TestANumberOfAnUnknownCountryIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	fileIn := func(cuid, country string) {
		c := store.Customer{CUID: cuid, Company: cuid + " AB", Country: country, Phone: "070-174 06 91", Fields: []store.Field{{Name: "cuid", Value: cuid}}}
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { _, _, err := tx.UpsertRow(t.Context(), store.NewCustomerRow(c)); return err }); err != nil {
			t.Fatal(err)
		}
	}
	fileIn("svea", "Sverige")
	for _, country := range []string{"", "Elbonia"} {
		fileIn("lost"+country, country)
	}
	b := w.signedIn("mia")
	b.get("/sms/country?" + url.Values{"phone": {"+46701740691"}}.Encode()).want("On file for svea AB")
	for _, n := range []string{"+358701740691", "+44701740691", "+41701740691", "+33701740691", "+49701740691"} {
		b.get("/sms/country?" + url.Values{"phone": {n}}.Encode()).want("On no customer's file.")
	}
	b.get("/sms/country?"+url.Values{"phone": {"+41701740691"}, "customer": {"lostElbonia"}}.Encode()).
		want("Not on file for lostElbonia AB", "On their file is 070-174 06 91: its country is not known")
	if got := b.get("/sms?customer=lost").form("/sms").values.Get("phone"); got != "" {
		t.Errorf("the form has the number %q", got)
	}
	at := b.sentTo("+41701740691", "")
	b.submit(b.get(at), at+"/verify", url.Values{"code": {w.lastCode("+41701740691")}}).wantStatus(http.StatusSeeOther)
	for _, cuid := range []string{"svea", "lost", "lostElbonia"} {
		if p := w.proof(cuid); p != nil {
			t.Errorf("%s is verified: %+v", cuid, p)
		}
	}
}

// TestACodeVerifiesWhomItWasSentFor, on whosever page it is typed, and the page
// that one lands on says so.
func TestACodeVerifiesWhomItWasSentFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme, beta := w.file("acme", "Acme AB", "070-174 06 91"), w.file("beta", "Beta Ltd", "070-174 06 92")
	b := w.signedIn("mia")
	for _, c := range []struct{ phone, onFile, log string }{
		{phoneA, store.OnFileNone, "number is not on file for Beta Ltd"},
		{"+46701740691", store.OnFileOthers, "number is not on file for Beta Ltd (beta), but on another customer's file: acme"},
		{"+46701740692", store.OnFileTheirs, "number is on file for Beta Ltd"},
	} {
		forAcme, forBeta := b.sentTo(c.phone, acme), b.sentTo(c.phone, beta)
		done := b.submit(b.get(forAcme), forAcme+"/verify", url.Values{"code": {w.lastCode(c.phone)}})
		if done.location() != forBeta {
			t.Fatalf("%s leads to %s, want %s", c.phone, done.location(), forBeta)
		}
		page := b.follow(done)
		page.want("Caller verified: Beta Ltd")
		page.wantNo("Caller verified: Acme AB")
		b.get(forAcme).wantNo("Caller verified")
		if p := w.proof(acme); p != nil {
			t.Errorf("%s: the customer of the page is verified: %+v", c.phone, p)
		}
		proof := w.proof(beta)
		if proof == nil || proof.Phone != c.phone || proof.OnFile != c.onFile {
			t.Fatalf("%s proves %+v, want %s", c.phone, proof, c.onFile)
		}
		if e := w.entries(audit.Filter{What: desk.WhatVerifySMS})[0]; e.ID != proof.EntryID || !strings.Contains(e.Detail, c.log) {
			t.Errorf("the outcome is %+v, want %q", e, c.log)
		}
		if e := w.entries(audit.Filter{What: desk.WhatCaller})[0]; e.On.ID != beta {
			t.Errorf("it is on the timeline of %s", e.On.ID)
		}
	}
	// Sent for nobody, on a page for somebody: whose number it is counts.
	forBeta, forNobody := b.sentTo("+46701740691", beta), b.sentTo("+46701740691", "")
	w.clock.advance(desk.ProofHolds)
	done := b.submit(b.get(forBeta), forBeta+"/verify", url.Values{"code": {w.lastCode("+46701740691")}})
	if p := w.proof(acme); done.location() != forNobody || p == nil || p.OnFile != store.OnFileTheirs || w.proof(beta) != nil {
		t.Errorf("leads to %s; Acme %+v, Beta %+v", done.location(), p, w.proof(beta))
	}
}

// TestAShortCodeVerifiesNobody, which is said before it is sent and on its page.
func TestAShortCodeVerifiesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme := w.file("acme", "Acme AB", "070-174 06 91")
	const phone, why = "+46701740691", "characters can be guessed: it does not verify a caller. Send one of at least 5."
	b := w.signedIn("mia")
	form := b.get("/sms?customer=" + acme)
	form.want("fewer than 5 do not verify a caller")
	form.wantNo(why)
	verify := func(length string, short bool) {
		t.Helper()
		sent := b.submit(b.get("/sms?customer="+acme), "/sms", url.Values{"length": {length}})
		sent.wantStatus(http.StatusSeeOther)
		at := sent.location()
		code := w.lastCode(phone)
		done := b.submit(b.get(at), at+"/verify", url.Values{"code": {code}})
		done.wantStatus(http.StatusSeeOther)
		page := b.follow(done)
		page.want("verified")
		if said := strings.Contains(page.text(), fmt.Sprint("A code of ", len(code), " ", why)); said != short {
			t.Errorf("length %q: that it is too short is said: %v", length, said)
		}
		e := w.entries(audit.Filter{What: desk.WhatVerifySMS})[0]
		if proof := w.proof(acme); (proof == nil) != short || strings.Contains(e.Detail, "too short to verify a caller") != short || e.Result != audit.Done {
			t.Errorf("length %q: proof %+v, entry %+v", length, proof, e)
		}
		w.clock.advance(desk.ProofHolds)
	}
	verify("3", true)
	verify("4", true)
	verify("5", false)
	verify("", false)
	b.submit(form, "/sms", url.Values{"length": {"4"}, "from": {"much too long for a name"}}).want("A code of 4 " + why)

	alice := w.signedIn("alice") // the account's default is short
	alice.submit(alice.get("/sms/settings"), "/sms/settings", url.Values{"length": {"4"}}).wantStatus(http.StatusSeeOther)
	verify("", true)
	b.get("/sms?customer=" + acme).want("A code of 4 " + why)
	verify("6", false)
}

// TestADraftOfAnotherCustomerStays when a code is asked for from a customer's
// page, and comes back when none is named.
func TestADraftOfAnotherCustomerStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	acme, beta := w.file("acme", "Acme AB", "070-174 06 91"), w.file("beta", "Beta Ltd", "070-174 06 92")
	b := w.signedIn("mia")
	for _, c := range []struct{ drafted, then string }{{beta, "/sms"}, {beta, "/sms?customer=" + beta}, {"", "/sms"}} {
		b.post("/session/active", typing("/sms", "/sms", url.Values{"phone": {"+46701740699"}, "customer": {c.drafted}})).wantStatus(http.StatusNoContent)
		w.clock.advance(31 * time.Minute)
		b.signIn("mia", sandbox.Password)
		asked := b.get("/sms?customer=" + acme)
		if f := asked.form("/sms").values; f.Get("customer") != acme || f.Get("phone") != "+46 70 174 06 91" {
			t.Errorf("asked for Acme, the form is for %q, %s", f.Get("customer"), f.Get("phone"))
		}
		asked.wantNo("Your session had ended")
		if f := b.get(c.then).form("/sms").values; f.Get("customer") != c.drafted || f.Get("phone") != "+46701740699" {
			t.Errorf("%s: what was typed is %q, %s", c.then, f.Get("customer"), f.Get("phone"))
		}
	}
}

func (w *world) name(cuid string) string {
	w.t.Helper()
	c, err := w.db.Customer(context.Background(), cuid)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Company
}
