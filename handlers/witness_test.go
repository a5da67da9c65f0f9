package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

const alarmed = "The audit log is not what it was"

// open acts as mia does on the phone: it opens ATOM as a customer.
func (b *browser) openSSO() {
	b.t.Helper()
	path := views.CustomerPath(b.w.customer(emailFirst).CUID)
	b.submit(b.get(path), path+"/sso", url.Values{"reason": {"ticket 7"}}).wantStatus(http.StatusSeeOther)
}

func TestABrowserExposesALogThatWasRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 5})
	w.signedIn("alice")
	w.stop()
	backup := w.keep()
	w.start()
	size, err := w.db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	mia := w.signedIn("mia")
	mia.openSSO()
	mia.get("/").wantNo(alarmed)
	w.restart() // that alone is nothing
	mia.get("/audit").wantNo(alarmed)

	w.stop()
	w.putBack(backup)
	w.start()
	for range 30 { // the log grows beyond what mia has seen
		w.desk.Deny(t.Context(), audit.Who{}, "filled", audit.Subject{}, "")
	}
	fresh := w.signedIn("alice")
	fresh.get("/audit").wantNo(alarmed) // this browser has seen no more than there is
	p := mia.signIn("mia", "demo")
	p.wantStatus(http.StatusSeeOther)
	mia.get("/customers").want(alarmed, "declare-restore") // wherever the sign-in leads
	for range 2 {
		mia.get("/audit").want(alarmed)
	}
	mia.get("/").want(alarmed)
	if got := w.entries(audit.Filter{What: desk.WhatWitness}); len(got) != 1 || got[0].Who.Username != "mia" || got[0].Result != audit.Refused {
		t.Errorf("on record: %+v", got)
	}
	fresh.get("/").want("A browser has seen another audit log than this one")

	// Declared, it is explained; what mia sees now is what counts from here on.
	restored := desk.Restored(audit.Who{Name: "operator"}, size.Size, "disk failure")
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.Append(t.Context(), &restored) }); err != nil {
		t.Fatal(err)
	}
	mia.get("/audit").wantNo(alarmed)
	mia.openSSO()
	mia.get("/audit").wantNo(alarmed)
}

// A restore excuses what was lost with it, not what was changed before it.
func TestADeclaredRestoreExcusesNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 5})
	mia := w.signedIn("mia")
	mia.get("/audit")
	head, err := w.db.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := desk.Witness{Size: head.Size - 1, Root: head.Root} // of another log
	restored := desk.Restored(audit.Who{Name: "operator"}, head.Size-1, "drill")
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.Append(t.Context(), &restored) }); err != nil {
		t.Fatal(err)
	}
	if _, p := w.desk.Hear(t.Context(), desk.Actor{}, seen); p == nil {
		t.Error("another log of the same size passes")
	}
	seen.Size += 2
	if now, p := w.desk.Hear(t.Context(), desk.Actor{}, seen); p != nil || now.Restores != 1 {
		t.Errorf("what was lost with the restore: %+v, %v", now, p)
	}
}

// sql runs statements on the database behind frontdesk's back.
func (w *world) sql(statements ...string) {
	w.t.Helper()
	raw, err := openRaw(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer raw.Close()
	for _, statement := range statements {
		if _, err := raw.Exec(statement); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Rows that are cut off, the signed head left alone: acts are refused with the
// cause, reading goes on, and it ends when the rows are back.
func TestALogThatIsCutIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 5})
	mia := w.signedIn("mia")
	mia.openSSO()
	const last = `(SELECT max(id) FROM audit_entries)`
	w.sql(`CREATE TABLE kept AS SELECT * FROM audit_entries WHERE id = ` + last)
	w.sql(dropTrigger("audit_no_delete"))
	w.sql(`DELETE FROM audit_entries WHERE id = ` + last)

	mia.get("/audit").want(alarmed)
	path := views.CustomerPath(w.customer(emailFirst).CUID)
	mark := w.mark()
	p := mia.submit(mia.get(path), path+"/sso", url.Values{"reason": {"ticket 8"}})
	p.wantStatus(http.StatusServiceUnavailable)
	p.want("the audit log cannot be written", "changed by something other than frontdesk")
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("went out: %v", calls)
	}
	mia.get("/customers").want("Reading only")
	if !strings.Contains(w.log.String(), "THE AUDIT LOG IS NOT WHAT IT WAS") {
		t.Error("the operator's log does not say so")
	}

	w.sql(`INSERT INTO audit_entries SELECT * FROM kept`)
	mia.openSSO()
	mia.get("/audit").wantNo(alarmed, "Reading only")
}
