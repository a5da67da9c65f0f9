package store

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// fuzzMirror is a database with a mirror of customers that are alike in many ways.
func fuzzMirror(f *testing.F) *DB {
	f.Helper()
	db, err := Open(ctx, Options{Path: fresh(f), Secret: secretA, Now: func() time.Time { return start }})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	err = db.Write(ctx, func(tx *Tx) error {
		for i := range 60 {
			c := Customer{
				CUID: fmt.Sprintf("c%d", i), Company: []string{"Anna", "annas bygg", "Berg & Anna AB", "Übel", "", "渡辺商店", "100% \"x\""}[i%7], Name: []string{"Zoë", "an"}[i%2],
				Email: fmt.Sprintf("x%d@anna.example", i%9), Phone: []string{"070-123 45 67", "+1 415 555 0100", ""}[i%3], Country: []string{"Sweden", "sweden", "Norway"}[i%3],
				City: "Umeå", State: []string{"", "CA"}[i%2], Created: fmt.Sprintf("20%02d-06-01", i), Fields: []Field{{Name: "i", Value: fmt.Sprint(i)}},
			}
			if _, _, err := tx.UpsertRow(ctx, NewCustomerRow(c)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return db
}

// FuzzFindCustomers: whatever is looked for, and behind whatever cursor, a page holds
// only what the filter lets through, in its order; the pages together hold it all,
// once; and a cursor that is none of ours is told as such.
func FuzzFindCustomers(f *testing.F) {
	db := fuzzMirror(f)
	for _, text := range []string{"", "anna", "an", "berg anna", "070 123", "c7", "cuid:c7", "\x00", "\xff", `"x" OR *`, "%_", "渡", strings.Repeat("a ", 40), "tel:+46701234567", "🙂🙂", "x3@anna.example", "é\u0301"} {
		f.Add(text, "", "", "", []byte(""))
		f.Add(text, "sweden", "-created", "CA", []byte(`{"s":"-created","k":"2030","c":"c30"}`))
		f.Add(text, "", "email", "", []byte(`{"s":"email","k":"x3@anna.example","c":"c3","b":true}`))
		f.Add(text, "Norway", "", "", []byte(`{"s":"","t":1,"k":"anna","c":"","b":true}`))
	}
	for _, cursor := range []string{"null", "[]", "{}", `{"t":-1}`, `{"t":3}`, `{"k":"\u0000"}`, `{"s":"x"}`, `{"t":1e99}`, "\xff", `{"k":"` + strings.Repeat("å", 5000) + `"}`} {
		f.Add("anna", "", "", "", []byte(cursor))
	}
	f.Fuzz(func(t *testing.T, text, country, sort, state string, at []byte) {
		q := CustomerQuery{Text: text, Country: country, State: state, Sort: CustomerSort(sort), Limit: 11}
		fits := func(c ListedCustomer) bool {
			looked := parseText(text)
			stored, err := db.Customer(ctx, c.CUID)
			if err != nil {
				t.Fatal(err)
			}
			return (country == "" || Fold(c.Country) == Fold(country)) && (state == "" || Fold(c.State) == Fold(state)) &&
				(looked.none() || looked.upTo(inside).in(searchText(stored)) || strings.Contains(text, c.CUID))
		}
		for _, cursor := range []string{string(at), base64.RawURLEncoding.EncodeToString(at)} {
			odd := q
			odd.Cursor = cursor
			page, err := db.FindCustomers(ctx, odd)
			if errors.Is(err, ErrBadCursor) {
				continue
			}
			if err != nil {
				t.Fatalf("%+v: %v", odd, err)
			}
			for _, c := range page.Customers {
				if !fits(c) {
					t.Fatalf("%+v lists %+v", odd, c.Customer)
				}
			}
		}
		var forth, back []string
		for turn := 0; ; turn++ {
			page, err := db.FindCustomers(ctx, q)
			if errors.Is(err, ErrBadCursor) && !q.Sort.Valid() {
				return
			}
			if err != nil || turn > 20 {
				t.Fatalf("%+v: %v in turn %d", q, err, turn)
			}
			for _, c := range page.Customers {
				if !fits(c) {
					t.Fatalf("%+v lists %+v", q, c.Customer)
				}
				forth = append(forth, c.CUID)
			}
			if page.Next == "" {
				if page.Total != len(forth) {
					t.Fatalf("%+v lists %v, and counts %d", q, forth, page.Total)
				}
				for ; page.Previous != ""; turn++ { // and back again, from the last page
					q.Cursor = page.Previous
					if page, err = db.FindCustomers(ctx, q); err != nil || turn > 40 {
						t.Fatalf("%+v: %v", q, err)
					}
					for _, c := range slices.Backward(page.Customers) {
						back = append(back, c.CUID)
					}
				}
				break
			}
			q.Cursor = page.Next
		}
		once := slices.Clone(forth)
		slices.Sort(once)
		if len(slices.Compact(once)) != len(forth) {
			t.Fatalf("%+v lists some twice: %v", q, forth)
		}
		slices.Reverse(back)
		if !slices.Equal(back, forth[:len(back)]) {
			t.Fatalf("%+v lists %v, and going back %v", q, forth, back)
		}
	})
}

// FuzzCreated: of the days that an address can name, each customer is within or
// without.
func FuzzCreated(f *testing.F) {
	db := fuzzMirror(f)
	for _, day := range []string{"2026-03-31", "0001-01-01", "0000-01-01", "9999-12-31", "9999-12-30", "2059-06-01"} {
		f.Add(day, day)
		f.Add("", day)
		f.Add(day, "")
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		q := CustomerQuery{Limit: 100}
		var err error
		if q.From, err = time.Parse(time.DateOnly, from); err != nil {
			q.From = time.Time{}
		}
		if q.To, err = time.Parse(time.DateOnly, to); err == nil {
			q.To = q.To.AddDate(0, 0, 1) // as the page does it
		} else {
			q.To = time.Time{}
		}
		page, err := db.FindCustomers(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range 60 {
			at := time.Date(2000+i, 6, 1, 0, 0, 0, 0, time.UTC)
			if !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To)) {
				n++
			}
		}
		if page.Total != n || len(page.Customers) != n {
			t.Fatalf("%q to %q lists %d and counts %d, want %d", from, to, len(page.Customers), page.Total, n)
		}
	})
}

// FuzzFold: what is folded is text, and folded again is the same.
func FuzzFold(f *testing.F) {
	for _, text := range []string{"Åsa Öberg", "İstanbul", "é", "ǅ ﬁ ß", " \u00a0x\u3000", "\xff", "한국", "\u0345\u0300a", "ΐ", "Ǆ\u0323"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		folded := Fold(text)
		if !utf8.ValidString(folded) || len(folded) > 9*len(text)+9 {
			t.Fatalf("%q is folded to %q", text, folded)
		}
		if again := Fold(folded); again != folded {
			t.Fatalf("%q is folded to %q, and that to %q", text, folded, again)
		}
		if key := phoneKey(text); len(key) > 8 || len(key) > 0 && len(key) < 6 || strings.Trim(key, "0123456789") != "" {
			t.Fatalf("%q has the phone key %q", text, key)
		}
	})
}

// FuzzSealed: a sealed value opens where it was sealed, as it was; changed, or
// elsewhere, it does not.
func FuzzSealed(f *testing.F) {
	f.Add([]byte("a token"), "c1", "c2", 0, byte(1))
	f.Add([]byte{}, "c1", "c1\x00sealed", 13, byte(0x80))
	f.Add([]byte("x"), "", "\x00", 28, byte(0xff))
	seal, err := newSealer(secretA, secretB)
	if err != nil {
		f.Fatal(err)
	}
	other, err := newSealer(secretB, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, row, elsewhere string, at int, by byte) {
		sealed := seal.seal("credentials", row, "sealed", text)
		got, err := seal.open("credentials", row, "sealed", sealed)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q opens as %q, %v", text, got, err)
		}
		if len(text) > 8 && bytes.Contains(sealed, text) {
			t.Fatalf("%q stands in %q", text, sealed)
		}
		closed := func(s *sealer, table, row, column string, sealed []byte) {
			t.Helper()
			if got, err := s.open(table, row, column, sealed); !errors.Is(err, ErrClosed) || got != nil {
				t.Fatalf("%q opens as %q, %v", sealed, got, err)
			}
		}
		if closed(other, "credentials", row, "sealed", sealed); elsewhere != row {
			closed(seal, "credentials", elsewhere, "sealed", sealed)
		}
		closed(seal, "drafts", row, "sealed", sealed)
		closed(seal, "credentials", row, "sealed", text) // what was never sealed
		if by != 0 && at >= 0 {
			changed := bytes.Clone(sealed)
			changed[at%len(changed)] ^= by
			closed(seal, "credentials", row, "sealed", changed)
			closed(seal, "credentials", row, "sealed", sealed[:at%len(sealed)])
		}
	})
}

// FuzzReceiptKey: two posts have the same key only when they are the same in every
// part.
func FuzzReceiptKey(f *testing.F) {
	db := fuzzMirror(f)
	f.Add("sso", "c1", "sso", "c1")
	f.Add("1:a", "", "1:", "a")
	f.Add("a1:b", "", "a", "b")
	f.Add("\x00", "1:", "", "\x001:")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one, two := db.ReceiptKey(a, b), db.ReceiptKey(c, d)
		if len(one) != 43 || (one == two) != (a == c && b == d) || db.ReceiptKey(a+b) == one {
			t.Fatalf("%q and %q: %s; %q and %q: %s", a, b, one, c, d, two)
		}
	})
}

// FuzzCursor: a cursor comes back from its text as it was.
func FuzzCursor(f *testing.F) {
	f.Add("-created", 1, "2030", "", "c1", true)
	f.Add("state", 0, "ca", "berg", "c1", false)
	f.Add("", 0, "\xff\u2028<", "", "\x00", false)
	f.Fuzz(func(t *testing.T, sort string, tier int, key, then, cuid string, back bool) {
		valid := func(s string) string { // as it comes from the database, or from the page's address
			b, err := json.Marshal(s)
			if err == nil {
				err = json.Unmarshal(b, &s)
			}
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		was := cursor{CustomerSort(valid(sort)), tier, valid(key), valid(then), valid(cuid), back}
		b, err := base64.RawURLEncoding.DecodeString(was.String())
		var got cursor
		if err != nil || json.Unmarshal(b, &got) != nil || got != was {
			t.Fatalf("%+v comes back as %+v, %v", was, got, err)
		}
	})
}
