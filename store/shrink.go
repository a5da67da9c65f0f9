package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Shrink closes the connections that read and are idle, but for one, and has that give
// back the memory that it keeps pages in: the reading of the whole log, say, leaves
// megabytes in each. Those in use keep theirs.
func (db *DB) Shrink(ctx context.Context) error {
	if db.pg != nil {
		return nil
	}
	db.reader.mu.RLock()
	pool := db.reader.pool
	db.reader.mu.RUnlock()
	pool.SetMaxIdleConns(1)
	pool.SetMaxIdleConns(readers())
	var idle []*sql.Conn // held until the last is there, so that each is another
	var errs []error
	for range pool.Stats().Idle {
		conn, err := pool.Conn(ctx)
		if err != nil {
			errs = append(errs, err)
			break
		}
		idle = append(idle, conn)
		if _, err := conn.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
			errs = append(errs, fmt.Errorf("shrink a connection: %w", err))
		}
	}
	for _, conn := range idle {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
