package store

import "testing"

// What is typed into the form for codes on one customer's page stays when it is
// sent, or typed anew, on another's: many pages have that form.
func TestDraftsOfTheSameFormOnTwoPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	draft := func(path string) Draft {
		return Draft{ID: NewID(), Person: "customer:mia", Path: path, Post: "/sms", Session: "one", Form: "phone=1"}
	}
	for _, path := range []string{"/customers/a", "/customers/b", "/customers/b/passcode", "/sms"} {
		r.write(func(tx *Tx) error { return tx.PutDraft(ctx, draft(path)) })
	}
	has := func(path string, want bool) {
		t.Helper()
		if got, err := r.HasTyped(ctx, draft(path)); err != nil || got != want {
			t.Errorf("%s: %t, %v", path, got, err)
		}
	}
	r.write(func(tx *Tx) error { return tx.DropTyped(ctx, draft("/customers/b")) })
	has("/customers/b", false)
	has("/customers/b/passcode", false)
	has("/customers/a", true)
	has("/sms", true)
	r.write(func(tx *Tx) error { return tx.DropTyped(ctx, draft("")) }) // wherever it was
	has("/customers/a", false)
}
