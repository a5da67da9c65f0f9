package handlers

import (
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// walk is an attacker's: each step is told with what it got.
type walk struct {
	*testing.T
	n int
}

func (k *walk) step(what, got string, nothing bool) {
	k.Helper()
	k.n++
	k.Logf("%2d. %s: %s", k.n, what, got)
	if !nothing {
		k.Errorf("step %d got something: %s: %s", k.n, what, got)
	}
}

// refused is a step whose answer must be this status, without secrets.
func (k *walk) refused(what string, p *page, status int, secrets ...string) {
	k.Helper()
	got := fmt.Sprint(p.status)
	if p.location() != "" {
		got += " to " + p.location()
	}
	if said := p.problemTitle(); said != "" {
		got += ", " + said
	}
	leaks := slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(p.body+fmt.Sprint(p.res.Header), s) })
	k.step(what, got, p.status == status && !leaks)
}

// problemTitle is the first words of what the page says went wrong.
func (p *page) problemTitle() string {
	for n := range nodes(p.doc) {
		if !has(n, "data-problem") {
			continue
		}
		for inside := range n.Descendants() {
			if said := strings.TrimSpace(inside.Data); inside.Type == html.TextNode && said != "" {
				return said
			}
		}
	}
	return ""
}

// TestAttackersWalk goes where somebody would who wants in: run it with -v to
// read the steps.
func TestAttackersWalk(t *testing.T) {
	t.Parallel()
	t.Run("a portal user who is not staff", walkAsStranger)
	t.Run("a viewer", walkAsViewer)
	t.Run("a manager who was disabled", walkAsFormerManager)
	t.Run("somebody with a copy of the database file", walkWithACopy)
}

// paths are the route list's, by method, for a customer.
func (w *world) paths(method, customer string) (all []route) {
	for _, rt := range w.h.routes {
		if m, path, _ := strings.Cut(rt.Pattern, " "); m == method {
			rt.Pattern = strings.NewReplacer("/customers/{cuid}/events", "/customers/none/events", "/customers/{cuid}", customer, "{id}", "1", "{act}", "none", "{n}", "1", "{$}", "").Replace(path)
			all = append(all, rt)
		}
	}
	return all
}

func walkAsStranger(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	mark, b := w.mark(), w.browser()
	p := b.signIn("mallory", sandbox.Password)
	k.refused("sign in, with the right password of the portal", p, http.StatusForbidden)
	k.step("look for a session cookie", fmt.Sprint(b.jarCookie("session")), b.jarCookie("session") == nil)
	opened, n := []string{}, 0
	for _, rt := range w.paths(http.MethodGet, customer) {
		if p := b.get(rt.Pattern); rt.Needs != public {
			if n++; p.location() != "/login" {
				opened = append(opened, rt.Pattern)
			}
		}
	}
	k.step(fmt.Sprintf("open each of the %d pages", n), fmt.Sprintf("%d opened %v, all others ask to sign in", len(opened), opened), len(opened) == 0 && n > 20)
	n = 0
	for _, rt := range w.paths(http.MethodPost, customer) {
		if rt.Needs == public {
			continue
		}
		n++
		if p := b.post(rt.Pattern, url.Values{"reason": {"r"}, "method": {"cuid"}, "role": {"admin"}, "username": {"mallory"}, "portal": {"customer"}}); p.location() != "/login" {
			opened = append(opened, rt.Pattern)
		}
	}
	k.step(fmt.Sprintf("post each of the %d forms", n), fmt.Sprintf("%d did something, all others ask to sign in", len(opened)), len(opened) == 0 && n > 15)
	for _, spelling := range []string{"ALICE", " alice", "alice\x00", "alice@customer", "alıce", "customer:alice"} {
		p := b.signIn(spelling, sandbox.Password+"x")
		k.step(fmt.Sprintf("sign in as %q with a wrong password", spelling), fmt.Sprint(p.status), p.status >= 400 && p.status < 500)
	}
	head, body := asIfSame(b.signIn("victor", "guess"), "victor")
	otherHead, otherBody := asIfSame(b.signIn("nobody", "guess"), "nobody")
	k.step("compare the answers for a name on the staff list and one that is not", "the same bytes", head == otherHead && body == otherBody)
	for _, wait := range []time.Duration{0, 0, 0, 1, 2, 4, 8} {
		p = b.signIn("victor", "guess")
		w.clock.advance(wait * time.Second)
	}
	k.refused("guess a colleague's password, waiting as one is told to", p, http.StatusUnauthorized)
	b.signIn("victor", "guess")
	k.refused("guess once more without waiting", b.signIn("victor", "guess"), http.StatusTooManyRequests)
	p = b.post("/login", url.Values{"portal": {"customer"}, "username": {"victor"}, "password": {"guess"}}, "X-Forwarded-For", "198.51.100.9")
	k.refused("guess on, from an address made up in X-Forwarded-For", p, http.StatusTooManyRequests)
	p = b.get("/", "Cookie", "session="+guessedPrefs(t, w, "customer:alice"))
	k.refused("make up a session cookie", p, http.StatusSeeOther)
	p = b.post("/login", url.Values{"portal": {"customer"}, "username": {"mallory"}, "password": {sandbox.Password}}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	k.refused("sign a victim's browser in as mallory, from another site", p, http.StatusForbidden)
	calls := slices.DeleteFunc(w.calls(mark), func(c string) bool { return strings.HasPrefix(c, "POST /portal/") })
	k.step("count what reached ATOM and iP1 meanwhile", fmt.Sprint(len(calls)), len(calls) == 0)
	told := w.entries(audit.Filter{Who: "mallory", Result: audit.Denied})
	k.step("look whether the log knows", fmt.Sprintf("%d denied, by %s from %s", len(told), told[0].Who.Username, told[0].Who.Address), len(told) >= 1)
}

func walkAsViewer(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	mia := w.signedIn("mia")
	made := mia.submit(mia.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	answer := mia.follow(made)
	secrets := []string{answer.byID("key"), answer.byID("token"), mia.jarCookie("session").Value}
	mark, b := w.mark(), w.signedIn("victor")
	signIns := len(w.calls(mark))
	k.step("read the customers, as a viewer may", "200", b.get(customer).status == http.StatusOK)
	for _, rt := range w.paths(http.MethodGet, customer) {
		if !store.Viewer.Includes(rt.Needs) {
			k.refused("open "+rt.Pattern, b.get(rt.Pattern), http.StatusForbidden, secrets...)
		}
	}
	for _, rt := range w.paths(http.MethodPost, customer) {
		if !store.Viewer.Includes(rt.Needs) {
			before := len(w.entries(audit.Filter{Result: audit.Denied}))
			p := b.post(rt.Pattern, url.Values{"reason": {"r"}, "method": {"cuid"}, "password": {sandbox.Password}, "role": {"admin"}, "state": {"active"}})
			k.refused("post to "+rt.Pattern, p, http.StatusForbidden, secrets...)
			if len(w.entries(audit.Filter{Result: audit.Denied})) != before+1 {
				t.Errorf("the post to %s is not on record as denied", rt.Pattern)
			}
		}
	}
	p := b.post("/staff/"+w.staffID("victor"), url.Values{"role": {"admin"}})
	k.refused("make oneself an admin", p, http.StatusForbidden)
	staff, err := w.db.StaffByLogin(t.Context(), "customer", "victor")
	if err != nil {
		t.Fatal(err)
	}
	k.step("look at one's role", string(staff.Role), staff.Role == store.Viewer)
	k.refused("open a manager's answer with key and token", b.get(made.location()), http.StatusForbidden, secrets...)
	k.refused("end a manager's session", b.post("/sessions/"+w.sessionOf("mia").ID+"/revoke", nil), http.StatusForbidden)
	k.refused("use the name of a manager's session as a cookie", w.with(w.sessionOf("mia").ID).get("/"), http.StatusSeeOther)
	k.refused("read somebody else's entry in the log", b.get("/audit/1"), http.StatusForbidden)
	k.step("read the log", "one's own entries only", !strings.Contains(b.get("/audit?who=mia").body, "Kept AB"))
	k.step("read one's tokens", "one's own", !slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(b.get("/tokens").body, s) }))
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		k.refused(method+" "+customer, b.do(method, customer, nil), http.StatusNotFound)
	}
	p = b.post("/logout", url.Values{"_method": {"DELETE"}}, "X-HTTP-Method-Override", "DELETE", "Origin", "null", "Sec-Fetch-Site", "cross-site")
	k.refused("post from a sandboxed frame, with another method in a header", p, http.StatusForbidden)
	k.step("count the calls to services", fmt.Sprint(len(w.calls(mark))-signIns), len(w.calls(mark)) == signIns)
	k.step("look whether the manager works on", "200", mia.get(customer).status == http.StatusOK)
}

func walkAsFormerManager(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := views.CustomerPath(w.customer(emailFirst).CUID)
	b, admin := w.signedIn("mia"), w.signedIn("alice")
	b.post("/tokens/cpaas", url.Values{"token": {"a-cpaas-token"}}).wantStatus(http.StatusSeeOther)
	made := b.submit(b.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	answer := b.follow(made)
	key, token := answer.byID("key"), answer.byID("token")
	if key == "" || token == "" {
		t.Fatal("there is nothing to get")
	}
	old := b.jarCookie("session").Value
	form := b.get(customer).form(customer + "/sso").filled(url.Values{"reason": {"ticket"}})
	phone := w.signedIn("mia") // a second device, where something was being typed when its session ended
	phone.post("/logout", nil)
	phone.post("/customers", url.Values{"company": {"Half-typed AB"}}).wantStatus(http.StatusSeeOther)

	p := admin.submit(admin.get("/staff"), "/staff/"+w.staffID("mia"), url.Values{"state": {"disabled"}})
	p.wantStatus(http.StatusSeeOther)
	mark := w.mark()
	k.refused("go on in the session that is open", b.get("/"), http.StatusSeeOther, key, token)
	k.refused("reload the page with key and token", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	k.refused("go back to it in the same tab", b.get(made.location()), http.StatusSeeOther, key, token)
	k.refused("send the form that is open", w.with(old).post(customer+"/sso", form), http.StatusSeeOther)
	k.refused("reveal the stored key", w.with(old).post(customer+"/credentials/reveal", url.Values{"password": {sandbox.Password}}), http.StatusSeeOther, key, token)
	k.refused("reveal the portal token", w.with(old).post("/tokens/reveal", url.Values{"which": {"portal"}}), http.StatusSeeOther)
	k.refused("reveal the CPaaS token", w.with(old).post("/tokens/reveal", url.Values{"which": {"cpaas"}}), http.StatusSeeOther, "a-cpaas-token")
	k.refused("renew the session with the right password", w.with(old).post("/session/renew", url.Values{"password": {sandbox.Password}}), http.StatusSeeOther)
	k.refused("open the form with what was half typed", phone.get("/customers/new"), http.StatusSeeOther, "Half-typed")
	k.step("count the calls to services", fmt.Sprint(len(w.calls(mark))), len(w.calls(mark)) == 0)
	k.refused("sign in with the right password of the portal", phone.signIn("mia", sandbox.Password), http.StatusForbidden, "Half-typed")
	k.refused("sign in with the name in another spelling", phone.signIn("MIA ", sandbox.Password), http.StatusForbidden, "Half-typed")
	w.restart()
	k.refused("play the old cookie back after a restart", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	p = admin.submit(admin.get("/staff"), "/staff/"+w.staffID("mia"), url.Values{"state": {"active"}})
	p.wantStatus(http.StatusSeeOther)
	k.refused("play it back once she is let in again", w.with(old).get(made.location()), http.StatusSeeOther, key, token)
	again := w.signedIn("mia")
	k.step("sign in once let in again, and open the answer", "no key, no token", !strings.Contains(again.get(made.location()).body, key))
	k.step("look for what was half typed", "it has waited for her", strings.Contains(again.get("/customers/new").body, "Half-typed AB"))
}

func walkWithACopy(t *testing.T) {
	w, k := newWorld(t, setup{}), &walk{T: t}
	customer := w.customer(emailFirst)
	mia, alice := w.signedIn("mia"), w.signedIn("alice")
	secrets := map[string]string{"the CPaaS token": "planted-cpaas-token", "the portal password": "planted-password"}
	mia.post("/tokens/cpaas", url.Values{"token": {"planted-cpaas-token"}}).wantStatus(http.StatusSeeOther)
	made := mia.submit(mia.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}})
	answer := mia.follow(made)
	secrets["a customer's key"], secrets["a customer's token"] = answer.byID("key"), answer.byID("token")
	issued := alice.follow(alice.submit(alice.get(views.CustomerPath(customer.CUID)), views.CustomerPath(customer.CUID)+"/credentials", url.Values{"reason": {"r"}, "method": {"cuid"}}))
	secrets["another customer's key"] = issued.byID("key")
	path := views.CustomerPath(customer.CUID)
	mia.post(path+"/passcode", nil).wantStatus(http.StatusSeeOther)
	secrets["a passcode"] = w.lastCode(emailFirst)
	link := mia.post(path+"/sso", nil).location()
	secrets["an SSO link"] = link[strings.Index(link, "token="):]
	shown := mia.follow(mia.submit(mia.get("/tokens"), "/tokens/reveal", url.Values{"which": {"portal"}}))
	secrets["a portal token"] = shown.byID("shown-token")
	if secrets["a portal token"] == "" {
		t.Fatalf("the page shows no token: %s", shown.text())
	}
	mia.signIn("mia", "planted-password").wantStatus(http.StatusUnauthorized)
	for who, b := range map[string]*browser{"mia": mia, "alice": alice} {
		secrets[who+"'s session cookie"] = b.jarCookie("session").Value
	}
	phone := w.signedIn("mia")
	phone.post("/logout", nil)
	phone.post("/customers", url.Values{"company": {"Half-typed AB"}}).wantStatus(http.StatusSeeOther)
	secrets["what was half typed"] = "Half-typed AB"
	head, err := w.db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	// The copy, as somebody who can read the disk takes it.
	dir := t.TempDir()
	copied := filepath.Join(dir, "stolen.db")
	all := ""
	for _, ending := range []string{"", "-wal"} {
		b, err := os.ReadFile(w.database() + ending)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+ending, b, 0o600); err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	db, err := sql.Open("sqlite", copied)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, what := range slices.Sorted(maps.Keys(secrets)) {
		secret := secrets[what]
		if len(secret) < 6 {
			t.Fatalf("%s is %q: too short to look for", what, secret)
		}
		k.step("look for "+what+" in the file's bytes", "not there", !strings.Contains(all, secret))
	}
	rows, cells := readAll(t, db)
	var found []string
	for what, secret := range secrets {
		if strings.Contains(cells, secret) {
			found = append(found, what)
		}
	}
	k.step(fmt.Sprintf("read all %d rows with SQL", rows), fmt.Sprintf("secrets in plain text: %v", found), len(found) == 0 && rows > 50)
	if !strings.Contains(cells, customer.Email) {
		t.Error("what is no secret cannot be read either: the test reads the wrong thing")
	}

	// As cookies.
	for _, column := range []string{"token_hash", "id"} {
		n, in := 0, 0
		for _, value := range column1(t, db, `SELECT `+column+` FROM sessions`) {
			if n++; w.with(value).get("/").location() != "/login" {
				in++
			}
		}
		k.step(fmt.Sprintf("send each session's %s as a cookie", column), fmt.Sprintf("%d of %d are signed in", in, n), in == 0 && n > 0)
	}

	// With a secret that is guessed, and as the control with the right one.
	guess, right := []byte("correct horse battery staple, guessed"), []byte("a secret of at least 32 bytes, for tests only")
	_, err = store.Open(t.Context(), store.Options{Path: copied, Secret: guess})
	k.step("start frontdesk on the copy with a guessed secret", "it does not start", errors.Is(err, store.ErrWrongSecret))
	kept := w.customer("kept@kept.example").CUID
	var sealed []byte
	if err := db.QueryRow(`SELECT sealed FROM credentials WHERE cuid = $1`, kept).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	_, err = unseal(guess, "credentials", kept, sealed)
	k.step("open a stored key with a key derived from a guessed secret", fmt.Sprint(err), err != nil)
	if text, err := unseal(right, "credentials", kept, sealed); err != nil || !strings.Contains(text, secrets["a customer's key"]) {
		t.Errorf("the right secret does not open it: the test opens the wrong thing: %v", err)
	}
	_, err = unseal(right, "credentials", customer.CUID, sealed)
	k.step("open it as another customer's", fmt.Sprint(err), err != nil)

	// Moved to where one may see it, in a file that is put back.
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE credentials SET sealed = $1 WHERE cuid = $2`, sealed, customer.CUID)
	var foreign []byte
	if err := db.QueryRow(`SELECT data FROM sessions WHERE id = $1`, w.sessionOf("alice").ID).Scan(&foreign); err != nil {
		t.Fatal(err)
	}
	exec(`UPDATE sessions SET data = $1 WHERE id = $2`, foreign, w.sessionOf("mia").ID)
	put, err := store.Open(t.Context(), store.Options{Path: copied, Secret: right})
	if err != nil {
		t.Fatal(err)
	}
	_, err = put.Credentials(t.Context(), customer.CUID)
	k.step("move one customer's sealed key to another's row, and put the file back", fmt.Sprint(err), err != nil)
	_, err = put.Credentials(t.Context(), kept)
	if err != nil {
		t.Errorf("the untouched row does not open: %v", err)
	}
	hash := column1(t, db, `SELECT token_hash FROM sessions WHERE id = '`+w.sessionOf("mia").ID+`'`)[0]
	_, is, err := put.Sessions().FindCtx(t.Context(), hash)
	k.step("move an admin's session data to one's own session", fmt.Sprintf("signed in: %v", is), !is && err == nil)
	if err := put.Close(); err != nil {
		t.Fatal(err)
	}

	// And what was done is unsaid.
	_, err = db.Exec(`UPDATE audit_entries SET staff_name = 'Somebody Else' WHERE what = $1`, desk.WhatSSO)
	k.step("change who opened a customer, in the log", fmt.Sprint(err), err != nil)
	verified := func() error {
		t.Helper()
		db, err := store.Open(t.Context(), store.Options{Path: copied, Secret: right})
		if errors.Is(err, audit.ErrAltered) {
			return err
		}
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		_, err = db.Verify(t.Context(), head)
		return err
	}
	if err := verified(); err != nil {
		t.Errorf("the log as it was copied does not hold: %v", err)
	}
	for _, trigger := range column1(t, db, `SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries' AND name LIKE 'audit_no_%'`) {
		exec(`DROP TRIGGER ` + trigger)
	}
	exec(`UPDATE audit_entries SET staff_name = 'Somebody Else' WHERE what = $1`, desk.WhatSSO)
	var flaw *audit.Flaw
	err = verified()
	k.step("take the guard away and change it all the same", fmt.Sprint("verification says: ", err), errors.As(err, &flaw) && flaw.Entry > 0)
	exec(`UPDATE audit_entries SET staff_name = 'Mia Moreau' WHERE what = $1`, desk.WhatSSO)
	if err := verified(); err != nil {
		t.Errorf("put right again, the log does not hold: %v", err)
	}
	exec(`DELETE FROM audit_entries WHERE id > (SELECT MAX(id) - 3 FROM audit_entries)`)
	err = verified()
	k.step("cut the last three entries off", fmt.Sprint("verification says: ", err), err != nil)

	k.step("look whether frontdesk itself goes on, unharmed", "200", mia.get("/").status == http.StatusOK)
	if _, err := w.db.Verify(t.Context(), head); err != nil {
		t.Errorf("the live log does not hold: %v", err)
	}
}

// unseal opens a sealed value as one would who knows this program and has a
// secret.
func unseal(secret []byte, table, row string, sealed []byte) (string, error) {
	key, err := store.DeriveKey(secret, "seal "+table+".sealed")
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return "", err
	}
	text, err := aead.Open(nil, nil, sealed, fmt.Appendf(nil, "%s\x00%s\x00%s", table, "sealed", row))
	return string(text), err
}

// readAll is every cell of every table.
func readAll(t *testing.T, db *sql.DB) (n int, cells string) {
	t.Helper()
	var all strings.Builder
	for _, table := range column1(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		rows, err := db.Query(`SELECT * FROM "` + table + `"`)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		row, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			n++
			for _, cell := range row {
				all.Write(cell)
				all.WriteByte('\n')
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return n, all.String()
}

// column1 is the first column of what a query finds.
func column1(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
