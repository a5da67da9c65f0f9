package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/web/sandbox"
)

// typing is what a page sends while somebody types in one of its forms.
func typing(path, post string, form url.Values) url.Values {
	return url.Values{"path": {path}, "post": {post}, "form": {form.Encode()}}
}

// drafts counts those that are stored for somebody.
func (w *world) drafts(person string) (n int) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		return tx.QueryRowContext(w.t.Context(), `SELECT count(*) FROM drafts WHERE person = $1`, person).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestTypedComesBack: what was being typed when a session ended is there again
// after the sign-in, once, for the same person, and without secrets.
func TestTypedComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	idle := func(*browser) { w.clock.advance(31 * time.Minute) }
	signOut := func(b *browser) { b.post("/logout", nil).wantStatus(http.StatusSeeOther) }
	revoked := func(b *browser) { // one session is this browser's
		for range 2 {
			w.signedIn("alice").post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil).wantStatus(http.StatusSeeOther)
		}
	}
	for _, c := range []struct {
		name, who, path, post string
		typed                 url.Values
		ends                  func(*browser)
	}{
		{"create", "mia", "/customers/new", "/customers", url.Values{"company": {"Åkessons & Co"}, "email": {"å@x.example"}}, idle},
		{"create, signed out", "mia", "/customers/new", "/customers", url.Values{"company": {"Ängs AB"}}, signOut},
		{"create, revoked", "mia", "/customers/new", "/customers", url.Values{"company": {"Övre AB"}}, revoked},
		{"SMS", "mia", "/sms", "/sms", url.Values{"phone": {"+46701740605"}, "message_format": {"Hej {0}"}}, idle},
		{"SSO", "mia", customer, customer + "/sso", url.Values{"reason": {"ticket 7"}}, idle},
		{"issue", "alice", customer, customer + "/credentials", url.Values{"reason": {"ticket 9"}, "method": {"nopasscode"}}, idle},
		{"SMS defaults", "alice", "/sms/settings", "/sms/settings", url.Values{"from": {"Desk"}}, idle},
		{"staff", "alice", "/staff", "/staff", url.Values{"username": {"newbie"}, "role": {"manager"}}, idle},
		{"view", "alice", "/audit", "/audit/views", url.Values{"name": {"Mondays"}, "query": {"outcome=refused"}}, idle},
	} {
		t.Run(c.name, func(t *testing.T) {
			person := "customer:" + c.who
			b, same := w.signedIn(c.who).in(t), w.signedIn(c.who).in(t)
			sent := url.Values{}
			for name, values := range c.typed {
				sent[name] = values
			}
			for _, secret := range secretFields {
				sent.Set(secret, "typed-secret")
			}
			b.post("/session/active", typing(c.path, c.post, sent)).wantStatus(http.StatusNoContent)
			text := c.typed.Get("company") + c.typed.Get("phone") + c.typed.Get("reason") + c.typed.Get("from") + c.typed.Get("username") + c.typed.Get("name")
			// It is the living session's: neither a reload nor another browser of the same person shows it.
			for _, b := range []*browser{b, same, b} {
				if p := b.get(c.path); strings.Contains(p.body, `value="`+text+`"`) {
					t.Error("it comes back while the session goes on")
				}
			}
			c.ends(b)
			since := w.clock.Now().Add(-30 * time.Minute)
			kept, err := w.db.Draft(t.Context(), person, c.path, since)
			if err != nil || kept.Form != c.typed.Encode() {
				t.Fatalf("kept is %q, %v; want %q", kept.Form, err, c.typed.Encode())
			}
			// Another person in this browser.
			if b.get(c.path).location() != "/login" {
				t.Fatal("the session goes on")
			}
			other := map[string]string{"mia": "atmosphere:mia", "alice": "mia"}[c.who]
			b.signIn(other, sandbox.Password).wantStatus(http.StatusSeeOther)
			b.get(c.path).wantNo(`value="` + text + `"`)
			// The same one, in any browser; once.
			b.signIn(c.who, sandbox.Password).wantStatus(http.StatusSeeOther)
			p := b.get(c.path)
			p.want("What you typed is still here")
			p.wantNo("typed-secret")
			form := p.form(c.post)
			for name, values := range c.typed {
				if form.values.Get(name) != values[0] {
					t.Errorf("%s comes back as %q, want %q", name, form.values.Get(name), values[0])
				}
			}
			if again := b.get(c.path); strings.Contains(again.body, `value="`+text+`"`) || w.drafts(person) != 0 {
				t.Errorf("it comes twice, or %d drafts are left", w.drafts(person))
			}
		})
	}
}

// TestTypedIsReplaced: a session has one draft of a form, its last, until the
// form is sent or blank again.
func TestTypedIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	keep := func(want int, path, post string, form url.Values) {
		t.Helper()
		b.post("/session/active", typing(path, post, form)).wantStatus(http.StatusNoContent)
		if n := w.drafts("customer:mia"); n != want {
			t.Errorf("%s %v: %d drafts, want %d", post, form, n, want)
		}
	}
	keep(1, "/customers/new", "/customers", url.Values{"company": {"A"}})
	keep(1, "/customers/new", "/customers", url.Values{"company": {"Ab"}})
	keep(2, customer, customer+"/sso", url.Values{"reason": {"x"}})
	keep(3, "/sms", "/sms", url.Values{"phone": {"1"}})
	keep(2, "/sms", "/sms", url.Values{"phone": {" "}, "password": {"secret"}}) // blank, but for what is no draft
	keep(1, customer, customer+"/sso", url.Values{})
	b.post("/session/active", nil).wantStatus(http.StatusNoContent) // a key, somewhere
	keep(2, "/sms", "/sms", url.Values{"phone": {"+4670"}})

	// A form that fails keeps its draft; sent, it is none any more. Others stay.
	b.post("/customers", url.Values{"company": {"Abc"}}).wantStatus(http.StatusUnprocessableEntity)
	if n := w.drafts("customer:mia"); n != 2 {
		t.Errorf("after a form that failed %d drafts", n)
	}
	other := w.signedIn("mia")
	other.post("/session/active", typing("/customers/new", "/customers", url.Values{"company": {"Of another session"}})).wantStatus(http.StatusNoContent)
	b.post("/customers", url.Values{"company": {"Abc"}, "email": {"abc@abc.example"}}).wantStatus(http.StatusSeeOther)
	if n := w.drafts("customer:mia"); n != 2 {
		t.Errorf("after one form was sent %d drafts, want two: the SMS, and that of another session", n)
	}

	// Renewing keeps the session, and with it the draft.
	b.post("/session/renew", url.Values{"password": {sandbox.Password}}).wantStatus(http.StatusSeeOther)
	b.get("/sms").wantNo("+4670")

	// Two ended sessions that typed in the same form: the last of it comes back, once.
	b.post("/session/active", typing("/customers/new", "/customers", url.Values{"company": {"Later"}})).wantStatus(http.StatusNoContent)
	w.clock.advance(31 * time.Minute)
	b.signIn("mia", sandbox.Password)
	if got := b.get("/customers/new").form("/customers").values.Get("company"); got != "Later" {
		t.Errorf("back came %q", got)
	}
	b.get("/customers/new").wantNo("Of another session", "What you typed")
	if got := b.get("/sms").form("/sms").values.Get("phone"); got != "+4670" {
		t.Errorf("back came %q", got)
	}
}

// TestTypedAfterTheEnd: the last keys came when the session had ended already.
func TestTypedAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.post("/session/active", typing("/customers/new", "/customers", url.Values{"company": {"Almo"}})).wantStatus(http.StatusNoContent)
	w.clock.advance(31 * time.Minute)
	late := typing("/customers/new", "/customers", url.Values{"company": {"Almost"}, "password": {"typed-secret"}})
	if p := b.post("/session/active", late); p.location() != "/login" {
		t.Errorf("status %d to %q", p.status, p.location())
	}
	b.get("/customers/new").wantStatus(http.StatusSeeOther)
	if got := b.signIn("mia", sandbox.Password).location(); got != "/customers/new" {
		t.Errorf("after signing in to %q", got)
	}
	p := b.get("/customers/new")
	if got := p.form("/customers").values.Get("company"); got != "Almost" {
		t.Errorf("back came %q", got)
	}
	p.want("What you typed is still here")
	p.wantNo("typed-secret", "nothing was sent")
	if n := w.drafts("customer:mia"); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
	// A stranger's fill no disk.
	stranger := w.browser()
	stranger.post("/session/active", late).wantStatus(http.StatusSeeOther)
	if n := w.drafts(""); n != 0 {
		t.Errorf("a stranger has %d drafts", n)
	}
}

// TestTypedLimits: how much is kept, and for which forms.
func TestTypedLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	company := func(n int) url.Values { return url.Values{"company": {strings.Repeat("x", n)}} }
	b.post("/session/active", typing("/customers/new", "/customers", company(maxDraft-len("company=")))).wantStatus(http.StatusNoContent)
	b.post("/session/active", typing("/customers/new", "/customers", company(maxDraft-len("company=")+1))).wantStatus(http.StatusRequestEntityTooLarge)
	if n := w.drafts("customer:mia"); n != 1 {
		t.Errorf("%d drafts, want the one that was not too large", n)
	}
	for i := range 25 {
		w.clock.advance(time.Second)
		b.post("/session/active", typing("/customers/c"+fmt.Sprint(i), fmt.Sprintf("/customers/c%d/sso", i), url.Values{"reason": {"x"}})).wantStatus(http.StatusNoContent)
	}
	if n := w.drafts("customer:mia"); n != 20 {
		t.Errorf("%d drafts, want 20", n)
	}
	victor := w.signedIn("victor")
	for _, c := range []struct{ path, post string }{
		{"/customers/new", "/customers"}, // not a viewer's
		{"/staff", "/staff"}, {"/login", "/login"}, {"/theme", "/theme"}, {"/x", "/none"}, {"//evil.example", "/audit/views"}, {"https://evil.example/", "/audit/views"},
		{"/audit", "//evil.example/audit/views"}, {"/audit", "https://evil.example/audit/views"}, {"/audit", "/audit"}, {"/audit", ""},
		{"/" + strings.Repeat("x", maxBack), "/audit/views"},
	} {
		victor.post("/session/active", typing(c.path, c.post, url.Values{"name": {"x"}})).wantStatus(http.StatusNoContent)
		if n := w.drafts("customer:victor"); n != 0 {
			t.Fatalf("a draft of %s on %s is kept", c.post, c.path)
		}
	}
	victor.post("/session/active", url.Values{"path": {"/audit"}, "post": {"/audit/views"}, "form": {"name=%zz"}}).wantStatus(http.StatusNoContent)
	victor.post("/session/active", typing("/audit", "/audit/views", url.Values{"name": {"x"}})).wantStatus(http.StatusNoContent)
	if n := w.drafts("customer:victor"); n != 1 {
		t.Errorf("%d drafts, want 1", n)
	}
}

// TestUnknownIsNoDraft: what was sent and may have happened is never given back
// with the words that it was not sent.
func TestUnknownIsNoDraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, c := range []struct {
		service, path, post string
		typed               url.Values
	}{
		{"atom", customer, customer + "/credentials", url.Values{"method": {"cuid"}, "reason": {"ticket 9"}}},
		{"atom", "/customers/new", "/customers", url.Values{"company": {"Lost AB"}, "email": {"lost@lost.example"}}},
		{"ip1", "/sms", "/sms", url.Values{"phone": {"+46701740691"}}},
	} {
		b.post("/session/active", typing(c.path, c.post, c.typed)).wantStatus(http.StatusNoContent)
		w.fault(`{"service":"` + c.service + `","lose_answer":true}`)
		p := b.post(c.post, c.typed)
		p.wantStatus(http.StatusBadGateway)
		if !strings.Contains(p.body, " data-unknown") {
			t.Errorf("%s: the page would be kept while somebody types", c.post)
		}
		w.calm()
		if n := w.drafts("customer:alice"); n != 0 {
			t.Errorf("%s: %d drafts are left", c.post, n)
		}
		// A page that keeps it all the same: what is typed may have been sent.
		b.post("/session/active", typing(c.path, c.post, c.typed)).wantStatus(http.StatusNoContent)
		w.clock.advance(31 * time.Minute)
		b.signIn("alice", sandbox.Password).wantStatus(http.StatusSeeOther)
		p = b.get(c.path)
		p.want("What you typed is still here", "look at the audit log")
		p.wantNo("nothing was sent", " data-unknown")
	}
	// What is wrong with the form is mended in it: that is kept as before.
	b.post("/customers", url.Values{"company": {"Abc"}}).wantNo(" data-unknown")
	// Only what was posted after the end is known not to have been sent.
	w.clock.advance(31 * time.Minute)
	b.post("/customers", url.Values{"company": {"Late AB"}}).wantStatus(http.StatusSeeOther)
	b.signIn("alice", sandbox.Password).wantStatus(http.StatusSeeOther)
	p := b.get("/customers/new")
	p.want("What you typed is still here; nothing was sent")
	if got := p.form("/customers").values.Get("company"); got != "Late AB" {
		t.Errorf("back came %q", got)
	}
}

// TestHeadTakesNoDraft: HEAD reads; the page that is opened after it has the draft.
func TestHeadTakesNoDraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.post("/session/active", typing("/customers/new", "/customers", url.Values{"company": {"Typed AB"}})).wantStatus(http.StatusNoContent)
	w.clock.advance(31 * time.Minute)
	b.signIn("mia", sandbox.Password).wantStatus(http.StatusSeeOther)
	for range 2 {
		b.do(http.MethodHead, "/customers/new", nil).wantStatus(http.StatusOK)
	}
	if got := b.get("/customers/new").form("/customers").values.Get("company"); got != "Typed AB" {
		t.Errorf("back came %q", got)
	}
	if n := w.drafts("customer:mia"); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
}

// TestARowsDraftIsNotAnotherForms: the change of a person that the session's end
// kept back fills neither their row nor the form that adds people.
func TestARowsDraftIsNotAnotherForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	row := "/staff/" + w.staffID("victor")
	old := b.get("/staff")
	blank := old.form("/staff").values.Encode()
	w.clock.advance(31 * time.Minute)
	b.submit(old, row, url.Values{"role": {"admin"}, "username": {"victor"}}).wantStatus(http.StatusSeeOther)
	b.signIn("alice", sandbox.Password).wantStatus(http.StatusSeeOther)
	p := b.get("/staff")
	p.wantNo("What you typed is still here")
	if got := p.form("/staff").values.Encode(); got != blank {
		t.Errorf("the form that adds has %s, want %s", got, blank)
	}
	if got := p.form(row).values.Get("role"); got != "viewer" {
		t.Errorf("the row shows %s", got)
	}
}

// TestAMovedDraftIsNone: who edits the file can give a draft to another person
// or page; it is sealed with whose it is.
func TestAMovedDraftIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	for _, moved := range []string{`person = 'customer:alice'`, `path = '/sms'`} {
		b.post("/session/active", typing("/customers/new", "/customers", url.Values{"company": {"Typed AB"}, "phone": {"+4670"}})).wantStatus(http.StatusNoContent)
		err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE drafts SET `+moved+` WHERE person = 'customer:mia' AND path = '/customers/new'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(31 * time.Minute)
		for _, who := range []string{"alice", "mia"} {
			b.signIn(who, sandbox.Password).wantStatus(http.StatusSeeOther)
			for _, path := range []string{"/customers/new", "/sms", customer} {
				b.get(path).wantNo("Typed AB", `value="+4670"`)
			}
		}
	}
}
