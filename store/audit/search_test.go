package audit_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// random fills a log with entries that any two filters have in common now and
// then: accents, wildcards, strangers, acts under way, clocks set back.
func (l *log) random(r *rand.Rand, n int) {
	l.Helper()
	people := []audit.Who{
		{StaffID: 1, Name: "Göran Öst", Portal: "customer", Username: "goran"}, {StaffID: 2, Name: "Mia Moreau", Portal: "customer", Username: "mia"},
		{StaffID: 2, Name: "Mia Moreau-Berg", Portal: "customer", Username: "mia"}, {StaffID: 3, Name: "100% Bo_b", Portal: "agent", Username: "bo_b"}, {},
	}
	subjects := []audit.Subject{
		{ID: "c1", Name: "Örebro Bygg 100%", Email: "Ana@Example.com"}, {ID: "c2", Name: "Bygg_Öst \"AB\"", Email: "bo@x.example"},
		{ID: "phone:+46", Name: "+46"}, {ID: "c10", Name: "Moreau & Söner"}, {}, {},
	}
	reasons := []string{"", "", "Ticket 12", "ticket 1212", "Ärende 21", "100% säker", "a_b"}
	var open []audit.Entry
	err := l.Write(ctx, func(tx *store.Tx) error {
		for range n {
			l.acts++
			e := audit.Entry{
				Act: fmt.Sprintf("ACT%d", l.acts), Phase: audit.Event, Who: pick(r, people), What: pick(r, []string{"sign in", "open as customer", "read live record", "ring Öst"}),
				On: pick(r, subjects), Reason: pick(r, reasons), Service: pick(r, []string{"", "atom", "portal", "ip1"}), Result: pick(r, audit.Results),
				Detail: pick(r, []string{"", "", "no route", "säger nej: 100%"}),
			}
			if r.IntN(6) == 0 {
				e.Who = audit.Who{Portal: "customer", Username: fmt.Sprintf("gäst%d", r.IntN(50))}
			}
			e.Who.Address, e.Who.Request = fmt.Sprintf("10.0.0.%d", r.IntN(30)), fmt.Sprintf("REQ%d", r.IntN(200))
			switch {
			case r.IntN(4) == 0:
				e.Phase, e.Result, e.Detail = audit.Intent, "", ""
				open = append(open, e)
			case len(open) > 0 && r.IntN(3) > 0:
				result := e.Result
				e, open = open[0], open[1:]
				e.Phase, e.Result = audit.Outcome, result
			}
			if r.IntN(40) == 0 {
				l.at = l.at.Add(-time.Duration(r.IntN(5 * int(time.Hour))))
			}
			l.at = l.at.Add(time.Duration(r.IntN(int(10 * time.Minute))))
			if err := tx.Append(ctx, &e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

// everything is the whole log, newest first.
func (l *log) everything() (all []audit.Entry) {
	l.Helper()
	for id := int64(1); ; id++ {
		e, err := l.Entry(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			slices.Reverse(all)
			return all
		}
		if err != nil {
			l.Fatal(err)
		}
		all = append(all, e)
	}
}

// naive is what f lets through, by looking at every entry.
func naive(all []audit.Entry, f audit.Filter) (listed []audit.Entry) {
	over := map[string]bool{}
	for _, e := range all {
		over[e.Act] = over[e.Act] || e.Phase == audit.Outcome
	}
	for _, e := range all {
		if (e.Phase != audit.Intent || !over[e.Act] || f.Whole) && f.Match(&e, store.Fold) {
			listed = append(listed, e)
		}
	}
	return listed
}

func ids(entries []audit.Entry) (all []int64) {
	for _, e := range entries {
		all = append(all, e.ID)
	}
	return all
}

// parts are filters of one part each.
func parts() []audit.Filter {
	return []audit.Filter{
		{}, {StaffID: 2}, {StaffID: 9}, {Who: "mör"}, {Who: "MOREAU"}, {Who: "customer:g"}, {Who: "gast1"}, {Who: "o_"}, {Who: "%"}, {What: "ring Öst"}, {What: "ring"},
		{On: "ör"}, {On: "bygg"}, {On: "c1"}, {On: `"AB"`}, {On: "example"}, {On: "_"}, {OnID: "c1"}, {OnID: "c"}, {Result: audit.Unknown}, {Service: "atom"}, {Effect: true},
		{From: start.Add(26 * time.Hour)}, {From: start.Add(20*time.Hour + 17*time.Minute)}, {To: start.Add(31*time.Hour + time.Second)},
		{From: start.Add(30 * time.Hour), To: start.Add(32*time.Hour + 30*time.Minute)}, {Text: "100%"}, {Text: "ost"}, {Text: "1212"}, {Text: "ticket 1"}, {Text: "å"}, {Text: "GÄST"},
		{Text: "10.0.0.1"}, {Text: "req1"}, {Text: "REQ199"}, {Text: "eq1"}, {Text: "ACT17"}, {Text: "ACT1"}, {Text: "live rec"}, {Text: "nowhere"}, {Text: `"`}, {Text: "' OR 1=1"}, {Whole: true},
	}
}

// both is what two filters ask together, when they ask for different things.
func both(a, b audit.Filter) audit.Filter {
	set := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	a.StaffID, a.Effect, a.Whole = max(a.StaffID, b.StaffID), a.Effect || b.Effect, a.Whole || b.Whole
	set(&a.Who, b.Who)
	set(&a.What, b.What)
	set(&a.On, b.On)
	set(&a.OnID, b.OnID)
	set((*string)(&a.Result), string(b.Result))
	set(&a.Service, b.Service)
	set(&a.Text, b.Text)
	if !b.From.IsZero() {
		a.From = b.From
	}
	if !b.To.IsZero() {
		a.To = b.To
	}
	return a
}

// indexText brings n batches of the log into the text index; all with -1.
func (l *log) indexText(n int) {
	l.Helper()
	for more := true; more && n != 0; n-- {
		var err error
		if more, err = l.IndexText(ctx); err != nil {
			l.Fatal(err)
		}
	}
}

// pages reads the listing of f to its end, downwards or upwards from an ID, and
// returns it newest first.
func (l *log) pages(x *audit.Index, f audit.Filter, p audit.Page) []int64 {
	l.Helper()
	var all []int64
	for round := 0; ; round++ {
		found, err := x.Search(ctx, l.raw, f, p)
		if err != nil || round > 10_000 {
			l.Fatalf("%+v, %+v: %v", f, p, err)
		}
		page := ids(found.Entries)
		next := found.Reached
		if p.After > 0 {
			all = append(page, all...)
			if next == 0 && len(page) > 0 {
				next = page[0]
			}
			if !found.Newer {
				return all
			}
			p.After = next
		} else {
			all = append(all, page...)
			if next == 0 && len(page) > 0 {
				next = page[len(page)-1]
			}
			if !found.Older {
				return all
			}
			p.Before = next
		}
		if next == 0 {
			l.Fatalf("%+v, %+v: there is more, but from nowhere", f, p)
		}
	}
}

// Every filter, alone and with every other, lists what looking at every entry
// lists: with all of the text indexed, with some of it, and when a search gives
// up early again and again.
func TestSearchFindsWhatLookingAtEveryEntryFinds(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(3, 4))
	l.random(r, 700)
	l.indexText(2) // the rest is not indexed yet
	eager := audit.NewIndex(store.Fold)
	hasty := audit.NewIndex(store.Fold)
	hasty.Bound, hasty.Span, hasty.Slow = 5, 32, 1
	all := l.everything()
	check := func(f audit.Filter, indexes map[string]*audit.Index) {
		t.Helper()
		want := ids(naive(all, f))
		for name, x := range indexes {
			limit := 7 + r.IntN(60)
			if got := l.pages(x, f, audit.Page{Limit: limit}); !slices.Equal(got, want) {
				t.Errorf("%s, %d a page, %+v:\n%v, want\n%v", name, limit, f, got, want)
			}
			middle := 1 + r.Int64N(700)
			at, _ := slices.BinarySearchFunc(want, middle, func(id, middle int64) int { return int(middle - id) })
			if got := l.pages(x, f, audit.Page{After: middle, Limit: limit}); !slices.Equal(got, want[:at]) {
				t.Errorf("%s, upwards from %d, %d a page, %+v:\n%v, want\n%v", name, middle, limit, f, got, want[:at])
			}
		}
	}
	for i, a := range parts() {
		if thorough || i%5 == 0 {
			check(a, map[string]*audit.Index{"eager": eager, "hasty": hasty})
		}
		for j, b := range parts()[i:] {
			if !thorough && (i+j)%20 != 0 {
				continue
			}
			switch j % 8 { // hasty takes many times as long
			case 0:
				check(both(a, b), map[string]*audit.Index{"hasty": hasty})
			default:
				check(both(a, b), map[string]*audit.Index{"eager": eager})
			}
		}
	}
}

// Listings that are open in a browser stay whole while the log grows.
func TestPagingWhileTheLogGrows(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(5, 6))
	l.random(r, 300)
	x := audit.NewIndex(store.Fold)
	x.Bound, x.Span, x.Slow = 5, 32, 1
	for _, f := range []audit.Filter{{}, {Text: "öst"}, {Who: "gast"}, {On: "by"}, {Result: audit.Done, On: "bygg"}} {
		f.Whole = true // an act that ends meanwhile leaves the listing
		want := ids(naive(l.everything(), f))
		var got []int64
		for p := (audit.Page{Limit: 7}); ; {
			found, err := x.Search(ctx, l.raw, f, p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(found.Entries)...)
			if !found.Older {
				break
			}
			if p.Before = found.Reached; p.Before == 0 {
				p.Before = got[len(got)-1]
			}
			l.random(r, 3)
			l.indexText(1)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v", f, got, want)
		}
	}
}

func TestSummaryCountsWhatLookingAtEveryEntryCounts(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(7, 8))
	l.random(r, 700)
	l.indexText(2)
	all := l.everything()
	patient, hasty := audit.NewIndex(store.Fold), audit.NewIndex(store.Fold)
	patient.Slow = time.Minute
	hasty.Span, hasty.Slow = 32, 1
	for i, a := range parts() {
		for j, b := range parts()[i:] {
			if !thorough && (i+j)%10 != 0 {
				continue
			}
			f := both(a, b)
			listed := naive(all, f)
			for _, x := range []*audit.Index{patient, hasty} {
				n := 2 + r.IntN(60)
				got, err := x.Summarize(ctx, l.raw, f, n)
				if err != nil {
					t.Fatalf("%+v: %v", f, err)
				}
				if x == patient && !got.Capped && !got.About {
					sameSummary(t, f, n, got, listed)
				}
				if got.Total > len(listed) && !got.About || !got.Capped && got.Total < len(listed) {
					t.Errorf("%+v: %d in all (%t, %t), want %d", f, got.Total, got.Capped, got.About, len(listed))
				}
			}
		}
	}
}

// sameSummary compares a summary with what it sums up.
func sameSummary(t *testing.T, f audit.Filter, n int, got audit.Summary, listed []audit.Entry) {
	t.Helper()
	failed := func(e audit.Entry) bool { return e.Phase != audit.Intent && e.Result != audit.Done }
	want := audit.Summary{Total: len(listed)}
	for _, e := range listed {
		if failed(e) {
			want.Failed++
		}
	}
	if got.Total != want.Total || got.Failed != want.Failed || len(got.Buckets) > n || (len(got.Buckets) == 0) != (len(listed) == 0) {
		t.Errorf("%+v: %d, %d failed, %d of at most %d buckets; want %d, %d failed", f, got.Total, got.Failed, len(got.Buckets), n, want.Total, want.Failed)
	}
	in := 0
	for i, b := range got.Buckets {
		if i > 0 && !b.From.Equal(got.Buckets[i-1].To) {
			t.Errorf("%+v: bucket %d begins at %v", f, i, b.From)
		}
		var done, bad int
		for _, e := range listed {
			if e.At.Before(b.From) || !e.At.Before(b.To) {
				continue
			}
			in++
			switch {
			case failed(e):
				bad++
			case e.Result == audit.Done:
				done++
			}
		}
		if b.Done != done || b.Failed != bad {
			t.Errorf("%+v: %v to %v: %d done, %d failed; want %d, %d", f, b.From, b.To, b.Done, b.Failed, done, bad)
		}
	}
	if in != len(listed) {
		t.Errorf("%+v: %d of %d are in a bucket", f, in, len(listed))
	}
}
