package desk

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"frontdesk/store"
	"frontdesk/store/audit"
)

func TestViewFilterQuery(t *testing.T) {
	for in, want := range map[string]string{
		"":                                     "",
		"who=&q=+":                             "",
		"q=a+b&who=%C3%85sa&cursor=7&page=2":   "q=a+b&who=%C3%85sa",
		"who=a&who=b&from=2026-01-01&utm=x":    "from=2026-01-01&who=a",
		"outcome=unknown&service=atom&to=x&on": "outcome=unknown&service=atom&to=x",
		"what=%ff":                             "",
	} {
		q, err := url.ParseQuery(in)
		if got := FilterQuery(store.PageAudit, q); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestSaveAndRemoveViews(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name  string
		in    NewView
		field string
	}{
		{"no name", NewView{Page: store.PageAudit, Name: " \t", Query: "q=x"}, "name"},
		{"a long name", NewView{Page: store.PageAudit, Name: strings.Repeat("ö", 61), Query: "q=x"}, "name"},
		{"a name that does not print", NewView{Page: store.PageAudit, Name: "a\u202eb", Query: "q=x"}, "name"},
		{"a broken name", NewView{Page: store.PageAudit, Name: "a\xff", Query: "q=x"}, "name"},
		{"no filter", NewView{Page: store.PageAudit, Name: "n"}, "query"},
		{"a filter of nothing known", NewView{Page: store.PageAudit, Name: "n", Query: "cursor=7"}, "query"},
		{"no query", NewView{Page: store.PageAudit, Name: "n", Query: "q=%zz"}, "query"},
		{"a long query", NewView{Page: store.PageAudit, Name: "n", Query: "q=" + strings.Repeat("x", 2000)}, "query"},
	} {
		_, err := r.SaveView(ctx, r.victor, tt.in)
		if p := r.problem(err); p.Kind != Invalid || p.Fields[tt.field] == "" || len(p.Fields) != 1 {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
	before := r.newest(1)[0].ID
	in := NewView{Page: store.PageAudit, Name: "  Lost\n creates ", Query: "?what=create+customer&outcome=unknown&cursor=9", Shared: true}
	id, err := r.SaveView(ctx, r.mia, in)
	if err != nil {
		t.Fatal(err)
	}
	want := store.View{ID: id, StaffID: r.mia.Staff.ID, StaffName: r.mia.Staff.Name, Page: store.PageAudit, Name: "Lost creates", Query: "outcome=unknown&what=create+customer", Shared: true, MadeAt: start}
	if all, err := r.Store.Views(ctx, store.PageAudit, r.victor.Staff.ID); err != nil || len(all) != 1 || all[0] != want {
		t.Errorf("kept %+v, %v", all, err)
	}
	e := r.newest(1)[0]
	if e.ID != before+1 || e.What != WhatSaveView || e.Phase != audit.Event || e.Result != audit.Done || e.Who.Username != "mia" ||
		e.On != (audit.Subject{ID: fmt.Sprintf("view:%d", id), Name: "Lost creates"}) || e.Detail != "shared, filter outcome=unknown&what=create+customer" {
		t.Errorf("recorded %+v", e)
	}

	// Again is a double click; another filter under the name is a mistake; another
	// person's name is free.
	if again, err := r.SaveView(ctx, r.mia, in); err != nil || again != id || r.newest(1)[0].ID != e.ID {
		t.Errorf("again: %d, %v, recorded %+v", again, err, r.newest(1)[0])
	}
	_, err = r.SaveView(ctx, r.mia, NewView{Page: store.PageAudit, Name: "lost CREATES", Query: "q=other"})
	if p := r.problem(err); p.Fields["name"] == "" {
		t.Errorf("another under the same name: %+v", p)
	}
	other, err := r.SaveView(ctx, r.victor, NewView{Page: store.PageAudit, Name: "Lost creates", Query: "q=x"})
	if err != nil || other == id {
		t.Errorf("somebody else's: %d, %v", other, err)
	}

	for _, refused := range []struct {
		by Actor
		id int64
	}{{r.victor, id}, {r.alice, other}, {r.mia, other}, {r.mia, 999}} {
		if err := r.RemoveView(ctx, refused.by, store.PageAudit, refused.id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s removes %d: %v", refused.by.Staff.Username, refused.id, err)
		}
	}
	if err := r.RemoveView(ctx, r.victor, store.PageAudit, other); err != nil {
		t.Error(err)
	}
	if e := r.newest(1)[0]; e.What != WhatRemoveView || e.Detail != "own, filter q=x" || e.Who.Username != "victor" {
		t.Errorf("recorded %+v", e)
	}
	if err := r.RemoveView(ctx, r.alice, store.PageAudit, id); err != nil { // an admin, a shared one
		t.Error(err)
	}
	if e := r.newest(1)[0]; e.What != WhatRemoveView || !strings.HasPrefix(e.Detail, "of "+r.mia.Staff.Name+", shared") || e.On.Name != "Lost creates" {
		t.Errorf("recorded %+v", e)
	}

	nobody := r.mia
	nobody.Staff.Active = false
	_, err = r.SaveView(ctx, nobody, in)
	if r.problem(err).Kind != Forbidden || r.problem(r.RemoveView(ctx, nobody, store.PageAudit, id)).Kind != Forbidden {
		t.Error("somebody disabled may")
	}
}

func TestViewsAreBoundedAndRecorded(t *testing.T) {
	r := newRig(t)
	var id int64
	for i := range maxViews {
		var err error
		if id, err = r.SaveView(ctx, r.mia, NewView{Page: store.PageAudit, Name: fmt.Sprintf("view %d", i), Query: "q=x"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.SaveView(ctx, r.mia, NewView{Page: store.PageAudit, Name: "one more", Query: "q=x"})
	if p := r.problem(err); p.Fields["name"] == "" {
		t.Errorf("one more: %+v", p)
	}
	mend := r.breakLog()
	if p := r.problem(r.RemoveView(ctx, r.mia, store.PageAudit, id)); p.Kind != Unrecorded {
		t.Errorf("removed off the record: %+v", p)
	}
	_, err = r.SaveView(ctx, r.victor, NewView{Page: store.PageAudit, Name: "n", Query: "q=x"})
	if p := r.problem(err); p.Kind != Unrecorded {
		t.Errorf("saved off the record: %+v", p)
	}
	mend()
	if all, err := r.Store.Views(ctx, store.PageAudit, r.mia.Staff.ID); err != nil || len(all) != maxViews {
		t.Errorf("%d views, %v", len(all), err)
	}
	if all, err := r.Store.Views(ctx, store.PageAudit, r.victor.Staff.ID); err != nil || len(all) != 0 {
		t.Errorf("kept though unrecorded: %+v, %v", all, err)
	}
}
