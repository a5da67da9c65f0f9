package desk

import (
	"context"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// When a create whose answer was lost, and that ATOM's list does not show, counts
// as not created: after two syncs, of which the last began settleGap or more after
// the answer was given up, or after settlePatience.
const (
	settlePatience = 10 * time.Minute
	settleGap      = 30 * time.Second
)

// settle settles the creates with a lost answer, within a believed sync that began
// at began. What else waits for them (settled tells how each ended) belongs here,
// into the same transaction.
func (m *Mirror) settle(ctx context.Context, tx *store.Tx, began time.Time) error {
	settled, err := tx.SettleCreates(ctx, began, settlePatience, m.desk.SettleGap)
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
	return m.desk.settleImports(ctx, tx, settled)
}

// settleIn is how long to wait for the sync that may settle the next open create;
// false when none is open.
func (m *Mirror) settleIn(ctx context.Context) (wait time.Duration, open bool) {
	creates, err := m.desk.Store.OpenCreates(ctx)
	if err != nil && ctx.Err() == nil {
		m.desk.Log.Error("look for open creates", "error", err)
	}
	for _, c := range creates {
		due := c.LostAt.Add(m.desk.SettleGap).Sub(m.desk.Now())
		if due <= 0 { // a sync failed, or was not believed
			due = max(m.desk.SettleGap, time.Second)
		}
		if !open || due < wait {
			wait, open = due, true
		}
	}
	return wait, open
}
