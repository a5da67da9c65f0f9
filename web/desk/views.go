package desk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The acts on views, as the log shows them.
const (
	WhatSaveView   = "save view"
	WhatRemoveView = "remove view"
)

// What a person may keep. A filter's fields are bounded where they are read;
// this bounds what is stored.
const (
	maxViews    = 50
	maxViewName = 60
	maxFilter   = 2000
)

// FilterParams are the parameters of a page's address that narrow it, and say
// how it is shown.
var FilterParams = map[string][]string{
	store.PageAudit:     {"who", "what", "on", "outcome", "service", "from", "to", "q"},
	store.PageCustomers: {"q", "country", "state", "from", "to", "stored", "gone", "outside", "sort", "cols", "density", "size"},
}

// FilterQuery is a filter of a page in one spelling: its own parameters only,
// sorted, each once, blank ones left out.
func FilterQuery(page string, q url.Values) string {
	kept := url.Values{}
	for _, name := range FilterParams[page] {
		if value := strings.TrimSpace(strings.ToValidUTF8(q.Get(name), "")); value != "" {
			kept.Set(name, value)
		}
	}
	return kept.Encode()
}

// NewView is what the form for a view says.
type NewView struct {
	Page   string // store.PageAudit or store.PageCustomers
	Name   string
	Query  string // of the page's address, with or without the question mark
	Shared bool
}

// SaveView keeps a filter of a page under a name and returns its ID. The
// same view saved again is the one that is there.
func (d *Desk) SaveView(ctx context.Context, by Actor, in NewView) (int64, error) {
	if err := by.may(store.Viewer); err != nil {
		return 0, err
	}
	fields := map[string]Text{}
	name := strings.Join(strings.Fields(in.Name), " ")
	switch {
	case name == "":
		fields["name"] = "Give it a name."
	case utf8.RuneCountInString(name) > maxViewName:
		fields["name"] = Say("At most %s characters.", maxViewName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		fields["name"] = "Letters, digits and signs that can be seen, please."
	}
	q, err := url.ParseQuery(strings.TrimPrefix(strings.TrimSpace(in.Query), "?"))
	query := FilterQuery(in.Page, q)
	switch {
	case err != nil:
		fields["query"] = "This is not a filter."
	case query == "":
		fields["query"] = "Nothing is filtered yet; choose something first."
	case len(query) > maxFilter:
		fields["query"] = "This filter is too long to keep."
	}
	if len(fields) > 0 {
		return 0, invalid(fields)
	}
	view := store.View{StaffID: by.Staff.ID, Page: in.Page, Name: name, Query: query, Shared: in.Shared}
	var id int64
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		own, err := tx.OwnViews(ctx, in.Page, by.Staff.ID)
		if err != nil {
			return err
		}
		for _, v := range own {
			if strings.EqualFold(v.Name, name) {
				if id = v.ID; v.Query == query && v.Shared == in.Shared {
					return nil // a double click
				}
				return invalid(map[string]Text{"name": "You have a view of this name already."})
			}
		}
		if len(own) >= maxViews {
			return invalid(map[string]Text{"name": Say("You have %s views already. Remove one first.", len(own))})
		}
		if id, err = tx.AddView(ctx, view); err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatSaveView, On: viewSubject(id, name), Result: audit.Done,
			Detail: viewDetail(view),
		})
	})
	var p *Problem
	switch {
	case errors.As(err, &p):
		return 0, p
	case err != nil:
		return 0, unrecorded(err)
	}
	return id, nil
}

// RemoveView removes one of one's own views; an admin also one that somebody
// else shares. It is store.ErrNotFound for any other, as for none.
func (d *Desk) RemoveView(ctx context.Context, by Actor, page string, id int64) error {
	if err := by.may(store.Viewer); err != nil {
		return err
	}
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		v, err := tx.RemoveView(ctx, page, id, by.Staff.ID, by.Staff.Role.Includes(store.Admin))
		if err != nil {
			return err
		}
		detail := viewDetail(v)
		if v.StaffID != by.Staff.ID {
			detail = "of " + v.StaffName + ", " + detail
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatRemoveView, On: viewSubject(id, v.Name), Result: audit.Done,
			Detail: detail,
		})
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unrecorded(err)
	}
	return err
}

func viewSubject(id int64, name string) audit.Subject {
	return audit.Subject{ID: fmt.Sprintf("view:%d", id), Name: name}
}

func viewDetail(v store.View) string {
	whose := "own"
	if v.Shared {
		whose = "shared"
	}
	if v.Page != store.PageAudit { // of which all views once were
		whose += ", of " + v.Page
	}
	return whose + ", filter " + v.Query
}
