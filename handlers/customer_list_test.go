package handlers

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

// companies are the rows of the list, by their first column.
func (p *page) companies() (all []string) {
	for n := range p.all("tr") {
		for td := range n.ChildNodes() {
			if td.Data == "td" {
				all = append(all, text(td))
				break
			}
		}
	}
	return all
}

// TestListSaysWhatItShows: filters, columns, density and size come from the
// address, and stay in it.
func TestListSaysWhatItShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 60})
	b := w.signedIn("mia")
	for _, tt := range []struct{ path, to string }{
		{"/customers?q=+berg+&country=&state=&cols=email&cols=name&cols=phone&cols=city&cols=country&cols=created&density=&size=", "/customers?q=berg"},
		{"/customers?q=&country=", "/customers"},
		{"/customers?q=berg&cols=phone&cols=cuid&size=25", "/customers?cols=phone%2Ccuid&q=berg&size=25"},
	} {
		p := b.get(tt.path)
		p.wantStatus(http.StatusSeeOther)
		if p.location() != tt.to {
			t.Errorf("%s leads to %s, want %s", tt.path, p.location(), tt.to)
		}
		f := b.get(tt.path, "HX-Request", "true")
		f.wantStatus(http.StatusOK)
		if got := f.res.Header.Get("HX-Push-Url"); got != tt.to {
			t.Errorf("%s as typed stands at %s, want %s", tt.path, got, tt.to)
		}
	}
	p := b.get("/customers?cols=phone,cuid,nonsense&density=compact&size=25&sort=-email")
	p.wantStatus(http.StatusOK)
	if n := len(p.companies()); n != 25 {
		t.Errorf("%d rows, want 25", n)
	}
	p.want("cuid")
	for _, gone := range []string{">E-mail\n", ">Country\n"} {
		if strings.Contains(p.body, gone) {
			t.Errorf("a column that was not chosen is shown: %q", gone)
		}
	}
	for _, link := range []string{"size=25", "density=compact", "sort=-email", "cols=phone%2Ccuid"} {
		if next := p.next(); !strings.Contains(next, link) {
			t.Errorf("the next page %s is without %s", next, link)
		}
	}
	for _, wrong := range []string{"from=yesterday", "to=2026-13-01", "from=2026-02-01&to=2026-01-01"} {
		p := b.get("/customers?" + wrong)
		p.wantStatus(http.StatusUnprocessableEntity)
		if n := len(p.companies()); n != 0 || !strings.Contains(p.body, "data-error") {
			t.Errorf("%s: %d rows, and no message at the field", wrong, n)
		}
	}
	// One day, the last of it too.
	c := w.customer(emailFirst)
	day := c.Created[:10]
	p = b.get("/customers?from=" + day + "&to=" + day + "&q=" + url.QueryEscape(c.Email))
	if got := p.companies(); len(got) != 1 {
		t.Errorf("created on %s: %v", day, got)
	}
}

// next is the address of the next page.
func (p *page) next() string {
	for n := range p.all("a") {
		if attr(n, "rel") == "next" {
			return attr(n, "href")
		}
	}
	return ""
}

// TestListMarksWhatItFound: what was looked for is marked, whatever its case and
// accents, also where no column shows it.
func TestListMarksWhatItFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ search, text, want string }{
		{"berg", "Öberg Bergström", "Ö[berg] [Berg]ström"},
		{"oberg strom", "Öberg Bergström", "[Öberg] Berg[ström]"},
		{"örn", "ORNSKÖLDSVIK", "[ORN]SKÖLDSVIK"},
		{"rns", "O\u0308rnsko\u0308ldsvik", "O\u0308[rns]ko\u0308ldsvik"},
		{"o\u0308r", "O\u0308rn", "[O\u0308r]n"},
		{"straße", "Straße", "[Straße]"},
		{"<b>", "a<b>c", "a[<b>]c"},
		{"aa", "aaa", "[aa]a"},
		{"", "x", "x"},
		{"x", "", ""},
		{"\xff", "a\xffb", "a[\xff]b"},
	} {
		var got strings.Builder
		for _, piece := range newMarks(tt.search).pieces(tt.text) {
			if piece.Hit {
				fmt.Fprintf(&got, "[%s]", piece.Text)
			} else {
				got.WriteString(piece.Text)
			}
		}
		if got.String() != tt.want {
			t.Errorf("%q in %q: %q, want %q", tt.search, tt.text, got.String(), tt.want)
		}
	}
	for _, tt := range []struct{ search, phone string }{{"0701234567", "+46 (0)70-123 45 67"}, {"+46 70 123 45 67", "070-123 45 67"}, {"123 45", "070-123 45 67"}} {
		if pieces := newMarks(tt.search).phone(tt.phone); len(pieces) != 1 || !pieces[0].Hit {
			t.Errorf("%s in %s: %+v", tt.search, tt.phone, pieces)
		}
	}
	w := newWorld(t, setup{customers: 10})
	c := w.customer(emailFirst)
	p := w.signedIn("victor").get("/customers?cols=country&q=" + url.QueryEscape(strings.ToUpper(c.Email)))
	p.wantStatus(http.StatusOK)
	if !strings.Contains(p.body, "<mark>"+c.Email+"</mark>") {
		t.Errorf("the e-mail is not marked: %s", p.body)
	}
}

// TestHintsAreForWhatIsNotShown: what was looked for is said beside the company only where
// no column shows it.
func TestHintsAreForWhatIsNotShown(t *testing.T) {
	found := []store.ListedCustomer{{Customer: store.Customer{Company: "Nordlicht", Email: "info@nordlicht.example", Name: "Eva Malm", City: "Malmö", Website: "malm.example"}}}
	for _, tt := range []struct{ search, columns, where, roomy string }{
		{"malm", "", "name", "name city"},
		{"malmö", "", "city", "city"},
		{"malm.example", "", "website", ""},
		{"malm", "city", "", ""},
		{"malm", "phone", "name", ""},
		{"nordlicht", "", "", ""},
	} {
		columns, _ := columnsOf(t.Context(), url.Values{"q": {tt.search}, "cols": {tt.columns}})
		row := listedRows(t.Context(), found, columns, tt.search)[0]
		if row.Where != tt.where || row.Roomy != tt.roomy {
			t.Errorf("%q with columns %q: in %q, shown by %q where there is room; want %q, %q", tt.search, tt.columns, row.Where, row.Roomy, tt.where, tt.roomy)
		}
	}
}

// TestExportIsWhatIsFiltered: an export has exactly the customers that the list
// has, in its order, disarmed, on record, and for those who may.
func TestExportIsWhatIsFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 1200})
	evil := store.Customer{CUID: "evil", Company: `=HYPERLINK("http://evil.example")`, Email: "evil@sweden.example", Country: "Sweden", City: "Zzz"}
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.UpsertRow(t.Context(), store.NewCustomerRow(evil))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b := w.signedIn("mia")
	for _, filter := range []string{"", "country=sweden&sort=-city&cols=phone&size=25", "q=an&sort=email", "q=berg"} {
		var listed []string
		query, _ := listing(listingQuery(must(url.ParseQuery(filter))))
		if query.Country == "sweden" { // in all its spellings
			query.Countries = []string{"sverige", "sweden", "se"}
		}
		for {
			page, err := w.db.FindCustomers(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Customers {
				listed = append(listed, c.CUID)
			}
			if query.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if len(listed) < 10 {
			t.Fatalf("%q finds %d", filter, len(listed))
		}
		p := b.get("/customers/export.csv?" + filter)
		p.wantStatus(http.StatusOK)
		rows, err := csv.NewReader(strings.NewReader(p.body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var exported []string
		for _, row := range rows[1:] {
			exported = append(exported, row[0])
			if row[0] == "evil" && row[1] != "'"+evil.Company {
				t.Errorf("a formula was exported as %q", row[1])
			}
		}
		if !slices.Equal(exported, listed) {
			t.Errorf("%q: %d exported, %d listed", filter, len(exported), len(listed))
		}
		p = b.get("/customers/export.jsonl?" + filter)
		lines := strings.Split(strings.TrimSuffix(p.body, "\n"), "\n")
		var last exportedCustomer
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != len(listed) || last.CUID != listed[len(listed)-1] {
			t.Errorf("%q: %d lines for %d, %v", filter, len(lines), len(listed), err)
		}
		done := w.entries(audit.Filter{What: desk.WhatExportCustomers})
		want := fmt.Sprintf("%d customers as JSONL, ", len(listed))
		if e := done[0]; e.Result != audit.Done || e.Who.Username != "mia" || !strings.HasPrefix(e.Detail, want) || strings.Contains(e.Detail, "cols") {
			t.Errorf("on record: %+v, want %s", e, want)
		}
	}
	head := b.do(http.MethodHead, "/customers/export.csv", nil)
	if n := len(w.entries(audit.Filter{What: desk.WhatExportCustomers})); head.res.StatusCode != http.StatusOK || n != 8 {
		t.Errorf("asking what it would be: status %d, %d exports on record", head.res.StatusCode, n)
	}
	b.get("/customers/export.csv?delimiter=pipe").wantStatus(http.StatusUnprocessableEntity)
	b.get("/customers/export.csv?from=never").wantStatus(http.StatusUnprocessableEntity)
	if strings.Contains(w.signedIn("victor").get("/customers").body, "export.csv") {
		t.Error("a viewer is offered an export")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestPins: pinned customers are at hand for whoever pinned them.
func TestPins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 60})
	b, other := w.signedIn("victor"), w.signedIn("mia")
	c := w.customer(emailFirst)
	path := views.CustomerPath(c.CUID)
	before := len(w.entries(audit.Filter{}))
	b.follow(b.submit(b.get(path), path+"/pin", url.Values{"pinned": {"1"}})).want("Unpin")
	for _, page := range []string{"/customers", "/"} {
		if !strings.Contains(b.get(page).body, "inned") || strings.Contains(other.get(page).body, "Pinned") {
			t.Errorf("%s: the pin is missing, or is others' too", page)
		}
	}
	b.post(path+"/pin", url.Values{"pinned": {"1"}}).wantStatus(http.StatusSeeOther) // a double click
	if pinned, err := w.db.Pinned(t.Context(), must(w.db.AllStaff(t.Context()))[0].ID); err != nil || len(pinned) > 1 {
		t.Errorf("%d pinned, %v", len(pinned), err)
	}
	b.follow(b.post(path+"/pin", nil)).want("Pin")
	if strings.Contains(b.get("/customers").body, "Pinned") {
		t.Error("still pinned")
	}
	if n := len(w.entries(audit.Filter{})); n != before {
		t.Errorf("%d entries, %d before: a pin is no act", n, before)
	}
	b.post("/customers/nobody/pin", url.Values{"pinned": {"1"}}).wantStatus(http.StatusNotFound)
	all, err := w.db.FindCustomers(t.Context(), store.CustomerQuery{Limit: 51})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range all.Customers {
		want := http.StatusSeeOther
		if i == 50 {
			want = http.StatusUnprocessableEntity
		}
		b.post(views.CustomerPath(c.CUID)+"/pin", url.Values{"pinned": {"1"}}).wantStatus(want)
	}
}

// TestCustomerViews: a filter of the list is saved, shared and removed as one of
// the log is, and the two do not mix.
func TestCustomerViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: 20})
	b := w.signedIn("mia")
	p := b.get("/customers?country=Sweden&sort=-created&cols=phone")
	saved := b.submit(p, "/customers/views", url.Values{"name": {"Swedes"}, "shared": {"1"}})
	saved.wantStatus(http.StatusSeeOther)
	if saved.location() != "/customers?cols=phone&country=Sweden&sort=-created" {
		t.Errorf("leads to %s", saved.location())
	}
	b.get("/customers").want("Swedes")
	w.signedIn("victor").get("/customers").want("Swedes")
	if slices.Contains(b.get("/audit").links(), saved.location()) {
		t.Error("the log offers a view of the customers")
	}
	failed := b.submit(p, "/customers/views", url.Values{"name": {""}})
	failed.wantStatus(http.StatusUnprocessableEntity)
	failed.want("Give it a name.")
	if len(failed.companies()) == 0 {
		t.Error("the list is gone from the page")
	}
	p = b.follow(saved)
	var remove string
	for _, f := range p.forms() {
		if strings.HasSuffix(f.action, "/remove") {
			remove = f.action
		}
	}
	w.signedIn("victor").post(remove, nil).wantStatus(http.StatusNotFound)
	b.post(strings.Replace(remove, "/customers/", "/audit/", 1), nil).wantStatus(http.StatusNotFound)
	b.submit(p, remove, nil).wantStatus(http.StatusSeeOther)
	if strings.Contains(b.get("/customers").body, "Swedes") {
		t.Error("it is still there")
	}
}
