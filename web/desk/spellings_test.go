package desk

import (
	"slices"
	"testing"
)

// A country is found in every spelling that is offered, and as it was asked for
// even where a filter does not offer it.
func TestSpellingsOfACountry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		country string
		places  []string
		want    []string
	}{
		{"Sweden", []string{"SE", "Sverige", "Norway"}, []string{"se", "sverige", "sweden"}},
		{"sverige", []string{"Sverige"}, []string{"sverige"}},
		{"Sweden", nil, []string{"sweden"}},
		{"Atlantis", []string{"Atlantis"}, nil},
	} {
		if got := SpellingsOf(tt.country, tt.places); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.country, got, tt.want)
		}
	}
}
