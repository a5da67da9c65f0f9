package desk

import (
	"context"
	"errors"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// The log is verified as a whole soon after the start and then once a day. It
// takes seconds for a million entries.
const (
	checkAfter = time.Minute
	checkEvery = 24 * time.Hour
)

// LogCheck is what the last verification of the whole log found.
type LogCheck struct {
	At       time.Time
	Verified audit.Verified
	Flaw     string // what does not hold; "" when all does
}

// LastCheck is the last verification of the whole log; nil before the first.
func (d *Desk) LastCheck() *LogCheck { return d.check.Load() }

// VerifyLog verifies the whole log and keeps what was found.
func (d *Desk) VerifyLog(ctx context.Context) (LogCheck, error) {
	got, err := d.Store.Verify(ctx)
	c := LogCheck{At: d.Now(), Verified: got}
	var flaw *audit.Flaw
	switch {
	case errors.As(err, &flaw):
		c.Flaw = flaw.Error()
		d.Log.Error("THE AUDIT LOG DOES NOT HOLD", "flaw", c.Flaw)
	case err != nil:
		return c, err
	}
	d.check.Store(&c)
	return c, nil
}

// checkLog verifies the log from time to time, until ctx is done.
func (d *Desk) checkLog(ctx context.Context) {
	for wait := checkAfter; ; wait = checkEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if _, err := d.VerifyLog(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("verify the audit log", "error", err)
		}
	}
}

// The log's text index is filled behind its back, so that an append does not
// wait for it; what is not indexed yet is found all the same, only slower.
const (
	indexEvery = time.Second
	indexPause = 5 * time.Millisecond // between two steps, for acts
	saveEvery  = 10 * time.Minute     // the filters' index, so that a start need not read the whole log
)

// indexLog follows the log with its indexes until ctx is done.
func (d *Desk) indexLog(ctx context.Context) {
	saved := d.Now()
	for ctx.Err() == nil {
		more, err := d.Store.IndexText(ctx)
		var unwritable *store.Unwritable
		if err != nil && ctx.Err() == nil && !errors.As(err, &unwritable) {
			d.Log.Error("index the audit log's text", "error", err)
		}
		if d.Now().Sub(saved) > saveEvery {
			saved = d.Now()
			if err := d.Store.SaveFacets(ctx); err != nil && ctx.Err() == nil && !errors.As(err, &unwritable) {
				d.Log.Error("keep the audit log's index", "error", err)
			}
		}
		wait := indexEvery
		if more && err == nil {
			wait = indexPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if err := d.Store.SaveFacets(context.WithoutCancel(ctx)); err != nil {
		d.Log.Warn("keep the audit log's index", "error", err)
	}
}
