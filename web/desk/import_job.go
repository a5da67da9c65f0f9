package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"frontdesk/store"
)

const (
	queuePoll    = time.Second      // how often the queue looks for jobs; of new ones it is told
	jobsLooked   = 2 * time.Second  // how often imports are looked for that run and have no job
	jobsRetry    = 5 * time.Second  // before the queue, or a job that failed, is started again
	jobsStop     = 20 * time.Second // for the rows under way when frontdesk stops
	importsOnce  = 16               // imports that run at once
	importsQueue = "imports"
)

// importArgs are all that a job holds: which import it runs.
type importArgs struct {
	ID string `json:"id"`
}

// Kind is the job's name in the queue.
func (importArgs) Kind() string { return "import" }

// InsertOpts say that an import has one job at a time. It is tried for as long
// as the import runs.
func (importArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: importsQueue, MaxAttempts: 10_000, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// importWorker does the jobs.
type importWorker struct {
	river.WorkerDefaults[importArgs]
	desk *Desk
}

func (w *importWorker) Work(ctx context.Context, job *river.Job[importArgs]) error {
	return w.desk.runImport(ctx, job.Args.ID)
}

// Timeout is none: an import takes as long as it takes.
func (w *importWorker) Timeout(*river.Job[importArgs]) time.Duration { return -1 }

func (w *importWorker) NextRetry(*river.Job[importArgs]) time.Time { return time.Now().Add(jobsRetry) }

// imports are those that run in this process.
type imports struct {
	mu      sync.Mutex
	working map[string]*meter
	wake    chan struct{}
	begins  sync.RWMutex // held while a row joins the acts under way
}

func newImports() *imports {
	return &imports{working: map[string]*meter{}, wake: make(chan struct{}, 1)}
}

// look makes the jobs look for imports at once.
func (i *imports) look() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// enter notes that an import is being worked at, unless it is already.
func (i *imports) enter(id string) *meter {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.working[id] != nil {
		return nil
	}
	i.working[id] = newMeter(time.Now())
	return i.working[id]
}

func (i *imports) leave(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.working, id)
}

// meter is how fast an import goes; nil when it is not being worked at.
func (i *imports) meter(id string) *meter {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.working[id]
}

// rowUnderWay adds a row to the acts under way, unless frontdesk is stopping.
func (d *Desk) rowUnderWay() bool {
	d.imports.begins.RLock()
	defer d.imports.begins.RUnlock()
	select {
	case <-d.stopping:
		return false
	default:
		d.under.Add(1)
		return true
	}
}

// awaitActs waits for the acts under way. Once frontdesk is stopping, rows of
// imports are no longer added to them.
func (d *Desk) awaitActs() {
	d.imports.begins.Lock()
	defer d.imports.begins.Unlock()
	d.under.Wait()
}

// runJobs keeps the queue running while the database can be written, until ctx is
// done or frontdesk stops.
func (d *Desk) runJobs(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-d.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	d.awaitList(ctx)
	for ctx.Err() == nil {
		client, err := d.startQueue(ctx)
		if err == nil {
			d.insertJobs(ctx, client)
			d.stopQueue(ctx, client)
		}
		var unwritable *store.Unwritable
		if err != nil && !errors.As(err, &unwritable) && ctx.Err() == nil {
			d.Log.Error("start the job queue", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(jobsRetry):
		}
	}
}

// startQueue starts River, after the jobs that a kill, or a queue of before, has left
// running were made available again.
func (d *Desk) startQueue(ctx context.Context) (*river.Client[*sql.Tx], error) {
	if err := d.Store.Write(ctx, func(tx *store.Tx) error { return tx.ReviveJobs(ctx, d.Store.Replica()) }); err != nil {
		return nil, err
	}
	if u := d.Store.Trouble(); u != nil {
		return nil, u
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &importWorker{desk: d})
	client, err := river.NewClient(d.Store.JobDriver(), &river.Config{
		ID:      store.JobWorker(d.Store.Replica()),
		Queues:  map[string]river.QueueConfig{importsQueue: {MaxWorkers: importsOnce}},
		Workers: workers, Logger: slog.New(warnings{d.Log.Handler()}), ErrorHandler: jobErrors{d.Log}, FetchPollInterval: queuePoll,
		JobTimeout:                  -1,
		CompletedJobRetentionPeriod: time.Minute, // what was done is in our own tables
		CancelledJobRetentionPeriod: time.Minute,
		DiscardedJobRetentionPeriod: time.Minute,
		RescueStuckJobsAfter:        365 * 24 * time.Hour, // a job without a limit counts as stuck after it, though it is at work
	})
	if err != nil {
		return nil, err
	}
	// A stop goes through stopQueue, which waits for the rows under way.
	return client, client.Start(context.WithoutCancel(ctx))
}

// stopQueue lets the rows under way end.
func (d *Desk) stopQueue(ctx context.Context, client *river.Client[*sql.Tx]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobsStop)
	defer cancel()
	if err := client.StopAndCancel(ctx); err != nil {
		d.Log.Warn("the job queue did not stop in time", "error", err)
	}
}

// insertJobs gives each import that runs a job, as long as the database can be
// written. The imports' own states say which run: a crash between a start and its
// job loses nothing.
func (d *Desk) insertJobs(ctx context.Context, client *river.Client[*sql.Tx]) {
	tick := time.NewTicker(jobsLooked)
	defer tick.Stop()
	for d.Store.Trouble() == nil {
		running, err := d.Store.ImportsIn(ctx, store.ImportRunning)
		for _, i := range running {
			if d.imports.meter(i.ID) == nil && err == nil {
				_, err = client.Insert(ctx, importArgs{ID: i.ID}, nil)
			}
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("look for imports", "error", fmt.Errorf("give them jobs: %w", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.imports.wake:
		}
	}
}

// jobErrors tells the operator of jobs that failed, which are tried again; River
// itself thinks that no warning.
type jobErrors struct{ log *slog.Logger }

func (e jobErrors) HandleError(_ context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	e.log.Error("run an import", "error", err, "job", job.ID, "attempt", job.Attempt)
	return nil
}

func (e jobErrors) HandlePanic(_ context.Context, job *rivertype.JobRow, cause any, trace string) *river.ErrorHandlerResult {
	e.log.Error("run an import", "panic", cause, "job", job.ID, "attempt", job.Attempt, "stack", trace)
	return nil
}

// warnings is a log for warnings and errors only: River tells of each start.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
