package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"frontdesk/store"
	"frontdesk/store/audit"
	"frontdesk/views"
	"frontdesk/views/lang"
)

func (h *Handlers) auditShow(w http.ResponseWriter, r *http.Request) error {
	ctx, staff := r.Context(), visitOf(r).Actor.Staff
	id, err := idOf(r)
	if err != nil {
		return err
	}
	e, act, err := h.seenEntry(r, id)
	if err != nil {
		return err
	}
	settled, err := found(h.Store.OpenCreateOfAct(ctx, e.Act))
	if err != nil {
		return err
	}
	h.hear(r)
	page := views.AuditEntryPage{
		Page: h.page(r, lang.T(ctx, "Entry %s", fmt.Sprint(e.ID))), Row: auditRow(ctx, e), Facts: facts(ctx, e, staff.Role), Changes: readChanges(e.Changes),
		Act: steps(ctx, act, e.ID), Settle: settleWords(ctx, settled),
	}
	page.Intent = e.Phase == audit.Intent
	if last := act[len(act)-1]; last.Phase == audit.Intent {
		page.Open = last.At
	}
	if page.Newer, page.Older, err = h.neighbours(ctx, near(staff, e), e.ID); err != nil {
		return err
	}
	page.Proof = h.entryProof(r, e)
	if e.Who.StaffID != staff.ID {
		h.Desk.ReadLog(ctx, visitOf(r).Actor, audit.Subject{}, fmt.Sprintf("entry %d", e.ID))
	}
	return h.render(w, r, http.StatusOK, views.AuditEntry(page))
}

// neighbours are the paths of the entries next to one within a part of the
// log; "" where it ends.
func (h *Handlers) neighbours(ctx context.Context, within audit.Filter, id int64) (newer, older string, err error) {
	path := func(p audit.Page) (string, error) {
		got, err := h.Store.Search(ctx, within, p)
		if err != nil || len(got.Entries) == 0 {
			return "", err
		}
		return auditRow(ctx, got.Entries[0]).Path(), nil
	}
	if newer, err = path(audit.Page{After: id, Limit: 1}); err != nil {
		return "", "", err
	}
	older, err = path(audit.Page{Before: id, Limit: 1})
	return newer, older, err
}

// steps are an act's entries with the time between them.
func steps(ctx context.Context, act []audit.Entry, shown int64) []views.ActStep {
	var all []views.ActStep
	for i, e := range act {
		step := views.ActStep{Row: auditRow(ctx, e), Intent: e.Phase == audit.Intent, Current: e.ID == shown}
		if i > 0 {
			step.Gap = e.At.Sub(act[i-1].At)
		}
		all = append(all, step)
	}
	return all
}

// facts are the fields of an entry that say something.
func facts(ctx context.Context, e audit.Entry, role store.Role) []views.NamedValue {
	var all []views.NamedValue
	add := func(name, value, href string) {
		if value != "" {
			all = append(all, views.NamedValue{Name: name, Value: value, Href: href})
		}
	}
	add(lang.T(ctx, "Time"), e.At.Format("2006-01-02 15:04:05.000 UTC"), "")
	who, href := whoName(ctx, e.Who), ""
	if e.Who.Username != "" {
		if e.Who.Name != "" {
			who += " (" + loginName(ctx, e.Who) + ", " + lang.Word(ctx, e.Who.Role) + ")"
		}
		if role == store.Admin {
			href = auditPath(url.Values{"who": {e.Who.Username}})
		}
	}
	add(lang.T(ctx, "Who"), strings.ReplaceAll(who, ", )", ")"), href)
	row := auditRow(ctx, e)
	add(lang.T(ctx, "On whom"), row.OnName, row.OnPath)
	if e.On.Email != row.OnName {
		add(lang.T(ctx, "E-mail"), e.On.Email, "")
	}
	if e.On.ID != row.OnName {
		add(lang.T(ctx, "Subject ID"), e.On.ID, "")
	}
	add(lang.T(ctx, "Reason"), e.Reason, "")
	add(lang.T(ctx, "Detail"), e.Detail, "")
	if e.Evidence != 0 {
		add(lang.T(ctx, "Caller verified by"), lang.T(ctx, "entry %s", fmt.Sprint(e.Evidence)), fmt.Sprintf("/audit/%d", e.Evidence))
	}
	add(lang.T(ctx, "Service"), serviceName(ctx, e.Service), "")
	if e.Status != 0 {
		add(lang.T(ctx, "HTTP status"), strconv.Itoa(e.Status), "")
	}
	if e.Duration > 0 {
		add(lang.T(ctx, "Took"), fmt.Sprintf("%d ms", e.Duration.Milliseconds()), "")
	}
	add(lang.T(ctx, "Address"), e.Who.Address, "")
	add(lang.T(ctx, "Browser"), e.Who.Agent, "")
	add(lang.T(ctx, "Session"), e.Who.Session, "")
	add(lang.T(ctx, "Request"), e.Who.Request, "")
	add(lang.T(ctx, "Act"), e.Act, "")
	return all
}

func serviceName(ctx context.Context, service string) string {
	for _, o := range serviceOptions(ctx) {
		if o.Value == service && service != "" {
			return o.Label
		}
	}
	return service
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
