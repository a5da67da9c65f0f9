package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"frontdesk/store/audit"
)

// Unwritable means that the database, and with it the audit log, cannot be
// written for now. It is tried again with each write.
type Unwritable struct {
	Cause string    // a sentence for the person
	Since time.Time // when it began
	Err   error
}

func (u *Unwritable) Error() string { return u.Cause + " (" + u.Err.Error() + ")" }

func (u *Unwritable) Unwrap() error { return u.Err }

var (
	errReplaced = errors.New("the database file is not the one that was opened")
	errNoKey    = fmt.Errorf("%w: its signing key is missing", audit.ErrAltered)
	errFull     = errors.New("the disk is full: what is left is kept for the outcomes of acts under way")
)

// The causes, as a person reads them.
const (
	CauseFull     = "The disk is full."
	CauseReadOnly = "The database is read-only."
	CauseDamaged  = "The database file is damaged."
	CauseMissing  = "The database file was replaced or removed while frontdesk was running. Start frontdesk again."
	CauseAltered  = "The audit log was changed by something other than frontdesk. Run \"frontdesk audit verify\"."
	CauseBusy     = "Another program holds the database."
	CauseDisk     = "The disk reports errors."
	CauseGone     = "The connection to the database was lost for too long: this frontdesk has to be started again."
	CauseServer   = "The database server cannot be reached."
)

// code is SQLite's primary result code; 0 for other errors.
func code(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// causeOf is why a write failed, in words; "" when the write itself is to blame
// and not what it is written to.
func causeOf(err error) string {
	switch {
	case errors.Is(err, errFull), errors.Is(err, syscall.ENOSPC):
		return CauseFull
	case errors.Is(err, syscall.EROFS):
		return CauseReadOnly
	case errors.Is(err, errReplaced), errors.Is(err, fs.ErrNotExist):
		return CauseMissing
	case errors.Is(err, audit.ErrAltered):
		return CauseAltered
	case errors.Is(err, errGone):
		return CauseGone
	}
	if cause := causeOfServer(err); cause != "" {
		return cause
	}
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		return CauseFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return CauseReadOnly
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return CauseDamaged
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return CauseBusy
	case sqlite3.SQLITE_IOERR:
		return CauseDisk
	}
	return ""
}

// total tells whether an error is of the file and not of one write: then the
// others in the transaction would fail as well.
func total(err error) bool {
	return causeOf(err) != "" && !errors.Is(err, audit.ErrAltered)
}

// unwritable puts err in words when it is of the file.
func (db *DB) unwritable(err error) error {
	var u *Unwritable
	if errors.As(err, &u) {
		return err
	}
	cause := causeOf(err)
	if cause == CauseDisk && db.pg == nil {
		if free, ok := freeSpace(db.path); ok && free < lowSpace {
			cause = CauseFull // SQLite calls a failed fsync an I/O error
		}
	}
	if cause == "" {
		return err
	}
	return &Unwritable{Cause: cause, Since: db.now(), Err: err}
}

// Trouble is why the database could not be written the last time it was tried;
// nil when it could.
func (db *DB) Trouble() *Unwritable {
	u := db.trouble.Load()
	if u != nil && u.Cause == CauseFull && db.ballast.recovered() {
		db.trouble.CompareAndSwap(u, nil)
		return nil
	}
	return u
}

// failed puts an error in words and notes it, when it is that nothing can be
// written.
func (db *DB) failed(err error) error {
	err = db.unwritable(err)
	var u *Unwritable
	if !errors.As(err, &u) {
		return err
	}
	if u.Cause == CauseFull {
		db.ballast.spend(false)
	}
	if before := db.trouble.Load(); before != nil && before.Cause == u.Cause {
		u.Since = before.Since
	}
	db.trouble.Store(u)
	return u
}

// succeeded notes that something could be written; that an altered log goes
// on, only when it was appended to.
func (db *DB) succeeded(appended bool) {
	if u := db.trouble.Load(); u != nil && (appended || u.Cause != CauseAltered) && !db.ballast.full() {
		db.trouble.Store(nil)
	}
}
