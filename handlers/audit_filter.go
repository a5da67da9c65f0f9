package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
)

// serviceOptions are the services as a filter offers them.
var serviceOptions = []views.Option{{Value: "", Label: "Any"}, {Value: "atom", Label: "ATOM"}, {Value: "portal", Label: "Portal"}, {Value: "ip1", Label: "iP1"}}

// filterInputs are the filter's fields as typed, with what is wrong with them.
func filterInputs(q url.Values, wrong map[string]string, whats []string, all bool) views.AuditFilter {
	input := func(name, label, kind, placeholder string, options []views.Option) views.Input {
		return views.Input{ID: "filter-" + name, Name: name, Label: label, Type: kind, Placeholder: placeholder, Value: q.Get(name), Error: wrong[name], Options: options}
	}
	acts := []views.Option{{Value: "", Label: "Anything"}}
	for _, what := range whats {
		acts = append(acts, views.Option{Value: what, Label: what})
	}
	outcomes := []views.Option{{Value: "", Label: "Any"}}
	for _, o := range audit.Results {
		outcomes = append(outcomes, views.Option{Value: string(o), Label: string(o)})
	}
	f := views.AuditFilter{
		Text: input("q", "Text", "search", "Anything that the log says", nil), What: input("what", "What", "", "", known(acts, q.Get("what"))),
		Outcome: input("outcome", "Outcome", "", "", known(outcomes, q.Get("outcome"))),
		Who:     input("who", "Who", "text", "Name or username", nil), On: input("on", "On whom", "text", "Company, e-mail or cuid", nil),
		Service: input("service", "Service", "", "", known(serviceOptions, q.Get("service"))),
		From:    input("from", "From", timeInput(q.Get("from")), "", nil), To: input("to", "To", timeInput(q.Get("to")), "", nil),
		CanWho: all, Narrow: len(q) > 0,
	}
	for _, name := range []string{"who", "on", "service", "from", "to"} {
		f.Open = f.Open || wrong[name] != ""
	}
	return f
}

// known adds what was typed to the options when it is none of them, so that it
// stays on the form.
func known(options []views.Option, value string) []views.Option {
	for _, o := range options {
		if o.Value == value {
			return options
		}
	}
	return append(options[:len(options):len(options)], views.Option{Value: value, Label: strings.ReplaceAll(value, ",", ", ")})
}

// timeInput is the kind of input that can show a time as it was written.
func timeInput(value string) string {
	for layout, kind := range map[string]string{time.DateOnly: "date", views.MinuteLayout: "datetime-local"} {
		if _, err := time.Parse(layout, value); err == nil {
			return kind
		}
	}
	if value == "" {
		return "date"
	}
	return "text"
}

// chips are what is set, each with the way to take it out.
func chips(q url.Values) []views.Chip {
	var all []views.Chip
	add := func(label, value string, names ...string) {
		var pairs []string
		for _, name := range names {
			pairs = append(pairs, name, "")
		}
		all = append(all, views.Chip{Label: label, Value: value, Path: auditPath(with(q, pairs...))})
	}
	for _, c := range []struct{ name, label string }{
		{"q", "Text"}, {"who", "Who"}, {"what", "What"}, {"on", "On"}, {"outcome", "Outcome"}, {"service", "Service"},
	} {
		value := q.Get(c.name)
		if value == "" {
			continue
		}
		if c.name == "what" {
			value = strings.ReplaceAll(value, ",", ", ")
		}
		if c.name == "service" {
			for _, o := range serviceOptions {
				if o.Value == value {
					value = o.Label
				}
			}
		}
		add(c.label, value, c.name)
	}
	switch from, to := readableTime(q.Get("from")), readableTime(q.Get("to")); {
	case from != "" && from == to: // the whole of one day
		add("Day", from, "from", "to")
	case from != "" && to != "":
		add("Time", from+" to "+to, "from", "to")
	case from != "":
		add("Since", from, "from")
	case to != "":
		add("Until", to, "to")
	}
	return all
}

// timeLayouts are the ways to write a time in the address.
var timeLayouts = []string{time.DateOnly, time.RFC3339, views.MinuteLayout}

func readTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("not a time: %q", text)
}

// readableTime writes a time of the address for a person; as it is when it is
// none.
func readableTime(text string) string {
	t, err := readTime(text)
	switch {
	case text == "" || err != nil:
		return text
	case len(text) == len(time.DateOnly):
		return t.Format("2 Jan 2006")
	case t.Second() != 0:
		return t.Format("2 Jan 2006, 15:04:05")
	}
	return t.Format("2 Jan 2006, 15:04")
}
