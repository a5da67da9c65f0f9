package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNewer means that a newer frontdesk has brought the database up to date: this one
// would not know what is in it.
var ErrNewer = errors.New("the database is a newer frontdesk's")

// upgrade brings the schema up to date. A database that was in use is copied before:
// the copy stays beside it until the next upgrade, for whoever has to go back.
func (db *DB) upgrade(ctx context.Context, inUse bool) error {
	newest, err := db.newestMigration()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	version, before := 0, ""
	if inUse {
		if version, err = db.schema(ctx); err != nil {
			return err
		}
	}
	switch {
	case version > newest:
		return fmt.Errorf("%w: its schema is %d, and this one knows no more than %d. Start the newer one, or go back to %s", ErrNewer, version, newest, db.copies())
	case inUse && version < newest && db.pg == nil:
		before = fmt.Sprintf("%s.before-%d", db.path, newest)
		if err := db.copyBefore(ctx, before); err != nil {
			return fmt.Errorf("copy the database before it is brought up to date: %w", err)
		}
	}
	provider, err := db.migrator()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if before != "" {
		db.forgetCopies(before)
	}
	return nil
}

// copies are what an upgrade leaves to go back to.
func (db *DB) copies() string {
	if db.pg != nil {
		return "a backup of the database"
	}
	return "the copy that it has made beside the database"
}

// schema is the version of the database's schema.
func (db *DB) schema(ctx context.Context) (version int, err error) {
	err = db.pool.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
	return version, err
}

// copyBefore copies the database, unless an upgrade that was broken off has done so.
func (db *DB) copyBefore(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return nil
	}
	removeDatabase(file + ".partial") // of an upgrade that was killed
	pool, err := openPoolToRead(ctx, db.path)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := copyTo(ctx, pool, file+".partial"); err != nil {
		return err
	}
	return moveInto(file+".partial", file)
}

// forgetCopies removes the copies that former upgrades have made.
func (db *DB) forgetCopies(but string) {
	dir := filepath.Dir(db.path)
	all, err := os.ReadDir(dir)
	if err != nil {
		return // they stay until the next
	}
	for _, file := range all {
		name := file.Name()
		if strings.HasPrefix(name, filepath.Base(db.path)+".before-") && name != filepath.Base(but) {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
}
