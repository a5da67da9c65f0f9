//go:build !race

package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// finding is a small mirror of which the test knows all.
type finding struct {
	*rig
	rand *rand.Rand
	all  map[string]Customer
}

func (f *finding) pick(texts ...string) string { return texts[f.rand.IntN(len(texts))] }

func (f *finding) random(cuid string) Customer {
	c := Customer{
		CUID: cuid, Company: f.pick("Anna", "anna", "Annas Bygg", "Berg & Anna AB", "Übel", "ubel ab", "Zed", "zed  ab", "渡辺商店", ""),
		Name: f.pick("Anna Berg", "Berg", "Zoë", "an", ""), City: f.pick("Annaberg", "Berg", "Umeå", ""),
		Phone:   f.pick("070-123 45 67", "+46701234567", "(415) 555-0100", ""),
		Website: f.pick("https://www.berg.example/", ""), Country: f.pick("Sweden", "sweden", "Norway"), State: f.pick("", "CA"),
		Created: f.pick("2024-01-02", "2025-06-01T00:00:00Z", "odd", ""), Fields: fields("v", fmt.Sprint(f.rand.IntN(1<<30))),
	}
	c.Email = f.pick("anna", "berg", cuid) + "@" + f.pick("anna.example", "zed.example")
	return c
}

// change does something to the mirror, as a sync or an act would.
func (f *finding) change() {
	f.clock.Add(time.Second)
	cuid := fmt.Sprintf("c%d", f.rand.IntN(80))
	if f.rand.IntN(6) == 0 { // ATOM lists one less
		f.write(func(tx *Tx) error { _, err := tx.MarkGone(ctx, []string{cuid}); return err })
		if c, ok := f.all[cuid]; ok && c.GoneAt.IsZero() {
			c.GoneAt = f.clock.Now()
			f.all[cuid] = c
		}
		return
	}
	c := f.random(cuid)
	f.upsert(c)
	f.all[cuid] = c
}

// want is what a query lists, in its order, worked out the plain way.
func (f *finding) want(q CustomerQuery) (cuids []string) {
	t := parseText(q.Text)
	tier := map[string]int{}
	var found []Customer
	for _, c := range f.all {
		search := searchText(c)
		fits := t.none() || t.upTo(inside).in(search) || c.CUID == strings.TrimSpace(q.Text)
		if !fits || c.GoneAt.IsZero() == q.Gone || (q.Country != "" && Fold(c.Country) != Fold(q.Country)) || (q.State != "" && Fold(c.State) != Fold(q.State)) ||
			(!q.From.IsZero() && createdKey(c.Created) < q.From.Format(createdLayout)) || (!q.To.IsZero() && createdKey(c.Created) >= q.To.Format(createdLayout)) {
			continue
		}
		if q.Sort == "" && !t.none() {
			for tier[c.CUID] = exact; !t.upTo(tier[c.CUID]).in(search) && tier[c.CUID] < inside; tier[c.CUID]++ {
			}
		}
		if !t.none() && !t.upTo(inside).in(search) {
			tier[c.CUID] = -1 // the pasted cuid comes first
		}
		found = append(found, c)
	}
	key := func(c Customer) string {
		switch q.Sort.Column() {
		case "email":
			return Fold(c.Email)
		case "country":
			return Fold(c.Country)
		case "city":
			return Fold(c.City)
		case "state":
			return Fold(c.State)
		}
		return Fold(c.Company)
	}
	then := func(c Customer) string { // those of one place by company
		if slices.Contains([]CustomerSort{"city", "country", "state"}, q.Sort.Column()) {
			return Fold(c.Company)
		}
		return ""
	}
	slices.SortFunc(found, func(a, b Customer) int {
		by := cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(then(a), then(b)), cmp.Compare(a.CUID, b.CUID))
		if q.Sort.Descending() {
			by = -by
		}
		if min(tier[a.CUID], tier[b.CUID]) < 0 || q.Sort == "" {
			by = cmp.Or(cmp.Compare(tier[a.CUID], tier[b.CUID]), by)
		}
		return by
	})
	for _, c := range found {
		cuids = append(cuids, c.CUID)
	}
	return cuids
}

// TestFindingAgreesWithLookingAtEverybody compares random searches of a mirror
// that changes with the plain way: with the text index, without it, and while it
// is half built; forwards, backwards, page by page.
func TestFindingAgreesWithLookingAtEverybody(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		f := &finding{newRig(t), rand.New(rand.NewPCG(seed, 1)), map[string]Customer{}}
		for range 60 {
			f.change()
		}
		for step := range 120 {
			switch f.rand.IntN(13) {
			case 12: // some of those who wait
				f.write(func(tx *Tx) error { return tx.someIndexed(f.rand.IntN(9)) })
			case 0:
				f.write(func(tx *Tx) error { return tx.DropTextIndex(ctx) })
			case 1:
				f.IndexCustomers(ctx)
			case 2: // half built: up to some customer
				f.write(func(tx *Tx) error {
					if err := tx.DropTextIndex(ctx); err != nil {
						return err
					}
					return tx.halfIndexed(f.rand.IntN(40), f.rand.IntN(40))
				})
			}
			f.change()
			q := CustomerQuery{
				Text: f.pick("", "anna", "ANNA", "Anna Berg", "berg anna", "b", "be", "ü", "ab", "zed ab", "070-123 45 67", "555 0100", "1234", "c7", "c12", " c33 ", "渡辺", "渡辺商",
					"example", "an b", "www.berg.example", "nobody at all", "zed  AB", `"anna" OR`),
				Country: f.pick("", "", "SWEDEN"), State: f.pick("", "", "ca"), Gone: f.rand.IntN(6) == 0,
				Sort: CustomerSort(f.pick("", "", "company", "-company", "email", "-country", "country", "city", "-state")), Limit: 1 + f.rand.IntN(7),
			}
			if f.rand.IntN(5) == 0 {
				q.From = time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
			}
			if f.rand.IntN(5) == 0 {
				q.To = time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
			}
			want := f.want(q)
			var got []string
			var page CustomerPage
			for {
				var err error
				if page, err = f.FindCustomers(ctx, q); err != nil {
					t.Fatalf("seed %d, step %d, %+v: %v", seed, step, q, err)
				}
				if page.Total != len(want) {
					t.Fatalf("seed %d, step %d, %+v: total %d, want %d", seed, step, q, page.Total, len(want))
				}
				got = append(got, cuidsOf(page)...)
				if page.Next == "" {
					break
				}
				q.Cursor = page.Next
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d, %+v:\n got %v\nwant %v", seed, step, q, got, want)
			}
			back := cuidsOf(page)
			for page.Previous != "" {
				q.Cursor = page.Previous
				var err error
				if page, err = f.FindCustomers(ctx, q); err != nil {
					t.Fatal(err)
				}
				back = append(cuidsOf(page), back...)
			}
			if !slices.Equal(back, want) {
				t.Fatalf("seed %d, step %d, back, %+v:\n got %v\nwant %v", seed, step, q, back, want)
			}
		}
	}
}
