package handlers

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/desk"
)

// fillLarge appends n events of some four thousand bytes to the log.
func (w *world) fillLarge(n int) {
	w.t.Helper()
	const together = 2000 // in one transaction
	for done := 0; done < n; done += together {
		if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
			for i := range min(together, n-done) {
				if err := tx.Append(w.t.Context(), &audit.Entry{
					Act: store.NewID(), Phase: audit.Event, Who: audit.Who{StaffID: 2, Name: "Mia Moreau", Portal: "customer", Username: "mia", Role: "manager"},
					What: "filled", On: audit.Subject{ID: fmt.Sprint(done + i), Name: "=HYPERLINK(1)"}, Result: audit.Done, Reason: strings.Repeat("reason ", 280),
					Detail: strings.Repeat("detail ", 280),
				}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// exports are the outcomes of exports, newest first.
func (w *world) exports() []audit.Entry { return w.entries(audit.Filter{What: desk.WhatExport}) }

func TestExportOfAFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.fillLarge(600)
	b := w.signedIn("alice")
	today := w.clock.Now().UTC().Format(time.DateOnly)
	for _, tt := range []struct {
		path, contentType, file string
		delimiter               rune
		rows                    int
		detail                  string
	}{
		{"/audit/export.csv?what=filled", "text/csv; charset=utf-8; header=present", "csv", ',', 600, "600 entries as CSV (comma), filter what=filled"},
		{"/audit/export.csv?what=filled&delimiter=semicolon&cursor=9", "text/csv; charset=utf-8; header=present", "csv", ';', 600, "600 entries as CSV (semicolon), filter what=filled"},
		{"/audit/export.csv?q=none+such&delimiter=tab", "text/csv; charset=utf-8; header=present", "csv", '\t', 0, "0 entries as CSV (tab), filter q=none+such"},
		{"/audit/export.jsonl?who=mia&what=filled&from=2020-01-01", "application/x-ndjson", "jsonl", 0, 600, "600 entries as JSONL, filter from=2020-01-01&what=filled&who=mia"},
		{"/audit/export.jsonl?q=none+such", "application/x-ndjson", "jsonl", 0, 0, "0 entries as JSONL, filter q=none+such"},
	} {
		p := b.get(tt.path)
		p.wantStatus(http.StatusOK)
		head := p.res.Header
		if head.Get("Content-Type") != tt.contentType || head.Get("Content-Disposition") != `attachment; filename="frontdesk-audit-`+today+"."+tt.file+`"` ||
			head.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", tt.path, head)
		}
		rows := strings.Count(p.body, "\n")
		if tt.delimiter != 0 {
			in := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.body, "\uFEFF")))
			in.Comma = tt.delimiter
			all, err := in.ReadAll()
			if err != nil || len(all) == 0 || all[0][0] != "id" {
				t.Fatalf("%s: %v in\n%.300s", tt.path, err, p.body)
			}
			rows = len(all) - 1
			if rows > 0 && all[1][15] != "'=HYPERLINK(1)" {
				t.Errorf("%s: the formula is %q", tt.path, all[1][15])
			}
		} else {
			for line := range strings.Lines(p.body) {
				if _, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
					t.Fatalf("%s: %v", tt.path, err)
				}
			}
		}
		if rows != tt.rows {
			t.Errorf("%s: %d rows, want %d", tt.path, rows, tt.rows)
		}
		if e := w.exports()[0]; e.Phase != audit.Outcome || e.Result != audit.Done || e.Detail != tt.detail || e.Who.Username != "alice" || e.Who.Session == "" {
			t.Errorf("%s: recorded %+v", tt.path, e)
		}
	}
	before := len(w.exports())
	if p := b.do(http.MethodHead, "/audit/export.csv", nil); p.status != http.StatusOK || p.res.Header.Get("Content-Disposition") == "" {
		t.Errorf("HEAD: %d, %v", p.status, p.res.Header)
	}
	for path, problem := range map[string]string{
		"/audit/export.csv?outcome=fine": "cannot be used", "/audit/export.jsonl?from=tomorrow": "cannot be used", "/audit/export.csv?delimiter=pipe": "No such delimiter",
	} {
		p := b.get(path)
		if p.wantStatus(http.StatusUnprocessableEntity); !strings.Contains(p.problem(), problem) || p.res.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %q, %v", path, p.problem(), p.res.Header)
		}
	}
	if n := len(w.exports()); n != before {
		t.Errorf("%d exports recorded that were none", n-before)
	}
}

// What cannot be recorded is not done.
func TestExportNeedsTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("alice")
	w.stopWriting(func() {
		p := b.get("/audit/export.jsonl")
		p.wantStatus(http.StatusServiceUnavailable)
		p.want("the audit log cannot be written")
		p.wantNo(`"what":`)
	})
	b.get("/audit/export.jsonl").wantStatus(http.StatusOK)
}

// stopWriting refuses every entry while f runs.
func (w *world) stopWriting(f func()) {
	w.t.Helper()
	w.sql(refuseEntries...)
	f()
	w.sql(dropTrigger("no_entries"))
}

// slow opens an export on a connection of its own, and returns it with its
// answer's first line read.
func (w *world) slow(b *browser, path string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(w.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range b.c.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	if err := r.Write(conn); err != nil {
		w.t.Fatal(err)
	}
	in := bufio.NewReaderSize(conn, 4<<10)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "200 OK") {
		w.t.Fatalf("%q, %v", line, err)
	}
	return conn, in
}

// One export of a log that fits into no buffer on the way: its first bytes are
// there while the rest has not been read from the database, it takes no more
// memory for being long, and a reader who leaves is on record.
//
// It is not parallel: what it measures would be others' too.
func TestExportStreamsInConstantMemory(t *testing.T) {
	const entries = 6000 // which are 25 MB
	w := newWorld(t, setup{})
	w.fillLarge(entries)
	b := w.signedIn("alice")

	conn, in := w.slow(b, "/audit/export.jsonl?what=filled")
	defer conn.Close()
	if e := w.exports()[0]; e.Phase != audit.Intent {
		t.Errorf("the first bytes are there, and the log says %+v", e)
	}
	answer, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), in)), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1000)
	if _, err := io.ReadFull(answer.Body, first); err != nil || !strings.HasPrefix(string(first), `{"id":`) {
		t.Fatalf("%q, %v", first, err)
	}
	time.Sleep(300 * time.Millisecond) // all the time to run ahead of the reader
	if e := w.exports()[0]; e.Phase != audit.Intent {
		t.Errorf("the reader has had 1000 bytes, and the log says %+v", e)
	}
	w.fillLarge(1) // not part of it
	rest, err := io.ReadAll(answer.Body)
	if n := strings.Count(string(first)+string(rest), "\n"); err != nil || n != entries {
		t.Errorf("%d entries came, want %d; %v", n, entries, err)
	}
	if e := w.exports()[0]; e.Result != audit.Done || !strings.HasPrefix(e.Detail, fmt.Sprint(entries, " entries")) {
		t.Errorf("recorded %+v", e)
	}
	rest = nil

	// Somebody who leaves half-way.
	gone, _ := w.slow(b, "/audit/export.csv")
	gone.Close()
	for deadline := time.Now().Add(20 * time.Second); w.exports()[0].Phase != audit.Outcome && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	if e := w.exports()[0]; e.Result != audit.Unknown || !strings.HasPrefix(e.Detail, "the reader left after ") || strings.Contains(e.Detail, fmt.Sprint(entries)) {
		t.Errorf("recorded %+v", e)
	}

	// The heap, looked at now and then while it goes out.
	u, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/audit/export.csv?what=filled", nil)
	r.Host = u.Host
	for _, c := range b.c.Jar.Cookies(u) {
		r.AddCookie(c)
	}
	// What else goes on in the process meanwhile only adds to it: the least of a few
	// looks is the export's own.
	least, size := uint64(1<<62), 0
	for range 4 {
		m, base := &measured{header: http.Header{}}, heap()
		w.h.ServeHTTP(m, r)
		if m.bytes < 20<<20 || m.flushes < entries/500 {
			t.Errorf("only %d bytes in %d parts", m.bytes, m.flushes)
		}
		least, size = min(least, max(m.most, base)-base), m.bytes
	}
	if least > 8<<20 {
		t.Errorf("the heap grew by %d MB for an export of %d MB", least>>20, size>>20)
	}

	// A stop breaks it off, and what has come does not look whole.
	conn, in = w.slow(b, "/audit/export.jsonl?what=filled")
	defer conn.Close()
	w.desk.Stop()
	answer, err = http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), in)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, answer.Body); err == nil {
		t.Errorf("%d bytes came and looked whole", n)
	}
	if e := w.exports()[0]; e.Result != audit.Refused || !strings.HasSuffix(e.Detail, "frontdesk was stopped") {
		t.Errorf("recorded %+v", e)
	}
}

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// measured is an answer of which only the size is kept.
type measured struct {
	header  http.Header
	bytes   int
	flushes int
	most    uint64 // heap in use
}

func (m *measured) Header() http.Header { return m.header }
func (m *measured) WriteHeader(int)     {}
func (m *measured) Write(b []byte) (int, error) {
	m.bytes += len(b)
	return len(b), nil
}

func (m *measured) Flush() {
	if m.flushes++; m.flushes%2 == 0 {
		m.most = max(m.most, heap())
	}
}
