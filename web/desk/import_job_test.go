package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/call"
)

// A job that fails is tried again: its import runs on.
func TestAJobsErrorIsNotTheEndOfItsImport(t *testing.T) {
	r := newRig(t)
	id := r.started(r.mia, 3)
	r.exec(`ALTER TABLE import_rows RENAME TO import_rows_away`)
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	t.Cleanup(func() { cancel(); jobs.Wait() })
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(r.log.String(), "run an import"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the job does not fail")
		}
	}
	r.exec(`ALTER TABLE import_rows_away RENAME TO import_rows`)
	r.becomes(id, "the end", inState(store.ImportDone))
}

// A queue without jobs keeps nobody from writing.
func TestAnIdleQueueCostsActsNothing(t *testing.T) {
	r := newRig(t)
	typical := func() time.Duration {
		took := make([]time.Duration, 400)
		for i := range took {
			began := time.Now()
			if err := r.event(ctx, audit.Entry{What: "timed", Result: audit.Done}); err != nil {
				t.Fatal(err)
			}
			took[i] = time.Since(began)
			time.Sleep(time.Millisecond)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	without := typical()
	running, cancel := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	jobs.Go(func() { r.runJobs(running) })
	time.Sleep(200 * time.Millisecond)
	with := typical()
	cancel()
	jobs.Wait()
	without = max(without, typical()) // the machine is not the same all the time
	t.Logf("a write takes %s, beside an idle queue %s", without, with)
	if with > 3*without+5*time.Millisecond {
		t.Errorf("beside an idle queue a write takes %s, otherwise %s", with, without)
	}
}

func TestMeter(t *testing.T) {
	m := newMeter(start)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	if got := m.rate(at(0.5)); got != 0 {
		t.Errorf("too early: %v", got)
	}
	for i := range 100 { // ten a second
		m.count(at(float64(i) / 10))
	}
	for _, tt := range []struct{ at, want float64 }{{10, 10}, {20, 5}, {29.5, 100 / 29.5}, {34.5, 50.0 / 30}, {60, 0}} {
		if got := m.rate(at(tt.at)); got < tt.want*0.9 || got > tt.want*1.1 {
			t.Errorf("after %v s: %v a second, want %v", tt.at, got, tt.want)
		}
	}
}

// What each end of a call means for a row and its import.
func TestEndOfARow(t *testing.T) {
	refused := func(status int, reason call.Reason) error {
		return &call.Error{Service: "atom", Kind: call.Refused, Status: status, Reason: reason, Message: "so it says"}
	}
	for name, tt := range map[string]struct {
		err                 error
		state               store.RowState
		waits, pause, alike bool
	}{
		"done":         {nil, store.RowCreated, false, false, false},
		"unreachable":  {&call.Error{Kind: call.Unreachable}, store.RowReady, true, false, false},
		"unanswered":   {&call.Error{Kind: call.Unanswered}, store.RowUnknown, false, false, true},
		"too often":    {refused(http.StatusTooManyRequests, call.ReasonLimit), store.RowReady, true, false, false},
		"unavailable":  {refused(http.StatusServiceUnavailable, call.ReasonNone), store.RowUnknown, false, false, true},
		"bad gateway":  {refused(http.StatusBadGateway, call.ReasonNone), store.RowUnknown, false, false, true},
		"gateway late": {refused(http.StatusGatewayTimeout, call.ReasonNone), store.RowUnknown, false, false, true},
		"too late":     {refused(http.StatusRequestTimeout, call.ReasonInvalid), store.RowUnknown, false, false, true},
		"its error":    {refused(http.StatusInternalServerError, call.ReasonNone), store.RowFailed, false, false, true},
		"credentials":  {refused(http.StatusForbidden, call.ReasonCredentials), store.RowReady, false, true, false},
		"no key":       {refused(http.StatusNotFound, call.ReasonAmbiguous), store.RowReady, false, true, false},
		"provisioning": {refused(http.StatusUnauthorized, call.ReasonNotAllowed), store.RowReady, false, true, false},
		"exists":       {refused(http.StatusConflict, call.ReasonExists), store.RowFailed, false, false, false},
		"invalid":      {refused(http.StatusBadRequest, call.ReasonInvalid), store.RowFailed, false, false, false},
		"our own":      {errors.New("odd"), store.RowFailed, false, false, true},
	} {
		end, _ := endOf(doubted(tt.err))
		if end.state != tt.state || (end.waits != "") != tt.waits || (end.pause != "") != tt.pause || (end.alike != "") != tt.alike {
			t.Errorf("%s: %+v", name, end)
		}
	}
}

// The entries of a start and of a retry name who asked; those of frontdesk's own
// pauses, frontdesk.
func TestImportsEventsNameWhoAsked(t *testing.T) {
	r := newRig(t)
	id := r.importOf(r.mia, 1)
	if err := r.StartImport(ctx, r.alice, id); err != nil {
		t.Fatal(err)
	}
	if got := r.events(WhatStartImport); len(got) != 1 || got[0].Who.StaffID != r.alice.Staff.ID || got[0].Phase != audit.Event || got[0].On.Name != "new.csv" {
		t.Errorf("%+v", got)
	}
	r.sending(id)
	r.becomes(id, "the end", inState(store.ImportDone))
	row, err := r.Store.ImportRow(ctx, id, 1)
	if err != nil {
		t.Fatal(err)
	}
	if acts := r.entries(row.Act); acts[0].Who.StaffID != r.mia.Staff.ID { // it runs in the name of who brought it in
		t.Errorf("%+v", acts[0])
	}
}
