package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds the statements kept; texts that are put together from
// what people ask for could otherwise fill the memory.
const maxStatements = 300

// reader is the pool of connections that read. It keeps prepared statements:
// preparing one takes longer than most of them run. SQLite itself prepares one
// anew whenever the number behind a bare LIMIT is bound, so ours say "LIMIT $1 + 0"; likewise for a value that an index
// with a condition depends on, unless an expression stands in the column's place.
type reader struct {
	pg    *postgres // nil with SQLite
	mu    sync.RWMutex
	pool  *sql.DB
	stmts map[string]*sql.Stmt
}

func newReader(pool *sql.DB, pg *postgres) *reader {
	return &reader{pg: pg, pool: pool, stmts: map[string]*sql.Stmt{}}
}

// prepare returns the kept statement of a text, or the pool when there are too
// many.
func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, *sql.DB, error) {
	r.mu.RLock()
	stmt, n, pool := r.stmts[query], len(r.stmts), r.pool
	r.mu.RUnlock()
	if stmt != nil || n >= maxStatements {
		return stmt, pool, nil
	}
	stmt, err := pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, pool, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if pool != r.pool { // reopened meanwhile
		return nil, r.pool, stmt.Close()
	}
	if first := r.stmts[query]; first != nil { // somebody was quicker
		return first, pool, stmt.Close()
	}
	r.stmts[query] = stmt
	return stmt, pool, nil
}

// QueryContext runs a query.
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	if span := r.pg.tracedRead(ctx, query); span != nil {
		defer func() { over(span, err) }()
	}
	args = r.pg.texts(args)
	stmt, pool, err := r.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return pool.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext runs a query for one row.
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	if span := r.pg.tracedRead(ctx, query); span != nil {
		defer func() { over(span, row.Err()) }()
	}
	args = r.pg.texts(args)
	stmt, pool, err := r.prepare(ctx, query)
	if err != nil || stmt == nil {
		return pool.QueryRowContext(ctx, query, args...) // its Scan gives the error
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, stmt := range r.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, r.pool.Close())...)
}
