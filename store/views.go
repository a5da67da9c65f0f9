package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// The pages that have named views.
const (
	PageAudit     = "audit"
	PageCustomers = "customers"
)

// View is a filter of the audit log or of the customers that somebody gave a name.
type View struct {
	ID        int64
	StaffID   int64 // whose it is
	StaffName string
	Page      string // PageAudit or PageCustomers
	Name      string
	Query     string // the filter, as in the address
	Shared    bool   // everybody who may read the log is offered it
	MadeAt    time.Time
}

func scanView(row scanner) (View, error) {
	var v View
	var made sql.NullInt64
	err := row.Scan(&v.ID, &v.StaffID, &v.StaffName, &v.Page, &v.Name, &v.Query, &v.Shared, &made)
	v.MadeAt = fromMillis(made)
	return v, err
}

const viewColumns = `v.id, v.staff_id, p.name, v.page, v.name, v.query, v.shared, v.made_at FROM views v JOIN staff p ON p.id = v.staff_id`

// Views returns somebody's views of a page and those that others share: their
// own first, then by name.
func (db *DB) Views(ctx context.Context, page string, staffID int64) ([]View, error) {
	db.heed(ctx)
	return db.views.of(viewsOf{page, staffID}, func() ([]View, error) { return db.readViews(ctx, page, staffID) })
}

// viewsOf is whose views of which page.
type viewsOf struct {
	page    string
	staffID int64
}

func (db *DB) readViews(ctx context.Context, page string, staffID int64) ([]View, error) {
	return collect(ctx, db.reader, scanView, `SELECT `+viewColumns+` WHERE v.page = $2 AND (v.staff_id = $1 OR v.shared = 1)
		ORDER BY CASE WHEN v.staff_id = $1 THEN 0 ELSE 1 END, lower(v.name), v.id`, staffID, page)
}

// OwnViews returns the views of a page that somebody made, as the transaction
// sees them.
func (tx *Tx) OwnViews(ctx context.Context, page string, staffID int64) ([]View, error) {
	return collect(ctx, tx, scanView, `SELECT `+viewColumns+` WHERE v.page = $2 AND v.staff_id = $1 ORDER BY v.id`, staffID, page)
}

// AddView stores v, whose StaffID, Page, Name, Query and Shared are set, and returns
// its ID.
func (tx *Tx) AddView(ctx context.Context, v View) (id int64, err error) {
	tx.outdates(tx.db.views.forget)
	shared := 0
	if v.Shared {
		shared = 1
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO views (staff_id, page, name, query, shared, made_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		v.StaffID, v.Page, v.Name, v.Query, shared, millis(tx.db.now())).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("add view: %w", err)
	}
	return id, nil
}

// RemoveView removes somebody's own view of a page, or, for admins, also one that
// another person shares, and returns it; ErrNotFound when that is none of these.
func (tx *Tx) RemoveView(ctx context.Context, page string, id, staffID int64, admin bool) (View, error) {
	tx.outdates(tx.db.views.forget)
	v, err := one(scanView(tx.QueryRowContext(ctx, `SELECT `+viewColumns+` WHERE v.id = $1 AND v.page = $2`, id, page)))
	if err != nil {
		return v, err
	}
	if v.StaffID != staffID && (!admin || !v.Shared) {
		return View{}, ErrNotFound
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM views WHERE id = $1`, id); err != nil {
		return v, fmt.Errorf("remove view: %w", err)
	}
	return v, nil
}
