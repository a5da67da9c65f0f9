package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync/atomic"
)

// What is committed stands in the -wal file until its pages are copied into the
// database's own. SQLite has the commit do that with which a thousand of them have come
// together, and everybody waits for it, and for two more fsyncs. Here a goroutine does
// it beside the writer, while nobody writes: a commit's own fsync, by which all is durable
// before, takes several times as long meanwhile. Then the file is copied as a whole, and
// the next write begins it anew.
const (
	checkpointAt   = 125   // pages that are yet to be copied, from which on they are
	checkpointMost = 16000 // pages, from which on they are copied though people write, and the writer waits for the last of them
	checkpointLast = 24000 // pages in the -wal file, from which on a commit copies them after all
)

// checkpoints is the goroutine that copies.
type checkpoints struct {
	db        *DB
	pool      *sql.DB
	conn      *sql.Conn     // its only one, to the files that the writer has opened
	file      *os.File      // the database's
	committed chan struct{} // something was
	paused    atomic.Bool   // while the mirror is filled
	stop      context.CancelFunc
	ended     chan struct{}
}

// startCheckpoints begins to copy beside the writer. The connection for it is made now,
// and not when another file may have been put in the database's place.
func (db *DB) startCheckpoints(ctx context.Context) error {
	pool, err := openSQLite(db.path, "deferred")
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	file, err := os.Open(db.path)
	if err != nil {
		return errors.Join(err, conn.Close(), pool.Close())
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &checkpoints{db: db, pool: pool, conn: conn, file: file, committed: make(chan struct{}, 1), stop: stop, ended: make(chan struct{})}
	db.wal.Store(c)
	go c.run(ctx)
	return nil
}

// end stops the goroutine and closes its connection.
func (c *checkpoints) end() error {
	if c == nil {
		return nil
	}
	c.stop()
	<-c.ended
	return errors.Join(c.conn.Close(), c.pool.Close())
}

// forget closes the file. With it, this process gives up its locks on the database, those
// of SQLite's connections too: it belongs behind the closing of all of them.
func (c *checkpoints) forget() error {
	if c == nil {
		return nil
	}
	return c.file.Close()
}

// wake says that something was committed.
func (c *checkpoints) wake() {
	if c == nil || c.paused.Load() {
		return
	}
	select {
	case c.committed <- struct{}{}:
	default: // it is known already
	}
}

// pause leaves the copying to the commits, or ends that.
func (c *checkpoints) pause(paused bool) {
	if c != nil {
		c.paused.Store(paused)
	}
}

func (c *checkpoints) run(ctx context.Context) {
	defer close(c.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.committed:
		}
		// A reader or the disk may keep it from copying. The commit that does so after all
		// meets the error again.
		if _, left := c.wal(ctx, "NOOP"); left < checkpointAt {
			continue
		}
		if c.db.calm.wait(ctx, func() bool { return c.late(ctx) }) != nil {
			return
		}
		if c.paused.Load() { // meanwhile
			continue
		}
		pages, left := c.copied(ctx)
		if left == 0 || pages < checkpointMost { // whole; there is time
			continue
		}
		for before := left + 1; left >= checkpointAt && left < before; { // so many came meanwhile
			before = left
			_, left = c.copied(ctx)
		}
		if left == 0 || left >= checkpointAt { // whole; kept by a reader
			continue
		}
		// There is no quiet moment. The writer waits for the last few pages, and for what
		// is not on the disk of the others: that is little after this.
		_ = c.file.Sync()
		c.wal(ctx, "PASSIVE")
		_ = c.file.Sync()
		if c.db.turn.take(ctx) == nil {
			c.wal(ctx, "PASSIVE")
			c.db.turn.done()
		}
	}
}

// late tells whether so many pages are yet to be copied that no quiet moment is waited for.
func (c *checkpoints) late(ctx context.Context) bool {
	_, left := c.wal(ctx, "NOOP")
	return left >= checkpointMost
}

// copied copies, and returns what wal does of the file as it is then: what came meanwhile
// is yet to be copied.
func (c *checkpoints) copied(ctx context.Context) (pages, left int) {
	c.wal(ctx, "PASSIVE")
	return c.wal(ctx, "NOOP")
}

// wal copies what is in the -wal file as far as no reader needs the pages as they were
// (PASSIVE), or only looks (NOOP). It returns how many pages are in the file, and how
// many of them are yet to be copied; none after an error.
func (c *checkpoints) wal(ctx context.Context, mode string) (pages, left int) {
	var busy, copied int
	if err := c.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &pages, &copied); err != nil {
		return 0, 0
	}
	return pages, pages - copied
}
