package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"frontdesk/web/ip1"
	"frontdesk/web/sandbox"
)

// hint is what is said of a number while it is typed.
func (b *browser) hint(phone string) *page {
	b.t.Helper()
	return b.get("/sms/country?phone="+url.QueryEscape(phone), "HX-Request", "true")
}

// held tells whether the page holds its form back, since iP1 would refuse.
func (p *page) held() bool {
	for n := range p.all("div") {
		if has(n, "data-sms-full") {
			return true
		}
	}
	return false
}

// wantCountdown holds that a page counts down to about this time, and to no
// other, inside an element with this attribute, or anywhere.
func (p *page) wantCountdown(inside string, at time.Time) {
	p.t.Helper()
	all := p.countdowns(inside)
	if len(all) == 0 {
		p.t.Errorf("%s: there is no countdown", p.what)
	}
	for _, t := range all {
		if off := t.Sub(at).Abs(); off > 3*time.Second {
			p.t.Errorf("%s: counts down to %s, want %s: %s off", p.what, t, at, off)
		}
	}
}

// TestSlotsAreSaidBeforeSending: how many codes of the number are active, and when
// the next slot frees; from what is known, without a call.
func TestSlotsAreSaidBeforeSending(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	b.hint(phoneA).wantNo("active on this number")
	var sent []time.Time
	var at string
	for i := range 5 {
		at = b.sentTo(phoneA, "")
		sent = append(sent, w.clock.Now())
		mark := w.mark()
		p := b.hint(phoneA)
		p.want(string(rune('1'+i)) + " of 5 codes active on this number")
		p.wantCountdown("", sent[0].Add(20*time.Minute))
		if p.held() != (i == 4) {
			t.Errorf("%d active: held is %v", i+1, p.held())
		}
		if called := w.box.Journal()[mark:]; len(called) > 0 {
			t.Errorf("typing called %v", called)
		}
		w.clock.advance(time.Minute)
	}
	w.clock.advance(30 * time.Second) // in words it is rounded up to minutes
	b.hint(phoneB).wantNo("active on this number")
	b.hint(phoneA).want("5 of 5 codes active on this number: iP1 sends no more; the next slot frees in 15 minutes")
	b.get("/sms?phone=" + url.QueryEscape(phoneA)).want("5 of 5 codes active on this number: iP1 sends no more")
	another := b.get(at)
	another.want("5 of 5 codes active on this number: iP1 sends no more.")
	another.wantNo("the next slot frees in") // the button counts down to that
	another.wantCountdown("data-cooldown-left", sent[0].Add(20*time.Minute))

	// Sent all the same, iP1 refuses it, and the error says when it can be.
	p := b.submit(b.get("/sms?phone="+url.QueryEscape(phoneA)), "/sms", nil)
	p.wantStatus(http.StatusUnprocessableEntity)
	p.wantErrors("phone")
	if text := p.problem(); !strings.Contains(text, "Too many active codes for this number") || !strings.Contains(text, "You can try again in 15 minutes") {
		t.Errorf("the problem is %q", text)
	}
	p.wantCountdown("data-problem", sent[0].Add(20*time.Minute))

	// One that is used frees its slot, and one that expires.
	b.submit(another, at+"/verify", url.Values{"code": {w.lastCode(phoneA)}}).wantStatus(http.StatusSeeOther)
	b.hint(phoneA).want("4 of 5 codes active on this number; the next slot frees in 15 minutes")
	w.clock.advance(sent[0].Add(20*time.Minute + time.Second).Sub(w.clock.Now()))
	p = b.hint(phoneA)
	p.want("3 of 5 codes active on this number")
	p.wantCountdown("", sent[1].Add(20*time.Minute))
}

// TestTheLimitIsTheAccounts, and while it is not known nothing is certain.
func TestTheLimitIsTheAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	alice := w.signedIn("alice")
	alice.submit(alice.get("/sms/settings"), "/sms/settings", url.Values{"concurrent_limit": {"2"}}).wantStatus(http.StatusSeeOther)
	post := func() *page {
		return alice.post("/sms", url.Values{"phone": {phoneA}, "receipt": {time.Now().String()}})
	}
	post().wantStatus(http.StatusSeeOther)
	alice.hint(phoneA).want("1 code active on this number; the next slot frees in") // of how many was not asked yet
	alice.get("/sms")
	alice.hint(phoneA).want("1 of 2 codes active on this number")
	post().wantStatus(http.StatusSeeOther)
	p := alice.hint(phoneA)
	p.want("2 of 2 codes active on this number: iP1 sends no more")
	if !p.held() {
		t.Error("the form is not held back")
	}
	post().wantStatus(http.StatusUnprocessableEntity)

	w.restart() // what the limit is has to be asked for again
	p = alice.hint(phoneA)
	p.want("2 codes active on this number; the next slot frees in")
	if p.held() {
		t.Error("the form is held back, though iP1's limit is not known")
	}
}

// TestCodesThatOthersSentTakeSlotsToo: only iP1 knows of them, and its refusal says
// when one frees all the same.
func TestCodesThatOthersSentTakeSlotsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	first := w.clock.Now()
	for range 5 {
		if _, err := w.desk.IP1.Send(t.Context(), ip1.Send{Phone: phoneA}); err != nil {
			t.Fatal(err)
		}
	}
	form := b.get("/sms?phone=" + url.QueryEscape(phoneA))
	form.wantNo("active on this number")
	p := b.submit(form, "/sms", nil)
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("5 of 5 codes active on this number: iP1 sends no more")
	p.wantCountdown("data-problem", first.Add(20*time.Minute))
	if !p.held() {
		t.Error("the form is not held back")
	}
}

// TestACodeWhoseAnswerWasLostMayTakeASlot.
func TestACodeWhoseAnswerWasLostMayTakeASlot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	form := b.get("/sms")
	w.fault(`{"service": "ip1", "lose_answer": true}`)
	b.submit(form, "/sms", url.Values{"phone": {phoneA}}).wantStatus(http.StatusBadGateway)
	w.calm()
	b.hint(phoneA).want("1 code may be active on this number.")
	b.sentTo(phoneA, "")
	b.hint(phoneA).want("1 of 5 codes active on this number, 1 more may be; the next slot frees in")
}

// TestTimesOfAServiceWhoseClockIsWrong are turned to ours, whether it is ahead or
// behind, and pages say that it is.
func TestTimesOfAServiceWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ clock, says string }{
		{"2m", "iP1's clock is 2 minutes ahead; times here are corrected."},
		{"-25m", "iP1's clock is 25 minutes behind; times here are corrected."}, // every code would be taken for expired
		{"-3h", "iP1's clock is 3 hours behind; times here are corrected."},
		{"40s", "iP1's clock is 40 seconds ahead; times here are corrected."},
		{"20s", ""},
	} {
		t.Run(c.clock, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{})
			w.fault(`{"service": "ip1", "clock": "` + c.clock + `"}`)
			b := w.signedIn("mia")
			b.get("/sms/settings") // not theirs; nothing is asked
			for range 5 {          // a code's page asks iP1
				b.get(b.sentTo(phoneB, "") + "?refresh=1")
			}
			at := b.sentTo(phoneA, "")
			ends := w.clock.Now().Add(20 * time.Minute)
			for _, path := range []string{at, at + "?refresh=1"} {
				p := b.get(path)
				p.want("Good for")
				p.wantCountdown("data-good", ends)
			}
			b.hint(phoneA).wantCountdown("", ends)
			for _, path := range []string{"/sms", "/"} {
				if p := b.get(path); strings.Contains(p.text(), "'s clock is") != (c.says != "") || !strings.Contains(p.text(), c.says) {
					t.Errorf("%s does not say %q", path, c.says)
				}
			}
			w.clock.advance(19*time.Minute + 50*time.Second)
			b.get(at + "?refresh=1").want("Good for")
			w.clock.advance(15 * time.Second)
			p := b.get(at)
			p.want("It ran out")
			p.wantNo("Good for")
			b.hint(phoneA).wantNo("active on this number")

			b.signIn("mia", sandbox.Password)
			at = b.sentTo(phoneA, "")
			b.submit(b.get(at), at+"/verify", url.Values{"code": {w.lastCode(phoneA)}}).wantStatus(http.StatusSeeOther)
			id, err := strconv.ParseInt(strings.TrimPrefix(at, "/sms/"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			code, err := w.db.Code(t.Context(), id)
			if err != nil || w.clock.Now().Sub(code.UsedAt).Abs() > 3*time.Second {
				t.Errorf("used at %s, now is %s, %v", code.UsedAt, w.clock.Now(), err)
			}
		})
	}
}

// TestThePreviewNeedsNoScript: it is there when the page comes, with a code of full
// length, and when the form comes back.
func TestThePreviewNeedsNoScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	b := w.signedIn("mia")
	p := b.get("/sms")
	p.want("1 SMS", "GSM characters: 5 of 160")
	p.wantNo("shown with JavaScript")
	p = b.submit(p, "/sms", url.Values{"phone": {"nobody"}, "message_format": {strings.Repeat("€", 70) + " {0}"}, "length": {"20"}, "expiration_time": {"60"}})
	p.wantStatus(http.StatusUnprocessableEntity)
	p.want("2 SMS", "GSM characters: 161 of 306", "60 seconds")
	p = b.submit(p, "/sms", url.Values{"message_format": {"Kod 😀 ś: {0}"}, "length": {"25"}, "numeric_only": {"true"}})
	p.want("4719382605471938260547193", "1 SMS", "“😀” makes this a Unicode message: 35 of 70 characters")
	b.submit(p, "/sms", url.Values{"message_format": {"no place"}}).want("The message needs {0}, where the code goes.")
}
