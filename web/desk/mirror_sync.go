package desk

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
)

// batch is how many customers are written in one transaction at most, so that no
// act waits long for the writer.
const (
	batch = 500
	few   = 50 // while people are at work
)

// sync reads ATOM's whole list, then brings the mirror in line. A list that
// breaks half-way changes nothing.
func (m *Mirror) sync(ctx context.Context, s *Sync) (store.SyncReport, error) {
	d := m.desk
	defer m.progress(Progress{})
	d.heap.keepTight(true)
	defer d.heap.keepTight(false)
	r := store.SyncReport{StartedAt: d.Now(), Outcome: "done"}
	_, before, err := d.Store.LastSyncs(ctx)
	if err != nil {
		return m.failed(ctx, r, err)
	}
	first := before.Total == 0 // there was nobody whom a stranger could join
	m.counts.listed.Store(0)
	m.counts.written.Store(0)
	m.counts.toWrite.Store(0)
	now := Progress{Running: true, Shown: s.asked || first, StartedAt: r.StartedAt, Phase: "reading", Before: before.Total}
	m.progress(now)

	list, err := m.read(ctx, &r)
	if err != nil {
		return m.failed(ctx, r, err)
	}
	doubt, err := m.doubt(ctx, list)
	if err != nil {
		return m.failed(ctx, r, err)
	}
	if doubt != "" && !s.believe {
		r.Outcome, r.Detail, r.EndedAt = "doubted", string(doubt), d.Now()
		return r, d.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddSync(ctx, r) })
	}

	m.counts.toWrite.Store(int64(list.kept.n + list.lost))
	now.Phase = "writing"
	m.progress(now)
	if err := m.write(ctx, list, &r, first); err != nil {
		return m.failed(ctx, r, err)
	}
	if r.Skipped > before.Skipped && list.lost > 0 && !first {
		// They may be among those that could not be read. A second list will tell.
		r.Detail = string(SayN(r.Skipped, "%s object could not be read; nobody is marked gone for this list",
			"%s objects could not be read; nobody is marked gone for this list"))
	} else if err := m.markGone(ctx, list, &r); err != nil {
		return m.failed(ctx, r, err)
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		if err := m.settle(ctx, tx, r.StartedAt); err != nil {
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
	m.believed.Store(true)
	if err := m.strangers(ctx); err != nil { // they wait for the next sync
		d.Log.Error("look for customers from outside", "error", err)
	}
	return r, nil
}

// read compares ATOM's list with the mirror while it arrives.
func (m *Mirror) read(ctx context.Context, r *store.SyncReport) (*listing, error) {
	list := newListing(m.mapping)
	if err := m.desk.Store.EachListed(ctx, r.StartedAt, list.have); err != nil {
		return nil, err
	}
	m.desk.heap.keepTight(false) // ATOM takes its time
	skipped, err := m.desk.Atom.Customers(ctx, func(e atom.Element) error {
		m.desk.heap.keepTight(true)
		m.counts.listed.Add(1)
		return list.take(e)
	})
	r.Total, r.Skipped = list.listed, skipped
	if err != nil {
		return nil, err
	}
	list.end()
	return list, nil
}

// fillFrom is how many customers make it worth the while to build the indexes
// afterwards.
const fillFrom = 5000

// write brings in the customers who are new or not as they were.
func (m *Mirror) write(ctx context.Context, list *listing, r *store.SyncReport, first bool) error {
	d := m.desk
	if list.kept.n < fillFrom {
		// A fill that could not be ended, on a full disk say, is ended now.
		return errors.Join(m.writeRows(ctx, list, r, first), d.Store.EndFill(context.WithoutCancel(ctx)))
	}
	runtime.GC() // rows are made much quicker than the list was read, and than the collector foresees
	// So many are put into the text index together, afterwards.
	if err := d.Store.Write(ctx, func(tx *store.Tx) error { return tx.DropTextIndex(ctx) }); err != nil {
		return err
	}
	defer d.indexSoon()
	if err := d.Store.BeginFill(ctx); err != nil {
		return err
	}
	err := m.writeRows(ctx, list, r, first)
	debug.FreeOSMemory() // what the rows were made of makes room for what the indexes are sorted in
	return errors.Join(err, d.Store.EndFill(context.WithoutCancel(ctx)))
}

// writeRows writes in batches. The next one is worked out meanwhile, so that a
// transaction holds the writer for its statements alone.
func (m *Mirror) writeRows(ctx context.Context, list *listing, r *store.SyncReport, first bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan []store.CustomerRow), make(chan error, 1)
	go func() {
		defer close(batches)
		failed <- rowsOf(ctx, list, batches)
	}()
	for rows := range batches {
		size := few
		if first { // there is nobody whom people could be at work for
			size = batch
		}
		for some := range slices.Chunk(rows, size) {
			if err := m.writeBatch(ctx, some, r, first); err != nil {
				return err
			}
		}
	}
	return <-failed
}

// rowsOf makes rows of what was kept of the list.
func rowsOf(ctx context.Context, list *listing, batches chan<- []store.CustomerRow) error {
	var kept atom.Kept
	var rows []store.CustomerRow
	send := func() error {
		select {
		case batches <- rows:
			rows = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := list.kept.each(func(raw []byte) error {
		c, err := kept.Element(raw).Customer()
		if err != nil {
			return err
		}
		mapped, sum := row(c), list.digest(raw)
		mapped.Digest = sum[:]
		if rows == nil {
			rows = make([]store.CustomerRow, 0, batch)
		}
		if rows = append(rows, store.NewCustomerRow(mapped)); len(rows) < batch {
			return nil
		}
		return send()
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	return send()
}

func (m *Mirror) writeBatch(ctx context.Context, rows []store.CustomerRow, r *store.SyncReport, first bool) error {
	added, changed := 0, 0
	err := m.desk.Store.Write(ctx, func(tx *store.Tx) error {
		for _, c := range rows {
			isNew, isOther, err := tx.UpsertRow(ctx, c)
			switch {
			case err != nil:
				return err
			case isOther:
				changed++
			case isNew:
				added++
				if first {
					continue
				}
				// In this transaction: later syncs do not find them new any more.
				if err := tx.AddOutside(ctx, store.Outside{Kind: store.OutsideCustomer, Subject: c.CUID, Name: firstOf(c.Company, c.Name), Email: c.Email}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Added, r.Changed = r.Added+added, r.Changed+changed
	m.counts.written.Add(int64(len(rows)))
	return nil
}

// markGone marks those who were there and are not listed any more.
func (m *Mirror) markGone(ctx context.Context, list *listing, r *store.SyncReport) error {
	var cuids []string
	flush := func() error {
		gone := 0
		err := m.desk.Store.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.MarkGone(ctx, cuids)
			return err
		})
		r.Gone += gone
		m.counts.written.Add(int64(len(cuids)))
		cuids = cuids[:0]
		return err
	}
	for cuid := range list.missing() {
		if cuids = append(cuids, cuid); len(cuids) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(cuids) == 0 {
		return nil
	}
	return flush()
}

// doubt says why a list is not believed yet: it is empty, or has lost more
// than half of the customers, and the one before it was not doubted already
// with as few. A list of other customers has lost them all, however long it is.
func (m *Mirror) doubt(ctx context.Context, list *listing) (Text, error) {
	if list.lost*2 <= list.before && list.listed > 0 {
		return "", nil
	}
	last, err := m.desk.Store.LastSync(ctx)
	if err == nil && last.Outcome == "doubted" && list.listed >= last.Total {
		return "", nil
	}
	if list.before == 0 {
		return "ATOM listed no customers at all", nil
	}
	return Say("ATOM listed %s customers and left out %s of the %s that there were", list.listed, list.lost, list.before), nil
}

// failed stores the report of a sync that did not come to its end.
func (m *Mirror) failed(ctx context.Context, r store.SyncReport, cause error) (store.SyncReport, error) {
	r.Outcome, r.EndedAt, r.Detail = "failed", m.desk.Now(), string(explain(cause, wording{Try: "list the customers", On: "the list", Setup: setupAtom}).Title)
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
