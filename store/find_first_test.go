package store

import (
	"fmt"
	"reflect"
	"testing"
)

// TestUncountedFindsTheSame: who asks not how many there are gets the same rows and
// the same next page, whether few or many fit, with and without the text index.
func TestUncountedFindsTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range gatherMost + 50 {
		c := Customer{CUID: fmt.Sprintf("c%03d", i), Company: fmt.Sprintf("Many %d Bygg", 7*i%1000), Phone: fmt.Sprintf("+4670%07d", i), Country: "Sweden", Fields: fields("i", fmt.Sprint(i))}
		if i%50 == 0 {
			c.Company, c.Country = fmt.Sprintf("Bygg %d", i), "Norway"
		}
		r.upsert(c)
	}
	for _, indexed := range []bool{false, true} {
		if indexed {
			r.indexed()
		}
		for _, q := range []CustomerQuery{
			{}, {Text: "bygg"}, {Text: "many bygg"}, {Text: "bygg 50"}, {Text: "b"}, {Text: "070-000 00 07"}, {Text: "c007"}, {Text: "nobody at all"},
			{Text: "bygg", Country: "Norway"}, {Text: "bygg", Sort: "-company"}, {Text: "bygg", Gone: true},
		} {
			q.Limit = 7
			for page := range 3 {
				counted, err := r.FindCustomers(ctx, q)
				if err != nil {
					t.Fatalf("%+v: %v", q, err)
				}
				quick := q
				quick.Uncounted = true
				got, err := r.FindCustomers(ctx, quick)
				if err != nil {
					t.Fatalf("%+v: %v", quick, err)
				}
				if got.Total != 0 {
					t.Errorf("%+v: a total of %d, and none was asked for", quick, got.Total)
				}
				if got.Total = counted.Total; !reflect.DeepEqual(got, counted) {
					t.Errorf("indexed %v, page %d of %+v:\n got %v\nwant %v", indexed, page, q, got, counted)
				}
				if q.Cursor = counted.Next; q.Cursor == "" {
					break
				}
			}
		}
	}
}

// TestUncountedCountsNothing: neither all customers nor all that fit are counted.
func TestUncountedCountsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range gatherMost + 50 {
		r.upsert(Customer{CUID: fmt.Sprint(i), Company: "Some Company", Fields: fields("i", fmt.Sprint(i))})
	}
	r.indexed()
	for _, text := range []string{"", "some", "nobody"} {
		page, err := r.FindCustomers(ctx, CustomerQuery{Text: text, Limit: 7, Uncounted: true})
		if err != nil || (len(page.Customers) == 7) != (text != "nobody") {
			t.Errorf("%q: %d customers, %v", text, len(page.Customers), err)
		}
	}
	if r.totals.counts != nil {
		t.Errorf("counted: %v", r.totals.counts)
	}
}
