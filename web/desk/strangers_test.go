package desk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/ip1"
)

// told are the entries of one kind, oldest first.
func (r *rig) told(what string) (all []audit.Entry) {
	r.Helper()
	found, err := r.Store.Search(ctx, audit.Filter{What: what}, audit.Page{Limit: 1000})
	if err != nil {
		r.Fatal(err)
	}
	for i := range found.Entries {
		all = append(all, found.Entries[len(found.Entries)-1-i])
	}
	return all
}

func (r *rig) outsiders() (all []string) {
	r.Helper()
	found, err := r.Store.Outsiders(ctx, 1000)
	if err != nil {
		r.Fatal(err)
	}
	for _, o := range found {
		all = append(all, o.Kind+" "+o.Subject)
	}
	return all
}

func (r *rig) mustSync() store.SyncReport {
	r.Helper()
	r.clock.Add(time.Minute)
	report, err := r.sync()
	if err != nil || report.Outcome != "done" {
		r.Fatalf("%+v, %v", report, err)
	}
	return report
}

func TestCustomersFromOutsideArePointedOut(t *testing.T) {
	r := newRig(t)
	if all := r.told(WhatOutside); len(all) != 0 || len(r.outsiders()) != 0 {
		t.Fatalf("the first fill is from outside: %+v", all)
	}
	// One's own are not, nor are those who were only gone for a while.
	r.must(r.CreateCustomer(ctx, r.mia, "own", r.newCustomer()))
	r.lose(r.newCustomer(), true)
	r.mustSync()
	r.list(7)
	r.mustSync()
	r.list(8)
	r.mustSync()
	if all := r.told(WhatOutside); len(all) != 0 {
		t.Fatalf("from outside: %+v", all)
	}

	r.list(8, `{"cuid": "stranger", "company": "Stranger AB", "email": "s@example.com"}`, `{"cuid": "bare"}`)
	r.mustSync()
	all := r.told(WhatOutside)
	if len(all) != 2 || all[0].On != (audit.Subject{ID: "stranger", Name: "Stranger AB", Email: "s@example.com"}) || all[0].Who.Name != "frontdesk" ||
		all[0].Service != "atom" || all[0].Phase != audit.Event || all[1].On.ID != "bare" {
		t.Fatalf("%+v", all)
	}
	if got := fmt.Sprint(r.outsiders()); got != "[customer bare customer stranger]" {
		t.Errorf("%s", got)
	}
	r.mustSync()
	if again := r.told(WhatOutside); len(again) != 2 {
		t.Errorf("told again: %+v", again)
	}
}

func TestMoreThanAHundredFromOutsideShareAnEntry(t *testing.T) {
	r := newRig(t)
	r.list(8, others(640)...)
	r.mustSync()
	all := r.told(WhatOutside)
	if len(all) != 101 || all[100].On.ID != "" || !strings.HasPrefix(all[100].Detail, "540 more customers") {
		t.Errorf("%d entries, the last %+v", len(all), all[len(all)-1])
	}
	if n := len(r.outsiders()); n != 640 {
		t.Errorf("%d are listed", n)
	}
}

func TestACustomerWhoMayBeOursWaitsForTheSettlement(t *testing.T) {
	for _, made := range []bool{true, false} {
		t.Run(fmt.Sprint("made here: ", made), func(t *testing.T) {
			r := newRig(t)
			// A sync comes between the call's effect and its answer.
			in := r.newCustomer()
			r.clock.Add(time.Minute)
			began := r.Now()
			if err := r.Store.Write(ctx, func(tx *store.Tx) error {
				return tx.Append(ctx, &audit.Entry{Act: "create", Phase: audit.Intent, Who: r.mia.Who(), What: WhatCreate, On: audit.Subject{Name: in.Company, Email: in.Email}, Service: "atom"})
			}); err != nil {
				t.Fatal(err)
			}
			r.list(8, fmt.Sprintf(`{"cuid": "early", "company": "Early AB", "email": %q}`, strings.ToUpper(in.Email)))
			r.mustSync()
			if all := r.told(WhatOutside); len(all) != 0 || len(r.outsiders()) != 0 {
				t.Fatalf("while it is under way: %+v", all)
			}
			end := audit.Entry{Act: "create", Phase: audit.Outcome, Who: r.mia.Who(), What: WhatCreate, On: audit.Subject{ID: "early", Email: in.Email}, Service: "atom", Result: audit.Done}
			if !made {
				end.Result, end.On.ID = audit.Refused, ""
			}
			if err := r.Store.WriteOutcome(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &end) }); err != nil {
				t.Fatal(err)
			}
			r.mustSync()
			if all := r.told(WhatOutside); (len(all) == 0) != made || !began.Before(r.Now()) {
				t.Errorf("afterwards: %+v", all)
			}
		})
	}
}

func TestWhatAnAdminKnowsIsNotPointedOutAnyMore(t *testing.T) {
	r := newRig(t)
	r.list(8, others(3)...)
	r.mustSync()
	found, err := r.Store.Outsiders(ctx, 2)
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	ids := []int64{found[0].ID, found[1].ID, 999}
	if _, err := r.KnowOutside(ctx, r.mia, ids); r.problem(err).Kind != Forbidden {
		t.Errorf("by a manager: %v", err)
	}
	if n, err := r.KnowOutside(ctx, r.alice, ids); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	e := r.newest(1)[0]
	if e.What != WhatKnowOutside || e.Who.Username != "alice" || e.Detail != "2: customer other2, customer other1" {
		t.Errorf("recorded %+v", e)
	}
	if got := fmt.Sprint(r.outsiders()); got != "[customer other0]" {
		t.Errorf("left %s", got)
	}
	entries := len(r.newest(1000))
	if n, err := r.KnowOutside(ctx, r.alice, ids); n != 0 || err != nil || len(r.newest(1000)) != entries {
		t.Errorf("again: %d, %v", n, err)
	}
}

// elsewhere sends a code as somebody else with the same account would.
func (r *rig) elsewhere(phone string) ip1.Authentication {
	r.Helper()
	c := ip1.New(r.server.URL+"/ip1", ip1.Credentials{Account: "ip1-00000", Key: ip1Key}, call.New("ip1", call.Limits{}, nil))
	a, err := c.Send(ctx, ip1.Send{Phone: phone})
	if err != nil {
		r.Fatal(err)
	}
	return a
}

func (r *rig) readCodes() {
	r.Helper()
	if err := r.strangeCodes(ctx); err != nil {
		r.Fatal(err)
	}
}

func TestCodesFromOutsideArePointedOut(t *testing.T) {
	r := newRig(t)
	r.elsewhere(r.phone())
	r.readCodes() // says how far the list goes
	r.must(r.SendSMS(ctx, r.mia, "own", SMSForm{Phone: r.phone()}))
	r.readCodes()
	if all := r.told(WhatOutsideSMS); len(all) != 0 {
		t.Fatalf("from outside: %+v", all)
	}
	phone := r.phone()
	a := r.elsewhere(phone)
	r.readCodes()
	r.readCodes()
	all := r.told(WhatOutsideSMS)
	if len(all) != 1 || all[0].On.ID != "phone:"+phone || all[0].Service != "ip1" || !strings.Contains(all[0].Detail, fmt.Sprint(a.ID)) {
		t.Errorf("%+v", all)
	}
	if got := fmt.Sprint(r.outsiders()); got != fmt.Sprintf("[sms %d]", a.ID) {
		t.Errorf("%s", got)
	}
}

func TestALostCodeIsSettledByIP1sList(t *testing.T) {
	r := newRig(t)
	r.readCodes()
	phone := r.phone()
	r.control(`{"service": "ip1", "lose_answer": true}`)
	lost, err := r.SendSMS(ctx, r.mia, "lost", SMSForm{Phone: phone})
	r.control(`{"service": "ip1", "reset_faults": true}`)
	if r.problem(err).Kind != Unknown {
		t.Fatal(err)
	}
	r.clock.Add(2 * time.Minute)
	later := r.elsewhere(phone) // to the same number, too late to be the lost one
	r.readCodes()
	code, err := r.Store.Code(ctx, lost.CodeID)
	if err != nil || code.IP1ID == 0 || code.IP1ID == later.ID {
		t.Errorf("%+v, %v", code, err)
	}
	if e := r.entries(lost.Act); len(e) != 3 || e[2].What != WhatSettleSMS || e[2].On.ID != "phone:"+phone {
		t.Errorf("entries %+v", e)
	}
	if got := fmt.Sprint(r.outsiders()); got != fmt.Sprintf("[sms %d]", later.ID) {
		t.Errorf("from outside: %s", got)
	}
}

func TestACodeBeingSentIsNotFromOutside(t *testing.T) {
	r := newRig(t)
	r.readCodes()
	phone := r.phone()
	if err := r.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{Act: "send", Phase: audit.Intent, What: WhatSendSMS, On: audit.Subject{ID: "phone:" + phone, Name: phone}, Service: "ip1"})
	}); err != nil {
		t.Fatal(err)
	}
	a := r.elsewhere(phone)
	r.readCodes()
	if len(r.told(WhatOutsideSMS)) != 0 {
		t.Error("pointed out while it is being sent")
	}
	if err := r.Store.WriteOutcome(ctx, func(tx *store.Tx) error {
		if _, err := tx.AddCode(ctx, store.Code{Act: "send", IP1ID: a.ID, Phone: phone, SentAt: r.Now()}); err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{Act: "send", Phase: audit.Outcome, What: WhatSendSMS, On: audit.Subject{ID: "phone:" + phone, Name: phone}, Service: "ip1", Result: audit.Done})
	}); err != nil {
		t.Fatal(err)
	}
	r.readCodes()
	if len(r.told(WhatOutsideSMS)) != 0 || len(r.outsiders()) != 0 {
		t.Error("pointed out after it was sent")
	}
}

func TestIP1sTroubleIsNotTheMirrors(t *testing.T) {
	r := newRig(t)
	r.readCodes()
	r.elsewhere(r.phone())
	for _, fault := range []string{`"reset": true`, `"status": 500`, `"body": "truncated"`, `"body": "garbage"`, `"body": "empty"`} {
		r.control(`{"service": "ip1", ` + fault + `}`)
		if err := r.strangeCodes(ctx); err == nil {
			t.Errorf("%s: the list was read", fault)
		}
		r.control(`{"service": "ip1", "reset_faults": true}`)
		r.mustSync()
	}
	if len(r.told(WhatOutsideSMS)) != 0 {
		t.Error("pointed out from a list that broke off")
	}
	r.readCodes()
	if len(r.told(WhatOutsideSMS)) != 1 {
		t.Error("not pointed out once the list could be read")
	}
	if calls := r.calls(); len(calls) == 0 || calls[0] != http.MethodGet+" /atom/customer/" {
		t.Errorf("calls %v", calls)
	}
}
