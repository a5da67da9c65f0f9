package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// agrees checks that an index answers as looking at every entry does.
func (l *log) agrees(x *audit.Index) {
	l.Helper()
	all := l.everything()
	for _, f := range parts() {
		if got, want := l.pages(x, f, audit.Page{Limit: 1000}), ids(naive(all, f)); !slices.Equal(got, want) {
			l.Errorf("%+v: %v; want %v", f, got, want)
		}
	}
}

// back puts the log back to an earlier state, as restoring a backup does.
func (l *log) back(to int) {
	l.Helper()
	kept, err := l.EntriesAfter(ctx, 0, to+1)
	if err != nil {
		l.Fatal(err)
	}
	l.open(l.TempDir())
	now := l.at
	err = l.Write(ctx, func(tx *store.Tx) error {
		for _, e := range kept[:to] {
			l.at = e.At
			if err := tx.Append(ctx, &e); err != nil {
				return err
			}
		}
		return nil
	})
	if l.at = now; err != nil {
		l.Fatal(err)
	}
}

// reader notes from where the log is read.
type reader struct {
	audit.Querier
	from []any
}

func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if strings.Contains(query, "WHERE id >= $1") {
		r.from = append(r.from, args[0])
	}
	return r.Querier.QueryContext(ctx, query, args...)
}

func TestASnapshotSparesReadingTheLog(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(9, 10))
	l.random(r, 300)
	x := audit.NewIndex(store.Fold)
	data, upto, err := x.Snapshot(ctx, l.raw)
	if err != nil || upto != 300 {
		t.Fatalf("up to %d, %v", upto, err)
	}
	l.random(r, 50) // appended while nothing ran
	restored, q := audit.NewIndex(store.Fold), &reader{Querier: l.raw}
	if err := restored.Restore(ctx, q, data); err != nil {
		t.Fatal(err)
	}
	if err := restored.Follow(ctx, q); err != nil || len(q.from) == 0 || slices.ContainsFunc(q.from, func(id any) bool { return id.(uint32) < 300 }) {
		t.Errorf("the log was read from %v, %v; want from the snapshot's end on", q.from, err)
	}
	l.agrees(restored)
}

func TestASnapshotOfAnotherLogIsNotTaken(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(11, 12))
	l.random(r, 100)
	data, _, err := audit.NewIndex(store.Fold).Snapshot(ctx, l.raw)
	if err != nil {
		t.Fatal(err)
	}
	x := audit.NewIndex(store.Fold)
	l.back(60)
	if err := x.Restore(ctx, l.raw, data); !errors.Is(err, audit.ErrOutdated) {
		t.Errorf("of a log that is shorter now: %v", err)
	}
	l.random(r, 60)
	if err := x.Restore(ctx, l.raw, data); !errors.Is(err, audit.ErrOutdated) {
		t.Errorf("of a log that went another way: %v", err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "half": data[:len(data)/2], "no snapshot": []byte("snapshot")} {
		if err := x.Restore(ctx, l.raw, bad); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	l.agrees(x)
}

func TestTheIndexNoticesALogThatWasPutBack(t *testing.T) {
	l := newLog(t)
	r := rand.New(rand.NewPCG(13, 14))
	l.random(r, 100)
	x := audit.NewIndex(store.Fold)
	l.agrees(x)
	l.back(60)
	l.agrees(x)
	l.random(r, 70) // beyond what the index knew before
	l.agrees(x)
	l.back(0)
	l.agrees(x)
}

func TestTheIndexFollowsWhileOthersAsk(t *testing.T) {
	l := newLog(t)
	x := audit.NewIndex(store.Fold)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 30 {
				found, err := x.Search(ctx, l.raw, audit.Filter{Whole: true}, audit.Page{Limit: 1000})
				if err != nil {
					t.Error(err)
				}
				for i, e := range found.Entries { // none is missing or comes twice
					if e.ID != int64(len(found.Entries)-i) {
						t.Errorf("entry %d of %d has ID %d", i, len(found.Entries), e.ID)
					}
				}
				if _, err := x.Summarize(ctx, l.raw, audit.Filter{Who: "mia"}, 30); err != nil {
					t.Error(err)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(15, 16))
	for range 20 {
		l.random(r, 10)
	}
	wg.Wait()
	l.agrees(x)
}

func TestRecentSubjectsAreThoseOfOnePersonLatestFirst(t *testing.T) {
	l := newLog(t)
	for _, e := range []struct {
		staff int64
		on    string
	}{{1, "a"}, {1, "b"}, {2, "c"}, {1, "a"}, {1, ""}, {1, "d"}} {
		l.append(audit.Entry{Phase: audit.Event, Who: audit.Who{StaffID: e.staff}, On: audit.Subject{ID: e.on}, Result: audit.Done})
	}
	x := audit.NewIndex(store.Fold)
	for n, want := range map[int]string{2: "d a", 9: "d a b"} {
		if got, err := x.RecentSubjects(ctx, l.raw, 1, n); err != nil || strings.Join(got, " ") != want {
			t.Errorf("last %d: %q, %v; want %s", n, got, err, want)
		}
	}
	if got, err := x.RecentSubjects(ctx, l.raw, 3, 9); err != nil || len(got) > 0 {
		t.Errorf("of nobody: %q, %v", got, err)
	}
}

// Whom one worked with by hand is not pushed out by an import of hundreds.
func TestRecentSubjectsOfAnImportComeLast(t *testing.T) {
	l := newLog(t)
	for _, e := range []struct{ on, request string }{{"a", "r1"}, {"b", "import"}, {"c", "r2"}, {"d", "import"}, {"b", "r3"}, {"e", "import"}} {
		l.append(audit.Entry{Phase: audit.Event, Who: audit.Who{StaffID: 1, Request: e.request}, On: audit.Subject{ID: e.on}, Result: audit.Done})
	}
	x := audit.NewIndex(store.Fold)
	for n, want := range map[int]string{2: "b c", 4: "b c a e", 9: "b c a e d"} {
		if got, err := x.RecentSubjects(ctx, l.raw, 1, n); err != nil || strings.Join(got, " ") != want {
			t.Errorf("last %d: %q, %v; want %s", n, got, err, want)
		}
	}
}

func TestEntriesSinceAMoment(t *testing.T) {
	l := newLog(t)
	l.random(rand.New(rand.NewPCG(17, 18)), 300)
	all := l.everything()
	for _, since := range []time.Time{{}, start, start.Add(90 * time.Minute), start.Add(20*time.Hour + time.Second), start.AddDate(1, 0, 0)} {
		want := 0
		for _, e := range all {
			if !e.At.Before(since) {
				want++
			}
		}
		if got, err := l.EntriesSince(ctx, since); err != nil || got != want {
			t.Errorf("since %v: %d, %v; want %d", since, got, err, want)
		}
	}
}
