package desk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

func TestAddAndChangeStaff(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name   string
		in     store.Staff
		fields string
	}{
		{"nothing", store.Staff{}, "portal role username"},
		{"an odd role", store.Staff{Portal: "customer", Username: "x", Role: "owner"}, "role"},
		{"a portal that is not offered", store.Staff{Portal: "messaging", Username: "x", Role: store.Viewer}, "portal"},
		{"there already", store.Staff{Portal: "customer", Username: " MIA ", Role: store.Viewer}, "username"},
		{"a long name", store.Staff{Portal: "customer", Username: "x", Name: strings.Repeat("n", 201), Role: store.Viewer}, "name"},
	} {
		_, err := r.AddStaff(ctx, r.alice, tt.in)
		p := r.problem(err)
		for _, f := range []string{"portal", "username", "name", "role"} {
			if (p.Fields[f] != "") != strings.Contains(" "+tt.fields+" ", " "+f+" ") {
				t.Errorf("%s: %s says %q", tt.name, f, p.Fields[f])
			}
		}
	}
	id, err := r.AddStaff(ctx, r.alice, store.Staff{Portal: "customer", Username: " New.One ", Role: store.Viewer})
	got, _ := r.Store.Staff(ctx, id)
	if err != nil || got.Username != "new.one" || got.Name != "new.one" || got.AddedBy != r.alice.Staff.Name || !got.Active {
		t.Errorf("%+v, %v", got, err)
	}
	if e := r.newest(1)[0]; e.What != WhatAddStaff || e.Changes != `{"role":["","viewer"]}` || e.Who.Username != "alice" || e.On.ID != staffSubject(got).ID {
		t.Errorf("recorded %+v", e)
	}
	for _, tt := range []struct {
		role    store.Role
		state   string
		changes string // "" is refused or nothing to change
		field   string
	}{
		{"", "", "", ""},
		{store.Viewer, "active", "", ""},
		{"owner", "", "", "role"},
		{"", "gone", "", "state"},
		{store.Manager, "", `{"role":["viewer","manager"]}`, ""},
		{store.Viewer, "disabled", `{"role":["manager","viewer"],"state":["active","disabled"]}`, ""},
	} {
		entries := len(r.newest(1000))
		err := r.ChangeStaff(ctx, r.alice, id, Standing{}, tt.role, tt.state)
		if tt.field != "" {
			if p := r.problem(err); p.Kind != Invalid || p.Fields[tt.field] == "" {
				t.Errorf("%s %s: %+v", tt.role, tt.state, p)
			}
		} else if err != nil {
			t.Errorf("%s %s: %v", tt.role, tt.state, err)
		}
		if tt.changes == "" {
			if len(r.newest(1000)) != entries {
				t.Errorf("%s %s: recorded %+v", tt.role, tt.state, r.newest(1)[0])
			}
		} else if e := r.newest(1)[0]; e.Changes != tt.changes || e.What != WhatChangeStaff {
			t.Errorf("%s %s: recorded %+v", tt.role, tt.state, e)
		}
	}
	for name, change := range map[string]func() error{
		"demoted":  func() error { return r.ChangeStaff(ctx, r.alice, r.alice.Staff.ID, Standing{}, store.Viewer, "") },
		"disabled": func() error { return r.ChangeStaff(ctx, r.alice, r.alice.Staff.ID, Standing{}, "", "disabled") },
	} {
		if p := r.problem(change()); p.Kind != Invalid || p.Fields["role"] == "" {
			t.Errorf("the last admin %s: %+v", name, p)
		}
	}
	if _, err := r.AddStaff(ctx, r.alice, store.Staff{Portal: "customer", Username: "other.portal", Role: store.Admin}); err != nil {
		t.Fatal(err)
	}
	r.exec(`UPDATE staff SET portal = 'messaging' WHERE username = 'other.portal'`) // which is not offered, so they cannot sign in
	if p := r.problem(r.ChangeStaff(ctx, r.alice, r.alice.Staff.ID, Standing{}, store.Viewer, "")); p.Fields["role"] == "" {
		t.Errorf("the last admin who can sign in, demoted: %+v", p)
	}
	if err := r.ChangeStaff(ctx, r.alice, 999, Standing{}, store.Viewer, ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// A page that is old takes nothing back that somebody else has done meanwhile.
func TestAStaffFormFromBeforeAChangeIsRefused(t *testing.T) {
	r := newRig(t)
	id, page := r.mia.Staff.ID, Standing{Role: store.Manager, State: "active"}
	if err := r.ChangeStaff(ctx, r.alice, id, page, "", "disabled"); err != nil {
		t.Fatal(err)
	}
	entries := len(r.newest(1000))
	for name, was := range map[string]Standing{"both": page, "the state alone": {State: "active"}} {
		p := r.problem(r.ChangeStaff(ctx, r.alice, id, was, store.Viewer, "active"))
		if p.Kind != Invalid || p.Fields["was"].String() != r.mia.Staff.Name+" was changed meanwhile: look again." {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if got, err := r.Store.Staff(ctx, id); err != nil || got.Active || got.Role != store.Manager {
		t.Errorf("changed all the same: %+v, %v", got, err)
	}
	if len(r.newest(1000)) != entries {
		t.Errorf("recorded %+v", r.newest(1)[0])
	}
	// What is so already is no matter, and neither is a post that does not say what it has seen.
	if err := r.ChangeStaff(ctx, r.alice, id, page, store.Manager, "disabled"); err != nil {
		t.Errorf("what is so already: %v", err)
	}
	if err := r.ChangeStaff(ctx, r.alice, id, Standing{Role: store.Manager, State: "disabled"}, store.Viewer, "disabled"); err != nil {
		t.Errorf("a page that is true: %v", err)
	}
	if err := r.ChangeStaff(ctx, r.alice, id, Standing{}, store.Manager, "active"); err != nil {
		t.Errorf("without what was seen: %v", err)
	}
}

func TestSeedStaffFillsOnlyAnEmptyDirectory(t *testing.T) {
	r := newRig(t)
	before, _ := r.Store.AllStaff(ctx)
	if err := r.SeedStaff(ctx, []store.Staff{{Portal: "customer", Username: "eve", Role: store.Admin}}); err != nil {
		t.Fatal(err)
	}
	if after, _ := r.Store.AllStaff(ctx); len(after) != len(before) {
		t.Errorf("a directory of %d has %d now", len(before), len(after))
	}
	r.exec(`DELETE FROM staff`)
	people := []store.Staff{{Portal: "customer", Username: "Bob", Name: "Bob", Role: store.Admin, AddedBy: "FRONTDESK_ADMINS"}, {Portal: "customer", Username: "bob ", Role: store.Viewer}}
	if err := r.SeedStaff(ctx, people); err != nil {
		t.Fatal(err)
	}
	after, err := r.Store.AllStaff(ctx)
	if err != nil || len(after) != 1 || after[0].Username != "bob" || after[0].Role != store.Admin {
		t.Errorf("%+v, %v", after, err)
	}
	if e := r.newest(1)[0]; e.What != WhatAddStaff || e.Who != frontdesk || e.Detail != "from FRONTDESK_ADMINS" {
		t.Errorf("recorded %+v", e)
	}
}

func TestRevokeSession(t *testing.T) {
	r := newRig(t)
	open := func(id string, by Actor) {
		t.Helper()
		c := store.WithSessionMeta(ctx, &store.SessionMeta{ID: id, StaffID: by.Staff.ID})
		if err := r.Store.Sessions().CommitCtx(c, "hash of "+id, nil, r.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	open("a", r.alice)
	open("m", r.mia)
	open("v", r.victor)
	if p := r.problem(r.RevokeSession(ctx, r.mia, "v")); p.Kind != Forbidden {
		t.Errorf("somebody else's, by a manager: %+v", p)
	}
	if _, err := r.Store.Session(ctx, "v"); err != nil {
		t.Errorf("and it is gone: %v", err)
	}
	for id, by := range map[string]Actor{"v": r.victor, "m": r.alice} {
		if err := r.RevokeSession(ctx, by, id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if _, err := r.Store.Session(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s is there still: %v", id, err)
		}
		if e := r.newest(1)[0]; e.What != WhatRevoke || e.Who.Username != by.Staff.Username || !strings.Contains(e.Detail, id) {
			t.Errorf("recorded %+v", e)
		}
	}
	if err := r.RevokeSession(ctx, r.alice, "m"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	for name, token := range map[string]string{"too long": strings.Repeat("x", maxToken+1), "a space": "a b", "a line break": "a\nb", "a control": "a\x01b"} {
		if p := r.problem(r.PutCPaaSToken(ctx, r.victor, token)); p.Kind != Invalid || p.Fields["token"] == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := r.RevealToken(ctx, r.victor, "x", "cpaas", ""); r.problem(err).Fields["which"] == "" {
		t.Errorf("none stored: %v", err)
	}
	if _, err := r.RevealToken(ctx, r.victor, "x", "other", ""); r.problem(err).Fields["which"] == "" {
		t.Errorf("an odd one: %v", err)
	}
	for _, token := range []string{"PLANTED-first", " PLANTED-second\n"} {
		if err := r.PutCPaaSToken(ctx, r.victor, token); err != nil {
			t.Fatal(err)
		}
	}
	for which, want := range map[string]string{"cpaas": "PLANTED-second", "portal": "PLANTED-portal"} {
		a := r.must(r.RevealToken(ctx, r.victor, "reveal", which, "PLANTED-portal"))
		e := r.entries(a.Act)
		if a.Secret.Token != want || len(e) != 2 || e[1].Result != audit.Done || e[1].On.ID != "token:"+which || e[1].What != WhatRevealToken {
			t.Errorf("%s: %q, recorded %+v", which, a.Secret.Token, e)
		}
	}
	if _, err := r.RevealToken(ctx, r.mia, "x", "cpaas", ""); r.problem(err).Fields["which"] == "" {
		t.Errorf("somebody else's: %v", err)
	}
	if err := r.PutCPaaSToken(ctx, r.victor, " "); err != nil {
		t.Fatal(err)
	}
	if e := r.newest(1)[0]; e.What != WhatCPaaSToken || e.Detail != "removed" {
		t.Errorf("recorded %+v", e)
	}
	if _, _, err := r.Store.CPaaSToken(ctx, r.victor.Staff.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed, and there: %v", err)
	}
	if strings.Contains(r.everything(), "PLANTED-") {
		t.Error("a token is at rest in plain text")
	}
}
