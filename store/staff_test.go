package store

import (
	"errors"
	"testing"
	"time"

	"frontdesk/store/audit"
)

func TestRolesInclude(t *testing.T) {
	for _, tt := range []struct {
		has, needs Role
		want       bool
	}{
		{Viewer, Viewer, true}, {Viewer, Manager, false}, {Viewer, Admin, false},
		{Manager, Viewer, true}, {Manager, Manager, true}, {Manager, Admin, false},
		{Admin, Viewer, true}, {Admin, Manager, true}, {Admin, Admin, true},
		{"", Viewer, false}, {"owner", Viewer, false}, {"", "", false},
	} {
		if got := tt.has.Includes(tt.needs); got != tt.want {
			t.Errorf("%q includes %q: %v", tt.has, tt.needs, got)
		}
	}
}

func TestStaffAreFoundTrimmedAndInAnyCase(t *testing.T) {
	r := newRig(t)
	added := r.staff("  Alice.Smith ", Admin)
	for _, username := range []string{"alice.smith", "ALICE.SMITH", "\tAlice.Smith\n"} {
		got, err := r.StaffByLogin(ctx, "customer", username)
		if err != nil || got.ID != added.ID || got.Username != "alice.smith" || !got.Active || got.AddedBy != "test" || !got.AddedAt.Equal(start) {
			t.Errorf("%q: %+v, %v", username, got, err)
		}
	}
	if _, err := r.StaffByLogin(ctx, "atmosphere", "alice.smith"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another portal's user of that name: %v", err)
	}
	err := r.Write(ctx, func(tx *Tx) error {
		_, err := tx.AddStaff(ctx, Staff{Portal: "customer", Username: "ALICE.smith", Role: Viewer})
		return err
	})
	if !errors.Is(err, ErrTaken) {
		t.Errorf("added twice: %v", err)
	}
	r.clock.Add(time.Hour)
	r.write(func(tx *Tx) error { return tx.SeenStaff(ctx, added.ID) })
	if got, err := r.Staff(ctx, added.ID); err != nil || !got.SeenAt.Equal(start.Add(time.Hour)) {
		t.Errorf("seen %v, %v", got.SeenAt, err)
	}
	if _, err := r.Staff(ctx, 999); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestTheLastActiveAdminStays(t *testing.T) {
	r := newRig(t)
	alice, bob := r.staff("alice", Admin), r.staff("bob", Admin)
	change := func(id int64, role Role, active bool) error {
		return r.Write(ctx, func(tx *Tx) error {
			_, _, err := tx.ChangeStaff(ctx, id, role, active, []string{"customer"})
			return err
		})
	}
	if err := change(bob.ID, Admin, false); err != nil { // a disabled admin is none
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"demoted":  func() error { return change(alice.ID, Manager, true) },
		"disabled": func() error { return change(alice.ID, Admin, false) },
		"both":     func() error { return change(alice.ID, Viewer, false) },
	} {
		if err := try(); !errors.Is(err, ErrLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := r.Staff(ctx, alice.ID); got.Role != Admin || !got.Active {
			t.Errorf("%s all the same: %+v", name, got)
		}
	}
	if err := change(bob.ID, Admin, true); err != nil {
		t.Fatal(err)
	}
	if err := change(alice.ID, Manager, true); err != nil {
		t.Errorf("with another admin: %v", err)
	}
	if err := change(999, Viewer, true); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// Admins of a portal that was switched off cannot sign in, so they do not count.
func TestTheLastAdminOfAnOfferedPortalStays(t *testing.T) {
	r := newRig(t)
	alice := r.staff("alice", Admin)
	r.write(func(tx *Tx) error {
		_, err := tx.AddStaff(ctx, Staff{Portal: "messaging", Username: "bob", Role: Admin})
		return err
	})
	change := func(role Role, active bool, portals ...string) error {
		return r.Write(ctx, func(tx *Tx) error {
			_, _, err := tx.ChangeStaff(ctx, alice.ID, role, active, portals)
			return err
		})
	}
	for name, err := range map[string]error{
		"demoted":          change(Manager, true, "customer", "atmosphere"),
		"disabled":         change(Admin, false, "customer"),
		"no portal at all": change(Manager, true),
	} {
		if !errors.Is(err, ErrLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := r.Staff(ctx, alice.ID); err != nil || got.Role != Admin || !got.Active {
		t.Errorf("changed all the same: %+v, %v", got, err)
	}
	if err := change(Manager, true, "customer", "messaging"); err != nil {
		t.Errorf("with the other portal offered: %v", err)
	}
}

func TestDisablingEndsThePersonsSessionsOnly(t *testing.T) {
	r := newRig(t)
	r.staff("root", Admin)
	alice, bob := r.staff("alice", Viewer), r.staff("bob", Viewer)
	for _, s := range []Staff{alice, bob} {
		for _, n := range []string{"1", "2"} {
			meta := &SessionMeta{ID: s.Username + n, StaffID: s.ID}
			if err := r.Sessions().CommitCtx(WithSessionMeta(ctx, meta), s.Username+n, nil, start.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var before, after Staff
	r.write(func(tx *Tx) (err error) {
		before, after, err = tx.ChangeStaff(ctx, alice.ID, Manager, false, []string{"customer"})
		return err
	})
	if before.Role != Viewer || !before.Active || after.Role != Manager || after.Active {
		t.Errorf("before %+v after %+v", before, after)
	}
	for _, s := range []Staff{alice, bob} {
		want := map[string]int{"alice": 0, "bob": 2}[s.Username]
		if live, err := r.LiveSessions(ctx, s.ID, time.Time{}); err != nil || len(live) != want {
			t.Errorf("%s: %d sessions, %v; want %d", s.Username, len(live), err, want)
		}
	}
}

func entry(staff int64, on string) *audit.Entry {
	return &audit.Entry{Act: NewID(), Phase: audit.Event, Who: audit.Who{StaffID: staff}, What: "look", On: audit.Subject{ID: on}, Result: audit.Done}
}
