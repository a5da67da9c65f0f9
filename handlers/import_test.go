package handlers

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// multipartForm is a form with a file, as a browser sends it.
func multipartForm(t testing.TB, name string, content []byte, fields url.Values) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for field, values := range fields {
		for _, value := range values {
			if err := form.WriteField(field, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if name != "" {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.Bytes()
}

// upload sends a file with the page's form.
func (b *browser) upload(name string, content []byte, fields url.Values) *page {
	b.t.Helper()
	kind, body := multipartForm(b.t, name, content, fields)
	return b.send(kind, bytes.NewReader(body), int64(len(body)))
}

// send posts a body to the upload's address.
func (b *browser) send(kind string, body io.Reader, size int64) *page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.w.server.URL+"/customers/import", body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", b.w.server.URL)
	res, err := b.c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := newPage(b.t, "POST /customers/import", res, string(text))
	p.checkHeaders(b.w)
	if len(text) > 0 {
		p.checkHTML(false)
	}
	return p
}

// imported brings a file in and returns its page's address.
func (b *browser) imported(content string) string {
	b.t.Helper()
	p := b.upload("new.csv", []byte(content), nil)
	p.wantStatus(http.StatusSeeOther)
	return p.location()
}

// wantInBody is want for what is in the page's source and not in its text.
func (p *page) wantInBody(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			p.t.Errorf("%s: %q is not in its source", p.what, text)
		}
	}
}

const fromExcel = "\uFEFFFöretag;E-post;Telefon;Land\r\n" +
	"Åre Bygg AB;info@are.example;+46 8 123 456 78;Sverige\r\n" +
	"=HYPERLINK(1);evil@evil.example;;\r\n" +
	"Dubbel AB;INFO@are.example;;\r\n" +
	"Känd AB;" + emailFirst + ";;Swedne\r\n"

// TestImport goes the whole way of a file as Excel in Sweden writes it: read,
// mended, mapped, started, and its results taken away.
func TestImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.get("/customers").wantInBody("/customers/import")
	form := b.get("/customers/import")
	form.want("50,000 rows", "20 MB")
	form.wantInBody("/customers/import/example.csv")
	mark := w.mark()
	sent := b.upload("nya kunder.csv", []byte(fromExcel), form.form("/customers/import").filled(nil))
	at := sent.location()
	p := b.follow(sent)
	p.want("nya kunder.csv", "UTF-8, semicolon", "4 rows", "Create 2 customers in ATOM", "1 row needs a look", "Already a customer: ", "Is it Sweden?", "Left out 1")
	p.wantInBody(views.CustomerPath(w.customer(emailFirst).CUID))
	p.wantNo("Åre Bygg AB") // which is ready, and these are the others
	left := b.get(at + "?show=left")
	left.want("Same e-mail as row 1", "left out")
	left.wantErrors() // nothing of it is a mistake
	b.get(at+"?show=all").wantInBody("Åre Bygg AB", `id="row-4"`)
	if p := b.get(at + "?show=ready&after=1"); !strings.Contains(p.body, `id="row-2"`) || strings.Contains(p.body, `id="row-1"`) {
		t.Error("the rows behind the first are others")
	}
	b.get("/imports").want("nya kunder.csv", "not started", "2 ready, 1 to be mended, 1 left out")

	// Mending: wrong again, then right, then on to the next.
	row := b.get(at + "/rows/3?show=wrong")
	row.want("Row 3", "of nya kunder.csv")
	row.wantErrors("email")
	p = b.submit(row, at+"/rows/3", url.Values{"email": {"are@are"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("email")
	p.want("What you typed is kept")
	p.wantInBody("are@are")
	p = b.submit(p, at+"/rows/3", url.Values{"email": {"tre@are.example"}, "next": {"1"}})
	if p.location() != at+"/rows/4?show=wrong" {
		t.Errorf("leads to %q", p.location())
	}
	p = b.follow(p)
	p.wantErrors("email", "country")
	p = b.submit(p, at+"/rows/4", url.Values{"email": {"fyra@are.example"}, "country": {"Sverige"}})
	if p.location() != at+"?show=wrong#row-4" {
		t.Errorf("leads to %q", p.location())
	}
	b.get(at).want("Create 4 customers in ATOM", "All rows are ready")

	// Mapping: without an e-mail nothing is ready, and the page says at which field.
	p = b.submit(b.get(at), at+"/columns", url.Values{"email": {""}, "phone": {"0"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("email", "phone")
	p = b.submit(b.get(at), at+"/columns", url.Values{"phone": {""}})
	p.wantStatus(http.StatusSeeOther)
	p = b.follow(p)
	p.want("Create 4 customers in ATOM")

	p = b.submit(p, at+"/pace", url.Values{"concurrency": {"17"}, "rate": {"x"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("concurrency", "rate")
	b.submit(p, at+"/pace", url.Values{"concurrency": {"1"}, "rate": {"1"}}).wantStatus(http.StatusSeeOther)
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("something was sent before the start: %v", calls)
	}

	id := strings.TrimPrefix(at, "/imports/")
	w.end(id, store.RowCreated, store.RowFailed, store.RowUnknown)
	p = b.get(at + "?show=all")
	p.want("Paused: nothing is sent", "Created", "Failed", "Unknown rows were sent", "ATOM said no", "Open", "Resume")
	p.wantInBody(views.CustomerPath("c-1"), `data-live="`+at+`/events"`, `http-equiv="refresh"`)
	p.wantNo(at + "/rows/1?") // what was created cannot be mended
	b.get(at + "/rows/1").wantNo("Save and mend")
	b.post(at+"/rows/1", url.Values{"company": {"x"}}).wantStatus(http.StatusUnprocessableEntity)

	// The results: every row in its order, parted and marked as Excel likes it, and no formula.
	csvPage := b.get(at + "/results.csv")
	csvPage.wantStatus(http.StatusOK)
	if !strings.HasPrefix(csvPage.body, "\uFEFF") || !strings.Contains(csvPage.res.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q, %v", csvPage.body[:20], csvPage.res.Header)
	}
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(csvPage.body, "\uFEFF")))
	in.Comma = ';'
	all, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Företag", "E-post", "Telefon", "Land", "outcome", "message", "cuid", "row"},
		{"Åre Bygg AB", "info@are.example", "'+46 8 123 456 78", "Sweden", "created", "country: Sverige is sent as Sweden.", "c-1", "1"},
		{"'=HYPERLINK(1)", "evil@evil.example", "", "", "failed", "'=ATOM said no", "", "2"},
		{"Dubbel AB", "tre@are.example", "", "", "unknown", "'=ATOM said no", "", "3"},
		{"Känd AB", "fyra@are.example", "", "Sweden", "not sent", "country: Sverige is sent as Sweden.", "", "4"},
	}
	if fmt.Sprint(all) != fmt.Sprint(want) {
		t.Errorf("results are\n%q, want\n%q", all, want)
	}
	log := w.entries(audit.Filter{What: desk.WhatExportImport, Whole: true})
	if len(log) != 2 || log[0].Result != audit.Done || log[0].Detail != "4 rows" || log[0].On.ID != "import:"+id || log[1].Phase != audit.Intent {
		t.Errorf("on record: %+v", log)
	}
	for _, e := range w.entries(audit.Filter{}) {
		if strings.Contains(fmt.Sprintf("%+v", e), "fyra@are") {
			t.Errorf("what was typed is on record: %+v", e)
		}
	}
}

// end lets an import be paused after its first rows have ended so, all at once,
// so that nothing of it is really sent.
func (w *world) end(id string, ends ...store.RowState) {
	w.t.Helper()
	ctx := w.t.Context()
	err := w.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.MoveImport(ctx, id, store.ImportDraft, store.ImportRunning, "")
		for n, end := range ends {
			act, cuid, message := store.NewActID(w.clock.Now()), "", string(desk.AsSaid("=ATOM said no"))
			if end == store.RowCreated {
				cuid, message = fmt.Sprint("c-", n+1), ""
			}
			_, took := tx.TakeImportRow(ctx, id, n+1, act)
			err = errors.Join(err, took, tx.EndImportRow(ctx, act, end, cuid, message))
		}
		_, moved := tx.MoveImport(ctx, id, store.ImportRunning, store.ImportPaused, "")
		return errors.Join(err, moved)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestImportStarts: the buttons do what they say, and one that comes too late says
// that nothing was changed.
func TestImportStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	at := b.imported("Company,E-mail\nA,a@new.example\n")
	p := b.submit(b.get(at), at+"/start", nil)
	p.wantStatus(http.StatusSeeOther)
	if p = b.follow(p); p.hasForm(at+"/columns") || p.hasForm(at+"/start") && !strings.Contains(p.body, "Resume") {
		t.Error("a started import is offered as a draft")
	}
	b.post(at+"/columns", url.Values{"company": {"0"}, "email": {"1"}}).wantStatus(http.StatusUnprocessableEntity)

	none := b.imported("Company,E-mail\n,\n,x\n")
	b.get(none).want("No row is ready")
	b.get(none).wantInBody("disabled")
	b.submit(b.get(none), none+"/cancel", nil).wantStatus(http.StatusSeeOther)
	b.get(none).want("Discarded: nothing was sent")
	late := b.post(none+"/start", nil)
	late.wantStatus(http.StatusUnprocessableEntity)
	late.want("Discarded")
}

// TestCancelledRowsAreNotMended: neither offered nor done.
func TestCancelledRowsAreNotMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	at := b.imported("Company,E-mail\nA,a@new.example\nB,\n")
	b.get("/imports").want("1 ready, 1 to be mended")
	w.end(strings.TrimPrefix(at, "/imports/"), store.RowFailed)
	b.get(at+"?show=all").wantInBody(at+"/rows/1", at+"/rows/2")
	b.submit(b.get(at), at+"/cancel", nil).wantStatus(http.StatusSeeOther)
	b.get("/imports").want("1 failed, 1 to be mended")
	if p := b.get(at + "?show=all"); strings.Contains(p.body, at+"/rows/") {
		t.Error("a row of a cancelled import is offered to be mended")
	}
	if p := b.get(at + "/rows/1"); p.hasForm(at + "/rows/1") {
		t.Error("its form is there")
	}
	p := b.post(at+"/rows/1", url.Values{"company": {"Other"}, "email": {"a@new.example"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("This import was cancelled")
}

// TestImportsAreOnesOwn: managers see theirs, admins all, others none.
func TestImportsAreOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	at := w.signedIn("mia").imported("Company,E-mail\nPlanted AB,planted@new.example\nB,\n")
	other, admin := w.signedIn("atmosphere:mia"), w.signedIn("alice")
	for _, path := range []string{at, at + "/events", at + "/results.csv", at + "/rows/1"} {
		p := other.get(path)
		p.wantStatus(http.StatusNotFound)
		p.wantNo("Planted", "planted", "new.csv")
		if !strings.HasSuffix(path, "/events") { // which does not end
			admin.get(path).wantStatus(http.StatusOK)
		}
	}
	for act, form := range map[string]url.Values{"start": nil, "pause": nil, "cancel": nil, "retry": nil, "pace": {"concurrency": {"1"}, "rate": {"1"}},
		"columns": {"company": {"0"}, "email": {"1"}}, "rows/2": {"email": {"b@new.example"}}} {
		other.post(at+"/"+act, form).wantStatus(http.StatusNotFound)
	}
	other.get("/imports").wantNo("new.csv")
	admin.get("/imports").want("new.csv", "Mia Moreau")
	admin.post(at+"/rows/2", url.Values{"email": {"b@new.example"}}).wantStatus(http.StatusSeeOther)
	i, err := w.db.Import(t.Context(), strings.TrimPrefix(at, "/imports/"))
	if err != nil || i.State != store.ImportDraft || i.Concurrency == 1 {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestUploadTwice: the same form leads to the same import.
func TestUploadTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	fields := b.get("/customers/import").form("/customers/import").filled(nil)
	first := b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), fields)
	again := b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), fields)
	if first.location() == "" || again.location() != first.location() {
		t.Errorf("%q, then %q", first.location(), again.location())
	}
	if p := b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), b.get("/customers/import").form("/customers/import").filled(nil)); p.location() == first.location() {
		t.Error("another form leads to the same import")
	}
}

// TestUploads: what is no such file is answered with what it is, whoever may not
// send one is told before it is read. It takes much memory, and another test looks
// at how much there is in use: so it runs alone.
func TestUploads(t *testing.T) {
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	for _, c := range []struct {
		name, file, content string
		fields              url.Values
		status              int
		says                string
	}{
		{"no file", "", "", url.Values{"receipt": {"x"}}, 422, "Choose the file first."},
		{"an Excel workbook", "Book1.xlsx", "PK\x03\x04xl/", nil, 422, "Excel workbook"},
		{"an empty one", "new.csv", "", nil, 422, "is empty"},
		{"no rows", "new.csv", "Company;E-mail\r\n", nil, 422, "no rows below"},
		{"too many rows", "new.csv", "a,b\n" + strings.Repeat("1,2\n", desk.MaxImportRows+1), nil, 422, "50001 rows"},
		{"too large", "new.csv", strings.Repeat("x", desk.MaxImportBytes+1), nil, 413, "at most 20 MB"},
		{"a field that is too large", "", "", url.Values{"receipt": {strings.Repeat("x", maxForm+1)}}, 413, "too large"},
		{"too many fields", "", "", url.Values{"x": strings.Split(strings.Repeat("x", maxFields+1), "")}, 413, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.in(t).upload(c.file, []byte(c.content), c.fields)
			p.wantStatus(c.status)
			p.want(c.says)
		})
	}
	p := b.post("/customers/import", url.Values{"file": {"Company,E-mail"}})
	p.wantStatus(http.StatusUnsupportedMediaType)
	p.want("not a form")
	kind, body := multipartForm(t, "new.csv", []byte("Company,E-mail\n"), nil)
	p = b.send(kind, bytes.NewReader(body[:len(body)-10]), int64(len(body)-10))
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("cut or garbled")

	p = b.upload("../../<b>Kunder\u202e åäö.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil)
	b.follow(p).want("<b>Kunder åäö.csv")

	large := "--x\r\n" + strings.Repeat("x", 30<<20)
	for who, status := range map[string]int{"victor": http.StatusForbidden, "": http.StatusSeeOther} {
		b := w.browser()
		if who != "" {
			b = w.signedIn(who)
		}
		read := &counter{Reader: strings.NewReader(large)} // its own: the client may read on after the answer
		p := b.send("multipart/form-data; boundary=x", io.NopCloser(read), int64(len(large)))
		p.wantStatus(status)
		if read.n.Load() > 8<<20 { // what the kernel and net/http hold on the way
			t.Errorf("%d bytes were taken from %q", read.n.Load(), who)
		}
	}
}

type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// TestSlowUpload: a file may take longer than a form, and not for ever; others wait
// or are told to come back.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.h.bodyLimit, w.h.uploadLimit, w.h.uploadWait = 200*time.Millisecond, 4*time.Second, 100*time.Millisecond
	b := w.signedIn("mia")
	kind, body := multipartForm(t, "new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil)
	open := func(size int) (io.Writer, *bufio.Reader) {
		conn, cookie := w.dial(), w.signedIn("mia").jarCookie("session").Value // of one session, one is read at a time
		_, err := fmt.Fprintf(conn, "POST /customers/import HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nCookie: session=%s\r\n\r\n%s",
			w.server.Listener.Addr(), kind, size, cookie, body[:50])
		if err != nil {
			t.Fatal(err)
		}
		return conn, bufio.NewReader(conn)
	}
	slow, slowIn := open(len(body))
	_, never := open(len(body))
	time.Sleep(400 * time.Millisecond)
	p := b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil)
	p.wantStatus(http.StatusServiceUnavailable)
	if p.res.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	if _, err := slow.Write(body[50:]); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(slowIn, nil); err != nil || res.StatusCode != http.StatusSeeOther {
		t.Errorf("%v, %v", res, err)
	}
	res, err := http.ReadResponse(never, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), "came too slowly") || err != nil {
		t.Errorf("status %d, %v: %s", res.StatusCode, err, text)
	}
	b.upload("new.csv", []byte("Company,E-mail\nA,a@new.example\n"), nil).wantStatus(http.StatusSeeOther)
}

// TestImportEvents: those who watch an import see how far it is.
func TestImportEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	at := b.imported("Company,E-mail\nA,a@new.example\nB,b@new.example\n")
	id := strings.TrimPrefix(at, "/imports/")
	w.end(id, store.RowCreated)
	r, err := http.NewRequest(http.MethodGet, w.server.URL+at+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	seen := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Errorf("%q did not come", text)
	}
	seen("Paused: nothing is sent")
	b.post(at+"/cancel", nil).wantStatus(http.StatusSeeOther)
	seen("Cancelled: nothing more is sent")
	seen("event: end")
}

// TestExampleFile: what is offered as an example can be brought in as it is.
func TestExampleFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	p := b.get("/customers/import/example.csv")
	p.wantStatus(http.StatusOK)
	b.get(b.imported(p.body)).want("Create 3 customers in ATOM", "All rows are ready", "UTF-8, semicolon")
}

// TestImportsHoldNoSecret: neither page nor results say what opens a customer.
func TestImportsHoldNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{super: [2]string{"PLANTED-key", "PLANTED-token"}})
	b := w.signedIn("mia")
	made := b.follow(b.submit(b.get("/customers/new"), "/customers", url.Values{"company": {"Kept AB"}, "email": {"kept@kept.example"}}))
	secrets := []string{made.byID("key"), made.byID("token"), "PLANTED"}
	cuid := w.customer("kept@kept.example").CUID
	at := b.imported("Company,E-mail\nKept AB,kept@kept.example\nA,a@new.example\n")
	w.end(strings.TrimPrefix(at, "/imports/"), store.RowWrong)
	if len(secrets[0]) < 8 || len(secrets[1]) < 8 {
		t.Fatal("no secrets to look for")
	}
	b.get(at + "?show=left").wantInBody(views.CustomerPath(cuid))
	for _, path := range []string{at, at + "?show=all", at + "/rows/1", at + "/results.csv", "/imports"} {
		b.get(path).wantNo(secrets...)
	}
}
