package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"frontdesk/store/audit"
)

// The rows of meta that hold the key that signs the log's heads: its secret
// part sealed, its public part plain, for "audit verify" without the secret.
const (
	metaAuditKey    = "audit-key"
	metaAuditPublic = "audit-public-key"

	provedSince = 3 // the migration that made the log prove itself
	citingSince = 7 // the one that let an entry cite another
)

// adoptLog makes the log's key and builds the tree of what is there. It is a
// migration: a log that lost its key later gets no new one silently.
func (db *DB) adoptLog(ctx context.Context, tx *sql.Tx) error {
	key, err := audit.NewKey()
	if err != nil {
		return err
	}
	for name, value := range map[string][]byte{
		metaAuditKey:    db.seal.seal("meta", metaAuditKey, "value", []byte(key.Secret())),
		metaAuditPublic: []byte(key.Public()),
	} {
		if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)`, name, value); err != nil {
			return err
		}
	}
	if db.pg == nil {
		if err := letCite(ctx, tx); err != nil { // the tree is built from entries as they are read now
			return err
		}
	}
	return audit.Adopt(ctx, tx, key, db.now())
}

// letCite gives entries their column for the entry that they cite, unless
// adoptLog has done so.
func letCite(ctx context.Context, tx *sql.Tx) error {
	var has bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pragma_table_info('audit_entries') WHERE name = 'evidence')`).Scan(&has)
	if err != nil || has {
		return err
	}
	_, err = tx.ExecContext(ctx, `ALTER TABLE audit_entries ADD COLUMN evidence INTEGER NOT NULL DEFAULT 0`)
	return err
}

// openLog reads the key and the log's head. A log that does not fit its head
// does not stop frontdesk: reading goes on, and nothing is appended to it.
func (db *DB) openLog(ctx context.Context) error {
	var sealed, public []byte
	err := db.reader.QueryRowContext(ctx, `SELECT k.value, p.value FROM meta k, meta p WHERE k.name = $1 AND p.name = $2`,
		metaAuditKey, metaAuditPublic).Scan(&sealed, &public)
	if errors.Is(err, sql.ErrNoRows) {
		db.failed(errNoKey)
		return nil
	}
	if err != nil {
		return err
	}
	secret, err := db.seal.open("meta", metaAuditKey, "value", sealed)
	if err != nil {
		return ErrWrongSecret
	}
	key, err := audit.OpenKey(string(secret), string(public))
	if err != nil {
		db.failed(fmt.Errorf("%w: %w", audit.ErrAltered, err))
		return nil
	}
	db.log, err = audit.OpenLog(ctx, db.reader, key)
	if errors.Is(err, audit.ErrAltered) {
		db.failed(err)
		return nil
	}
	return err
}

// OpenToRead opens a database only for what reading and checking its audit log
// takes: nothing is written, and no secret is needed. public is the log's public
// key; the one that the database names when it is empty.
func OpenToRead(ctx context.Context, path, public string) (*DB, error) {
	db := &DB{path: path, index: audit.NewIndex(Fold), now: time.Now}
	var pool *sql.DB
	var err error
	name := path
	if IsPostgres(path) {
		if pool, db.pg, err = openPostgresToRead(path); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		name, db.index.Like = db.pg.name(), true
	} else {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		if pool, err = openPoolToRead(ctx, path); err != nil {
			return nil, fmt.Errorf("open database %s: %w", path, err)
		}
	}
	db.reader = newReader(pool, db.pg)
	if err := db.openToRead(ctx, public); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), db.Close())
	}
	return db, nil
}

func (db *DB) openToRead(ctx context.Context, public string) error {
	var version int
	if err := db.reader.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
		return fmt.Errorf("this is not a database of frontdesk: %w", err)
	}
	if version < citingSince {
		return errors.New("its log was written by an older version; start frontdesk on it once")
	}
	if public == "" {
		err := db.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaAuditPublic).Scan(&public)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoKey
		}
		if err != nil {
			return err
		}
	}
	key, err := audit.OpenKey("", public)
	if err != nil {
		return err
	}
	db.log, err = audit.OpenLog(ctx, db.reader, key)
	if errors.Is(err, audit.ErrAltered) {
		return nil // Verify says more
	}
	return err
}

// KeyBelongs tells whether the log's key is one that this secret has sealed: a
// key that somebody put in its place is not.
func (db *DB) KeyBelongs(ctx context.Context, secret, old []byte) error {
	seal, err := newSealer(secret, old)
	if err != nil {
		return err
	}
	var sealed []byte
	if err := db.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaAuditKey).Scan(&sealed); err != nil {
		return errNoKey
	}
	text, err := seal.open("meta", metaAuditKey, "value", sealed)
	if err != nil {
		return fmt.Errorf("%w: its signing key was not sealed with this secret", audit.ErrAltered)
	}
	if _, err = audit.OpenKey(string(text), db.AuditKey()); err != nil {
		return fmt.Errorf("%w: %w", audit.ErrAltered, err)
	}
	return nil
}

// state is the log as the database has it now.
func (db *DB) state(ctx context.Context) (*audit.State, error) {
	if db.log == nil {
		return nil, errNoKey
	}
	return db.log.Current(ctx, db.reader)
}

// Head is the log's newest signed head; audit.ErrAltered when it does not fit
// the log.
func (db *DB) Head(ctx context.Context) (audit.Head, error) {
	s, err := db.state(ctx)
	if err != nil {
		return audit.Head{}, err
	}
	return s.Head, nil
}

// AuditKey is the public part of the key that signs the log's heads.
func (db *DB) AuditKey() string {
	if db.log == nil {
		return ""
	}
	return db.log.Key().Public()
}

// Prove returns the proof of one entry; ErrNotFound when there is none.
func (db *DB) Prove(ctx context.Context, id int64) (audit.Proof, error) {
	s, err := db.state(ctx)
	if err != nil {
		return audit.Proof{}, err
	}
	return one(s.Prove(ctx, db.reader, id, db.AuditKey()))
}

// Continues returns the log's newest signed head, and tells whether the log is the
// continuation of one of this size and root: audit.ErrNotPrefix when it was cut, rolled
// back or rewritten since.
func (db *DB) Continues(ctx context.Context, size int64, root tlog.Hash) (audit.Head, error) {
	s, err := db.state(ctx)
	if err != nil {
		return audit.Head{}, err
	}
	return s.Head, s.Continues(ctx, db.reader, size, root)
}

// Restores are the restores from a backup that were declared, oldest first: how
// many of the log's first entries came from each.
func (db *DB) Restores(ctx context.Context) ([]int64, error) {
	return collect(ctx, db.reader, func(row scanner) (size int64, err error) {
		var on string
		if err := row.Scan(&on); err != nil {
			return 0, err
		}
		_, err = fmt.Sscanf(on, audit.RestoredTo, &size)
		return size, err
	}, `SELECT on_id FROM audit_entries WHERE what = 'declare restore' ORDER BY id`)
}

// Verify recomputes the whole log; see audit.Verify.
func (db *DB) Verify(ctx context.Context, since ...audit.Head) (audit.Verified, error) {
	return audit.Verify(ctx, db.reader, db.AuditKey(), since...)
}
