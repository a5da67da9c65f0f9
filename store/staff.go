package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Role is what a member of staff may do; each role may do what the one before
// it may.
type Role string

const (
	Viewer  Role = "viewer"
	Manager Role = "manager"
	Admin   Role = "admin"
)

// Roles are all roles, the least powerful first.
var Roles = []Role{Viewer, Manager, Admin}

// Includes tells whether r may do what needs does.
func (r Role) Includes(needs Role) bool { return r.rank() >= needs.rank() && r.rank() > 0 }

func (r Role) rank() int {
	for i, role := range Roles {
		if r == role {
			return i + 1
		}
	}
	return 0
}

// Staff is a row of the staff directory.
type Staff struct {
	ID       int64
	Portal   string
	Username string // folded by FoldUsername
	Name     string
	Role     Role
	Active   bool
	AddedBy  string
	AddedAt  time.Time
	SeenAt   time.Time // when they last signed in or did something, to the minute; zero before the first sign-in
}

// FoldUsername trims a username and drops its case: portals compare so.
func FoldUsername(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// ErrLastAdmin refuses a change that would leave no active admin.
var ErrLastAdmin = errors.New("the last active admin can be neither demoted nor disabled")

// ErrTaken means that a portal and username are in the directory already.
var ErrTaken = errors.New("already in the staff directory")

const staffColumns = `id, portal, username, name, role, state, added_by, added_at, seen_at`

func scanStaff(row scanner) (Staff, error) {
	var s Staff
	var state string
	var added, seen sql.NullInt64
	err := row.Scan(&s.ID, &s.Portal, &s.Username, &s.Name, &s.Role, &state, &s.AddedBy, &added, &seen)
	s.Active, s.AddedAt, s.SeenAt = state == "active", fromMillis(added), fromMillis(seen)
	return s, err
}

// Staff returns one member of staff by ID.
func (db *DB) Staff(ctx context.Context, id int64) (Staff, error) {
	return one(scanStaff(db.reader.QueryRowContext(ctx, `SELECT `+staffColumns+` FROM staff WHERE id = $1`, id)))
}

// StaffByLogin returns the member of staff with this portal login.
func (db *DB) StaffByLogin(ctx context.Context, portal, username string) (Staff, error) {
	return one(scanStaff(db.reader.QueryRowContext(ctx, `SELECT `+staffColumns+` FROM staff WHERE portal = $1 AND username = $2`,
		portal, FoldUsername(username))))
}

// AllStaff returns the directory, by name.
func (db *DB) AllStaff(ctx context.Context) ([]Staff, error) {
	return collect(ctx, db.reader, scanStaff, `SELECT `+staffColumns+` FROM staff ORDER BY state, lower(name), id`)
}

// AddStaff adds s to the directory and returns its ID; ErrTaken when the login
// is there already.
func (tx *Tx) AddStaff(ctx context.Context, s Staff) (int64, error) {
	var id int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO staff (portal, username, name, role, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (portal, username) DO NOTHING RETURNING id`,
		s.Portal, FoldUsername(s.Username), s.Name, s.Role, s.AddedBy, millis(tx.db.now())).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrTaken
	}
	if err != nil {
		return 0, fmt.Errorf("add staff: %w", err)
	}
	return id, nil
}

// ChangeStaff sets role and state and returns the row before and after.
// ErrLastAdmin when that would leave no active admin at one of the portals that
// are offered: the others cannot sign in. Disabling ends the person's sessions
// in the same transaction.
func (tx *Tx) ChangeStaff(ctx context.Context, id int64, role Role, active bool, portals []string) (before, after Staff, err error) {
	before, err = one(scanStaff(tx.QueryRowContext(ctx, `SELECT `+staffColumns+` FROM staff WHERE id = $1`, id)))
	if err != nil {
		return before, after, err
	}
	after = before
	after.Role, after.Active = role, active
	state := "disabled"
	if active {
		state = "active"
	}
	if _, err := tx.ExecContext(ctx, `UPDATE staff SET role = $1, state = $2 WHERE id = $3`, role, state, id); err != nil {
		return before, after, fmt.Errorf("change staff: %w", err)
	}
	admins, err := collect(ctx, tx, scanStaff, `SELECT `+staffColumns+` FROM staff WHERE role = 'admin' AND state = 'active'`)
	if err != nil {
		return before, after, err
	}
	if !slices.ContainsFunc(admins, func(s Staff) bool { return slices.Contains(portals, s.Portal) }) {
		return before, after, ErrLastAdmin
	}
	if !active {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE staff_id = $1`, id); err != nil {
			return before, after, fmt.Errorf("end sessions: %w", err)
		}
	}
	return before, after, nil
}

// SeenStaff notes a sign-in.
func (tx *Tx) SeenStaff(ctx context.Context, id int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE staff SET seen_at = $1 WHERE id = $2`, millis(tx.db.now()), id)
	return err
}
