package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// fuzzLog is a real log of n entries, an hour between any two, with each of its heads.
func fuzzLog(f *testing.F, n int) (db *store.DB, heads []audit.Head) {
	f.Helper()
	at := start
	db, err := store.Open(ctx, store.Options{Path: filepath.Join(f.TempDir(), "frontdesk.db"), Secret: make([]byte, 32), Now: func() time.Time { return at }})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	for i := range n {
		e := audit.Entry{
			Act: fmt.Sprintf("act%d", i/2), Phase: []audit.Phase{audit.Intent, audit.Outcome, audit.Event}[i%3],
			Who:  audit.Who{StaffID: int64(1 + i%3), Name: []string{"Mia Moreau", "Åsa Öberg", "Bo"}[i%3], Portal: "customer", Username: []string{"mia", "asa", "bo"}[i%3], Request: "REQ"},
			What: []string{"open as customer", "send SMS code", "sign in"}[i%3], On: audit.Subject{ID: fmt.Sprintf("c%d", i%4), Name: "Örebro Bygg 100%", Email: "Ana@Example.com"},
			Reason: odd[i%len(odd)], Service: audit.Services[i%3], Result: audit.Results[i%len(audit.Results)],
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &e) }); err != nil {
			f.Fatal(err)
		}
		head, err := db.Head(ctx)
		if err != nil {
			f.Fatal(err)
		}
		heads = append(heads, head)
		at = at.Add(time.Hour)
	}
	return db, heads
}

// FuzzOpenCheckpoint: a checkpoint that opens is one that was signed, and says what
// was signed.
func FuzzOpenCheckpoint(f *testing.F) {
	db, heads := fuzzLog(f, 5)
	for _, h := range heads {
		f.Add(h.Note)
		f.Add(h.Note + "\u2014 another AAAAAA==\n")
		f.Add(strings.Replace(h.Note, "\n\n", "\nmore\n\n", 1))
		f.Add(strings.ReplaceAll(h.Note, "\n", "\r\n"))
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := audit.OpenCheckpoint(text, db.AuditKey())
		if err != nil {
			return
		}
		if !slices.ContainsFunc(heads, func(h audit.Head) bool {
			return h.Size == got.Size && h.Root == got.Root && strings.HasPrefix(text, h.Note)
		}) {
			t.Fatalf("%q opens as %d, %s", text, got.Size, got.Root)
		}
		if _, err := db.Continues(ctx, got.Size, got.Root); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzFlippedCheckpoint: with any byte put in the place of another, it does not open.
func FuzzFlippedCheckpoint(f *testing.F) {
	db, heads := fuzzLog(f, 3)
	whole := heads[2].Note
	for at := range len(whole) {
		for bit := range 7 {
			f.Add(at, whole[at]^1<<bit)
		}
	}
	f.Fuzz(func(t *testing.T, at int, b byte) {
		if at < 0 || at >= len(whole) || whole[at] == b {
			return
		}
		if _, err := audit.OpenCheckpoint(whole[:at]+string([]byte{b})+whole[at+1:], db.AuditKey()); err == nil {
			t.Fatalf("%q in the place of %q at %d", b, whole[at], at)
		}
	})
}

// proofs are those of all entries, as they are downloaded and as the command writes them.
func proofs(f *testing.F, db *store.DB, n int) (all [][]byte, entries []json.RawMessage) {
	f.Helper()
	for id := range int64(n) {
		p, err := db.Prove(ctx, id+1)
		if err != nil {
			f.Fatal(err)
		}
		short, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		long, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			f.Fatal(err)
		}
		all, entries = append(all, short, append(long, '\n')), append(entries, p.Entry)
	}
	return all, entries
}

// FuzzProof: a proof that holds is of an entry that is in the log, as it is there.
func FuzzProof(f *testing.F) {
	db, _ := fuzzLog(f, 7)
	all, entries := proofs(f, db, 7)
	for _, text := range all {
		f.Add(text)
	}
	f.Add([]byte(`{"entry":{},"index":-1,"hashes":["AAAA"],"checkpoint":"","key":""}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := audit.ReadProof(text)
		if err != nil {
			return
		}
		e, head, err := p.Check(db.AuditKey())
		if err != nil {
			return
		}
		if e.ID < 1 || e.ID > int64(len(entries)) || !bytes.Equal(p.Entry, entries[e.ID-1]) || head.Size != int64(len(entries)) {
			t.Fatalf("%s holds: %+v in %d", text, e, head.Size)
		}
	})
}

// FuzzFlippedProof: with any byte put in the place of another, unless both are white
// space, a proof does not hold.
func FuzzFlippedProof(f *testing.F) {
	db, _ := fuzzLog(f, 6)
	all, _ := proofs(f, db, 6)
	for which := range 2 {
		for at := 0; at < len(all[which]); at += 3 {
			f.Add(which, at, all[which][at]^1<<(at%7))
			f.Add(which, at, all[which][at]^0x20)
		}
	}
	f.Fuzz(func(t *testing.T, which, at int, b byte) {
		if which < 0 || which >= len(all) {
			return
		}
		text := bytes.Clone(all[which])
		if at < 0 || at >= len(text) || text[at] == b || isSpace(text[at]) && isSpace(b) {
			return
		}
		was := text[at]
		text[at] = b
		p, err := audit.ReadProof(text)
		if err == nil {
			_, _, err = p.Check(db.AuditKey())
		}
		if err == nil {
			t.Fatalf("%q in the place of %q at %d holds: %s", b, was, at, text)
		}
	})
}

func isSpace(b byte) bool { return strings.IndexByte(" \t\r\n", b) >= 0 }

// FuzzKey: a public key that is read is written the same way again.
func FuzzKey(f *testing.F) {
	key, err := audit.NewKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key.Public())
	f.Add(" " + key.Public() + "\n")
	f.Add(strings.ToUpper(key.Public()))
	f.Add("a+00000000+AQ==")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := audit.OpenKey("", text)
		if err != nil {
			return
		}
		if _, err := note.NewVerifier(got.Public()); err != nil || got.Public() != strings.TrimSpace(text) {
			t.Fatalf("%q is read as %q, %v", text, got.Public(), err)
		}
		if _, err := audit.OpenKey(key.Secret(), text); err == nil && !strings.EqualFold(got.Public(), key.Public()) {
			t.Fatalf("%q belongs to another key's secret", text)
		}
	})
}

// FuzzFilter: whatever an address says, what it finds is all that its filter lets
// through, page by page, and each once.
func FuzzFilter(f *testing.F) {
	db, _ := fuzzLog(f, 40)
	for _, q := range []string{
		"", "who=mia", "what=sign+in,send+SMS+code", "on=c1", "outcome=done", "service=atom&q=%C3%B6rebro", "from=2026-03-01&to=2026-03-02", "from=0000-01-01&to=9999-12-31", "q=%00", "q=%ff", "q=%22",
		"from=2026-03-01T10:30&to=2026-03-01T12:00:00%2B01:00", "to=x&from=2026-02-30", "outcome=x&service=y", "q=act3", "q=100%25", "who=customer:mia&on=ana@", "q=" + strings.Repeat("a,", 300), "what=,", "q=%F0%9F%98%80",
	} {
		for _, cursor := range []int64{0, 7, -1, 1 << 40} {
			f.Add(q, cursor, int64(0), false)
			f.Add(q, int64(0), cursor, true)
		}
	}
	f.Fuzz(func(t *testing.T, text string, before, after int64, mine bool) {
		q, _ := url.ParseQuery(text)
		filter, wrong := audit.ParseFilter(q)
		for _, s := range []string{filter.Who, filter.What, filter.On, filter.Text} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 320 {
				t.Fatalf("%q is looked for", s)
			}
		}
		if len(wrong) > 0 {
			return
		}
		if mine {
			filter.StaffID = 2
		}
		first, err := db.Search(ctx, filter, audit.Page{Before: before, After: after * min(1, max(0, -before+1)), Limit: 7})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, e := range first.Entries {
			if !filter.Match(&e, store.Fold) || mine && e.Who.StaffID != 2 || before > 0 && e.ID >= before {
				t.Fatalf("%q finds %+v", text, e)
			}
		}
		var want, got []int64
		all, err := db.Search(ctx, audit.Filter{StaffID: filter.StaffID}, audit.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all.Entries {
			if filter.Match(&e, store.Fold) {
				want = append(want, e.ID)
			}
		}
		for page := (audit.Page{Limit: 3}); ; {
			found, err := db.Search(ctx, filter, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found.Entries {
				got = append(got, e.ID)
			}
			if page.Before = found.Reached; page.Before == 0 && len(found.Entries) > 0 {
				page.Before = found.Entries[len(found.Entries)-1].ID
			}
			if !found.Older || page.Before == 0 {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q finds %v, want %v", text, got, want)
		}
	})
}
