package handlers

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
)

// serviceOptions are the services as a filter offers them.
func serviceOptions(ctx context.Context) []views.Option {
	return []views.Option{
		{Value: "", Label: lang.T(ctx, "Any")}, {Value: "atom", Label: "ATOM"}, {Value: "portal", Label: lang.T(ctx, "Portal")}, {Value: "ip1", Label: "iP1"},
	}
}

// What audit.ParseFilter says is wrong.
var _ = []string{
	lang.Mark("One of the outcomes in the list."), lang.Mark("One of the services in the list."), lang.Mark("A date, such as 2026-11-22."),
	lang.Mark("This is before the first day."),
}

// filterInputs are the filter's fields as typed, with what is wrong with them.
func filterInputs(ctx context.Context, q url.Values, wrong map[string]string, whats []string, all bool) views.AuditFilter {
	input := func(name, label, kind, placeholder string, options []views.Option) views.Input {
		return views.Input{ID: "filter-" + name, Name: name, Label: label, Type: kind, Placeholder: placeholder, Value: q.Get(name),
			Error: lang.Word(ctx, wrong[name]), Options: options}
	}
	acts := []views.Option{{Value: "", Label: lang.T(ctx, "Anything")}}
	for _, what := range whats {
		acts = append(acts, views.Option{Value: what, Label: lang.Word(ctx, what)})
	}
	slices.SortStableFunc(acts[1:], func(a, b views.Option) int { return strings.Compare(a.Label, b.Label) })
	outcomes := []views.Option{{Value: "", Label: lang.T(ctx, "Any")}}
	for _, o := range audit.Results {
		outcomes = append(outcomes, views.Option{Value: string(o), Label: lang.T(ctx, string(o))})
	}
	f := views.AuditFilter{
		Text:    input("q", lang.T(ctx, "Text"), "search", lang.T(ctx, "Anything that the log says"), nil),
		What:    input("what", lang.T(ctx, "What"), "", "", known(acts, q.Get("what"), actNames(ctx, q.Get("what")))),
		Outcome: input("outcome", lang.T(ctx, "Outcome"), "", "", known(outcomes, q.Get("outcome"), q.Get("outcome"))),
		Who:     input("who", lang.T(ctx, "Who"), "text", lang.T(ctx, "Name or username"), nil),
		On:      input("on", lang.T(ctx, "On whom"), "text", lang.T(ctx, "Company, e-mail or cuid"), nil),
		Service: input("service", lang.T(ctx, "Service"), "", "", known(serviceOptions(ctx), q.Get("service"), q.Get("service"))),
		From:    input("from", lang.T(ctx, "From"), timeInput(q.Get("from")), "", nil), To: input("to", lang.T(ctx, "To"), timeInput(q.Get("to")), "", nil),
		CanWho: all, Narrow: len(q) > 0,
	}
	for _, name := range []string{"who", "on", "service", "from", "to"} {
		f.Open = f.Open || wrong[name] != ""
	}
	return f
}

// known adds what was typed to the options when it is none of them, so that it
// stays on the form.
func known(options []views.Option, value, label string) []views.Option {
	for _, o := range options {
		if o.Value == value {
			return options
		}
	}
	return append(options[:len(options):len(options)], views.Option{Value: value, Label: label})
}

// actNames are the acts of a filter, which names several with commas between.
func actNames(ctx context.Context, what string) string {
	names := strings.Split(what, ",")
	for i, name := range names {
		names[i] = lang.Word(ctx, name)
	}
	return strings.Join(names, ", ")
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
func chips(ctx context.Context, q url.Values) []views.Chip {
	var all []views.Chip
	add := func(label, value string, names ...string) {
		var pairs []string
		for _, name := range names {
			pairs = append(pairs, name, "")
		}
		all = append(all, views.Chip{Label: label, Value: value, Path: auditPath(with(q, pairs...))})
	}
	for _, c := range []struct{ name, label string }{
		{"q", lang.T(ctx, "Text")}, {"who", lang.T(ctx, "Who")}, {"what", lang.T(ctx, "What")}, {"on", lang.T(ctx, "On whom")},
		{"outcome", lang.T(ctx, "Outcome")}, {"service", lang.T(ctx, "Service")},
	} {
		value := q.Get(c.name)
		if value == "" {
			continue
		}
		switch c.name {
		case "what":
			value = actNames(ctx, value)
		case "outcome":
			value = lang.Word(ctx, value)
		case "service":
			value = serviceName(ctx, value)
		}
		add(c.label, value, c.name)
	}
	switch from, to := readableTime(ctx, q.Get("from")), readableTime(ctx, q.Get("to")); {
	case from != "" && from == to: // the whole of one day
		add(lang.T(ctx, "Day"), from, "from", "to")
	case from != "" && to != "":
		add(lang.T(ctx, "Time"), lang.T(ctx, "%s to %s", from, to), "from", "to")
	case from != "":
		add(lang.T(ctx, "Since"), from, "from")
	case to != "":
		add(lang.T(ctx, "Until"), to, "to")
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
func readableTime(ctx context.Context, text string) string {
	t, err := readTime(text)
	switch {
	case text == "" || err != nil:
		return text
	case len(text) == len(time.DateOnly):
		return lang.Day(ctx, t)
	case t.Second() != 0:
		return lang.T(ctx, "%s, %s", lang.Day(ctx, t), t.Format("15:04:05"))
	}
	return lang.T(ctx, "%s, %s", lang.Day(ctx, t), t.Format("15:04"))
}
