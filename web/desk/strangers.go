package desk

import (
	"context"
	"fmt"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// strangersTold is how many get an entry of their own in the log at once.
const strangersTold = 100

// strangers decides which of the customers that syncs brought in were created by
// somebody else, and points these out.
func (m *Mirror) strangers(ctx context.Context) error {
	d := m.desk
	waiting, err := d.Store.WaitingOutside(ctx, store.OutsideCustomer, 0, 1)
	if err != nil || len(waiting) == 0 {
		return err
	}
	// In this order: a create under way ends as open or as done, and an open one as
	// done. Whichever it is meanwhile, one of the three looks finds it.
	open := map[string]bool{}
	acts, err := d.Store.OpenActs(ctx)
	if err != nil {
		return err
	}
	for _, e := range acts {
		if e.What == WhatCreate {
			open[store.Fold(e.On.Email)] = true
		}
	}
	creates, err := d.Store.OpenCreates(ctx)
	if err != nil {
		return err
	}
	for _, c := range creates {
		open[store.Fold(c.Email)] = true
	}
	var found, ours []store.Outside
	for after := int64(0); ; after = waiting[len(waiting)-1].ID {
		if waiting, err = d.Store.WaitingOutside(ctx, store.OutsideCustomer, after, batch); err != nil {
			return err
		}
		if len(waiting) == 0 {
			break
		}
		for _, o := range waiting {
			if o.Email != "" && open[store.Fold(o.Email)] {
				continue // it may be the one: the next sync knows
			}
			made, err := d.Store.MadeHere(ctx, WhatCreate, o.Subject)
			switch {
			case err != nil:
				return err
			case made:
				ours = append(ours, o)
			default:
				found = append(found, o)
			}
		}
	}
	if err := d.dropOutside(ctx, ours); err != nil {
		return err
	}
	return d.pointOut(ctx, found, "customers", func(o store.Outside) audit.Entry {
		return audit.Entry{What: WhatOutside, On: audit.Subject{ID: o.Subject, Name: o.Name, Email: o.Email}, Service: "atom",
			Detail: "ATOM lists a customer that no act on record created"}
	})
}

func (d *Desk) dropOutside(ctx context.Context, all []store.Outside) error {
	return inBatches(all, func(some []store.Outside) error {
		return d.Store.Write(ctx, func(tx *store.Tx) error {
			for _, o := range some {
				if err := tx.DropOutside(ctx, o.ID); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// pointOut records what somebody else made: each with an entry, the many beyond a
// bound with one for all of them.
func (d *Desk) pointOut(ctx context.Context, found []store.Outside, things string, entry func(store.Outside) audit.Entry) error {
	told := 0
	return inBatches(found, func(some []store.Outside) error {
		return d.Store.Write(ctx, func(tx *store.Tx) error {
			for _, o := range some {
				if err := tx.SettleOutside(ctx, o.ID); err != nil {
					return err
				}
				if told++; told > strangersTold+1 {
					continue
				}
				e := entry(o)
				if more := len(found) - strangersTold; told > strangersTold {
					e.On, e.Detail = audit.Subject{}, fmt.Sprintf("%d more %s that no act on record made", more, things)
				}
				e.Phase, e.Who, e.Result = audit.Event, frontdesk, audit.Done
				if err := tx.Append(ctx, &e); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func inBatches[T any](all []T, f func([]T) error) error {
	for len(all) > 0 {
		n := min(batch, len(all))
		if err := f(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// KnowOutside records that an admin knows of what somebody else made, so that it
// is not pointed out any more.
func (d *Desk) KnowOutside(ctx context.Context, by Actor, ids []int64) (known int, err error) {
	if err := by.may(store.Admin); err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		known = 0
		var subjects []string
		for _, id := range ids {
			o, err := tx.KnowOutside(ctx, id, by.Staff.Name)
			if err == store.ErrNotFound {
				continue // somebody was quicker
			}
			if err != nil {
				return err
			}
			known++
			subjects = append(subjects, o.Kind+" "+o.Subject)
		}
		if known == 0 {
			return nil
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatKnowOutside, Result: audit.Done, Detail: fmt.Sprintf("%d: %s", known, strings.Join(subjects, ", ")),
		})
	})
	if err != nil {
		return 0, unrecorded(err)
	}
	return known, nil
}
