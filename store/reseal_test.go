package store

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// reseal changes the secret, as a start does; the record of it is an entry.
func (r *rig) reseal() (done Resealed) {
	r.Helper()
	done, err := r.Reseal(ctx, func(tx *Tx, _ Resealed) error { return event(tx, "change secret") })
	if err != nil {
		r.Fatal(err)
	}
	return done
}

// fill puts n values into every sealed column, through the store's own methods.
// What is theirs is always the same size, in the same order: so is the file.
func (r *rig) fill(n int) {
	r.Helper()
	staff := make([]Staff, n)
	r.write(func(tx *Tx) (err error) {
		for i := range n {
			s := Staff{Portal: "customer", Username: fmt.Sprintf("person-%04d", i), Role: Viewer}
			if s.ID, err = tx.AddStaff(ctx, s); err != nil {
				return err
			}
			staff[i] = s
			if err := tx.PutCPaaSToken(ctx, s.ID, "PLANTED-cpaas"); err != nil {
				return err
			}
			if err := tx.PutCredentials(ctx, "cuid of "+s.Username, Credentials{"PLANTED-key", "PLANTED-token"}, "create", "test"); err != nil {
				return err
			}
			if err := tx.PutDraft(ctx, Draft{ID: "draft of " + s.Username, Person: s.Username, Path: "/", Form: strings.Repeat("PLANTED-draft", 50)}); err != nil {
				return err
			}
			act := "act of " + s.Username
			if _, err := tx.ClaimReceipt(ctx, "receipt of "+s.Username, act, start.Add(time.Hour)); err != nil {
				return err
			}
			if err := tx.AnswerReceipt(ctx, act, []byte("PLANTED-answer"), []byte("PLANTED-secret")); err != nil {
				return err
			}
		}
		return event(tx, "fill")
	})
	for _, s := range staff {
		meta := &SessionMeta{ID: "id-" + s.Username, StaffID: s.ID}
		if err := r.Sessions().CommitCtx(WithSessionMeta(ctx, meta), "hash-"+s.Username, []byte("PLANTED-session"), start.Add(time.Hour)); err != nil {
			r.Fatal(err)
		}
	}
	if _, err := r.Whats(ctx); err != nil { // so that there is an index to keep
		r.Fatal(err)
	}
	if err := r.SaveFacets(ctx); err != nil {
		r.Fatal(err)
	}
}

// values are all that is sealed, by column.
func (r *rig) values() map[string][]sealedValue {
	r.Helper()
	all := map[string][]sealedValue{}
	for _, c := range sealedColumns {
		for after := any(nil); ; {
			some, err := r.sealedValues(ctx, c, after)
			if err != nil {
				r.Fatal(err)
			}
			if len(some) == 0 {
				break
			}
			after = some[len(some)-1].key
			for _, v := range some {
				if c.only == nil || slices.Contains(c.only, v.row) {
					all[c.table+"."+c.column] = append(all[c.table+"."+c.column], v)
				}
			}
		}
	}
	return all
}

// opens counts the values that open with this secret alone.
func (r *rig) opens(secret []byte) (open, all int) {
	r.Helper()
	seal, err := newSealer(secret, nil)
	if err != nil {
		r.Fatal(err)
	}
	for place, values := range r.values() {
		table, column, _ := strings.Cut(place, ".")
		for _, v := range values {
			all++
			if _, err := seal.open(table, v.row, column, v.sealed); err == nil {
				open++
			}
		}
	}
	return open, all
}

func TestSealingForAnotherPlacePanics(t *testing.T) {
	r := newRig(t)
	for name, place := range map[string][3]string{
		"another table": {"staff", "1", "sealed"}, "another column": {"drafts", "1", "person"}, "another row": {"meta", metaSettings, "value"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was sealed, and would be left behind", name)
				}
			}()
			r.seal.seal(place[0], place[1], place[2], []byte("text"))
		}()
	}
}

// The record of a change and the value that makes the new secret enough are
// there together, or not at all.
func TestAChangeThatCannotBeRecordedIsNotDone(t *testing.T) {
	r := newRig(t)
	r.fill(3)
	r.Close()
	r.DB = r.open(secretB, secretA)
	boom := errors.New("boom")
	if got, err := r.Reseal(ctx, func(*Tx, Resealed) error { return boom }); !errors.Is(err, boom) || got.Changed {
		t.Fatalf("%+v, %v", got, err)
	}
	r.Close()
	if _, err := Open(ctx, Options{Path: r.path, Secret: secretB}); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("the new secret alone: %v", err)
	}
	r.DB = r.open(secretB, secretA)
	_, total := r.opens(secretB)
	if got := r.reseal(); !got.Changed || got.Values != total-2 {
		t.Errorf("%+v, want all of %d but the two check values", got, total)
	}
	r.Close()
	r.DB = r.open(secretB, nil)
}

// What opens with neither secret is left as it is, and told.
func TestWhatOpensWithNeitherSecretIsLeftAsItIs(t *testing.T) {
	r := newRig(t)
	r.fill(3)
	odd := bytes.Repeat([]byte("odd"), 30)
	raw := r.raw()
	for _, statement := range []string{`UPDATE sessions SET data = $1 WHERE token_hash = 'hash-person-0001'`, `UPDATE receipts SET secret = $1 WHERE key = 'receipt of person-0002'`} {
		if _, err := raw.Exec(statement, odd); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	r.DB = r.open(secretB, secretA)
	if got := r.reseal(); !got.Changed || got.Closed != 2 {
		t.Errorf("%+v", got)
	}
	var session, secret []byte
	if err := raw.QueryRow(`SELECT data, secret FROM sessions, receipts WHERE token_hash = 'hash-person-0001' AND key = 'receipt of person-0002'`).Scan(&session, &secret); err != nil ||
		!bytes.Equal(session, odd) || !bytes.Equal(secret, odd) {
		t.Errorf("%q, %q, %v", session, secret, err)
	}
	if _, ok, err := r.Sessions().FindCtx(ctx, "hash-person-0001"); ok || err != nil {
		t.Errorf("a session that does not open: %v, %v; want none, so that one signs in again", ok, err)
	}
	if again := r.reseal(); again.Changed || again.Closed != 2 {
		t.Errorf("once more: %+v", again)
	}
}

// A process that goes on with the old secret while it is changed leaves values
// behind that the check does not tell of: they are looked for all the same.
func TestStragglersAreFound(t *testing.T) {
	r := newRig(t)
	other := r.open(secretA, nil)
	r.fill(3)
	r.Close()
	r.DB = r.open(secretB, secretA)
	r.reseal()
	if err := other.Write(ctx, func(tx *Tx) error {
		return tx.PutCredentials(ctx, "late", Credentials{"k", "t"}, "create", "test")
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := r.reseal(), (Resealed{Changed: true, Values: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if open, _ := r.opens(secretA); open != 0 {
		t.Errorf("%d open with the old secret", open)
	}
}
