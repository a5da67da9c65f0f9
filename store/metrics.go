package store

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"frontdesk/store/audit"
)

// collectWithin is how long the database may take to answer a scrape.
const collectWithin = 5 * time.Second

// metrics are what Prometheus is told: counters of this process, and gauges of what
// the database holds, which it is asked for at each scrape.
type metrics struct {
	acts    *prometheus.CounterVec
	appends prometheus.Counter
	commits prometheus.Histogram
}

func newMetrics() metrics {
	return metrics{
		acts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "frontdesk_acts_total",
			Help: "Acts and events that this process has recorded, by what was done and how it ended.",
		}, []string{"act", "outcome"}),
		appends: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "frontdesk_audit_appends_total",
			Help: "Entries that this process has appended to the audit log, intents too.",
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "frontdesk_database_commit_duration_seconds",
			Help:    "How long transactions that write took, from their first statement to the end of the commit.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}),
	}
}

// recorded is an entry that a transaction has appended, as the metrics count it.
type recorded struct {
	what   string
	phase  audit.Phase
	result audit.Result
}

// committed counts what a transaction has appended, once it stands.
func (m metrics) committed(all []recorded, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.appends.Add(float64(len(all)))
	for _, e := range all {
		if e.phase != audit.Intent {
			m.acts.WithLabelValues(e.what, string(e.result)).Inc()
		}
	}
}

var (
	syncedDesc     = prometheus.NewDesc("frontdesk_mirror_synced_timestamp_seconds", "When the last list of ATOM's that was believed had arrived, in Unix time; 0 before the first.", nil, nil)
	listedDesc     = prometheus.NewDesc("frontdesk_mirror_customers", "Customers in that list.", nil, nil)
	checkpointDesc = prometheus.NewDesc("frontdesk_audit_checkpoint_timestamp_seconds", "When the audit log's newest signed head was made, in Unix time.", nil, nil)
	entriesDesc    = prometheus.NewDesc("frontdesk_audit_log_entries", "Entries of the audit log that its newest signed head covers.", nil, nil)
	intactDesc     = prometheus.NewDesc("frontdesk_audit_log_intact", "1 as long as the audit log's head fits the log, 0 when the log was changed by something other than frontdesk.", nil, nil)
	openDesc       = prometheus.NewDesc("frontdesk_acts_under_way", "Acts with an intent and, so far, no outcome.", nil, nil)
	sessionsDesc   = prometheus.NewDesc("frontdesk_sessions", "Sessions of people who are signed in.", nil, nil)
	queueDesc      = prometheus.NewDesc("frontdesk_import_rows", "Rows of running imports that are not done yet, by state: ready, sending, or unknown (the answer was lost).", []string{"state"}, nil)
	writableDesc   = prometheus.NewDesc("frontdesk_database_writable", "1 while the database can be written, 0 while frontdesk can only be read.", nil, nil)
	noveltiesDesc  = prometheus.NewDesc("frontdesk_service_novelties", "What is new in the services' answers (fields, types, messages, statuses, hosts) and no admin has seen yet.", nil, nil)
	sizeDesc       = prometheus.NewDesc("frontdesk_database_size_bytes", "Size of the database's file, without those beside it.", nil, nil)
)

// Describe implements prometheus.Collector.
func (db *DB) Describe(descs chan<- *prometheus.Desc) {
	db.metrics.acts.Describe(descs)
	db.metrics.appends.Describe(descs)
	db.metrics.commits.Describe(descs)
	for _, d := range []*prometheus.Desc{syncedDesc, listedDesc, checkpointDesc, entriesDesc, intactDesc, openDesc, sessionsDesc, queueDesc, noveltiesDesc, writableDesc, sizeDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector. What the database does not answer in time
// is an error of its own metric.
func (db *DB) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	db.metrics.acts.Collect(all)
	db.metrics.appends.Collect(all)
	db.metrics.commits.Collect(all)
	gauge := func(d *prometheus.Desc, value float64, err error, labels ...string) {
		if err != nil {
			all <- prometheus.NewInvalidMetric(d, err)
			return
		}
		all <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}

	_, good, err := db.LastSyncs(ctx)
	gauge(syncedDesc, unixTime(good.EndedAt), err)
	gauge(listedDesc, float64(good.Total), err)

	head, err := db.Head(ctx)
	intact := 1.0
	if errors.Is(err, audit.ErrAltered) {
		intact, err = 0, nil
	} else {
		gauge(checkpointDesc, unixTime(head.At), err)
		gauge(entriesDesc, float64(head.Size), err)
	}
	gauge(intactDesc, intact, err)

	var open, sessions int
	err = db.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM audit_open), (SELECT count(*) FROM sessions WHERE staff_id > 0 AND expires_at > $1)`,
		db.now().UnixMilli()).Scan(&open, &sessions)
	gauge(openDesc, float64(open), err)
	gauge(sessionsDesc, float64(sessions), err)

	queue, err := db.queued(ctx)
	for _, state := range []RowState{RowReady, RowSending, RowUnknown} {
		gauge(queueDesc, float64(queue[state]), err, string(state))
	}

	novelties, err := db.CountNovelties(ctx)
	gauge(noveltiesDesc, float64(novelties), err)

	writable := 1.0
	if db.Trouble() != nil {
		writable = 0
	}
	gauge(writableDesc, writable, nil)
	size, err := db.size(ctx)
	gauge(sizeDesc, float64(size), err)
}

// size is the database's, in bytes; of SQLite's, the file's without those beside it.
func (db *DB) size(ctx context.Context) (n int64, err error) {
	if db.pg != nil {
		return n, db.reader.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&n)
	}
	file, err := os.Stat(db.path)
	if err != nil {
		return 0, err
	}
	return file.Size(), nil
}

// queued counts the rows of running imports by their state.
func (db *DB) queued(ctx context.Context) (map[RowState]int, error) {
	type state struct {
		name RowState
		n    int
	}
	all, err := collect(ctx, db.reader, func(s scanner) (v state, err error) { return v, s.Scan(&v.name, &v.n) },
		`SELECT c.state, sum(c.n) FROM import_counts c JOIN imports i ON i.id = c.import_id WHERE i.state = 'running' GROUP BY c.state`)
	counts := map[RowState]int{}
	for _, s := range all {
		counts[s.name] = s.n
	}
	return counts, err
}

// unixTime is a time in seconds since 1970; 0 for none.
func unixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
