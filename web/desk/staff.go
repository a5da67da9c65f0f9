package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// errStale means that somebody is not what the page said they were.
var errStale = errors.New("changed since the page was made")

// AddStaff puts somebody on the staff list, before or after their first try to
// sign in.
func (d *Desk) AddStaff(ctx context.Context, by Actor, s store.Staff) (int64, error) {
	if err := by.may(store.Admin); err != nil {
		return 0, err
	}
	s.Username, s.Name = store.FoldUsername(s.Username), strings.TrimSpace(s.Name)
	fields := map[string]Text{}
	if _, ok := d.Portals[s.Portal]; !ok {
		fields["portal"] = "Choose one of the portals."
	}
	if s.Username == "" || utf8.RuneCountInString(s.Username) > 200 {
		fields["username"] = "Enter their portal username."
	}
	if s.Name == "" {
		s.Name = s.Username
	}
	if utf8.RuneCountInString(s.Name) > 200 {
		fields["name"] = "At most 200 characters."
	}
	if !slices.Contains(store.Roles, s.Role) {
		fields["role"] = "Choose a role."
	}
	if len(fields) > 0 {
		return 0, invalid(fields)
	}
	s.AddedBy = by.Staff.Name
	var id int64
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		var err error
		if id, err = tx.AddStaff(ctx, s); err != nil {
			return err
		}
		s.ID = id
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatAddStaff, On: staffSubject(s), Result: audit.Done,
			Changes: changes(map[string][2]string{"role": {"", string(s.Role)}}),
		})
	})
	switch {
	case errors.Is(err, store.ErrTaken):
		var message Text = "This portal user is on the staff list already."
		if have, err := d.Store.StaffByLogin(ctx, s.Portal, s.Username); err == nil && !have.Active {
			message = Say("This portal user is on the staff list already, disabled: make %s active below.", have.Name)
		}
		return 0, invalid(map[string]Text{"username": message})
	case err != nil:
		return 0, unrecorded(err)
	}
	return id, nil
}

// Standing is somebody's role and state ("active" or "disabled").
type Standing struct {
	Role  store.Role
	State string
}

// ChangeStaff sets somebody's role and state. Disabling them ends their
// sessions. was is what the page said of them; when that is not so any more,
// nothing is changed: a page that is old must not take back what somebody else
// has done. A part of it that is blank is not compared.
func (d *Desk) ChangeStaff(ctx context.Context, by Actor, id int64, was Standing, role store.Role, state string) error {
	if err := by.may(store.Admin); err != nil {
		return err
	}
	now, err := d.Store.Staff(ctx, id)
	if err != nil {
		return err
	}
	if role == "" {
		role = now.Role
	}
	if state == "" {
		state = stateOf(now)
	}
	fields := map[string]Text{}
	if !slices.Contains(store.Roles, role) {
		fields["role"] = "Choose a role."
	}
	if state != "active" && state != "disabled" {
		fields["state"] = "Active or disabled."
	}
	if len(fields) > 0 {
		return invalid(fields)
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		before, after, err := tx.ChangeStaff(ctx, id, role, state == "active", slices.Collect(maps.Keys(d.Portals)))
		if err != nil || before == after {
			return err
		}
		if was.Role != "" && was.Role != before.Role || was.State != "" && was.State != stateOf(before) {
			return errStale
		}
		diff := map[string][2]string{}
		if before.Role != after.Role {
			diff["role"] = [2]string{string(before.Role), string(after.Role)}
		}
		if before.Active != after.Active {
			diff["state"] = [2]string{stateOf(before), stateOf(after)}
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatChangeStaff, On: staffSubject(after), Result: audit.Done,
			Changes: changes(diff),
		})
	})
	switch {
	case errors.Is(err, errStale):
		return &Problem{Kind: Invalid, Title: "The page was older than the staff list", Text: "Somebody changed this person's role or state meanwhile. Nothing was changed now.",
			Advice: "Look at the row, which shows what is, and change it again if it is still needed.",
			Fields: map[string]Text{"was": Say("%s was changed meanwhile: look again.", now.Name)}}
	case errors.Is(err, store.ErrLastAdmin):
		return &Problem{Kind: Invalid, Title: "This is the last active admin", Text: "Somebody has to be able to manage the staff list. Nothing was changed.",
			Advice: "Make somebody else an admin first.", Fields: map[string]Text{"role": "The last active admin stays one."}}
	case errors.Is(err, store.ErrNotFound):
		return err
	case err != nil:
		return unrecorded(err)
	}
	return nil
}

// SeedStaff fills an empty staff directory. It does nothing when there is
// anybody in it.
func (d *Desk) SeedStaff(ctx context.Context, people []store.Staff) error {
	have, err := d.Store.AllStaff(ctx)
	if err != nil || len(have) > 0 {
		return err
	}
	return d.Store.Write(ctx, func(tx *store.Tx) error {
		for _, s := range people {
			id, err := tx.AddStaff(ctx, s)
			if errors.Is(err, store.ErrTaken) {
				continue
			}
			if err != nil {
				return err
			}
			s.ID = id
			if err := tx.Append(ctx, &audit.Entry{
				Phase: audit.Event, Who: frontdesk, What: WhatAddStaff, On: staffSubject(s), Result: audit.Done,
				Detail: "from " + s.AddedBy, Changes: changes(map[string][2]string{"role": {"", string(s.Role)}}),
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// RevokeSession ends a session: one's own, or, for admins, anybody's.
func (d *Desk) RevokeSession(ctx context.Context, by Actor, id string) error {
	s, err := d.Store.Session(ctx, id)
	if err != nil {
		return err
	}
	if s.StaffID != by.Staff.ID {
		if err := by.may(store.Admin); err != nil {
			return err
		}
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeSession(ctx, id); err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatRevoke, Result: audit.Done,
			On: audit.Subject{ID: fmt.Sprintf("staff:%d", s.StaffID), Name: s.StaffName}, Detail: "session " + id,
		})
	})
	if err != nil {
		return unrecorded(err)
	}
	return nil
}

// RevokeOthers ends all of one's own sessions but the present one, and tells
// how many there were.
func (d *Desk) RevokeOthers(ctx context.Context, by Actor) (int, error) {
	var n int64
	err := d.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if n, err = tx.RevokeOthers(ctx, by.Staff.ID, by.Session); err != nil || n == 0 {
			return err
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatRevoke, On: staffSubject(by.Staff), Result: audit.Done,
			Detail: "all others: " + plural(int(n), "session"),
		})
	})
	if err != nil {
		return 0, unrecorded(err)
	}
	return int(n), nil
}

func staffSubject(s store.Staff) audit.Subject {
	return audit.Subject{ID: fmt.Sprintf("staff:%d", s.ID), Name: s.Name + " (" + s.Portal + ":" + s.Username + ")"}
}

func stateOf(s store.Staff) string {
	if s.Active {
		return "active"
	}
	return "disabled"
}

// changes writes old → new values as JSON.
func changes(diff map[string][2]string) string {
	b, err := json.Marshal(diff)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return string(b)
}
