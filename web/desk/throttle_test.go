package desk

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/sandbox"
)

// Whoever has one IPv6 address has a whole /64 of them, and none further.
func TestThirtyRefusalsPerIPv6Network(t *testing.T) {
	r := newRig(t)
	for i := range 30 {
		if _, err := r.signIn(fmt.Sprintf("2001:db8:1:2:%x::%d", i, i), fmt.Sprint("stranger", i), "wrong"); r.wait(err) != 0 {
			t.Fatalf("refusal %d: %v", i+1, err)
		}
	}
	for address, want := range map[string]time.Duration{
		"2001:db8:1:2:ffff::1": time.Second, "2001:db8:1:3::1": 0, "2001:db8:1:1:ffff::1": 0, "::ffff:192.0.2.9": 0, "192.0.2.9": 0, "not an address": 0,
	} {
		if _, err := r.signIn(address, "mia", sandbox.Password); r.wait(err) != want {
			t.Errorf("from %s: %v, want a wait of %v", address, err, want)
		}
	}
}

// A wait is on record once, however often it is run against.
func TestTriesDuringAWaitDoNotFillTheLog(t *testing.T) {
	r := newRig(t)
	denied := func() int {
		n := 0
		for _, e := range r.newest(100) {
			if e.What == WhatSignIn && e.Result == audit.Denied {
				n++
			}
		}
		return n
	}
	for range 5 {
		_, _ = r.signIn("192.0.2.9", "mia", "wrong")
	}
	for wait := range 3 {
		for i := range 40 {
			if _, err := r.signIn(fmt.Sprintf("198.51.100.%d", i), "mia", sandbox.Password); r.wait(err) == 0 {
				t.Fatalf("let through during wait %d: %v", wait, err)
			}
		}
		if n := denied(); n != wait+1 {
			t.Errorf("%d entries after %d waits", n, wait+1)
		}
		r.clock.Add(time.Second << wait)
		if _, err := r.signIn("192.0.2.9", "mia", "wrong"); r.wait(err) != 0 {
			t.Fatal(err)
		}
	}
}

func TestAnAdminLiftsAWait(t *testing.T) {
	r := newRig(t)
	for range 7 {
		_, _ = r.signIn("192.0.2.9", "mia", "wrong")
		r.clock.Add(3 * time.Second)
	}
	_, _ = r.signIn("192.0.2.9", "stranger", "wrong")
	_, err := r.signIn("192.0.2.9", "mia", sandbox.Password)
	if r.wait(err) == 0 {
		t.Fatal("no wait")
	}
	held, err := r.HeldUp(ctx)
	if err != nil || len(held) != 1 {
		t.Fatalf("held up: %+v, %v", held, err)
	}
	h := held[0]
	if h.Portal != "customer" || h.Username != "mia" || h.Address != "" || h.Refusals < 5 || !h.Until.After(r.Now()) {
		t.Errorf("held up: %+v", h)
	}
	var p *Problem
	if err := r.LiftThrottle(ctx, r.mia, h.Subject); !errors.As(err, &p) || p.Kind != Forbidden {
		t.Errorf("a manager: %v", err)
	}
	if err := r.LiftThrottle(ctx, r.alice, h.Subject); err != nil {
		t.Fatal(err)
	}
	if e := r.newest(1)[0]; e.What != WhatLift || e.Who.Username != "alice" || e.On.Name != "customer:mia" || !strings.Contains(e.Detail, "forgotten") {
		t.Errorf("recorded %+v", e)
	}
	if _, err := r.signIn("192.0.2.9", "mia", sandbox.Password); err != nil {
		t.Errorf("after the wait was lifted: %v", err)
	}
	if err := r.LiftThrottle(ctx, r.alice, h.Subject); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("lifted twice: %v", err)
	}
	if held, err := r.HeldUp(ctx); err != nil || len(held) != 0 {
		t.Errorf("still held up: %+v, %v", held, err)
	}
}

// A portal that tells a missing API access from a wrong password is quoted as
// saying so; the documented answer, the same for both, as saying either.
func TestMissingAPIAccess(t *testing.T) {
	r := newRig(t)
	_, err := r.signIn("192.0.2.9", "noapi", sandbox.Password)
	if p := r.problem(err); p.Status() != 401 || !strings.Contains(p.Text.String(), "no API access") || !strings.Contains(p.Text.String(), "password is wrong") {
		t.Errorf("the documented answer: %+v", p)
	}
	for _, status := range []int{401, 403} {
		d := r.desk(r.Store, r.fake(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, `{"code":401,"error":"User is not allowed for API access"}`)
		}), call.Limits{})
		_, err := d.SignIn(ctx, Actor{Address: "192.0.2.9"}, SignIn{"customer", "noapi", "right"})
		if p := r.problem(err); p.Status() != 401 || p.Title != noAccess || strings.Contains(p.Text.String(), "wrong") {
			t.Errorf("%d: %+v", status, p)
		}
		_, err = d.Confirm(ctx, r.mia, WhatConfirm, "right")
		if p := r.problem(err); p.Status() != 422 || p.Fields["password"] != noAccess+"." {
			t.Errorf("%d, confirming: %+v", status, p)
		}
	}
}
