package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/sandbox"
)

// acting is one act that calls a service, ready to be run on any desk.
type acting struct {
	name, what, service string
	needs               store.Role
	calls               string // how its one call begins in the journal
	status              int    // of success
	receipts            bool
	// prepare does what comes before the act and returns it.
	prepare func(r *rig) func(d *Desk, by Actor, receipt string) (Answer, error)
}

var actings = []acting{
	{"create", WhatCreate, "atom", store.Manager, "POST /atom/customer", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		in := r.newCustomer()
		return func(d *Desk, by Actor, receipt string) (Answer, error) { return d.CreateCustomer(ctx, by, receipt, in) }
	}},
	{"sso", WhatSSO, "atom", store.Manager, "GET /atom/customer/", 302, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		c := r.customer()
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.OpenSSO(ctx, by, receipt, c.CUID, "ticket 1")
		}
	}},
	{"send passcode", WhatSendPasscode, "atom", store.Manager, "GET /atom/customer/", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		c := r.customer()
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.SendPasscode(ctx, by, receipt, c.CUID)
		}
	}},
	{"redeem", WhatRedeem, "atom", store.Manager, "GET /atom/customer/", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		c := r.customer()
		r.must(r.SendPasscode(ctx, r.mia, store.NewID(), c.CUID))
		passcode := " " + r.delivered() + "\n" // as it is pasted
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.RedeemPasscode(ctx, by, receipt, c.CUID, passcode)
		}
	}},
	{"by cuid", WhatByCUID, "atom", store.Admin, "GET /atom/customer/", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		c := r.customer()
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.IssueCredentials(ctx, by, receipt, c.CUID, "cuid", "ticket 2")
		}
	}},
	{"nopasscode", WhatNoPasscode, "atom", store.Admin, "GET /atom/customer/", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		c := r.customer()
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.IssueCredentials(ctx, by, receipt, c.CUID, "nopasscode", "ticket 3")
		}
	}},
	{"send SMS", WhatSendSMS, "ip1", store.Manager, "POST /ip1/api/authentications", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		in := SMSForm{Phone: r.phone(), Length: "9"}
		return func(d *Desk, by Actor, receipt string) (Answer, error) { return d.SendSMS(ctx, by, receipt, in) }
	}},
	{"verify SMS", WhatVerifySMS, "ip1", store.Manager, "POST /ip1/api/authentications/validate", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		sent := r.must(r.SendSMS(ctx, r.mia, store.NewID(), SMSForm{Phone: r.phone()}))
		code := r.delivered()
		return func(d *Desk, by Actor, receipt string) (Answer, error) {
			return d.VerifySMS(ctx, by, receipt, sent.CodeID, code)
		}
	}},
	{"SMS settings", WhatSMSSettings, "ip1", store.Admin, "PUT /ip1/api/authentications/settings", 200, true, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		in := SMSForm{From: "Desk", ConcurrentLimit: "50"}
		return func(d *Desk, by Actor, receipt string) (Answer, error) { return d.PutSMSSettings(ctx, by, receipt, in) }
	}},
	{"sign in", WhatSignIn, "portal", "", "POST /portal/customer/_rest/v4/authenticate", 200, false, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		return func(d *Desk, by Actor, _ string) (Answer, error) {
			_, err := d.SignIn(ctx, Actor{Address: by.Address}, SignIn{"customer", " Alice ", sandbox.Password})
			return Answer{}, err
		}
	}},
	{"confirm", WhatConfirm, "portal", "", "POST /portal/customer/_rest/v4/authenticate", 200, false, func(r *rig) func(*Desk, Actor, string) (Answer, error) {
		return func(d *Desk, by Actor, _ string) (Answer, error) {
			_, err := d.Confirm(ctx, by, WhatConfirm, sandbox.Password)
			return Answer{}, err
		}
	}},
}

// ending is how a call can end, and what must follow from it.
type ending struct {
	name    string
	fault   string
	result  audit.Result
	kind    Kind // 0: done
	status  int  // that the problem is shown with
	code    int  // of the service, in the log; 0 for none, -1 for the act's success
	message string
}

var endings = []ending{
	{"success", ``, audit.Done, 0, 0, -1, ""},
	{"refusal", `"status": 400`, audit.Refused, Invalid, 422, 400, "Bad Request"},
	{"500 with a message", `"status": 500`, audit.Refused, Trouble, 502, 500, "Internal Server Error"},
	{"our credentials refused", `"refuse_credentials": true`, audit.Refused, Trouble, 502, 403, ""},
	{"unreachable", ``, audit.Unreachable, Trouble, 502, 0, ""},
	{"reset", `"reset": true`, audit.Unknown, Unknown, 502, 0, ""},
	{"answer lost", `"lose_answer": true`, audit.Unknown, Unknown, 502, 0, ""},
	{"500 of HTML", `"status": 500, "body": "html"`, audit.Unknown, Unknown, 502, 500, ""},
	{"truncated", `"body": "truncated"`, audit.Unknown, Unknown, 502, 200, ""},
	{"time-out", `"hang": true`, audit.Unknown, Unknown, 504, 0, "no answer in time"},
}

// Every act, every end: the intent is in the log before the service hears of
// it, the service hears once, the outcome follows, and a repeat of the post
// repeats the answer and calls nothing.
func TestEveryActAndEveryEnd(t *testing.T) {
	r := newRig(t)
	desks := map[string]*Desk{
		"time-out":    r.desk(r.Store, r.server.URL, call.Limits{Act: 150 * time.Millisecond, Failures: -1}),
		"unreachable": r.desk(r.Store, r.closedPort(), call.Limits{Failures: -1}),
	}
	for _, act := range actings {
		for _, end := range endings {
			t.Run(act.name+"/"+end.name, func(t *testing.T) {
				r.T = t
				r.clock.Add(time.Hour) // no throttle, no shared limits
				r.alice.PasswordAt = r.Now()
				run := act.prepare(r)
				d := r.Desk
				if other := desks[end.name]; other != nil {
					d = other
				}
				before := len(r.calls())
				if end.fault != "" {
					r.control(`{"service": "` + act.service + `", ` + end.fault + `}`)
				}
				defer r.control(`{"service": "` + act.service + `", "reset_faults": true}`)
				var open []audit.Entry
				stop := r.during(func(*http.Request) {
					open, _ = r.Store.OpenActs(ctx)
					r.clock.Add(70 * time.Millisecond)
				})
				answer, err := run(d, r.alice, "receipt "+t.Name())
				stop()

				want := act.expect(end)
				calls := r.calls()[before:]
				if end.name == "unreachable" {
					if len(calls) != 0 {
						t.Fatalf("calls %v", calls)
					}
				} else {
					if len(calls) != 1 || !strings.HasPrefix(calls[0], act.calls) {
						t.Fatalf("calls %v, want one %s", calls, act.calls)
					}
					if len(open) != 1 || open[0].What != act.what || open[0].Phase != audit.Intent || open[0].Result != "" || open[0].Service != act.service {
						t.Errorf("when the call came the log held %+v", open)
					}
				}
				checkEntries(t, r, act, want, answer)
				if want.kind == 0 {
					if err != nil || answer.Problem != nil {
						t.Fatalf("error %v, problem %+v", err, answer.Problem)
					}
				} else {
					p := r.problem(err)
					if p.Kind != want.kind || p.Status() != want.status || p.Timeout != (end.name == "time-out") || p.Advice == "" && p.Kind != Invalid {
						t.Errorf("problem %d shown with %d, time-out %v: %+v; want %d with %d", p.Kind, p.Status(), p.Timeout, p, want.kind, want.status)
					}
					if p.Service == "" {
						t.Errorf("the problem names no service: %+v", p)
					}
				}
				if !act.receipts {
					return
				}
				again, againErr := run(d, r.alice, "receipt "+t.Name())
				if (againErr == nil) != (err == nil) || againErr != nil && r.problem(againErr).Status() != r.problem(err).Status() {
					t.Errorf("repeated: %v\nfirst %v", againErr, err)
				}
				if again.Act != answer.Act || again.Secret != answer.Secret || again.CodeID != answer.CodeID || again.CUID != answer.CUID {
					t.Errorf("repeated %+v\nfirst %+v", again, answer)
				}
				if n := len(r.calls()) - before - len(calls); n != 0 {
					t.Errorf("the repeat called %d times", n)
				}
				if n := len(r.entries(answer.Act)); n != 2 {
					t.Errorf("%d entries after the repeat", n)
				}
			})
		}
	}
}

// expect is the ending as this act has it.
func (a acting) expect(end ending) ending {
	if end.code < 0 {
		end.code = a.status
	}
	if end.name == "our credentials refused" && a.service != "atom" {
		end.code = 401
	}
	if a.service != "portal" {
		return end
	}
	// A sign-in that got no answer has changed nothing at the portal; and what
	// the portal says of itself is never about what was typed.
	if end.kind == Unknown {
		end.kind = Trouble
	}
	switch end.name {
	case "our credentials refused": // at the portal: a wrong password
		end.kind, end.status = Unauthorized, 401
		if a.what == WhatConfirm {
			end.kind, end.status = Invalid, 422
		}
	case "refusal":
		end.kind, end.status = Trouble, 502
	case "500 with a message": // a portal's error page names no message of its own
		end.result = audit.Unknown
	}
	end.message = strings.TrimPrefix(end.message, "Internal Server Error")
	return end
}

func checkEntries(t *testing.T, r *rig, act acting, want ending, answer Answer) {
	t.Helper()
	id := answer.Act
	if id == "" { // sign-ins have no answer
		id = r.newest(1)[0].Act
	}
	entries := r.entries(id)
	if len(entries) != 2 || entries[0].Phase != audit.Intent || entries[1].Phase != audit.Outcome {
		t.Fatalf("entries %+v", entries)
	}
	in, out := entries[0], entries[1]
	if out.What != act.what || out.Service != act.service || in.On.ID != out.On.ID && act.what != WhatCreate || in.Reason != out.Reason {
		t.Errorf("intent %+v\noutcome %+v", in, out)
	}
	if out.Result != want.result || out.Status != want.code || !strings.Contains(out.Detail, want.message) {
		t.Errorf("outcome %s, status %d, %q; want %s, %d, %q", out.Result, out.Status, out.Detail, want.result, want.code, want.message)
	}
	duration := 70 * time.Millisecond
	if want.name == "unreachable" {
		duration = 0
	}
	if out.Duration != duration {
		t.Errorf("took %v, want %v", out.Duration, duration)
	}
	text := fmt.Sprintf("%+v", entries)
	for _, secret := range []string{answer.Secret.Key, answer.Secret.Token, answer.Secret.Link, superKey, superToken, ip1Key} {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("an entry holds %q", secret)
		}
	}
}

func TestRoles(t *testing.T) {
	r := newRig(t)
	disabled := r.alice
	disabled.Staff.Active = false
	c := r.customer()
	type try struct {
		name  string
		needs store.Role
		run   func(by Actor) error
	}
	tries := []try{
		{"reveal", store.Manager, func(by Actor) error { _, err := r.Reveal(ctx, by, "", c.CUID, ""); return err }},
		{"refresh", store.Manager, func(by Actor) error {
			over, cancel := context.WithCancel(ctx)
			cancel() // nobody runs the mirror here
			_, err := r.Mirror.Refresh(over, by, false)
			return err
		}},
		{"believe", store.Admin, func(by Actor) error {
			over, cancel := context.WithCancel(ctx)
			cancel()
			_, err := r.Mirror.Refresh(over, by, true)
			return err
		}},
		{"add staff", store.Admin, func(by Actor) error { _, err := r.AddStaff(ctx, by, store.Staff{}); return err }},
		{"change staff", store.Admin, func(by Actor) error { return r.ChangeStaff(ctx, by, r.mia.Staff.ID, Standing{}, "", "odd") }},
	}
	for _, act := range actings {
		if act.needs == "" {
			continue
		}
		run := act.prepare(r)
		tries = append(tries, try{act.name, act.needs, func(by Actor) error { _, err := run(r.Desk, by, "role"); return err }})
	}
	for _, tt := range tries {
		for _, by := range []Actor{r.victor, r.mia, r.alice, disabled, {}} {
			allowed := by.Staff.Active && by.Staff.Role.Includes(tt.needs)
			calls, entries := len(r.calls()), len(r.newest(1000))
			err := tt.run(by)
			var p *Problem
			forbidden := errors.As(err, &p) && p.Kind == Forbidden && p.Status() == 403
			if forbidden == allowed {
				t.Errorf("%s by %s (active %v): %v", tt.name, by.Staff.Role, by.Staff.Active, err)
			}
			if !allowed && (len(r.calls()) != calls || len(r.newest(1000)) != entries) {
				t.Errorf("%s by %s was begun", tt.name, by.Staff.Role)
			}
		}
	}
}

// A double click arrives while the first post is under way.
func TestTwoPostsAtOnceAreOneAct(t *testing.T) {
	r := newRig(t)
	for _, act := range actings {
		if !act.receipts {
			continue
		}
		run := act.prepare(r)
		before := len(r.calls())
		arrived := make(chan struct{})
		var once sync.Once
		stop := r.during(func(*http.Request) {
			once.Do(func() { close(arrived) })
			time.Sleep(20 * time.Millisecond) // so that the others come before the answer
		})
		answers := make([]Answer, 3)
		errs := make([]error, 3)
		var posts sync.WaitGroup
		for i := range answers {
			if i > 0 {
				<-arrived
			}
			posts.Go(func() { answers[i], errs[i] = run(r.Desk, r.alice, "double") })
		}
		posts.Wait()
		stop()
		if n := len(r.calls()) - before; n != 1 {
			t.Errorf("%s: %d calls", act.name, n)
		}
		for i := range answers {
			if errs[i] != nil || answers[i].Act == "" || answers[i].Act != answers[0].Act || answers[i].Secret != answers[0].Secret || answers[i].CodeID != answers[0].CodeID {
				t.Errorf("%s: answer %d is %+v, %v\nthe first %+v", act.name, i, answers[i], errs[i], answers[0])
			}
		}
	}
}

func TestWhatIsARepeatAndWhatANewAct(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	phone := r.phone()
	c := r.customer()
	for _, tt := range []struct {
		name   string
		first  func() (Answer, error)
		second func() (Answer, error)
		after  time.Duration
		repeat bool
	}{
		{"the same receipt, days later",
			func() (Answer, error) { return r.CreateCustomer(ctx, r.mia, "a", in) },
			func() (Answer, error) { return r.CreateCustomer(ctx, r.mia, "a", in) }, 6 * 24 * time.Hour, true},
		{"the same receipt, an edited form",
			func() (Answer, error) { return r.CreateCustomer(ctx, r.mia, "b", r.newCustomer()) },
			func() (Answer, error) { return r.CreateCustomer(ctx, r.mia, "b", r.newCustomer()) }, 0, false},
		{"the same receipt by somebody else",
			func() (Answer, error) { return r.SendPasscode(ctx, r.mia, "c", c.CUID) },
			func() (Answer, error) { return r.SendPasscode(ctx, r.alice, "c", c.CUID) }, shieldHolds, false},
		{"the same receipt for another customer",
			func() (Answer, error) { return r.SendPasscode(ctx, r.mia, "d", c.CUID) },
			func() (Answer, error) { return r.SendPasscode(ctx, r.mia, "d", r.customer().CUID) }, 0, false},
		{"another receipt",
			func() (Answer, error) { return r.SendPasscode(ctx, r.mia, "e", c.CUID) },
			func() (Answer, error) { return r.SendPasscode(ctx, r.mia, "f", c.CUID) }, 0, false},
		{"no receipt, at once",
			func() (Answer, error) { return r.SendSMS(ctx, r.mia, "", SMSForm{Phone: phone}) },
			func() (Answer, error) { return r.SendSMS(ctx, r.mia, "", SMSForm{Phone: phone}) }, 10*time.Second - time.Millisecond, true},
		{"no receipt, after ten seconds",
			func() (Answer, error) { return r.SendSMS(ctx, r.alice, "", SMSForm{Phone: phone}) },
			func() (Answer, error) { return r.SendSMS(ctx, r.alice, "", SMSForm{Phone: phone}) }, 10 * time.Second, false},
		{"no receipt, other content",
			func() (Answer, error) { return r.SendSMS(ctx, r.mia, "", SMSForm{Phone: r.phone()}) },
			func() (Answer, error) { return r.SendSMS(ctx, r.mia, "", SMSForm{Phone: r.phone()}) }, 0, false},
		{"SSO within ten seconds",
			func() (Answer, error) { return r.OpenSSO(ctx, r.mia, "g", c.CUID, "") },
			func() (Answer, error) { return r.OpenSSO(ctx, r.mia, "g", c.CUID, "") }, 10*time.Second - time.Millisecond, true},
		{"SSO after ten seconds",
			func() (Answer, error) { return r.OpenSSO(ctx, r.mia, "h", c.CUID, "") },
			func() (Answer, error) { return r.OpenSSO(ctx, r.mia, "h", c.CUID, "") }, 10 * time.Second, false},
		{"SSO in another session, which may not see the first link",
			func() (Answer, error) { return r.OpenSSO(ctx, r.mia, "i", c.CUID, "") },
			func() (Answer, error) {
				elsewhere := r.mia
				elsewhere.Session = "elsewhere"
				return r.OpenSSO(ctx, elsewhere, "i", c.CUID, "")
			}, 0, false},
	} {
		r.clock.Add(shieldHolds) // nothing collides with the case before
		first := r.must(tt.first())
		r.clock.Add(tt.after)
		calls := len(r.calls())
		second := r.must(tt.second())
		if repeat := first.Act == second.Act; repeat != tt.repeat {
			t.Errorf("%s: repeat %v", tt.name, repeat)
		}
		if n := len(r.calls()) - calls; (n == 0) != tt.repeat || n > 1 {
			t.Errorf("%s: %d calls", tt.name, n)
		}
		if second.What == WhatSSO && second.Secret.Link == "" {
			t.Errorf("%s: no link", tt.name)
		}
	}
}

func TestTheSecretOfAnAnswer(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	made := r.must(r.CreateCustomer(ctx, r.mia, "create", in))
	if made.Secret.Key == "" || made.Secret.Token == "" || made.CUID == "" {
		t.Fatalf("answer %+v", made)
	}
	elsewhere := r.mia
	elsewhere.Session = "elsewhere"
	check := func(name string, by Actor, want Secret) {
		t.Helper()
		got, err := r.Answer(ctx, by, made.Act)
		if err != nil || got.Secret != want || got.CUID != made.CUID {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
		again, err := r.CreateCustomer(ctx, Actor{Staff: r.mia.Staff, Session: by.Session}, "create", in) // reloaded
		if err != nil || again.Secret != want || again.Act != made.Act {
			t.Errorf("%s, posted again: %+v, %v; want %+v", name, again, err, want)
		}
	}
	check("the session that acted", r.mia, made.Secret)
	check("another session", elsewhere, Secret{})
	r.clock.Add(SecretsShown - time.Millisecond)
	check("a moment before ten minutes", r.mia, made.Secret)
	r.clock.Add(time.Millisecond)
	check("after ten minutes", r.mia, Secret{})
	if _, err := r.Answer(ctx, r.mia, "no such act"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such act: %v", err)
	}
	// It stays in the vault, for a reveal that is on record.
	stored, err := r.Store.Credentials(ctx, made.CUID)
	if err != nil || stored.Key != made.Secret.Key || stored.Token != made.Secret.Token {
		t.Errorf("vault: %v", err)
	}
	how, err := r.Store.StoredCredentials(ctx, made.CUID)
	if err != nil || how.Method != "create" || how.StoredBy != r.mia.Staff.Name {
		t.Errorf("vault says %+v, %v", how, err)
	}
}

func TestWithoutTheLogNothingIsDone(t *testing.T) {
	r := newRig(t)
	type try struct {
		name string
		run  func() error
	}
	var tries []try
	for _, act := range actings {
		run := act.prepare(r)
		tries = append(tries, try{act.name, func() error { _, err := run(r.Desk, r.alice, "unrecorded"); return err }})
	}
	c := r.customer()
	r.must(r.IssueCredentials(ctx, r.alice, "issue", c.CUID, "cuid", "setup"))
	tries = append(tries,
		try{"reveal", func() error { _, err := r.Reveal(ctx, r.alice, "reveal", c.CUID, ""); return err }},
		try{"reveal token", func() error { _, err := r.RevealToken(ctx, r.alice, "token", "portal", "t"); return err }},
		try{"store a token", func() error { return r.PutCPaaSToken(ctx, r.alice, "token") }},
		try{"add staff", func() error {
			_, err := r.AddStaff(ctx, r.alice, store.Staff{Portal: "customer", Username: "new", Role: store.Viewer})
			return err
		}},
		try{"change staff", func() error { return r.ChangeStaff(ctx, r.alice, r.mia.Staff.ID, Standing{}, store.Viewer, "") }},
		try{"sign out", func() error { return r.SignOut(ctx, r.alice) }},
	)
	mend := r.breakLog()
	before := len(r.calls())
	for _, tt := range tries {
		p := r.problem(tt.run())
		if p.Kind != Unrecorded || p.Status() != 503 || p.Err == nil {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
	if calls := r.calls()[before:]; len(calls) != 0 {
		t.Errorf("calls went out: %v", calls)
	}
	mend()
	if s, err := r.Store.Staff(ctx, r.mia.Staff.ID); err != nil || s.Role != store.Manager {
		t.Errorf("a change that was not recorded was made: %+v, %v", s, err)
	}
	if _, err := r.Store.StaffByLogin(ctx, "customer", "new"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a member of staff came in unrecorded: %v", err)
	}
	if _, _, err := r.Store.CPaaSToken(ctx, r.alice.Staff.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a token was stored unrecorded: %v", err)
	}
	for _, tt := range tries { // it works again, and no receipt was used up
		if err := tt.run(); err != nil {
			t.Errorf("%s, with the log mended: %v", tt.name, err)
		}
	}
}

// Another form with the same e-mail, while the first is on its way, sends nothing:
// it is not known yet whether that customer will exist.
func TestACreateUnderWayHoldsBackAnotherOfItsEmail(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	var second error
	stop := r.during(func(*http.Request) {
		other := in
		other.Email = strings.ToUpper(in.Email)
		_, second = r.CreateCustomer(ctx, r.alice, "another form", other)
	})
	_, err := r.CreateCustomer(ctx, r.mia, "x", in)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	if p := r.problem(second); p.Kind != Invalid || p.Fields["email"] == "" {
		t.Errorf("the second create: %+v", p)
	}
	if _, err := r.CreateCustomer(ctx, r.mia, "yet another", in); err == nil || r.problem(err).Code != http.StatusBadRequest {
		t.Errorf("once the first is done, ATOM itself refuses: %v", err)
	}
}

// The call is done, but its outcome cannot be written: say so, and let the
// next start close the act as unknown.
func TestAnOutcomeThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	var mend func()
	stop := r.during(func(*http.Request) { mend = r.breakLog() })
	answer, err := r.CreateCustomer(ctx, r.mia, "x", in)
	stop()
	mend()
	if p := r.problem(err); p.Kind != Unrecorded || p.Title != "The outcome could not be recorded" {
		t.Errorf("problem %+v", p)
	}
	if _, err := r.Store.Customer(ctx, answer.CUID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its rows were written without the outcome: %v", err)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 1 || open[0].What != WhatCreate {
		t.Fatalf("open acts %+v, %v", open, err)
	}
	if _, err := r.CreateCustomer(ctx, r.mia, "another form", in); r.problem(err).Fields["email"] == "" {
		t.Errorf("the same customer could be sent again: %v", err)
	}
	r.startsAfterAKill(r.Desk)
	r.clock.Add(time.Second)
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Store.OpenCreateOfAct(ctx, answer.Act); err != nil || got.State != "created" || got.CUID != answer.CUID {
		t.Errorf("settled as %+v, %v", got, err)
	}
}

// Closing the tab does not stop an act half-way: its outcome is recorded.
func TestAnActOutlivesItsReader(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	reader, leave := context.WithCancel(ctx)
	stop := r.during(func(*http.Request) { leave() })
	answer, err := r.CreateCustomer(reader, r.mia, "x", in)
	stop()
	if err != nil || answer.CUID == "" {
		t.Fatalf("%+v, %v", answer, err)
	}
	if e := r.entries(answer.Act); len(e) != 2 || e[1].Result != audit.Done {
		t.Errorf("entries %+v", e)
	}
}

func TestDrainWaitsForActsUnderWay(t *testing.T) {
	r := newRig(t)
	in := r.newCustomer()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	stop := r.during(func(*http.Request) { close(arrived); <-goOn })
	defer stop()
	ended := make(chan error)
	go func() { _, err := r.CreateCustomer(ctx, r.mia, "x", in); ended <- err }()
	<-arrived
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := r.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drained with an act under way: %v", err)
	}
	close(goOn)
	if err := r.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	if open, err := r.Store.OpenActs(ctx); err != nil || len(open) != 0 {
		t.Errorf("drained, but %+v is open, %v", open, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestActsThatACrashLeftOpenAreClosedAsUnknown(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	in := r.newCustomer()
	phone := "+46701234567"
	acts := map[string]intent{
		"create": {By: r.mia, What: WhatCreate, On: audit.Subject{Name: in.Company, Email: in.Email}, Service: "atom", Receipt: "create"},
		"sms":    {By: r.mia, What: WhatSendSMS, On: audit.Subject{ID: "phone:" + phone, Name: phone}, Service: "ip1", Receipt: "sms"},
		"sso":    {By: r.mia, What: WhatSSO, On: subject(c), Service: "atom", Receipt: "sso", Reason: "why"},
		"reveal": {By: r.mia, What: WhatReveal, On: subject(c), Receipt: "reveal"},
	}
	ids := map[string]string{}
	for name, in := range acts {
		a, prior, err := r.begin(ctx, in, nil)
		if a == nil || prior != nil || err != nil {
			t.Fatal(name, prior, err)
		}
		ids[name] = a.ID
	}
	done := r.must(r.SendPasscode(ctx, r.mia, "done", c.CUID))
	r.clock.Add(time.Minute)

	next := r.desk(r.Store, r.server.URL, call.Limits{}) // the next start
	for range 2 {                                        // a second start finds nothing to close
		r.startsAfterAKill(next)
		for name, id := range ids {
			e := r.entries(id)
			if len(e) != 2 || e[1].Phase != audit.Outcome || e[1].Result != audit.Unknown || e[1].What != acts[name].What || !reflect.DeepEqual(e[1].Who, e[0].Who) ||
				e[1].Reason != acts[name].Reason || !e[1].At.Equal(r.Now()) || e[1].Detail == "" {
				t.Errorf("%s: %+v", name, e)
			}
			answer, err := next.Answer(ctx, r.mia, id)
			if err != nil || answer.Problem == nil || answer.Problem.Kind != Unknown || answer.Problem.Status() != 502 {
				t.Errorf("%s answers %+v, %v", name, answer, err)
			}
			switch name {
			case "sms":
				code, err := r.Store.Code(ctx, answer.CodeID)
				if err != nil || code.Phone != phone || code.IP1ID != 0 || code.Act != id || answer.CUID != "" {
					t.Errorf("code %+v, %v of answer %+v", code, err, answer)
				}
			case "sso":
				if answer.CUID != c.CUID {
					t.Errorf("SSO answers for %q", answer.CUID)
				}
			}
		}
	}
	if n := len(r.entries(done.Act)); n != 2 {
		t.Errorf("an act that was over has %d entries", n)
	}
	open, err := r.Store.OpenCreates(ctx)
	if err != nil || len(open) != 1 || open[0].Act != ids["create"] || !open[0].StartedAt.Equal(start) || open[0].Email != in.Email {
		t.Errorf("open creates %+v, %v", open, err)
	}
	calls := len(r.calls())
	if p := r.problem(func() error { _, err := next.CreateCustomer(ctx, r.mia, "new", in); return err }()); p.Kind != Invalid || p.Fields["email"] == "" {
		t.Errorf("the same e-mail: %+v", p)
	}
	if _, err := next.OpenSSO(ctx, r.mia, "other", c.CUID, ""); err != nil {
		t.Errorf("another act on that customer: %v", err)
	}
	if n := len(r.calls()) - calls; n != 1 {
		t.Errorf("%d calls, want the SSO's", n)
	}
}

func TestDeny(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	r.Deny(ctx, r.victor.Who(), WhatSSO, subject(c), "the role does not include this")
	if e := r.newest(1)[0]; e.Result != audit.Denied || e.Phase != audit.Event || e.On.ID != c.CUID || e.Who.Username != "victor" || e.What != WhatSSO {
		t.Errorf("%+v", e)
	}
}
