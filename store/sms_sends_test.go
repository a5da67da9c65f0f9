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
