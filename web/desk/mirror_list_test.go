package desk

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"frontdesk/store"
	"frontdesk/web/atom"
)

// What is kept comes back as it was, pile by pile, however long it is.
func TestKeptElementsComeBack(t *testing.T) {
	var k kept
	var want [256][]string
	for i := range 4000 {
		raw := fmt.Appendf(nil, `{"cuid":"c%d","text":"%s"}`, i, bytes.Repeat([]byte("x"), i%700))
		switch i {
		case 0, 1999:
			raw = nil
		case 7, 2000, 3999:
			raw = bytes.Repeat([]byte(fmt.Sprint(i)), 300_000) // more than is compressed together
		}
		pile := byte(i % 3 * 100)
		if err := k.add(pile, raw); err != nil {
			t.Fatal(err)
		}
		want[pile] = append(want[pile], string(raw))
		clear(raw) // an element is valid until the next
	}
	var got []string
	if err := k.each(func(raw []byte) error { got = append(got, string(raw)); return nil }); err != nil || k.n != 4000 {
		t.Fatal(k.n, err)
	}
	if !slices.Equal(got, slices.Concat(want[:]...)) {
		t.Error("they are others, or in another order")
	}
}

// When the mirror is filled, companies that begin alike come together, however they are
// written; later all come as they are listed.
func TestCompaniesThatBeginAlikeComeTogether(t *testing.T) {
	names := []string{"Öst", "alfa", "Ångström", " Beta", "ost", "", "7", "alba"}
	for _, c := range []struct {
		there bool
		want  []string
	}{{false, []string{"", "7", "alfa", "Ångström", "alba", " Beta", "Öst", "ost"}}, {true, names}} {
		list := newListing(mapping)
		if c.there {
			list.have(store.Listed{CUID: "c", Before: true})
		}
		for i, name := range names {
			if err := list.take(atom.Element{Raw: fmt.Appendf(nil, `{"cuid":%d,"company":%q}`, i, name)}); err != nil {
				t.Fatal(err)
			}
		}
		list.end()
		var got []string
		err := list.kept.each(func(raw []byte) error {
			_, company, err := atom.Element{Raw: raw}.Head()
			got = append(got, company)
			return err
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("with customers there: %v; they come as %q, want %q; %v", c.there, got, c.want, err)
		}
	}
}
