package desk

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
	"frontdesk/web/sandbox"
)

// formsOf are a secret as it is, escaped, in hexadecimal, backwards, and in base64
// wherever in a longer text it stands.
func formsOf(secret string) []string {
	backwards := []byte(secret)
	slices.Reverse(backwards)
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret), string(backwards)}
	for before := range 3 {
		padded := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)[(before*8+5)/6:] // without what the bytes before have a part in
			if len(padded)%3 != 0 {
				text = text[:len(text)-1] // nor those behind
			}
			forms = append(forms, text)
		}
	}
	return forms
}

// Every secret that frontdesk handles, used every way, and none of them in the
// audit log, the log or the database's bytes (promise 4).
func TestNothingLeaks(t *testing.T) {
	r := newRig(t)
	secrets := map[string]string{"super key": superKey, "super token": superToken, "iP1 key": ip1Key}
	plant := func(name, secret string) string {
		t.Helper()
		if len(strings.TrimSpace(secret)) < 6 {
			t.Fatalf("%s %q is too short to look for", name, secret)
		}
		secrets[name] = strings.TrimSpace(secret)
		return secret
	}
	failed := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("done, where a refusal was meant")
		}
	}

	signedIn, err := r.signIn("192.0.2.1", "mia", sandbox.Password)
	if err != nil {
		t.Fatal(err)
	}
	r.must(r.RevealToken(ctx, r.mia, "t", "portal", plant("portal token", signedIn.Token)))
	if err := r.PutCPaaSToken(ctx, r.mia, plant("CPaaS token", "PLANTED-cpaas-token")); err != nil {
		t.Fatal(err)
	}
	_, err = r.signIn("192.0.2.1", "mia", plant("wrong password", "PLANTED-password"))
	failed(err)
	_, err = r.Confirm(ctx, r.mia, WhatConfirm, plant("wrong password again", "PLANTED-password-2"))
	failed(err)

	made := r.must(r.CreateCustomer(ctx, r.mia, "c", r.newCustomer()))
	plant("key", made.Secret.Key)
	plant("token", made.Secret.Token)
	c := r.customer()
	opened := r.must(r.OpenSSO(ctx, r.mia, "s", c.CUID, "ticket"))
	link, err := url.Parse(opened.Secret.Link)
	if err != nil {
		t.Fatal(err)
	}
	plant("link's token", link.Query().Get("token"))
	r.must(r.SendPasscode(ctx, r.mia, "p", c.CUID))
	// Six digits are somewhere among so many bytes by chance, now and then; not those of
	// both passcodes.
	var passcodes [2]string
	passcodes[0] = r.delivered()
	_, err = r.RedeemPasscode(ctx, r.mia, "r", c.CUID, plant("wrong passcode", "PLANTED-passcode"))
	failed(err)
	r.must(r.RedeemPasscode(ctx, r.mia, "r", c.CUID, passcodes[0]))
	r.must(r.SendPasscode(ctx, r.mia, "p again", c.CUID))
	passcodes[1] = r.delivered()
	redeemed := r.must(r.RedeemPasscode(ctx, r.mia, "r again", c.CUID, passcodes[1]))
	plant("redeemed key", redeemed.Secret.Key)
	plant("redeemed token", redeemed.Secret.Token)
	r.clock.Add(shieldHolds) // mia's is no collision any more
	for _, method := range []string{"cuid", "nopasscode"} {
		a := r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, method, "ticket"))
		plant("key by "+method, a.Secret.Key)
		plant("token by "+method, a.Secret.Token)
	}
	revealed := r.must(r.Reveal(ctx, r.mia, "v", c.CUID, "ticket"))
	if revealed.Secret.Key != secrets["key by nopasscode"] {
		t.Error("the vault has other credentials than the last ones issued")
	}
	live, err := r.Live(ctx, r.mia, c.CUID)
	if err != nil || live.CUID != c.CUID {
		t.Errorf("live: %+v, %v", live, err)
	}
	sms := r.must(r.SendSMS(ctx, r.mia, "m", SMSForm{Phone: r.phone(), Length: "20"}))
	code := plant("SMS code", r.delivered())
	_, err = r.VerifySMS(ctx, r.mia, "x", sms.CodeID, plant("wrong SMS code", "PLANTED-sms-code"))
	failed(err)
	r.must(r.VerifySMS(ctx, r.mia, "x", sms.CodeID, code))

	// Services that repeat what they were sent.
	echo := r.odd(func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(401)
		fmt.Fprintf(w, `{"message": "Expired or invalid passcode %s of %s with %s"}`, req.URL.Query().Get("passcode"), req.Header.Get("x-access-superkey"), req.Header.Get("x-access-supertoken"))
	})
	r.clock.Add(shieldHolds) // alice's is no collision any more
	_, err = echo.RedeemPasscode(ctx, r.mia, "echo", c.CUID, plant("echoed passcode", "PLANTED-echoed-passcode"))
	if p := r.problem(err); !strings.Contains(p.Message, "invalid passcode") || strings.Contains(fmt.Sprintf("%+v", p), "PLANTED") {
		t.Errorf("echoed: %+v", p)
	}
	_, err = echo.CreateCustomer(ctx, r.mia, "echo", r.newCustomer())
	failed(err)
	_, err = echo.Live(ctx, r.mia, c.CUID)
	failed(err)
	portalEcho := r.desk(r.Store, r.fake(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(401)
		fmt.Fprintf(w, `{"error": %q}`, "Unauthorized: "+string(body))
	}), call.Limits{})
	_, err = portalEcho.Confirm(ctx, r.mia, WhatConfirm, plant("echoed password", "PLANTED-echoed-password"))
	if p := r.problem(err); !strings.Contains(p.Error(), "•••") || strings.Contains(p.Error()+p.Text.String()+p.Message, "PLANTED") {
		t.Errorf("echoed: %+v", p)
	}
	// Of the configuration's secrets, fingerprints are on record.
	r.starts("1.0", map[string]string{
		"FRONTDESK_ATOM_SUPERKEY": r.Store.Fingerprint("FRONTDESK_ATOM_SUPERKEY", superKey), "FRONTDESK_ATOM_SUPERTOKEN": r.Store.Fingerprint("FRONTDESK_ATOM_SUPERTOKEN", superToken),
		"FRONTDESK_AUDIT_WEBHOOK_SECRET": r.Store.Fingerprint("FRONTDESK_AUDIT_WEBHOOK_SECRET", plant("webhook secret", "PLANTED-webhook-secret")),
	})
	r.control(`{"service": "atom", "lose_answer": true}`)
	_, err = r.OpenSSO(ctx, r.mia, "lost", r.customer().CUID, "")
	failed(err)
	r.control(`{"service": "atom", "reset_faults": true}`)
	r.Desk.Log.Info("the log is looked into", "marker", "marker-in-the-log")

	found, err := r.Store.Search(ctx, audit.Filter{}, audit.Page{Limit: 10_000})
	if err != nil || len(found.Entries) < 20 {
		t.Fatalf("%d entries, %v", len(found.Entries), err)
	}
	places := map[string]string{"the database or the log": r.everything()}
	for _, e := range found.Entries {
		for _, whole := range r.entries(e.Act) {
			places["the audit log"] += fmt.Sprintf("%+v\n", whole)
		}
	}
	for place, text := range places {
		for name, secret := range secrets {
			for _, form := range formsOf(secret) {
				if strings.Contains(text, form) {
					t.Errorf("%s holds the %s", place, name)
				}
			}
		}
		holds := func(secret string) bool {
			return slices.ContainsFunc(formsOf(secret), func(form string) bool { return strings.Contains(text, form) })
		}
		if holds(passcodes[0]) && holds(passcodes[1]) {
			t.Errorf("%s holds the passcodes", place)
		}
		if strings.Contains(text, "PLANTED") {
			t.Errorf("%s holds a planted secret", place)
		}
		if !strings.Contains(text, c.Email) { // so that the test can fail
			t.Errorf("%s is not what it was meant to be", place)
		}
	}
	if !strings.Contains(places["the database or the log"], "marker-in-the-log") {
		t.Error("the log was not looked into")
	}
}

func TestCredentials(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	if _, err := r.Reveal(ctx, r.mia, "x", c.CUID, ""); r.problem(err).Kind != Invalid {
		t.Errorf("none stored: %v", err)
	}
	if _, err := r.Live(ctx, r.mia, c.CUID); r.problem(err).Kind != Invalid {
		t.Errorf("live without any: %v", err)
	}
	calls := len(r.calls())
	for _, tt := range []struct{ name, method, reason, field string }{
		{"no reason", "cuid", " ", "reason"},
		{"a long reason", "cuid", strings.Repeat("r", 2001), "reason"},
		{"no method", "", "why", "method"},
		{"an odd method", "sso", "why", "method"},
	} {
		_, err := r.IssueCredentials(ctx, r.alice, tt.name, c.CUID, tt.method, tt.reason)
		if p := r.problem(err); p.Kind != Invalid || p.Fields[tt.field] == "" || len(r.calls()) != calls {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
	for _, tt := range []struct{ method, stored string }{{"cuid", "cuid"}, {"nopasscode", "nopasscode"}} {
		a := r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, tt.method, " ticket 7 "))
		stored, err := r.Store.Credentials(ctx, c.CUID)
		how, _ := r.Store.StoredCredentials(ctx, c.CUID)
		if err != nil || stored != (store.Credentials{Key: a.Secret.Key, Token: a.Secret.Token}) || how.Method != tt.stored || how.StoredBy != r.alice.Staff.Name {
			t.Errorf("%s: %+v, %v", tt.method, how, err)
		}
		if e := r.entries(a.Act); len(e) != 2 || e[0].Reason != "ticket 7" || e[1].Reason != "ticket 7" || e[0].On.ID != c.CUID {
			t.Errorf("%s: recorded %+v", tt.method, e)
		}
	}
	// ATOM finds by e-mail: when it answers for another customer, the
	// credentials are that one's.
	d := r.odd(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"cuid": "twin", "key": "k2", "token": "t2"}`))
	})
	a := r.must(d.IssueCredentials(ctx, r.alice, "twin", c.CUID, "nopasscode", "ticket 8"))
	if mine, _ := r.Store.Credentials(ctx, c.CUID); mine.Key == "k2" || a.CUID != "twin" || a.Message == "" {
		t.Errorf("stored as the wrong customer's: %+v", a)
	}
	if twin, err := r.Store.Credentials(ctx, "twin"); err != nil || twin.Key != "k2" {
		t.Errorf("the other's: %v", err)
	}
	// Where ATOM's list has no e-mail there is nobody to name.
	if err := r.box.AddCustomer(`{"cuid": "mute"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	calls = len(r.calls())
	for name, run := range map[string]func() error{
		"sso":        func() error { _, err := r.OpenSSO(ctx, r.mia, "m", "mute", ""); return err },
		"passcode":   func() error { _, err := r.SendPasscode(ctx, r.mia, "m", "mute"); return err },
		"redeem":     func() error { _, err := r.RedeemPasscode(ctx, r.mia, "m", "mute", "1"); return err },
		"nopasscode": func() error { _, err := r.IssueCredentials(ctx, r.alice, "m", "mute", "nopasscode", "why"); return err },
	} {
		if p := r.problem(run()); p.Kind != Invalid || len(r.calls()) != calls {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := r.IssueCredentials(ctx, r.alice, "m", "mute", "cuid", "why"); err != nil {
		t.Errorf("by cuid: %v", err)
	}
}

func TestAReasonWhereOneIsRequired(t *testing.T) {
	r := newRig(t)
	r.Reason = true
	c := r.customer()
	r.must(r.IssueCredentials(ctx, r.alice, "i", c.CUID, "cuid", "setup"))
	calls := len(r.calls())
	for name, run := range map[string]func(reason string) error{
		"sso":    func(reason string) error { _, err := r.OpenSSO(ctx, r.mia, "s", c.CUID, reason); return err },
		"reveal": func(reason string) error { _, err := r.Reveal(ctx, r.mia, "v", c.CUID, reason); return err },
	} {
		if p := r.problem(run(" \n")); p.Kind != Invalid || p.Fields["reason"] == "" || len(r.calls()) != calls {
			t.Errorf("%s: %+v", name, p)
		}
		if err := run("ticket"); err != nil {
			t.Errorf("%s with one: %v", name, err)
		}
		calls = len(r.calls())
	}
}

// Two 401s of ATOM's mean different things; both are said in words.
func TestWhatRefusalsMean(t *testing.T) {
	r := newRig(t)
	c := r.customer()
	_, err := r.RedeemPasscode(ctx, r.mia, "x", c.CUID, "000000x")
	if p := r.problem(err); p.Status() != 422 || p.Fields["passcode"] == "" || p.Code != 401 || p.Message == "" {
		t.Errorf("a wrong passcode: %+v", p)
	}
	r.control(`{"passcode_provisioning": false}`)
	_, err = r.SendPasscode(ctx, r.mia, "x", c.CUID)
	if p := r.problem(err); p.Status() != 422 || p.Fields["passcode"] != "" || !strings.Contains(p.Advice.String(), "provisioning") {
		t.Errorf("provisioning off: %+v", p)
	}
	r.control(`{"service": "atom", "customers": 0}`)
	_, err = r.OpenSSO(ctx, r.mia, "x", c.CUID, "")
	if p := r.problem(err); p.Status() != 422 || p.Code != 404 || !strings.Contains(p.Title.String(), c.Email) {
		t.Errorf("not known there any more: %+v", p)
	}
	r.control(`{"service": "atom", "refuse_credentials": true}`)
	_, err = r.OpenSSO(ctx, r.mia, "y", c.CUID, "")
	if p := r.problem(err); p.Status() != 502 || !strings.Contains(p.Advice.String(), "FRONTDESK_ATOM_SUPERKEY") {
		t.Errorf("our credentials: %+v", p)
	}
}
