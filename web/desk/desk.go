// Package desk holds the acts of frontdesk, one file each, and its jobs. Every
// act is written as the same visible steps: check who may, record the intent,
// call the service once, record the outcome together with the rows it changes.
package desk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/web/atom"
	"frontdesk/web/call"
	"frontdesk/web/ip1"
	"frontdesk/web/portal"
)

// How long things hold; product.md §2 and §4.
const (
	SecretsShown = 10 * time.Minute // key and token of an answer, to the session that acted
	StepUpHolds  = 15 * time.Minute // a portal password given, for acts that want it again
	ssoRepeats   = 10 * time.Second // a second click on SSO repeats the answer
	bareRepeats  = 10 * time.Second // a post without a receipt is told from a new act by its content
	receiptHolds = 7 * 24 * time.Hour
	draftHolds   = 7 * 24 * time.Hour
	tokenHolds   = 24 * time.Hour // a portal token (services.md §1)
)

// Config is what a Desk works with.
type Config struct {
	Store   *store.DB
	Portals map[string]*portal.Client // by form value; only those that are offered
	Atom    *atom.Client
	IP1     *ip1.Client // nil: SMS is not set up
	Hosts   SSOHosts
	Stats   *call.Stats
	Log     *slog.Logger
	Now     func() time.Time
	Sync    time.Duration // how often the mirror is refreshed
	Act     time.Duration // limit of one acting call
	Idle    time.Duration // after which a session is over
	Reason  bool          // SSO and credential acts want a written reason
	Sinks   []Sink        // where the audit log is streamed to, each of another name

	Traces trace.TracerProvider // collects a span of each act; nil: none does

	SettleGap time.Duration // how long a lost create may take to show up in ATOM's list; settleGap when 0

	// Limits on SMS codes; zero is none.
	SMSCountries []string      // regions that codes may go to
	SMSPerStaff  int           // codes that one person may send within 24 hours
	SMSPerNumber int           // codes that one number may get within 24 hours
	SMSCooldown  time.Duration // between two codes to one number; at most 24 hours
}

// Desk does the acts. It is safe for concurrent use.
type Desk struct {
	Config
	Mirror    *Mirror
	defaults  smsDefaults
	lists     smsLists
	habits    habits        // of customers with passcodes
	learnt    chan struct{} // a passcode was e-mailed or redeemed
	holds     holds
	under     sync.WaitGroup // acts between intent and outcome
	check     atomic.Pointer[LogCheck]
	read      readings
	heap      *heap
	streams   []*stream
	unindexed chan struct{} // the customers' text index may have to be built
	stopping  chan struct{} // closed when no act should take long any more
	stop      sync.Once
	begun     func(ctx context.Context) error // records a start that could not be recorded yet
	drafts    drafting
	spelled   spellings
	imports   *imports
	tracer    trace.Tracer // nil: no act has a span
}

// New returns a desk; Run starts its jobs.
func New(c Config) *Desk {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SettleGap == 0 {
		c.SettleGap = settleGap
	}
	d := &Desk{Config: c, heap: newHeap(), imports: newImports(), unindexed: make(chan struct{}, 1), learnt: make(chan struct{}, 1), stopping: make(chan struct{})}
	if c.Traces != nil {
		d.tracer = c.Traces.Tracer("frontdesk/web/desk")
	}
	d.Mirror = newMirror(d)
	for _, sink := range c.Sinks {
		d.streams = append(d.streams, newStream(d, sink))
	}
	return d
}

// Run keeps the mirror fresh, follows the audit log (its streams, its text
// index, its verification), learns what the services' answers look like, sends
// imports' rows and sweeps what has expired, until ctx is done.
func (d *Desk) Run(ctx context.Context) {
	var jobs sync.WaitGroup
	jobs.Go(func() { d.Mirror.run(ctx) })
	jobs.Go(func() { d.Mirror.followSMS(ctx) })
	jobs.Go(func() { d.sweep(ctx) })
	jobs.Go(func() { d.catchUp(ctx) })
	jobs.Go(func() { d.followReplicas(ctx) })
	jobs.Go(func() { d.checkLog(ctx) })
	jobs.Go(func() { d.indexLog(ctx) })
	jobs.Go(func() { d.indexCustomers(ctx) })
	jobs.Go(func() { d.followPasscodes(ctx) })
	jobs.Go(func() { d.followAnswers(ctx) })
	jobs.Go(func() { d.runJobs(ctx) })
	jobs.Go(func() { d.heap.keep(ctx, func() { d.giveBack(ctx) }) })
	jobs.Go(func() { collectInPauses(ctx, d.Store.Calm) })
	for _, s := range d.streams {
		jobs.Go(func() { s.run(ctx) })
	}
	jobs.Wait()
}

// Stop ends what could keep a stop waiting for long: exports break off, with
// that on record.
func (d *Desk) Stop() { d.stop.Do(func() { close(d.stopping) }) }

// Stopping is closed once frontdesk is about to stop.
func (d *Desk) Stopping() <-chan struct{} { return d.stopping }

// Drain waits until the acts under way have recorded their outcome, or ctx is
// done.
func (d *Desk) Drain(ctx context.Context) error {
	idle := make(chan struct{})
	go func() { d.awaitActs(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sweep removes, once a minute, receipts, their secrets, sessions and unstarted
// imports whose time is over.
func (d *Desk) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		err := d.sweepReceipts(ctx)
		err = errors.Join(err, d.Store.Write(ctx, func(tx *store.Tx) error {
			if err := tx.PurgeRefusals(ctx, d.Now().Add(-24*time.Hour)); err != nil {
				return err
			}
			if err := tx.PurgeDrafts(ctx, d.Now().Add(-draftHolds)); err != nil {
				return err
			}
			if err := tx.PurgeSMSSends(ctx, d.Now().Add(-smsKept)); err != nil {
				return err
			}
			return tx.PurgeSessions(ctx, d.Now().Add(-d.Idle))
		}))
		if err != nil && ctx.Err() == nil {
			d.Log.Error("sweep expired rows", "error", err)
		}
		if err := d.sweepImports(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("sweep imports", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweepReceipts removes receipts by and by: after an import there are many, and
// acts are not to wait for all of them.
func (d *Desk) sweepReceipts(ctx context.Context) error {
	for more := true; more; {
		err := d.Store.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.PurgeReceipts(ctx, d.Now().Add(-SecretsShown))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Actor is who acts, and from where.
type Actor struct {
	Staff      store.Staff
	Session    string // public ID
	Address    string
	Agent      string
	Request    string
	PasswordAt time.Time // when the portal password was last given in this session
	Despite    string    // a colleague's act that the person was told of, and goes on in spite of
}

// Who is the actor as the audit log keeps it.
func (a Actor) Who() audit.Who {
	return audit.Who{
		StaffID: a.Staff.ID, Name: a.Staff.Name, Portal: a.Staff.Portal, Username: a.Staff.Username, Role: string(a.Staff.Role),
		Session: a.Session, Address: a.Address, Agent: a.Agent, Request: a.Request,
	}
}

// frontdesk is who acts when no person does.
var frontdesk = audit.Who{Name: "frontdesk"}

// may refuses an actor whose role does not include needs. The routes check
// this first; here it holds whatever the way in.
func (a Actor) may(needs store.Role) error {
	if !a.Staff.Active || !a.Staff.Role.Includes(needs) {
		return &Problem{Kind: Forbidden, Title: "Not allowed", Text: "Your role does not include this."}
	}
	return nil
}

// Deny records that somebody was refused what they posted.
func (d *Desk) Deny(ctx context.Context, who audit.Who, what string, on audit.Subject, why string) {
	ctx = context.WithoutCancel(ctx) // on record, also when the browser has left
	err := d.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.Append(ctx, &audit.Entry{
			Phase: audit.Event, Who: who, What: what, On: on, Result: audit.Denied, Detail: why,
		})
	})
	if err != nil { // nothing was done, so nothing is unrecorded but the attempt
		d.Log.Error("record a denial", "error", err, "request", who.Request)
	}
}

// event records something that is over at once.
func (d *Desk) event(ctx context.Context, e audit.Entry) error {
	e.Phase = audit.Event
	ctx = context.WithoutCancel(ctx)
	err := d.Store.Write(ctx, func(tx *store.Tx) error { return tx.Append(ctx, &e) })
	if err != nil {
		return unrecorded(err)
	}
	return nil
}

// Health is how a service has done lately.
type Health = call.Health

// Health tells how a service ("portal", "atom", "ip1") has done lately, from
// real calls.
func (d *Desk) Health(service string) Health { return d.Stats.Health(service) }

func subject(c store.Customer) audit.Subject {
	return audit.Subject{ID: c.CUID, Name: firstOf(c.Company, c.Name), Email: c.Email}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
