package desk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
)

// settlePatience is how long a create with a lost answer may stay out of
// ATOM's list before it counts as not created, if two syncs are not sooner.
const settlePatience = 10 * time.Minute

// batch is how many customers are written in one transaction, so that no act
// waits long for the writer.
const batch = 500

// Mirror keeps the customers table like ATOM's list. One sync runs at a time.
type Mirror struct {
	desk *Desk
	wake chan struct{}

	mu   sync.Mutex
	next *Sync // asked for, not yet begun
}

// Sync is one run that somebody asked for.
type Sync struct {
	done    chan struct{}
	believe bool
	by      audit.Who
	report  store.SyncReport
	err     error
}

func newMirror(d *Desk) *Mirror { return &Mirror{desk: d, wake: make(chan struct{}, 1)} }

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
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return m.next
}

// Refresh runs a sync for a person and waits for it. believe makes it accept a
// list that has lost most of its customers, which takes an admin.
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

// run syncs at start, at every interval, and when asked.
func (m *Mirror) run(ctx context.Context) {
	m.Request()
	tick := time.NewTicker(m.desk.Sync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.Request()
			continue
		case <-m.wake:
		}
		m.mu.Lock()
		s := m.next
		m.next = nil
		m.mu.Unlock()
		if s == nil {
			continue
		}
		s.report, s.err = m.sync(ctx, s)
		if s.err != nil && ctx.Err() == nil {
			m.desk.Log.Warn("customer sync failed", "error", s.err)
		}
		close(s.done)
	}
}

// sync reads ATOM's whole list, then brings the mirror in line. A list that
// breaks half-way changes nothing.
func (m *Mirror) sync(ctx context.Context, s *Sync) (store.SyncReport, error) {
	d := m.desk
	r := store.SyncReport{StartedAt: d.Now(), Outcome: "done"}
	var listed []store.Customer
	present := map[string]bool{}
	skipped, err := d.Atom.Customers(ctx, func(c atom.Customer) error {
		if !present[c.CUID] {
			present[c.CUID] = true
			listed = append(listed, row(c))
		}
		return nil
	})
	r.Total, r.Skipped = len(listed), skipped
	if err != nil {
		return m.failed(ctx, r, err)
	}
	doubt, err := m.doubt(ctx, present, r.StartedAt)
	if err != nil {
		return m.failed(ctx, r, err)
	}
	if doubt != "" && !s.believe {
		r.Outcome, r.Detail, r.EndedAt = "doubted", doubt, d.Now()
		return r, d.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddSync(ctx, r) })
	}

	for start := 0; start < len(listed); start += batch {
		err := d.Store.Write(ctx, func(tx *store.Tx) error {
			for _, c := range listed[start:min(start+batch, len(listed))] {
				added, changed, err := tx.UpsertCustomer(ctx, c)
				if err != nil {
					return err
				}
				if added {
					r.Added++
				}
				if changed {
					r.Changed++
				}
			}
			return nil
		})
		if err != nil {
			return m.failed(ctx, r, err)
		}
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		var err error
		if r.Gone, err = tx.MarkGone(ctx, present, r.StartedAt); err != nil {
			return err
		}
		settled, err := tx.SettleCreates(ctx, r.StartedAt, settlePatience)
		if err != nil {
			return err
		}
		for _, c := range settled {
			detail := "the customer is in ATOM's list"
			if c.State == "not created" {
				detail = "the customer is not in ATOM's list; it may be sent again"
			}
			if err := tx.Append(ctx, &audit.Entry{
				Act: c.Act, Phase: audit.Event, Who: frontdesk, What: WhatSettle, On: audit.Subject{ID: c.CUID, Name: c.Company, Email: c.Email},
				Service: "atom", Result: audit.Done, Detail: c.State + ": " + detail,
			}); err != nil {
				return err
			}
		}
		if err := d.settleImports(ctx, tx, settled); err != nil {
			return err
		}
		r.EndedAt = d.Now()
		if r.Added+r.Changed+r.Gone > 0 {
			if err := tx.Append(ctx, &audit.Entry{
				Phase: audit.Event, Who: s.by, What: WhatSync, Service: "atom", Result: audit.Done,
				Duration: r.EndedAt.Sub(r.StartedAt),
				Detail:   fmt.Sprintf("%d listed: %d new, %d changed, %d gone", r.Total, r.Added, r.Changed, r.Gone),
			}); err != nil {
				return err
			}
		}
		return tx.AddSync(ctx, r)
	})
	if err != nil {
		return m.failed(ctx, r, err)
	}
	return r, nil
}

// doubt says why a list is not believed yet: it is empty, or has lost more
// than half of the customers, and the one before it was not doubted already
// with as few. A list of other customers has lost them all, however long it is.
func (m *Mirror) doubt(ctx context.Context, present map[string]bool, began time.Time) (string, error) {
	had, lost, err := m.desk.Store.CountLost(ctx, present, began)
	if err != nil || lost*2 <= had {
		return "", err
	}
	last, err := m.desk.Store.LastSync(ctx)
	if err == nil && last.Outcome == "doubted" && len(present) >= last.Total {
		return "", nil
	}
	return fmt.Sprintf("ATOM listed %d customers and left out %d of the %d that there were", len(present), lost, had), nil
}

// failed stores the report of a sync that did not come to its end.
func (m *Mirror) failed(ctx context.Context, r store.SyncReport, cause error) (store.SyncReport, error) {
	r.Outcome, r.EndedAt, r.Detail = "failed", m.desk.Now(), explain(cause, wording{Try: "list the customers", On: "the list", Setup: setupAtom}).Title
	if err := m.desk.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddSync(ctx, r) }); err != nil && ctx.Err() == nil {
		m.desk.Log.Error("store a sync's report", "error", err)
	}
	return r, cause
}

// row maps ATOM's customer to the mirror's.
func row(c atom.Customer) store.Customer {
	out := store.Customer{
		CUID: c.CUID, Company: c.Company, Email: c.Email, Name: c.Name, Address: c.Address, Country: c.Country, City: c.City,
		Zip: c.Zip, State: c.State, Phone: c.Phone, Website: c.Website, Created: c.Created,
		Fields: make([]store.Field, len(c.Fields)),
	}
	for i, f := range c.Fields {
		out.Fields[i] = store.Field{Name: f.Name, Value: f.Value}
	}
	return out
}
