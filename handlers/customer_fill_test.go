package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
)

const signature = "Med vänliga hälsningar\r\nAnna Svensson\r\nSäljchef\r\nÅkerlund & Söner AB\r\nStorgatan 12\r\n114 55 Stockholm\r\nTel: 08-123 456 78\r\nanna.svensson@akerlund.se"

// TestPasteFillsTheForm: with and without JavaScript, what was pasted fills the
// blank fields; nothing is sent, recorded or logged.
func TestPasteFillsTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	mark, before := w.mark(), len(w.entries(audit.Filter{}))
	p := b.submit(b.get("/customers/new"), "/customers", nil) // the form as it is
	p.wantStatus(http.StatusUnprocessableEntity)
	p = b.post("/customers/new/fill", url.Values{"paste": {signature}, "city": {"Solna"}, "country": {"sverige"}})
	p.wantStatus(http.StatusOK)
	form := p.form("/customers")
	for name, want := range map[string]string{"company": "Åkerlund & Söner AB", "email": "anna.svensson@akerlund.se", "name": "Anna Svensson", "phone": "08-123 456 78",
		"address": "Storgatan 12", "zip": "114 55", "city": "Solna", "country": "sverige", "state": "", "paste": signature} {
		if got := strings.Fields(form.values.Get(name)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	p.want("Filled in: Company, E-mail, Name, Phone, Address, ZIP or postcode.", "Left as you typed it: City.", "Not placed: Säljchef", "From what you pasted.", "+46 8 123 456 78, Sweden")
	// The same by htmx, as a part of the page.
	part := b.post("/customers/new/fill", url.Values{"paste": {"info@nordic-light.se\tA-17"}, "receipt": {"r"}}, "HX-Request", "true")
	part.wantStatus(http.StatusOK)
	part.want("Guessed from the domain. Check it.", "Not placed: A-17")
	part.wantNo("Recent")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="new-customer"`) || !strings.Contains(part.body, "data-typed") {
		t.Error("the fragment is not the form by itself")
	}
	for text, message := range map[string]string{" ": "Paste the text here first.", strings.Repeat("å", 5001): "This has 5001 characters"} {
		p := b.post("/customers/new/fill", url.Values{"paste": {text}, "company": {"Kept AB"}})
		p.wantStatus(http.StatusUnprocessableEntity)
		p.wantErrors("paste")
		p.want(message)
		if p.form("/customers").values.Get("company") != "Kept AB" {
			t.Error("what was typed is lost")
		}
	}
	if calls := w.calls(mark); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
	if n := len(w.entries(audit.Filter{})); n != before {
		t.Errorf("%d entries were recorded", n-before)
	}
	if log := w.log.String(); strings.Contains(log, "Svensson") || strings.Contains(log, "nordic-light") {
		t.Error("what was pasted is in the log")
	}
	// What was pasted is not sent with the customer.
	form.values.Set("country", "SWE")
	b.post("/customers", form.values).wantStatus(http.StatusSeeOther)
	c := w.customer("anna.svensson@akerlund.se")
	if c.Phone != "+46 8 123 456 78" || c.City != "Solna" || strings.Contains(strings.Join(w.calls(mark), " "), "paste") {
		t.Errorf("%+v", c)
	}
}

// TestPasteSurvivesTheSession: what is pasted and typed comes back after the
// session's end, whether it was kept while typing or sent too late.
func TestPasteSurvivesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	typed := url.Values{"paste": {signature}, "company": {"Typed AB"}}
	for name, end := range map[string]func(b *browser){
		"kept while typing": func(b *browser) {
			b.post("/session/active", url.Values{"path": {"/customers/new"}, "post": {"/customers"}, "form": {typed.Encode()}}).wantStatus(http.StatusNoContent)
			b.post("/logout", nil)
		},
		"filled in too late": func(b *browser) {
			w.clock.advance(48 * time.Hour)
			b.post("/customers/new/fill", typed, "HX-Request", "true")
		},
	} {
		b := w.signedIn("mia")
		b.get("/customers/new")
		end(b)
		p := b.follow(b.signIn("mia", "demo"))
		if name == "kept while typing" {
			p = b.get("/customers/new")
		}
		form := p.form("/customers")
		if form.values.Get("company") != "Typed AB" || !strings.Contains(form.values.Get("paste"), "Svensson") {
			t.Errorf("%s: %v", name, form.values)
		}
	}
}

// TestKnownCustomerIsPointedOut: while one types, and on a form that failed.
func TestKnownCustomerIsPointedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.post("/customers", url.Values{"company": {"Åre Växel AB"}, "email": {"info@arevaxel.example"}, "city": {"Åre"}, "phone": {"0647-123 45"}, "country": {"Sverige"}}).wantStatus(http.StatusSeeOther)
	c := w.customer("info@arevaxel.example")
	check := func(field string, form url.Values) *page {
		form.Set("field", field)
		p := b.post("/customers/new/check", form, "HX-Request", "true")
		p.wantStatus(http.StatusOK)
		return p
	}
	for _, known := range []*page{
		check("email", url.Values{"email": {"INFO@arevaxel.example "}}), check("company", url.Values{"company": {"are vaxel"}}),
		check("company", url.Values{"company": {"Åre Växel Aktiebolag"}}), check("phone", url.Values{"phone": {"0046 647 12345"}}), check("phone", url.Values{"phone": {"(0647) 123 45"}, "country": {"SWE"}}),
	} {
		known.want("Already a customer: Åre Växel AB, Åre. Open")
		known.wantInBody(views.CustomerPath(c.CUID))
	}
	for _, none := range []*page{
		check("email", url.Values{"email": {"other@arevaxel.example"}}), check("email", url.Values{"email": {"half@"}}), check("company", url.Values{"company": {"Åre"}}),
		check("company", url.Values{"company": {"AB"}}), check("phone", url.Values{"phone": {"0647-123 46"}, "country": {"SE"}}), check("name", url.Values{"email": {"info@arevaxel.example"}}),
	} {
		none.wantNo("Already a customer")
	}
	check("country", url.Values{"country": {"Swedn"}}).want("Is it Sweden?")
	check("phone", url.Values{"phone": {"08-1"}, "country": {"SE"}}).want("too short")
	check("phone", url.Values{"phone": {"08-123 45 67 ankn 12"}, "country": {"Suède"}}).want("+46 8 123 45 67 ext. 12, Sweden")
	failed := b.post("/customers", url.Values{"company": {"Åre Växel"}})
	failed.wantStatus(http.StatusUnprocessableEntity)
	failed.want("Already a customer: Åre Växel AB")
}

// TestPhonesOfTheForm: what is plainly no number is refused, as an import does;
// what only looks unlikely is pointed out and sent as it is.
func TestPhonesOfTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	for n, c := range []struct {
		phone, country, want string
		refused              bool
	}{
		{"call me", "", "", true}, {"08-12", "Sverige", "", true}, {"+46 8 1234567890123", "", "", true},
		{"08-1234", "Suède", "08-1234", false}, {"08-123 45 67", "Elbonia", "08-123 45 67", false}, {"0046 8 123 45 67", "", "+46 8 123 45 67", false},
		{"(08) 123 45 67", "se", "+46 8 123 45 67", false}, {"+46 (0)8-123 45 67", "", "+46 8 123 45 67", false}, {"08-123 45 67 / 070-174 06 05", "Sweden", "08-123 45 67 / 070-174 06 05", true},
	} {
		email := fmt.Sprintf("phone%d@phones.example", n)
		p := b.post("/customers", url.Values{"company": {email}, "email": {email}, "phone": {c.phone}, "country": {c.country}})
		if c.refused {
			p.wantStatus(http.StatusUnprocessableEntity)
			p.wantErrors("phone")
			continue
		}
		p.wantStatus(http.StatusSeeOther)
		if got := w.customer(email).Phone; got != c.want {
			t.Errorf("%q of %q was sent as %q, want %q", c.phone, c.country, got, c.want)
		}
	}
}

// TestCountryIsSentAsTheMirrorSpellsIt: by whatever name it was typed, and by its
// English one while the mirror has none.
func TestCountryIsSentAsTheMirrorSpellsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{customers: -1})
	for n, country := range []string{"SE", "SE", "Sverige", "Elbonia"} {
		if err := w.box.AddCustomer(fmt.Sprintf(`{"cuid": "c%d", "company": "C %d", "email": "c%d@c.example", "country": %q}`, n, n, n, country)); err != nil {
			t.Fatal(err)
		}
	}
	w.refresh()
	b := w.signedIn("mia")
	for typed, want := range map[string]string{"suède": "SE", "SWE": "SE", "Deutschland": "Germany", "ESP": "Spain", "elbonia": "elbonia", "": ""} {
		email := "new" + strings.ToLower(want+typed) + "@c.example"
		email = strings.ReplaceAll(email, "è", "e")
		note := b.post("/customers/new/check", url.Values{"country": {typed}, "field": {"country"}}, "HX-Request", "true")
		if want != typed {
			note.want("Sent as " + want + ".")
		} else {
			note.wantNo("Sent as", "no country")
		}
		b.post("/customers", url.Values{"company": {"X"}, "email": {email}, "country": {typed}}).wantStatus(http.StatusSeeOther)
		if got := w.customer(email).Country; got != want {
			t.Errorf("%q was sent as %q, want %q", typed, got, want)
		}
	}
	// The list takes all spellings for one country, and offers it once.
	p := b.get("/customers?country=Sweden")
	p.wantInBody("C 0", "C 1", "C 2")
	p.wantNo("C 3")
	if n := strings.Count(p.body, `value="Sweden"`); n != 1 || strings.Contains(p.body, `value="SE"`) || strings.Contains(p.body, `value="Sverige"`) {
		t.Errorf("Sweden is offered %d times, or other spellings are", n)
	}
	b.get("/customers?country=sverige").wantInBody("C 0", "C 2")
	p = b.get("/customers?country=ELBONIA")
	p.wantInBody("C 3")
	p.wantNo("C 0")
}
