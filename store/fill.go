package store

import (
	"context"
	"fmt"
)

// Each index of customers has another order, so that every new customer changes a
// page of each: a hundred thousand of them take minutes. While the mirror is filled
// for the first time, the indexes are therefore off, but for those that the list's
// first pages and the sync itself read, and that of the gone, who are none yet. They
// are built afterwards in one go each.
const (
	fillKeeps = `'customers_company', 'customers_listed', 'customers_gone'`
	fillBelow = 1000 // customers in the mirror, for it to count as not filled yet
)

// What a batch changes fits into the writer's cache while the mirror is filled, and
// pages that many batches change go into the database once for several of them, for
// the checkpoints pause. Then the cache makes room, for an index is sorted in memory.
const (
	fillPragmas  = `PRAGMA cache_size = -4000`
	sortPragmas  = `PRAGMA cache_size = -2000; PRAGMA shrink_memory`
	usualPragmas = `PRAGMA cache_size = -2000` // SQLite's own
)

// BeginFill takes the indexes off, if the mirror is not filled yet; EndFill must
// follow.
func (db *DB) BeginFill(ctx context.Context) error {
	if db.pg != nil { // other processes may be reading
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error {
		var some int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM customers LIMIT $1 + 0) AS few`, fillBelow).Scan(&some); err != nil || some == fillBelow {
			return err
		}
		// Kept before they go, and in one transaction: opening the database puts back what a
		// crash left off.
		if _, err := tx.ExecContext(ctx, `INSERT INTO fill_indexes (name, sql) SELECT name, sql FROM sqlite_master
			WHERE type = 'index' AND tbl_name = 'customers' AND sql IS NOT NULL AND name NOT IN (`+fillKeeps+`)`); err != nil {
			return err
		}
		off, err := fillIndexes(ctx, tx)
		if err != nil {
			return err
		}
		for _, index := range off {
			if _, err := tx.w.conn.ExecContext(ctx, `DROP INDEX IF EXISTS "`+index.name+`"`); err != nil {
				return fmt.Errorf("take an index off: %w", err)
			}
		}
		db.wal.Load().pause(true)
		_, err = tx.w.conn.ExecContext(ctx, fillPragmas)
		return err
	})
}

// EndFill puts the indexes back, each in a transaction of its own, so that acts do
// not wait for all of them.
func (db *DB) EndFill(ctx context.Context) error {
	if db.pg != nil {
		return nil
	}
	defer db.wal.Load().pause(false)
	off, err := fillIndexes(ctx, db.reader)
	if err != nil || len(off) == 0 {
		return err
	}
	pragmas := func(all string) error {
		return db.Write(ctx, func(tx *Tx) error {
			_, err := tx.w.conn.ExecContext(ctx, all)
			return err
		})
	}
	if err := pragmas(sortPragmas); err != nil {
		return err
	}
	for _, index := range off {
		if err := db.Write(ctx, func(tx *Tx) error { return index.putBack(ctx, tx) }); err != nil {
			return err
		}
	}
	return pragmas(usualPragmas)
}

// fillIndex is an index that is off.
type fillIndex struct{ name, sql string }

func fillIndexes(ctx context.Context, q querier) ([]fillIndex, error) {
	return collect(ctx, q, func(s scanner) (i fillIndex, err error) { return i, s.Scan(&i.name, &i.sql) }, `SELECT name, sql FROM fill_indexes ORDER BY name`)
}

func (i fillIndex) putBack(ctx context.Context, x execer) error {
	if _, err := x.ExecContext(ctx, i.sql); err != nil {
		return fmt.Errorf("build an index: %w", err)
	}
	_, err := x.ExecContext(ctx, `DELETE FROM fill_indexes WHERE name = $1`, i.name)
	return err
}

// finishFill puts back, at the opening, what a crash in a first fill left off.
func (db *DB) finishFill(ctx context.Context) error {
	if db.pg != nil {
		return nil
	}
	var table bool
	err := db.pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'fill_indexes')`).Scan(&table)
	if err != nil || !table {
		return err
	}
	off, err := fillIndexes(ctx, db.pool)
	if err != nil || len(off) == 0 {
		return err
	}
	tx, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, index := range off {
		if err := index.putBack(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}
