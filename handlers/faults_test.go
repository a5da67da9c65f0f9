package handlers

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
	"frontdesk/web/sandbox"
)

// The fault matrix: every act that calls a service × every way in which a call goes
// wrong, through a real network that fails and a sandbox that does. What came of each
// is kept in testdata/faults, one table for each act, to be read and checked:
//
//	go test ./handlers -run FaultMatrix -update
var updateFaults = flag.Bool("update", false, "write testdata/faults anew")

// certain is what is known of a call that went wrong in some way.
type certain int

const (
	answered certain = iota // the service has said how it ended
	unsent                  // it was not sent, so nothing has happened
	lost                    // it was sent, and nobody has said how it ended
)

// fault is one way in which a call goes wrong.
type fault struct {
	name    string
	toxic   string // of the network; "refuse" is none at all
	control string // of the sandbox
	only    string // the service that knows it; "" all
	slow    bool   // it is met by waiting for the end of the time limit
	whole   bool   // for calls that need no more of the answer than its header, or that take so long a one
	known   certain
}

var faults = []fault{
	{name: "none"},
	{name: "connection refused", toxic: "refuse", known: unsent},
	{name: "connection reset", toxic: `{"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 0}}`, known: lost},
	{name: "hang on the way there", toxic: `{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`, slow: true, known: lost},
	{name: "hang before the work", control: `"hang": true`, slow: true, known: lost},
	{name: "answer lost after the work", control: `"lose_answer": true`, known: lost},
	{name: "answer cut off on the way", toxic: `{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": 40}}`, known: lost},
	{name: "slow trickle", toxic: `{"type": "slicer", "stream": "downstream", "attributes": {"average_size": 1, "delay": 50000}}`, slow: true, known: lost},
	{name: "truncated JSON", control: `"body": "truncated"`, known: lost},
	{name: "HTML 502", control: `"status": 502, "body": "html"`, known: lost},
	{name: "empty 200", control: `"body": "empty"`, known: lost},
	{name: "wrong types", control: `"body": "types"`, known: lost},
	{name: "10 MB body", control: `"body": "huge"`, known: lost, whole: true},
	{name: "500 with a message", control: `"status": 500`},
	{name: "429 with Retry-After", control: `"status": 429, "retry_after": "30s"`},
	{name: "credentials refused", control: `"refuse_credentials": true`},
	{name: "provisioning off", control: `"passcode_provisioning": false, "nopasscode_provisioning": false`, only: "atom"},
}

// actLimit is how long a call may take where one is made to take longer. Elsewhere
// the limit is one that no machine is too slow for.
const actLimit = 500 * time.Millisecond

// cell is one act under one fault: what leads up to it and what came of it.
type cell struct {
	*world
	net   *network
	act   faultyAct
	fault fault
	n     int // of the fault: no two cells share a customer, a number or an address
	b     *browser

	cuid, company, email, phone string
	secrets                     *secrets

	form  *page // that the act is begun from
	code  string
	extra map[string]string // what else is to be remembered, and is replaced by its name in the table
}

// row is a line of an act's table.
type row struct{ fault, page, reads, log, calls, done string }

func (r row) String() string {
	return "| " + strings.Join([]string{r.fault, r.page, r.reads, r.log, r.calls, r.done}, " | ") + " |\n"
}

func TestFaultMatrix(t *testing.T) {
	for _, act := range faultyActs {
		t.Run(act.name, func(t *testing.T) {
			t.Parallel()
			table := &table{rows: map[string]row{}}
			t.Cleanup(func() { table.check(t, act) })
			for name, slow := range map[string]bool{"quick": false, "slow": true} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					act.try(t, slow, table)
				})
			}
		})
	}
}

// try runs an act's cells, those that wait for a time limit apart from the others.
func (act faultyAct) try(t *testing.T, slow bool, table *table) {
	secrets := &secrets{all: map[string]string{}}
	s := setup{act: time.Minute, list: time.Minute, never: true, super: [2]string{"planted-superkey", "planted-supertoken"}}
	s.box.IP1Key = "planted-ip1-key"
	for _, secret := range []string{s.super[0], s.super[1], s.box.IP1Key, sandbox.Password} {
		secrets.plant(secret, secret)
	}
	var net *network
	s.via = func(services string) string {
		net = newNetwork(t, services)
		return "http://" + net.address
	}
	w := newWorld(t, s)
	var cells []*cell
	for n, f := range faults {
		if f.slow != slow {
			continue
		}
		if f.only != "" && f.only != act.service {
			table.set(row{f.name, "—", "does not apply: only ATOM has it", "—", "—", "—"})
			continue
		}
		c := &cell{world: w, net: net, act: act, fault: f, n: n, secrets: secrets, extra: map[string]string{},
			cuid: fmt.Sprint("cell", n), company: fmt.Sprintf("Cell %d AB", n), email: fmt.Sprintf("cell%d@cells.example", n), phone: fmt.Sprint("+467017406", 10+n)}
		if err := w.box.AddCustomer(fmt.Sprintf(`{"cuid": %q, "company": %q, "email": %q, "phone": %q, "country": "Sweden"}`, c.cuid, c.company, c.email, c.phone)); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, c)
	}
	w.refresh()
	w.looked(0)
	for _, c := range cells {
		c.b = w.signedIn("alice")
		if act.before != nil {
			act.before(c)
		}
	}
	if act.ready != nil {
		act.ready(w)
	}
	if slow {
		w.setup.act, w.setup.list = actLimit, actLimit
		mark := w.mark()
		w.restart()
		w.read()
		w.looked(mark)
	}
	for _, c := range cells {
		table.set(c.run())
	}
}

// read has ATOM's list read, and after it nothing else is: a machine may be so slow
// that the short limit takes it more than one try.
func (w *world) read() {
	w.t.Helper()
	by := desk.Actor{Staff: store.Staff{Role: store.Admin, Active: true}}
	for deadline := time.Now().Add(time.Minute); ; {
		_, err := w.desk.Mirror.Refresh(w.t.Context(), by, true)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal("read the list:", err)
		}
	}
}

// looked waits for the job that looks through iP1's list after the first sync, and then
// not for an hour: its call is none of a cell's.
func (w *world) looked(mark int) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		for _, call := range w.box.Journal()[mark:] {
			if call.Method+" "+call.Path == listsCodes {
				return
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatal("nobody has looked through iP1's list")
		}
	}
}

// run acts once while the fault is there, and tells what came of it.
func (c *cell) run() row {
	t := c.t
	t.Helper()
	var last int64
	if all := c.entries(audit.Filter{}); len(all) > 0 {
		last = all[0].ID
	}
	mark, logged := c.mark(), len(c.log.String())
	c.net.carry() // no call finds a connection that another has left: the transport reads once more when that drops
	switch {
	case c.fault.toxic == "refuse":
		c.net.down()
	case c.fault.toxic != "":
		c.net.carry(c.fault.toxic)
	case c.fault.control != "":
		c.world.fault(`{"service": "` + c.act.service + `", ` + c.fault.control + `}`)
	}

	p := c.act.does(c)

	calls := c.made(mark)
	entries := c.since(last)
	if c.act.after != nil {
		c.act.after(c, p)
	}
	c.net.carry()
	c.calm()
	c.world.fault(`{"service": "atom", "passcode_provisioning": true, "nopasscode_provisioning": true}`)
	r := row{fault: c.fault.name, page: fmt.Sprint(p.status), reads: c.reads(p), log: sayEntries(entries), calls: sayCalls(calls), done: c.act.done(c, p)}
	c.hold(p, r, calls, entries)
	for _, text := range []string{p.body, c.log.String()[logged:], r.log, r.reads} {
		if found := c.secrets.found(text); len(found) > 0 {
			t.Errorf("%s: leaks %q", c.fault.name, found)
		}
	}
	r.reads, r.log, r.done = c.plain(r.reads), c.plain(r.log), c.plain(r.done)
	return r
}

// hold holds what must be so in every cell.
func (c *cell) hold(p *page, r row, calls []sandbox.Call, entries []audit.Entry) {
	wrong := func(format string, args ...any) {
		c.t.Helper()
		c.t.Errorf("%s under %s: "+format+"\n%s", append(append([]any{c.act.name, c.fault.name}, args...), r)...)
	}
	if len(calls) > 1 {
		wrong("%d calls, and one is the most there may be: %v", len(calls), calls)
	}
	if c.fault.known == unsent && len(calls) > 0 {
		wrong("it was sent")
	}
	if p.status == http.StatusInternalServerError || p.res.Header.Get("X-Request-Id") == "" {
		wrong("a bare error, or no request ID")
	}
	if said := p.byClass("font-mono"); p.problem() != "" && !slices.Contains(said, p.res.Header.Get("X-Request-Id")) {
		wrong("the request ID is not told: %q", said)
	}
	c.holdLog(wrong, calls, entries)
	if c.fault.name == "none" {
		if p.problem() != "" {
			wrong("it fails without a fault")
		}
		for _, what := range c.act.what {
			if !slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.What == what }) {
				wrong("the log has no %q of it", what)
			}
		}
		return
	}
	if p.status == http.StatusNotFound || c.act.service != "portal" && p.status == http.StatusUnauthorized {
		wrong("a service's trouble is shown as something else")
	}
	said := strings.NewReplacer("This does not mean that your password is wrong.", "", "what frontdesk signs in to "+c.serviceName()+" with is wrong", "").Replace(r.reads)
	for _, blame := range []string{"wrong", "does not know", "not found", "expired", "not your"} {
		refused := c.act.service == "portal" && c.fault.name == "credentials refused" // which is what a wrong password looks like
		if !refused && strings.Contains(said, blame) {
			wrong("it reads as if it were the person's mistake: %q", blame)
		}
	}
	succeeded := p.problem() == "" && p.status < 400
	switch {
	case c.fault.known == unsent && succeeded && !c.act.unlogged && !c.act.inBackground:
		wrong("it was not sent, and reads as if it had been done")
	case c.fault.known == lost && succeeded && !c.fault.whole && c.act.effect && !c.act.inBackground:
		wrong("it got no answer, and reads as if it had been done")
	case c.act.inBackground, succeeded:
	case c.fault.known == unsent && !strings.Contains(r.reads, "Nothing was sent"):
		wrong("it does not say that nothing was sent")
	case c.fault.known == lost && c.act.effect && !succeeded && !p.hasMark("data-unknown"):
		wrong("it does not say that the outcome is unknown")
	}
}

// serviceName is the service as sentences name it.
func (c *cell) serviceName() string {
	return map[string]string{"portal": "the IntelePeer portal", "atom": "ATOM", "ip1": "iP1"}[c.act.service]
}

// holdLog holds that the log has one intent and one outcome for each act, and says no
// more of it than is known.
func (c *cell) holdLog(wrong func(format string, args ...any), calls []sandbox.Call, entries []audit.Entry) {
	c.t.Helper()
	intents, outcomes := 0, 0
	for _, e := range entries {
		if !slices.Contains(c.act.what, e.What) {
			continue
		}
		switch e.Phase {
		case audit.Intent:
			intents++
		case audit.Outcome:
			outcomes++
			switch {
			case c.fault.known == unsent && e.Result != audit.Unreachable:
				wrong("what was not sent is %q", e.Result)
			case c.fault.known == lost && e.Result != audit.Unknown && (e.Result != audit.Done || !c.fault.whole):
				wrong("what got no answer is %q", e.Result)
			case c.fault.known == answered && e.Result != audit.Done && e.Result != audit.Refused && !(c.act.service == "portal" && e.Status == 500): // it has no words of its own for that
				wrong("what was answered is %q", e.Result)
			}
		}
	}
	if want := !c.act.unlogged; want && (intents != 1 || outcomes != 1) && !c.act.inBackground || intents != outcomes || want && len(calls) > outcomes {
		wrong("%d calls, %d intents and %d outcomes on record", len(calls), intents, outcomes)
	}
}

// made are the calls that services got since mark, without the lists and settings that
// pages and jobs read by themselves, unless they are what this is about.
func (c *cell) made(mark int) []sandbox.Call {
	var made []sandbox.Call
	for _, call := range c.box.Journal()[mark:] {
		switch at := call.Method + " " + call.Path; at {
		case listsCustomers, listsCodes, readsSettings:
			if at != c.act.reading {
				continue
			}
		}
		made = append(made, call)
	}
	return made
}

const (
	listsCustomers = "GET /atom/customer/"
	listsCodes     = "GET /ip1/api/authentications"
	readsSettings  = "GET /ip1/api/authentications/settings"
)

// since are the entries after one, without those that jobs make by themselves.
func (c *cell) since(last int64) []audit.Entry {
	var found []audit.Entry
	for _, e := range slices.Backward(c.entries(audit.Filter{})) { // each act once, as it stands
		if e.ID <= last || e.Who.Username == "" {
			continue
		}
		if e.Act == "" {
			found = append(found, e)
			continue
		}
		all, err := c.db.EntriesOfAct(c.t.Context(), e.Act)
		if err != nil {
			c.t.Fatal(err)
		}
		found = append(found, all...)
	}
	return found
}

func sayCalls(calls []sandbox.Call) string {
	said := fmt.Sprint(len(calls))
	for _, call := range calls {
		if call.Status == 0 {
			return said + ", not answered"
		}
		said += fmt.Sprintf(", answered %d", call.Status)
	}
	return said
}

// sayEntries puts the entries of the log into a cell: each act's phases in a row.
func sayEntries(entries []audit.Entry) string {
	var lines []string
	var act string
	for _, e := range entries {
		said := string(e.Phase)
		if e.Phase != audit.Intent {
			said = "*" + string(e.Result) + "*"
		}
		if e.Status != 0 {
			said += fmt.Sprintf(" %d", e.Status)
		}
		if e.Detail != "" {
			said += " (" + e.Detail + ")"
		}
		if e.Act == act && act != "" {
			lines[len(lines)-1] += " → " + said
			continue
		}
		act = e.Act
		lines = append(lines, e.What+": "+said)
	}
	if lines == nil {
		return "nothing"
	}
	return strings.Join(slices.Compact(lines), "<br>") // a row that certainly was not sent is tried again
}

// reads is what the page says to the person: where it leads and what is said there, or
// what went wrong, and at which fields.
func (c *cell) reads(p *page) string {
	if c.act.reads != nil {
		return c.act.reads(c, p)
	}
	return c.usual(p)
}

func (c *cell) usual(p *page) string {
	if p.status == http.StatusSeeOther {
		to := p.location()
		if !strings.HasPrefix(to, "/") {
			return "→ " + to[:strings.LastIndex(to, "=")+1] + "…"
		}
		next := c.b.get(to)
		return "→ " + to + " " + strings.Join(next.tells(), " ")
	}
	return strings.Join(p.tells(), " ")
}

// tells are the flash messages, the problem's parts, and the messages at fields.
func (p *page) tells() (said []string) {
	for n := range nodes(p.doc) {
		switch {
		case has(n, "data-problem"):
			var details []string
			for part := range nodes(n) {
				switch {
				case part.Data == "p":
					said = append(said, sentence(text(part)))
				case part.Data == "dt":
					details = append(details, text(part)+":")
				case part.Data == "dd" && !strings.Contains(attr(part, "class"), "font-mono"): // not the request's ID
					details[len(details)-1] += " " + text(part)
				}
			}
			said = append(said, "["+strings.Join(details[:len(details)-1], "; ")+"]")
		case n.Data == "div" && attr(n, "role") == "status" && strings.HasPrefix(attr(n, "class"), "alert alert-soft mb-4 alert-"):
			said = append(said, sentence(text(n)))
		}
	}
	for n := range p.all("input", "select", "textarea") {
		if message := p.errorAt(n); attr(n, "type") != "hidden" && message != "" {
			said = append(said, "At "+attr(n, "name")+": "+message)
		}
	}
	if said == nil {
		for n := range p.all("h1") {
			said = append(said, text(n))
		}
	}
	return said
}

func sentence(text string) string {
	if text != "" && !strings.ContainsAny(text[len(text)-1:], ".:?!") {
		text += "."
	}
	return text
}

func (p *page) hasMark(name string) bool {
	for n := range nodes(p.doc) {
		if has(n, name) {
			return true
		}
	}
	return false
}

// byClass are the texts of a problem's elements of a class.
func (p *page) byClass(class string) (texts []string) {
	within := func(n *html.Node) bool {
		for a := range n.Ancestors() {
			if has(a, "data-problem") {
				return true
			}
		}
		return false
	}
	for n := range nodes(p.doc) {
		if slices.Contains(strings.Fields(attr(n, "class")), class) && within(n) {
			texts = append(texts, text(n))
		}
	}
	return texts
}

// What differs from one run to the next.
var (
	varyingID   = regexp.MustCompile(`\b[0-9A-Z]{26}\b`)
	varyingTime = regexp.MustCompile(`\d\d:\d\d:\d\d`)
	varyingMark = regexp.MustCompile(`fingerprint [0-9a-f]+`)
	varyingSpan = regexp.MustCompile(`(in|for) \d+ seconds?`)
	varyingSum  = regexp.MustCompile(`\b\d+( listed| new| changed| gone|) (customers?|new|changed|gone)\b|\d+ of the \d+`)
	varyingRow  = regexp.MustCompile(`/sms/\d+`)
)

// plain leaves out what differs from run to run and from cell to cell.
func (c *cell) plain(text string) string {
	for name, value := range c.extra {
		text = strings.ReplaceAll(text, value, name)
	}
	pretty := c.phone[:3] + " " + c.phone[3:5] + " " + c.phone[5:8] + " " + c.phone[8:10] + " " + c.phone[10:]
	text = strings.NewReplacer(c.email, "EMAIL", c.company, "COMPANY", views.CustomerPath(c.cuid), "/customers/CUID", c.phone, "PHONE", pretty, "PHONE",
		c.net.address, "HOST", "\n", " ").Replace(text)
	text = varyingID.ReplaceAllString(text, "ID")
	text = varyingTime.ReplaceAllString(text, "TIME")
	text = varyingSpan.ReplaceAllString(text, "$1 TIME")
	text = varyingSum.ReplaceAllString(text, "N$1 $2")
	text = varyingMark.ReplaceAllString(text, "fingerprint ID")
	text = strings.ReplaceAll(text, "("+c.cuid+")", "(CUID)")
	text = varyingRow.ReplaceAllString(text, "/sms/ID")
	return strings.ReplaceAll(text, "|", "/")
}

// table is what came of an act's cells, by fault.
type table struct {
	mu   sync.Mutex
	rows map[string]row
}

func (t *table) set(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[r.fault] = r
}

const tableHead = "| fault | page | what the person reads | what the log says | calls | afterwards |\n|---|---|---|---|---|---|\n"

func (act faultyAct) heading() string {
	return "# " + act.name + "\n\n" + act.about + "\n\n"
}

func (act faultyAct) file() string {
	return filepath.Join("testdata", "faults", strings.ReplaceAll(act.name, " ", "-")+".md")
}

// check compares the table with the kept one, or keeps it.
func (t *table) check(tt *testing.T, act faultyAct) {
	tt.Helper()
	if *updateFaults {
		text := act.heading() + tableHead
		for _, f := range faults {
			r, ok := t.rows[f.name]
			if !ok {
				tt.Errorf("nothing is known of %s under %s, so the table is left as it was", act.name, f.name)
				return
			}
			text += r.String()
		}
		if err := os.MkdirAll(filepath.Dir(act.file()), 0o755); err != nil {
			tt.Fatal(err)
		}
		if err := os.WriteFile(act.file(), []byte(text), 0o644); err != nil {
			tt.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(act.file())
	if err != nil {
		tt.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(kept)) {
		lines[line] = true
	}
	for _, r := range t.rows {
		if !lines[r.String()] {
			tt.Errorf("%s has not this row:\n%s", act.file(), r)
		}
	}
}
