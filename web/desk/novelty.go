package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// learning is how long an endpoint is learned, from its first answer on: what its
// answers have within that time is how they are. What comes later for the first time
// is a novelty, unless it is in the contract.
const learning = 24 * time.Hour

// learnRetry is how often what could not be stored is tried again.
const learnRetry = time.Minute

// followAnswers stores what the services' answers look like, and tells of what is new
// in them, until ctx is done.
func (d *Desk) followAnswers(ctx context.Context) {
	if err := d.recall(ctx); err != nil && ctx.Err() == nil {
		d.Log.Error("read what was learned of the services", "error", err) // it is met again, and is not news then
	}
	tick := time.NewTicker(learnRetry)
	defer tick.Stop()
	for {
		err := d.learn(ctx)
		var unwritable *store.Unwritable
		if err != nil && ctx.Err() == nil && !errors.As(err, &unwritable) {
			d.Log.Error("store what was learned of the services", "error", err)
		}
		select {
		case <-ctx.Done():
			_ = d.learn(context.WithoutCancel(ctx)) // what is lost is met again
			return
		case <-d.Stats.Shapes().News():
		case <-tick.C:
		}
	}
}

// recall makes known what was learned before the start.
func (d *Desk) recall(ctx context.Context) error {
	all, err := d.Store.AllLearned(ctx)
	if err != nil {
		return err
	}
	traits := make([]call.Trait, len(all))
	for i, l := range all {
		traits[i] = call.Trait{Service: l.Service, Endpoint: l.Endpoint, Kind: l.Kind, What: l.What}
	}
	d.Stats.Shapes().Know(traits...)
	return nil
}

// learn stores what was met for the first time, and logs the novelties.
func (d *Desk) learn(ctx context.Context) error {
	met := d.Stats.Shapes().Take()
	if len(met) == 0 {
		return nil
	}
	var news []call.Trait
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		news = news[:0]
		for _, t := range met {
			novel, err := d.isNovel(ctx, tx, t)
			if err != nil {
				return err
			}
			added, err := tx.Learn(ctx, store.Learned{Service: t.Service, Endpoint: t.Endpoint, Kind: t.Kind, What: t.What, FirstSeen: t.SeenAt}, novel)
			if err != nil {
				return err
			}
			if added && novel {
				news = append(news, t)
			}
		}
		return nil
	})
	if err != nil {
		d.Stats.Shapes().Return(met)
		return err
	}
	for _, t := range news {
		d.Log.Warn("a service answers in a new way", "service", t.Service, "endpoint", t.Endpoint, "kind", t.Kind, "what", t.What, "first_seen", t.SeenAt)
	}
	return nil
}

// isNovel tells whether something that was met for the first time is to be told of.
func (d *Desk) isNovel(ctx context.Context, tx *store.Tx, t call.Trait) (bool, error) {
	switch {
	case t.Kind == call.TraitMany: // from here on nobody watches
		return true, nil
	case t.Quiet || d.contracted(t):
		return false, nil
	}
	since, err := tx.LearnedSince(ctx, t.Service, t.Endpoint)
	return !since.IsZero() && t.SeenAt.Sub(since) >= learning, err
}

// noveltiesNamed is how many the log's entry names.
const noveltiesNamed = 20

// SeeNovelties records that an admin has seen what is new in the services' answers,
// so that it is not pointed out any more.
func (d *Desk) SeeNovelties(ctx context.Context, by Actor, ids []int64) (seen int, err error) {
	if err := by.may(store.Admin); err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		seen = 0
		var named []string
		for _, id := range ids {
			l, err := tx.SeeNovelty(ctx, id, by.Staff.Name)
			if errors.Is(err, store.ErrNotFound) {
				continue // somebody was quicker
			}
			if err != nil {
				return err
			}
			if seen++; seen <= noveltiesNamed {
				named = append(named, fmt.Sprintf("%s of %s %s, %s", l.Kind, l.Service, l.Endpoint, l.What))
			}
		}
		if seen == 0 {
			return nil
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: by.Who(), What: WhatSeeNovelty, Result: audit.Done, Detail: fmt.Sprintf("%d: %s", seen, strings.Join(named, "; ")),
		})
	})
	if err != nil {
		return 0, unrecorded(err)
	}
	return seen, nil
}
