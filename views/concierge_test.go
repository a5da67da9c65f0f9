package views

import (
	"strings"
	"testing"
	"time"
)

// What the concierge says of another e-mail, and what it has the caller told late,
// follow from what helped before.
func TestWhatTheConciergeSays(t *testing.T) {
	sent := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	c := Concierge{At: "acme.com", Own: true, Flows: 10, Usual: 2 * time.Minute, Longest: 6 * time.Minute, SentAt: sent}
	for _, tt := range []struct {
		resent, helped int
		again, late    string
	}{
		{0, 0, "", "I can send another"},
		{5, 4, "A second e-mail helped 4 of 5 times.", "I am sending you another"},
		{5, 1, "A second e-mail rarely helped: 1 of 5 times.", "whoever runs your e-mail"},
		{4, 0, "A second e-mail did not help in 4 cases.", "whoever runs your e-mail"},
	} {
		c.Resent, c.Helped = tt.resent, tt.helped
		says := c.Says(t.Context())
		if late := says[len(says)-1]; c.again(t.Context()) != tt.again || !strings.Contains(late.Text, tt.late) || !late.From.Equal(sent.Add(6*time.Minute)) {
			t.Errorf("%d of %d: %q, %+v", tt.helped, tt.resent, c.again(t.Context()), late)
		}
	}
	if got := c.usually(t.Context()); got != "Customers at acme.com usually have it within 2 minutes (9 of 10 within 6)." {
		t.Error(got)
	}
	c.Usual, c.Longest = time.Minute, time.Minute
	if got := c.usually(t.Context()); got != "Customers at acme.com usually have it within 1 minute." || len(c.Says(t.Context())) != 2 || !strings.Contains(c.Says(t.Context())[0].Text, "takes a minute;") {
		t.Error(got, c.Says(t.Context()))
	}
	for i, want := range []int{0, 1} {
		if at := sent.Add(time.Duration(i) * time.Minute); !present(c.Says(t.Context()), want, at) || present(c.Says(t.Context()), 1-want, at) {
			t.Errorf("at %s", at)
		}
	}
}
