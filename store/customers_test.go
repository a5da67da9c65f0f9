package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func (r *rig) upsert(c Customer) (added, changed bool) {
	r.Helper()
	r.write(func(tx *Tx) (err error) { added, changed, err = tx.UpsertRow(ctx, NewCustomerRow(c)); return err })
	return added, changed
}

// markGone marks those who came in before a moment, but for some.
func (r *rig) markGone(began time.Time, stay ...string) (n int) {
	r.Helper()
	var gone []string
	if err := r.EachListed(ctx, began, func(l Listed) {
		if l.Before && !slices.Contains(stay, l.CUID) {
			gone = append(gone, l.CUID)
		}
	}); err != nil {
		r.Fatal(err)
	}
	r.write(func(tx *Tx) (err error) { n, err = tx.MarkGone(ctx, gone); return err })
	return n
}

func fields(pairs ...string) (all []Field) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, Field{pairs[i], pairs[i+1]})
	}
	return all
}

var nordbygg = Customer{
	CUID: "c/1#?%", Company: "Örnsköldsvik Bygg AB", Email: "Ana.Öst+x@Nordbygg.example", Name: "Ana Öst", Address: "Storgatan 1",
	Country: "Sweden", City: "Malmö", Zip: "211 34", State: "Skåne", Phone: "+46 (0)70-123 45 67", Website: "https://nordbygg.example",
	Created: "2025-04-05T06:07:08Z",
	Fields:  fields("cuid", "c/1#?%", "company", "Örnsköldsvik Bygg AB", "plan", "pro", "tags", `["a",null]`, "empty", "", "plan", "twice"),
}

// No field is too long: what ATOM says is kept as it is, found by its end, and sorted.
func TestFieldsOfAnyLength(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := func(seed uint64) string {
		dice := rand.New(rand.NewPCG(seed, 0))
		text := ""
		for len(text) < 20_000 { // not to be compressed
			text += string(rune('a'+dice.IntN(26))) + string(rune('à'+dice.IntN(20)))
		}
		return text
	}
	var all []Customer
	for i := range uint64(3) {
		c := Customer{CUID: fmt.Sprint("long", i), Company: "Company " + long(i), Email: long(i + 10), Name: long(i + 20), City: long(i + 30), State: long(i + 40),
			Country: long(i + 50), Phone: "+46 " + long(i+60), Created: long(i + 70), Website: long(i + 80), Address: long(i + 90), Fields: fields("cuid", fmt.Sprint("long", i))}
		r.upsert(c)
		all = append(all, c)
	}
	r.indexed()
	for _, sort := range []CustomerSort{"", "company", "-email", "name", "city", "phone", "country", "state", "-created"} {
		var got []string
		q := CustomerQuery{Sort: sort, Limit: 1}
		for range all {
			page, err := r.FindCustomers(ctx, q)
			if err != nil || len(page.Customers) != 1 {
				t.Fatalf("%s: %d customers, %v", sort, len(page.Customers), err)
			}
			got, q.Cursor = append(got, page.Customers[0].CUID), page.Next
		}
		if slices.Sort(got); !slices.Equal(got, []string{"long0", "long1", "long2"}) || q.Cursor != "" {
			t.Errorf("%s: %v", sort, got)
		}
	}
	company := Fold(all[1].Company)
	page, err := r.FindCustomers(ctx, CustomerQuery{Text: company[len(company)-100:], Limit: 9})
	if err != nil || len(page.Customers) != 1 || page.Customers[0].Company != all[1].Company {
		t.Errorf("%d found, %v", len(page.Customers), err)
	}
}

func TestUpsertKeepsEverythingAndWritesOnlyChanges(t *testing.T) {
	r := newRig(t)
	if added, changed := r.upsert(nordbygg); !added || changed {
		t.Errorf("new: added %v changed %v", added, changed)
	}
	want := nordbygg
	want.SeenAt, want.ChangedAt = start, start
	if got, err := r.Customer(ctx, nordbygg.CUID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	r.clock.Add(time.Hour)
	if added, changed := r.upsert(nordbygg); added || changed {
		t.Errorf("the same: added %v changed %v", added, changed)
	}
	if got, _ := r.Customer(ctx, nordbygg.CUID); !got.ChangedAt.Equal(start) {
		t.Errorf("the same was written: changed at %v", got.ChangedAt)
	}
	// Its digest is written alone, and only when it is another.
	digest := func(c Customer, sum string) (total int) {
		c.Digest = []byte(sum)
		var before, after int
		r.write(func(tx *Tx) error {
			count := func(n *int) error { return tx.QueryRowContext(ctx, rowsWritten).Scan(n) }
			if err := count(&before); err != nil {
				return err
			}
			if added, changed, err := tx.UpsertRow(ctx, NewCustomerRow(c)); added || changed || err != nil {
				t.Errorf("its digest: added %v changed %v, %v", added, changed, err)
			}
			return count(&after)
		})
		return after - before
	}
	if first, again, other := digest(nordbygg, "one"), digest(nordbygg, "one"), digest(nordbygg, "two"); first != 1 || again != 0 || other != 1 {
		t.Errorf("the digest took %d writes, the same one %d, another %d; want 1, 0, 1", first, again, other)
	}
	if got, _ := r.Customer(ctx, nordbygg.CUID); !got.ChangedAt.Equal(start) {
		t.Errorf("a digest changed the customer: %v", got.ChangedAt)
	}
	// A field that frontdesk does not know counts too.
	changed := nordbygg
	changed.Fields = append(slices.Clone(nordbygg.Fields), Field{"new", "field"})
	if added, did := r.upsert(changed); added || !did {
		t.Errorf("another field: added %v changed %v", added, did)
	}
	got, _ := r.Customer(ctx, nordbygg.CUID)
	if !got.SeenAt.Equal(start) || !got.ChangedAt.Equal(start.Add(time.Hour)) || !reflect.DeepEqual(got.Fields, changed.Fields) {
		t.Errorf("after a change %+v", got)
	}
	if _, err := r.Customer(ctx, "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestGoneAndBack(t *testing.T) {
	r := newRig(t)
	for _, cuid := range []string{"stays", "goes"} {
		r.upsert(Customer{CUID: cuid, Email: "shared@example.com", Fields: fields("cuid", cuid)})
	}
	r.clock.Add(time.Hour)
	began := r.clock.Now()
	r.clock.Add(time.Second)
	r.upsert(Customer{CUID: "meanwhile", Email: "shared@example.com", Fields: fields("cuid", "meanwhile")}) // created while the list was on its way
	mark := func() (n int) {
		return r.markGone(began, "stays")
	}
	var before, since []string
	if err := r.EachListed(ctx, began, func(l Listed) {
		if l.Before {
			before = append(before, l.CUID)
		} else {
			since = append(since, l.CUID)
		}
	}); err != nil || !slices.Equal(before, []string{"goes", "stays"}) || !slices.Equal(since, []string{"meanwhile"}) {
		t.Errorf("before %q, since %q, %v", before, since, err)
	}
	if n := mark(); n != 1 {
		t.Errorf("%d marked", n)
	}
	if n := mark(); n != 0 {
		t.Errorf("%d marked again", n)
	}
	if got, err := r.Customer(ctx, "goes"); err != nil || !got.GoneAt.Equal(r.clock.Now()) {
		t.Errorf("gone at %v, %v", got.GoneAt, err)
	}
	counts := func() (all, byEmail, found int) {
		all, _ = r.CountCustomers(ctx)
		same, _ := r.CustomersByEmail(ctx, " SHARED@example.com")
		page, err := r.FindCustomers(ctx, CustomerQuery{Limit: 9})
		if err != nil || page.Total != len(page.Customers) {
			t.Errorf("%+v, %v", page, err)
		}
		return all, len(same), len(page.Customers)
	}
	if a, b, c := counts(); a != 2 || b != 2 || c != 2 {
		t.Errorf("counted %d, by e-mail %d, found %d; want 2 without the one that is gone", a, b, c)
	}
	if added, changed := r.upsert(Customer{CUID: "goes", Email: "shared@example.com", Fields: fields("cuid", "goes")}); added || !changed {
		t.Errorf("back: added %v changed %v", added, changed)
	}
	if a, b, c := counts(); a != 3 || b != 3 || c != 3 {
		t.Errorf("back: %d %d %d", a, b, c)
	}
}

func TestSearch(t *testing.T) {
	r := newRig(t)
	r.upsert(nordbygg)
	r.upsert(Customer{CUID: "us_1", Company: "100% Pure_Water \\ Co", Email: "o'neil@pure.example", Name: "Sean O'Neil", City: "San José", Country: "USA", State: "CA", Phone: "+14155550100", Fields: fields("cuid", "us_1")})
	r.upsert(Customer{CUID: "usx1", Company: "1000 Pures Water", Email: "x@pure.example", City: "Tokyo", Country: "usa", State: "Ca", Phone: "", Fields: fields("cuid", "usx1")})
	for _, tt := range []struct {
		q    CustomerQuery
		want string
	}{
		{CustomerQuery{Text: ""}, "c/1#?% us_1 usx1"},
		{CustomerQuery{Text: "  \t "}, "c/1#?% us_1 usx1"},
		{CustomerQuery{Text: "bygg ORNSKOLDSVIK"}, "c/1#?%"},
		{CustomerQuery{Text: "örnsköldsvik"}, "c/1#?%"},
		{CustomerQuery{Text: "o\u0308rnsko\u0308ldsvik"}, "c/1#?%"}, // the accents as characters of their own
		{CustomerQuery{Text: "malmo ana"}, "c/1#?%"},
		{CustomerQuery{Text: "malmo sean"}, ""}, // every word, in one customer
		{CustomerQuery{Text: "ana.öst+x@nordbygg"}, "c/1#?%"},
		{CustomerQuery{Text: "c/1#?%"}, "c/1#?%"},
		{CustomerQuery{Text: "0701234567"}, "c/1#?%"},
		{CustomerQuery{Text: "123 45 67"}, "c/1#?%"},
		{CustomerQuery{Text: "123-4567"}, "c/1#?%"},
		{CustomerQuery{Text: "(415) 555-0100"}, "us_1"},
		{CustomerQuery{Text: "+1-415-555-0100"}, "us_1"},
		{CustomerQuery{Text: "415.555.01"}, "us_1"},
		{CustomerQuery{Text: "o'neil"}, "us_1"},
		{CustomerQuery{Text: "jose"}, "us_1"},
		{CustomerQuery{Text: "100%"}, "us_1"}, // a wildcard is a character here
		{CustomerQuery{Text: "us_1"}, "us_1"},
		{CustomerQuery{Text: `\`}, ""}, // one or two characters are a beginning
		{CustomerQuery{Text: "x@"}, "usx1"},
		{CustomerQuery{Text: "se"}, "us_1"},
		{CustomerQuery{Text: "ea"}, ""},
		{CustomerQuery{Text: `y_w`}, ""},
		{CustomerQuery{Text: `re_w`}, "us_1"},
		{CustomerQuery{Text: `r \ co`}, "us_1"},
		{CustomerQuery{Text: "https://www.NORDBYGG.example/"}, "c/1#?%"},
		{CustomerQuery{Text: "+46701234567"}, "c/1#?%"},
		{CustomerQuery{Text: "0046 70 123 45 67"}, "c/1#?%"},
		{CustomerQuery{Text: "070-123"}, "c/1#?%"},
		{CustomerQuery{Text: "san jo"}, "us_1"},
		{CustomerQuery{Text: "sean o"}, "us_1"}, // the letter that is being typed
		{CustomerQuery{Text: "storgatan"}, ""},  // addresses are not searched
		{CustomerQuery{Text: "bygg\x00"}, ""},
		{CustomerQuery{Text: "\xff\xfe"}, ""},
		{CustomerQuery{Country: "uSa"}, "us_1 usx1"},
		{CustomerQuery{Country: "us"}, ""},
		{CustomerQuery{State: " ca "}, "us_1 usx1"},
		{CustomerQuery{State: "SKÅNE"}, "c/1#?%"},
		{CustomerQuery{State: "ca", Text: "tokyo"}, "usx1"},
		{CustomerQuery{State: "ca", Country: "Sweden"}, ""},
		// No search may fail for being long; SQLite bounds expressions and patterns.
		{CustomerQuery{Text: strings.Repeat("bygg ", 5000)}, "c/1#?%"},
		{CustomerQuery{Text: strings.Repeat("ö", 60_000)}, ""},
	} {
		for _, indexed := range []bool{false, true} {
			if indexed {
				r.indexed()
			} else {
				r.write(func(tx *Tx) error { return tx.DropTextIndex(ctx) })
			}
			tt.q.Limit, tt.q.Sort = 9, "country"
			page, err := r.FindCustomers(ctx, tt.q)
			var got []string
			for _, c := range page.Customers {
				got = append(got, c.CUID)
			}
			name := fmt.Sprintf("%.40q %q %q, indexed %v", tt.q.Text, tt.q.Country, tt.q.State, indexed)
			if err != nil || strings.Join(got, " ") != tt.want || page.Total != len(got) {
				t.Errorf("%s: %v of %d, %v; want %s", name, got, page.Total, err, tt.want)
			}
		}
	}
	countries, states, err := r.Places(ctx)
	if err != nil || !slices.Equal(countries, []string{"Sweden", "USA"}) || !slices.Equal(states, []string{"CA", "Skåne"}) {
		t.Errorf("places %q %q %v", countries, states, err)
	}
}

func cuidsOf(page CustomerPage) (cuids []string) {
	for _, c := range page.Customers {
		cuids = append(cuids, c.CUID)
	}
	return cuids
}

// pages walks a listing from its first page, calling between before each later
// one, and returns the cuids in order and the last page.
func (r *rig) pages(q CustomerQuery, between func(page int)) (cuids []string, last CustomerPage) {
	r.Helper()
	for n := 0; ; n++ {
		page, err := r.FindCustomers(ctx, q)
		if err != nil {
			r.Fatal(err)
		}
		cuids = append(cuids, cuidsOf(page)...)
		if page.Next == "" {
			return cuids, page
		}
		if len(page.Customers) != q.Limit || n > 50 {
			r.Fatalf("page %d has %d customers", n, len(page.Customers))
		}
		q.Cursor = page.Next
		if between != nil {
			between(n)
		}
	}
}

func TestEverySortBothWaysIsCompleteForwardAndBack(t *testing.T) {
	r := newRig(t)
	keys := []string{"b", "B", "á", "", "a", "ö", "z"} // with duplicates once folded
	const n = 23
	r.write(func(tx *Tx) error {
		for i := range n {
			k := keys[i%len(keys)]
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(Customer{
				CUID: fmt.Sprintf("c%02d", i), Company: k, Email: k, Name: k, City: k, Country: k, State: k, Phone: k,
				Created: []string{"2024-01-02", "2024-01-02T00:00:00Z", "2024-01-01T23:00:00-02:00", "2023-12-31 10:00:00", "", "odd"}[i%6],
				Fields:  fields("i", fmt.Sprint(i)),
			})); err != nil {
				return err
			}
		}
		return nil
	})
	for sort := range customerSorts {
		for _, sort := range []CustomerSort{sort, "-" + sort} {
			if !sort.Valid() {
				t.Fatalf("%s is not valid", sort)
			}
			whole, err := r.FindCustomers(ctx, CustomerQuery{Sort: sort, Limit: 100})
			if err != nil || len(whole.Customers) != n || whole.Next != "" || whole.Previous != "" {
				t.Fatalf("%s: %d customers, %v", sort, len(whole.Customers), err)
			}
			var order []string
			for i, c := range whole.Customers {
				order = append(order, c.CUID)
				if i == 0 {
					continue
				}
				key := func(c Customer) string {
					if sort.Column() == "created" {
						return createdKey(c.Created)
					}
					if sort.Column() == "phone" {
						return c.Phone // as written
					}
					return Fold(c.Company)
				}
				// The cuid decides between equal keys, so that the order is total.
				a, b := key(whole.Customers[i-1].Customer)+"\x00"+whole.Customers[i-1].CUID, key(c.Customer)+"\x00"+c.CUID
				if (a < b) == sort.Descending() {
					t.Errorf("%s: %q before %q", sort, a, b)
				}
			}
			forward, last := r.pages(CustomerQuery{Sort: sort, Limit: 4}, nil)
			if !slices.Equal(forward, order) {
				t.Errorf("%s forward: %v\nwant %v", sort, forward, order)
			}
			var back []string
			for page := last; ; {
				var cuids []string
				for _, c := range page.Customers {
					cuids = append(cuids, c.CUID)
				}
				back = append(cuids, back...)
				if page.Previous == "" {
					break
				}
				if page, err = r.FindCustomers(ctx, CustomerQuery{Sort: sort, Limit: 4, Cursor: page.Previous}); err != nil {
					t.Fatal(err)
				}
				if page.Next == "" {
					t.Fatalf("%s: a page before the last has no next", sort)
				}
			}
			if !slices.Equal(back, order) {
				t.Errorf("%s back: %v\nwant %v", sort, back, order)
			}
		}
	}
}

// Rows that come while somebody turns the pages neither hide nor repeat others.
func TestPagesWhileRowsAreInserted(t *testing.T) {
	r := newRig(t)
	for i := range 9 {
		r.upsert(Customer{CUID: fmt.Sprintf("m%d", i), Company: "same", Fields: fields("i", fmt.Sprint(i))})
	}
	got, _ := r.pages(CustomerQuery{Limit: 3}, func(page int) {
		// One before what was seen, and one with the same key, also before.
		r.upsert(Customer{CUID: fmt.Sprintf("a%d", page), Company: "aaa", Fields: fields("p", fmt.Sprint(page))})
		r.upsert(Customer{CUID: fmt.Sprintf("b%d", page), Company: "SAME", Fields: fields("p", fmt.Sprint(page))})
	})
	if want := strings.Fields("m0 m1 m2 m3 m4 m5 m6 m7 m8"); !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

func TestBadCursors(t *testing.T) {
	r := newRig(t)
	r.upsert(nordbygg)
	good := cursor{"company", 0, "a", "", "b", false}.String()
	for name, q := range map[string]CustomerQuery{
		"not base64":        {Cursor: "%%%"},
		"not JSON":          {Cursor: base64.RawURLEncoding.EncodeToString([]byte("company"))},
		"null":              {Cursor: base64.RawURLEncoding.EncodeToString([]byte("null"))},
		"of another sort":   {Cursor: good, Sort: "email"},
		"of no sort":        {Cursor: good},
		"of no tier":        {Cursor: cursor{"", 3, "a", "", "b", false}.String()},
		"of a tier before":  {Cursor: cursor{"", -1, "a", "", "b", true}.String()},
		"of the other way":  {Cursor: good, Sort: "-company"},
		"an unknown sort":   {Sort: "fields"},
		"two minus signs":   {Sort: "--company"},
		"SQL for a sort":    {Sort: "cuid; DROP TABLE customers"},
		"a key that is SQL": {Cursor: good, Sort: "company_key"},
	} {
		q.Limit = 5
		if page, err := r.FindCustomers(ctx, q); !errors.Is(err, ErrBadCursor) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	if page, err := r.FindCustomers(ctx, CustomerQuery{Cursor: good, Sort: "company", Limit: 5}); err != nil || len(page.Customers) != 1 {
		t.Errorf("a good one: %+v, %v", page, err)
	}
}

func TestRecentCustomersAreOnesOwnTheLatestFirst(t *testing.T) {
	r := newRig(t)
	for _, cuid := range []string{"a", "b", "c"} {
		r.upsert(Customer{CUID: cuid, Fields: fields("cuid", cuid)})
	}
	for _, e := range []struct {
		staff int64
		on    string
	}{{1, "a"}, {1, "b"}, {2, "c"}, {1, "a"}, {1, "phone:+46"}, {1, ""}} {
		r.write(func(tx *Tx) error { return tx.Append(ctx, entry(e.staff, e.on)) })
	}
	for staff, want := range map[int64]string{1: "a b", 2: "c", 3: ""} {
		list, err := r.RecentCustomers(ctx, staff, 5)
		var got []string
		for _, c := range list {
			got = append(got, c.CUID)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("of %d: %v, %v; want %s", staff, got, err, want)
		}
	}
}

func TestSyncReports(t *testing.T) {
	r := newRig(t)
	if _, err := r.LastSync(ctx); !errors.Is(err, ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	good := SyncReport{StartedAt: start, EndedAt: start.Add(time.Second), Outcome: "done", Total: 7, Added: 1, Changed: 2, Gone: 3, Skipped: 4, Detail: "x"}
	bad := SyncReport{StartedAt: start.Add(time.Minute), EndedAt: start.Add(time.Minute), Outcome: "failed"}
	for _, s := range []SyncReport{good, bad} {
		r.write(func(tx *Tx) error { return tx.AddSync(ctx, s) })
	}
	if got, err := r.LastSync(ctx); err != nil || got != bad {
		t.Errorf("last %+v, %v", got, err)
	}
	if got, err := r.LastGoodSync(ctx); err != nil || got != good {
		t.Errorf("last good %+v, %v", got, err)
	}
}

func TestCreatesWithALostAnswerAreSettled(t *testing.T) {
	const patience, gap = 10 * time.Minute, 30 * time.Second
	email := "Ana@Example.com"
	customer := Customer{CUID: "new", Email: "ana@example.COM", Fields: fields("cuid", "new")}
	settle := func(r *rig, began time.Time) (settled []OpenCreate) {
		r.Helper()
		r.write(func(tx *Tx) (err error) { settled, err = tx.SettleCreates(ctx, began, patience, gap); return err })
		return settled
	}
	for _, tt := range []struct {
		name string
		work func(r *rig)
		want string
	}{
		{"a sync that began before it says nothing", func(r *rig) { settle(r, start); settle(r, start.Add(-time.Hour)) }, "open"},
		{"one sync without it is not enough", func(r *rig) { settle(r, start.Add(time.Second)) }, "open"},
		{"nor is one that began late", func(r *rig) { settle(r, start.Add(time.Minute)) }, "open"},
		{"two quick syncs are not either", func(r *rig) { settle(r, start.Add(time.Second)); settle(r, start.Add(gap-time.Millisecond)) }, "open"},
		{"two syncs without it, the last after the gap", func(r *rig) { settle(r, start.Add(time.Second)); settle(r, start.Add(gap)) }, "not created"},
		{"two quick ones, and one after the gap", func(r *rig) {
			settle(r, start.Add(time.Second))
			settle(r, start.Add(2*time.Second))
			settle(r, start.Add(gap))
		}, "not created"},
		{"a moment before ten minutes", func(r *rig) { settle(r, start.Add(patience-time.Millisecond)) }, "open"},
		{"ten minutes without it", func(r *rig) { settle(r, start.Add(patience)) }, "not created"},
		{"by e-mail", func(r *rig) { r.clock.Add(time.Second); r.upsert(customer); settle(r, start.Add(time.Second)) }, "created"},
		{"by e-mail in the second sync", func(r *rig) {
			settle(r, start.Add(time.Second))
			r.clock.Add(time.Second)
			r.upsert(customer)
			settle(r, start.Add(time.Hour))
		}, "created"},
		{"not by a customer who was there before", func(r *rig) {
			r.clock.Add(-time.Hour)
			r.upsert(customer)
			r.clock.Add(2 * time.Hour)
			settle(r, start.Add(time.Second))
		}, "open"},
		{"not by a customer who is gone", func(r *rig) {
			r.upsert(customer)
			r.markGone(start.Add(time.Hour))
			settle(r, start.Add(time.Second))
		}, "open"},
		{"once settled it stays so", func(r *rig) {
			settle(r, start.Add(patience))
			r.clock.Add(time.Hour)
			r.upsert(customer)
			if again := settle(r, start.Add(time.Hour)); len(again) != 0 {
				r.Errorf("settled again: %+v", again)
			}
		}, "not created"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.write(func(tx *Tx) error {
				return tx.AddOpenCreate(ctx, OpenCreate{Act: "act", Company: "Ana AB", Email: email, StartedAt: start})
			})
			tt.work(r)
			got, err := r.OpenCreateOfAct(ctx, "act")
			if err != nil || got.State != tt.want || (got.CUID == "new") != (tt.want == "created") || got.SettledAt.IsZero() != (tt.want == "open") {
				t.Errorf("%+v, %v; want %s", got, err, tt.want)
			}
			open, err := r.OpenCreates(ctx)
			if err != nil || (len(open) == 1) != (tt.want == "open") {
				t.Errorf("open %+v, %v", open, err)
			}
			r.write(func(tx *Tx) error {
				_, err := tx.OpenCreateOfEmail(ctx, " ANA@example.com ")
				if (err == nil) != (tt.want == "open") || err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("of the e-mail: %v", err)
				}
				return nil
			})
		})
	}
}

func TestCodes(t *testing.T) {
	r := newRig(t)
	var ids []int64
	codes := []Code{
		{Act: "a1", IP1ID: 7, Phone: "+46701234567", Sender: "Us", StaffID: 1, StaffName: "Mia", SentAt: start, ExpiresAt: start.Add(time.Hour), CheckedAt: start},
		{Act: "a2", Phone: "+46701234567", StaffID: 1, StaffName: "Mia", SentAt: start, CheckedAt: start},               // unknown whether it went out
		{Act: "a3", IP1ID: 7, Phone: "+14155550100", StaffID: 2, StaffName: "Bo", SentAt: start, CheckedAt: start},      // the ID again: another account's, a sandbox that began anew
		{Act: "a4", Phone: "+14155550100", StaffID: 2, StaffName: "Bo", SentAt: start, Expired: true, CheckedAt: start}, // two unknown ones do not collide
	}
	for i := range codes {
		r.write(func(tx *Tx) (err error) {
			codes[i].ID, err = tx.AddCode(ctx, codes[i])
			ids = append(ids, codes[i].ID)
			return err
		})
	}
	for _, want := range codes {
		if got, err := r.Code(ctx, want.ID); err != nil || got != want {
			t.Errorf("%+v, %v\nwant %+v", got, err, want)
		}
	}
	recent, err := r.RecentCodes(ctx, 3)
	if err != nil || len(recent) != 3 || recent[0].ID != ids[3] || recent[2].ID != ids[1] {
		t.Errorf("recent %+v, %v", recent, err)
	}
	changed := codes[0]
	changed.UsedAt, changed.CheckedAt, changed.Expired = start.Add(time.Minute), start.Add(time.Minute), true
	r.write(func(tx *Tx) error { return tx.UpdateCode(ctx, changed) })
	if got, _ := r.Code(ctx, changed.ID); got != changed {
		t.Errorf("updated %+v, want %+v", got, changed)
	}
	if _, err := r.Code(ctx, 999); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
