package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// openPoolToRead opens a file of which nothing must be changed. Even to read,
// SQLite makes an index beside the file; where it cannot, on a read-only file
// system, the file is read as one that nobody changes.
func openPoolToRead(ctx context.Context, path string) (*sql.DB, error) {
	pool, err := openSQLite(path, "deferred", "mode", "ro")
	if err != nil {
		return nil, err
	}
	var n int
	err = pool.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n)
	if code(err) != sqlite3.SQLITE_CANTOPEN {
		return pool, nil // another error comes again
	}
	pool.Close()
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return nil, errors.New("it was not closed properly, and what is in its -wal file cannot be read on a read-only file system")
	}
	return openSQLite(path, "deferred", "mode", "ro", "immutable", "1")
}

// openMeanwhile opens the database on a file system that is read-only, which is
// why. Reading goes on; the writer connects as soon as it can.
func (db *DB) openMeanwhile(ctx context.Context, why error) error {
	pool, err := openPoolToRead(ctx, db.path)
	if err != nil {
		return errors.Join(why, err)
	}
	db.reader = newReader(pool, nil)
	if err := db.checkSecret(ctx, db.reader); err != nil {
		return err
	}
	var version int
	if err := db.reader.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&version); err != nil {
		return err
	}
	newest, err := db.newestMigration()
	if err != nil {
		return err
	}
	if version != newest {
		return fmt.Errorf("its schema is of version %d and cannot be brought to %d: %w", version, newest, why)
	}
	if err := db.openKeys(ctx, nil, false); err != nil {
		return err
	}
	if err := db.openLog(ctx); err != nil {
		return err
	}
	db.failed(why)
	db.writer, err = newWriter(db)
	return err
}

// connect opens the database for writing after openMeanwhile.
func (w *writer) connect(ctx context.Context) error {
	file, err := os.OpenFile(w.db.path, os.O_RDWR, 0) // SQLite would do with less
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	// The connections of one process share an index. While one holds it that was
	// opened to read, none can write.
	if err := w.db.reader.reopen(ctx, w.db.path, func() error { return w.open(ctx) }); err != nil {
		return err
	}
	if err := w.db.ballast.lay(); err != nil {
		w.db.failed(errFull)
	}
	return nil
}

func (w *writer) open(ctx context.Context) error {
	pool, err := openSQLite(w.db.path, "immediate")
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, `BEGIN IMMEDIATE; ROLLBACK`)
	}
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	w.conn, w.db.pool = conn, pool
	w.db.openJobs()
	return w.db.startCheckpoints(ctx)
}

// reopen gives readers another pool, once all connections of the one before are
// closed and first was run. A reader in between gets an error.
func (r *reader) reopen(ctx context.Context, path string, first func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stmt := range r.stmts {
		stmt.Close()
	}
	r.stmts = map[string]*sql.Stmt{}
	r.pool.Close()
	for deadline := time.Now().Add(time.Second); r.pool.Stats().OpenConnections > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	err := first()
	open := openReaders
	if err != nil {
		open = func(path string) (*sql.DB, error) { return openPoolToRead(ctx, path) }
	}
	pool, again := open(path)
	if again == nil {
		r.pool = pool
	}
	return errors.Join(err, again)
}
