package store

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	queueSince   = 13 // the migration that made River's tables
	queueVersion = 6  // of River's own schema; a newer one is a migration of its own

	// PostgreSQL lets a transaction use no value of a type that it has added itself, so
	// that River's versions behind this one are a step of their own there.
	queueHalf      = 4
	queueHalfSince = 14
)

// addQueue makes the tables of the job queue, as River describes them.
func (db *DB) addQueue(ctx context.Context, tx *sql.Tx) error {
	return db.queueTo(ctx, tx, queueVersion)
}

// addHalfAQueue is the first part of addQueue.
func (db *DB) addHalfAQueue(ctx context.Context, tx *sql.Tx) error {
	return db.queueTo(ctx, tx, queueHalf)
}

func (db *DB) queueTo(ctx context.Context, tx *sql.Tx, version int) error {
	migrator, err := rivermigrate.New(db.queueDriver(nil), &rivermigrate.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	//lint:ignore SA1019 it is discouraged for migrations to come that fit into no transaction; these do, and stand with our own or not at all
	_, err = migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: version})
	return err
}

// JobDriver is what River works with in this database; its Jobs must not be nil.
func (db *DB) JobDriver() riverdriver.Driver[*sql.Tx] { return db.queueDriver(db.Jobs()) }

func (db *DB) queueDriver(pool *sql.DB) riverdriver.Driver[*sql.Tx] {
	if db.pg != nil {
		return riverdatabasesql.New(pool)
	}
	return riversqlite.New(pool)
}

// Jobs is the job queue's way into the database; nil when it cannot be written
// since the start. River keeps its jobs in tables of its own and writes them
// itself, in turns with everybody else's writes. What a job is about is in our
// tables: the queue may lose a job, and nothing is lost.
func (db *DB) Jobs() *sql.DB { return db.jobs.Load() }

// openJobs opens the queue's connection. It takes a second one beside the
// writer's, which has open statements of its own all the time.
func (db *DB) openJobs() {
	if db.pg != nil {
		db.jobs.Store(db.pool)
		return
	}
	jobs := sql.OpenDB(&turnConnector{driver: db.pool.Driver(), address: sqliteAddress(db.path, "immediate"), turn: db.turn})
	jobs.SetMaxOpenConns(1)
	db.jobs.Store(jobs)
}

// JobWorker is what River knows a replica by.
func JobWorker(replica int64) string { return fmt.Sprint("frontdesk-", replica) }

// ReviveJobs makes the jobs that a replica has left running available again. River
// itself would wait an hour, since it could still be running them. With SQLite, where
// this belongs before the queue is started, they are all of those that run.
func (tx *Tx) ReviveJobs(ctx context.Context, replica int64) error {
	if tx.db.pg == nil {
		_, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'`)
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_by[cardinality(attempted_by)] = $1`, JobWorker(replica))
	return err
}
