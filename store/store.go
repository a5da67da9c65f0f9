// Package store remembers: every statement of frontdesk's SQL lives here, next
// to the scan of its rows. Reads are methods of DB; writes are methods of Tx,
// so that a caller can put an audit entry and the rows it speaks of into one
// transaction.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite", pure Go

	"frontdesk/store/audit"
)

//go:embed migrations
var migrations embed.FS

// ErrNotFound is returned by reads of one row that is not there.
var ErrNotFound = errors.New("not found")

// DB is the open database. It is safe for concurrent use.
type DB struct {
	path    string
	pg      *postgres // nil with SQLite
	replica atomic.Int64
	pool    *sql.DB // the writer's, of one connection
	writer  *writer
	calm    calm
	reader  *reader
	seal    *sealer
	keys    keys
	log     *audit.Log // nil when its key is missing
	index   *audit.Index
	ballast *ballast
	totals  totals
	syncs   remembered[struct{}, [2]SyncReport]
	views   remembered[viewsOf, []View]
	trouble atomic.Pointer[Unwritable]
	turn    turn
	metrics metrics
	pieces  pieces
	wal     atomic.Pointer[checkpoints] // nil with PostgreSQL, and while the file system is read-only from the start
	jobs    atomic.Pointer[sql.DB]      // the queue's; nil while the file system is read-only from the start
	now     func() time.Time
}

// Options say how to open the database.
type Options struct {
	Path      string           // a file, whose directory must be there, or the address of a PostgreSQL database
	Secret    []byte           // FRONTDESK_SECRET, at least 32 bytes
	OldSecret []byte           // FRONTDESK_SECRET_OLD, or nil
	Now       func() time.Time // the clock; time.Now when nil
	Ballast   int64            // bytes kept for outcomes when the disk is full; Ballast is the usual size, 0 keeps none
}

// Open opens the database at o.Path and brings its schema up to date. A file is
// created if it is not there. It fails before anything is written when the
// secret is not the one that the database was sealed with (ErrWrongSecret).
// After a change of the secret both open it, until Reseal is done.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	seal, err := newSealer(o.Secret, o.OldSecret)
	if err != nil {
		return nil, err
	}
	db := &DB{path: o.Path, index: audit.NewIndex(Fold), seal: seal, now: o.Now, turn: make(turn, 1), metrics: newMetrics(), pieces: pieces{due: make(chan struct{}, 1)},
		ballast: &ballast{path: o.Path + "-ballast", size: o.Ballast}}

	name := o.Path
	if IsPostgres(o.Path) {
		if db.pg, err = newPostgres(o.Path); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		name = db.pg.name()
		db.ballast.size = 0 // the server's disk is the operator's
		db.index.Like = true
		err = db.openPostgres(ctx)
	} else if err = db.openToWrite(ctx); errors.Is(err, syscall.EROFS) {
		err = db.openMeanwhile(ctx, err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), db.Close())
	}
	return db, nil
}

func (db *DB) openToWrite(ctx context.Context) error {
	if err := db.checkFile(ctx); err != nil {
		return err
	}
	// Only the operator's user may read it; SQLite gives its side files the same mode.
	file, err := os.OpenFile(db.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	db.ballast.makeRoom()
	if db.pool, err = openSQLite(db.path, "immediate"); err != nil {
		return err
	}
	db.pool.SetMaxOpenConns(1)
	pool, err := openReaders(db.path)
	if err != nil {
		return err
	}
	db.reader = newReader(pool, nil)
	return db.prepare(ctx)
}

// openReaders opens the pool that reads: its connections see the last committed
// state and never wait for the writer (WAL). One that is opened later makes no new
// file where the database was moved away.
func openReaders(path string) (*sql.DB, error) {
	pool, err := openSQLite(path, "deferred", "mode", "rw")
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(readers())
	pool.SetMaxIdleConns(readers())
	return pool, nil
}

// readers is how many connections read.
func readers() int { return max(4, runtime.NumCPU()) }

// openSQLite opens a pool of connections; more are further parameters of its
// address, name and value in turn.
func openSQLite(path, txlock string, more ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", sqliteAddress(path, txlock, more...))
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	return db, nil
}

// sqliteAddress is the file's, with how its connections are to behave.
func sqliteAddress(path, txlock string, more ...string) string {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(5000)", // other processes (a backup, sqlite3) may hold the file for a moment
		"journal_mode(WAL)",  // readers never block the writer, nor the writer readers
		"synchronous(FULL)",  // an acknowledged audit entry survives a power cut
		"foreign_keys(1)",
		"wal_autocheckpoint(" + strconv.Itoa(checkpointLast) + ")",
		"temp_store(MEMORY)",  // a container may have no place for temporary files
		"secure_delete(FAST)", // what is deleted is overwritten in the pages that are written anyway; Reseal sees to the others
	}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if q.Get("mode") == "ro" { // the journal's mode is the file's, and stays as it is
		q["_pragma"] = []string{"busy_timeout(5000)", "temp_store(MEMORY)", "query_only(1)"}
	}
	return (&url.URL{Scheme: "file", Opaque: escaped(path), RawQuery: q.Encode()}).String()
}

// escaped is a path within an address: '?' and '#' in it stay part of the name.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// prepare checks the secret against what is stored, migrates, and stores the
// check for a new database.
func (db *DB) prepare(ctx context.Context) error {
	there := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'meta')`
	if db.pg != nil {
		there = `SELECT to_regclass('meta') IS NOT NULL`
	}
	var inUse bool
	if err := db.pool.QueryRowContext(ctx, there).Scan(&inUse); err != nil {
		return err
	}
	if inUse {
		if err := db.checkSecret(ctx, db.pool); err != nil && !errors.Is(err, errNoCheck) {
			return err
		}
	}
	if err := db.finishFill(ctx); err != nil { // before the migrations, which know of all indexes
		db.failed(err) // reading goes on without them, if slower; the next sync tries again
	}
	if err := db.upgrade(ctx, inUse); err != nil {
		return err
	}
	if err := db.fillPhoneKeys(ctx); err != nil {
		return err
	}
	err := db.checkSecret(ctx, db.pool)
	isNew := errors.Is(err, errNoCheck)
	if isNew {
		_, err = db.pool.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)`, metaCheck, db.sealedCheck(metaCheck))
	}
	if err != nil {
		return err
	}
	if err := db.openKeys(ctx, db.pool, isNew); err != nil {
		return err
	}
	if err := db.openLog(ctx); err != nil {
		return err
	}
	if err := db.ballast.lay(); err != nil {
		db.failed(errFull) // it starts all the same: reading goes on
	}
	_ = db.LoadFacets(ctx) // what cannot be loaded is read from the log itself
	if db.writer, err = newWriter(db); err != nil {
		return err
	}
	if db.writer.conn, err = db.pool.Conn(ctx); err == nil {
		db.openJobs()
		if db.pg == nil {
			err = db.startCheckpoints(ctx)
		}
	}
	return err
}

// migrator brings the schema up to date, step by step.
func (db *DB) migrator() (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, db.migrations())
	if err != nil {
		return nil, err
	}
	if db.pg != nil {
		return goose.NewProvider(goose.DialectPostgres, db.pool, dir, goose.WithGoMigrations(
			goose.NewGoMigration(provedSince, &goose.GoFunc{RunTx: db.adoptLog}, nil),
			goose.NewGoMigration(queueSince, &goose.GoFunc{RunTx: db.addHalfAQueue}, nil),
			goose.NewGoMigration(queueHalfSince, &goose.GoFunc{RunTx: db.addQueue}, nil)))
	}
	return goose.NewProvider(goose.DialectSQLite3, db.pool, dir, goose.WithGoMigrations(
		goose.NewGoMigration(provedSince, &goose.GoFunc{RunTx: db.adoptLog}, nil),
		goose.NewGoMigration(citingSince, &goose.GoFunc{RunTx: letCite}, nil),
		goose.NewGoMigration(queueSince, &goose.GoFunc{RunTx: db.addQueue}, nil)))
}

// migrations is the folder of this kind of database's migrations.
func (db *DB) migrations() string {
	if db.pg != nil {
		return "migrations/postgres"
	}
	return "migrations/sqlite"
}

// newestMigration is the schema's version once all have run.
func (db *DB) newestMigration() (int, error) {
	files, err := fs.ReadDir(migrations, db.migrations())
	if err != nil {
		return 0, err
	}
	newest := queueSince // the last that is no file
	if db.pg != nil {
		newest = queueHalfSince
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, int(version))
	}
	return newest, nil
}

// The values that tell whether a secret is the one that the database was sealed
// with: the second is there while the secret is being changed, sealed with the
// other one. As long as it is there, nothing less than both secrets will do.
const (
	metaCheck    = "secret-check"
	metaChanging = "secret-check-changing"
	checkText    = "frontdesk"
)

var errNoCheck = errors.New("the database has no check of its secret")

func (db *DB) sealedCheck(name string) []byte {
	return db.seal.seal("meta", name, "value", []byte(checkText))
}

// checkSecret opens the sealed check values; errNoCheck when there are none yet.
func (db *DB) checkSecret(ctx context.Context, q querier) error {
	_, err := db.secretChanged(ctx, q)
	return err
}

// secretChanged is checkSecret, and tells whether the secret was changed since
// all was sealed with one.
func (db *DB) secretChanged(ctx context.Context, q querier) (changed bool, err error) {
	type check struct {
		name   string
		sealed []byte
	}
	checks, err := collect(ctx, q, func(row scanner) (c check, err error) {
		err = row.Scan(&c.name, &c.sealed)
		return c, err
	}, `SELECT name, value FROM meta WHERE name IN ($1, $2) ORDER BY name`, metaCheck, metaChanging)
	if err == nil && len(checks) == 0 {
		err = errNoCheck
	}
	for _, c := range checks {
		text, by := db.seal.openBy("meta", c.name, "value", c.sealed)
		switch {
		case string(text) == checkText:
			changed = changed || by != byPresent
		case len(checks) > 1:
			return false, errHalfChanged
		default:
			return false, ErrWrongSecret
		}
	}
	return changed || len(checks) > 1, err
}

// checkFile is checkSecret for a file that is there, and touches neither it nor
// what is beside it.
func (db *DB) checkFile(ctx context.Context) error {
	if info, err := os.Stat(db.path); err != nil || info.Size() == 0 {
		return nil //nolint:nilerr // a new one
	}
	// To read what a kill has left in the -wal file, SQLite needs the index beside
	// it. Otherwise it is told that nobody changes the file, and makes none.
	mode := []string{"mode", "ro"}
	if wal, err := os.Stat(db.path + "-wal"); err != nil || wal.Size() == 0 {
		mode = append(mode, "immutable", "1")
	}
	pool, err := openSQLite(db.path, "deferred", mode...)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := db.checkSecret(ctx, pool); errors.Is(err, ErrWrongSecret) {
		return err
	}
	return nil // whatever else is wrong is found again, and said better, by opening it
}

// Close closes the database after the statements under way.
func (db *DB) Close() error {
	var errs []error
	if db.writer != nil {
		errs = append(errs, db.writer.stop())
	}
	errs = append(errs, db.wal.Load().end())
	if jobs := db.jobs.Load(); jobs != nil {
		errs = append(errs, jobs.Close())
	}
	if db.reader != nil {
		errs = append(errs, db.reader.close())
	}
	if db.pool != nil {
		errs = append(errs, db.pool.Close())
	}
	return errors.Join(append(errs, db.wal.Load().forget())...)
}

// Ping tells whether the database answers reads.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return db.reader.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
}

// querier is what reads need; both a pool and a transaction have it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// execer is what writes need; both a pool's transaction and ours have it.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// collect runs a query and scans each row with scan.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	return collectInto(ctx, q, nil, scan, query, args...)
}

// collectInto is collect behind what is there, for those who know how many come.
func collectInto[T any](ctx context.Context, q querier, all []T, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// one turns "no rows" into ErrNotFound.
func one[T any](v T, err error) (T, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNotFound
	}
	return v, err
}

// Times are stored as milliseconds; the zero time as NULL.

func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func fromMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// among selects the texts of a JSON array that is the nth argument.
func (db *DB) among(n int) string {
	if db.pg != nil {
		return fmt.Sprintf(`SELECT json_array_elements_text(coalesce(nullif($%d, 'null'), '[]')::json)`, n)
	}
	return fmt.Sprintf(`SELECT value FROM json_each($%d)`, n)
}
