package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"frontdesk/store/audit"
)

// copyPages is how many pages are copied before it is looked whether to go on.
const copyPages = 4096

// ErrExists is returned where a file is in the way: none is ever overwritten.
var ErrExists = errors.New("there is a file already")

// Backup copies the database at path, which may be at work, into a file that holds
// it as it was at one moment. The copy gets its name only once it was opened, and its
// audit log recomputed: what that found is returned. It is sealed with the same secret.
func Backup(ctx context.Context, path, file string) (audit.Verified, error) {
	if err := absent(file); err != nil {
		return audit.Verified{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return audit.Verified{}, fmt.Errorf("open database: %w", err)
	}
	pool, err := openPoolToRead(ctx, path)
	if err != nil {
		return audit.Verified{}, fmt.Errorf("open database %s: %w", path, err)
	}
	defer pool.Close()
	partial := file + ".partial"
	if err := copyTo(ctx, pool, partial); err != nil {
		return audit.Verified{}, fmt.Errorf("copy the database: %w", err)
	}
	defer removeDatabase(partial)
	found, err := VerifyFile(ctx, partial)
	if err != nil {
		return found, fmt.Errorf("the copy: %w", err)
	}
	return found, moveInto(partial, file)
}

// VerifyFile opens a database that nobody works with, looks through its pages, and
// recomputes its audit log.
func VerifyFile(ctx context.Context, file string) (audit.Verified, error) {
	db, err := OpenToRead(ctx, file, "")
	if err != nil {
		return audit.Verified{}, err
	}
	defer db.Close()
	var damage string
	if err := db.reader.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&damage); err != nil {
		return audit.Verified{}, fmt.Errorf("look through the database: %w", err)
	}
	if damage != "ok" {
		return audit.Verified{}, fmt.Errorf("the database is damaged: %s", damage)
	}
	return db.Verify(ctx)
}

// Restore puts a backup in a database's place, where there must be none. It is opened
// with the secret, and brought up to date, before it gets the name; append puts the
// restore on record, with what the backup's log was found to be.
func Restore(ctx context.Context, file string, o Options, appended func(found audit.Verified) *audit.Entry) (audit.Verified, error) {
	for _, side := range []string{"", "-wal", "-shm", "-journal"} {
		if err := absent(o.Path + side); err != nil {
			return audit.Verified{}, err
		}
	}
	found, err := VerifyFile(ctx, file)
	if err != nil {
		return found, fmt.Errorf("the backup: %w", err)
	}
	pool, err := openPoolToRead(ctx, file)
	if err != nil {
		return found, err
	}
	defer pool.Close()
	path := o.Path
	o.Path, o.Ballast = path+".partial", 0
	if err := copyTo(ctx, pool, o.Path); err != nil {
		return found, fmt.Errorf("copy the backup: %w", err)
	}
	defer removeDatabase(o.Path)
	db, err := Open(ctx, o)
	if err != nil {
		return found, err
	}
	err = db.Write(ctx, func(tx *Tx) error { return tx.DeclareRestored(ctx, appended(found)) })
	if err := errors.Join(err, db.Close()); err != nil {
		return found, fmt.Errorf("put the restore on record: %w", err)
	}
	return found, moveInto(o.Path, path)
}

// DeclareRestored puts on record that the database came from a backup, and ends the
// backup's sessions: one may have been ended since, or a form of it used.
func (tx *Tx) DeclareRestored(ctx context.Context, e *audit.Entry) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM sessions`); err != nil {
		return fmt.Errorf("end the backup's sessions: %w", err)
	}
	return tx.Append(ctx, e)
}

// copyTo copies what a pool's database holds into a new file, page by page: row IDs,
// by which the search finds its rows, stay as they are. All of it is of one moment,
// however long it takes, and nobody waits for it.
func copyTo(ctx context.Context, pool *sql.DB, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator names it; SQLite itself would let everybody read it
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w, of a copy that was broken off or is being made; remove it", file, ErrExists)
	}
	if err != nil {
		return err
	}
	if err = f.Close(); err == nil {
		if err = copyPagesTo(ctx, pool, file); err == nil {
			err = settle(ctx, file)
		}
	}
	if err != nil {
		removeDatabase(file)
	}
	return err
}

func copyPagesTo(ctx context.Context, pool *sql.DB, file string) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n); err != nil { // from here on it sees one moment
		return err
	}
	return conn.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(address string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver makes no backups")
		}
		b, err := source.NewBackup("file:" + escaped(file) + "?_pragma=synchronous(OFF)&_pragma=journal_mode(OFF)") // it is synced as a whole
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(copyPages)
			}
		}
		return errors.Join(err, b.Finish())
	})
}

// settle makes a copy one file that needs no other beside it, and sees it onto the disk.
func settle(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", "file:"+escaped(file))
	if err != nil {
		return err
	}
	var mode string
	err = db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0) // #nosec G304 -- as above
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// absent is nil when nothing has this name.
func absent(file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s: %w; nothing was written", file, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// moveInto gives a finished file its name, unless that was taken meanwhile.
func moveInto(partial, file string) error {
	if err := absent(file); err != nil {
		return err
	}
	if err := os.Rename(partial, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file)) // #nosec G304 -- as above
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // so that the name outlasts a power cut too
}

// removeDatabase removes a file that came to nothing, and what SQLite put beside it.
func removeDatabase(path string) {
	for _, side := range []string{"", "-wal", "-shm", "-journal"} {
		_ = os.Remove(path + side) // mostly there is none
	}
}
