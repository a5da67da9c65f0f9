package audit

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Filter narrows a listing. Zero fields do not narrow. Fragments are found in
// any case and without accents.
type Filter struct {
	StaffID int64  // only this person's acts
	Who     string // a fragment of name, username or portal:username
	What    string // exact; several are told apart by commas
	On      string // a fragment of the subject's ID, name or e-mail
	OnID    string // exact
	Result  Result
	Service string
	Effect  bool      // only acts that may have changed something at a service
	From    time.Time // inclusive
	To      time.Time // exclusive
	Text    string    // a fragment of anything that a person reads, the beginning of a request ID, or an act's whole ID
	Whole   bool      // every entry: the intents of acts that are over too
}

// Services are the services that a filter can name.
var Services = []string{"atom", "portal", "ip1"}

// ParseFilter reads a filter as addresses write it; wrong has a message per
// parameter that cannot be read.
func ParseFilter(q url.Values) (f Filter, wrong map[string]string) {
	text := func(name string, runes int) string {
		s := strings.TrimSpace(strings.ToValidUTF8(q.Get(name), ""))
		if r := []rune(s); len(r) > runes {
			return string(r[:runes])
		}
		return s
	}
	wrong = map[string]string{}
	f = Filter{Who: text("who", 200), What: text("what", 200), On: text("on", 320), Service: q.Get("service"), Text: text("q", 200)}
	if f.Result = Result(q.Get("outcome")); f.Result != "" && !slices.Contains(Results, f.Result) {
		wrong["outcome"] = "One of the outcomes in the list."
	}
	if f.Service != "" && !slices.Contains(Services, f.Service) {
		wrong["service"] = "One of the services in the list."
	}
	var err error
	if f.From, err = readTime(q.Get("from")); err != nil {
		wrong["from"] = "A date, such as 2026-11-22."
	}
	if f.To, err = readTime(q.Get("to")); err != nil {
		wrong["to"] = "A date, such as 2026-11-22."
	} else if len(q.Get("to")) == len(time.DateOnly) {
		f.To = f.To.AddDate(0, 0, 1) // the whole of the last day
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		wrong["to"] = "This is before the first day."
	}
	return f, wrong
}

func readTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("not a time: %q", text)
}

// whatLive only reads at a service, although the service is one where acts
// have an effect.
const whatLive = "read live record"

// Match tells whether f lets e through. fold makes texts comparable: small
// letters, no accents. Whether e is listed at all, as the intent of an act that
// is over is not, is not asked here.
func (f *Filter) Match(e *Entry, fold func(string) string) bool {
	switch {
	case f.StaffID != 0 && e.Who.StaffID != f.StaffID,
		f.What != "" && !slices.Contains(f.whats(), e.What),
		f.OnID != "" && e.On.ID != f.OnID,
		f.Result != "" && e.Result != f.Result,
		f.Service != "" && e.Service != f.Service,
		f.Effect && (e.Service != "atom" && e.Service != "ip1" || e.What == whatLive),
		!f.From.IsZero() && e.At.Before(f.From),
		!f.To.IsZero() && !e.At.Before(f.To):
		return false
	}
	if who := fragment(fold, f.Who); who != "" && !holds(fold, who, e.Who.texts()...) {
		return false
	}
	if on := fragment(fold, f.On); on != "" && !holds(fold, on, e.On.ID, e.On.Name, e.On.Email) {
		return false
	}
	text := fragment(fold, f.Text)
	return text == "" || e.Act == f.Text || holds(fold, text, e.Who.texts()...) ||
		holds(fold, text, e.What, e.On.ID, e.On.Name, e.On.Email, e.Reason, e.Detail, e.Who.Address) || strings.HasPrefix(fold(e.Who.Request), text)
}

// whats are the kinds of act that What names.
func (f *Filter) whats() []string { return strings.Split(f.What, ",") }

// texts are what Filter.Who looks into: the name, and portal:username.
func (w Who) texts() []string {
	if w.Username == "" {
		return []string{w.Name}
	}
	return []string{w.Name, w.Portal + ":" + w.Username}
}

// fragment folds a text to look for; what no entry can hold becomes what the
// log made of it.
func fragment(fold func(string) string, text string) string {
	return fold(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD"))
}

func holds(fold func(string) string, fragment string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return text != "" && strings.Contains(fold(text), fragment) })
}
