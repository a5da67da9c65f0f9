package desk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// refusedFor is the colleague's act that somebody was told of; "" when the act
// was done.
func (r *rig) refusedFor(err error) string {
	r.Helper()
	if err == nil {
		return ""
	}
	p := r.problem(err)
	if p.Despite == "" || p.Status() != 422 {
		r.Fatalf("failed otherwise: %v", err)
	}
	return p.Despite
}

// TestColleaguesActsCollide: every act that would undo or repeat a colleague's
// wants a second, deliberate post; nothing is sent before it.
func TestColleaguesActsCollide(t *testing.T) {
	r := newRig(t)
	bob := r.alice // another admin
	bob.Staff.ID, bob.Staff.Name, bob.Staff.Username, bob.Session = 99, "Bob", "bob", "session of bob"
	phone := r.phone()
	acts := map[string]func(by Actor, cuid string) (Answer, error){
		"sso":      func(by Actor, cuid string) (Answer, error) { return r.OpenSSO(ctx, by, store.NewID(), cuid, "why") },
		"passcode": func(by Actor, cuid string) (Answer, error) { return r.SendPasscode(ctx, by, store.NewID(), cuid) },
		"cuid": func(by Actor, cuid string) (Answer, error) {
			return r.IssueCredentials(ctx, by, store.NewID(), cuid, "cuid", "why")
		},
		"nopasscode": func(by Actor, cuid string) (Answer, error) {
			return r.IssueCredentials(ctx, by, store.NewID(), cuid, "nopasscode", "why")
		},
		"sms": func(by Actor, _ string) (Answer, error) {
			return r.SendSMS(ctx, by, store.NewID(), SMSForm{Phone: phone})
		},
	}
	collides := func(a, b string) bool {
		issues := map[string]bool{"cuid": true, "nopasscode": true}
		return a == b || issues[a] && issues[b]
	}
	for first, do := range acts {
		for second, again := range acts {
			r.clock.Add(shieldHolds)
			r.alice.PasswordAt, bob.PasswordAt = r.Now(), r.Now()
			c := r.customer()
			phone = r.phone()
			done := r.must(do(r.alice, c.CUID))
			r.clock.Add(40 * time.Second)
			calls, log := len(r.calls()), r.newest(1)[0].ID
			_, err := again(bob, c.CUID)
			told := r.refusedFor(err)
			if !collides(first, second) {
				if told != "" {
					t.Errorf("%s after %s: %v", second, first, err)
				}
				continue
			}
			if told != done.Act {
				t.Fatalf("%s after %s: told of %q, want %q", second, first, told, done.Act)
			}
			if p := r.problem(err); !strings.HasPrefix(p.Title.String(), "Alice Andersson ") || !strings.HasSuffix(p.Title.String(), " 40 seconds ago") || !strings.Contains(p.Text.String(), "Nothing was sent.") {
				t.Errorf("%s after %s: %q %q", second, first, p.Title, p.Text)
			}
			if len(r.calls()) != calls || r.newest(1)[0].ID != log {
				t.Errorf("%s after %s: something was done", second, first)
			}
			if near, err := r.Colleagues(ctx, bob, c.CUID, nil); err != nil || len(near) != 1 && first != "sms" {
				t.Errorf("%s: the page knows of %v, %v", first, near, err)
			}
			// Another act's name is no leave; this one's is.
			bob.Despite = "another"
			if _, err := again(bob, c.CUID); r.refusedFor(err) != done.Act {
				t.Errorf("%s after %s: let through for another act", second, first)
			}
			bob.Despite = done.Act
			mine := r.must(again(bob, c.CUID))
			bob.Despite = ""
			if e := r.entries(mine.Act); !strings.HasPrefix(e[0].Detail, "in spite of Alice Andersson's, entry ") {
				t.Errorf("%s after %s: the intent says %q", second, first, e[0].Detail)
			}
			// Now Bob's is in Alice's way.
			if _, err := do(r.alice, c.CUID); r.refusedFor(err) != mine.Act {
				t.Errorf("%s after %s: Bob's does not count", first, second)
			}
		}
	}
}

// TestWhatIsNoCollision: one's own acts, those that did nothing, those of a
// while ago.
func TestWhatIsNoCollision(t *testing.T) {
	r := newRig(t)
	send := func(by Actor, c store.Customer) error {
		_, err := r.SendPasscode(ctx, by, store.NewID(), c.CUID)
		return err
	}
	c := r.customer()
	for range 2 {
		if err := send(r.mia, c); err != nil {
			t.Errorf("one's own: %v", err)
		}
	}
	r.clock.Add(shieldHolds - time.Millisecond)
	if err := send(r.alice, c); r.refusedFor(err) == "" {
		t.Error("no collision a moment before it is over")
	}
	r.clock.Add(time.Millisecond)
	if err := send(r.alice, c); err != nil {
		t.Errorf("two minutes later: %v", err)
	}
	for fault, collides := range map[string]bool{
		`"status": 400`: false, `"status": 404`: false, `"reset": true`: true, `"lose_answer": true`: true,
	} {
		c := r.customer()
		r.control(`{"service": "atom", ` + fault + `}`)
		if err := send(r.mia, c); err == nil {
			t.Fatalf("%s: done", fault)
		}
		r.control(`{"service": "atom", "reset_faults": true}`)
		if err := send(r.alice, c); (err != nil) != collides {
			t.Errorf("%s: %v, want a collision: %v", fault, err, collides)
		}
	}
}

// TestTwoAtOnceCollide: of two colleagues who press the button together, one is
// told that the other is at it.
func TestTwoAtOnceCollide(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	var once sync.Once
	var second error
	stop := r.during(func(*http.Request) {
		once.Do(func() { _, second = r.SendPasscode(ctx, r.alice, "", c.CUID) })
	})
	r.must(r.SendPasscode(ctx, r.mia, "", c.CUID))
	stop()
	if told := r.refusedFor(second); told == "" || !strings.HasSuffix(r.problem(second).Title.String(), "is e-mailing a passcode to this customer right now") {
		t.Errorf("told of %q: %v", told, second)
	}

	// Many at once: one call goes out.
	c = r.customer()
	calls := len(r.calls())
	var all sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := range int64(8) {
		by := r.mia
		by.Staff.ID += 100 + i
		all.Go(func() {
			_, err := r.SendPasscode(ctx, by, store.NewID(), c.CUID)
			var p *Problem
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.As(err, &p) || p.Despite == "" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(r.calls()) - calls; done != 1 || n != 1 {
		t.Errorf("%d done, %d calls", done, n)
	}
}

// TestIssuingTellsWhetherItRotated: the answer and the log say whether ATOM gave
// new ones or the same.
func TestIssuingTellsWhetherItRotated(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	first := r.must(r.IssueCredentials(ctx, r.alice, "1", c.CUID, "cuid", "why"))
	if first.Rotated == nil || first.Rotated.Known {
		t.Fatalf("the first: %+v", first.Rotated)
	}
	began := r.Now()
	r.clock.Add(time.Hour)
	r.alice.PasswordAt = r.Now()
	print := func(a Answer) (key, token string) {
		e := r.entries(a.Act)
		parts := strings.Split(e[len(e)-1].Detail, "; ")
		if len(parts) < 2 {
			t.Fatalf("detail %q", e[len(e)-1].Detail)
		}
		return parts[len(parts)-2], parts[len(parts)-1]
	}
	type given struct{ key, token string }
	for _, tt := range []struct {
		name             string
		gives            given
		newKey, newToken bool
		says             [2]string
	}{
		{"both new", given{"k2", "t2"}, true, true, [2]string{"key new", "token new"}},
		{"the same again", given{"k2", "t2"}, false, false, [2]string{"key the same as before", "token the same as before"}},
		{"a new token", given{"k2", "t3"}, false, true, [2]string{"key the same as before", "token new"}},
		{"a new key", given{"k3", "t3"}, true, false, [2]string{"key new", "token the same as before"}},
	} {
		d := r.desk(r.Store, r.fake(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"cuid": %q, "key": %q, "token": %q}`, c.CUID, tt.gives.key, tt.gives.token)
		}), call.Limits{})
		a := r.must(d.IssueCredentials(ctx, r.alice, tt.name, c.CUID, "cuid", "why"))
		if got := a.Rotated; got == nil || !got.Known || got.NewKey != tt.newKey || got.NewToken != tt.newToken || got.StoredBy != "Alice Andersson" {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if tt.name == "both new" && !a.Rotated.StoredAt.Equal(began) {
			t.Errorf("the earlier ones came in at %v, want %v", a.Rotated.StoredAt, began)
		}
		key, token := print(a)
		if !strings.HasPrefix(key, tt.says[0]+", fingerprint ") || !strings.HasPrefix(token, tt.says[1]+", fingerprint ") {
			t.Errorf("%s: the log says %q; %q", tt.name, key, token)
		}
		again, err := d.Answer(ctx, r.alice, a.Act)
		if err != nil || again.Rotated == nil || *again.Rotated != *a.Rotated {
			t.Errorf("%s: kept as %+v, %v", tt.name, again.Rotated, err)
		}
	}
	// Earlier ones that open no more are no reason to lose what ATOM has just given.
	r.exec(`UPDATE credentials SET sealed = $1`, []byte{0})
	a := r.must(r.IssueCredentials(ctx, r.alice, "damaged", c.CUID, "cuid", "why"))
	if a.Rotated == nil || a.Rotated.Known || a.Secret.Key == "" {
		t.Errorf("after damage: %+v", a.Rotated)
	}
	if got, err := r.Store.Credentials(ctx, c.CUID); err != nil || got.Key != a.Secret.Key {
		t.Errorf("stored: %v", err)
	}
	if e := r.newest(1)[0]; e.Result != audit.Done || strings.Contains(e.Detail, "k3") || strings.Contains(e.Detail, "t3") {
		t.Errorf("the log has %q", e.Detail)
	}
}
