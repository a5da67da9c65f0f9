package handlers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// aroundSize is how many entries stand on either side of the one that is
// looked around.
const aroundSize = 25

func (h *Handlers) auditList(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if id := q.Get("around"); id != "" {
		return h.auditAround(w, r, id)
	}
	kept, _ := h.takeDraft(r, visitOf(r))
	if kept.Get("name") != "" { // a view that the session's end kept from being saved
		query, _ := url.ParseQuery(kept.Get("query"))
		return h.showAudit(w, r, http.StatusOK, query, failedView{typed: kept, kept: true})
	}
	if blanks(q, filterNames) { // as the form sends it; an address is for sharing
		h.redirect(w, r, auditPath(filterQuery(q)))
		return nil
	}
	return h.showAudit(w, r, http.StatusOK, q, failedView{})
}

// blanks tells whether one of the parameters is there, and blank.
func blanks(q url.Values, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return q.Has(name) && strings.TrimSpace(q.Get(name)) == "" })
}

// showAudit shows the log as q filters it, with the form that saves it as a
// view as it failed.
func (h *Handlers) showAudit(w http.ResponseWriter, r *http.Request, status int, q url.Values, failed failedView) error {
	ctx, staff := r.Context(), visitOf(r).Actor.Staff
	query := filterQuery(q)
	filter, wrong := audit.ParseFilter(query)
	own, err := h.narrow(r, &filter)
	if err != nil {
		return err
	}
	if !own && visitOf(r).Ahead {
		return errLater // to read what others did is an act that goes on record
	}
	h.hear(r)
	whats, err := h.Store.Whats(ctx)
	if err != nil {
		return err
	}
	page := views.AuditPage{
		Page: h.page(r, lang.T(ctx, "Audit log")), Own: own, Problem: h.problem(r, failed.problem), Kept: failed.kept,
		Filter: filterInputs(ctx, query, wrong, whats, staff.Role == store.Admin), Spans: spans(ctx, query, h.Now()), Chips: chips(ctx, query),
	}
	if page.Views, page.Save, err = h.savedViews(ctx, viewedAudit, staff, query, failed); err != nil {
		return err
	}
	if len(wrong) > 0 {
		if page.Problem == nil {
			page.Problem = h.problem(r, &desk.Problem{Title: "The filter cannot be used as it is", Text: "Mend what is marked; nothing is listed until then."})
		}
		page.Unread = true
		return h.render(w, r, http.StatusUnprocessableEntity, views.Audit(page))
	}
	asked := askedPage(q)
	results, err := h.Store.Search(ctx, filter, asked)
	if err == nil && asked.After != 0 && results.Reached == 0 && len(results.Entries) < pageSize {
		asked = audit.Page{Limit: pageSize} // the newest page, and a whole one
		results, err = h.Store.Search(ctx, filter, asked)
	}
	if err != nil {
		return err
	}
	counted, err := h.Store.Summarize(ctx, filter, chartBars)
	if err != nil {
		return err
	}
	if !own {
		h.Desk.ReadLog(ctx, visitOf(r).Actor, audit.Subject{ID: filter.OnID}, readingOf(query))
	}
	page.Rows, page.Chart, page.Turn = auditRows(ctx, results.Entries), auditChart(counted, query), turn(query, asked, results)
	if results.Reached != 0 {
		at, err := found(h.Store.Entry(ctx, results.Reached))
		if err != nil {
			return err
		}
		page.Turn.Reached = at.At
	}
	if staff.Role == store.Admin {
		page.Exports = exports(ctx, query)
	}
	if page.About = filter.OnID; page.About != "" && len(page.Rows) > 0 {
		page.About = page.Rows[0].OnName
	}
	return h.render(w, r, status, views.Audit(page))
}

// readingOf says for the record which part of the log is read.
func readingOf(query url.Values) string {
	if len(query) == 0 {
		return "everybody's entries"
	}
	return "entries filtered by " + query.Encode()
}

// askedPage reads which page of the log is asked for. An odd link leads to the
// newest.
func askedPage(q url.Values) audit.Page {
	page := audit.Page{Limit: pageSize}
	if page.Before = entryID(q.Get("cursor")); page.Before == 0 {
		page.After = entryID(q.Get("after"))
	}
	return page
}

// entryID is 0 for what is none.
func entryID(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0
	}
	return id
}

// turn makes the links to the pages on either side.
func turn(query url.Values, asked audit.Page, got audit.Found) views.Turn {
	link := func(name string, id int64) string {
		return auditPath(with(query, name, strconv.FormatInt(id, 10)))
	}
	newest, oldest := asked.Before-1, asked.After+1 // for a page without entries: from where it would be
	if n := len(got.Entries); n > 0 {
		newest, oldest = got.Entries[0].ID, got.Entries[n-1].ID
	}
	var t views.Turn
	if asked.Before != 0 || asked.After != 0 || got.Newer {
		t.Newest = auditPath(query)
	}
	up := asked.After != 0
	switch {
	case got.Reached != 0 && up:
		t.Further, t.Up = link("after", got.Reached), true
	case got.Reached != 0:
		t.Further = link("cursor", got.Reached)
	}
	if got.Newer && newest > 0 && !t.Up {
		t.Newer = link("after", newest)
	}
	if got.Older && oldest > 1 && (up || t.Further == "") {
		t.Older = link("cursor", oldest)
	}
	return t
}

// exports are the files that an admin can have of what is filtered.
func exports(ctx context.Context, query url.Values) []views.Link {
	csv := func(delimiter string) string {
		return "/audit/export.csv?" + with(query, "delimiter", delimiter).Encode()
	}
	lines := "/audit/export.jsonl"
	if len(query) > 0 {
		lines += "?" + query.Encode()
	}
	return []views.Link{
		{Label: lang.T(ctx, "CSV, comma"), Path: csv("comma")}, {Label: lang.T(ctx, "CSV, semicolon"), Path: csv("semicolon")},
		{Label: lang.T(ctx, "CSV, tab"), Path: csv("tab")},
		{Label: "JSON Lines", Path: lines},
	}
}

// auditAround shows one entry between its neighbours, whatever was filtered
// before.
func (h *Handlers) auditAround(w http.ResponseWriter, r *http.Request, text string) error {
	ctx, staff := r.Context(), visitOf(r).Actor.Staff
	id := entryID(text)
	if id == 0 {
		return errNothingHere
	}
	e, act, err := h.seenEntry(r, id)
	if err != nil {
		return err
	}
	if last := act[len(act)-1]; last.Phase == audit.Outcome {
		e = last // an act that is over stands in the log as its outcome
	}
	filter := near(staff, e)
	newer, err := h.Store.Search(ctx, filter, audit.Page{After: e.ID, Limit: aroundSize})
	if err != nil {
		return err
	}
	older, err := h.Store.Search(ctx, filter, audit.Page{Before: e.ID, Limit: aroundSize})
	if err != nil {
		return err
	}
	all := audit.Found{Entries: slices.Concat(newer.Entries, []audit.Entry{e}, older.Entries), Newer: newer.Newer, Older: older.Older}
	query := url.Values{}
	if filter.OnID != "" {
		query.Set("on", filter.OnID)
	}
	page := views.AuditPage{
		Page: h.page(r, lang.T(ctx, "Around entry %s", strconv.FormatInt(id, 10))), Around: e.ID, Rows: auditRows(ctx, all.Entries), Turn: turn(query, audit.Page{}, all),
		Own: filter.StaffID != 0,
	}
	page.Turn.Newest = auditPath(query)
	if filter.OnID != "" {
		page.About = auditRow(ctx, e).OnName
	}
	return h.render(w, r, http.StatusOK, views.AuditAround(page))
}

// spans are the time spans of one click; the rest of the filter stays.
func spans(ctx context.Context, query url.Values, now time.Time) []views.Link {
	var all []views.Link
	for _, s := range []struct {
		label string
		days  int
	}{{lang.T(ctx, "Today"), 1}, {lang.N(ctx, 7, "%s day", "%s days"), 7}, {lang.N(ctx, 30, "%s day", "%s days"), 30}} {
		from := startOfDay(now).AddDate(0, 0, 1-s.days).Format(time.DateOnly)
		all = append(all, views.Link{
			Label: s.label, Path: auditPath(with(query, "from", from, "to", "")), Current: query.Get("from") == from && query.Get("to") == "",
		})
	}
	return append(all, views.Link{Label: lang.T(ctx, "All time"), Path: auditPath(with(query, "from", "", "to", "")), Current: !query.Has("from") && !query.Has("to")})
}
