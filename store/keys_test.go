package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"path/filepath"
	"regexp"
	"testing"
)

// another is a new database beside the rig's, with the same secret.
func (r *rig) another() *DB {
	r.Helper()
	db, err := Open(ctx, Options{Path: filepath.Join(r.TempDir(), "another.db"), Secret: secretA})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { db.Close() })
	return db
}

func TestFingerprintsTellOnlyWhetherASecretIsTheSame(t *testing.T) {
	r := newRig(t)
	const value = "PLANTED-value-of-a-secret"
	got := r.Fingerprint("FRONTDESK_IP1_KEY", value)
	if !regexp.MustCompile(`^fingerprint [0-9a-f]{12}$`).MatchString(got) {
		t.Errorf("fingerprint %q", got)
	}
	if again := r.Fingerprint("FRONTDESK_IP1_KEY", value); again != got {
		t.Errorf("the same value has %q and %q", got, again)
	}
	// For another purpose or in another database it is another one, so that equal
	// secrets are not seen to be equal.
	for name, other := range map[string]string{
		"another value":    r.Fingerprint("FRONTDESK_IP1_KEY", value+"x"),
		"another purpose":  r.Fingerprint("FRONTDESK_SECRET", value),
		"another database": r.another().Fingerprint("FRONTDESK_IP1_KEY", value),
		"in two parts":     r.Fingerprint("FRONTDESK_IP1_KEY", value[:5], value[5:]),
	} {
		if other == got {
			t.Errorf("%s has the same fingerprint", name)
		}
	}
	if one, two := r.Fingerprint("key and token", "ab", "c"), r.Fingerprint("key and token", "a", "bc"); one == two {
		t.Error("parts run together")
	}
	for _, parts := range [][]string{nil, {""}, {"", ""}} {
		if none := r.Fingerprint("FRONTDESK_IP1_KEY", parts...); none != "" {
			t.Errorf("%q has %q", parts, none)
		}
	}
}

// The keys are of this database, and the secret's change leaves them as they are.
func TestKeysOutliveAChangeOfTheSecret(t *testing.T) {
	r := newRig(t)
	receipt, fingerprint := r.ReceiptKey("a post"), r.Fingerprint("purpose", "value")
	if r.another().ReceiptKey("a post") == receipt {
		t.Error("two databases have the same receipt key")
	}
	for _, secrets := range [][2][]byte{{secretA, nil}, {secretB, secretA}, {secretB, nil}} {
		r.Close()
		r.DB = r.open(secrets[0], secrets[1])
		r.reseal()
		if got := r.ReceiptKey("a post"); got != receipt {
			t.Errorf("%s: receipt key %q, was %q", secrets, got, receipt)
		}
		if got := r.Fingerprint("purpose", "value"); got != fingerprint {
			t.Errorf("%s: fingerprint %q, was %q", secrets, got, fingerprint)
		}
	}
}

// A database of a former version has no keys. The posts that it has receipts of
// are known all the same, now and after a change of the secret.
func TestAFormerVersionsReceiptsAreKnown(t *testing.T) {
	r := newRig(t)
	if _, err := r.raw().Exec(`DELETE FROM meta WHERE name IN ('receipt-key', 'fingerprint-key')`); err != nil {
		t.Fatal(err)
	}
	key, err := DeriveKey(secretA, "receipts")
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("6:a post4:mine"))
	want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	var fingerprint string
	for i, secrets := range [][2][]byte{{secretA, nil}, {secretB, secretA}, {secretB, nil}} {
		r.Close()
		r.DB = r.open(secrets[0], secrets[1])
		r.reseal()
		if got := r.ReceiptKey("a post", "mine"); got != want {
			t.Errorf("%s: receipt key %q, want %q", secrets, got, want)
		}
		if got := r.Fingerprint("purpose", "value"); i == 0 {
			fingerprint = got
		} else if got != fingerprint {
			t.Errorf("%s: fingerprint %q, was %q", secrets, got, fingerprint)
		}
	}
}

// The secret can be changed in the very start that upgrades, also when that
// change is broken off: the receipts were made with the former one.
func TestAFormerVersionsReceiptsAreKnownWhenTheSecretChangesWithTheUpgrade(t *testing.T) {
	for name, broken := range map[string]bool{"at once": false, "broken off": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			key, err := DeriveKey(secretA, "receipts")
			if err != nil {
				t.Fatal(err)
			}
			r.keys.receipts = key
			want := r.ReceiptKey("a post", "mine")
			if _, err := r.raw().Exec(`DELETE FROM meta WHERE name IN ('receipt-key', 'fingerprint-key')`); err != nil {
				t.Fatal(err)
			}
			if broken {
				if _, err := r.raw().Exec(`INSERT INTO meta (name, value) VALUES ('secret-check-changing', $1)`, r.sealedWithB(metaChanging)); err != nil {
					t.Fatal(err)
				}
			}
			for _, secrets := range [][2][]byte{{secretB, secretA}, {secretB, nil}} {
				r.Close()
				r.DB = r.open(secrets[0], secrets[1])
				r.reseal()
				if got := r.ReceiptKey("a post", "mine"); got != want {
					t.Errorf("%s: receipt key %q, want %q", secrets, got, want)
				}
			}
		})
	}
}

// sealedWithB is a check value as a start with the second secret seals it.
func (r *rig) sealedWithB(name string) []byte {
	r.Helper()
	seal, err := newSealer(secretB, nil)
	if err != nil {
		r.Fatal(err)
	}
	return seal.seal("meta", name, "value", []byte(checkText))
}
