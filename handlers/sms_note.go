package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"frontdesk/store"
	"frontdesk/views"
	"frontdesk/views/lang"
	"frontdesk/web/desk"
)

// A budget is mentioned when no more than this is left of it.
const (
	fewForNumber = 3
	fewForStaff  = 10
)

// phoneNote is what is to be said of a number before a code goes to it; of what
// is no number yet, only whom the code is for. A customer who is not there is
// left out.
func (h *Handlers) phoneNote(r *http.Request, typed, cuid string) (views.PhoneNote, error) {
	ctx := r.Context()
	phone, err := desk.ParsePhone(typed)
	if err != nil {
		var note views.PhoneNote
		c, err := found(h.Store.Customer(ctx, cuid))
		if c.CUID != "" {
			note.For, note.Asked = new(customerRow(c)), true
		}
		return note, err
	}
	file, err := h.Desk.OnFile(ctx, phone, cuid)
	if errors.Is(err, store.ErrNotFound) {
		file, err = h.Desk.OnFile(ctx, phone, "")
	}
	if err != nil {
		return views.PhoneNote{}, err
	}
	note, err := h.note(r, phone, file)
	note.Asked = cuid != "" && file.For.CUID == cuid
	return note, err
}

// codeNote is the same for a code that was sent.
func (h *Handlers) codeNote(r *http.Request, code store.Code) (views.PhoneNote, error) {
	file, err := h.Desk.OnFileOfCode(r.Context(), code)
	if err != nil {
		return views.PhoneNote{}, err
	}
	phone, err := desk.ParsePhone(code.Phone)
	if err != nil {
		phone = desk.Phone{E164: code.Phone, Pretty: code.Phone}
	}
	return h.note(r, phone, file)
}

func (h *Handlers) note(r *http.Request, phone desk.Phone, file desk.OnFile) (views.PhoneNote, error) {
	note := views.PhoneNote{Phone: phone.E164, Country: lang.Country(r.Context(), phone.Country), Refused: lang.Text(r.Context(), h.Desk.CountryRefused(phone)), State: file.State(), Whose: customerRows(file.Whose), Count: file.Count}
	if file.For.CUID != "" {
		note.For = new(customerRow(file.For))
		if _, ok := desk.PhoneOf(file.For); !ok {
			note.Unread = store.FirstNumber(file.For.Phone)
		}
	}
	left, err := h.Desk.SMSLeft(r.Context(), phone, visitOf(r).Actor.Staff.ID)
	if err != nil {
		return note, err
	}
	note.Next = h.ahead(left.Next)
	slots, err := h.Desk.SMSSlots(r.Context(), phone)
	if err != nil {
		return note, err
	}
	note.Slots = h.slots(slots)
	if n := left.Number; n >= 0 && n <= fewForNumber {
		note.Left = append(note.Left, leftForNumber(r.Context(), n))
	}
	if n := left.Staff; n >= 0 && n <= fewForStaff {
		note.Left = append(note.Left, leftForStaff(r.Context(), n))
	}
	return note, nil
}

// slots are a number's as pages show them.
func (h *Handlers) slots(s desk.SMSSlots) views.Slots {
	return views.Slots{Active: s.Active, Perhaps: s.Perhaps, Limit: s.Limit, Sure: s.Sure, Next: h.ahead(s.Next)}
}

func leftForNumber(ctx context.Context, n int) string {
	if n == 0 {
		return lang.T(ctx, "No codes are left today for this number.")
	}
	return lang.N(ctx, n, "%s code is left today for this number.", "%s codes are left today for this number.")
}

func leftForStaff(ctx context.Context, n int) string {
	if n == 0 {
		return lang.T(ctx, "No codes are left today for you to send.")
	}
	return lang.N(ctx, n, "%s code is left today for you to send.", "%s codes are left today for you to send.")
}

// ahead is a time to count down to, in whole seconds and never too early; zero
// when it is past.
func (h *Handlers) ahead(t time.Time) time.Time {
	if !t.After(h.Now()) {
		return time.Time{}
	}
	return t.Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// callerOf is the proof that a code gave its customer's caller; nil when there
// is none that holds.
func (h *Handlers) callerOf(r *http.Request, code store.Code, note views.PhoneNote) (*views.CallerProof, error) {
	if note.For == nil || code.UsedAt.IsZero() {
		return nil, nil
	}
	proof, err := h.Desk.CallerVerified(r.Context(), note.For.CUID)
	if err != nil || proof == nil || proof.Phone != code.Phone {
		return nil, err
	}
	return callerProof(*proof), nil
}

// callerProof is a proof as pages show it.
func callerProof(p store.Proof) *views.CallerProof {
	shown := &views.CallerProof{Phone: p.Phone, By: p.StaffName, At: p.At, Until: p.At.Add(desk.ProofHolds), EntryID: p.EntryID, OnFile: p.OnFile}
	if phone, err := desk.ParsePhone(p.Phone); err == nil {
		shown.Phone = phone.Pretty
	}
	return shown
}
