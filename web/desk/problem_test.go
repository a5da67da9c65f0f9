package desk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/web/call"
)

// TestProblemsAreWhole: whatever a service answered, each sentence has all its
// parts, and begins as a sentence does.
func TestProblemsAreWhole(t *testing.T) {
	w := wording{Try: Say("e-mail a passcode to %s", "ana@x.example"), On: AsSaid("ana@x.example"), Unknown: "It may have been sent.", Then: "Look.", Setup: setupAtom}
	check := func(what string, p *Problem) {
		t.Helper()
		for _, text := range []Text{p.Title, p.Text, p.Advice} {
			said := text.String()
			if strings.Contains(said, "%!") || strings.Contains(said, "  ") || strings.Contains(said, formed) {
				t.Errorf("%s: %q", what, said)
			}
			if first := said[:min(1, len(said))]; first != strings.ToUpper(first) && !strings.HasPrefix(said, "iP1") && !strings.HasPrefix(said, "frontdesk") {
				t.Errorf("%s begins small: %q", what, said)
			}
		}
		if p.Title == "" || p.Text == "" {
			t.Errorf("%s says nothing: %+v", what, p)
		}
	}
	for service := range serviceNames {
		for _, kind := range []call.Kind{call.Unreachable, call.Unanswered, call.Refused} {
			for reason := call.ReasonNone; reason <= call.ReasonLimit; reason++ {
				for _, status := range []int{0, http.StatusNotFound, http.StatusTooManyRequests, http.StatusInternalServerError} {
					for _, timeout := range []bool{false, true} {
						err := &call.Error{Service: service, Op: "try", Kind: kind, Reason: reason, Status: status, Timeout: timeout, Err: errors.New("broken")}
						what := fmt.Sprintf("%s, kind %d, reason %d, status %d", service, kind, reason, status)
						check(what, explain(err, w))
						check(what+", reading", explain(err, wording{Try: "read", On: "the list", Setup: setupIP1}))
					}
				}
			}
		}
	}
	check("no service", explain(errors.New("broken"), w))
	for _, cause := range causes {
		p := unrecorded(&store.Unwritable{Cause: string(cause), Err: errors.New("broken")})
		if check(string(cause), p); !strings.HasSuffix(p.Text.String(), " "+string(cause)) {
			t.Errorf("%q does not say %q", p.Text, cause)
		}
	}
	for what, s := range shielded {
		for _, c := range []Collision{{Who: "Mia", shield: s}, {Who: "Mia", Open: true, shield: s}, {Who: "Mia", other: "Acme", shield: s}, {Who: "Mia", other: "Acme", Open: true, shield: s}} {
			if c.other != "" && s.kind == "sms" { // of a number, and no customer
				continue
			}
			form, names := c.What()
			if !c.Open {
				names = append(names, agoWords(90*time.Second))
			}
			said := Say(form, names...).String()
			if !strings.HasPrefix(said, "Mia ") || strings.Contains(said, "%!") || strings.Contains(said, "this customer") == (c.other != "") && s.kind != "sms" ||
				!strings.HasSuffix(said, map[bool]string{true: " right now", false: " 2 minutes ago"}[c.Open]) {
				t.Errorf("%s: %q", what, said)
			}
		}
	}
}

// TestRowsSayItToEveryReader: what a row and an import say is kept with its parts
// apart, and what they said in English before is told as it is.
func TestRowsSayItToEveryReader(t *testing.T) {
	r := newRig(t)
	known := r.customer()
	id := r.imported("Company,E-mail,Country\nA,a@a.example,Swedne\nB,a@a.example,\nC," + known.Email + ",\n")
	for n, field := range []string{"country", "email", "email"} {
		row, err := r.Store.ImportRow(ctx, id, n+1)
		if err != nil {
			t.Fatal(err)
		}
		if _, form, _, parts := Text(row.Errors[field]).Said(); !strings.Contains(form, "%s") || len(parts) != 1 {
			t.Errorf("row %d: %q", n+1, row.Errors)
		}
		if got := IsCustomer(row.Errors[field]); got != (n == 2) {
			t.Errorf("row %d is a customer already: %v", n+1, got)
		}
	}
	if !IsCustomer("Already a customer: Acme AB") || IsCustomer("") {
		t.Error("a message in English alone is not known")
	}
	// A row that was checked before, by a release that kept English.
	second, err := r.Store.ImportRow(ctx, id, 2)
	if err != nil {
		t.Fatal(err)
	}
	second.Errors = map[string]string{"email": "Same e-mail as row 1"}
	if err := r.Store.Write(ctx, func(tx *store.Tx) error { return tx.PutImportRow(ctx, id, second) }); err != nil {
		t.Fatal(err)
	}
	r.wantRows(id, "wrong country: This is no country that frontdesk knows. Is it Sweden?", "left email: Same e-mail as row 1", "left email: Already a customer: "+known.Company)
	if err := r.MendImportRow(ctx, r.mia, id, 1, map[string]string{"email": "b@b.example", "country": ""}); err != nil {
		t.Fatal(err)
	}
	r.wantRows(id, "ready", "ready", "left email: Already a customer: "+known.Company)
}
