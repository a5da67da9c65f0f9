package desk

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/sandbox"
)

func (r *rig) signIn(address, username, password string) (SignedIn, error) {
	return r.SignIn(ctx, Actor{Address: address}, SignIn{"customer", username, password})
}

func TestSignIn(t *testing.T) {
	r := newRig(t)
	if err := r.ChangeStaff(ctx, r.alice, r.victor.Staff.ID, Standing{}, "", "disabled"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		in     SignIn
		kind   Kind
		status int
		fields string
		result audit.Result // of the newest entry; "" when nothing is recorded
		calls  int
	}{
		{"nothing", SignIn{}, Invalid, 422, "password portal username", "", 0},
		{"a portal that is not offered", SignIn{"messaging", "mia", "x"}, Invalid, 422, "portal", "", 0},
		{"a name like a document", SignIn{"customer", strings.Repeat("x", 201), "x"}, Invalid, 422, "username", "", 0},
		{"wrong password", SignIn{"customer", "mia", "wrong"}, Unauthorized, 401, "", audit.Refused, 1},
		{"no API access", SignIn{"customer", "noapi", sandbox.Password}, Unauthorized, 401, "", audit.Refused, 1},
		{"not staff", SignIn{"customer", "mallory", sandbox.Password}, Forbidden, 403, "", audit.Denied, 1},
		{"disabled", SignIn{"customer", "victor", sandbox.Password}, Forbidden, 403, "", audit.Denied, 1},
		{"right", SignIn{"customer", " MIA ", sandbox.Password}, 0, 0, "", audit.Done, 1},
	} {
		calls, entries := len(r.calls()), len(r.newest(1000))
		got, err := r.SignIn(ctx, Actor{Address: "192.0.2.9", Request: "REQ"}, tt.in)
		if n := len(r.calls()) - calls; n != tt.calls {
			t.Errorf("%s: %d calls", tt.name, n)
		}
		if tt.result == "" {
			if n := len(r.newest(1000)); n != entries {
				t.Errorf("%s: %d entries more", tt.name, n-entries)
			}
		} else if e := r.newest(1)[0]; e.Result != tt.result || e.What != WhatSignIn || e.Who.Username != store.FoldUsername(tt.in.Username) || e.Who.Address != "192.0.2.9" ||
			(e.Who.StaffID != 0) != (tt.kind == 0) {
			t.Errorf("%s: recorded %+v", tt.name, e)
		}
		if tt.kind == 0 {
			owner, ok := r.box.TokenOwner(got.Token)
			if err != nil || !ok || owner != "mia" || got.Staff.ID != r.mia.Staff.ID || !got.TokenExpires.Equal(r.Now().Add(24*time.Hour)) {
				t.Errorf("%s: token of %q, expires %v, %v", tt.name, owner, got.TokenExpires, err)
			}
			if s, _ := r.Store.Staff(ctx, r.mia.Staff.ID); !s.SeenAt.Equal(r.Now()) {
				t.Errorf("seen at %v", s.SeenAt)
			}
			continue
		}
		p := r.problem(err)
		if p.Kind != tt.kind || p.Status() != tt.status || got.Token != "" {
			t.Errorf("%s: %+v, token given %v", tt.name, p, got.Token != "")
		}
		for _, f := range []string{"portal", "username", "password"} {
			if (p.Fields[f] != "") != strings.Contains(tt.fields, f) {
				t.Errorf("%s: %s says %q", tt.name, f, p.Fields[f])
			}
		}
	}
}

// wait is how long the throttle says to wait; 0 when it lets one through.
func (r *rig) wait(err error) time.Duration {
	var p *Problem
	if errors.As(err, &p) && p.Kind == Throttled {
		if p.Status() != 429 || p.Wait <= 0 {
			r.Errorf("throttled: %+v", p)
		}
		return p.Wait
	}
	return 0
}

func TestFiveRefusalsPerUserThenAWaitThatDoubles(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) != 0 {
			t.Fatalf("refusal %d: %v", i+1, err)
		}
	}
	calls := len(r.calls())
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		want *= time.Second
		// However often one tries meanwhile, also with the right password, in
		// another spelling, or from elsewhere: it neither gets through nor counts.
		for range 3 {
			if _, err := r.signIn("198.51.100.1", " Mia", sandbox.Password); r.wait(err) != want {
				t.Fatalf("wait %v, want %v", r.wait(err), want)
			}
		}
		if len(r.calls()) != calls {
			t.Fatal("the portal was asked during a wait")
		}
		if e := r.newest(1)[0]; e.Result != audit.Denied || !strings.Contains(e.Detail, "throttled") {
			t.Errorf("recorded %+v", e)
		}
		r.clock.Add(want - time.Millisecond)
		if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) == 0 {
			t.Fatalf("let through a moment before %v", want)
		}
		r.clock.Add(time.Millisecond)
		if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) != 0 {
			t.Fatalf("still waiting after %v: %v", want, err)
		}
		calls++
	}
	if _, err := r.signIn("192.0.2.9", "alice", sandbox.Password); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	r.clock.Add(15 * time.Minute)
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	for i := range 5 { // a success clears the count
		if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) != 0 {
			t.Errorf("refusal %d after a success: %v", i+1, err)
		}
	}
}

func TestFourRefusalsAreForgottenAfterTheWindow(t *testing.T) {
	r := newRig(t)
	for range 4 {
		for range 4 {
			if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) != 0 {
				t.Fatal(err)
			}
		}
		r.clock.Add(throttleWindow + time.Second)
	}
}

func TestThirtyRefusalsPerAddress(t *testing.T) {
	r := newRig(t)
	for i := range 30 {
		name := "user" + string(rune('a'+i))
		if i%2 == 0 {
			name = "mallory" + strings.Repeat("x", i) // unknown to the portal
		}
		if _, err := r.signIn("192.0.2.9", name, sandbox.Password); r.wait(err) != 0 {
			t.Fatalf("refusal %d: %v", i+1, err)
		}
	}
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); r.wait(err) != time.Second {
		t.Errorf("the thirty-first: %v", err)
	}
	if _, err := r.signIn("192.0.2.10", "mia", sandbox.Password); err != nil {
		t.Errorf("from another address: %v", err)
	}
	// A success takes nothing off the address and adds nothing, not even a wait.
	r.clock.Add(time.Second)
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if _, err := r.signIn("192.0.2.9", "alice", sandbox.Password); err != nil {
		t.Errorf("after somebody else's success: %v", err)
	}
	if _, err := r.signIn("192.0.2.9", "alice", "wrong"); r.wait(err) != 0 {
		t.Errorf("a wrong one: %v", err)
	}
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); r.wait(err) != 2*time.Second {
		t.Errorf("after one refusal more: %v", err)
	}
}

func TestNotBeingStaffCountsAndAPortalThatIsDownDoesNot(t *testing.T) {
	r := newRig(t)
	for range 5 {
		if _, err := r.signIn("192.0.2.9", "mallory", sandbox.Password); r.wait(err) != 0 {
			t.Fatal(err)
		}
	}
	if _, err := r.signIn("192.0.2.9", "mallory", sandbox.Password); r.wait(err) != time.Second {
		t.Errorf("not staff, the sixth time: %v", err)
	}
	down := map[string]func() (SignedIn, error){}
	for _, fault := range []string{`"status": 503, "body": "html"`, `"reset": true`, `"lose_answer": true`, `"status": 429`, `"body": "truncated"`} {
		down[fault] = func() (SignedIn, error) {
			r.control(`{"service": "portal", ` + fault + `}`)
			defer r.control(`{"service": "portal", "reset_faults": true}`)
			return r.signIn("192.0.2.9", "mia", sandbox.Password)
		}
	}
	unreachable := r.desk(r.Store, r.closedPort(), call.Limits{})
	down["unreachable"] = func() (SignedIn, error) {
		return unreachable.SignIn(ctx, Actor{Address: "192.0.2.9"}, SignIn{"customer", "mia", sandbox.Password})
	}
	for name, try := range down {
		for range 7 {
			_, err := try()
			// Never "wrong password" (promise 6).
			if p := r.problem(err); p.Kind != Trouble || p.Status() != 502 || p.Service == "" {
				t.Fatalf("%s: %+v", name, p)
			}
		}
	}
	r.rested("portal")
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); err != nil {
		t.Errorf("up again: %v", err)
	}
}

// Refusals are counted before the call: many tries at once do not slip past.
func TestTheThrottleHoldsForTriesAtOnce(t *testing.T) {
	r := newRig(t)
	r.control(`{"service": "portal", "latency": "30ms"}`)
	var tries sync.WaitGroup
	for range 20 {
		tries.Go(func() { r.signIn("192.0.2.9", "mia", "wrong") })
	}
	tries.Wait()
	if n := len(r.calls()) - 1; n != 5 { // one is the rig's list
		t.Errorf("%d tries reached the portal, want 5", n)
	}
}

func TestConfirmAndStepUp(t *testing.T) {
	r := newRig(t)
	if !r.Confirmed(r.alice) {
		t.Error("given just now, and not confirmed")
	}
	r.clock.Add(StepUpHolds - time.Millisecond)
	if !r.Confirmed(r.alice) {
		t.Error("a moment before 15 minutes, and not confirmed")
	}
	r.clock.Add(time.Millisecond)
	if r.Confirmed(r.alice) || r.Confirmed(Actor{Staff: r.alice.Staff}) {
		t.Error("confirmed without a password")
	}
	c := r.customer()
	calls := len(r.calls())
	for name, run := range map[string]func() error{
		"by cuid": func() error { _, err := r.IssueCredentials(ctx, r.alice, "x", c.CUID, "cuid", "why"); return err },
		"reveal":  func() error { _, err := r.Reveal(ctx, r.alice, "x", c.CUID, "why"); return err },
	} {
		if p := r.problem(run()); p.Kind != Invalid || p.Fields["password"] == "" || len(r.calls()) != calls {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, password := range []string{"", "wrong"} {
		_, err := r.Confirm(ctx, r.alice, WhatRenew, password)
		if p := r.problem(err); p.Status() != 422 || p.Fields["password"] == "" {
			t.Errorf("%q: %+v", password, p)
		}
	}
	got, err := r.Confirm(ctx, r.alice, WhatRenew, sandbox.Password)
	if owner, ok := r.box.TokenOwner(got.Token); err != nil || !ok || owner != "alice" || !got.TokenExpires.Equal(r.Now().Add(24*time.Hour)) {
		t.Errorf("%v, token of %q", err, owner)
	}
	if e := r.newest(1)[0]; e.What != WhatRenew || e.Result != audit.Done || e.Who.Session != r.alice.Session {
		t.Errorf("recorded %+v", e)
	}
}
