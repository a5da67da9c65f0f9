package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/call"
)

// novelties are what is told of, as "service endpoint: kind what", the oldest first.
func (r *rig) novelties() (all []string) {
	r.Helper()
	found, err := r.Store.Novelties(ctx, 1000)
	if err != nil {
		r.Fatal(err)
	}
	for _, l := range found {
		all = append(all, fmt.Sprintf("%s %s: %s %s", l.Service, l.Endpoint, l.Kind, l.What))
	}
	return all
}

// learns stores what a desk has met, and returns what is told of by then.
func (r *rig) learns(d *Desk) []string {
	r.Helper()
	if err := d.learn(ctx); err != nil {
		r.Fatal(err)
	}
	return r.novelties()
}

func (r *rig) wantNovelties(when string, got []string, want ...string) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Errorf("%s: told of %q, want %q", when, got, want)
	}
}

// An endpoint is learned for a day from its first answer on; what comes later is told
// of once, whatever starts in between.
func TestWhatIsNewIsToldOfAfterADay(t *testing.T) {
	r := newRig(t)
	r.learns(r.Desk)
	r.clock.Add(learning - 2*time.Minute)
	r.control(`{"service": "atom", "extra_field": "withinTheDay"}`)
	r.mustSync()
	r.wantNovelties("within the day", r.learns(r.Desk))

	r.clock.Add(2 * time.Minute)
	r.control(`{"service": "atom", "extra_field": "loyaltyTier"}`)
	r.mustSync()
	at := r.Now()
	first := "atom list customers: field answer[].loyaltyTier: string"
	r.wantNovelties("after it", r.learns(r.Desk), first)
	if found, err := r.Store.Novelties(ctx, 10); err != nil || len(found) != 1 || !found[0].FirstSeen.Equal(at) {
		t.Errorf("first seen: %+v, %v", found, err)
	}
	// A call that was never made before is learned from now on; its contract is none of it.
	c := r.customer()
	r.must(r.SendPasscode(ctx, r.mia, "p", c.CUID))
	r.wantNovelties("another call", r.learns(r.Desk), first)
	r.clock.Add(learning)
	r.control(`{"service": "atom", "extra_field": ""}`)
	r.must(r.OpenSSO(ctx, r.mia, "s", c.CUID, ""))
	if _, err := r.RedeemPasscode(ctx, r.mia, "r", c.CUID, "wrong1"); err == nil {
		t.Error("a wrong passcode was taken")
	}
	r.must(r.SendPasscode(ctx, r.mia, "p2", c.CUID))
	r.wantNovelties("what the contract has", r.learns(r.Desk), first)

	// Types, and fields below fields.
	r.clock.Add(learning)
	r.list(8, `{"cuid": "odd", "company": 7, "phone": null, "nested": {"since": "2026"}}`)
	r.mustSync()
	all := []string{first, "atom list customers: type answer[].company: number", "atom list customers: field answer[].nested: object",
		"atom list customers: field answer[].nested.since: string"}
	r.wantNovelties("types", r.learns(r.Desk), all...)
	r.mustSync()
	r.wantNovelties("again", r.learns(r.Desk), all...)

	// A restart knows them; one that could not read what is known tells of nothing twice either.
	for _, recalls := range []bool{true, false} {
		d := r.desk(r.Store, r.server.URL, call.Limits{})
		if recalls {
			if err := d.recall(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Mirror.sync(ctx, &Sync{by: frontdesk}); err != nil {
			t.Fatal(err)
		}
		if met := d.Stats.Shapes().Take(); (len(met) == 0) != recalls {
			t.Errorf("recalled %v: met anew %+v", recalls, met)
		} else {
			d.Stats.Shapes().Return(met)
		}
		r.wantNovelties("after a restart", r.learns(d), all...)
	}
	if n := strings.Count(r.log.String(), "a service answers in a new way"); n != len(all) || !strings.Contains(r.log.String(), `what="answer[].loyaltyTier: string"`) {
		t.Errorf("logged %d times:\n%s", n, r.log.String())
	}

	// What cannot be stored is stored later.
	r.control(`{"service": "atom", "extra_field": "whileItWasBroken"}`)
	r.mustSync()
	r.exec(`ALTER TABLE learned RENAME TO away`)
	if err := r.learn(ctx); err == nil {
		t.Error("it was stored nowhere")
	}
	r.exec(`ALTER TABLE away RENAME TO learned`)
	r.wantNovelties("stored later", r.learns(r.Desk), append(all, "atom list customers: field answer[].whileItWasBroken: string")...)
}

// New words and new hosts are told of; those that are allowed by a pattern are not new.
func TestNewWordsAndHostsAreToldOf(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	location, message := "https://one.platform.example/in", ""
	d := r.odd(func(w http.ResponseWriter, _ *http.Request) {
		if message != "" {
			w.WriteHeader(401)
			json.NewEncoder(w).Encode(map[string]string{"message": message})
			return
		}
		w.Header().Set("Location", location)
		w.WriteHeader(302)
	})
	open := func() []string {
		t.Helper()
		r.clock.Add(learning)
		d.OpenSSO(ctx, r.mia, store.NewID(), c.CUID, "")
		return r.learns(d)
	}
	r.wantNovelties("the first host", open())
	location = "https://two.platform.example/in"
	want := []string{"atom open SSO: host two.platform.example"}
	r.wantNovelties("another host", open(), want...)
	hosts, err := ParseSSOHosts("*.atom.works", r.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	d.Hosts = hosts
	location = "https://three.atom.works/in"
	r.wantNovelties("an allowed host", open(), want...)
	location = "https://four.example/in"
	want = append(want, "atom open SSO: host four.example")
	r.wantNovelties("a host that is not", open(), want...)

	message = "User not allowed for API access"
	r.wantNovelties("the contract's words", open(), want...)
	message = "Tenant " + c.Email + " is locked until 2027-01-01"
	want = append(want, "atom open SSO: message … is locked until …")
	r.wantNovelties("new words", open(), want...)
	message = "Tenant nobody@example.com is locked until 2028-02-02"
	r.wantNovelties("the same with other values", open(), want...)
}

// TestNothingOfValueIsLearned: whatever the services put into names and words, no key,
// person, address or number is kept of it.
func TestNothingOfValueIsLearned(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	planted := []string{"PLANTED", "planted", "jane", "Jane", "Planter", "0701740605", "174 06 05", "c4k2j9x0m3n5", "deadbeefcafe", "2031-05-06", "qwertyuiopasdfghjklz", c.Email, c.CUID}
	values := `"PLANTED value 1": "PLANTED-value", "jane.planter@example.com": {"c4k2j9x0m3n5": "PLANTED"}, "Jane Planter": 1, "0701740605": [1], "deadbeefcafe": true,
		"qwertyuiopasdfghjklzxcvbn": {"PLANTED 2": null}`
	words := `Hello Jane Planter, \"planted quote\" and 'planted too' of jane.planter@example.com, c4k2j9x0m3n5, deadbeefcafe, +46 70 174 06 05, qwertyuiopasdfghjklz, ` +
		`PLANTED-superkey on 2031-05-06, ` + c.Email + ` ` + c.CUID
	status := 200
	d := r.odd(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Location", "https://planted:PLANTED@platform.example/in?token=PLANTED-token")
		if strings.HasSuffix(req.URL.Path, "/customer/") {
			fmt.Fprintf(w, `[{"cuid": "PLANTED-cuid", "company": "Jane Planter AB", %s}]`, values)
			return
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"cuid": "x", "key": "PLANTED-key", "token": "PLANTED-token", %s, "message": "%s"}`, values, words)
	})
	for _, of := range []int{200, 400, 401, 404, 500, 302} {
		status = of
		for range 2 { // while it is learned, and later
			d.CreateCustomer(ctx, r.mia, store.NewID(), NewCustomer{Company: "Jane Planter AB", Email: fmt.Sprintf("jane%d@planter.example", of)})
			d.RedeemPasscode(ctx, r.mia, store.NewID(), c.CUID, "PLANTED-passcode")
			d.OpenSSO(ctx, r.mia, store.NewID(), c.CUID, "")
			d.Mirror.sync(ctx, &Sync{by: frontdesk, believe: true})
			r.learns(d)
			r.clock.Add(learning + time.Hour)
		}
	}
	all, err := r.Store.AllLearned(ctx)
	if err != nil || len(all) < 20 {
		t.Fatalf("%d were learned, %v", len(all), err)
	}
	var lines []string
	for _, l := range all {
		lines = append(lines, fmt.Sprintf("%+v", l))
	}
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "answers in a new way") {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		for _, secret := range planted {
			if strings.Contains(line, secret) {
				t.Errorf("%q was kept: %s", secret, line)
			}
		}
	}
	text := strings.Join(lines, "\n")
	for _, shape := range []string{"answer[].*.*: string", "refusal.message: string", "platform.example", "Kind:message What:"} {
		if !strings.Contains(text, shape) {
			t.Errorf("%q was not learned: the test looks in the wrong place", shape)
		}
	}
	if len(r.novelties()) == 0 {
		t.Error("nothing was told of")
	}
}

// An admin says to have seen them; that is on record, once.
func TestNoveltiesAreSeenOnce(t *testing.T) {
	r := newRig(t)
	r.learns(r.Desk)
	r.clock.Add(learning)
	r.control(`{"service": "atom", "extra_field": "loyaltyTier"}`)
	r.mustSync()
	r.learns(r.Desk)
	found, err := r.Store.Novelties(ctx, 10)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, by := range []Actor{r.mia, r.victor} {
		if _, err := r.SeeNovelties(ctx, by, []int64{found[0].ID}); r.problem(err).Kind != Forbidden {
			t.Errorf("%s: %v", by.Staff.Username, err)
		}
	}
	for i, want := range []int{1, 0} {
		if seen, err := r.SeeNovelties(ctx, r.alice, []int64{999, found[0].ID}); err != nil || seen != want {
			t.Errorf("time %d: %d, %v", i, seen, err)
		}
	}
	if e := r.told(WhatSeeNovelty); len(e) != 1 || e[0].Who.Username != "alice" || e[0].Detail != "1: field of atom list customers, answer[].loyaltyTier: string" {
		t.Errorf("recorded %+v", e)
	}
	r.mustSync()
	r.wantNovelties("afterwards", r.learns(r.Desk))
	// It must not be seen where nothing can be recorded.
	r.clock.Add(learning)
	r.control(`{"service": "atom", "extra_field": "another"}`)
	r.mustSync()
	r.learns(r.Desk)
	if found, err = r.Store.Novelties(ctx, 10); err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	mend := r.breakLog()
	if _, err := r.SeeNovelties(ctx, r.alice, []int64{found[0].ID}); err == nil {
		t.Error("seen without a record")
	}
	mend()
	r.wantNovelties("unrecorded", r.novelties(), "atom list customers: field answer[].another: string")
}

// What the contract calls an endpoint is what the clients call it.
func TestTheContractNamesTheCalls(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	r.must(r.CreateCustomer(ctx, r.mia, "c", r.newCustomer()))
	r.must(r.OpenSSO(ctx, r.mia, "s", c.CUID, ""))
	r.must(r.SendPasscode(ctx, r.mia, "p", c.CUID))
	r.must(r.RedeemPasscode(ctx, r.mia, "r", c.CUID, r.delivered()))
	if _, err := r.Live(ctx, r.mia, c.CUID); err != nil {
		t.Fatal(err)
	}
	r.clock.Add(shieldHolds)
	for _, method := range []string{"cuid", "nopasscode"} {
		r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, method, "ticket"))
	}
	sms := r.must(r.SendSMS(ctx, r.mia, "m", SMSForm{Phone: r.phone()}))
	r.must(r.VerifySMS(ctx, r.mia, "x", sms.CodeID, r.delivered()))
	if _, err := r.signIn("192.0.2.1", "mia", "demo"); err != nil {
		t.Fatal(err)
	}
	if err := r.strangeCodes(ctx); err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, trait := range r.Stats.Shapes().Take() {
		if name := trait.Service + " " + trait.Endpoint; trait.Kind == call.TraitField && strings.HasPrefix(trait.What, "answer") {
			met[name] = met[name] || r.contracted(trait)
			// The sandbox's customers have fields of their own.
			if !r.contracted(trait) && !strings.Contains(name, "customer") {
				t.Errorf("%s: %s is not in the contract", name, trait.What)
			}
		}
	}
	for name, known := range met {
		if !known {
			t.Errorf("the contract has nothing of %q", name)
		}
	}
	if len(met) < len(answerFields)-3 {
		t.Errorf("met only %v", met)
	}
}
