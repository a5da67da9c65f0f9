package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"frontdesk/store/audit"
)

// A replica is a process that serves from the database. From a SQLite file one does;
// from a PostgreSQL database several may at once. Each holds a lock of its number there,
// on the connection that it writes with, so that the others see when it is gone, in
// whatever way, and clear away what it has left: acts between intent and outcome, jobs.
// A replica that was cut off for so long must not come back with what it remembers.

// The locks of replicas, as pg_advisory_lock names them: theirs by this and their
// number, and those for what only one of them does at a time.
const (
	lockReplica = 0x66726f6e
	lockLead    = lockWrite + 2
	lockSync    = lockWrite + 3
)

var errGone = errors.New("other replicas took this one for gone")

// Join makes this process a replica: what it begins is known to be its.
func (db *DB) Join(ctx context.Context) error {
	id := rand.Int64N(math.MaxInt64-1) + 1 // #nosec G404 -- it tells one start from another, and opens nothing
	if db.pg != nil {
		err := db.Write(ctx, func(tx *Tx) error {
			err := tx.QueryRowContext(ctx, `INSERT INTO replicas (joined_at, seen_at) VALUES ($1, $1) RETURNING id`, millis(db.now())).Scan(&id)
			if err != nil {
				return fmt.Errorf("join: %w", err)
			}
			return tx.w.lockReplica(ctx, id)
		})
		if err != nil {
			return err
		}
	}
	db.replica.Store(id)
	if db.log != nil {
		db.log.Replica.Store(id)
	}
	return nil
}

// Replica is this process' number; 0 when it serves nobody.
func (db *DB) Replica() int64 { return db.replica.Load() }

// Shared tells whether other replicas may be at work on the database.
func (db *DB) Shared() bool { return db.pg != nil }

// Lost is closed when others took this replica for gone, while it was cut off from the
// database: it cannot write any more, and has to be started again.
func (db *DB) Lost() <-chan struct{} {
	if db.pg == nil {
		return nil
	}
	return db.pg.lost
}

// lockReplica has the connection hold a replica's lock. The server may hold it for a
// while yet for a connection that was lost.
func (w *writer) lockReplica(ctx context.Context, id int64) error {
	_, err := w.conn.ExecContext(ctx, fmt.Sprintf(`SELECT pg_advisory_lock(%d, %d)`, lockReplica, lockNumber(id)))
	return err
}

// lockNumber is what a lock names a replica by.
func lockNumber(id int64) int64 { return id & math.MaxInt32 }

// rejoin is Join for another connection of a replica.
func (w *writer) rejoin(ctx context.Context) error {
	id := w.db.replica.Load()
	if id == 0 {
		return nil
	}
	select {
	case <-w.db.pg.lost:
		return errGone
	default:
	}
	if err := w.lockReplica(ctx, id); err != nil {
		return err
	}
	var known bool
	err := w.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM replicas WHERE id = $1)`, id).Scan(&known)
	if err == nil && !known {
		close(w.db.pg.lost)
		err = errGone
	}
	return err
}

// Gone returns the replicas that are not there, and have left something.
func (db *DB) Gone(ctx context.Context) ([]int64, error) {
	id := func(s scanner) (id int64, err error) { return id, s.Scan(&id) }
	if db.pg == nil {
		return collect(ctx, db.reader, id, `SELECT DISTINCT replica FROM audit_open WHERE replica <> $1`, db.Replica())
	}
	return collect(ctx, db.reader, id, `SELECT id FROM (SELECT id FROM replicas UNION SELECT replica FROM audit_open) AS known
		WHERE id <> $1 AND NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid::bigint = $2 AND objid::bigint = (known.id & $3) AND objsubid = 2) ORDER BY id`,
		db.Replica(), int64(lockReplica), int64(math.MaxInt32))
}

// Bury keeps a replica that is gone from coming back, and lets others take up its jobs;
// false when it has come back already.
func (tx *Tx) Bury(ctx context.Context, id int64) (buried bool, err error) {
	if tx.db.pg == nil {
		return true, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1::integer, $2::integer)`, lockReplica, lockNumber(id)).Scan(&buried)
	if err != nil || !buried {
		return false, err
	}
	for _, statement := range []string{
		`DELETE FROM replicas WHERE id = $1`,
		`DELETE FROM sync_progress WHERE replica = $1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return false, fmt.Errorf("clear away after a replica: %w", err)
		}
	}
	return true, tx.ReviveJobs(ctx, id)
}

// Replicas returns those that serve, or are not known to be gone.
func (db *DB) Replicas(ctx context.Context) ([]int64, error) {
	if db.pg == nil {
		return []int64{db.Replica()}, nil
	}
	return collect(ctx, db.reader, func(s scanner) (id int64, err error) { return id, s.Scan(&id) }, `SELECT id FROM replicas ORDER BY id`)
}

// others is how many replicas serve beside this process.
func (db *DB) others(ctx context.Context) (n int, err error) {
	all, err := db.Replicas(ctx)
	if err != nil {
		return 0, err
	}
	gone, err := db.Gone(ctx)
	for _, id := range all {
		if id != db.Replica() && !slices.Contains(gone, id) {
			n++
		}
	}
	return n, err
}

// OpenActsOf returns the intents of a replica that have no outcome, oldest first.
func (db *DB) OpenActsOf(ctx context.Context, replica int64) ([]audit.Entry, error) {
	return audit.OpenOf(ctx, db.reader, replica)
}

// IsOpen tells whether an act has no outcome yet.
func (tx *Tx) IsOpen(ctx context.Context, act string) (open bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM audit_open WHERE act_id = $1)`, act).Scan(&open)
	return open, err
}

// KeepPlace writes that this replica is there, which finds out whether it can write, and
// takes the lead when nobody has it. A replica does that every second or so.
func (db *DB) KeepPlace(ctx context.Context) error {
	if db.pg == nil {
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE replicas SET seen_at = $1 WHERE id = $2`, millis(db.now()), db.Replica()); err != nil {
			return err
		}
		if db.pg.leads.Load() {
			return nil
		}
		leads, err := tx.w.tryLock(ctx, lockLead)
		db.pg.leads.Store(leads)
		return err
	})
}

// Leads tells whether this replica is the one that does what only one does.
func (db *DB) Leads() bool { return db.pg == nil || db.pg.leads.Load() }

func (w *writer) tryLock(ctx context.Context, lock int64) (taken bool, err error) {
	err = w.conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, lock).Scan(&taken)
	return taken, err
}

// lockLook is how often a replica that waits for another looks whether its turn has come.
const lockLook = 200 * time.Millisecond

// SyncAlone runs f while no other replica does the same.
func (db *DB) SyncAlone(ctx context.Context, f func() error) error {
	if db.pg == nil {
		return f()
	}
	for taken := false; ; {
		err := db.Write(ctx, func(tx *Tx) (err error) { taken, err = tx.w.tryLock(ctx, lockSync); return err })
		if err != nil {
			return err
		}
		if taken {
			break
		}
		select {
		case <-time.After(lockLook):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := f()
	return errors.Join(err, db.Write(context.WithoutCancel(ctx), func(tx *Tx) error {
		_, err := tx.w.conn.ExecContext(ctx, fmt.Sprintf(`SELECT pg_advisory_unlock(%d)`, lockSync)) // it may have gone with a connection
		return err
	}))
}

// SetSyncProgress tells the other replicas how far the sync under way has come; nil
// when it is over.
func (db *DB) SetSyncProgress(ctx context.Context, progress any) error {
	return db.Write(ctx, func(tx *Tx) error {
		if progress == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM sync_progress WHERE replica = $1`, db.Replica())
			return err
		}
		text, err := json.Marshal(progress)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sync_progress (one, replica, at, progress) VALUES (1, $1, $2, $3)
			ON CONFLICT (one) DO UPDATE SET replica = excluded.replica, at = excluded.at, progress = excluded.progress`, db.Replica(), millis(db.now()), string(text))
		return err
	})
}

// SyncProgress reads what another replica told; ErrNotFound when none syncs.
func (db *DB) SyncProgress(ctx context.Context, progress any) error {
	if db.pg == nil {
		return ErrNotFound
	}
	text, err := one(scanText(db.reader.QueryRowContext(ctx, `SELECT progress FROM sync_progress WHERE replica <> $1`, db.Replica())))
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), progress)
}

func scanText(row scanner) (text string, err error) { return text, row.Scan(&text) }

// versions count how often what is remembered was changed, by any replica.
type versions struct{ remembered, customers int64 }

// heed forgets what other replicas have changed. It belongs before what is remembered is
// looked up.
func (db *DB) heed(ctx context.Context) {
	if db.pg == nil {
		return
	}
	var now versions
	err := db.reader.QueryRowContext(ctx, `SELECT remembered, customers FROM versions`).Scan(&now.remembered, &now.customers)
	db.pg.mu.Lock()
	defer db.pg.mu.Unlock()
	if err != nil || now.remembered != db.pg.seen.remembered {
		db.syncs.forget()
		db.views.forget()
	}
	if err != nil || now.customers != db.pg.seen.customers {
		db.totals.forget()
	}
	if err == nil {
		db.pg.seen = now
	}
}

// tell has the other replicas forget what the transaction changes. It belongs right
// before the commit.
func (tx *Tx) tell() error {
	if tx.db.pg == nil || !tx.moves.any && len(tx.outdated) == 0 {
		return nil
	}
	remembered, customers := 0, 0
	if len(tx.outdated) > 0 {
		remembered = 1
	}
	if tx.moves.any {
		customers = 1
	}
	_, err := tx.ExecContext(context.Background(), `UPDATE versions SET remembered = remembered + $1, customers = customers + $2`, remembered, customers)
	return err
}
