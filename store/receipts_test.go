package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func (r *rig) claim(key, act string, holds time.Duration) *Receipt {
	r.Helper()
	var taken *Receipt
	r.write(func(tx *Tx) (err error) {
		taken, err = tx.ClaimReceipt(ctx, key, act, r.clock.Now().Add(holds))
		return err
	})
	return taken
}

func (r *rig) answer(act, answer string, secret []byte) {
	r.Helper()
	r.write(func(tx *Tx) error { return tx.AnswerReceipt(ctx, act, []byte(answer), secret) })
}

func TestReceipts(t *testing.T) {
	r := newRig(t)
	if taken := r.claim("k", "first", 10*time.Second); taken != nil {
		t.Fatalf("new, but taken by %+v", taken)
	}
	if taken := r.claim("other", "o", 10*time.Second); taken != nil {
		t.Errorf("another key is taken by %+v", taken)
	}
	if taken := r.claim("k", "second", 10*time.Second); taken == nil || taken.Act != "first" || taken.Answer != nil {
		t.Errorf("under way: %+v", taken)
	}
	// Time alone never frees what is under way: its call may still be out.
	r.clock.Add(time.Hour)
	if taken := r.claim("k", "second", 10*time.Second); taken == nil || taken.Act != "first" {
		t.Errorf("under way for an hour: %+v", taken)
	}
	r.answer("first", "answer", []byte("secret"))
	if got, err := r.ReceiptOfAct(ctx, "first"); err != nil || string(got.Answer) != "answer" || string(got.Secret) != "secret" || !got.At.Equal(start) {
		t.Errorf("%+v, %v", got, err)
	}
	if taken := r.claim("k", "third", 10*time.Second); taken != nil {
		t.Errorf("expired and answered, but taken by %+v", taken)
	}
	if got, err := r.Receipt(ctx, "k"); err != nil || got.Act != "third" || got.Answer != nil || got.Secret != nil {
		t.Errorf("the new act shows the old answer: %+v, %v", got, err)
	}
	r.answer("third", "answer 3", nil)
	r.clock.Add(10*time.Second - time.Millisecond)
	if taken := r.claim("k", "fourth", 10*time.Second); taken == nil || string(taken.Answer) != "answer 3" || taken.Secret != nil {
		t.Errorf("a moment before its end: %+v", taken)
	}
	r.clock.Add(time.Millisecond)
	if taken := r.claim("k", "fourth", 10*time.Second); taken != nil {
		t.Errorf("at its end: %+v", taken)
	}
	if _, err := r.Receipt(ctx, "never"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestPurgeReceipts(t *testing.T) {
	r := newRig(t)
	r.claim("secret", "secret", 7*24*time.Hour)
	r.answer("secret", "answer", []byte("secret"))
	r.claim("short", "short", time.Second)
	r.answer("short", "answer", nil)
	r.claim("open", "open", time.Second)
	purge := func() {
		r.write(func(tx *Tx) error { _, err := tx.PurgeReceipts(ctx, r.clock.Now().Add(-10*time.Minute)); return err })
	}
	r.clock.Add(10 * time.Minute)
	purge()
	if got, err := r.Receipt(ctx, "secret"); err != nil || got.Secret == nil {
		t.Errorf("ten minutes old: %+v, %v", got, err)
	}
	if _, err := r.Receipt(ctx, "short"); !errors.Is(err, ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if _, err := r.Receipt(ctx, "open"); err != nil {
		t.Errorf("expired, but under way: %v", err)
	}
	r.clock.Add(time.Millisecond)
	purge()
	if got, err := r.Receipt(ctx, "secret"); err != nil || got.Secret != nil || string(got.Answer) != "answer" {
		t.Errorf("older than ten minutes: %+v, %v; want the answer without its secret", got, err)
	}
}

func TestThrottleRecords(t *testing.T) {
	const limit, window = 5, 15 * time.Minute
	r := newRig(t)
	add := func() (at time.Time) {
		t.Helper()
		r.write(func(tx *Tx) (err error) { at, err = tx.AddRefusal(ctx, "user:x", limit, window); return err })
		return at
	}
	get := func() (got Throttle) {
		t.Helper()
		r.write(func(tx *Tx) (err error) { got, err = tx.Throttle(ctx, "user:x", limit, window); return err })
		return got
	}
	if got := get(); got != (Throttle{}) {
		t.Errorf("unknown: %+v", got)
	}
	for range 4 {
		add()
	}
	if got := get(); got.Refusals != 4 || !got.Last.Equal(start) {
		t.Errorf("four: %+v", got)
	}
	r.clock.Add(window + time.Millisecond)
	if got := get(); got.Refusals != 0 {
		t.Errorf("four, a window ago: %+v", got)
	}
	if add(); get().Refusals != 1 {
		t.Errorf("then one: %+v", get())
	}
	for range 4 {
		add()
	}
	fifth := r.clock.Now()
	r.clock.Add(2 * window)
	if got := get(); got.Refusals != 5 || !got.Last.Equal(fifth) {
		t.Errorf("at the limit, it holds for twice the window: %+v", got)
	}
	// One that turned out to be none leaves no trace, not even in the wait.
	before := get()
	at := add()
	if got := get(); got.Refusals != 6 || !got.Last.Equal(at) {
		t.Errorf("counted: %+v", got)
	}
	r.write(func(tx *Tx) error { return tx.UndoRefusal(ctx, "user:x", at, before) })
	if got := get(); got != before {
		t.Errorf("taken back: %+v, want %+v", got, before)
	}
	// But a real one that came meanwhile stays the latest.
	before, at = get(), add()
	r.clock.Add(time.Second)
	real := add()
	r.write(func(tx *Tx) error { return tx.UndoRefusal(ctx, "user:x", at, before) })
	if got := get(); got.Refusals != 6 || !got.Last.Equal(real) {
		t.Errorf("with one meanwhile: %+v", got)
	}
	r.write(func(tx *Tx) error { return tx.ClearRefusals(ctx, "user:x") })
	if got := get(); got != (Throttle{}) {
		t.Errorf("cleared: %+v", got)
	}
	before, at = get(), add()
	r.write(func(tx *Tx) error { return tx.UndoRefusal(ctx, "user:x", at, before) })
	if got := get(); got != (Throttle{}) {
		t.Errorf("the only one taken back: %+v", got)
	}
}

// TestSecretsArePurgedInParts: what is secret of many answers goes a few at a time, too.
func TestSecretsArePurgedInParts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for n := range receiptsAtOnce + 7 {
		r.claim(fmt.Sprint("k", n), fmt.Sprint("a", n), 7*24*time.Hour)
		r.answer(fmt.Sprint("a", n), "answer", []byte("secret"))
	}
	r.clock.Add(time.Hour)
	for round, want := range []struct {
		more bool
		left int
	}{{true, 7}, {false, 0}} {
		var more bool
		r.write(func(tx *Tx) (err error) { more, err = tx.PurgeReceipts(ctx, r.clock.Now()); return err })
		left := 0
		if err := r.raw().QueryRow(`SELECT count(*) FROM receipts WHERE secret IS NOT NULL`).Scan(&left); err != nil || more != want.more || left != want.left {
			t.Errorf("round %d: %d secrets are left, more %v, %v; want %+v", round, left, more, err, want)
		}
	}
}
