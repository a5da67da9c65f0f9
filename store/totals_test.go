package store

import "testing"

// While a change is committed, nobody can tell whether a count has taken it in: it
// is not remembered.
func TestNothingIsRememberedWhileACommitIsUnderWay(t *testing.T) {
	t.Parallel()
	var all totals
	acme, change := fragment("acme"), moves{any: true, each: []move{{listed{}, listed{"acme", true}}}}
	counted := func(want int) {
		t.Helper()
		n, err := all.matching(acme, func() (int, error) { return want, nil })
		if err != nil || n != want {
			t.Errorf("%d, %v; want %d", n, err, want)
		}
	}
	counted(0)
	all.outdate()
	all.hold(change)
	all.found = nil
	counted(1) // it was committed just now
	all.follow(change, true)
	counted(1)
	all.hold(change)
	all.follow(change, false)
	counted(1)
}
