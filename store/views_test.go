package store

import (
	"errors"
	"strings"
	"testing"
)

func TestViews(t *testing.T) {
	r := newRig(t)
	ids := map[string]int64{}
	for _, name := range []string{"alice", "mia"} {
		if err := r.Write(ctx, func(tx *Tx) (err error) {
			ids[name], err = tx.AddStaff(ctx, Staff{Portal: "customer", Username: name, Name: strings.ToUpper(name), Role: Manager})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	views := map[string]int64{}
	for _, v := range []View{
		{StaffID: ids["mia"], Page: PageAudit, Name: "zebra", Query: "q=z"},
		{StaffID: ids["mia"], Page: PageAudit, Name: "Ant", Query: "q=a", Shared: true},
		{StaffID: ids["alice"], Page: PageAudit, Name: "apes", Query: "q=b", Shared: true},
		{StaffID: ids["alice"], Page: PageAudit, Name: "bees", Query: "q=c"},
		{StaffID: ids["alice"], Page: PageCustomers, Name: "elsewhere", Query: "q=c", Shared: true},
	} {
		if err := r.Write(ctx, func(tx *Tx) (err error) { views[v.Name], err = tx.AddView(ctx, v); return err }); err != nil {
			t.Fatal(err)
		}
	}
	names := func(who string) string {
		t.Helper()
		all, err := r.Views(ctx, PageAudit, ids[who])
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range all {
			names = append(names, v.Name)
			if v.ID != views[v.Name] || !v.MadeAt.Equal(start) || v.Query == "" || v.StaffName == "" || (v.StaffID != ids[who] && !v.Shared) {
				t.Errorf("%s sees %+v", who, v)
			}
		}
		return strings.Join(names, " ")
	}
	if got := names("mia"); got != "Ant zebra apes" {
		t.Errorf("mia sees %s", got)
	}
	if got := names("alice"); got != "apes bees Ant" {
		t.Errorf("alice sees %s", got)
	}
	for _, tt := range []struct {
		view, by string
		admin    bool
		want     error
	}{
		{"apes", "mia", false, ErrNotFound},       // shared, but somebody else's
		{"bees", "mia", true, ErrNotFound},        // an admin does not see it either
		{"elsewhere", "alice", true, ErrNotFound}, // of another page
		{"zebra", "mia", false, nil},
		{"zebra", "mia", false, ErrNotFound},
		{"apes", "mia", true, nil},
	} {
		err := r.Write(ctx, func(tx *Tx) error {
			v, err := tx.RemoveView(ctx, PageAudit, views[tt.view], ids[tt.by], tt.admin)
			if err == nil && v.Name != tt.view {
				t.Errorf("removed %+v instead of %s", v, tt.view)
			}
			return err
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if got := names("mia") + ", " + names("alice"); got != "Ant, bees Ant" {
		t.Errorf("left are %s", got)
	}
}
