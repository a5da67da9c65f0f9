package handlers

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/call"
	"frontdesk/web/desk"
)

// noveltiesShown is how many home shows at once: each is a field of a form, which may
// have only so many. noveltyLines is how many of a call's it names.
const noveltiesShown, noveltyLines = maxFields - 10, 6

// noveltyAttention points out on home what is new in the services' answers, one item
// for each call.
func (h *Handlers) noveltyAttention(ctx context.Context) ([]views.AttentionItem, error) {
	all, err := h.Store.Novelties(ctx, noveltiesShown)
	if err != nil {
		return nil, err
	}
	var items []views.AttentionItem
	lines := map[[2]string][]string{}
	places := map[[2]string]int{}
	for _, l := range all {
		of := [2]string{l.Service, l.Endpoint}
		if _, ok := places[of]; !ok {
			places[of] = len(items)
			items = append(items, views.AttentionItem{Icon: "activity", Since: l.FirstSeen,
				Title: lang.T(ctx, "%s answers in a new way: %s", serviceName(ctx, l.Service), lang.Text(ctx, desk.CallName(l.Endpoint)))})
		}
		lines[of] = append(lines[of], noveltyLine(ctx, l))
		items[places[of]].Seen = append(items[places[of]].Seen, l.ID)
	}
	for of, i := range places {
		some := lines[of]
		if more := len(some) - noveltyLines; more > 0 {
			some = append(some[:noveltyLines:noveltyLines], lang.N(ctx, more, "and %s more", "and %s more"))
		}
		items[i].Text = strings.Join(some, " · ")
	}
	return items, nil
}

// noveltyLine says what is new.
func noveltyLine(ctx context.Context, l store.Learned) string {
	switch l.Kind {
	case call.TraitField:
		return lang.T(ctx, "new field %s", l.What)
	case call.TraitType:
		return lang.T(ctx, "a field of a new type %s", l.What)
	case call.TraitMessage:
		return lang.T(ctx, "new message “%s”", l.What)
	case call.TraitStatus:
		return lang.T(ctx, "new status %s", l.What)
	case call.TraitHost:
		return lang.T(ctx, "SSO leads to a new host, %s", l.What)
	}
	return lang.T(ctx, "more names or messages than are kept: what is new here is no longer noticed")
}

// noveltiesSeen takes what home showed as seen.
func (h *Handlers) noveltiesSeen(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	var ids []int64
	for _, text := range r.PostForm["id"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && len(ids) < noveltiesShown {
			ids = append(ids, id)
		}
	}
	seen, err := h.Desk.SeeNovelties(r.Context(), v.Actor, ids)
	if err != nil {
		return err
	}
	if seen > 0 {
		v.Prefs.flash("success", lang.T(r.Context(), "On record as seen. It is not pointed out any more."))
	}
	h.redirect(w, r, "/")
	return nil
}
