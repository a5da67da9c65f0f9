package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/web/desk"
)

func (h *Handlers) auditList(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	filter, wrong := readFilter(q)
	own, err := h.narrow(r, &filter)
	if err != nil {
		return err
	}
	page := views.AuditPage{Page: h.page(r, "Audit log"), Own: own, First: filter.Before == 0}
	whats, err := h.Store.Whats(ctx)
	if err != nil {
		return err
	}
	page.Filter = filterInputs(q, wrong, whats)
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problem = h.problem(r, &desk.Problem{Title: "The filter cannot be used as it is", Text: "Mend what is marked; nothing is listed until then."})
		return h.render(w, r, status, views.Audit(page))
	}
	filter.Limit = pageSize + 1
	entries, err := h.Store.Entries(ctx, filter)
	if err != nil {
		return err
	}
	if len(entries) > pageSize {
		entries = entries[:pageSize]
		page.Next = pageLink(r.URL, strconv.FormatInt(entries[pageSize-1].ID, 10))
	}
	page.Rows = auditRows(entries)
	if page.About = filter.OnID; page.About != "" && len(entries) > 0 {
		page.About = page.Rows[0].OnName
	}
	return h.render(w, r, status, views.Audit(page))
}

// narrow holds a filter to what the reader may see: admins everything,
// managers their own acts and any one customer's timeline, viewers their own.
func (h *Handlers) narrow(r *http.Request, f *audit.Filter) (own bool, err error) {
	v := visitOf(r)
	switch role := v.Actor.Staff.Role; {
	case role == store.Admin:
		return false, nil
	case role == store.Manager && f.On != "":
		customer, err := found(h.Store.Customer(r.Context(), f.On))
		if err != nil {
			return true, err
		}
		if customer.CUID != "" {
			f.OnID, f.On = customer.CUID, ""
			return false, nil
		}
	}
	f.StaffID = v.Actor.Staff.ID
	return true, nil
}

// readFilter reads the address; wrong has a message per parameter that cannot
// be read.
func readFilter(q url.Values) (f audit.Filter, wrong map[string]string) {
	wrong = map[string]string{}
	f = audit.Filter{Who: clip(q.Get("who"), 200), What: clip(q.Get("what"), 200), On: clip(q.Get("on"), 320), Service: q.Get("service"), Text: clip(q.Get("q"), 200)}
	if f.Result = audit.Result(q.Get("outcome")); f.Result != "" && !slices.Contains(audit.Results, f.Result) {
		wrong["outcome"] = "One of the outcomes in the list."
	}
	if f.Service != "" && !slices.Contains([]string{"atom", "portal", "ip1"}, f.Service) {
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
	if cursor := q.Get("cursor"); cursor != "" {
		if f.Before, err = strconv.ParseInt(cursor, 10, 64); err != nil || f.Before < 1 {
			f.Before = 0 // an odd link: from the newest
		}
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

func filterInputs(q url.Values, wrong map[string]string, whats []string) views.AuditFilter {
	input := func(name, label, kind, placeholder string, options []views.Option) views.Input {
		return views.Input{ID: "filter-" + name, Name: name, Label: label, Type: kind, Placeholder: placeholder, Value: clip(q.Get(name), 320), Error: wrong[name], Options: options}
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
		Text: input("q", "Text", "search", "Anything that the log says", nil), Who: input("who", "Who", "text", "Name or username", nil),
		What: input("what", "What", "", "", acts), On: input("on", "On whom", "text", "Company, e-mail or cuid", nil),
		Outcome: input("outcome", "Outcome", "", "", outcomes),
		Service: input("service", "Service", "", "", []views.Option{{Value: "", Label: "Any"}, {Value: "atom", Label: "ATOM"}, {Value: "portal", Label: "Portal"}, {Value: "ip1", Label: "iP1"}}),
		From:    input("from", "From", "date", "", nil), To: input("to", "To", "date", "", nil),
	}
	for _, name := range []string{"q", "who", "what", "on", "outcome", "service", "from", "to"} {
		f.Narrow = f.Narrow || q.Get(name) != ""
	}
	return f
}

func (h *Handlers) auditShow(w http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), visitOf(r)
	id, err := idOf(r)
	if err != nil {
		return err
	}
	e, err := h.Store.Entry(ctx, id)
	if err != nil {
		return err
	}
	act, err := h.Store.EntriesOfAct(ctx, e.Act)
	if err != nil {
		return err
	}
	// By the whole act: the intent of a sign-in does not know yet who it is.
	if !slices.ContainsFunc(act, func(e audit.Entry) bool { return maySee(v.Actor.Staff, e) }) {
		return &desk.Problem{Kind: desk.Forbidden, Title: "Not allowed", Text: "This is somebody else's act.", Advice: "Admins can read the whole log."}
	}
	settled, err := found(h.Store.OpenCreateOfAct(ctx, e.Act))
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, views.AuditEntry(views.AuditEntryPage{
		Page: h.page(r, fmt.Sprintf("Entry %d", e.ID)), Row: auditRow(e), Facts: facts(e), Changes: readChanges(e.Changes), Act: auditRows(act),
		Settle: settleWords(settled),
	}))
}

// maySee holds product.md §2: admins see all, managers their own and acts on
// customers, viewers their own.
func maySee(s store.Staff, e audit.Entry) bool {
	return s.Role == store.Admin || e.Who.StaffID == s.ID || (s.Role == store.Manager && (aboutCustomer(e) || e.What == desk.WhatCreate))
}

func settleWords(c store.OpenCreate) string {
	switch c.State {
	case "open":
		return "The answer was lost. frontdesk is looking in ATOM's list whether the customer was created."
	case "created":
		return "The answer was lost, but the customer was created: ATOM lists them with cuid " + c.CUID + "."
	case "not created":
		return "The answer was lost, and the customer was not created: ATOM does not list them. It may be sent again."
	}
	return ""
}

// facts are the fields of an entry that say something.
func facts(e audit.Entry) []views.NamedValue {
	var all []views.NamedValue
	add := func(name, value, href string) {
		if value != "" {
			all = append(all, views.NamedValue{Name: name, Value: value, Href: href})
		}
	}
	add("Time", e.At.Format("2006-01-02 15:04:05.000 UTC"), "")
	who := whoName(e.Who)
	if e.Who.Username != "" {
		who += " (" + e.Who.Portal + ":" + e.Who.Username + ", " + e.Who.Role + ")"
	}
	add("Who", who, "")
	row := auditRow(e)
	add("On", row.OnName, row.OnPath)
	if e.On.Email != row.OnName {
		add("E-mail", e.On.Email, "")
	}
	add("Subject ID", e.On.ID, "")
	add("Phase", string(e.Phase), "")
	add("Outcome", string(e.Result), "")
	add("Reason", e.Reason, "")
	add("Detail", e.Detail, "")
	add("Service", e.Service, "")
	if e.Status != 0 {
		add("HTTP status", strconv.Itoa(e.Status), "")
	}
	if e.Duration > 0 {
		add("Took", e.Duration.String(), "")
	}
	add("Address", e.Who.Address, "")
	add("Browser", e.Who.Agent, "")
	add("Session", e.Who.Session, "")
	add("Request", e.Who.Request, "")
	add("Act", e.Act, "")
	return all
}

func readChanges(text string) []views.Change {
	var diff map[string][2]string
	if json.Unmarshal([]byte(text), &diff) != nil {
		return nil
	}
	var all []views.Change
	for name, c := range diff {
		all = append(all, views.Change{Name: name, Old: c[0], New: c[1]})
	}
	slices.SortFunc(all, func(a, b views.Change) int { return strings.Compare(a.Name, b.Name) })
	return all
}
