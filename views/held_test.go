package views

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/a-h/templ"

	"frontdesk/static"
)

// TestWhatShowsASecretSaysSo: a page cannot show one without its being known, which
// keeps the page from being compressed.
func TestWhatShowsASecretSaysSo(t *testing.T) {
	assets, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		show templ.Component
		want bool
	}{
		{"a key", Secret(Page{Assets: assets}, "key", "Key", "k", time.Time{}), true},
		{"a secret that was typed", TextField(Input{Name: "code", Secret: true, Value: "123456"}), true},
		{"a field for a secret", TextField(Input{Name: "code", Secret: true}), false},
		{"another field", TextField(Input{Name: "reason", Value: "a ticket"}), false},
	} {
		var held Held
		if err := c.show.Render(WithHeld(context.Background(), &held), io.Discard); err != nil {
			t.Fatal(err)
		}
		if held.Secret != c.want {
			t.Errorf("%s: held to be a secret: %v", c.what, held.Secret)
		}
	}
}
