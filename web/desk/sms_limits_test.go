package desk

import (
	"context"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// send sends a code as an act of its own.
func (r *rig) send(by Actor, phone string) (Answer, error) {
	return r.SendSMS(ctx, by, store.NewID(), SMSForm{Phone: phone})
}

func (r *rig) wantThrottled(err error, wait time.Duration, field string) {
	r.Helper()
	p := r.problem(err)
	if p.Kind != Throttled || p.Status() != 429 || p.Wait != wait || (p.Fields["phone"] != "") != (field == "phone") {
		r.Errorf("%+v, wait %v; want to wait %v, with a message at %q", p, p.Wait, wait, field)
	}
}

// What was certainly not sent counts for nothing; what may have been counts.
func TestOnlyWhatMayHaveBeenSentCounts(t *testing.T) {
	for _, tt := range []struct {
		fault  string // "" is a service that nobody answers for
		counts bool
	}{
		{`"status": 400`, false},
		{`"refuse_credentials": true`, false},
		{``, false},
		{`"lose_answer": true`, true},
		{`"reset": true`, true},
		{`"status": 503, "body": "html"`, true},
		{`"body": "garbage"`, true},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			r := newRig(t)
			phone := r.phone()
			r.Desk.SMSPerNumber, r.Desk.SMSPerStaff, r.Desk.SMSCooldown = 1, 1, time.Minute
			d := r.Desk
			if tt.fault == "" {
				d = r.desk(r.Store, r.closedPort(), call.Limits{})
				d.SMSPerNumber, d.SMSPerStaff = 1, 1
			} else {
				r.control(`{"service": "ip1", ` + tt.fault + `}`)
			}
			if _, err := d.SendSMS(ctx, r.mia, "x", SMSForm{Phone: phone}); err == nil {
				t.Fatal("it was sent")
			}
			r.control(`{"service": "ip1", "reset_faults": true}`)
			if left, err := r.SMSLeft(ctx, Phone{E164: phone}, r.mia.Staff.ID); err != nil || (left.Number == 0) != tt.counts || (left.Staff == 0) != tt.counts || left.Next.IsZero() == tt.counts {
				t.Errorf("left %+v, %v", left, err)
			}
			_, err := r.send(r.mia, phone)
			if tt.counts {
				r.wantThrottled(err, smsWindow, "phone")
			} else if err != nil {
				t.Errorf("then: %v", err)
			}
		})
	}
}

// A try counts as wrong unless it was right, or iP1 did not look at it.
func TestOnlyTriesThatMayBeWrongCount(t *testing.T) {
	for _, tt := range []struct {
		fault string // "" is a service that nobody answers for
		right bool
		want  int
	}{
		{`"latency": "0s"`, false, 1},
		{`"latency": "0s"`, true, 0},
		{`"lose_answer": true`, false, 1},
		{`"reset": true`, true, 1},
		{`"body": "garbage"`, false, 1},
		{`"status": 400`, false, 1},
		{`"refuse_credentials": true`, false, 0},
		{``, false, 0},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			r := newRig(t)
			sent := r.must(r.send(r.mia, r.phone()))
			code := r.delivered()
			if !tt.right {
				code = "WRONG"
			}
			d := r.Desk
			if tt.fault == "" {
				d = r.desk(r.Store, r.closedPort(), call.Limits{})
			} else {
				r.control(`{"service": "ip1", ` + tt.fault + `}`)
			}
			_, err := d.VerifySMS(ctx, r.mia, "x", sent.CodeID, code)
			_, again := d.VerifySMS(ctx, r.mia, "x", sent.CodeID, code) // a double click
			if (err == nil) != (again == nil) {
				t.Errorf("%v, and again %v", err, again)
			}
			var n int
			if err := r.raw.QueryRow(`SELECT count(*) FROM sms_tries`).Scan(&n); err != nil || n != tt.want {
				t.Errorf("after %v: %d count, %v; want %d", err, n, err, tt.want)
			}
			r.clock.Add(smsKept + time.Hour)
			r.sweepOnce()
			if err := r.raw.QueryRow(`SELECT count(*) FROM sms_tries`).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d are left after two days, %v", n, err)
			}
		})
	}
}

// A code whose sending a crash broke off counts too, and stays its customer's.
func TestACrashWhileSendingCounts(t *testing.T) {
	r := newRig(t)
	c, phone := r.file("one", "Sweden", ""), r.phone()
	r.Desk.SMSPerNumber = 1
	on := audit.Subject{ID: "phone:" + phone, Name: phone}
	// As SendSMS records it before the call goes out.
	a, _, err := r.begin(ctx, intent{By: r.mia, What: WhatSendSMS, On: on, Service: "ip1", Receipt: "x"}, func(tx *store.Tx, a *act) error {
		return tx.AddSMSSend(ctx, store.SMSSend{Act: a.ID, Phone: phone, StaffID: r.mia.Staff.ID, CUID: c.CUID, At: a.Began})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Desk.under.Done() // the process is gone
	again := r.desk(r.Store, r.server.URL, call.Limits{})
	again.SMSPerNumber = 1
	r.startsAfterAKill(again)
	codes, err := r.Store.RecentCodes(ctx, 9)
	if err != nil || len(codes) != 1 || codes[0].Act != a.ID || codes[0].CUID != c.CUID || codes[0].IP1ID != 0 {
		t.Errorf("codes %+v, %v", codes, err)
	}
	_, err = again.SendSMS(ctx, r.mia, "y", SMSForm{Phone: phone})
	r.wantThrottled(err, smsWindow, "phone")
}

// Each budget gives a code back a day after the one that it went to, and names
// itself; the longest wait is the one that is shown.
func TestBudgetsComeBackOneByOne(t *testing.T) {
	r := newRig(t)
	r.Desk.SMSPerStaff, r.Desk.SMSPerNumber, r.Desk.SMSCooldown = 3, 2, 30*time.Second
	one, other := r.phone(), r.phone()
	r.must(r.send(r.mia, one))
	_, err := r.send(r.mia, one)
	r.wantThrottled(err, 30*time.Second, "phone")
	_, err = r.send(r.alice, one) // whoever sends
	r.wantThrottled(err, 30*time.Second, "phone")
	r.clock.Add(time.Hour)
	r.must(r.send(r.alice, one))
	_, err = r.send(r.mia, one)
	r.wantThrottled(err, 23*time.Hour, "phone")
	r.must(r.send(r.mia, other))
	r.clock.Add(time.Hour)
	r.must(r.send(r.mia, other))
	_, err = r.send(r.mia, r.phone())
	r.wantThrottled(err, 22*time.Hour, "")
	if _, err := r.send(r.alice, r.phone()); err != nil {
		t.Errorf("a colleague: %v", err)
	}
	r.clock.Add(22 * time.Hour)
	r.must(r.send(r.mia, one))
	_, err = r.send(r.mia, one)
	r.wantThrottled(err, time.Hour, "phone")

	denied, err := r.Store.Search(ctx, audit.Filter{Result: audit.Denied}, audit.Page{Limit: 9})
	if err != nil || len(denied.Entries) != 3 { // none for the pause
		t.Fatalf("%d denied, %v", len(denied.Entries), err)
	}
	for i, want := range []string{"2 codes to this number", "3 codes by this person", "2 codes to this number"} {
		if e := denied.Entries[i]; e.What != WhatSendSMS || !strings.HasPrefix(e.On.ID, "phone:+46") || !strings.Contains(e.Detail, want) || e.Phase != audit.Event {
			t.Errorf("denied %d: %+v", i, e)
		}
	}
}

// sweepOnce sweeps until what is surely old is gone.
func (r *rig) sweepOnce() {
	r.Helper()
	r.exec(`INSERT INTO sms_sends (act_id, phone, staff_id, cuid, at) VALUES ('old', '', 0, '', 1)`)
	sweeping, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	swept := make(chan struct{})
	go func() { r.Desk.sweep(sweeping); close(swept) }()
	for old := 1; old > 0 && sweeping.Err() == nil; time.Sleep(time.Millisecond) {
		if err := r.raw.QueryRow(`SELECT count(*) FROM sms_sends WHERE act_id = 'old'`).Scan(&old); err != nil {
			r.Fatal(err)
		}
	}
	stop()
	<-swept
}

// What is older than two days is swept; what counts is not.
func TestSweepingSends(t *testing.T) {
	r := newRig(t)
	r.Desk.SMSPerNumber = 1
	phone := r.phone()
	r.must(r.send(r.mia, phone))
	r.clock.Add(23 * time.Hour)
	rows := func() (n int) {
		t.Helper()
		if err := r.raw.QueryRow(`SELECT count(*) FROM sms_sends`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	r.sweepOnce()
	if _, err := r.send(r.mia, phone); err == nil || rows() != 1 {
		t.Errorf("swept too early: %v, %d rows", err, rows())
	}
	r.clock.Add(26 * time.Hour)
	r.sweepOnce()
	if rows() != 0 {
		t.Errorf("%d rows are left", rows())
	}
}
