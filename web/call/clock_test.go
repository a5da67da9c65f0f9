package call

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The service's clock comes from the Date of real answers, half their round trip
// taken off; what is little, odd or old changes nothing.
func TestAServicesClockIsLearnt(t *testing.T) {
	var ahead time.Duration
	var age string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		if age != "" {
			w.Header().Set("Age", age)
		}
		w.WriteHeader(http.StatusTeapot) // whatever it answers
	}))
	defer s.Close()
	stats := NewStats(nil)
	c := New("ip1", Limits{}, stats)
	calls := func(n int) {
		t.Helper()
		for range n {
			if _, err := c.Do(t.Context(), Request{Op: "read", Method: http.MethodGet, URL: s.URL}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(what string, least, most time.Duration) {
		t.Helper()
		if got := c.Ahead(); got < least || got > most || got != stats.Health("ip1").Ahead || got != got.Round(time.Second) {
			t.Errorf("%s: %s, want %s to %s", what, got, least, most)
		}
	}
	want("nothing is known", 0, 0)
	ahead = time.Second
	calls(5)
	want("a second is none", 0, 0)
	ahead = 2 * time.Minute
	calls(2)
	want("two of five are not the median", 0, 0)
	calls(1)
	want("two minutes ahead", 119*time.Second, 121*time.Second)
	ahead = 48 * time.Hour
	calls(5)
	want("two days are no clock's", 119*time.Second, 121*time.Second)
	ahead, age = -time.Hour, "3600"
	calls(5)
	want("a cache's copy is old", 119*time.Second, 121*time.Second)
	ahead, age = -time.Hour, ""
	calls(5)
	want("an hour behind", -time.Hour-time.Second, -time.Hour+time.Second)
	ahead = 0
	calls(5)
	want("set right", 0, 0)
	if New("other", Limits{}, nil).Ahead() != 0 || stats.Ahead("other") != 0 {
		t.Error("another service has it too")
	}
}

func TestReadingsOfAClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		date string
		took time.Duration
		want time.Duration
	}{
		{"half the round trip", now.Add(9 * time.Second).Format(http.TimeFormat), 3 * time.Second, 11 * time.Second},
		{"too slow to tell", now.Add(time.Minute).Format(http.TimeFormat), 3*time.Second + 1, 0},
		{"no date", "", 0, 0},
		{"no date of HTTP's", "2026-11-22T03:09:00Z", 0, 0},
	} {
		s := NewStats(func() time.Time { return now })
		s.dated("ip1", http.Header{"Date": {c.date}}, c.took)
		if got := s.Ahead("ip1"); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
