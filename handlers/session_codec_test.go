package handlers

import (
	"reflect"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
)

// TestSessionCodec: what a session holds comes back as it was, also that of the
// release before; what it cannot hold is refused.
func TestSessionCodec(t *testing.T) {
	t.Parallel()
	deadline := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	values := map[string]any{"staff": int64(1) << 60, "ends": int64(-5), "token": "{\"a\": \u2028 \x00}", "empty": ""}
	for name, codec := range map[string]scs.Codec{"this release": sessionCodec{}, "the one before": scs.GobCodec{}} {
		b, err := codec.Encode(deadline, values)
		if err != nil {
			t.Fatal(err)
		}
		at, got, err := sessionCodec{}.Decode(b)
		if err != nil || !at.Equal(deadline) || !reflect.DeepEqual(got, values) {
			t.Errorf("%s: %v, %v, %v", name, at, got, err)
		}
	}
	if _, err := (sessionCodec{}).Encode(deadline, map[string]any{"x": 1.5}); err == nil {
		t.Error("a value that would not come back is taken")
	}
	for _, broken := range []string{"", "{", "{\"numbers\": 7}", "x"} {
		if _, _, err := (sessionCodec{}).Decode([]byte(broken)); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}
