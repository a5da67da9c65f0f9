package handlers

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// callerPanel is where the caller proves a number, beside the customer's details;
// empty when SMS is not set up.
func (h *Handlers) callerPanel(ctx context.Context, customer store.Customer, failed failedAct) (views.CallerPanel, error) {
	if !h.Desk.SMS() {
		return views.CallerPanel{}, nil
	}
	panel := views.CallerPanel{
		Offered: true, Send: bareForm("sms", failed), Verify: bareForm("verify", failed), More: smsOf(customer.CUID),
		Phone: views.Input{Name: "phone", Label: lang.T(ctx, "Phone number"), Type: "tel", Autocomplete: "off", InputMode: "tel", Required: true, MaxLength: 40,
			Placeholder: "+46 70 123 45 67"},
		Code: views.Input{Name: "code", Label: lang.T(ctx, "Code that the caller reads out"), Secret: true, Autocomplete: "off", Required: true,
			Mono: true, MaxLength: 100, Shortcut: "v"},
	}
	switch phone := desk.PhoneShown(customer); {
	case phone != "":
		panel.Phone.Value, panel.OnFile = phone, lang.T(ctx, "The number on file.")
	case store.FirstNumber(customer.Phone) != "":
		panel.OnFile = lang.T(ctx, "On file is %s: its country is not known.", store.FirstNumber(customer.Phone))
	default:
		panel.OnFile = lang.T(ctx, "No number is on file.")
	}
	var err error
	if panel.State, err = h.callerState(ctx, customer.CUID); err != nil {
		return panel, err
	}
	switch failed.act {
	case "sms":
		panel.Send.Open = true
		if typed := failed.typed.Get("phone"); typed != panel.Phone.Value {
			panel.Phone.Value, panel.OnFile = typed, ""
		}
		if failed.problem != nil {
			panel.Phone.Error, panel.Phone.Autofocus = fieldError(ctx, failed.problem, "phone"), panel.Send.Despite == ""
		}
	case "verify":
		if failed.problem != nil {
			panel.Code.Error, panel.Code.Autofocus = fieldError(ctx, failed.problem, "code"), true
		}
	}
	return panel, nil
}

// callerState is the proof of who is on the phone, as long as it holds, and the code
// that they have not read out yet.
func (h *Handlers) callerState(ctx context.Context, cuid string) (views.CallerState, error) {
	var state views.CallerState
	proof, err := h.Desk.CallerVerified(ctx, cuid)
	if err != nil {
		return state, err
	}
	if proof != nil {
		state.Proof = callerProof(*proof)
	}
	state.Code, err = h.codeUnderWay(ctx, cuid)
	return state, err
}

// smsOf is the form for a code to a customer, with every choice.
func smsOf(cuid string) string { return "/sms?" + url.Values{"customer": {cuid}}.Encode() }

// unsureHolds is for how long a code may yet arrive whose sending got no answer.
const unsureHolds = 15 * time.Minute

// codeUnderWay is the last code that was sent for a customer, while it can be
// read out; nil when there is none.
func (h *Handlers) codeUnderWay(ctx context.Context, cuid string) (*views.CodeRow, error) {
	code, err := found(h.Store.LastCodeFor(ctx, cuid))
	if err != nil || code.ID == 0 {
		return nil, err
	}
	row := codeRow(ctx, code, h.Now())
	row.Next = h.ahead(code.SentAt.Add(h.Desk.SMSCooldown))
	if row.Status == "active" || row.Status == "unknown" && h.Now().Before(code.SentAt.Add(unsureHolds)) {
		return &row, nil
	}
	return nil, nil
}

// customerBeside is the customer on whose page a form about codes was filled in; ""
// when it was on a page of codes.
func customerBeside(r *http.Request) string {
	if r.PostForm.Get("back") != "customer" {
		return ""
	}
	return clip(r.PostForm.Get("customer"), 1000)
}

// formPage is the page whose form was posted.
func formPage(r *http.Request) string {
	path := formPath(r.URL.EscapedPath())
	if cuid := customerBeside(r); cuid != "" && (path == "/sms" || strings.HasPrefix(path, "/sms/")) {
		if beside := views.CustomerPath(cuid); len(beside) <= maxBack {
			return beside
		}
	}
	return path
}
