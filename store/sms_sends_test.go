package store

import (
	"errors"
	"testing"
	"time"
)

func TestSMSSends(t *testing.T) {
	r := newRig(t)
	for i, s := range []SMSSend{
		{"a1", "+46701234567", 1, "", start.Add(-25 * time.Hour)},
		{"a2", "+46701234567", 1, "c1", start.Add(-23 * time.Hour)},
		{"a3", "+46701234567", 2, "", start.Add(-time.Hour)},
		{"a4", "+14155550100", 1, "", start},
		{"a5", "+46701234567", 1, "", start},
	} {
		r.write(func(tx *Tx) error { return tx.AddSMSSend(ctx, s) })
		if i == 4 {
			r.write(func(tx *Tx) error { return tx.RemoveSMSSend(ctx, s.Act) })
		}
	}
	counts := func(phone string, staff int64, most int) [2]int {
		t.Helper()
		s, err := r.SMSSends(ctx, phone, staff, start.Add(-24*time.Hour), most)
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{len(s.ToNumber), len(s.ByStaff)}
	}
	for _, tt := range []struct {
		phone string
		staff int64
		most  int
		want  [2]int
	}{
		{"+46701234567", 1, 9, [2]int{2, 2}},
		{"+46701234567", 2, 9, [2]int{2, 1}},
		{"+46701234567", 1, 1, [2]int{1, 1}},
		{"+14155550100", 3, 9, [2]int{1, 0}},
		{"+14155550101", 3, 9, [2]int{0, 0}},
	} {
		if got := counts(tt.phone, tt.staff, tt.most); got != tt.want {
			t.Errorf("%s by %d, %d at most: %v, want %v", tt.phone, tt.staff, tt.most, got, tt.want)
		}
	}
	if s, err := r.SMSSends(ctx, "+46701234567", 1, start.Add(-24*time.Hour), 9); err != nil || !s.ToNumber[0].Equal(start.Add(-time.Hour)) {
		t.Errorf("the latest comes first: %v, %v", s, err)
	}
	r.write(func(tx *Tx) error {
		if s, err := tx.SMSSendOf(ctx, "a2"); err != nil || s.CUID != "c1" || s.Phone != "+46701234567" {
			t.Errorf("a2: %+v, %v", s, err)
		}
		if s, err := tx.SMSSendOf(ctx, "a5"); err != nil || s != (SMSSend{}) {
			t.Errorf("the one taken back: %+v, %v", s, err)
		}
		return tx.PurgeSMSSends(ctx, start)
	})
	if got := counts("+14155550100", 1, 9); got != [2]int{1, 1} {
		t.Errorf("after the sweep %v", got)
	}
}

func TestCodeTries(t *testing.T) {
	r := newRig(t)
	one, other := Code{ID: 1, Phone: "+46701234567"}, Code{ID: 2, Phone: "+46701234567"}
	counts := func(c Code, most int) (got [2]int) {
		t.Helper()
		r.write(func(tx *Tx) error {
			tries, err := tx.CodeTries(ctx, c, start.Add(-24*time.Hour), most)
			got = [2]int{tries.OfCode, len(tries.OfNumber)}
			if len(tries.OfNumber) > 0 && !tries.OfNumber[0].Equal(start) {
				t.Errorf("the latest comes first: %v", tries.OfNumber)
			}
			return err
		})
		return got
	}
	for act, at := range map[string]time.Time{"a1": start.Add(-25 * time.Hour), "a2": start.Add(-time.Hour), "a3": start} {
		r.write(func(tx *Tx) error { return tx.AddCodeTry(ctx, act, one, at) })
	}
	r.write(func(tx *Tx) error { return tx.AddCodeTry(ctx, "a4", other, start) })
	r.write(func(tx *Tx) error { return tx.AddCodeTry(ctx, "a5", Code{ID: 3, Phone: "+14155550100"}, start) })
	if a, b, c := counts(one, 9), counts(other, 9), counts(other, 2); a != [2]int{3, 3} || b != [2]int{1, 3} || c != [2]int{1, 2} {
		t.Errorf("tries %v, %v, %v", a, b, c)
	}
	r.write(func(tx *Tx) error { return tx.RemoveCodeTry(ctx, "a4") })
	r.write(func(tx *Tx) error { return tx.PurgeSMSSends(ctx, start.Add(-24*time.Hour)) })
	if a, b := counts(one, 9), counts(other, 9); a != [2]int{2, 2} || b != [2]int{0, 2} {
		t.Errorf("then %v, %v", a, b)
	}
}

func TestProofs(t *testing.T) {
	r := newRig(t)
	if _, err := r.LastProof(ctx, "c1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	last := Proof{CUID: "c1", Phone: "+46701234567", StaffID: 2, StaffName: "Bo", EntryID: 9, OnFile: OnFileOthers, At: start.Add(-time.Minute)}
	for _, p := range []Proof{{CUID: "c1", Phone: "+46701234568", StaffName: "Mia", EntryID: 7, OnFile: OnFileTheirs, At: start}, last, {CUID: "c2", EntryID: 8, OnFile: OnFileNone, At: start}} {
		r.write(func(tx *Tx) error { return tx.AddProof(ctx, p) })
	}
	if got, err := r.LastProof(ctx, "c1"); err != nil || got != last {
		t.Errorf("%+v, %v, want %+v", got, err, last)
	}
	for entry, want := range map[int64]bool{7: true, 8: true, 9: true, 10: false} {
		if got, err := r.ProvesACaller(ctx, entry); err != nil || got != want {
			t.Errorf("entry %d: %v, %v", entry, got, err)
		}
	}
	if err := r.Write(ctx, func(tx *Tx) error { return tx.AddProof(ctx, Proof{CUID: "c1", OnFile: "perhaps", At: start}) }); err == nil {
		t.Error("a proof of nothing was stored")
	}
}
