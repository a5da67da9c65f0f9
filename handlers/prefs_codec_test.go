package handlers

import (
	"maps"
	"testing"

	"github.com/gorilla/securecookie"
)

// TestPrefsCodec: what the cookie holds comes back as it was, also that of the
// release before.
func TestPrefsCodec(t *testing.T) {
	t.Parallel()
	want := map[any]any{prefsKey: `{"Theme":"dark","Back":"/x?ü"}`}
	for name, codec := range map[string]securecookie.Serializer{"this release": prefsCodec{}, "the one before": securecookie.GobEncoder{}} {
		b, err := codec.Serialize(want)
		if err != nil {
			t.Fatal(err)
		}
		var got map[any]any
		if err := (prefsCodec{}).Deserialize(b, &got); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	var got map[any]any
	for _, broken := range []string{"", "x", "\x0e\xff"} {
		if err := (prefsCodec{}).Deserialize([]byte(broken), &got); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
	if _, err := (prefsCodec{}).Serialize("text"); err == nil {
		t.Error("something else is written")
	}
}
