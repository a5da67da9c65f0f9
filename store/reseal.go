package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Resealed is what a change of the secret has come to.
type Resealed struct {
	Changed bool // there was something to do, and it is done
	Values  int  // that were re-encrypted, those before a break included
	Closed  int  // that open with neither secret, and were left as they are
}

const (
	resealBatch  = 300            // values in one transaction: the writer must not be kept for long
	scrubBatch   = 1000           // pages, likewise
	metaResealed = "resealed"     // while the secret is being changed: how many values are done
	scrubTable   = "secret_scrub" // takes up the pages that nothing uses
)

// Reseal seals with the present secret whatever the former one has sealed, in
// small transactions. Broken off at any moment, it goes on where it was when it
// is called again: until it is done, each value opens with one of the two. done
// runs in the last transaction, with the check value that makes the present
// secret enough; it is not called when there is nothing to do.
//
// Afterwards the former secret opens nothing that the file still holds. A value
// is overwritten in its place; what was deleted before is overwritten as the
// free pages are, here, and within pages by secure_delete(FAST), which costs no
// more than the time to clear a few bytes. (On all the time, secure_delete would
// write every page that is freed.) Then the -wal file is emptied. Only copies
// that SQLite has left in a page when it split it can outlast this; a VACUUM
// removes them too, but needs the whole database's size in memory or on the
// disk.
func (db *DB) Reseal(ctx context.Context, done func(tx *Tx, r Resealed) error) (Resealed, error) {
	var r Resealed
	if !db.seal.former {
		return r, nil
	}
	changed, err := db.secretChanged(ctx, db.reader)
	if err != nil {
		return r, err
	}
	if changed {
		others, err := db.others(ctx)
		if err != nil {
			return r, err
		}
		if others > 0 {
			return r, fmt.Errorf("%d other frontdesks serve from this database, with the former secret: stop them first", others)
		}
	}
	if r.Values, err = db.resealed(ctx); err != nil {
		return r, err
	}
	before := r.Values
	for _, c := range sealedColumns {
		if err := db.resealColumn(ctx, c, &r); err != nil {
			return r, fmt.Errorf("re-encrypt %s.%s: %w", c.table, c.column, err)
		}
	}
	if !changed && r.Values == before {
		return r, nil
	}
	if err := db.scrub(ctx); err != nil {
		return r, fmt.Errorf("overwrite free pages: %w", err)
	}
	if err := db.Write(ctx, func(tx *Tx) error {
		if err := tx.putMeta(ctx, metaCheck, db.sealedCheck(metaCheck)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE name IN ($1, $2)`, metaChanging, metaResealed); err != nil {
			return err
		}
		return done(tx, r)
	}); err != nil {
		return r, err
	}
	r.Changed = true
	// When somebody reads just now it cannot be emptied; then the next pages that
	// are written overwrite it.
	if db.pg == nil {
		_, _ = db.reader.pool.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	return r, nil
}

// resealed is how far a change that was broken off had come.
func (db *DB) resealed(ctx context.Context) (int, error) {
	var text string
	err := db.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaResealed).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

func (tx *Tx) putMeta(ctx context.Context, name string, value []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// sealedValue is one value and where it is.
type sealedValue struct {
	key    any // as the driver gives it: text or an integer
	row    string
	sealed []byte
	again  []byte // sealed with the present secret
}

// resealColumn goes through a column in the order of its keys.
func (db *DB) resealColumn(ctx context.Context, c sealedColumn, r *Resealed) error {
	for after := any(nil); ; {
		values, err := db.sealedValues(ctx, c, after)
		if err != nil || len(values) == 0 {
			return err
		}
		after = values[len(values)-1].key
		var former []sealedValue
		for _, v := range values {
			if c.only != nil && !slices.Contains(c.only, v.row) || c.table == "meta" && (v.row == metaCheck || v.row == metaChanging) {
				continue // not sealed, or not before all others
			}
			switch text, by := db.seal.openBy(c.table, v.row, c.column, v.sealed); by {
			case byFormer:
				v.again = db.seal.seal(c.table, v.row, c.column, text)
				former = append(former, v)
			case byNeither:
				r.Closed++
			}
		}
		if len(former) == 0 {
			continue
		}
		if err := db.resealBatch(ctx, c, former, r); err != nil {
			return err
		}
	}
}

// sealedValues reads the next values of a column.
func (db *DB) sealedValues(ctx context.Context, c sealedColumn, after any) ([]sealedValue, error) {
	more, args := "", []any{resealBatch}
	if after != nil {
		more, args = ` AND `+c.key+` > $2`, append(args, after)
	}
	return collect(ctx, db.reader, func(row scanner) (v sealedValue, err error) {
		err = row.Scan(&v.key, &v.row, &v.sealed)
		return v, err
	}, `SELECT `+c.key+`, `+c.row+`, `+c.column+` FROM `+c.table+` WHERE `+c.column+` IS NOT NULL`+more+` ORDER BY `+c.key+` LIMIT $1 + 0`, args...)
}

// resealBatch writes values that were sealed again, and how far it has come.
func (db *DB) resealBatch(ctx context.Context, c sealedColumn, values []sealedValue, r *Resealed) error {
	n := r.Values
	err := db.Write(ctx, func(tx *Tx) error {
		for _, v := range values {
			// A value that was replaced meanwhile is left alone.
			result, err := tx.ExecContext(ctx, `UPDATE `+c.table+` SET `+c.column+` = $1 WHERE `+c.key+` = $2 AND `+c.column+` = $3`, v.again, v.key, v.sealed)
			if err != nil {
				return err
			}
			changed, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n += int(changed)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			metaChanging, db.sealedCheck(metaChanging)); err != nil {
			return err
		}
		return tx.putMeta(ctx, metaResealed, strconv.AppendInt(nil, int64(n), 10))
	})
	if err == nil {
		r.Values = n
	}
	return err
}

// scrub overwrites the pages that nothing uses: they hold values that were
// deleted. A table of zeros takes them up, and gives them back as zeros.
func (db *DB) scrub(ctx context.Context) error {
	if db.pg != nil {
		return nil // the server's files are the operator's
	}
	for more := true; more; {
		if err := db.Write(ctx, func(tx *Tx) error {
			var free, size int64
			if err := tx.QueryRowContext(ctx, `SELECT freelist_count, page_size FROM pragma_freelist_count, pragma_page_size`).Scan(&free, &size); err != nil {
				return err
			}
			if more = free > 0; !more {
				return nil
			}
			if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+scrubTable+` (filling BLOB)`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO `+scrubTable+` VALUES (zeroblob($1))`, min(free, scrubBatch)*size)
			return err
		}); err != nil {
			return err
		}
	}
	// Not in the transaction of the zeros, which would not be written then.
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `DROP TABLE IF EXISTS `+scrubTable)
		return err
	})
}
