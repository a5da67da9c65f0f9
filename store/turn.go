package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// turn is held by whoever writes: the writer's transaction, or a statement or
// transaction of the job queue, which has a connection of its own. SQLite would
// let the second of two wait by polling, for seconds when the first goes on
// writing; here they take turns in the order in which they came.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) done() { <-t }

// turnConnector opens connections that take turns.
type turnConnector struct {
	driver  driver.Driver
	address string
	turn    turn
}

func (c *turnConnector) Driver() driver.Driver { return c.driver }

func (c *turnConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.address)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("SQLite's driver is not the one that was expected"), conn.Close())
	}
	return &turnConn{sqliteConn: inner, turn: c.turn}, nil
}

// sqliteConn is what modernc's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// turnConn holds the turn from a transaction's begin to its end, and otherwise
// for one statement. Every statement needs it: the queue's queries are updates
// that return what they have changed. database/sql uses a connection for one
// caller at a time.
type turnConn struct {
	sqliteConn
	turn turn
	held bool // by a transaction
}

var errPrepare = errors.New("statements of the job queue are not prepared")

// Prepare fails: a statement that is kept would run outside of its turn.
func (c *turnConn) Prepare(string) (driver.Stmt, error) { return nil, errPrepare }

func (c *turnConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !c.held {
		if err := c.turn.take(ctx); err != nil {
			return nil, err
		}
		defer c.turn.done()
	}
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *turnConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.held {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	if err := c.turn.take(ctx); err != nil {
		return nil, err
	}
	rows, err := c.sqliteConn.QueryContext(ctx, query, args)
	if err != nil {
		c.turn.done()
		return nil, err
	}
	return &turnRows{Rows: rows, turn: c.turn}, nil
}

func (c *turnConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.turn.take(ctx); err != nil {
		return nil, err
	}
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	if err != nil {
		c.turn.done()
		return nil, err
	}
	c.held = true
	return &turnTx{tx, c}, nil
}

// turnRows give the turn back when they are closed: only then is their
// statement at its end.
type turnRows struct {
	driver.Rows
	turn   turn
	closed bool
}

func (r *turnRows) Close() error {
	err := r.Rows.Close()
	if !r.closed {
		r.closed = true
		r.turn.done()
	}
	return err
}

type turnTx struct {
	driver.Tx
	conn *turnConn
}

func (tx *turnTx) Commit() error {
	err := tx.Tx.Commit()
	if err != nil {
		_ = tx.Tx.Rollback() // fails when SQLite has done it already
	}
	return tx.end(err)
}

func (tx *turnTx) Rollback() error { return tx.end(tx.Tx.Rollback()) }

func (tx *turnTx) end(err error) error {
	tx.conn.held = false
	tx.conn.turn.done()
	return err
}
