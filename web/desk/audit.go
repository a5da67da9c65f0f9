package desk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"frontdesk/store/audit"
)

// Restored is the entry that puts a restore from a backup on record: of the
// log, the first size entries came from it.
func Restored(who audit.Who, size int64, reason string) audit.Entry {
	return audit.Entry{
		Phase: audit.Event, Who: who, What: WhatRestore, On: audit.Subject{ID: fmt.Sprintf(audit.RestoredTo, size), Name: fmt.Sprintf("the first %d entries", size)},
		Reason: reason, Result: audit.Done, Detail: "the database was restored from a backup; what was recorded after it was taken is lost; all sessions ended",
	}
}

// readHolds is how long one record of reading covers more of the same: turning
// pages and looking again is one reading.
const readHolds = 10 * time.Minute

// readings are those on record lately, by session and what was read.
type readings struct {
	mu sync.Mutex
	at map[string]time.Time
}

// fresh tells whether a reading is not on record yet, and takes it as recorded.
func (r *readings) fresh(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for old, at := range r.at {
		if now.Sub(at) >= readHolds {
			delete(r.at, old)
		}
	}
	if _, ok := r.at[key]; ok {
		return false
	}
	if r.at == nil {
		r.at = map[string]time.Time{}
	}
	r.at[key] = now
	return true
}

// forget takes a reading back that could not be recorded.
func (r *readings) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, key)
}

// ReadLog puts on record that somebody reads other people's entries; which says
// what of the log. Reading goes on when the log cannot be written.
func (d *Desk) ReadLog(ctx context.Context, by Actor, on audit.Subject, which string) {
	key := by.Session + "\x00" + on.ID + "\x00" + which
	if d.Store.Trouble() != nil || !d.read.fresh(key, d.Now()) {
		return
	}
	err := d.event(ctx, audit.Entry{Who: by.Who(), What: WhatReadLog, On: on, Result: audit.Done, Detail: which})
	if err != nil {
		d.read.forget(key)
		d.Log.Error("record a reading of the log", "error", err, "request", by.Request)
	}
}
