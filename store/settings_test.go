package store

import (
	"bytes"
	"errors"
	"reflect"
	"regexp"
	"testing"
)

func TestSwapSettings(t *testing.T) {
	r := newRig(t)
	swap := func(db *DB, now, wantBefore map[string]string) (fingerprint string) {
		t.Helper()
		if err := db.Write(ctx, func(tx *Tx) error {
			before, print, err := tx.SwapSettings(ctx, now)
			if !reflect.DeepEqual(before, wantBefore) {
				t.Errorf("before %v, want %v", before, wantBefore)
			}
			fingerprint = print
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return fingerprint
	}
	first := map[string]string{"B": "2", "A": "1", "C": ""}
	a := swap(r.DB, first, nil)
	if !regexp.MustCompile(`^sha256:[0-9a-f]{16}$`).MatchString(a) {
		t.Errorf("fingerprint %q", a)
	}
	second := map[string]string{"A": "1", "B": "3"}
	b := swap(r.DB, second, first)
	if again := swap(r.DB, map[string]string{"B": "3", "A": "1"}, second); again != b || b == a {
		t.Errorf("fingerprints %q, %q, and of the same again %q", a, b, again)
	}
	boom := errors.New("boom")
	if err := r.Write(ctx, func(tx *Tx) error {
		if _, _, err := tx.SwapSettings(ctx, nil); err != nil {
			return err
		}
		return boom
	}); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	r.Close()
	swap(r.open(secretA, nil), first, second) // not the ones that were rolled back
	if !bytes.Contains(r.bytes(), []byte(`{"A":"1","B":"2","C":""}`)) {
		t.Error("the settings are not where the test thinks") // where the leak tests look
	}
}
