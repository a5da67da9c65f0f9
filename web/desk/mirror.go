package desk

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// syncAgain is how long after a sync that failed the next one begins, the first time.
// Until one has succeeded after a start, running imports wait.
const syncAgain = 15 * time.Second

// Mirror keeps the customers table like ATOM's list. One sync runs at a time.
type Mirror struct {
	desk *Desk
	wake chan struct{}

	synced   chan struct{} // a sync is over
	mapping  byte          // a field, so that tests can raise it
	again    time.Duration // before the first new try of a sync that failed; doubles up to the interval
	believed atomic.Bool   // a list was, since this process started

	mu     sync.Mutex
	next   *Sync    // asked for, not yet begun
	now    Progress // of the one under way, without its counts
	counts struct{ listed, written, toWrite atomic.Int64 }
}

// Sync is one run that somebody asked for.
type Sync struct {
	done    chan struct{}
	believe bool
	asked   bool // by a person
	by      audit.Who
	report  store.SyncReport
	err     error
}

func newMirror(d *Desk) *Mirror {
	return &Mirror{desk: d, wake: make(chan struct{}, 1), synced: make(chan struct{}, 1), mapping: mapping, again: syncAgain}
}

// Request asks for a sync that begins after now; those who ask before it
// begins share it.
func (m *Mirror) Request() *Sync { return m.request(false, frontdesk) }

func (m *Mirror) request(believe bool, by audit.Who) *Sync {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.next == nil {
		m.next = &Sync{done: make(chan struct{}), by: by}
	}
	if believe {
		m.next.believe, m.next.by = true, by
	}
	m.next.asked = m.next.asked || by != frontdesk
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return m.next
}

// Refresh runs a sync for a person and waits for it; when ctx ends before, the sync
// goes on. believe makes it accept a list that has lost most of its customers,
// which takes an admin.
func (m *Mirror) Refresh(ctx context.Context, by Actor, believe bool) (store.SyncReport, error) {
	needs := store.Manager
	if believe {
		needs = store.Admin
	}
	if err := by.may(needs); err != nil {
		return store.SyncReport{}, err
	}
	s := m.request(believe, by.Who())
	select {
	case <-s.done:
		if s.err != nil {
			return s.report, explain(s.err, wording{Try: "list the customers", On: "the list", Setup: setupAtom})
		}
		return s.report, nil
	case <-ctx.Done():
		return store.SyncReport{}, ctx.Err()
	}
}

// Progress is how far a sync has come.
type Progress struct {
	Running   bool
	Shown     bool      // somebody waits for it, or for the next, or it is the first; others pass unnoticed
	StartedAt time.Time // zero while the one that somebody waits for has not begun
	Phase     string    // "reading" or "writing"
	Listed    int       // read so far
	Before    int       // how many the last list had; 0 when there was none
	Written   int
	ToWrite   int
}

// Progress tells how far the sync under way has come, in this process or another
// replica.
func (m *Mirror) Progress(ctx context.Context) Progress {
	own := m.own()
	var other Progress
	if own.StartedAt.IsZero() && m.desk.Store.SyncProgress(ctx, &other) == nil {
		other.Shown = other.Shown || own.Shown
		return other
	}
	return own
}

// own is the progress of this process' sync.
func (m *Mirror) own() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
	p.Listed, p.Written, p.ToWrite = int(m.counts.listed.Load()), int(m.counts.written.Load()), int(m.counts.toWrite.Load())
	p.Shown = p.Running && p.Shown || m.next != nil && m.next.asked
	return p
}

func (m *Mirror) progress(p Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = p
}

// run syncs at start, at every interval, when asked, after a failure, and to settle what
// is open.
func (m *Mirror) run(ctx context.Context) {
	m.Request()
	tick := time.NewTicker(m.desk.Sync)
	defer tick.Stop()
	early := time.NewTimer(time.Hour)
	early.Stop()
	var again time.Duration // after the last failure; 0: it did not fail
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if m.desk.Store.Leads() { // one of the replicas is enough
				m.Request()
			}
			continue
		case <-early.C:
			m.Request()
			continue
		case <-m.wake:
		}
		s := m.take()
		if s == nil {
			continue
		}
		traced, span := m.desk.traced(ctx, "job", WhatSync)
		s.report, s.err = m.syncAlone(traced, s)
		over(span, "", s.report.Outcome)
		if s.err != nil && ctx.Err() == nil {
			m.desk.Log.Warn("customer sync failed", "error", s.err)
		}
		close(s.done)
		if again = min(max(m.again, 2*again), m.desk.Sync); s.err == nil {
			again = 0
		}
		wait, open := m.settleIn(ctx)
		if again > 0 && (!open || again < wait) {
			wait = again
		}
		if open || again > 0 {
			early.Reset(wait)
		}
		select {
		case m.synced <- struct{}{}:
		default:
		}
	}
}

// progressTold is how often the other replicas are told how far a sync has come.
const progressTold = 500 * time.Millisecond

// syncAlone is sync in turns with the other replicas, which are told how far it has come.
func (m *Mirror) syncAlone(ctx context.Context, s *Sync) (r store.SyncReport, err error) {
	alone := m.desk.Store.SyncAlone(ctx, func() error {
		if m.desk.Store.Shared() {
			telling, stop := context.WithCancel(ctx)
			var told sync.WaitGroup
			told.Go(func() { m.tellProgress(telling) })
			defer told.Wait()
			defer stop()
		}
		r, err = m.sync(ctx, s)
		return nil
	})
	return r, errors.Join(err, alone)
}

func (m *Mirror) tellProgress(ctx context.Context) {
	tell := func(ctx context.Context, progress any) {
		if err := m.desk.Store.SetSyncProgress(ctx, progress); err != nil && ctx.Err() == nil {
			m.desk.Log.Warn("tell how far a sync has come", "error", err)
		}
	}
	tick := time.NewTicker(progressTold)
	defer tick.Stop()
	for {
		if p := m.own(); p.Running {
			tell(ctx, p)
		}
		select {
		case <-ctx.Done():
			tell(context.WithoutCancel(ctx), nil)
			return
		case <-tick.C:
		}
	}
}

// take returns the sync that was asked for, nil when none was. It shows as under
// way at once, so that nobody who waits for it sees it neither waiting nor begun.
func (m *Mirror) take() *Sync {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.next
	m.next = nil
	if s != nil {
		m.now = Progress{Running: true, Shown: s.asked}
	}
	return s
}
