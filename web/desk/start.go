package desk

import (
	"context"
	"errors"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
)

// startRetry is how often a start that could not be recorded is tried again.
const startRetry = 5 * time.Second

// Start joins the replicas of the database, closes as unknown the acts that a crash
// left between intent and outcome (with PostgreSQL, Run does that), and records that
// frontdesk has started, with its configuration (names and values, secrets as
// fingerprints). It belongs before the first request is served. When the log cannot
// be written, reading goes on all the same, and Run tries again until it can.
func (d *Desk) Start(ctx context.Context, version string, settings map[string]string) error {
	if err := d.Store.Join(ctx); err != nil {
		return err
	}
	d.begun = func(ctx context.Context) error {
		if err := d.buryAll(ctx); err != nil {
			return err
		}
		return d.started(ctx, version, settings)
	}
	err := d.begun(ctx)
	var unwritable *store.Unwritable
	if errors.As(err, &unwritable) {
		d.Log.Error("the audit log cannot be written: acts are refused until it can", "error", err)
		return nil
	}
	d.begun = nil
	return err
}

// catchUp records a start that could not be recorded at the time.
func (d *Desk) catchUp(ctx context.Context) {
	for d.begun != nil {
		err := d.begun(ctx)
		if err == nil {
			return
		}
		var unwritable *store.Unwritable
		if !errors.As(err, &unwritable) && ctx.Err() == nil {
			d.Log.Error("record the start", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(startRetry):
		}
	}
}

func (d *Desk) started(ctx context.Context, version string, settings map[string]string) error {
	return d.Store.Write(ctx, func(tx *store.Tx) error {
		before, fingerprint, err := tx.SwapSettings(ctx, settings)
		if err != nil {
			return err
		}
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: frontdesk, What: WhatStart, Result: audit.Done,
			Detail: "version " + version + ", configuration " + fingerprint, Changes: settingChanges(before, settings),
		})
	})
}

// settingChanges are the settings that differ from those of the start before;
// "" at the first start and when none does.
func settingChanges(before, now map[string]string) string {
	diff := map[string][2]string{}
	for name, value := range now {
		if before[name] != value {
			diff[name] = [2]string{before[name], value}
		}
	}
	for name, value := range before {
		if _, ok := now[name]; !ok && value != "" {
			diff[name] = [2]string{value, ""}
		}
	}
	if before == nil || len(diff) == 0 {
		return ""
	}
	return changes(diff)
}

// stopped is what an entry and a row say of an act that a stop broke off.
const stopped Text = "frontdesk was stopped before the answer arrived"

// closeActs records as unknown the acts that a stop left between intent and
// outcome. One that is closed already stays as it is.
func (d *Desk) closeActs(ctx context.Context, open []audit.Entry) error {
	closed := 0
	for _, e := range open {
		answer := Answer{Act: e.Act, What: e.What, Problem: &Problem{
			Kind: Unknown, Service: serviceNames[e.Service], Title: "The outcome is unknown",
			Text:   "frontdesk was stopped before the answer arrived. It may have happened.",
			Advice: "Check before you do it again.",
		}}
		if e.Service == "atom" {
			answer.CUID, answer.Email = e.On.ID, e.On.Email
		}
		began := e.At
		e.Phase, e.Result, e.Detail = audit.Outcome, audit.Unknown, stopped.String()
		still := false
		err := d.Store.WriteOutcome(ctx, func(tx *store.Tx) (err error) {
			if still, err = tx.IsOpen(ctx, e.Act); err != nil || !still { // another replica was quicker
				return err
			}
			if err := tx.Append(ctx, &e); err != nil {
				return err
			}
			switch e.What {
			case WhatCreate:
				if err := tx.AddOpenCreate(ctx, store.OpenCreate{Act: e.Act, Company: e.On.Name, Email: e.On.Email, StartedAt: began}); err != nil {
					return err
				}
				if err := tx.EndImportRow(ctx, e.Act, store.RowUnknown, "", string(stopped)); err != nil {
					return err
				}
			case WhatSendSMS:
				sent, err := tx.SMSSendOf(ctx, e.Act)
				if err != nil {
					return err
				}
				if answer.CodeID, err = tx.AddCode(ctx, store.Code{
					Act: e.Act, Phone: e.On.Name, StaffID: e.Who.StaffID, StaffName: e.Who.Name, CUID: sent.CUID, SentAt: began,
				}); err != nil {
					return err
				}
			}
			return putAnswer(ctx, tx, answer)
		})
		if err != nil {
			return err
		}
		if still {
			closed++
		}
	}
	if closed > 0 {
		d.Log.Warn("acts left open by a stop were closed as unknown", "count", closed)
	}
	return nil
}
