//go:build !postgres

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

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// TestAttackersCopy is what somebody with a copy of the database file gets out of it.
func TestAttackersCopy(t *testing.T) {
	t.Parallel()
	walkWithACopy(t)
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
		b, err := os.ReadFile(w.path + ending)
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
