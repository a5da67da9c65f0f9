package desk

import (
	"context"
	"errors"
	"strconv"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/ip1"
)

// lostCodeWithin is how far apart iP1's clock and ours may be, and how long a send
// takes, for a code in iP1's list to be the one whose answer was lost.
const lostCodeWithin = time.Minute

// followSMS looks into iP1's list after syncs, at most once in an interval. iP1's
// trouble is not the mirror's.
func (m *Mirror) followSMS(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.synced:
		}
		// A little less than the interval: syncs take now longer and now shorter.
		if now := m.desk.Now(); m.desk.SMS() && m.desk.Store.Leads() && now.Sub(last) >= m.desk.Sync-m.desk.Sync/10 {
			last = now
			if err := m.desk.strangeCodes(ctx); err != nil && ctx.Err() == nil {
				m.desk.Log.Warn("look for SMS codes from outside", "error", err)
			}
		}
	}
}

// strangeCodes reads iP1's list behind the highest ID seen so far, and points out
// the codes that frontdesk did not send. The first reading only says how far the
// list goes.
func (d *Desk) strangeCodes(ctx context.Context) error {
	account := d.IP1.Account()
	seen, err := d.Store.SMSSeen(ctx, account)
	first := errors.Is(err, store.ErrNotFound)
	if err != nil && !first {
		return err
	}
	top := seen
	var some []ip1.Authentication
	note := func() error {
		err := d.noteCodes(ctx, some)
		some = some[:0]
		return err
	}
	err = d.IP1.Each(ctx, func(a ip1.Authentication) error {
		top = max(top, a.ID)
		if first || a.ID <= seen {
			return nil
		}
		if some = append(some, a); len(some) < batch {
			return nil
		}
		return note()
	})
	if err != nil {
		return err
	}
	if err := note(); err != nil {
		return err
	}
	if first || top != seen {
		if err := d.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetSMSSeen(ctx, account, top) }); err != nil {
			return err
		}
	}
	return d.decideCodes(ctx)
}

// noteCodes notes the codes that frontdesk does not know by their ID.
func (d *Desk) noteCodes(ctx context.Context, codes []ip1.Authentication) error {
	var unknown []store.Outside
	for _, a := range codes {
		known, err := d.Store.CodeKnown(ctx, a.ID)
		if err != nil {
			return err
		}
		if !known {
			unknown = append(unknown, store.Outside{Kind: store.OutsideSMS, Subject: strconv.FormatInt(a.ID, 10), Name: a.Phone, MadeAt: a.Created})
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return d.Store.Write(ctx, func(tx *store.Tx) error {
		for _, o := range unknown {
			if err := tx.AddOutside(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// decideCodes tells the codes that others sent from frontdesk's own: from those
// being sent right now, and from those whose answer was lost, which are thereby
// settled.
func (d *Desk) decideCodes(ctx context.Context) error {
	var found []store.Outside
	for after := int64(0); ; {
		waiting, err := d.Store.WaitingOutside(ctx, store.OutsideSMS, after, batch)
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			break
		}
		after = waiting[len(waiting)-1].ID
		var strange []store.Outside
		err = d.Store.Write(ctx, func(tx *store.Tx) error {
			strange = strange[:0]
			sending, err := tx.UnderWay(ctx, WhatSendSMS)
			if err != nil {
				return err
			}
			for _, o := range waiting {
				ours, err := d.settleCode(ctx, tx, o)
				switch {
				case err != nil:
					return err
				case ours:
					if err := tx.DropOutside(ctx, o.ID); err != nil {
						return err
					}
				case !anyTo(sending, o.Name):
					strange = append(strange, o)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		found = append(found, strange...)
	}
	return d.pointOut(ctx, found, "SMS codes", func(o store.Outside) audit.Entry {
		e := audit.Entry{What: WhatOutsideSMS, On: audit.Subject{ID: "phone:" + o.Name, Name: o.Name}, Service: "ip1",
			Detail: "iP1 lists a code (" + o.Subject + ") that frontdesk did not send"}
		if phone, err := ParsePhone(o.Name); err == nil {
			e.On = audit.Subject{ID: "phone:" + phone.E164, Name: phone.E164}
		}
		return e
	})
}

// anyTo tells whether one of these sends goes to a number.
func anyTo(sending []audit.Entry, phone string) bool {
	for _, e := range sending {
		if samePhone(e.On.Name, phone) {
			return true
		}
	}
	return false
}

// settleCode tells whether a code of iP1's list is frontdesk's own. One whose
// answer was lost gets its ID, with that on record.
func (d *Desk) settleCode(ctx context.Context, tx *store.Tx, o store.Outside) (ours bool, err error) {
	id, err := strconv.ParseInt(o.Subject, 10, 64)
	if err != nil {
		return false, err
	}
	if ours, err = tx.CodeKnown(ctx, id); err != nil || ours || o.MadeAt.IsZero() {
		return ours, err
	}
	lost, err := tx.LostCodes(ctx, o.MadeAt.Add(-lostCodeWithin), o.MadeAt.Add(lostCodeWithin))
	if err != nil {
		return false, err
	}
	for _, c := range lost {
		if !samePhone(c.Phone, o.Name) {
			continue
		}
		c.IP1ID, c.CheckedAt = id, d.Now()
		if err := tx.UpdateCode(ctx, c); err != nil {
			return false, err
		}
		return true, tx.Append(ctx, &audit.Entry{
			Act: c.Act, Phase: audit.Event, Who: frontdesk, What: WhatSettleSMS, On: audit.Subject{ID: "phone:" + c.Phone, Name: c.Phone},
			Service: "ip1", Result: audit.Done, Detail: "sent: the code is in iP1's list",
		})
	}
	return false, nil
}
