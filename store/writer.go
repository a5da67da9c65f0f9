package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"frontdesk/store/audit"
)

// All writes go through one goroutine with one connection: SQLite takes one at
// a time anyway, and waiting in our own queue is fair and short, where SQLite's
// busy handler polls. The goroutine takes what is waiting into one transaction,
// so that concurrent writers share its fsync and the log's signed head (group
// commit). Each stands alone all the same: within the transaction it has a
// savepoint, to which it is rolled back when it fails.
const (
	maxGroup  = 256                   // writes in one transaction
	groupTime = 10 * time.Millisecond // after which a transaction takes no more
)

// errClosed is returned by writes to a database that was closed.
var errClosed = errors.New("the database is closed")

// Tx is a write transaction. It is valid only inside the function given to
// Write. The contexts that its methods take do not interrupt them: a statement
// that is interrupted rolls everybody's writes back.
type Tx struct {
	db    *DB
	w     *writer
	draft *audit.Draft // what the transaction appends to the log; nil until it does
	alone bool         // nothing was written yet
	moves moves        // of what is counted
	noted []recorded   // what was appended, for the metrics

	outdated []func()   // what is remembered, and is no more as it was
	text     *textState // of the text index, once it was read
	pieces   bool       // it may leave one in the customers' text index
	waits    bool       // somebody waits to be brought into it
}

// ExecContext runs a statement.
func (tx *Tx) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := tx.w.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(context.Background(), tx.db.pg.texts(args)...)
}

// QueryContext runs a query.
func (tx *Tx) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.w.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(context.Background(), tx.db.pg.texts(args)...)
}

// QueryRowContext runs a query for one row.
func (tx *Tx) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	stmt, err := tx.w.prepare(query)
	if err != nil {
		return tx.w.conn.QueryRowContext(context.Background(), query, args...) // its Scan gives the error
	}
	return stmt.QueryRowContext(context.Background(), tx.db.pg.texts(args)...)
}

// Append adds an entry to the audit log within the transaction, at the present
// time. An event without an act gets one of its own.
func (tx *Tx) Append(ctx context.Context, e *audit.Entry) error {
	if tx.db.log == nil {
		return errNoKey
	}
	if tx.draft == nil {
		var err error
		if tx.draft, err = tx.db.log.Begin(ctx, tx); err != nil {
			return err
		}
	}
	e.At = tx.db.now()
	if e.Act == "" {
		e.Act = NewActID(e.At)
	}
	if err := tx.draft.Append(ctx, tx, e); err != nil {
		return err
	}
	tx.noted = append(tx.noted, recorded{e.What, e.Phase, e.Result})
	return nil
}

// write is one that waits for its turn.
type write struct {
	f       func(tx *Tx) error
	outcome bool // of an act under way: it may use the ballast
	state   atomic.Int32
	done    chan struct{}
	err     error
	cause   any        // of a panic in f
	span    trace.Span // of whoever waits for the write; nil: none is collected
}

const (
	queued int32 = iota
	taken
	abandoned
)

// writer owns the connection that writes.
type writer struct {
	db     *DB
	conn   *sql.Conn // nil while the file system is read-only from the start
	stmts  map[string]*sql.Stmt
	queue  chan *write
	closed chan struct{} // no more writes are taken
	idle   chan struct{} // the goroutine has ended
	close  sync.Once
	files  map[string]os.FileInfo // the database and its side files, as opened
	turn   bool                   // held, from the transaction's begin to its end
	group  time.Duration          // groupTime; tests that must not depend on it set their own
}

// newWriter starts the goroutine. Its connection is given before the first write,
// or made by it.
func newWriter(db *DB) (*writer, error) {
	w := &writer{
		db: db, stmts: map[string]*sql.Stmt{}, queue: make(chan *write, maxGroup),
		closed: make(chan struct{}), idle: make(chan struct{}), group: groupTime,
	}
	if db.pg == nil {
		file, err := os.Stat(db.path)
		if err != nil {
			return nil, err
		}
		w.files = map[string]os.FileInfo{"": file}
	}
	go w.run()
	return w, nil
}

// stop ends the goroutine after the writes that it has taken.
func (w *writer) stop() error {
	w.close.Do(func() { close(w.closed) })
	<-w.idle
	for _, stmt := range w.stmts {
		stmt.Close()
	}
	w.stmts = nil
	if w.conn == nil {
		return nil
	}
	return w.conn.Close()
}

// prepare keeps statements for the next time; their texts are few.
func (w *writer) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := w.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	if len(w.stmts) >= 500 { // texts that are put together would fill the memory
		for text, old := range w.stmts {
			old.Close()
			delete(w.stmts, text)
		}
	}
	w.stmts[query] = stmt
	return stmt, nil
}

func (w *writer) exec(query string) error {
	stmt, err := w.prepare(query)
	if err == nil {
		_, err = stmt.ExecContext(context.Background())
	}
	return err
}

// Write runs f in a transaction, which is durable when Write returns nil. When
// f returns an error, nothing of it is written and that error is returned; an
// *Unwritable when nothing can be written at all. When ctx is done before f's
// turn has come, f is not run.
func (db *DB) Write(ctx context.Context, f func(tx *Tx) error) error {
	db.calm.written()
	defer db.calm.written()
	return db.write(ctx, f, false)
}

// WriteOutcome is Write for the outcome of an act that is under way: when the
// disk is full it uses the space that is kept for that. f can be run twice,
// the first time to no effect.
func (db *DB) WriteOutcome(ctx context.Context, f func(tx *Tx) error) error {
	db.calm.written()
	defer db.calm.written()
	return db.write(ctx, f, true)
}

// writeBehind is Write for what can wait: unless it is late, it begins when nobody has
// written for a moment, and after calmWithin all the same.
func (db *DB) writeBehind(ctx context.Context, late bool, f func(tx *Tx) error) error {
	if !late && db.pg == nil { // with PostgreSQL, nobody waits for somebody else's
		began := time.Now()
		if err := db.calm.wait(ctx, func() bool { return time.Since(began) >= calmWithin }); err != nil {
			return fmt.Errorf("wait to write: %w", err)
		}
	}
	return db.write(ctx, f, false)
}

// awaited tells whether others wait behind the transaction.
func (tx *Tx) awaited() bool { return len(tx.w.queue) > 0 }

func (db *DB) write(ctx context.Context, f func(tx *Tx) error, outcome bool) (err error) {
	job := &write{f: f, outcome: outcome, done: make(chan struct{})}
	if job.span = db.pg.traced(ctx, "write", ""); job.span != nil { // from here until it is durable, its turn noted in between
		defer func() { over(job.span, err) }()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait to write: %w", err)
	}
	select {
	case <-db.writer.closed:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	case db.writer.queue <- job:
	}
	select {
	case <-job.done:
	case <-db.writer.idle:
		select {
		case <-job.done:
		default:
			return errClosed
		}
	case <-ctx.Done():
		if job.state.CompareAndSwap(queued, abandoned) {
			return fmt.Errorf("wait to write: %w", ctx.Err())
		}
		<-job.done
	}
	if job.cause != nil {
		panic(job.cause)
	}
	return job.err
}

func (w *writer) run() {
	defer close(w.idle)
	for {
		select {
		case job := <-w.queue:
			if job.state.CompareAndSwap(queued, taken) {
				runtime.Gosched() // whoever is about to queue shares this transaction
				w.serve(job)
			}
		case <-w.closed:
			for {
				select {
				case job := <-w.queue:
					if job.state.CompareAndSwap(queued, taken) {
						w.serve(job)
					}
				default:
					return
				}
			}
		}
	}
}

// serve runs the write that was taken, and those that wait behind it.
func (w *writer) serve(first *write) {
	var group []*write
	began := time.Now()
	err := w.transaction(func() *write {
		job := first
		if first = nil; job == nil && len(group) < maxGroup && time.Since(began) < w.group {
			job = w.waiting()
		}
		if job != nil {
			group = append(group, job)
		}
		return job
	})
	for _, job := range group {
		if err != nil && job.cause == nil {
			// The transaction as a whole failed. Outcomes are tried once more, each for
			// itself, with the ballast's space if it is space that was missing.
			job.err = err
			if job.outcome && w.db.release(err) {
				if again := w.transaction(once(job)); again != nil {
					job.err = again
				}
			}
		}
		close(job.done)
	}
}

// waiting takes the write that waits behind; nil when there is none.
func (w *writer) waiting() *write {
	for {
		select {
		case job := <-w.queue:
			if job.state.CompareAndSwap(queued, taken) {
				return job
			}
		default:
			return nil
		}
	}
}

// once returns job the first time, and nil then.
func once(job *write) func() *write {
	return func() *write {
		one := job
		job = nil
		return one
	}
}

// transaction runs the writes that next gives in one transaction. Its error is
// that of the transaction as a whole: then nothing is written. A write's own
// error is left with it.
func (w *writer) transaction(next func() *write) (err error) {
	tx := &Tx{db: w.db, w: w}
	begun, began := false, time.Time{}
	defer w.yield()
	defer func() {
		if err != nil {
			if begun {
				w.exec(`ROLLBACK`) // fails when SQLite has done it already
			}
			w.lost()
			err = w.db.failed(err)
		}
	}()
	for job := next(); job != nil; job = next() {
		if job.err = w.db.admits(job.outcome); job.err != nil {
			continue
		}
		if !begun {
			if err := w.begin(); err != nil {
				return err
			}
			begun, tx.alone, began = true, true, time.Now()
		}
		if tx.alone {
			// The first needs no savepoint: when it fails, nobody else's writes are
			// rolled back with it.
			if job.err = job.run(tx); job.err == nil {
				tx.alone = false
				continue
			}
			w.exec(`ROLLBACK`) // fails when SQLite has done it already
			begun, tx.draft, tx.moves, tx.noted, tx.text = false, nil, moves{}, nil, nil
			if total(job.err) {
				return job.err
			}
			if errors.Is(job.err, audit.ErrAltered) {
				job.err = w.db.failed(job.err)
			}
			continue
		}
		if err := w.one(tx, job); err != nil {
			return err
		}
	}
	if !begun {
		return nil
	}
	if tx.draft != nil {
		if err := tx.draft.Seal(context.Background(), tx, w.db.now()); err != nil {
			return err
		}
	}
	if err := tx.tell(); err != nil {
		return err
	}
	w.db.totals.hold(tx.moves)
	if err := w.commit(); err != nil {
		w.db.totals.follow(tx.moves, false)
		return fmt.Errorf("commit: %w", err)
	}
	w.db.totals.follow(tx.moves, true)
	if tx.draft != nil {
		w.db.log.Committed(tx.draft)
	}
	for _, forget := range tx.outdated {
		forget()
	}
	w.db.metrics.committed(tx.noted, time.Since(began))
	w.db.succeeded(tx.draft != nil)
	w.db.wal.Load().wake()
	if tx.pieces {
		w.db.pieces.left()
	}
	if tx.waits {
		w.db.pieces.say()
	}
	return nil
}

// begin starts a transaction in the files that were opened: one that was moved
// away or put in their place must not swallow what is written. Without its name in
// the folder, SQLite's -wal file goes on taking what nobody finds again.
func (w *writer) begin() error {
	if w.db.pg != nil {
		return w.beginShared(context.Background())
	}
	for side, file := range w.files {
		now, err := os.Stat(w.db.path + side)
		if err != nil || !os.SameFile(now, file) {
			return errReplaced
		}
	}
	if w.conn == nil {
		if err := w.connect(context.Background()); err != nil {
			return fmt.Errorf("open for writing: %w", err)
		}
	}
	if !w.turn {
		w.turn = true
		w.db.turn <- struct{}{}
	}
	if err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, side := range []string{"-wal", "-shm"} { // there since a connection has read or written
		if w.files[side] == nil {
			if file, err := os.Stat(w.db.path + side); err == nil {
				w.files[side] = file
			}
		}
	}
	return nil
}

func (w *writer) commit() error {
	if w.db.pg != nil {
		return w.commitShared()
	}
	return w.exec(`COMMIT`)
}

// lost looks, after an error, whether there still is a connection.
func (w *writer) lost() {
	if w.db.pg != nil {
		w.dropLost()
	}
}

// yield lets the jobs' connection write, if they wait.
func (w *writer) yield() {
	if w.turn {
		w.turn = false
		w.db.turn.done()
	}
}

// one runs a write within its savepoint. It returns an error only when the
// whole transaction is lost.
func (w *writer) one(tx *Tx, job *write) error {
	if err := w.exec(`SAVEPOINT one`); err != nil {
		return err
	}
	var mark audit.Mark
	appended := tx.draft != nil
	if appended {
		mark = tx.draft.Mark()
	}
	moved, noted := len(tx.moves.each), len(tx.noted)
	if job.err = job.run(tx); job.err == nil && job.cause == nil {
		return w.exec(`RELEASE one`)
	}
	tx.moves.each, tx.noted, tx.text = tx.moves.each[:moved], tx.noted[:noted], nil
	if err := w.exec(`ROLLBACK TO one`); err != nil {
		return job.err // SQLite has rolled back everything: a full disk, say
	}
	if total(job.err) {
		return job.err
	}
	if appended {
		tx.draft.Rewind(mark)
	} else {
		tx.draft = nil
	}
	if errors.Is(job.err, audit.ErrAltered) {
		job.err = w.db.failed(job.err)
	}
	return w.exec(`RELEASE one`)
}

// run calls f; a panic is kept for the goroutine that wants the write.
func (job *write) run(tx *Tx) (err error) {
	if job.span != nil {
		job.span.AddEvent("turn")
	}
	defer func() {
		if job.cause = recover(); job.cause != nil {
			err = fmt.Errorf("panic: %v", job.cause)
		}
	}()
	return job.f(tx)
}
