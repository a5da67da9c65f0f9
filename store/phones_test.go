package store

import (
	"strings"
	"testing"
	"time"
)

func TestFirstNumberAndPhoneKey(t *testing.T) {
	for _, tt := range []struct{ text, first, key string }{
		{"+46701234567", "+46701234567", "01234567"},
		{"+46 (0)70-123 45 67", "+46 70-123 45 67", "01234567"},
		{"0046 70 123 45 67", "0046 70 123 45 67", "01234567"},
		{"070-123 45 67", "070-123 45 67", "01234567"},
		{"070/123 45 67", "070/123 45 67", "01234567"},
		{"Tel. 070-123 45 67, ext 5", "070-123 45 67", "01234567"},
		{"0701234567x12", "0701234567", "01234567"},
		{"070 123 45 67 ankn. 3", "070 123 45 67", "01234567"},
		{"070 123 45 67;ext=5", "070 123 45 67", "01234567"},
		{"070-123 45 67 / 08-465 004 00", "070-123 45 67", "01234567"},
		{"070-123 45 67\n08-465 004 00", "070-123 45 67", "01234567"},
		{"(415) 555-0100", "415) 555-0100", "55550100"},
		{"+1.415.555.0100", "+1.415.555.0100", "55550100"},
		{"030/23125 123", "030/23125 123", "23125123"},
		{"٠٥٠ ٥٥٥ ١٢٣٤", "٠٥٠ ٥٥٥ ١٢٣٤", "05551234"},
		{"０３-５５５０-１２３４", "０３-５５５０-１２３４", "55501234"},
		{"555 1234", "555 1234", "5551234"},
		{"12345", "12345", ""},
		{"call me", "", ""},
		{"", "", ""},
	} {
		if got := FirstNumber(tt.text); got != tt.first {
			t.Errorf("the first number in %q is %q, want %q", tt.text, got, tt.first)
		}
		if got := phoneKey(tt.text); got != tt.key {
			t.Errorf("the key of %q is %q, want %q", tt.text, got, tt.key)
		}
	}
}

func (r *rig) byPhone(e164 string) string {
	r.Helper()
	found, err := r.CustomersByPhone(ctx, e164)
	if err != nil {
		r.Fatal(err)
	}
	var cuids []string
	for _, c := range found {
		cuids = append(cuids, c.CUID)
	}
	return strings.Join(cuids, " ")
}

func TestCustomersByPhone(t *testing.T) {
	r := newRig(t)
	for cuid, phone := range map[string]string{
		"a": "+46 (0)70-123 45 67", "b": "070-123 45 67", "c": "070-123 45 68", "d": "", "iceland": "555 1234", "gone": "+46701234567",
	} {
		r.upsert(Customer{CUID: cuid, Phone: phone, Fields: fields("cuid", cuid, "phone", phone)})
	}
	r.markGone(start.Add(time.Hour), "a", "b", "c", "d", "iceland")
	for e164, want := range map[string]string{
		"+46701234567": "a b", "+46701234568": "c", "+46701234569": "", "+3545551234": "iceland", "": "", "+": "", "+123": "",
	} {
		if got := r.byPhone(e164); got != want {
			t.Errorf("%q: %q, want %q", e164, got, want)
		}
	}
	// A new number is found by, and the old one not any more.
	r.upsert(Customer{CUID: "c", Phone: "+46 70 999 99 99", Fields: fields("cuid", "c", "phone", "+46 70 999 99 99")})
	if old, now := r.byPhone("+46701234568"), r.byPhone("+46709999999"); old != "" || now != "c" {
		t.Errorf("after a change: by the old number %q, by the new one %q", old, now)
	}
}
