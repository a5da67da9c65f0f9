package desk

import (
	"context"
	"runtime/debug"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

const (
	importLook   = time.Second      // how often an import's state and pace are read at least
	importAhead  = 200              // rows read at once
	importWait   = time.Second      // before the first new try when ATOM cannot be reached; doubles
	importWaits  = time.Minute      // the longest of these waits
	importAlike  = 10               // rows in a row that end alike pause the import
	importSyncs  = 15 * time.Second // between two syncs asked for to settle rows
	mostAskedFor = 10 * time.Minute // that a service may make an import wait
	speedTold    = 2 * time.Second  // how often the other replicas are told how fast it goes
	speedHolds   = 5 * speedTold    // how long that counts
)

// importRun is an import being sent, by one goroutine that begins the rows, each
// in one of its own. All that must outlast a kill is in the database.
type importRun struct {
	desk  *Desk
	id    string
	meter *meter
	ends  chan rowEnd
	under map[int]bool // the numbers of the rows under way

	ahead []store.ImportRow // read, not begun
	after int               // the last number read

	next  time.Time     // no row begins before: the pace
	until time.Time     // no row begins before: ATOM is not there
	since time.Time     // when until was set
	wait  time.Duration // the wait before until; while it is not 0, one row at a time is sent

	alike  Text // how the last rows ended, when that was not their own fault
	alikes int
	open   bool      // some rows are unknown, as far as is known
	synced time.Time // when a sync was last asked for to settle them
	noted  bool      // there may be a note why the import waits
	told   time.Time // when the other replicas were told how fast it goes
}

// runImport sends the rows of an import, until none is left or it is no longer to
// run. It returns once no row is under way.
func (d *Desk) runImport(ctx context.Context, id string) error {
	m := d.imports.enter(id)
	if m == nil {
		return nil // another job is still at it
	}
	defer d.imports.leave(id)
	r := &importRun{desk: d, id: id, meter: m, ends: make(chan rowEnd, MostAtOnce), under: map[int]bool{}, next: time.Now(), open: true, noted: true}
	err := r.loop(ctx)
	for len(r.under) > 0 {
		r.rowEnded(context.WithoutCancel(ctx), <-r.ends)
	}
	return err
}

func (r *importRun) loop(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx) // a row that has begun is brought to its end
	for {
		i, err := r.desk.Store.Import(lasting, r.id)
		if err != nil {
			return err
		}
		if ctx.Err() != nil || i.State != store.ImportRunning && len(r.under) == 0 {
			return nil
		}
		if err := r.settle(lasting); err != nil {
			return err
		}
		r.tellSpeed(lasting)
		now := time.Now()
		atOnce, pause := i.Concurrency, importLook
		if r.wait > 0 {
			atOnce = 1
		}
		switch {
		case i.State != store.ImportRunning, len(r.under) >= atOnce: // a row has to end first
		case now.Before(r.until):
			pause = r.until.Sub(now)
		case now.Before(r.next):
			pause = r.next.Sub(now)
		default:
			row, ok, err := r.row(lasting)
			if err != nil {
				return err
			}
			if ok {
				if !r.begin(lasting, i, row) {
					return nil
				}
				every := time.Second / time.Duration(max(i.Rate, 1))
				r.next = later(r.next, now.Add(-every)).Add(every) // of rows that began late, one is made up for
				continue
			}
			if len(r.under) == 0 {
				if done, err := r.rest(lasting, i); err != nil || done {
					return err
				}
			}
		}
		select {
		case end := <-r.ends:
			r.rowEnded(lasting, end)
		case <-time.After(min(pause, importLook)):
		case <-ctx.Done():
		}
	}
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// row returns the next row that is ready and not under way. Behind the last one it
// begins again: rows come back.
func (r *importRun) row(ctx context.Context) (store.ImportRow, bool, error) {
	for range 2 {
		for len(r.ahead) > 0 {
			row := r.ahead[0]
			r.ahead = r.ahead[1:]
			if !r.under[row.N] {
				return row, true, nil
			}
		}
		var err error
		if r.ahead, err = r.desk.Store.ImportRows(ctx, r.id, r.after, importAhead, store.RowReady); err != nil {
			return store.ImportRow{}, false, err
		}
		if r.after = 0; len(r.ahead) > 0 {
			r.after = r.ahead[len(r.ahead)-1].N
		}
	}
	return store.ImportRow{}, false, nil
}

// begin sends a row, in the name of whoever brought the import in, if they may
// still do that. It is false when frontdesk is stopping.
func (r *importRun) begin(ctx context.Context, i store.Import, row store.ImportRow) bool {
	d := r.desk
	staff, err := d.Store.Staff(ctx, i.StaffID)
	by := Actor{Staff: staff, Request: "import"}
	if err == nil && by.may(store.Manager) != nil {
		r.pause(ctx, Say("%s, in whose name it runs, may no longer create customers.", staff.Name))
		return true
	}
	if !d.rowUnderWay() {
		return false
	}
	began := time.Now()
	r.under[row.N] = true
	ctx = call.ForJob(ctx)
	go func() {
		var end rowEnd
		defer func() {
			if cause := recover(); cause != nil {
				d.Log.Error("send a row of an import", "import", i.ID, "row", row.N, "panic", cause, "stack", string(debug.Stack()))
				end = rowEnd{alike: "frontdesk has an error of its own"}
			}
			end.n, end.began = row.N, began
			d.under.Done()
			r.ends <- end
		}()
		// As it is now: it may have been read a while ago.
		if err == nil {
			row, err = d.Store.ImportRow(ctx, i.ID, row.N)
		}
		if err == nil && row.State == store.RowReady {
			end, err = d.sendRow(ctx, by, i, row)
		}
		if err != nil {
			d.Log.Error("send a row of an import", "import", i.ID, "row", row.N, "error", err)
			end = rowEnd{alike: "frontdesk has an error of its own"}
		}
	}()
	return true
}

// rowEnded draws the consequences of a row's end.
func (r *importRun) rowEnded(ctx context.Context, end rowEnd) {
	delete(r.under, end.n)
	now := time.Now()
	if end.state == store.RowCreated || end.state == store.RowFailed || end.state == store.RowUnknown {
		r.meter.count(now)
	}
	switch {
	case end.pause != "":
		r.pause(ctx, end.pause)
		return
	case end.waits != "":
		if end.began.Before(r.since) { // it says nothing new, but perhaps for how long
			r.until = later(r.until, now.Add(min(end.wait, mostAskedFor)))
			return
		}
		if r.wait = max(importWait, min(2*r.wait, importWaits), min(end.wait, mostAskedFor)); end.held {
			r.wait = max(importWait, end.wait)
		}
		r.since, r.until = now, now.Add(r.wait)
		r.note(ctx, Say("%s; trying again at %s UTC.", end.waits, r.until.UTC().Format("15:04:05")))
		return
	case end.state == "" && end.alike == "":
		return
	}
	r.open = r.open || end.state == store.RowUnknown
	if end.alike == "" || end.alike != r.alike {
		r.alike, r.alikes = end.alike, 0
	}
	if r.alikes++; r.alike != "" && r.alikes >= importAlike {
		r.pause(ctx, Say("%s rows in a row ended alike: %s. Resume it when that is mended.", r.alikes, r.alike))
		r.alikes = 0
	}
	if end.state == store.RowCreated || end.state == store.RowFailed {
		r.wait, r.until = 0, time.Time{}
		if r.noted {
			r.note(ctx, "")
		}
	}
}

// settle asks for a sync now and then as long as rows wait for one.
func (r *importRun) settle(ctx context.Context) error {
	if !r.open || time.Since(r.synced) < importSyncs {
		return nil
	}
	counts, err := r.desk.Store.ImportCounts(ctx, r.id)
	if err != nil {
		return err
	}
	r.synced = time.Now()
	if r.open = counts[store.RowUnknown] > 0; r.open {
		r.desk.Mirror.Request()
	}
	return nil
}

// tellSpeed tells the other replicas, if there are any, how fast it goes.
func (r *importRun) tellSpeed(ctx context.Context) {
	if !r.desk.Store.Shared() || time.Since(r.told) < speedTold {
		return
	}
	r.told = time.Now()
	rows := r.meter.rate(r.told)
	if err := r.desk.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetImportSpeed(ctx, r.id, rows) }); err != nil {
		r.desk.Log.Warn("tell how fast an import goes", "import", r.id, "error", err)
	}
}

// rest ends an import of which no row is left to be sent, and tells whether it
// did. Rows may still come back: unknown ones once a sync has settled them.
func (r *importRun) rest(ctx context.Context, i store.Import) (done bool, err error) {
	var waits Text
	err = r.desk.Store.Write(ctx, func(tx *store.Tx) error {
		counts, err := tx.ImportCounts(ctx, r.id)
		if err != nil {
			return err
		}
		switch {
		case counts[store.RowReady] > 0:
			return nil
		case counts[store.RowSending] > 0: // its outcome could not be recorded
			waits = SayN(counts[store.RowSending], "It is not on record how %s row has ended. That is settled when frontdesk is started again.",
				"It is not on record how %s rows have ended. That is settled when frontdesk is started again.")
			return nil
		case counts[store.RowUnknown] > 0:
			r.open = true
			waits = SayN(counts[store.RowUnknown], "%s row without an answer. ATOM's list will tell whether they were created.",
				"%s rows without an answer. ATOM's list will tell whether they were created.")
			return nil
		}
		if done, err = tx.MoveImport(ctx, r.id, store.ImportRunning, store.ImportDone, ""); err != nil || !done {
			return err
		}
		return tx.Append(ctx, importEvent(frontdesk, WhatImportDone, i, counted(counts)))
	})
	if done && err == nil {
		r.desk.Mirror.Request() // ATOM may have added fields of its own
	}
	if string(waits) != i.Note && !done && err == nil {
		r.note(ctx, waits)
	}
	return done && err == nil, err
}

// pause lets the import rest until a person has done something about it.
func (r *importRun) pause(ctx context.Context, why Text) {
	err := r.desk.Store.Write(ctx, func(tx *store.Tx) error {
		i, err := tx.Import(ctx, r.id)
		if err != nil {
			return err
		}
		moved, err := tx.MoveImport(ctx, r.id, store.ImportRunning, store.ImportPaused, string(why))
		if err != nil || !moved {
			return err
		}
		e := importEvent(frontdesk, WhatPauseImport, i, why.String())
		e.Result = audit.Refused
		return tx.Append(ctx, e)
	})
	if err != nil {
		r.desk.Log.Error("pause an import", "import", r.id, "error", err)
		r.wait, r.since, r.until = importWaits, time.Now(), time.Now().Add(importWaits)
	}
}

// note says why the import waits; "" when it goes on.
func (r *importRun) note(ctx context.Context, text Text) {
	r.noted = text != ""
	err := r.desk.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetImportNote(ctx, r.id, string(text)) })
	if err != nil {
		r.desk.Log.Warn("note why an import waits", "import", r.id, "error", err)
	}
}
