package views

import (
	"context"
	"math"
	"strings"
	"time"

	"frontdesk/views/lang"
)

// ImportNewPage is where a file is brought in.
type ImportNewPage struct {
	Page
	Receipt string
	Error   string // what is wrong with the file
	Problem *Problem
}

// ImportsPage lists imports, newest first.
type ImportsPage struct {
	Page
	All  bool // everybody's, with whose they are
	Rows []ImportItem
	Full bool // there may be older ones
}

// ImportItem is an import and how far it has come.
type ImportItem struct {
	ID, FileName, By string
	State            string // "draft", "running", "paused", "done" or "cancelled"
	Busy             bool   // its rows are being checked
	Started          bool   // at any time
	MadeAt           time.Time
	Counts           ImportCounts
}

// ImportCounts are an import's rows by how far they have come.
type ImportCounts struct {
	Wrong, Left, Ready, Sending, Created, Failed, Unknown int
}

// Total is how many rows there are.
func (c ImportCounts) Total() int {
	return c.Wrong + c.Left + c.Ready + c.Sending + c.Created + c.Failed + c.Unknown
}

// sendable are the rows that the import sends, or has sent.
func (c ImportCounts) sendable() int { return c.Total() - c.Wrong - c.Left }

func (c ImportCounts) ended() int { return c.Created + c.Failed + c.Unknown }

func (c ImportCounts) left() int { return c.Ready + c.Sending }

// Path is the import's page.
func (i ImportItem) Path() string { return "/imports/" + i.ID }

// lookingUp tells whether all rows are sent, and only those are missing whose
// answer was lost.
func (i ImportItem) lookingUp() bool {
	return i.State == "running" && i.Counts.left() == 0 && i.Counts.Unknown > 0
}

// phase is the state as the page shows it: when it changes, much of the page does.
func (i ImportItem) phase() string {
	if i.lookingUp() {
		return "looking up"
	}
	return i.State
}

// act is where one of the import's forms is posted to.
func (i ImportItem) act(name string) string { return i.Path() + "/" + name }

// summary is how far it has come, in a few words.
func (i ImportItem) summary(ctx context.Context) string {
	c := i.Counts
	var parts []string
	add := func(n int, words string) {
		if n > 0 {
			parts = append(parts, words)
		}
	}
	add(c.Created, lang.N(ctx, c.Created, "%s created", "%s created"))
	add(c.Failed, lang.N(ctx, c.Failed, "%s failed", "%s failed"))
	add(c.Unknown, lang.N(ctx, c.Unknown, "%s unknown", "%s unknown"))
	switch left := c.left(); i.State {
	case "draft":
		add(left, lang.N(ctx, left, "%s ready", "%s ready"))
	case "cancelled":
		add(left, lang.N(ctx, left, "%s not sent", "%s not sent"))
	default:
		add(left, lang.N(ctx, left, "%s left", "%s left"))
	}
	add(c.Wrong, lang.N(ctx, c.Wrong, "%s to be mended", "%s to be mended"))
	add(c.Left, lang.N(ctx, c.Left, "%s left out", "%s left out"))
	return strings.Join(parts, ", ")
}

// stateText is the import's state, in words and in a colour.
func (i ImportItem) stateText(ctx context.Context) (text, class string) {
	switch {
	case i.Busy:
		return lang.T(ctx, "being checked"), "badge-info"
	case i.State == "draft":
		return lang.T(ctx, "not started"), "badge-info"
	case i.State == "running":
		return lang.T(ctx, "running"), "badge-info"
	case i.State == "paused":
		return lang.T(ctx, "paused"), "badge-warning"
	case i.State == "done" && i.Counts.Failed+i.Counts.Unknown > 0:
		return lang.T(ctx, "done"), "badge-warning"
	case i.State == "done":
		return lang.T(ctx, "done"), "badge-success"
	}
	if i.Started {
		return lang.T(ctx, "cancelled"), "badge-neutral"
	}
	return lang.T(ctx, "discarded"), "badge-neutral"
}

// ImportLive is the part of an import's page that is kept up to date.
type ImportLive struct {
	Base Page // only for its icons
	ImportItem
	Note      string        // why it waits or was paused
	Again     int           // failed rows that need no mending
	PerMinute float64       // rows ended lately
	Left      time.Duration // until all are sent
}

// pace is how fast it goes and how long it will take, in words.
func (l ImportLive) pace(ctx context.Context) string {
	if l.PerMinute <= 0 {
		return ""
	}
	rows := int(math.RoundToEven(l.PerMinute))
	if l.Left > 0 {
		return lang.N(ctx, rows, "%s row a minute, about %s left", "%s rows a minute, about %s left", Span(ctx, l.Left))
	}
	return lang.N(ctx, rows, "%s row a minute", "%s rows a minute")
}

// again names the rows that a done import sends when it is started again.
func (l ImportLive) again(ctx context.Context) string {
	switch failed, ready := l.Again, l.Counts.Ready; {
	case failed > 0 && ready > 0:
		return lang.T(ctx, "Send the %s and the %s",
			lang.N(ctx, failed, "%s failed row", "%s failed rows"), lang.N(ctx, ready, "%s mended row", "%s mended rows"))
	case failed > 0:
		return lang.N(ctx, failed, "Send the %s failed row again", "Send the %s failed rows again")
	case ready > 0:
		return lang.N(ctx, ready, "Send the %s mended row", "Send the %s mended rows")
	}
	return ""
}

// ImportPage is an import: what was read, how it runs, and its rows.
type ImportPage struct {
	Page
	Live     ImportLive
	Format   string // what the file was read as
	Mapping  []Input
	Unmapped bool    // company or e-mail come from no column yet
	Pace     []Input // rows at once, rows a second
	Problem  *Problem

	Tabs  []ImportTab
	Show  string
	Heads []string // the fields' names
	Rows  []ImportRowItem
	First string // address of the first rows; "" when these are
	Next  string // address of those behind; "" when there are none
}

// leftOut says why rows are not sent that need no mending.
func (p ImportPage) leftOut(ctx context.Context) string {
	return lang.N(ctx, p.Live.Counts.Left,
		"%s row left out: a customer or an earlier row has the e-mail already. Nothing is sent before you press this.",
		"%s rows left out: a customer or an earlier row has the e-mail already. Nothing is sent before you press this.")
}

func (p ImportPage) needALook(ctx context.Context) string {
	return lang.N(ctx, p.Live.Counts.Wrong, "%s row needs a look. It is left aside; you can mend it now or later.",
		"%s rows need a look. They are left aside; you can mend them now or later.")
}

// ImportTab is a choice of rows.
type ImportTab struct {
	Label, Path string
	Count       int
	Current     bool
}

// ImportRowItem is a row of an import.
type ImportRowItem struct {
	N        int
	State    string // "wrong", "left", "ready", "sending", "created", "failed" or "unknown"
	Outcome  string // the same for people
	Cells    []ImportCell
	Wrong    string // which fields are: their cells may be out of sight
	Message  string // about the row as a whole
	Customer string // path of the customer created
	Mend     string // path of the form that mends it; "" when it was sent
}

// ImportCell is what a row says for a field, and what is wrong with that.
type ImportCell struct {
	Value, Error string
	Link         string // to the customer that the error speaks of
	Calm         bool   // the error is none to be mended: the row is left out
	Note         string // what the file has for the value
}

func (r ImportRowItem) class() string {
	switch r.State {
	case "created":
		return "badge-success"
	case "unknown":
		return "badge-warning"
	case "wrong", "failed":
		return "badge-error"
	case "sending":
		return "badge-info"
	}
	return "badge-neutral"
}

// outcomes are the words for what came of a row.
var _ = []string{
	lang.Mark("not sent"), lang.Mark("being sent"), lang.Mark("created"), lang.Mark("failed"), lang.Mark("unknown"),
}

// outcome is the row's state as the table says it.
func (r ImportRowItem) outcome(ctx context.Context, started bool) string {
	switch {
	case r.State == "wrong":
		return lang.T(ctx, "to be mended")
	case r.State == "left":
		return lang.T(ctx, "left out")
	case r.State == "ready" && !started:
		return lang.T(ctx, "ready")
	}
	return lang.T(ctx, r.Outcome)
}

// ImportRowPage is the form that mends a row.
type ImportRowPage struct {
	Page
	Import  ImportItem
	N       int
	Back    string // the list, at this row
	Show    string // which rows the list shows
	Fields  []Input
	Sent    bool   // it cannot be changed any more
	Message string // about the row as a whole
	File    []NamedValue
	Problem *Problem
	Kept    bool
}

// watched tells whether something may still change by itself, or by others.
func (l ImportLive) watched() bool {
	return l.State == "running" || l.State == "paused" || l.Counts.Sending+l.Counts.Unknown > 0
}

// Over tells whether nothing changes any more unless somebody acts here.
func (l ImportLive) Over() bool { return !l.watched() }

func (p ImportPage) paceWrong() bool {
	for _, f := range p.Pace {
		if f.Error != "" {
			return true
		}
	}
	return false
}

// Clipped is a text of at most so many characters.
func Clipped(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
